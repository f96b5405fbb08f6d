//! CronJobs.
//! k8s: pkg/registry/batch/cronjob/strategy.go, pkg/apis/batch/v1/defaults.go

use super::fill::{Default, Fill, each, fill};
use super::{pod_spec, status};
use crate::kinds::{Generation, Rules};
use crate::value::Value;

pub static RULES: Rules = Rules { default, generation: Generation::Spec, ..status::SPLIT };

/// The job template is no Job yet: only its pod template is filled in.
const DEFAULTS: &[Default] = &[
    (&["spec"], "concurrencyPolicy", Fill::Text("Allow")),
    (&["spec"], "suspend", Fill::Bool(false)),
    (&["spec"], "successfulJobsHistoryLimit", Fill::Int(3)),
    (&["spec"], "failedJobsHistoryLimit", Fill::Int(1)),
    (
        &["spec", "jobTemplate", "spec", "podFailurePolicy", "rules", "*", "onPodConditions", "*"],
        "status",
        Fill::Text("True"),
    ),
];

fn default(object: &mut Value) {
    fill(object, DEFAULTS);
    each(object, &["spec", "jobTemplate", "spec", "template"], &mut pod_spec::default_template);
}
