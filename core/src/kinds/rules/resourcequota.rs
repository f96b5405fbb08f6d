//! ResourceQuotas.
//! k8s: pkg/registry/core/resourcequota/strategy.go, pkg/apis/core/validation/validation.go

use super::fill::round_amounts;
use super::resource_names::{is_standard_for_quota, validate_quantity, validate_quota_resource_name};
use super::status;
use crate::kinds::validation::{Errors, IMMUTABLE, Located, internal_json};
use crate::kinds::{Facts, Rules, Strategy};
use crate::value::Value;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;

pub static RULES: Rules = Rules {
    default,
    validate,
    warnings_on_create,
    update: Strategy { validate_update, ..status::UPDATE },
    subresources: &[("status", Strategy { validate_update: validate_status_update, ..status::STATUS })],
    returns_deleted: true,
    ..status::SPLIT
};

fn default(object: &mut Value) {
    round_amounts(object, &[&["spec", "hard"], &["status", "hard"], &["status", "used"]]);
}

/// A quota of requests that is larger than the one of limits.
fn warnings_on_create(object: &Located<'_, '_>, _facts: &Facts<'_>, warnings: &mut Vec<String>) {
    let hard = object.at(&["spec", "hard"]);
    for resource in ["cpu", "memory", "storage", "ephemeral-storage"] {
        let requests = format!("requests.{resource}");
        let request = hard.key(&requests).quantity().map(|amount| (requests.as_str(), amount));
        let bare = || {
            let amount = hard.key(resource).quantity().filter(|_| matches!(resource, "cpu" | "memory"));
            amount.map(|amount| (resource, amount))
        };
        let limits = format!("limits.{resource}");
        let limit = hard.key(&limits).quantity();
        let (Some((name, request)), Some(limit)) = (request.or_else(bare), limit) else { continue };
        if request.compare(&limit) == Ordering::Greater {
            let (request, limit) = (request.canonical(), limit.canonical());
            warnings.push(format!("ResourceQuota {name} ({request}) should be less than {limits} ({limit})"));
        }
    }
}

fn validate(object: &Located<'_, '_>, _facts: &Facts<'_>, errors: &mut Errors) {
    let spec = object.member("spec");
    validate_amounts(&spec.member("hard"), errors);
    validate_scopes(&spec, errors);
    if spec.member("scopeSelector").is_set() {
        validate_selector(&spec, errors);
    }
}

fn validate_update(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    validate(object, facts, errors);
    let old = Located::root(facts.old);
    let names = |quota: &Located<'_, '_>| -> BTreeSet<String> {
        quota.at(&["spec", "scopes"]).items().map(|scope| scope.text().into()).collect()
    };
    if names(object) != names(&old) {
        errors.invalid(&object.at(&["spec", "scopes"]), IMMUTABLE);
    }
}

fn validate_status_update(object: &Located<'_, '_>, _facts: &Facts<'_>, errors: &mut Errors) {
    if object.at(&["metadata", "resourceVersion"]).is_empty() {
        errors.required(&object.member("resourceVersion"), "");
    }
    for list in ["hard", "used"] {
        validate_amounts(&object.member("status").member(list), errors);
    }
}

fn validate_amounts(amounts: &Located<'_, '_>, errors: &mut Errors) {
    for (name, amount) in amounts.entries() {
        if errors.is_full() {
            return;
        }
        validate_quota_resource_name(name, &amount, errors);
        validate_quantity(name, &amount, errors);
    }
}

const OF_PODS: &[&str] =
    &["Terminating", "NotTerminating", "NotBestEffort", "PriorityClass", "CrossNamespacePodAffinity"];

fn is_scope(scope: &str) -> bool {
    OF_PODS.contains(&scope) || matches!(scope, "BestEffort" | "VolumeAttributesClass")
}

/// Whether a quota of this scope can limit a resource.
fn is_for(scope: &str, resource: &str) -> bool {
    let compute = matches!(
        resource,
        "cpu" | "memory" | "limits.cpu" | "limits.memory" | "requests.cpu" | "requests.memory"
    );
    match scope {
        "BestEffort" => resource == "pods",
        "VolumeAttributesClass" => matches!(resource, "persistentvolumeclaims" | "requests.storage"),
        of_pods if OF_PODS.contains(&of_pods) => resource == "pods" || compute,
        _ => true,
    }
}

/// The resources of a quota that a scope cannot be applied to.
fn unfit<'v>(spec: &Located<'v, '_>, scope: &str) -> usize {
    let hard = spec.member("hard");
    hard.entries().filter(|(name, _)| is_standard_for_quota(name) && !is_for(scope, name)).count()
}

/// Upstream tells of a list as often as it has something to say of one of its items.
fn validate_scopes(spec: &Located<'_, '_>, errors: &mut Errors) {
    let scopes = spec.member("scopes");
    let mut seen = BTreeSet::new();
    for scope in scopes.items() {
        if errors.is_full() {
            return;
        }
        if !is_scope(scope.text()) {
            errors.invalid(&scopes, "unsupported scope");
        }
        for _ in 0..unfit(spec, scope.text()) {
            errors.invalid(&scopes, "unsupported scope applied to resource");
        }
        seen.insert(scope.text());
    }
    validate_pairs(&seen, &scopes, errors);
}

