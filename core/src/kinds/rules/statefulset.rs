//! StatefulSets.
//! k8s: pkg/registry/apps/statefulset/strategy.go, pkg/apis/apps/v1/defaults.go, pkg/apis/apps/validation/validation.go

use super::fill::{Default, Fill, each, fill};
use super::persistentvolumeclaim::{self, SpecRules, validate_claim_spec};
use super::pod::validation::validate_pod_template_spec;
use super::workload::{
    self, int_or_percent_value, shown_selector, shown_struct, validate_collisions, validate_counts,
    validate_labels_match, validate_needed_selector,
};
use super::{pod, status, warnings};
use crate::kinds::metadata::{validate_annotations, validate_labels};
use crate::kinds::validation::{
    Errors, Located, semantically_equal, validate_at_most_100_percent, validate_int_or_percent,
    validate_nonnegative_field,
};
use crate::kinds::{Facts, Generation, Rules, Strategy};
use crate::selector::LabelSelector;
use crate::value::{Map, Value, names};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

pub static RULES: Rules = Rules {
    name: names::dns_label,
    default,
    prepare_for_create,
    validate,
    warnings_on_create,
    update: UPDATE,
    subresources: &[("scale", UPDATE), ("status", STATUS)],
    generation: Generation::Spec,
    ..status::SPLIT
};

const UPDATE: Strategy =
    Strategy { prepare_for_update, validate_update, warnings_on_update, ..status::UPDATE };

const STATUS: Strategy = Strategy { validate_update: validate_status_update, ..status::STATUS };

const DEFAULTS: &[Default] = &[
    (&["spec"], "podManagementPolicy", Fill::Text("OrderedReady")),
    (&["spec"], "updateStrategy", Fill::Object),
    (&["spec"], "persistentVolumeClaimRetentionPolicy", Fill::Object),
    (&["spec", "persistentVolumeClaimRetentionPolicy"], "whenDeleted", Fill::Text("Retain")),
    (&["spec", "persistentVolumeClaimRetentionPolicy"], "whenScaled", Fill::Text("Retain")),
    (&["spec"], "replicas", Fill::Int(1)),
    (&["spec"], "revisionHistoryLimit", Fill::Int(10)),
];

/// The strategy of a set that names none.
const ROLLING: &[Default] =
    &[(&[], "type", Fill::Text("RollingUpdate")), (&[], "rollingUpdate", Fill::Object)];

const PARTITION: &[Default] = &[(&["rollingUpdate"], "partition", Fill::Int(0))];

fn default(object: &mut Value) {
    fill(object, DEFAULTS);
    each(object, &["spec", "updateStrategy"], &mut |strategy| {
        if strategy.text_at(&["type"]).is_empty() {
            fill(strategy, ROLLING);
        }
        if strategy.text_at(&["type"]) == "RollingUpdate" {
            fill(strategy, PARTITION);
        }
    });
    each(object, &["spec", "template"], &mut pod::default_template);
    each(object, &["spec", "volumeClaimTemplates", "*"], &mut |claim| {
        // Whatever a client calls them, they are claims.
        claim.set("apiVersion", "v1".into());
        claim.set("kind", "PersistentVolumeClaim".into());
        persistentvolumeclaim::default(claim);
    });
}

fn prepare_for_create(object: &mut Value, facts: &Facts<'_>) {
    workload::prepare_for_create(object, facts);
    drop_max_unavailable(object, facts);
}

fn prepare_for_update(object: &mut Value, facts: &Facts<'_>) {
    workload::prepare_for_update(object, facts);
    drop_max_unavailable(object, facts);
}

/// The number of pods that a rolling update may miss is a feature that is off; who has it keeps it.
fn drop_max_unavailable(object: &mut Value, facts: &Facts<'_>) {
    const LIMIT: &[&str] = &["spec", "updateStrategy", "rollingUpdate", "maxUnavailable"];
    if facts.old.at(LIMIT).is_none_or(Value::is_null) {
        object.remove_at(LIMIT);
    }
}

