//! DaemonSets.
//! k8s: pkg/registry/apps/daemonset/strategy.go, pkg/apis/apps/v1/defaults.go

use super::fill::{Default, Fill, each, fill};
use super::{pod_spec, status, warnings};
use crate::kinds::{Generation, Rules};
use crate::value::Value;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

pub static RULES: Rules = Rules {
    default,
    warnings: warn,
    prepare_create,
    prepare_update,
    generation: Generation::Spec,
    ..status::SPLIT
};

/// The annotation under which apps/v1 keeps a field of older versions: how often the template changed.
const TEMPLATE_GENERATION: &[&str] = &["metadata", "annotations", "deprecated.daemonset.template.generation"];

const DEFAULTS: &[Default] = &[
    (&["spec"], "updateStrategy", Fill::Object),
    (&["spec", "updateStrategy"], "type", Fill::Text("RollingUpdate")),
    (&["spec"], "revisionHistoryLimit", Fill::Int(10)),
];

const ROLLING: &[Default] = &[
    (&[], "rollingUpdate", Fill::Object),
    (&["rollingUpdate"], "maxUnavailable", Fill::Int(1)),
    (&["rollingUpdate"], "maxSurge", Fill::Int(0)),
];

fn default(object: &mut Value) {
    fill(object, DEFAULTS);
    each(object, &["spec", "updateStrategy"], &mut |strategy| {
        if strategy.text_at(&["type"]) == "RollingUpdate" {
            fill(strategy, ROLLING);
        }
    });
    each(object, &["spec", "template"], &mut pod_spec::default_template);
    set_template_generation(object, template_generation(object));
}

fn prepare_create(object: &mut Value) {
    status::drop(object);
    set_template_generation(object, template_generation(object).max(1));
}

fn prepare_update(object: &mut Value, old: &Value) {
    status::keep(object, old);
    let template = &["spec", "template"];
    let changed = object.at(template) != old.at(template);
    set_template_generation(object, template_generation(old).saturating_add(i64::from(changed)));
}

fn warn(object: &Value, old: Option<&Value>) -> Vec<String> {
    let same = old.is_some_and(|old| template_generation(old) == template_generation(object));
    if same { Vec::new() } else { warnings::pod::template(object, &["spec", "template"]) }
}

fn template_generation(object: &Value) -> i64 {
    object.text_at(TEMPLATE_GENERATION).parse().unwrap_or(0)
}

fn set_template_generation(object: &mut Value, generation: i64) {
    object.set_at(TEMPLATE_GENERATION, generation.to_string().into());
}
