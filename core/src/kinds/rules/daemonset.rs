//! DaemonSets.
//! k8s: pkg/registry/apps/daemonset/strategy.go, pkg/apis/apps/v1/defaults.go

use super::fill::{Default, Fill, each, fill};
use super::{pod, status};
use crate::kinds::validation::Located;
use crate::kinds::{Facts, Generation, Rules, Strategy};
use crate::value::Value;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

pub static RULES: Rules = Rules {
    default,
    prepare_for_create,
    warnings_on_create: pod::warnings::workload,
    update: Strategy { prepare_for_update, warnings_on_update, ..status::UPDATE },
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
    each(object, &["spec", "template"], &mut pod::default_template);
    set_template_generation(object, template_generation(object));
}

fn prepare_for_create(object: &mut Value, facts: &Facts<'_>) {
    status::drop_status(object, facts);
    set_template_generation(object, template_generation(object).max(1));
}

fn prepare_for_update(object: &mut Value, facts: &Facts<'_>) {
    status::keep_status(object, facts);
    let changed = object.at(&["spec", "template"]) != facts.old.at(&["spec", "template"]);
    set_template_generation(object, template_generation(facts.old).saturating_add(i64::from(changed)));
}

fn warnings_on_update(object: &Located<'_, '_>, facts: &Facts<'_>, warnings: &mut Vec<String>) {
    let held = template_generation(facts.old);
    if object.value().is_none_or(|object| template_generation(object) != held) {
        pod::warnings::template(&object.at(&["spec", "template"]), warnings);
    }
}

fn template_generation(object: &Value) -> i64 {
    object.text_at(TEMPLATE_GENERATION).parse().unwrap_or(0)
}

fn set_template_generation(object: &mut Value, generation: i64) {
    object.set_at(TEMPLATE_GENERATION, generation.to_string().into());
}
