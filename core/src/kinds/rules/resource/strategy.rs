//! Dynamic resource allocation: classes, claims, templates and slices.
//! k8s: pkg/registry/resource, pkg/apis/resource/v1/defaults.go

use super::claim::{validate_claim, validate_claim_update, validate_template, validate_template_update};
use super::claim_status::validate_status;
use super::class::{validate_class, validate_class_update};
use super::disabled::drop_disabled_fields;
use super::slice::validate_slice;
use crate::kinds::rules::fill::{Default, Fill, each, fill, is_unset, set_unset};
use crate::kinds::rules::status;
use crate::kinds::validation::Located;
use crate::kinds::{Facts, Generation, Rules, Strategy};
use crate::value::quoted;
use crate::value::{Text, Value};
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

const RETURNED: Rules = Rules { returns_deleted: true, ..Rules::PLAIN };

pub static DEVICE_CLASS: Rules = Rules {
    validate: validate_class,
    update: Strategy { validate_update: validate_class_update, ..Strategy::PLAIN },
    generation: Generation::Spec,
    ..RETURNED
};
pub static CLAIM: Rules = Rules {
    default: default_claim,
    validate: validate_claim,
    update: Strategy { validate_update: validate_claim_update, ..status::UPDATE },
    subresources: &[(
        "status",
        Strategy {
            prepare_for_update: prepare_for_status,
            validate_update: validate_status,
            ..status::STATUS_ALONE
        },
    )],
    returns_deleted: true,
    ..status::SPLIT
};
pub static CLAIM_TEMPLATE: Rules = Rules {
    default: default_claim_template,
    validate: validate_template,
    update: Strategy { validate_update: validate_template_update, ..Strategy::PLAIN },
    ..RETURNED
};
pub static SLICE: Rules = Rules {
    prepare_for_create: prepare_slice,
    validate: validate_slice,
    warnings_on_create: warn_of_slice,
    update: Strategy {
        prepare_for_update: prepare_slice,
        validate_update: validate_slice,
        warnings_on_update: warn_of_slice,
        ..Strategy::PLAIN
    },
    generation: Generation::SpecAsSent,
    ..RETURNED
};

const REQUEST: &[Default] = &[
    (&[], "allocationMode", Fill::Text("ExactCount")),
    (&["tolerations", "*"], "operator", Fill::Text("Equal")),
];

/// A taint without a time is as old as the write.
fn prepare_slice(object: &mut Value, facts: &Facts<'_>) {
    drop_disabled_fields(object, facts.old);
    let now = Value::from(facts.now.rfc3339());
    each(object, &["spec", "devices", "*", "taints", "*"], &mut |taint| {
        if is_unset(taint, "timeAdded") {
            taint.set("timeAdded", now.clone());
        }
    });
}

/// The status of a device goes with the allocation of the device.
fn prepare_for_status(object: &mut Value, facts: &Facts<'_>) {
    status::take_status(object, facts.old, status::METADATA);
    const RESULTS: &[&str] = &["status", "allocation", "devices", "results"];
    let device = |value: &Value| {
        ["driver", "pool", "device", "shareID"].map(|field| Text::from(value.text_at(&[field])))
    };
    let allocated = |claim: &Value| -> BTreeSet<[Text; 4]> {
        claim.at(RESULTS).and_then(Value::as_list).unwrap_or_default().iter().map(device).collect()
    };
    let mut gone = allocated(facts.old);
    for kept in allocated(object) {
        gone.remove(&kept);
    }
    let Some(status) = object.field_mut("status").filter(|_| !gone.is_empty()) else { return };
    if let Some(devices) = status.field_mut("devices").and_then(Value::as_list_mut) {
        devices.retain(|held| !gone.contains(&device(held)));
        if devices.is_empty() {
            status.remove_at(&["devices"]);
        }
    }
}

fn default_claim(object: &mut Value) {
    each(object, &["spec"], &mut default_claim_spec);
}

fn default_claim_template(object: &mut Value) {
    each(object, &["spec", "spec"], &mut default_claim_spec);
}

fn default_claim_spec(spec: &mut Value) {
    each(spec, &["devices", "requests", "*", "exactly"], &mut default_request);
    each(spec, &["devices", "requests", "*", "firstAvailable", "*"], &mut default_request);
}

fn default_request(request: &mut Value) {
    fill(request, REQUEST);
    if request.text_at(&["allocationMode"]) == "ExactCount" {
        set_unset(request, "count", Fill::IntForZero(1));
    }
}

fn warn_of_slice(object: &Located<'_, '_>, _facts: &Facts<'_>, warnings: &mut Vec<String>) {
    let driver = object.at(&["spec", "driver"]);
    if driver.text() != driver.text().to_lowercase() {
        let name = quoted(driver.text());
        warnings.push(format!(
            "{driver}: driver names should be lowercase; {name} contains uppercase characters"
        ));
    }
}
