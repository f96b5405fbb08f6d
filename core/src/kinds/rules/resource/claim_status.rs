//! What was allocated for a claim, for whom, and what the drivers say of it.
//! k8s: pkg/apis/resource/validation/validation.go validateResourceClaimStatusUpdate

use super::binding::validate_binding_conditions;
use super::claim::{MAX_CONFIGURATIONS, MAX_REQUESTS, RequestNames, validate_admin_namespace};
use super::configuration::{validate_configuration, validate_device_data};
use super::naming::{
    is_short, validate_label_as_name, validate_pool_name, validate_uid, validate_unique,
    validate_unique_texts,
};
use crate::codec::json;
use crate::kinds::Facts;
use crate::kinds::rules::pod::validation::validate_node_selector;
use crate::kinds::validation::{
    Errors, IMMUTABLE, Located, internal_json, validate_conditions, validate_driver_name,
    validate_interface_address,
};
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;

const MAX_CONSUMERS: usize = 256;
const MAX_RESULTS: usize = 32;
const MAX_CONDITIONS: usize = 8;
const MAX_ADDRESSES: usize = 16;
const INTERFACE_NAME_BYTES: usize = 256;
const HARDWARE_ADDRESS_BYTES: usize = 128;

/// A device, or the share of one: driver, pool, device and share.
type DeviceId<'v> = [&'v str; 4];

fn device_id<'v>(device: &Located<'v, '_>) -> DeviceId<'v> {
    ["driver", "pool", "device", "shareID"].map(|field| device.member(field).text())
}

