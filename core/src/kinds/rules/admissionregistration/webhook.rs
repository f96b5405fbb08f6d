//! Webhook configurations.
//! k8s: pkg/apis/admissionregistration/validation/validation.go

use super::matching::{
    validate_failure_policy, validate_match_conditions, validate_match_policy, validate_rule,
};
use crate::kinds::Facts;
use crate::kinds::metadata;
use crate::kinds::validation::{
    Errors, Located, is_known_review_version, validate_fully_qualified_name, validate_label_selector,
    validate_review_versions, validate_webhook_service, validate_webhook_url,
};
use crate::value::names::dns_subdomain;
use alloc::collections::BTreeSet;

const SIDE_EFFECTS: &[&str] = &["None", "NoneOnDryRun", "Some", "Unknown"];
const NO_SIDE_EFFECTS: &[&str] = &["None", "NoneOnDryRun"];
/// What an update may keep, since a stored webhook has it.
#[derive(Clone, Copy, Default)]
struct Kept {
    side_effects: bool,
    review_versions: bool,
    names: bool,
    label_values: bool,
    /// The conditions are those of the stored webhooks.
    conditions: bool,
}

impl Kept {
    fn of(new: &Located<'_, '_>, old: &Located<'_, '_>) -> Self {
        let (new, old) = (new.member("webhooks"), old.member("webhooks"));
        let mut names = BTreeSet::new();
        let conditions = |hooks: &Located<'_, '_>, index: usize| {
            hooks.index(index).member("matchConditions").value().cloned().unwrap_or_default()
        };
        Self {
            side_effects: old
                .items()
                .any(|hook| !NO_SIDE_EFFECTS.contains(&hook.member("sideEffects").text())),
            review_versions: old.items().any(|hook| {
                let versions = hook.member("admissionReviewVersions");
                !versions.is_empty()
                    && !versions.items().any(|version| is_known_review_version(version.text()))
            }),
            names: !old.items().all(|hook| names.insert(hook.member("name").text())),
            label_values: old.items().any(|hook| {
                let mut errors = Errors::new();
                for field in ["namespaceSelector", "objectSelector"] {
                    validate_label_selector(&hook.member(field), false, &mut errors);
                }
                !errors.is_empty()
            }),
            conditions: new.len() == old.len()
                && (0..new.len()).all(|index| conditions(&new, index) == conditions(&old, index)),
        }
    }
}

pub(super) fn validate(object: &Located<'_, '_>, _facts: &Facts<'_>, errors: &mut Errors) {
    validate_webhooks(&object.member("webhooks"), Kept::default(), errors);
}

pub(super) fn validate_update(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    metadata::validate(object, false, dns_subdomain, errors);
    let kept = Kept::of(object, &Located::root(facts.old));
    validate_webhooks(&object.member("webhooks"), kept, errors);
}

fn validate_webhooks(webhooks: &Located<'_, '_>, kept: Kept, errors: &mut Errors) {
    let mut names = BTreeSet::new();
    for hook in webhooks.items() {
        if errors.is_full() {
            return;
        }
        validate_webhook(&hook, kept, errors);
        let versions = hook.member("admissionReviewVersions");
        let required = "must specify one of v1, v1beta1";
        validate_review_versions(&versions, required, kept.review_versions, errors);
        let name = hook.member("name");
        if !kept.names && !name.is_empty() && !names.insert(name.text()) {
            errors.duplicate_value(&name, name.text());
        }
    }
}

fn validate_webhook(hook: &Located<'_, '_>, kept: Kept, errors: &mut Errors) {
    validate_fully_qualified_name(&hook.member("name"), errors);
    hook.member("rules").items().for_each(|rule| validate_rule(&rule, errors));
    validate_failure_policy(&hook.member("failurePolicy"), errors);
    validate_match_policy(&hook.member("matchPolicy"), errors);
    let (effects, timeout) = (hook.member("sideEffects"), hook.member("timeoutSeconds"));
    let allowed = if kept.side_effects { SIDE_EFFECTS } else { NO_SIDE_EFFECTS };
    if !effects.is_set() {
        errors.required(&effects, format_args!("must specify one of {}", allowed.join(", ")));
    } else if !allowed.contains(&effects.text()) {
        errors.not_supported(&effects, allowed);
    }
    if timeout.int_if_set().is_some_and(|seconds| !(1..=30).contains(&seconds)) {
        errors.invalid(&timeout, "the timeout value must be between 1 and 30 seconds");
    }
    for field in ["namespaceSelector", "objectSelector"] {
        validate_label_selector(&hook.member(field), kept.label_values, errors);
    }
    const REINVOCATIONS: &[&str] = &["IfNeeded", "Never"];
    let reinvocation = hook.member("reinvocationPolicy");
    if reinvocation.is_set() && !REINVOCATIONS.contains(&reinvocation.text()) {
        errors.not_supported(&reinvocation, REINVOCATIONS);
    }
    validate_client(&hook.member("clientConfig"), errors);
    if !kept.conditions {
        validate_match_conditions(&hook.member("matchConditions"), false, errors);
    }
}

fn validate_client(client: &Located<'_, '_>, errors: &mut Errors) {
    let (url, service) = (client.member("url"), client.member("service"));
    match (url.is_set(), service.is_set()) {
        (true, false) => validate_webhook_url(&url, errors),
        (false, true) => validate_webhook_service(&service, errors),
        (true, true) | (false, false) => {
            errors.required(client, "exactly one of url or service is required");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::rules::workload::given::problems;

    #[test]
    fn webhooks_are_checked() {
        let table: &[(&str, Option<&str>, &str)] = &[
            (
                r#"{"webhooks":[{"name":"a.b.c","sideEffects":"None","timeoutSeconds":30,"admissionReviewVersions":["v1"],"clientConfig":{"url":"https://a"},"rules":[{"operations":["*"],"apiGroups":[""],"apiVersions":["v1"],"resources":["*/*"]}]}]}"#,
                None,
                "",
            ),
            (
                r#"{"webhooks":[{"name":"a.b.c","timeoutSeconds":31,"admissionReviewVersions":["v2","v2"],"clientConfig":{}},{"name":"a.b.c","sideEffects":"Some","admissionReviewVersions":["v1"],"clientConfig":{"url":"https://a"},"rules":[{"operations":["CREATE"],"apiGroups":["*","a"],"apiVersions":["v1"],"resources":["a/*","a/b"]}]}]}"#,
                None,
                r#"[webhooks[0].sideEffects: Required value: must specify one of None, NoneOnDryRun, webhooks[0].timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds, webhooks[0].clientConfig: Required value: exactly one of url or service is required, webhooks[0].admissionReviewVersions[1]: Invalid value: "v2": duplicate version, webhooks[0].admissionReviewVersions: Invalid value: ["v2","v2"]: must include at least one of v1, v1beta1, webhooks[1].rules[0].apiGroups: Invalid value: ["*","a"]: if '*' is present, must not specify other API groups, webhooks[1].rules[0].resources[1]: Invalid value: "a/b": if 'a/*' is present, must not specify a/b, webhooks[1].sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun", webhooks[1].name: Duplicate value: "a.b.c"]"#,
            ),
            (r#"{"webhooks":[]}"#, None, ""),
        ];
        for (object, old, wanted) in table {
            assert_eq!(problems(validate, object, *old), *wanted, "{object}");
        }
    }
}
