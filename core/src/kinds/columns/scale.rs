//! What scales: horizontal pod autoscalers, and the Scale of an object.

use super::cells::{NONE, UNKNOWN, UNSET, age, int, integer, is_set, items, name, quantity};
use super::{Column, Columns};
use crate::now::Wall;
use crate::value::Value;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

/// Of more metrics so many are shown.
const SHOWN_METRICS: usize = 2;

pub static SCALE: Columns = Columns::new(
    &[
        Column { format: "", ..Column::NAME },
        Column::integer("Desired", "How many pods there should be."),
        Column::integer("Available", "How many pods there are."),
        Column::AGE,
    ],
    |scale, now| {
        vec![
            name(scale),
            integer(scale, &["spec", "replicas"]),
            integer(scale, &["status", "replicas"]),
            age(scale, now),
        ]
    },
);

const AUTOSCALER_COLUMNS: &[Column<'static>] = &[
    Column::NAME,
    Column::text("Reference", "What is scaled."),
    Column::text("Targets", "What each metric is, and what it should be."),
    Column::text("MinPods", "How few pods there may be."),
    Column::text("MaxPods", "How many pods there may be."),
    Column::text("Replicas", "How many pods there are."),
    Column::AGE,
];

pub static HORIZONTAL_POD_AUTOSCALER: Columns = Columns::new(AUTOSCALER_COLUMNS, autoscaler);

fn autoscaler(autoscaler: &Value, now: Wall) -> Vec<Value> {
    let target = |field: &str| autoscaler.text_at(&["spec", "scaleTargetRef", field]);
    let minimum = match autoscaler.at(&["spec", "minReplicas"]).and_then(Value::as_int) {
        Some(minimum) => minimum.to_string(),
        None => UNSET.to_string(),
    };
    vec![
        name(autoscaler),
        format!("{}/{}", target("kind"), target("name")).into(),
        metrics(autoscaler).into(),
        minimum.into(),
        integer(autoscaler, &["spec", "maxReplicas"]),
        integer(autoscaler, &["status", "currentReplicas"]),
        age(autoscaler, now),
    ]
}

fn metrics(autoscaler: &Value) -> String {
    let specs = items(autoscaler, &["spec", "metrics"]);
    let statuses = items(autoscaler, &["status", "currentMetrics"]);
    if specs.is_empty() {
        return NONE.to_string();
    }
    let told: Vec<String> = specs
        .iter()
        .enumerate()
        .take(SHOWN_METRICS)
        .map(|(at, spec)| metric(spec, statuses.get(at)))
        .collect();
    match specs.len().saturating_sub(SHOWN_METRICS) {
        0 => told.join(", "),
        more => format!("{} + {more} more...", told.join(", ")),
    }
}

/// What a metric is and what it should be.
fn metric(spec: &Value, status: Option<&Value>) -> String {
    match spec.text_at(&["type"]) {
        "External" => of_any("external", spec, status),
        "Object" => of_any("object", spec, status),
        "Pods" => {
            let current = average(status, "pods");
            format!("{current}/{}", amount(spec, &["pods", "target", "averageValue"]))
        }
        "Resource" => of_resource("resource", spec, status),
        "ContainerResource" => of_resource("containerResource", spec, status),
        _ => "<unknown type>".to_string(),
    }
}

/// The current average of a metric, unknown while it has no status.
fn average(status: Option<&Value>, source: &str) -> String {
    match status.filter(|status| is_set(status, &[source])) {
        Some(status) => amount(status, &[source, "current", "averageValue"]),
        None => UNKNOWN.to_string(),
    }
}

/// A metric that is measured as an average or as a whole.
fn of_any(source: &str, spec: &Value, status: Option<&Value>) -> String {
    if is_set(spec, &[source, "target", "averageValue"]) {
        let known = status.filter(|status| is_set(status, &[source, "current", "averageValue"]));
        return format!(
            "{}/{} (avg)",
            average(known, source),
            amount(spec, &[source, "target", "averageValue"])
        );
    }
    let current = match status.filter(|status| is_set(status, &[source])) {
        Some(status) => amount(status, &[source, "current", "value"]),
        None => UNKNOWN.to_string(),
    };
    format!("{current}/{}", amount(spec, &[source, "target", "value"]))
}

/// A resource of the pods or of one container, as an average or as a part of what was requested.
fn of_resource(source: &str, spec: &Value, status: Option<&Value>) -> String {
    let resource = spec.text_at(&[source, "name"]);
    if is_set(spec, &[source, "target", "averageValue"]) {
        let target = amount(spec, &[source, "target", "averageValue"]);
        return format!("{resource}: {}/{target}", average(status, source));
    }
    let current = status.and_then(|status| percent(status, &[source, "current", "averageUtilization"]));
    let target = percent(spec, &[source, "target", "averageUtilization"]);
    format!(
        "{resource}: {}/{}",
        current.unwrap_or(UNKNOWN.to_string()),
        target.unwrap_or("<auto>".to_string())
    )
}

/// The quantity at a path; one that is not there as Go prints it.
fn amount(metric: &Value, path: &[&str]) -> String {
    if is_set(metric, path) { quantity(metric, path) } else { "<nil>".to_string() }
}

fn percent(metric: &Value, path: &[&str]) -> Option<String> {
    is_set(metric, path).then(|| format!("{}%", int(metric, path)))
}
