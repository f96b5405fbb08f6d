//! Deployments.
//! k8s: pkg/registry/apps/deployment/strategy.go, pkg/apis/apps/v1/defaults.go

use super::fill::{Default, Fill, each, fill};
use super::{pod, status};
use crate::kinds::{Generation, ResetFields, Rules, Strategy};
use crate::value::Value;

pub static RULES: Rules = Rules {
    default,
    warnings_on_create: pod::warnings::named_workload,
    update: UPDATE,
    subresources: &[("scale", UPDATE), ("status", STATUS)],
    generation: Generation::SpecAndAnnotations,
    ..status::SPLIT
};

const UPDATE: Strategy = Strategy { warnings_on_update: pod::warnings::changed_workload, ..status::UPDATE };

const STATUS: Strategy = Strategy {
    prepare_for_update: |object, facts| status::take_status(object, facts.old, &["labels"]),
    reset_fields: ResetFields::Only(&[&["spec"], &["metadata", "labels"]]),
    ..Strategy::PLAIN
};

const DEFAULTS: &[Default] = &[
    (&["spec"], "replicas", Fill::Int(1)),
    (&["spec"], "strategy", Fill::Object),
    (&["spec", "strategy"], "type", Fill::Text("RollingUpdate")),
    (&["spec"], "revisionHistoryLimit", Fill::Int(10)),
    (&["spec"], "progressDeadlineSeconds", Fill::Int(600)),
];

const ROLLING: &[Default] = &[
    (&[], "rollingUpdate", Fill::Object),
    (&["rollingUpdate"], "maxUnavailable", Fill::Text("25%")),
    (&["rollingUpdate"], "maxSurge", Fill::Text("25%")),
];

fn default(object: &mut Value) {
    fill(object, DEFAULTS);
    each(object, &["spec", "strategy"], &mut |strategy| {
        if strategy.text_at(&["type"]) == "RollingUpdate" {
            fill(strategy, ROLLING);
        }
    });
    each(object, &["spec", "template"], &mut pod::default_template);
}
