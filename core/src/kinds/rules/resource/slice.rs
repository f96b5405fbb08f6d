//! Slices: the devices of a pool, and the nodes that they are for.
//! k8s: pkg/apis/resource/validation/validation.go validateResourceSliceSpec

use super::consumption::validate_counter_sets;
use super::device::validate_device;
use super::naming::{is_short, validate_node_name, validate_pool_name, validate_unique};
use crate::kinds::Facts;
use crate::kinds::rules::pod::validation::validate_node_selector;
use crate::kinds::validation::{
    Errors, Located, internal_json_list, validate_driver_name, validate_immutable_field,
    validate_immutable_text,
};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec::Vec;

const MAX_DEVICES: usize = 128;
/// Where devices have taints or share counters.
const MAX_DEVICES_OF_ADVANCED: usize = 64;

/// The facts of an update hold the slice as it was.
pub(super) fn validate_slice(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    let (spec, old) = (object.member("spec"), Located::root(facts.old));
    let old_spec = old.member("spec");
    validate_driver_name(&spec.member("driver"), errors);
    let pool = spec.member("pool");
    validate_pool(&pool, errors);
    if !facts.is_create() {
        let old_pool = old_spec.member("pool");
        validate_immutable_text(&pool.member("name"), &old_pool.member("name"), errors);
        validate_immutable_text(&spec.member("driver"), &old_spec.member("driver"), errors);
        validate_immutable_field(&spec.member("nodeName"), &old_spec.member("nodeName"), errors);
    }
    validate_nodes(&spec, errors);
    let (counters, devices) = (spec.member("sharedCounters"), spec.member("devices"));
    if counters.is_set() && devices.is_set() {
        errors.invalid_value(&spec, "", "only one of `sharedCounters` or `devices` is allowed");
    }
    let advanced = devices.items().any(|device| {
        !device.member("taints").is_empty()
            || !device.member("consumesCounters").is_empty()
            || has_lists(&device)
    });
    if is_short(&devices, if advanced { MAX_DEVICES_OF_ADVANCED } else { MAX_DEVICES }, errors) {
        let old_devices = old_spec.member("devices");
        let old_devices: BTreeMap<&str, Located<'_, '_>> =
            old_devices.items().rev().map(|device| (device.member("name").text(), device)).collect();
        let by_device = spec.member("perDeviceNodeSelection").bool();
        for device in devices.items() {
            if errors.is_full() {
                return;
            }
            validate_device(&device, old_devices.get(device.member("name").text()), by_device, errors);
        }
        validate_unique(&devices, "name", errors);
    }
    validate_counter_sets(&counters, errors);
}

fn has_lists(device: &Located<'_, '_>) -> bool {
    device.member("attributes").entries().any(|(_, attribute)| {
        ["bools", "ints", "strings", "versions"].iter().any(|field| attribute.member(field).is_set())
    })
}

fn validate_pool(pool: &Located<'_, '_>, errors: &mut Errors) {
    validate_pool_name(&pool.member("name"), errors);
    let (count, generation) = (pool.member("resourceSliceCount"), pool.member("generation"));
    if count.int() <= 0 {
        errors.invalid_value(&count, count.int(), "must be greater than zero");
    }
    if generation.int() < 0 {
        errors.invalid(&generation, "must be greater than or equal to zero");
    }
}

/// The nodes are said in exactly one way.
fn validate_nodes(spec: &Located<'_, '_>, errors: &mut Errors) {
    let mut ways = Vec::new();
    let node = spec.member("nodeName");
    if node.is_set() && node.is_empty() {
        errors.invalid(&node, "must be either unset or set to a non-empty string");
    } else if node.is_set() {
        ways.push("`nodeName`");
        validate_node_name(&node, errors);
    }
    let selector = spec.member("nodeSelector");
    if selector.is_set() {
        ways.push("`nodeSelector`");
        validate_node_selector(&selector, false, errors);
        let terms = selector.member("nodeSelectorTerms");
        if terms.len() != 1 {
            let shown = internal_json_list("NodeSelectorTerm", terms.value());
            errors.invalid_shown(&terms, &shown, "must have exactly one node selector term");
        }
    }
    for (field, way) in [("allNodes", "`allNodes`"), ("perDeviceNodeSelection", "`perDeviceNodeSelection`")] {
        let truth = spec.member(field);
        match truth.bool_if_set() {
            Some(true) => ways.push(way),
            Some(false) => errors.invalid(&truth, "must be either unset or set to true"),
            None => {}
        }
    }
    const ONE: &str =
        "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required";
    match ways.as_slice() {
        [] => errors.required(spec, ONE),
        [_] => {}
        [..] => {
            let shown = format!("{{{}}}", ways.join(", "));
            errors.invalid_value(spec, shown, format_args!("{ONE}, but multiple fields are set"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::rules::workload::given::problems;

    #[test]
    fn slices_name_their_nodes_in_one_way() {
        let table: &[(&str, Option<&str>, &str)] = &[
            (
                r#"{"spec":{"driver":"d","nodeName":"n","pool":{"name":"p/q","resourceSliceCount":1,"generation":0},"devices":[{"name":"a","attributes":{"x.y/z":{"version":"1.0.0"}},"capacity":{"c":{"value":"1"}}}]}}"#,
                None,
                "",
            ),
            (
                r#"{"spec":{"driver":"d","nodeName":"n","allNodes":true,"pool":{"name":"p","resourceSliceCount":0,"generation":-1}}}"#,
                None,
                r#"[spec.pool.resourceSliceCount: Invalid value: 0: must be greater than zero, spec.pool.generation: Invalid value: -1: must be greater than or equal to zero, spec: Invalid value: "{`nodeName`, `allNodes`}": exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required, but multiple fields are set]"#,
            ),
            (
                r#"{"spec":{"driver":"d","allNodes":true,"pool":{"name":"p","resourceSliceCount":1},"devices":[{"name":"a"},{"name":"a","nodeName":"n","attributes":{"k":{}}}]}}"#,
                None,
                r#"[spec.devices[1].attributes[k]: Invalid value: "": exactly one value must be specified, spec.devices[1]: Invalid value: null: `nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec, spec.devices[1]: Duplicate value: "a"]"#,
            ),
        ];
        for (object, old, wanted) in table {
            assert_eq!(problems(validate_slice, object, *old), *wanted, "{object}");
        }
    }
}
