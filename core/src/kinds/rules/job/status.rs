//! The status of a job: what its controller may say of it. Most rules hold only for what a write changes, so that an
//! older status can still be written.
//! k8s: pkg/apis/batch/validation/validation.go validateJobStatus, ValidateJobStatusUpdate,
//! pkg/registry/batch/job/strategy.go getStatusValidationOptions

use super::indexes::{count_indexes, first_common};
use crate::kinds::Facts;
use crate::kinds::rules::workload::shown_struct;
use crate::kinds::validation::{Errors, IMMUTABLE, Located, semantically_equal, validate_nonnegative_field};
use crate::now::Wall;
use crate::value::Value;
use alloc::collections::BTreeSet;
use alloc::format;

/// A status and the one that it replaces.
struct Change<'v, 'p> {
    new: Located<'v, 'p>,
    old: Located<'v, 'p>,
    spec: Located<'v, 'p>,
}

impl Change<'_, '_> {
    fn differs(&self, field: &'static str) -> bool {
        !semantically_equal(self.new.member(field).value(), self.old.member(field).value())
    }

    fn is(&self, condition: &str) -> bool {
        is_true(&self.new, condition)
    }

    fn was(&self, condition: &str) -> bool {
        is_true(&self.old, condition)
    }

    fn turns(&self, condition: &str) -> bool {
        self.is(condition) != self.was(condition)
    }

    fn is_finished(&self) -> bool {
        self.is("Complete") || self.is("Failed")
    }

    /// The job begins or ceases to be finished.
    fn finishes(&self) -> bool {
        self.is_finished() != (self.was("Complete") || self.was("Failed"))
    }

    fn is_indexed(&self) -> bool {
        self.spec.member("completionMode").text() == "Indexed"
    }
}

fn has(status: &Located<'_, '_>, condition: &str, value: &str) -> bool {
    let conditions = status.member("conditions");
    conditions
        .items()
        .any(|held| held.member("type").text() == condition && held.member("status").text() == value)
}

fn is_true(status: &Located<'_, '_>, condition: &str) -> bool {
    has(status, condition, "True")
}

pub(super) fn validate_status_update(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    let old = Located::root(facts.old);
    let change =
        Change { new: object.member("status"), old: old.member("status"), spec: object.member("spec") };
    for field in ["active", "succeeded", "failed", "ready", "terminating"] {
        validate_nonnegative_field(&change.new.member(field), errors);
    }
    validate_uncounted(&change.new, errors);
    validate_conditions(&change, errors);
    validate_times(&change, errors);
    validate_ends(&change, errors);
    validate_finished(&change, errors);
    validate_indexes(&change, errors);
    validate_running(&change, errors);
    validate_success(&change, errors);
    validate_changes(&change, errors);
}

fn validate_uncounted(status: &Located<'_, '_>, errors: &mut Errors) {
    let uncounted = status.member("uncountedTerminatedPods");
    let mut seen = BTreeSet::new();
    for list in ["succeeded", "failed"] {
        for uid in uncounted.member(list).items() {
            if errors.is_full() {
                return;
            }
            if uid.is_empty() {
                errors.invalid_value(&uid, "", "must not be empty");
            } else if !seen.insert(uid.text()) {
                errors.duplicate(&uid);
            }
        }
    }
}

fn validate_conditions(change: &Change<'_, '_>, errors: &mut Errors) {
    let conditions = change.new.member("conditions");
    let complete = change.turns("Complete");
    if (complete || change.turns("Failed")) && change.is("Complete") && change.is("Failed") {
        errors.invalid_unshown(&conditions, "cannot set Complete=True and Failed=true conditions");
    }
    if (complete || change.turns("FailureTarget")) && change.is("Complete") && change.is("FailureTarget") {
        errors.invalid_unshown(&conditions, "cannot set Complete=True and FailureTarget=true conditions");
    }
}

fn validate_times(change: &Change<'_, '_>, errors: &mut Errors) {
    let (start, end) = (change.new.member("startTime"), change.new.member("completionTime"));
    if change.turns("Complete") || change.differs("completionTime") {
        if end.is_set() && !change.is("Complete") {
            errors.invalid(&end, "cannot set completionTime when there is no Complete=True condition");
        }
        if !end.is_set() && change.is("Complete") {
            errors.required(&end, "completionTime is required for Complete jobs");
        }
    }
    let time = |at: &Located<'_, '_>| Wall::parse_rfc3339(at.text());
    if (change.differs("startTime") || change.differs("completionTime"))
        && let (Some(start), Some(held)) = (time(&start), time(&end))
        && held < start
    {
        errors.invalid(&end, "must be equal to or after `startTime`");
    }
}

