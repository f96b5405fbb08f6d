//! CronJobs.
//! k8s: pkg/registry/batch/cronjob/strategy.go, pkg/apis/batch/v1/defaults.go

use super::fill::{Default, Fill, each, fill};
use super::{job, pod, status, warnings};
use crate::kinds::validation::Located;
use crate::kinds::{Facts, Generation, Rules, Strategy};
use crate::value::Value;
use alloc::string::String;
use alloc::vec::Vec;

pub static RULES: Rules = Rules {
    default,
    warnings_on_create,
    update: Strategy { warnings_on_update, ..status::UPDATE },
    generation: Generation::Spec,
    ..status::SPLIT
};

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
    each(object, &["spec", "jobTemplate", "spec", "template"], &mut pod::default_template);
}

fn warnings_on_create(object: &Located<'_, '_>, _facts: &Facts<'_>, warnings: &mut Vec<String>) {
    warnings::name_of_pods(object, warnings);
    job::warn_of_spec(&object.at(&["spec", "jobTemplate", "spec"]), warnings);
}

fn warnings_on_update(object: &Located<'_, '_>, facts: &Facts<'_>, warnings: &mut Vec<String>) {
    if warnings::is_new_generation(object, facts) {
        job::warn_of_spec(&object.at(&["spec", "jobTemplate", "spec"]), warnings);
    }
    if object.at(&["spec", "schedule"]).text().contains("TZ") {
        let text = "cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see \
                    https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details";
        warnings.push(text.into());
    }
}