/// The device as Go writes it.
fn shown(device: DeviceId<'_>) -> String {
    let mut out = Vec::new();
    for (before, text) in
        [r#"{"Driver":"#, r#","Pool":"#, r#","Device":"#, r#","ShareID":"#].into_iter().zip(device)
    {
        out.extend_from_slice(before.as_bytes());
        json::write_str(text, &mut out);
    }
    out.push(b'}');
    String::from_utf8_lossy(&out).into_owned()
}

pub(super) fn validate_status(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    let old = Located::root(facts.old);
    let (status, old_status) = (object.member("status"), old.member("status"));
    validate_admin_results(object, &status, &old_status, facts, errors);
    let names = RequestNames::of(&object.at(&["spec", "devices", "requests"]));
    let consumers = status.member("reservedFor");
    if is_short(&consumers, MAX_CONSUMERS, errors) {
        consumers.items().for_each(|consumer| validate_consumer(&consumer, errors));
        validate_unique(&consumers, "uid", errors);
    }
    let allocation = status.member("allocation");
    validate_devices(&status.member("devices"), &allocation, errors);
    if !consumers.is_empty() && !allocation.is_set() {
        errors.forbidden(&consumers, "may not be specified when `allocated` is not set");
    } else if object.at(&["metadata", "deletionTimestamp"]).is_set() {
        validate_no_new_consumers(&consumers, &old_status.member("reservedFor"), errors);
    }
    let held = old_status.member("allocation");
    if held.is_set() && allocation.is_set() {
        if held.value() != allocation.value() {
            errors.invalid_shown(
                &allocation,
                &internal_json("AllocationResult", allocation.value()),
                IMMUTABLE,
            );
        }
    } else if allocation.is_set() {
        validate_allocation(&allocation, &names, errors);
    }
}

/// k8s: pkg/registry/resource/authorization.go AuthorizedForAdminStatus
fn validate_admin_results(
    object: &Located<'_, '_>,
    status: &Located<'_, '_>,
    old_status: &Located<'_, '_>,
    facts: &Facts<'_>,
    errors: &mut Errors,
) {
    const RESULTS: &[&str] = &["allocation", "devices", "results"];
    let is_admin = |result: Located<'_, '_>| result.member("adminAccess").bool();
    let results = status.at(RESULTS);
    if old_status.at(RESULTS).items().any(is_admin) {
        return;
    }
    if let Some(result) = results.items().find(|result| is_admin(*result)) {
        validate_admin_namespace(object, &result.member("adminAccess"), facts, errors);
    }
}

fn validate_consumer(consumer: &Located<'_, '_>, errors: &mut Errors) {
    for field in ["resource", "name", "uid"] {
        let text = consumer.member(field);
        if text.is_empty() {
            errors.required(&text, "");
        }
    }
}

/// A claim that is going away gets no new users.
fn validate_no_new_consumers(consumers: &Located<'_, '_>, old: &Located<'_, '_>, errors: &mut Errors) {
    const FIELDS: [&str; 4] = ["apiGroup", "resource", "name", "uid"];
    let identity =
        |consumer: Located<'_, '_>| FIELDS.map(|field| String::from(consumer.member(field).text()));
    let old: BTreeSet<[String; 4]> = old.items().map(identity).collect();
    if consumers.items().any(|consumer| !old.contains(&identity(consumer))) {
        let detail =
            "new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set";
        errors.forbidden(consumers, detail);
    }
}

fn validate_devices(devices: &Located<'_, '_>, allocation: &Located<'_, '_>, errors: &mut Errors) {
    let results = allocation.at(&["devices", "results"]);
    let allocated: BTreeSet<DeviceId<'_>> = results.items().map(|result| device_id(&result)).collect();
    for device in devices.items() {
        if errors.is_full() {
            return;
        }
        validate_device(&device, &allocated, errors);
    }
    let mut seen = BTreeSet::new();
    for device in devices.items() {
        let id = device_id(&device);
        if !seen.insert(id) && !errors.is_full() {
            errors.duplicate_shown(&device, &shown(id));
        }
    }
}

fn validate_device(device: &Located<'_, '_>, allocated: &BTreeSet<DeviceId<'_>>, errors: &mut Errors) {
    validate_driver_name(&device.member("driver"), errors);
    validate_pool_name(&device.member("pool"), errors);
    validate_label_as_name(&device.member("device"), errors);
    let share = device.member("shareID");
    if share.is_set() {
        validate_uid(&share, errors);
    }
    let id = device_id(device);
    if !allocated.contains(&id) {
        errors.invalid_shown(device, &shown(id), "must be an allocated device in the claim");
    }
    let conditions = device.member("conditions");
    is_short(&conditions, MAX_CONDITIONS, errors);
    validate_conditions(&conditions, errors);
    validate_device_data(&device.member("data"), errors);
    validate_network_data(&device.member("networkData"), errors);
}

fn validate_network_data(data: &Located<'_, '_>, errors: &mut Errors) {
    for (field, max_bytes) in
        [("interfaceName", INTERFACE_NAME_BYTES), ("hardwareAddress", HARDWARE_ADDRESS_BYTES)]
    {
        let text = data.member(field);
        if text.len() > max_bytes {
            errors.too_long(&text, max_bytes);
        }
    }
    let addresses = data.member("ips");
    if is_short(&addresses, MAX_ADDRESSES, errors) {
        addresses.items().for_each(|address| validate_interface_address(&address, errors));
        validate_unique_texts(&addresses, errors);
    }
}

fn validate_allocation(allocation: &Located<'_, '_>, names: &RequestNames<'_>, errors: &mut Errors) {
    let devices = allocation.member("devices");
    let results = devices.member("results");
    if is_short(&results, MAX_RESULTS, errors) {
        results.items().for_each(|result| validate_result(&result, names, errors));
    }
    // Both the class and the claim have a full list.
    let configurations = devices.member("config");
    if is_short(&configurations, 2 * MAX_CONFIGURATIONS, errors) {
        for configuration in configurations.items() {
            validate_source(&configuration.member("source"), errors);
            names.validate_references(&configuration.member("requests"), errors);
            validate_configuration(&configuration, false, errors);
        }
    }
    let selector = allocation.member("nodeSelector");
    if selector.is_set() {
        validate_node_selector(&selector, false, errors);
    }
}

fn validate_result(result: &Located<'_, '_>, names: &RequestNames<'_>, errors: &mut Errors) {
    names.validate_reference(&result.member("request"), errors);
    validate_driver_name(&result.member("driver"), errors);
    validate_pool_name(&result.member("pool"), errors);
    validate_label_as_name(&result.member("device"), errors);
    validate_binding_conditions(result, errors);
    let share = result.member("shareID");
    if share.is_set() {
        validate_uid(&share, errors);
    }
}

fn validate_source(source: &Located<'_, '_>, errors: &mut Errors) {
    match source.text() {
        "" => errors.required(source, ""),
        "FromClaim" | "FromClass" => {}
        _ => errors.not_supported_text(source, &["FromClaim", "FromClass"]),
    }
}

const _: () = assert!(MAX_REQUESTS == MAX_RESULTS, "upstream names one by the other");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::rules::workload::given::problems;

    #[test]
    fn what_is_said_of_a_device_needs_its_allocation() {
        let table: &[(&str, Option<&str>, &str)] = &[
            (
                r#"{"spec":{"devices":{"requests":[{"name":"r"}]}},"status":{"allocation":{"devices":{"results":[{"request":"r","driver":"d","pool":"p","device":"v"}]}},"devices":[{"driver":"d","pool":"p","device":"v"}],"reservedFor":[{"resource":"pods","name":"a","uid":"1"}]}}"#,
                Some(r#"{}"#),
                "",
            ),
            (
                r#"{"status":{"devices":[{"driver":"d","pool":"p","device":"v"}],"reservedFor":[{"name":"a","uid":"1"}]}}"#,
                Some(r#"{}"#),
                r#"[status.reservedFor[0].resource: Required value, status.devices[0]: Invalid value: {"Driver":"d","Pool":"p","Device":"v","ShareID":""}: must be an allocated device in the claim, status.reservedFor: Forbidden: may not be specified when `allocated` is not set]"#,
            ),
        ];
        for (object, old, wanted) in table {
            assert_eq!(problems(validate_status, object, *old), *wanted, "{object}");
        }
    }
}