fn warnings_on_create(object: &Located<'_, '_>, facts: &Facts<'_>, warnings: &mut Vec<String>) {
    pod::warnings::workload(object, facts, warnings);
    for claim in object.at(&["spec", "volumeClaimTemplates"]).items() {
        // Upstream leaves the claim's spec out of the path.
        warnings::claim_spec(&claim.member("spec").shown_at(&claim), warnings);
    }
    warn_of_history(object, warnings);
}

fn warnings_on_update(object: &Located<'_, '_>, facts: &Facts<'_>, warnings: &mut Vec<String>) {
    pod::warnings::changed_workload(object, facts, warnings);
    for claim in object.at(&["spec", "volumeClaimTemplates"]).items() {
        // Upstream writes the claim of an update so.
        warnings::claim_spec(&claim.member("spec").shown_as("Spec"), warnings);
    }
    warn_of_history(object, warnings);
}

fn warn_of_history(object: &Located<'_, '_>, warnings: &mut Vec<String>) {
    let limit = object.at(&["spec", "revisionHistoryLimit"]);
    if limit.int() < 0 {
        warnings.push(format!(
            "{limit}: a negative value retains all historical revisions; a value >= 0 is recommended"
        ));
    }
}

/// What of a spec is not looked at.
#[derive(Clone, Copy, Debug, Default)]
struct Skipped {
    service_name: bool,
    template: bool,
    claims: bool,
}

fn validate(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    validate_spec(&object.member("spec"), facts, Skipped::default(), errors);
}

/// What cannot change is not looked at again, and a template neither if the stored one is bad already.
fn validate_update(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    const MUTABLE: &[&str] = &[
        "replicas",
        "template",
        "updateStrategy",
        "minReadySeconds",
        "ordinals",
        "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy",
    ];
    let mut skipped = Skipped { service_name: true, template: false, claims: true };
    let mut old_errors = Errors::new();
    validate_spec(&Located::root(facts.old).member("spec"), facts, skipped, &mut old_errors);
    skipped.template = !old_errors.is_empty();
    let spec = object.member("spec");
    validate_spec(&spec, facts, skipped, errors);
    let null = Value::Null;
    let held = facts.old.field("spec").unwrap_or(&null);
    let mut new = spec.value().unwrap_or(&null).clone();
    for field in MUTABLE.iter().copied() {
        new.take(held, &[field]);
    }
    if !semantically_equal(Some(&new), Some(held)) {
        let detail = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', \
             'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' \
             are forbidden";
        errors.forbidden(&spec, detail);
    }
}

fn validate_spec(spec: &Located<'_, '_>, facts: &Facts<'_>, skipped: Skipped, errors: &mut Errors) {
    let policy = spec.member("podManagementPolicy");
    match policy.text() {
        "OrderedReady" | "Parallel" => {}
        "" => errors.required(&policy, ""),
        _ => errors.invalid(&policy, "must be 'OrderedReady' or 'Parallel'"),
    }
    validate_strategy(&spec.member("updateStrategy"), errors);
    let retention = spec.member("persistentVolumeClaimRetentionPolicy");
    for when in ["whenDeleted", "whenScaled"].into_iter().filter(|_| retention.is_set()) {
        let held = retention.member(when);
        if !matches!(held.text(), "Retain" | "Delete") {
            errors.not_supported_text(&held, &["Retain", "Delete"]);
        }
    }
    if !skipped.claims {
        for claim in spec.member("volumeClaimTemplates").items() {
            validate_claim_spec(&claim.member("spec"), SpecRules::default(), errors);
        }
    }
    validate_nonnegative_field(&spec.member("replicas"), errors);
    validate_nonnegative_field(&spec.member("minReadySeconds"), errors);
    validate_nonnegative_field(&spec.at(&["ordinals", "start"]), errors);
    let service = spec.member("serviceName");
    if !skipped.service_name && !service.is_empty() {
        errors.invalid_for_each(&service, service.text(), names::dns_label(service.text(), false));
    }
    let selector = spec.member("selector");
    validate_needed_selector(&selector, "statefulset", errors);
    match LabelSelector::from_object(selector.value()) {
        Ok(selected) => validate_template(spec, &selected, facts, skipped, errors),
        Err(_) => errors.invalid_shown(&selector, &shown_selector(&selector), ""),
    }
    let pods = spec.at(&["template", "spec"]);
    let (policy, deadline) = (pods.member("restartPolicy"), pods.member("activeDeadlineSeconds"));
    if policy.text() != "Always" {
        errors.not_supported_text(&policy, &["Always"]);
    }
    if deadline.is_set() {
        errors.forbidden(&deadline, "activeDeadlineSeconds in StatefulSet is not Supported");
    }
}

