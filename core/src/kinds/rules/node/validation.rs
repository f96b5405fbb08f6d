//! What a node must look like, and how it may change.
//! k8s: pkg/apis/core/validation/validation.go ValidateNode, ValidateNodeUpdate

use super::configuration;
use crate::codec::json;
use crate::kinds::Facts;
use crate::kinds::metadata::validate_built_in;
use crate::kinds::rules::resource_names::validate_quantity;
use crate::kinds::rules::workload::shown_struct;
use crate::kinds::validation::{Errors, Located, validate_cidr_for_legacy_field, validate_positive_field};
use crate::status::CauseType;
use crate::value::ip::SloppyCidr;
use crate::value::names::{label_key, label_value};
use crate::value::{Type, Value, names, quoted};
use alloc::collections::BTreeSet;
use alloc::format;

/// Annotations that once said what fields say now.
const TAINTS: &str = "scheduler.alpha.kubernetes.io/taints";
const AVOID_PODS: &str = "scheduler.alpha.kubernetes.io/preferAvoidPods";

const EFFECTS: &[&str] = &["NoSchedule", "PreferNoSchedule", "NoExecute"];

/// The longest name of a feature, bytes.
const FEATURE_BYTES: usize = 253;

pub(super) fn validate(object: &Located<'_, '_>, _facts: &Facts<'_>, errors: &mut Errors) {
    validate_annotations(object, errors);
    validate_own_taints(object, errors);
    validate_resources(object, errors);
    // Upstream's path is that of the metadata.
    let swap = object.at(&["status", "nodeInfo", "swap"]);
    let place = object.at(&["metadata"]);
    let place = place.member("nodeSwapStatus");
    let capacity = swap.shown_at(&place);
    let capacity = capacity.member("capacity");
    if capacity.is_set() {
        validate_positive_field(&capacity, errors);
    }
    validate_features(object, errors);
    validate_pod_cidrs(object, errors);
}

pub(super) fn validate_update(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    // Upstream looks at the metadata of an update once more.
    validate_built_in(object, false, names::dns_subdomain, errors);
    validate(object, facts, errors);
    validate_change(object, facts, errors);
}

/// A change of a node or of its status. Upstream looks at some of it twice.
pub(super) fn validate_change(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    let old = Located::root(facts.old);
    validate_annotations(object, errors);
    validate_resources(object, errors);
    validate_features(object, errors);
    validate_addresses(object, errors);
    validate_kept(object, &old, errors);
    let (source, config) = (object.at(&["spec", "configSource"]), object.at(&["status", "config"]));
    if source.is_set() {
        configuration::validate_in_spec(&source, errors);
    }
    if config.is_set() {
        configuration::validate_in_status(&config, errors);
    }
    validate_own_taints(object, errors);
    let id = object.at(&["spec", "externalID"]);
    if id.text() != old.at(&["spec", "externalID"]).text() {
        errors.forbidden(&id, "may not be updated");
    }
}

/// What is given to a node once.
fn validate_kept(object: &Located<'_, '_>, old: &Located<'_, '_>, errors: &mut Errors) {
    const CIDRS: &str = "node updates may not change podCIDR except from \"\" to valid";
    let (cidrs, held) = (object.at(&["spec", "podCIDRs"]), old.at(&["spec", "podCIDRs"]));
    if held.len() != cidrs.len() && !held.is_empty() {
        errors.forbidden(&cidrs, CIDRS);
    } else {
        for (new, old) in cidrs.items().zip(held.items()) {
            if new.text() != old.text() {
                errors.forbidden(&cidrs, CIDRS);
            }
        }
    }
    let (id, held) = (object.at(&["spec", "providerID"]), old.at(&["spec", "providerID"]));
    if !held.is_empty() && id.text() != held.text() {
        errors.forbidden(&id, "node updates may not change providerID except from \"\" to valid");
    }
}

fn validate_addresses(object: &Located<'_, '_>, errors: &mut Errors) {
    let mut seen = BTreeSet::new();
    for address in object.at(&["status", "addresses"]).items() {
        if errors.is_full() {
            return;
        }
        if !seen.insert((address.member("type").text(), address.member("address").text())) {
            errors.duplicate_value(&address, shown_struct("NodeAddress", &address));
        }
    }
}

/// Upstream writes the name of a resource as if it were a field.
fn validate_resources(object: &Located<'_, '_>, errors: &mut Errors) {
    for list in ["capacity", "allocatable"] {
        let amounts = object.member("status");
        let amounts = amounts.member(list);
        for (name, amount) in amounts.entries() {
            if errors.is_full() {
                return;
            }
            let mut found = Errors::new();
            validate_quantity(name, &amount, &mut found);
            for cause in found.into_causes().into_causes() {
                errors.causes().push(cause.reason, &format!("{amounts}.{name}"), cause.message);
            }
        }
    }
}

