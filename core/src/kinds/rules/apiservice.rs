//! APIServices.
//! k8s: staging/src/k8s.io/kube-aggregator/pkg/registry/apiservice/strategy.go

use super::fill::{Default, Fill, fill};
use super::status;
use crate::kinds::validation::{Errors, Located};
use crate::kinds::{Facts, ResetFields, Rules, Strategy};
use crate::value::names;
use crate::value::{Map, Value};
use alloc::format;

pub static RULES: Rules = Rules {
    name: names::any,
    default,
    prepare_for_create,
    validate,
    subresources: &[("status", STATUS)],
    allow_unconditional_update: false,
    ..status::SPLIT
};

const STATUS: Strategy = Strategy {
    prepare_for_update: |object, facts| {
        status::take_status(object, facts.old, &["annotations", "finalizers", "labels", "ownerReferences"]);
    },
    reset_fields: ResetFields::Only(&[&["metadata"], &["spec"]]),
    ..Strategy::PLAIN
};

const DEFAULTS: &[Default] = &[(&["spec", "service"], "port", Fill::Int(443))];

fn default(object: &mut Value) {
    fill(object, DEFAULTS);
}

/// What this server serves itself is available from the start.
fn prepare_for_create(object: &mut Value, facts: &Facts<'_>) {
    status::drop_status(object, facts);
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
fn validate(object: &Located<'_, '_>, _facts: &Facts<'_>, errors: &mut Errors) {
    let (version, group) = (object.at(&["spec", "version"]), object.at(&["spec", "group"]));
    let required = format!("{}.{}", version.text(), group.text());
    let name = object.at(&["metadata", "name"]);
    if name.text() != required {
        let detail = format_args!("must be `spec.version+\".\"+spec.group`: \"{required}\"");
        errors.invalid_value(&name, name.text(), detail);
    }
}
