//! CronJobs.
//! k8s: pkg/registry/batch/cronjob/strategy.go, pkg/apis/batch/v1/defaults.go

use super::fill::{Default, Fill, each, fill};
use super::{job, pod_spec, status, warnings};
use crate::kinds::{Generation, Rules};
use crate::value::{Value, object};
use alloc::string::String;
use alloc::vec::Vec;

pub static RULES: Rules = Rules { default, warnings: warn, generation: Generation::Spec, ..status::SPLIT };

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

fn warn(object: &Value, old: Option<&Value>) -> Vec<String> {
    let mut out = if old.is_none() { warnings::name_of_pods(object) } else { Vec::new() };
    if old.is_none_or(|old| object::generation(old) != object::generation(object)) {
        out.extend(job::warn_of_spec(object, &["spec", "jobTemplate", "spec"]));
    }
    if old.is_some() && object.text_at(&["spec", "schedule"]).contains("TZ") {
        let text = "cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see \
                    https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details";
        out.push(text.into());
    }
    out
}
