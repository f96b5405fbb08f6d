//! CronJobs.
//! k8s: pkg/registry/batch/cronjob/strategy.go, pkg/apis/batch/v1/defaults.go, pkg/apis/batch/validation/validation.go

use super::fill::{Default, Fill, each, fill};
use super::workload::drop_disabled_fields;
use super::{job, pod, status, warnings};
use crate::kinds::validation::{Errors, Located, validate_nonnegative_field};
use crate::kinds::{Facts, Generation, Rules, Strategy};
use crate::value::Value;
use crate::value::cron::check_schedule;
use crate::value::time_zones::load_location;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

pub static RULES: Rules = Rules {
    default,
    prepare_for_create,
    validate,
    warnings_on_create,
    update: Strategy {
        prepare_for_update,
        validate_update: validate_spec,
        warnings_on_update,
        ..status::UPDATE
    },
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

const TEMPLATE: &[&str] = &["spec", "jobTemplate", "spec", "template"];

fn prepare_for_create(object: &mut Value, facts: &Facts<'_>) {
    status::drop_status(object, facts);
    drop_disabled_fields(object, facts.old, TEMPLATE);
}

fn prepare_for_update(object: &mut Value, facts: &Facts<'_>) {
    status::keep_status(object, facts);
    drop_disabled_fields(object, facts.old, TEMPLATE);
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

/// The controller gives jobs the name of the schedule and 11 more letters.
const NAME_BYTES: usize = 63 - 11;

fn validate(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    validate_spec(object, facts, errors);
    let name = object.at(&["metadata", "name"]);
    if name.len() > NAME_BYTES {
        errors.invalid(&name, format!("must be no more than {NAME_BYTES} characters"));
    }
}

fn validate_spec(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    let (spec, old) = (object.member("spec"), Located::root(facts.old));
    validate_schedule(&spec, &old.at(&["spec", "schedule"]), errors);
    validate_nonnegative_field(&spec.member("startingDeadlineSeconds"), errors);
    let zone = spec.member("timeZone");
    if zone.is_set() && zone.value() != old.at(&["spec", "timeZone"]).value() {
        validate_time_zone(&zone, errors);
    }
    let policy = spec.member("concurrencyPolicy");
    match policy.text() {
        "Allow" | "Forbid" | "Replace" => {}
        "" => errors.required(&policy, ""),
        _ => errors.not_supported(&policy, &["Allow", "Forbid", "Replace"]),
    }
    job::validate_template_spec(&spec.at(&["jobTemplate", "spec"]), facts, errors);
    validate_nonnegative_field(&spec.member("successfulJobsHistoryLimit"), errors);
    validate_nonnegative_field(&spec.member("failedJobsHistoryLimit"), errors);
}

/// A schedule names no time zone, unless the stored one does.
fn validate_schedule(spec: &Located<'_, '_>, old: &Located<'_, '_>, errors: &mut Errors) {
    let schedule = spec.member("schedule");
    let text = schedule.text();
    if text.is_empty() {
        errors.required(&schedule, "");
        return;
    }
    if let Err(problem) = check_schedule(text) {
        errors.invalid(&schedule, problem);
    }
    if !text.contains("TZ") {
        return;
    }
    if !old.text().contains("TZ") {
        errors.invalid(&schedule, "cannot use TZ or CRON_TZ in schedule, use timeZone field instead");
    } else if spec.member("timeZone").is_set() {
        errors.invalid(&schedule, "cannot use both timeZone field and TZ or CRON_TZ in schedule");
    }
}

fn validate_time_zone(zone: &Located<'_, '_>, errors: &mut Errors) {
    let name = zone.text();
    if name.is_empty() {
        errors.invalid(zone, "timeZone must be nil or non-empty string");
        return;
    }
    if !name.split('/').all(is_part_of_time_zone) {
        errors.invalid(zone, format!("unknown time zone {name}"));
        return;
    }
    if name.eq_ignore_ascii_case("Local") {
        let detail = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones";
        errors.invalid(zone, detail);
    }
    if let Err(problem) = load_location(name) {
        errors.invalid(zone, problem);
    }
}

fn is_part_of_time_zone(part: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'+');
    (1..=14).contains(&part.len())
        && part.bytes().all(good)
        && !matches!(part, "." | "..")
        && !part.starts_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::rules::workload::given::problems;

    fn cron(name: &str, more: &str) -> String {
        format!(
            r#"{{"metadata":{{"name":"{name}"}},"spec":{{"concurrencyPolicy":"Allow","jobTemplate":{{"spec":
                {{"template":{{"spec":{{"restartPolicy":"Never"}}}}}}}}{more}}}}}"#
        )
    }

    #[test]
    fn schedules_and_zones_have_upstreams_problems() {
        const OLD_WAY: &str = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead";
        let daily = |zone: &str| cron("c", &format!(r#","schedule":"@daily","timeZone":"{zone}""#));
        let zoned = |more: &str| cron("c", &format!(r#","schedule":"TZ=UTC @daily"{more}"#));
        let table = [
            (daily("Europe/Zurich"), None, String::new()),
            (daily("America/Argentina/Buenos_Aires"), None, String::new()),
            (
                daily("america/argentina/buenos_aires"),
                None,
                "spec.timeZone: Invalid value: \"america/argentina/buenos_aires\": \
                 unknown time zone america/argentina/buenos_aires"
                    .into(),
            ),
            (daily("a b"), None, "spec.timeZone: Invalid value: \"a b\": unknown time zone a b".into()),
            (daily(""), None, "spec.timeZone: Invalid value: \"\": timeZone must be nil or non-empty string".into()),
            (
                daily("Local"),
                None,
                "spec.timeZone: Invalid value: \"Local\": timeZone must be an explicit time zone as defined in \
                 https://www.iana.org/time-zones"
                    .into(),
            ),
            (daily("a b"), Some(daily("a b")), String::new()),
            (zoned(""), None, format!("spec.schedule: Invalid value: \"TZ=UTC @daily\": {OLD_WAY}")),
            (zoned(""), Some(zoned("")), String::new()),
            (
                zoned(r#","timeZone":"UTC""#),
                Some(zoned("")),
                "spec.schedule: Invalid value: \"TZ=UTC @daily\": \
                 cannot use both timeZone field and TZ or CRON_TZ in schedule"
                    .into(),
            ),
            (cron(&"c".repeat(52), r#","schedule":"@daily""#), None, String::new()),
            (
                cron(&"c".repeat(53), r#","schedule":"@daily""#),
                None,
                format!("metadata.name: Invalid value: \"{}\": must be no more than 52 characters", "c".repeat(53)),
            ),
        ];
        for (object, old, expected) in &table {
            let check = if old.is_some() { validate_spec } else { validate };
            assert_eq!(problems(check, object, old.as_deref()), *expected, "{object}");
        }
    }
}