fn validate_features(object: &Located<'_, '_>, errors: &mut Errors) {
    let features = object.at(&["status", "declaredFeatures"]);
    let mut before: Option<&str> = None;
    for feature in features.items() {
        if errors.is_full() {
            return;
        }
        let name = feature.text();
        match before {
            Some(before) if before == name => errors.duplicate_value(&feature, name),
            Some(before) if before > name => {
                errors.invalid_value(&feature, name, "list must be sorted alphabetically");
            }
            Some(_) | None => {}
        }
        validate_feature(&feature, errors);
        before = Some(name);
    }
}

/// Segments of letters and digits, of which the first begins with a capital.
fn validate_feature(feature: &Located<'_, '_>, errors: &mut Errors) {
    let name = feature.text();
    let shown = quoted(name);
    let is_segment = |segment: &str| {
        segment.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && segment.starts_with(|first: char| first.is_ascii_alphabetic())
    };
    if name.len() > FEATURE_BYTES {
        let detail = format!("invalid feature name {shown}: must be no more than {FEATURE_BYTES} characters");
        errors.invalid_value(feature, name, detail);
    } else if !name.starts_with(|first: char| first.is_ascii_uppercase()) || !name.split('/').all(is_segment)
    {
        let detail = format!(
            "invalid feature name {shown}: must start with an UpperCamelCase segment, with subsequent segments \
             separated by '/' (e.g., MyFeature or MyFeature/mySubFeature), and contain only alphanumeric characters \
             and slashes"
        );
        errors.invalid_value(feature, name, detail);
    }
}

/// A range for each family of addresses at most.
fn validate_pod_cidrs(object: &Located<'_, '_>, errors: &mut Errors) {
    let cidrs = object.at(&["spec", "podCIDRs"]);
    for cidr in cidrs.items() {
        if errors.is_full() {
            return;
        }
        validate_cidr_for_legacy_field(&cidr, &[], errors);
    }
    if cidrs.len() < 2 {
        return;
    }
    let (mut families, mut broken) = (BTreeSet::new(), None);
    for cidr in cidrs.items() {
        match SloppyCidr::parse(cidr.text()) {
            Some(parsed) => {
                families.insert(parsed.network().address().is_ipv4());
            }
            None => broken = broken.or(Some(cidr.text())),
        }
    }
    if let Some(text) = broken {
        errors.internal(
            &cidrs,
            format!(
                "invalid PodCIDRs. failed to check with dual stack with error:invalid CIDR address: {text}"
            ),
        );
    }
    if broken.is_some() || families.len() < 2 || cidrs.len() > 2 {
        errors.invalid(&cidrs, "may specify no more than one CIDR for each IP family");
    }
}

/// Upstream's path is that of the metadata.
fn validate_own_taints(object: &Located<'_, '_>, errors: &mut Errors) {
    let metadata = object.member("metadata");
    let place = metadata.member("taints");
    validate_taints(&object.at(&["spec", "taints"]).shown_at(&place), errors);
}

fn validate_taints(taints: &Located<'_, '_>, errors: &mut Errors) {
    let mut seen = BTreeSet::new();
    for taint in taints.items() {
        if errors.is_full() {
            return;
        }
        let (key, value, effect) = (taint.member("key"), taint.member("value"), taint.member("effect"));
        errors.invalid_for_each(&key, key.text(), label_key(key.text()));
        let problems = label_value(value.text());
        if !problems.is_empty() {
            errors.invalid_value(&value, value.text(), problems.join(";"));
        }
        if effect.is_empty() {
            errors.required(&effect, "");
        } else if !EFFECTS.contains(&effect.text()) {
            errors.not_supported(&effect, EFFECTS);
        }
        if !seen.insert((effect.text(), key.text())) {
            let shown = shown_struct("Taint", &taint);
            let detail = "taints must be unique by key and effect pair";
            errors.causes().add(CauseType::Duplicate, &taint, Some(&shown), &detail);
        }
    }
}

/// The annotations hold JSON.
fn validate_annotations(object: &Located<'_, '_>, errors: &mut Errors) {
    let annotations = object.at(&["metadata", "annotations"]);
    let taints = annotations.key(TAINTS);
    if !taints.is_empty() {
        match parsed(taints.text(), Type::Array, "[]core.Taint") {
            Ok(held) => {
                let place = annotations.member(TAINTS);
                let held = Located::root(&held);
                validate_taints(&held.shown_at(&place), errors);
            }
            Err(problem) => errors.invalid_value(&annotations, TAINTS, problem),
        }
    }
    let avoided = annotations.key(AVOID_PODS);
    if !avoided.is_empty() {
        match parsed(avoided.text(), Type::Object, "v1.AvoidPods") {
            Ok(held) => {
                let held = Located::root(&held);
                let entries = held.member("preferAvoidPods");
                let place = annotations.member(AVOID_PODS);
                validate_avoided(&entries.shown_at(&place), errors);
            }
            Err(problem) => {
                errors.invalid_value(&annotations.member("AvoidPods"), AVOID_PODS, problem);
            }
        }
    }
}