fn validate_ends(change: &Change<'_, '_>, errors: &mut Errors) {
    let conditions = change.new.member("conditions");
    let failed = change.turns("Failed") || change.differs("failedIndexes");
    if failed && change.is("Failed") && !change.is("FailureTarget") {
        let detail = "cannot set Failed=True condition without the FailureTarget=true condition";
        errors.invalid_unshown(&conditions, detail);
    }
    let complete = change.turns("Complete") || change.turns("SuccessCriteriaMet");
    if complete && change.is("Complete") && !change.is("SuccessCriteriaMet") {
        let detail = "cannot set Complete=True condition without the SuccessCriteriaMet=true condition";
        errors.invalid_unshown(&conditions, detail);
    }
}

/// A finished job runs no pods any more, has begun at some time, and has counted its pods.
fn validate_finished(change: &Change<'_, '_>, errors: &mut Errors) {
    if !change.is_finished() {
        return;
    }
    let finishes = change.finishes();
    let active = change.new.member("active");
    if (finishes || change.differs("active")) && active.int() > 0 {
        errors.invalid(&active, "active>0 is invalid for finished job");
    }
    let start = change.new.member("startTime");
    let never_runs =
        change.spec.member("suspend").bool() && change.spec.member("completions").int_if_set() == Some(0);
    if (finishes || change.differs("startTime")) && !never_runs && !start.is_set() {
        errors.required(&start, "startTime is required for finished job");
    }
    let uncounted = change.new.member("uncountedTerminatedPods");
    let is_empty = ["succeeded", "failed"].into_iter().all(|list| uncounted.member(list).is_empty());
    if (finishes || change.differs("uncountedTerminatedPods")) && !is_empty {
        let shown = shown_struct("UncountedTerminatedPods", &uncounted);
        errors.invalid_value(&uncounted, shown, "must be empty for finished job");
    }
}

fn validate_indexes(change: &Change<'_, '_>, errors: &mut Errors) {
    let (completed, failed) = (change.new.member("completedIndexes"), change.new.member("failedIndexes"));
    let (completed_differ, failed_differ) =
        (completed.text() != change.old.member("completedIndexes").text(), change.differs("failedIndexes"));
    let completions = change.spec.member("completions").int_if_set();
    let has_limit = change.spec.member("backoffLimitPerIndex").is_set();
    if let Some(completions) = completions.filter(|_| completed_differ)
        && let Err(problem) = count_indexes(completed.text(), completions)
    {
        let detail = format!("error parsing completedIndexes: {problem}");
        errors.invalid_value(&completed, completed.text(), detail);
    }
    if let Some(completions) = completions.filter(|_| failed_differ && has_limit && failed.is_set())
        && let Err(problem) = count_indexes(failed.text(), completions)
    {
        errors.invalid(&failed, format!("error parsing failedIndexes: {problem}"));
    }
    if completed_differ && !completed.is_empty() && !change.is_indexed() {
        let detail = "cannot set non-empty completedIndexes when non-indexed completion mode";
        errors.invalid(&completed, detail);
    }
    if failed_differ && !has_limit && failed.is_set() {
        errors.invalid(&failed, "cannot set non-null failedIndexes when backoffLimitPerIndex is null");
    }
    if let Some(completions) = completions.filter(|_| (completed_differ || failed_differ) && failed.is_set())
        && let Some(index) = first_common(completed.text(), failed.text(), completions)
    {
        let detail = format!("failedIndexes and completedIndexes overlap at index: {index}");
        errors.invalid(&failed, detail);
    }
}

fn validate_running(change: &Change<'_, '_>, errors: &mut Errors) {
    let (terminating, ready) = (change.new.member("terminating"), change.new.member("ready"));
    let ends = change.finishes() || change.differs("terminating");
    if ends && terminating.int() > 0 && change.is_finished() {
        errors.invalid(&terminating, "terminating>0 is invalid for finished job");
    }
    let differs =
        change.differs("ready") || change.new.member("active").int() != change.old.member("active").int();
    let active = change.new.member("active").int();
    if differs && ready.int_if_set().is_some_and(|ready| ready > active) {
        errors.invalid(&ready, "cannot set more ready pods than active");
    }
}

fn validate_success(change: &Change<'_, '_>, errors: &mut Errors) {
    let conditions = change.new.member("conditions");
    let met = change.is("SuccessCriteriaMet");
    if met && change.is("Failed") {
        errors.invalid_unshown(&conditions, "cannot set SuccessCriteriaMet=True and Failed=true conditions");
    }
    if met && change.is("FailureTarget") {
        let detail = "cannot set SuccessCriteriaMet=True and FailureTarget=true conditions";
        errors.invalid_unshown(&conditions, detail);
    }
    if change.spec.member("successPolicy").is_set() && !met && change.is("Complete") {
        let detail = "cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True";
        errors.invalid_unshown(&conditions, detail);
    }
}