fn validate_strategy(strategy: &Located<'_, '_>, errors: &mut Errors) {
    let rolling = strategy.member("rollingUpdate");
    match strategy.member("type").text() {
        "" => errors.required(strategy, ""),
        "OnDelete" if rolling.is_set() => {
            let shown = shown_struct("RollingUpdateStatefulSetStrategy", &rolling);
            errors.invalid_value(&rolling, shown, "only allowed for updateStrategy 'RollingUpdate'");
        }
        "OnDelete" => {}
        "RollingUpdate" => {
            validate_nonnegative_field(&rolling.member("partition"), errors);
            let limit = rolling.member("maxUnavailable");
            if limit.is_set() {
                validate_int_or_percent(&limit, errors);
                if int_or_percent_value(&limit) == 0 {
                    errors.invalid(&limit, "cannot be 0");
                }
                validate_at_most_100_percent(&limit, errors);
            }
        }
        _ => {
            let shown = shown_struct("StatefulSetUpdateStrategy", strategy);
            errors.invalid_value(strategy, shown, "must be 'RollingUpdate' or 'OnDelete'");
        }
    }
}

/// The template with the volumes that its pods will have: those of the claims come first. The controller sets the name
/// of the host and the subdomain itself.
fn validate_template(
    spec: &Located<'_, '_>,
    selected: &LabelSelector,
    facts: &Facts<'_>,
    skipped: Skipped,
    errors: &mut Errors,
) {
    let template = spec.member("template");
    let mut filled = template.value().cloned().unwrap_or_default();
    filled.remove_at(&["spec", "subdomain"]);
    filled.remove_at(&["spec", "hostname"]);
    let claims = spec.member("volumeClaimTemplates");
    if !claims.is_empty() {
        fill_volumes(&mut filled, &claims);
    }
    let filled = Located::root(&filled);
    let template = filled.shown_at(&template);
    if !selected.is_everything() {
        validate_labels_match(&template, selected, errors);
    }
    if !skipped.template {
        validate_pod_template_spec(&template, facts, errors);
    }
    // Upstream leaves out the step to the metadata, and looks at some of it twice.
    let metadata = template.member("metadata");
    let (labels, annotations) = (template.member("labels"), template.member("annotations"));
    validate_labels(&metadata.member("labels").shown_at(&labels), errors);
    validate_annotations(&metadata.member("annotations").shown_at(&annotations), errors);
}

fn fill_volumes(template: &mut Value, claims: &Located<'_, '_>) {
    let mut by_name = Map::new();
    for claim in claims.items() {
        let name = Value::from(claim.at(&["metadata", "name"]).text());
        let mut volume = Value::empty_map();
        volume.set_at(&["persistentVolumeClaim", "claimName"], name.clone());
        volume.set("name", name);
        by_name.insert(claim.at(&["metadata", "name"]).text(), volume);
    }
    let own = template.at(&["spec", "volumes"]).and_then(Value::as_list).unwrap_or_default().to_vec();
    let others = own.into_iter().filter(|volume| !by_name.contains_key(volume.text_at(&["name"])));
    let volumes = by_name.iter().map(|(_, volume)| volume.clone()).chain(others).collect();
    template.set_at(&["spec", "volumes"], Value::list(volumes));
}

