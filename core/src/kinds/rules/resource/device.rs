//! A device of a slice: attributes, capacities, taints, and the nodes that it is for.
//! k8s: pkg/apis/resource/validation/validation.go validateDevice

use super::binding::validate_binding_conditions;
use super::capacity::validate_capacity;
use super::consumption::validate_consumptions;
use super::naming::{
    SHOWN_KEY_BYTES, is_short, shown_key, validate_label_as_name, validate_node_name, validate_qualified_name,
};
use super::toleration::validate_taint;
use crate::kinds::rules::pod::validation::validate_node_selector;
use crate::kinds::validation::{Errors, Located};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

const MAX_ATTRIBUTES_AND_CAPACITIES: usize = 32;
const MAX_ATTRIBUTE_VALUES: usize = 48;
const MAX_TAINTS: usize = 16;
const ATTRIBUTE_BYTES: usize = 64;

/// The lists of values that an attribute can have.
const LISTS: [&str; 4] = ["bools", "ints", "strings", "versions"];

/// `by_device` says that the slice leaves it to its devices to say which nodes they are for.
pub(super) fn validate_device(
    device: &Located<'_, '_>,
    old: Option<&Located<'_, '_>>,
    by_device: bool,
    errors: &mut Errors,
) {
    validate_label_as_name(&device.member("name"), errors);
    let (attributes, capacity) = (device.member("attributes"), device.member("capacity"));
    validate_amounts(device, &attributes, &capacity, errors);
    validate_entries(&attributes, &validate_attribute, errors);
    let shared = device.member("allowMultipleAllocations").bool();
    validate_entries(&capacity, &|entry, errors| validate_capacity(entry, shared, errors), errors);
    let taints = device.member("taints");
    let changed = old.is_none_or(|old| old.member("taints").value() != taints.value());
    if changed && is_short(&taints, MAX_TAINTS, errors) {
        taints.items().for_each(|taint| validate_taint(&taint, errors));
    }
    validate_consumptions(&device.member("consumesCounters"), errors);
    if by_device {
        validate_nodes(device, errors);
    } else if ["nodeName", "nodeSelector", "allNodes"].iter().any(|field| device.member(field).is_set()) {
        let detail = "`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to \
                      true in the ResourceSlice spec";
        errors.invalid_shown(device, "null", detail);
    }
    validate_binding_conditions(device, errors);
    validate_mappings(&device.member("nodeAllocatableResourceMappings"), &capacity, errors);
}

fn validate_amounts(
    device: &Located<'_, '_>,
    attributes: &Located<'_, '_>,
    capacity: &Located<'_, '_>,
    errors: &mut Errors,
) {
    let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let both = attributes.len().saturating_add(capacity.len());
    if both > MAX_ATTRIBUTES_AND_CAPACITIES {
        let detail = format_args!(
            "the total number of attributes and capacities must not exceed {MAX_ATTRIBUTES_AND_CAPACITIES}"
        );
        errors.invalid_value(device, count(both), detail);
    }
    let values_of = |attribute: Located<'_, '_>| -> usize {
        LISTS.iter().map(|list| attribute.member(list).len()).sum::<usize>().max(1)
    };
    let values: usize = attributes.entries().map(|(_, attribute)| values_of(attribute)).sum();
    if values > MAX_ATTRIBUTE_VALUES {
        let detail =
            format_args!("the total number of attribute values must not exceed {MAX_ATTRIBUTE_VALUES}");
        errors.invalid_value(device, count(values), detail);
    }
}

/// The entries of a map whose keys are qualified names.
fn validate_entries(
    map: &Located<'_, '_>,
    validate: &dyn Fn(&Located<'_, '_>, &mut Errors),
    errors: &mut Errors,
) {
    for (key, entry) in map.entries() {
        if errors.is_full() {
            return;
        }
        validate_qualified_name(map, key, errors);
        let shown = shown_key(key, SHOWN_KEY_BYTES);
        validate(&entry.shown_at(&map.key(&shown)), errors);
    }
}

fn validate_attribute(attribute: &Located<'_, '_>, errors: &mut Errors) {
    let (text, version) = (attribute.member("string"), attribute.member("version"));
    let single = ["bool", "int", "string", "version"];
    let mut values = single.iter().filter(|field| attribute.member(field).is_set()).count();
    validate_length(&text, errors);
    if version.is_set() {
        validate_version(&version, errors);
    }
    for list in LISTS {
        let list = attribute.member(list);
        if list.is_set() {
            values += 1;
            if list.is_empty() {
                errors.invalid(&list, "must not be empty if specified");
            }
        }
    }
    attribute.member("strings").items().for_each(|text| validate_length(&text, errors));
    attribute.member("versions").items().for_each(|version| validate_version(&version, errors));
    const ONE: &str = "exactly one value must be specified";
    match values {
        0 => errors.invalid_value(attribute, "", ONE),
        1 => {}
        _ => errors.invalid_shown(attribute, &attribute_as_go(attribute), ONE),
    }
}

