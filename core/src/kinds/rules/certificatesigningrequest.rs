//! CertificateSigningRequests.
//! k8s: pkg/registry/certificates/certificates/strategy.go

use super::status;
use crate::kinds::{Rules, names};
use crate::value::Value;

pub static RULES: Rules = Rules { name: names::any, prepare_update, ..status::SPLIT };

/// What is asked for never changes.
fn prepare_update(object: &mut Value, old: &Value) {
    status::keep(object, old);
    if let Some(spec) = old.field("spec") {
        object.set("spec", spec.clone());
    }
}
