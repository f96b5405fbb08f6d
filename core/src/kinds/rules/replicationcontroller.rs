//! ReplicationControllers.
//! k8s: pkg/registry/core/replicationcontroller/strategy.go, pkg/apis/core/v1/defaults.go

use super::fill::{Default, Fill, each, fill, is_unset};
use super::{pod_spec, status, warnings};
use crate::kinds::{Generation, Rules};
use crate::value::{Map, Value, object};
use alloc::string::String;
use alloc::vec::Vec;

pub static RULES: Rules =
    Rules { default, warnings: warn, generation: Generation::Spec, orphans: true, ..status::SPLIT };

const DEFAULTS: &[Default] = &[(&["spec"], "replicas", Fill::Int(1))];

fn default(object: &mut Value) {
    fill(object, DEFAULTS);
    each(object, &["spec", "template"], &mut pod_spec::default_template);
    let labels = object.at(&["spec", "template", "metadata", "labels"]).cloned();
    let Some(labels) = labels.filter(|labels| labels.as_map().is_some_and(|map| !map.is_empty())) else {
        return;
    };
    for (place, field) in [("spec", "selector"), ("metadata", "labels")] {
        let empty = |held: &Value| held.field(field).and_then(Value::as_map).is_some_and(Map::is_empty);
        each(object, &[place], &mut |held| {
            if is_unset(held, field) || empty(held) {
                held.set(field, labels.clone());
            }
        });
    }
}

/// An update is warned of what the old template says, as upstream does it.
fn warn(object: &Value, old: Option<&Value>) -> Vec<String> {
    match old {
        None => warnings::pod::named_workload(object, None),
        Some(old) if object::generation(old) == object::generation(object) => Vec::new(),
        Some(old) => warnings::pod::template(old, &["spec", "template"]),
    }
}