/// What has ended stays ended, counters grow, and times stay.
fn validate_changes(change: &Change<'_, '_>, errors: &mut Errors) {
    let conditions = change.new.member("conditions");
    for condition in ["Failed", "Complete", "FailureTarget"] {
        if change.was(condition) && !change.is(condition) {
            let detail = format!("cannot disable the terminal {condition}=True condition");
            errors.invalid_unshown(&conditions, detail);
        }
    }
    let decreases = |field: &'static str| change.new.member(field).int() < change.old.member(field).int();
    let (failed, succeeded) = (change.new.member("failed"), change.new.member("succeeded"));
    if decreases("failed") {
        errors.invalid_value(&failed, failed.int(), "cannot decrease the failed counter");
    }
    // An indexed job can be scaled down where its completions go with its parallelism.
    let spec = &change.spec;
    let scales = change.is_indexed()
        && spec.member("completions").int_if_set() == spec.member("parallelism").int_if_set();
    if !scales && decreases("succeeded") {
        errors.invalid_value(&succeeded, succeeded.int(), "cannot decrease the succeeded counter");
    }
    validate_kept_times(change, errors);
    let met = change.is("SuccessCriteriaMet");
    if change.was("SuccessCriteriaMet") && !met {
        errors.invalid_unshown(&conditions, "cannot disable the SuccessCriteriaMet=True condition");
    }
    if change.was("Complete") && !change.was("SuccessCriteriaMet") && met {
        let detail = "cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions";
        errors.invalid_unshown(&conditions, detail);
    }
}

fn validate_kept_times(change: &Change<'_, '_>, errors: &mut Errors) {
    let (end, start) = (change.new.member("completionTime"), change.new.member("startTime"));
    let (old_end, old_start) = (change.old.member("completionTime"), change.old.member("startTime"));
    if end.is_set() && old_end.is_set() && end.value() != old_end.value() {
        errors.invalid(&end, IMMUTABLE);
    }
    let resumes = is_true(&change.old, "Suspended") && has(&change.new, "Suspended", "False");
    let is_suspended = change.spec.member("suspend").bool();
    if old_start.is_set() && change.differs("startTime") && !resumes && !is_suspended {
        errors.invalid(&start, "field is immutable for unsuspended job once set");
    }
}

/// Whether a stored job has a condition.
pub(super) fn has_condition(job: &Value, condition: &str) -> bool {
    is_true(&Located::root(job).member("status"), condition)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::rules::workload::given::problems;
    use alloc::string::String;

    fn job(spec: &str, status: &str, conditions: &[&str]) -> String {
        let conditions: alloc::vec::Vec<String> =
            conditions.iter().map(|kind| format!(r#"{{"type":"{kind}","status":"True"}}"#)).collect();
        format!(r#"{{"spec":{{{spec}}},"status":{{"conditions":[{}]{status}}}}}"#, conditions.join(","))
    }

    #[test]
    fn statuses_have_upstreams_problems() {
        const TIMES: &str = r#","startTime":"2020-01-01T00:00:00Z","completionTime":"2020-01-01T00:00:00Z""#;
        const INDEXED: &str = r#""completionMode":"Indexed","completions":5,"backoffLimitPerIndex":1"#;
        let done = ["SuccessCriteriaMet", "Complete"];
        let fresh = job("", "", &[]);
        let table = [
            (job("", TIMES, &done), &fresh, ""),
            (
                job("", r#","active":1"#, &["Complete"]),
                &fresh,
                "[status.completionTime: Required value: completionTime is required for Complete jobs, \
                 status.conditions: Invalid value: cannot set Complete=True condition without the \
                 SuccessCriteriaMet=true condition, status.active: Invalid value: 1: active>0 is invalid for finished \
                 job, status.startTime: Required value: startTime is required for finished job]",
            ),
            (
                job("", &TIMES.replace(r#":"2020"#, r#":"2019"#).replacen("2019", "2020", 1), &done),
                &fresh,
                "status.completionTime: Invalid value: \"2019-01-01T00:00:00Z\": must be equal to or after `startTime`",
            ),
            (
                job(INDEXED, r#","completedIndexes":"0-2","failedIndexes":"2,9""#, &[]),
                &fresh,
                "[status.failedIndexes: Invalid value: \"2,9\": error parsing failedIndexes: too large index: \"9\", \
                 status.failedIndexes: Invalid value: \"2,9\": \
                 failedIndexes and completedIndexes overlap at index: 2]",
            ),
            (
                fresh.clone(),
                &job("", r#","failed":1,"succeeded":2"#, &["FailureTarget"]),
                "[status.conditions: Invalid value: cannot disable the terminal FailureTarget=True condition, \
                 status.failed: Invalid value: 0: cannot decrease the failed counter, \
                 status.succeeded: Invalid value: 0: cannot decrease the succeeded counter]",
            ),
            (
                job("", r#","ready":2,"active":1,"uncountedTerminatedPods":{"failed":["a","","a"]}"#, &[]),
                &fresh,
                "[status.uncountedTerminatedPods.failed[1]: Invalid value: \"\": must not be empty, \
                 status.uncountedTerminatedPods.failed[2]: Duplicate value: \"a\", \
                 status.ready: Invalid value: 2: cannot set more ready pods than active]",
            ),
        ];
        for (new, old, expected) in &table {
            assert_eq!(problems(validate_status_update, new, Some(old)), *expected, "{new}");
        }
    }
}
