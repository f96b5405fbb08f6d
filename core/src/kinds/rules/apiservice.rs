//! APIServices.
//! k8s: staging/src/k8s.io/kube-aggregator/pkg/registry/apiservice/strategy.go

use super::fill::{Default, Fill, fill};
use super::status;
use crate::kinds::{Rules, names};
use crate::status::{Causes, Path};
use crate::value::Value;
use alloc::format;

pub static RULES: Rules =
    Rules { name: names::any, default, validate, unconditional_update: false, ..status::SPLIT };

const DEFAULTS: &[Default] = &[(&["spec", "service"], "port", Fill::Int(443))];

fn default(object: &mut Value) {
    fill(object, DEFAULTS);
}

/// The name follows from group and version.
fn validate(object: &Value, causes: &mut Causes) {
    let required = format!("{}.{}", object.text_at(&["spec", "version"]), object.text_at(&["spec", "group"]));
    let name = object.text_at(&["metadata", "name"]);
    if name != required {
        let detail = format!("must be `spec.version+\".\"+spec.group`: \"{required}\"");
        causes.invalid(&Path::new("metadata").child("name"), &name.into(), &detail);
    }
}
