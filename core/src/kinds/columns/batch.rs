//! Jobs and cron jobs.

use super::age;
use super::cells::{
    self, NONE, UNSET, containers, count, int, is_being_deleted, is_set, is_true, name, selector, set_or,
    since, text, time,
};
use super::{Column, Columns};
use crate::now::Wall;
use crate::value::Value;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

pub static JOB: Columns = Columns::new(
    &[
        Column::NAME,
        Column::text("Status", "How far the job is."),
        Column::text("Completions", "How many pods have succeeded, of how many must."),
        Column::text("Duration", "Time from start to completion, or until now."),
        Column::AGE,
        Column::CONTAINERS,
        Column::IMAGES,
        Column::SELECTOR,
    ],
    job,
);

fn job(job: &Value, now: Wall) -> Vec<Value> {
    let [names, images] = containers(job, &["spec", "template", "spec", "containers"]);
    vec![
        name(job),
        status(job).into(),
        completions(job).into(),
        duration(job, now).into(),
        cells::age(job, now),
        names,
        images,
        selector(job, &["spec", "selector"]).into(),
    ]
}

fn status(job: &Value) -> &'static str {
    if is_true(job, "Complete") {
        "Complete"
    } else if is_true(job, "Failed") {
        "Failed"
    } else if is_being_deleted(job) {
        "Terminating"
    } else if is_true(job, "Suspended") {
        "Suspended"
    } else if is_true(job, "FailureTarget") {
        "FailureTarget"
    } else {
        "Running"
    }
}

fn completions(job: &Value) -> String {
    let succeeded = int(job, &["status", "succeeded"]);
    if is_set(job, &["spec", "completions"]) {
        return format!("{succeeded}/{}", int(job, &["spec", "completions"]));
    }
    match int(job, &["spec", "parallelism"]) {
        parallelism if parallelism > 1 => format!("{succeeded}/1 of {parallelism}"),
        _ => format!("{succeeded}/1"),
    }
}

/// Empty until the job has started.
fn duration(job: &Value, now: Wall) -> String {
    let Some(start) = time(job, &["status", "startTime"]) else { return String::new() };
    age::between(start, time(job, &["status", "completionTime"]).unwrap_or(now))
}

pub static CRON_JOB: Columns = Columns::new(
    &[
        Column::NAME,
        Column::text("Schedule", "When jobs are started, in Cron format."),
        Column::text("Timezone", "Time zone of the schedule."),
        Column::boolean("Suspend", "No further jobs are started."),
        Column::integer("Active", "How many jobs are running."),
        Column::text("Last Schedule", "Time since a job was last started."),
        Column::AGE,
        Column::CONTAINERS,
        Column::IMAGES,
        Column::SELECTOR,
    ],
    cron_job,
);

fn cron_job(cron_job: &Value, now: Wall) -> Vec<Value> {
    let last = &["status", "lastScheduleTime"];
    let last = if is_set(cron_job, last) { since(cron_job, last, now) } else { NONE.to_string() };
    let suspend = match cron_job.at(&["spec", "suspend"]).and_then(Value::as_bool) {
        Some(true) => "True",
        Some(false) => "False",
        None => UNSET,
    };
    let job = ["spec", "jobTemplate", "spec"];
    let [names, images] = containers(cron_job, &[&job[..], &["template", "spec", "containers"]].concat());
    vec![
        name(cron_job),
        text(cron_job, &["spec", "schedule"]),
        set_or(cron_job, &["spec", "timeZone"], NONE).into(),
        suspend.into(),
        count(cron_job, &["status", "active"]).into(),
        last.into(),
        cells::age(cron_job, now),
        names,
        images,
        selector(cron_job, &[&job[..], &["selector"]].concat()).into(),
    ]
}