fn parsed(text: &str, wanted: Type, name: &str) -> Result<Value, alloc::string::String> {
    let value = json::parse(text.as_bytes()).map_err(|error| error.0)?.value;
    match value.type_of() {
        Type::Null => Ok(value),
        held if held == wanted => Ok(value),
        held => Err(format!("json: cannot unmarshal {} into Go value of type {name}", held.word())),
    }
}

fn validate_avoided(entries: &Located<'_, '_>, errors: &mut Errors) {
    for entry in entries.items() {
        if errors.is_full() {
            return;
        }
        let signature = entry.member("podSignature").shown_as("PodSignature");
        let controller = signature.member("podController").shown_as("PodController");
        if !controller.is_set() {
            errors.required(&signature, "");
        } else if controller.member("controller").bool_if_set() == Some(false) {
            let is_controller = controller.member("controller").shown_as("Controller");
            errors.invalid(&is_controller, "must point to a controller");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::rules::workload::given::problems;

    #[test]
    fn nodes_have_upstreams_problems() {
        let table = [
            (
                r#"{"spec":{"podCIDRs":["10.0.0.0/24","fd00::/64"],"taints":[{"key":"a","effect":"NoExecute"}]}}"#,
                "",
            ),
            (
                r#"{"spec":{"podCIDRs":["10.0.0.0/24","10.1.0.0/24"]}}"#,
                "spec.podCIDRs: Invalid value: [\"10.0.0.0/24\",\"10.1.0.0/24\"]: \
                 may specify no more than one CIDR for each IP family",
            ),
            (
                r#"{"spec":{"taints":[{"key":"a","effect":"NoSchedule"},
                    {"key":"a","effect":"NoSchedule"},{"key":"b"}]}}"#,
                "[metadata.taints[1]: Duplicate value: {\"Key\":\"a\",\"Value\":\"\",\"Effect\":\"NoSchedule\",\
                 \"TimeAdded\":null}: taints must be unique by key and effect pair, \
                 metadata.taints[2].effect: Required value]",
            ),
            (
                r#"{"status":{"capacity":{"pods":"1500m","cpu":"-1"},"nodeInfo":{"swap":{"capacity":0}}}}"#,
                "[status.capacity.cpu: Invalid value: \"-1\": must be greater than or equal to 0, \
                 status.capacity.pods: Invalid value: \"1500m\": must be an integer, \
                 metadata.nodeSwapStatus.capacity: Invalid value: 0: must be greater than zero]",
            ),
            (r#"{"status":{"declaredFeatures":["A/b","B"]}}"#, ""),
            (
                r#"{"status":{"declaredFeatures":["B","A","A"]}}"#,
                "[status.declaredFeatures[1]: Invalid value: \"A\": list must be sorted alphabetically, \
                 status.declaredFeatures[2]: Duplicate value: \"A\"]",
            ),
            (
                r#"{"metadata":{"annotations":{"scheduler.alpha.kubernetes.io/taints":"{}"}}}"#,
                "metadata.annotations: Invalid value: \"scheduler.alpha.kubernetes.io/taints\": \
                 json: cannot unmarshal object into Go value of type []core.Taint",
            ),
        ];
        for (object, expected) in table {
            assert_eq!(problems(validate, object, None), expected, "{object}");
        }
    }

    #[test]
    fn what_is_given_once_stays() {
        let old = r#"{"metadata":{"name":"n"},"spec":{"podCIDRs":["10.0.0.0/24"],"providerID":"a"}}"#;
        let new = r#"{"spec":{"podCIDRs":["10.1.0.0/24"],"providerID":"b","externalID":"c"},
            "status":{"addresses":[{"type":"X","address":"a"},{"type":"X","address":"a"}]}}"#;
        let expected = "[status.addresses[1]: Duplicate value: {\"Type\":\"X\",\"Address\":\"a\"}, \
             spec.podCIDRs: Forbidden: node updates may not change podCIDR except from \"\" to valid, \
             spec.providerID: Forbidden: node updates may not change providerID except from \"\" to valid, \
             spec.externalID: Forbidden: may not be updated]";
        assert_eq!(problems(validate_change, new, Some(old)), expected);
        assert_eq!(problems(validate_change, old, Some("{}")), "");
        assert_eq!(problems(validate_update, old, Some(old)), "");
    }
}
