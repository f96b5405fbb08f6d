//! CSINodes.
//! k8s: pkg/apis/storage/validation/validation.go ValidateCSINode

use crate::kinds::Facts;
use crate::kinds::metadata::validate_built_in;
use crate::kinds::validation::{
    Errors, IMMUTABLE, Located, internal_json, validate_driver_name, validate_nonnegative_field,
};
use crate::value::Value;
use crate::value::names::{dns_subdomain, qualified_name};
use alloc::collections::{BTreeMap, BTreeSet};

const NODE_ID_BYTES: usize = 256;

pub(super) fn validate(object: &Located<'_, '_>, _facts: &Facts<'_>, errors: &mut Errors) {
    let mut names = BTreeSet::new();
    for driver in object.at(&["spec", "drivers"]).items() {
        if errors.is_full() {
            return;
        }
        let (name, id) = (driver.member("name"), driver.member("nodeID"));
        validate_driver_name(&name, errors);
        if id.is_empty() {
            errors.required(&id, "");
        }
        if id.len() > NODE_ID_BYTES {
            errors.invalid(&id, format_args!("must be {NODE_ID_BYTES} characters or less"));
        }
        validate_nonnegative_field(&driver.at(&["allocatable", "count"]), errors);
        if !names.insert(name.text()) {
            errors.duplicate_value(&name, name.text());
        }
        validate_keys(&driver, errors);
    }
}

/// Upstream's paths name the driver, and not its keys.
fn validate_keys(driver: &Located<'_, '_>, errors: &mut Errors) {
    let mut keys = BTreeSet::new();
    for key in driver.member("topologyKeys").items() {
        if errors.is_full() {
            return;
        }
        let key = key.text();
        if key.is_empty() {
            errors.required(driver, "");
        }
        if !keys.insert(key) {
            errors.duplicate_value(driver, key);
        }
        errors.invalid_for_each(driver, key, qualified_name(key));
    }
}

/// Of a driver that stays only what it can allocate changes.
pub(super) fn validate_update(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    validate_built_in(object, false, dns_subdomain, errors);
    validate(object, facts, errors);
    let (old, drivers) = (Located::root(facts.old), object.at(&["spec", "drivers"]));
    let without_amounts = |driver: &Located<'_, '_>| {
        let mut driver = driver.value().cloned().unwrap_or(Value::Null);
        driver.remove_at(&["allocatable"]);
        driver
    };
    let mut by_name: BTreeMap<&str, alloc::vec::Vec<Value>> = BTreeMap::new();
    for driver in drivers.items() {
        by_name.entry(driver.member("name").text()).or_default().push(without_amounts(&driver));
    }
    for held in old.at(&["spec", "drivers"]).items() {
        let held_alone = without_amounts(&held);
        for new in by_name.get(held.member("name").text()).into_iter().flatten() {
            if *new != held_alone && !errors.is_full() {
                errors.invalid_shown(&drivers, &internal_json("CSINodeDriver", Some(new)), IMMUTABLE);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::rules::workload::given::problems;

    #[test]
    fn drivers_of_nodes_are_checked() {
        let table: &[(&str, Option<&str>, &str)] = &[
            (
                r#"{"spec":{"drivers":[{"name":"a.b","nodeID":"n","allocatable":{"count":0},"topologyKeys":["a/b"]}]}}"#,
                None,
                "",
            ),
            (
                r#"{"spec":{"drivers":[{"name":"a.b","allocatable":{"count":-1}},{"name":"a.b","nodeID":"n","topologyKeys":["a","a"]}]}}"#,
                None,
                r#"[spec.drivers[0].nodeID: Required value, spec.drivers[0].allocatable.count: Invalid value: -1: must be greater than or equal to 0, spec.drivers[1].name: Duplicate value: "a.b", spec.drivers[1]: Duplicate value: "a"]"#,
            ),
        ];
        for (object, old, wanted) in table {
            assert_eq!(problems(validate, object, *old), *wanted, "{object}");
        }
    }
}
