//! APIServices.
//! k8s: staging/src/k8s.io/kube-aggregator/pkg/registry/apiservice/strategy.go

use super::fill::{Default, Fill, fill};
use super::status;
use crate::kinds::Rules;
use crate::status::{Causes, Path};
use crate::value::names;
use crate::value::{Map, Value};
use alloc::format;

pub static RULES: Rules = Rules {
    name: names::any,
    default,
    prepare_create,
    validate,
    unconditional_update: false,
    status_keeps: &["annotations", "finalizers", "labels", "ownerReferences"],
    ..status::SPLIT
};

const DEFAULTS: &[Default] = &[(&["spec", "service"], "port", Fill::Int(443))];

fn default(object: &mut Value) {
    fill(object, DEFAULTS);
}

/// What this server serves itself is available from the start.
fn prepare_create(object: &mut Value) {
    status::drop(object);
    let local = object.at(&["spec", "service"]).is_none_or(Value::is_null);
    let created = object.at(&["metadata", "creationTimestamp"]).cloned();
    if let Some(created) = created.filter(|_| local) {
        let mut condition = Map::new();
        for (field, text) in [
            ("type", "Available"),
            ("status", "True"),
            ("reason", "Local"),
            ("message", "Local APIServices are always available"),
        ] {
            condition.insert(field, text.into());
        }
        condition.insert("lastTransitionTime", created);
        object.set_at(&["status", "conditions"], Value::list(alloc::vec![condition.into()]));
    }
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