fn validate_pairs(seen: &BTreeSet<&str>, shown: &Located<'_, '_>, errors: &mut Errors) {
    for pair in [["BestEffort", "NotBestEffort"], ["Terminating", "NotTerminating"]] {
        if pair.iter().all(|scope| seen.contains(scope)) {
            errors.invalid(shown, "conflicting scopes");
        }
    }
}

fn validate_selector(spec: &Located<'_, '_>, errors: &mut Errors) {
    let selector = spec.member("scopeSelector");
    let place = selector.member("matchExpressions");
    let mut seen = BTreeSet::new();
    for expression in place.items() {
        if errors.is_full() {
            return;
        }
        let scope = expression.member("scopeName").text();
        if !is_scope(scope) {
            errors.invalid_value(&place.member("scopeName"), scope, "unsupported scope");
        }
        for _ in 0..unfit(spec, scope) {
            let shown = internal_json("ScopeSelector", selector.value());
            errors.invalid_shown(&place, &shown, "unsupported scope applied to resource");
        }
        validate_operator(&place, &expression, errors);
        seen.insert(scope);
    }
    validate_pairs(&seen, &spec.member("scopes").shown_at(&place), errors);
}

/// Upstream's paths name the list, and not which of its items is wrong.
fn validate_operator(place: &Located<'_, '_>, expression: &Located<'_, '_>, errors: &mut Errors) {
    let (scope, operator) = (expression.member("scopeName").text(), expression.member("operator").text());
    let at = place.member("operator");
    let only_exists = is_scope(scope) && !matches!(scope, "PriorityClass" | "VolumeAttributesClass");
    if only_exists && operator != "Exists" {
        let detail = "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, \
             ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or \
             ResourceQuotaScopeCrossNamespacePodAffinity";
        errors.invalid_value(&at, operator, detail);
    }
    let (values, held) = (place.member("values"), expression.member("values"));
    match operator {
        "In" | "NotIn" if held.is_empty() => {
            let detail = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
            errors.required(&values, detail);
        }
        "Exists" | "DoesNotExist" if !held.is_empty() => {
            let detail = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
            errors.invalid(&held.shown_at(&values), detail);
        }
        "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
        other => errors.invalid_value(&at, other, "not a valid selector operator"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json;
    use crate::kinds::facts::given::{InMemory, with_facts};

    #[test]
    fn quotas_have_upstreams_problems() {
        let table = [
            (r#"{"hard":{"pods":"1","cpu":"1","x.y/z":"1","count/pods":"0"}}"#, ""),
            (
                r#"{"hard":{"pods":"1500m","storage":"1","x":"-1"}}"#,
                "[spec.hard[pods]: Invalid value: \"1500m\": must be an integer, \
                 spec.hard[storage]: Invalid value: \"storage\": must be a standard resource for quota, \
                 spec.hard[x]: Invalid value: \"x\": must be a standard resource type or fully qualified, \
                 spec.hard[x]: Invalid value: \"x\": must be a standard resource for quota, \
                 spec.hard[x]: Invalid value: \"-1\": must be greater than or equal to 0]",
            ),
            (
                r#"{"hard":{"cpu":"1"},"scopes":["BestEffort"]}"#,
                "spec.scopes: Invalid value: [\"BestEffort\"]: unsupported scope applied to resource",
            ),
            (
                r#"{"scopes":["Terminating","NotTerminating"]}"#,
                "spec.scopes: Invalid value: [\"Terminating\",\"NotTerminating\"]: conflicting scopes",
            ),
            (
                r#"{"hard":{"cpu":"1"},
                    "scopeSelector":{"matchExpressions":[{"scopeName":"BestEffort","operator":"Exists"}]}}"#,
                "spec.scopeSelector.matchExpressions: Invalid value: {\"MatchExpressions\":[{\"ScopeName\":\
                 \"BestEffort\",\"Operator\":\"Exists\",\"Values\":null}]}: unsupported scope applied to resource",
            ),
            (
                r#"{"scopeSelector":{"matchExpressions":[{"scopeName":"PriorityClass","operator":"In"}]}}"#,
                "spec.scopeSelector.matchExpressions.values: Required value: \
                 must be at least one value when `operator` is 'In' or 'NotIn' for scope selector",
            ),
        ];
        for (spec, expected) in table {
            let text = format!(r#"{{"spec":{spec}}}"#);
            let object = json::parse(text.as_bytes()).expect("JSON").value;
            let mut errors = Errors::new();
            with_facts(&InMemory::default(), |facts| validate(&Located::root(&object), facts, &mut errors));
            let summary = if errors.is_empty() { String::new() } else { errors.summary() };
            assert_eq!(summary, expected, "{spec}");
        }
    }
}
