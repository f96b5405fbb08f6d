//! ReplicationControllers.
//! k8s: pkg/registry/core/replicationcontroller/strategy.go, pkg/apis/core/v1/defaults.go

use super::fill::{Default, Fill, each, fill, is_unset};
use super::{pod, status, warnings};
use crate::kinds::validation::Located;
use crate::kinds::{Facts, Generation, Rules, Strategy};
use crate::value::{Map, Value};
use alloc::string::String;
use alloc::vec::Vec;

pub static RULES: Rules = Rules {
    default,
    warnings_on_create: pod::warnings::named_workload,
    update: UPDATE,
    subresources: &[("scale", UPDATE), ("status", status::STATUS)],
    generation: Generation::Spec,
    orphans: true,
    ..status::SPLIT
};

const UPDATE: Strategy = Strategy { warnings_on_update, ..status::UPDATE };

const DEFAULTS: &[Default] = &[(&["spec"], "replicas", Fill::Int(1))];

fn default(object: &mut Value) {
    fill(object, DEFAULTS);
    each(object, &["spec", "template"], &mut pod::default_template);
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
fn warnings_on_update(object: &Located<'_, '_>, facts: &Facts<'_>, warnings: &mut Vec<String>) {
    if warnings::is_new_generation(object, facts) {
        pod::warnings::template(&Located::root(facts.old).at(&["spec", "template"]), warnings);
    }
}
