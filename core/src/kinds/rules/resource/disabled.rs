//! Fields of features that this release has but does not turn on. They are taken only where they are in use already.
//! k8s: pkg/registry/resource/resourceslice/strategy.go dropDisabledFields

use crate::kinds::rules::fill::each;
use crate::value::{Map, Value};

const DEVICES: &[&str] = &["spec", "devices"];
const LISTS: [&str; 4] = ["bools", "ints", "strings", "versions"];
const MAPPINGS: &str = "nodeAllocatableResourceMappings";

/// Removes from a slice what the one it replaces does not use either: lists as the values of attributes, and what of
/// a node's resources a device stands for.
pub(super) fn drop_disabled_fields(slice: &mut Value, old: &Value) {
    if uses_mappings(slice) && !uses_mappings(old) {
        each(slice, &["spec", "devices", "*"], &mut |device| {
            device.remove_at(&[MAPPINGS]);
        });
    }
    if uses_lists(slice) && !uses_lists(old) {
        each(slice, &["spec", "devices", "*", "attributes"], &mut |attributes| {
            for (_, attribute) in attributes.as_map_mut().into_iter().flat_map(Map::iter_mut) {
                for list in LISTS {
                    attribute.remove_at(&[list]);
                }
            }
        });
    }
}

fn devices(slice: &Value) -> &[Value] {
    slice.at(DEVICES).and_then(Value::as_list).unwrap_or_default()
}

fn uses_mappings(slice: &Value) -> bool {
    let mappings =
        |device: &Value| device.field(MAPPINGS).and_then(Value::as_map).is_some_and(|map| !map.is_empty());
    devices(slice).iter().any(mappings)
}

fn uses_lists(slice: &Value) -> bool {
    let set = |attribute: &Value| {
        LISTS.iter().any(|list| attribute.field(list).is_some_and(|list| !list.is_null()))
    };
    devices(slice).iter().any(|device| {
        let attributes = device.field("attributes").and_then(Value::as_map);
        attributes.is_some_and(|attributes| attributes.iter().any(|(_, attribute)| set(attribute)))
    })
}