/// The attribute as Go writes its internal type.
fn attribute_as_go(attribute: &Located<'_, '_>) -> String {
    let members = [
        ("IntValue", "int"),
        ("BoolValue", "bool"),
        ("StringValue", "string"),
        ("VersionValue", "version"),
        ("IntValues", "ints"),
        ("BoolValues", "bools"),
        ("StringValues", "strings"),
        ("VersionValues", "versions"),
    ];
    let written = members.map(|(name, field)| {
        let member = attribute.member(field);
        let value = member.value().map_or_else(|| "null".into(), crate::codec::json::to_string);
        format!("\"{name}\":{value}")
    });
    format!("{{{}}}", written.join(","))
}

fn validate_length(text: &Located<'_, '_>, errors: &mut Errors) {
    if text.len() > ATTRIBUTE_BYTES {
        errors.too_long(text, ATTRIBUTE_BYTES);
    }
}

fn validate_version(version: &Located<'_, '_>, errors: &mut Errors) {
    if !is_semantic_version(version.text()) {
        let detail = "must be a string compatible with semver.org spec 2.0.0";
        errors.invalid_value(version, version.text(), detail);
    }
    validate_length(version, errors);
}

/// `1.2.3-pre.1+build.2`
fn is_semantic_version(text: &str) -> bool {
    let (rest, build) = text.split_once('+').map_or((text, None), |(rest, build)| (rest, Some(build)));
    let (core, pre) = rest.split_once('-').map_or((rest, None), |(core, pre)| (core, Some(pre)));
    let numeric = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_digit())
            && (part == "0" || !part.starts_with('0'))
    };
    let identifier = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    core.split('.').count() == 3
        && core.split('.').all(numeric)
        && pre
            .is_none_or(|pre| pre.split('.').all(|part| identifier(part) && (!digits(part) || numeric(part))))
        && build.is_none_or(|build| build.split('.').all(identifier))
}

/// The nodes are said in exactly one way.
fn validate_nodes(device: &Located<'_, '_>, errors: &mut Errors) {
    let mut ways = Vec::new();
    let node = device.member("nodeName");
    if node.is_set() && node.is_empty() {
        errors.invalid(&node, "must not be empty");
    } else if node.is_set() {
        ways.push("`nodeName`");
        validate_node_name(&node, errors);
    }
    let selector = device.member("nodeSelector");
    if selector.is_set() {
        ways.push("`nodeSelector`");
        validate_node_selector(&selector, false, errors);
    }
    let all = device.member("allNodes");
    match all.bool_if_set() {
        Some(true) => ways.push("`allNodes`"),
        Some(false) => errors.invalid(&all, "must be either unset or set to true"),
        None => {}
    }
    const ONE: &str = "exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when \
                       `perDeviceNodeSelection` is set to true in the ResourceSlice spec";
    match ways.as_slice() {
        [] => errors.required(device, ONE),
        [_] => {}
        [..] => errors.invalid_value(device, format!("{{{}}}", ways.join(", ")), ONE),
    }
}

/// What of a node's resources a device stands for.
fn validate_mappings(mappings: &Located<'_, '_>, capacity: &Located<'_, '_>, errors: &mut Errors) {
    for (name, mapping) in mappings.entries() {
        if errors.is_full() {
            return;
        }
        if name.contains('/') && !name.contains("kubernetes.io/") {
            errors.invalid_value(&mapping, name, "must be a node allocatable resource name");
        }
        let (multiplier, key) = (mapping.member("allocationMultiplier"), mapping.member("capacityKey"));
        if !multiplier.is_set() && !key.is_set() {
            let detail = "at least one of allocationMultiplier or capacityKey must be set";
            errors.invalid_value(&mapping, "", detail);
            continue;
        }
        if multiplier.quantity().is_some_and(|amount| amount.signum() <= 0) {
            errors.invalid(&multiplier, "must be positive");
        }
        if key.is_set() && key.is_empty() {
            errors.invalid(&key, "capacityKey must not be an empty string");
        } else if key.is_set() && !capacity.key(key.text()).is_set() {
            errors.not_found(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn semantic_versions_are_told_from_others() {
        for good in ["0.0.0", "1.2.3", "1.2.3-alpha.1", "1.2.3-0a.-+build.01", "1.2.3+-"] {
            assert!(is_semantic_version(good), "{good}");
        }
        for bad in [
            "",
            "1",
            "1.2",
            "1.2.3.4",
            "01.2.3",
            "1.2.3-",
            "1.2.3-01",
            "1.2.3-a..b",
            "1.2.3+",
            "1.2.3+a+b",
            "v1.2.3",
        ] {
            assert!(!is_semantic_version(bad), "{bad}");
        }
    }
}
