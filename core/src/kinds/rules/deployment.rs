//! Deployments.
//! k8s: pkg/registry/apps/deployment/strategy.go, pkg/apis/apps/v1/defaults.go

use super::fill::{Default, Fill, each, fill};
use super::{pod_spec, status, warnings};
use crate::kinds::{Generation, Rules};
use crate::value::Value;

pub static RULES: Rules = Rules {
    default,
    warnings: warnings::pod::named_workload,
    generation: Generation::SpecAndAnnotations,
    status_keeps: &["labels"],
    ..status::SPLIT
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
    each(object, &["spec", "template"], &mut pod_spec::default_template);
}
