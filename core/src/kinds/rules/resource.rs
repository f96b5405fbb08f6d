//! Dynamic resource allocation: classes, claims, templates and slices.
//! k8s: pkg/registry/resource, pkg/apis/resource/v1/defaults.go

use super::fill::{Default, Fill, each, fill, set_unset};
use super::status;
use crate::kinds::{Generation, Rules};
use crate::value::Value;

const RETURNED: Rules = Rules { returns_deleted: true, ..Rules::PLAIN };

pub static DEVICE_CLASS: Rules = Rules { generation: Generation::Spec, ..RETURNED };
pub static CLAIM: Rules = Rules { default: default_claim, returns_deleted: true, ..status::SPLIT };
pub static CLAIM_TEMPLATE: Rules = Rules { default: default_claim_template, ..RETURNED };
pub static SLICE: Rules = Rules { generation: Generation::Spec, ..RETURNED };

const REQUEST: &[Default] = &[
    (&[], "allocationMode", Fill::Text("ExactCount")),
    (&["tolerations", "*"], "operator", Fill::Text("Equal")),
];

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