fn validate_status_update(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    const COUNTS: &[&str] = &[
        "replicas",
        "readyReplicas",
        "currentReplicas",
        "updatedReplicas",
        "availableReplicas",
        "observedGeneration",
        "collisionCount",
    ];
    const BELOW: &[&str] = &["readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"];
    validate_counts(&object.member("status"), COUNTS, BELOW, "status.readyReplicas", errors);
    validate_collisions(object, facts, errors);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json;
    use crate::kinds::rules::workload::given::problems;

    const BASE: &str = r#""selector":{"matchLabels":{"a":"b"}},"podManagementPolicy":"Parallel",
        "template":{"metadata":{"labels":{"a":"b"}},"spec":{"restartPolicy":"Always"}}"#;

    fn object(more: &str) -> String {
        format!(r#"{{"spec":{{{BASE},{more}}}}}"#)
    }

    #[test]
    fn sets_have_upstreams_problems() {
        let rolling = r#""updateStrategy":{"type":"RollingUpdate"}"#;
        let table = [
            (object(rolling), ""),
            (
                object(r#""updateStrategy":{"type":"X"},"serviceName":"A.b","ordinals":{"start":-1}"#),
                "spec.updateStrategy: Invalid value: {\"Type\":\"X\",\"RollingUpdate\":null}: \
                 must be 'RollingUpdate' or 'OnDelete'",
            ),
            (
                object(r#""updateStrategy":{"type":"OnDelete","rollingUpdate":{"partition":1}}"#),
                "spec.updateStrategy.rollingUpdate: Invalid value: {\"Partition\":1,\"MaxUnavailable\":null}: \
                 only allowed for updateStrategy 'RollingUpdate'",
            ),
            (
                object(&format!(
                    r#"{rolling},"persistentVolumeClaimRetentionPolicy":{{"whenScaled":"Delete"}}"#
                )),
                "spec.persistentVolumeClaimRetentionPolicy.whenDeleted: Unsupported value: \"\": supported values: \
                 \"Retain\", \"Delete\"",
            ),
        ];
        for (object, expected) in &table {
            let found = problems(validate, object, None);
            assert!(found.trim_start_matches('[').starts_with(expected), "{object}: {found}");
            assert_eq!(found.is_empty(), expected.is_empty(), "{object}: {found}");
        }
    }

    #[test]
    fn a_named_strategy_is_not_filled() {
        let table = [
            ("{}", r#"{"rollingUpdate":{"partition":0},"type":"RollingUpdate"}"#),
            (r#"{"type":"RollingUpdate"}"#, r#"{"type":"RollingUpdate"}"#),
            (
                r#"{"type":"RollingUpdate","rollingUpdate":{}}"#,
                r#"{"rollingUpdate":{"partition":0},"type":"RollingUpdate"}"#,
            ),
            (r#"{"type":"OnDelete"}"#, r#"{"type":"OnDelete"}"#),
        ];
        for (strategy, expected) in table {
            let text = format!(r#"{{"spec":{{"updateStrategy":{strategy}}}}}"#);
            let mut set = json::parse(text.as_bytes()).expect("JSON").value;
            default(&mut set);
            let strategy = set.at(&["spec", "updateStrategy"]).map(json::to_string);
            assert_eq!(strategy.as_deref(), Some(expected));
        }
    }

    #[test]
    fn most_of_a_spec_stays() {
        let old = object(r#""updateStrategy":{"type":"OnDelete"},"serviceName":"s","replicas":1"#);
        let scaled = old.replace("\"replicas\":1", "\"replicas\":2").replace("OnDelete", "RollingUpdate");
        assert_eq!(problems(validate_update, &scaled, Some(&old)), "");
        let renamed = old.replace("\"s\"", "\"t\"");
        assert!(
            problems(validate_update, &renamed, Some(&old))
                .starts_with("spec: Forbidden: updates to statefulset")
        );
    }
}
