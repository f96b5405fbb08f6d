//! Converts autoscaling/v1 to autoscaling/v2 and back: what v1 has no fields for is kept in annotations, as JSON.
//! k8s: pkg/apis/autoscaling/v1/conversion.go, pkg/apis/autoscaling/{annotations,helpers}.go

use super::Conversion;
use crate::codec::json::{self, Duplicates, Parsed};
use crate::schema::{Catalogue, Shape, TypeId, decode, encode};
use crate::value::{Map, Text, Value};
use alloc::string::String;
use alloc::vec::Vec;

pub static HORIZONTAL_POD_AUTOSCALER: Conversion = Conversion { to_stored: to_v2, from_stored: from_v2 };

const METRICS: &str = "autoscaling.alpha.kubernetes.io/metrics";
const CURRENT_METRICS: &str = "autoscaling.alpha.kubernetes.io/current-metrics";
const BEHAVIOR: &str = "autoscaling.alpha.kubernetes.io/behavior";
const CONDITIONS: &str = "autoscaling.alpha.kubernetes.io/conditions";

/// The annotations that carry fields of another version. Objects of v2 have none of them.
const ANNOTATIONS: [&str; 6] = [
    METRICS,
    CURRENT_METRICS,
    BEHAVIOR,
    CONDITIONS,
    "autoscaling.alpha.kubernetes.io/scale-down-tolerance",
    "autoscaling.alpha.kubernetes.io/scale-up-tolerance",
];

/// The target CPU utilization, in percent, when no metric is given.
pub const CPU_PERCENT: i64 = 80;

/// The path of a metric's member in v1, and in v2.
type Member = (&'static str, &'static [&'static str]);

/// The sources of a metric in the spec.
const SPECS: &[(&str, &[Member])] = &[
    (
        "object",
        &[
            ("target", &["describedObject"]),
            ("metricName", &["metric", "name"]),
            ("selector", &["metric", "selector"]),
            ("targetValue", &["target", "value"]),
            ("averageValue", &["target", "averageValue"]),
        ],
    ),
    (
        "pods",
        &[
            ("metricName", &["metric", "name"]),
            ("selector", &["metric", "selector"]),
            ("targetAverageValue", &["target", "averageValue"]),
        ],
    ),
    ("resource", TARGET_OF_RESOURCE),
    ("containerResource", TARGET_OF_RESOURCE),
    (
        "external",
        &[
            ("metricName", &["metric", "name"]),
            ("metricSelector", &["metric", "selector"]),
            ("targetValue", &["target", "value"]),
            ("targetAverageValue", &["target", "averageValue"]),
        ],
    ),
];

const TARGET_OF_RESOURCE: &[Member] = &[
    ("name", &["name"]),
    ("container", &["container"]),
    ("targetAverageUtilization", &["target", "averageUtilization"]),
    ("targetAverageValue", &["target", "averageValue"]),
];

/// The sources of a metric in the status.
const STATUSES: &[(&str, &[Member])] = &[
    (
        "object",
        &[
            ("target", &["describedObject"]),
            ("metricName", &["metric", "name"]),
            ("selector", &["metric", "selector"]),
            ("currentValue", &["current", "value"]),
            ("averageValue", &["current", "averageValue"]),
        ],
    ),
    (
        "pods",
        &[
            ("metricName", &["metric", "name"]),
            ("selector", &["metric", "selector"]),
            ("currentAverageValue", &["current", "averageValue"]),
        ],
    ),
    ("resource", CURRENT_OF_RESOURCE),
    ("containerResource", CURRENT_OF_RESOURCE),
    (
        "external",
        &[
            ("metricName", &["metric", "name"]),
            ("metricSelector", &["metric", "selector"]),
            ("currentValue", &["current", "value"]),
            ("currentAverageValue", &["current", "averageValue"]),
        ],
    ),
];

const CURRENT_OF_RESOURCE: &[Member] = &[
    ("name", &["name"]),
    ("container", &["container"]),
    ("currentAverageUtilization", &["current", "averageUtilization"]),
    ("currentAverageValue", &["current", "averageValue"]),
];

/// The members of a behavior as they stand in the annotation, which has Go's names, and in v2.
const RULES: &[Member] = &[
    ("StabilizationWindowSeconds", &["stabilizationWindowSeconds"]),
    ("SelectPolicy", &["selectPolicy"]),
    ("Policies", &["policies"]),
    ("Tolerance", &["tolerance"]),
];
const POLICY: &[Member] =
    &[("Type", &["type"]), ("Value", &["value"]), ("PeriodSeconds", &["periodSeconds"])];
const DIRECTIONS: [(&str, &str); 2] = [("ScaleUp", "scaleUp"), ("ScaleDown", "scaleDown")];

/// Removes the annotations that only carry fields, and what is left of the map when nothing is.
pub fn drop_annotations(object: &mut Value) {
    for name in ANNOTATIONS {
        take_annotation(object, name);
    }
}

fn take_annotation(object: &mut Value, name: &str) -> Option<Text> {
    // The lookup is cheap, and avoids copying a shared object that has no such annotation.
    object.at(&["metadata", "annotations", name])?;
    let taken = object.remove_at(&["metadata", "annotations", name])?;
    if object.at(&["metadata", "annotations"]).and_then(Value::as_map).is_some_and(Map::is_empty) {
        object.remove_at(&["metadata", "annotations"]);
    }
    taken.as_str().map(Text::from)
}

fn to_v2(catalogue: &Catalogue, mut object: Value) -> Value {
    object.set("apiVersion", "autoscaling/v2".into());
    let annotations = [METRICS, CURRENT_METRICS, BEHAVIOR, CONDITIONS];
    let [others, current, behavior, conditions] = annotations.map(|name| take_annotation(&mut object, name));
    drop_annotations(&mut object);

    let others = others.and_then(|text| list_of(catalogue, "autoscaling.v1.MetricSpec", &text));
    let mut metrics: Vec<Value> = others.unwrap_or_default().into_iter().map(spec_to_v2).collect();
    let percent = object.remove_at(&["spec", "targetCPUUtilizationPercentage"]);
    metrics.extend(percent.filter(|percent| !percent.is_null()).map(cpu_target));
    if metrics.is_empty() {
        metrics.push(cpu_target(Value::Int(CPU_PERCENT)));
    }
    object.set_at(&["spec", "metrics"], metrics.into());
    if let Some(behavior) = behavior.and_then(|text| behavior_to_v2(catalogue, &text)) {
        object.set_at(&["spec", "behavior"], behavior);
    }

    let percent = object.remove_at(&["status", "currentCPUUtilizationPercentage"]);
    let percent = percent.filter(|percent| !percent.is_null());
    let known = current.and_then(|text| list_of(catalogue, "autoscaling.v1.MetricStatus", &text));
    // The annotation holds more than the field, so the field is ignored if there is one.
    let statuses = match (known, percent) {
        (Some(known), _) => {
            known.into_iter().map(|metric| rearranged(&metric, STATUSES, to_nested)).collect()
        }
        (None, Some(percent)) => alloc::vec![cpu_current(percent)],
        (None, None) => Vec::new(),
    };
    if !statuses.is_empty() {
        object.set_at(&["status", "currentMetrics"], statuses.into());
    }
    let known = conditions
        .and_then(|text| list_of(catalogue, "autoscaling.v1.HorizontalPodAutoscalerCondition", &text));
    if let Some(known) = known.filter(|known| !known.is_empty()) {
        object.set_at(&["status", "conditions"], known.into());
    }
    object
}

fn from_v2(catalogue: &Catalogue, mut object: Value) -> Value {
    object.set("apiVersion", "autoscaling/v1".into());
    drop_annotations(&mut object);
    let annotate = |object: &mut Value, name: &str, text: String| {
        object.set_at(&["metadata", "annotations", name], text.into());
    };
    let list_at = |object: &mut Value, path: &[&str]| -> Vec<Value> {
        object.remove_at(path).as_ref().and_then(Value::as_list).unwrap_or_default().to_vec()
    };

    let metrics = list_at(&mut object, &["spec", "metrics"]);
    let (cpu, others): (Vec<Value>, Vec<Value>) =
        metrics.into_iter().partition(|metric| cpu_percent(metric, "target").is_some());
    if let Some(percent) = cpu.first().and_then(|metric| cpu_percent(metric, "target")) {
        object.set_at(&["spec", "targetCPUUtilizationPercentage"], percent.clone());
    }
    if !others.is_empty() {
        let others = others.iter().map(|metric| rearranged(metric, SPECS, to_flat)).collect();
        annotate(&mut object, METRICS, list_text(catalogue, "autoscaling.v1.MetricSpec", others));
    }
    if let Some(behavior) = object.remove_at(&["spec", "behavior"]).filter(|behavior| !behavior.is_null()) {
        annotate(&mut object, BEHAVIOR, behavior_text(catalogue, &behavior));
    }

    let statuses = list_at(&mut object, &["status", "currentMetrics"]);
    // If there are several CPU metrics, the last one counts.
    if let Some(percent) = statuses.iter().rev().find_map(|metric| cpu_percent(metric, "current")) {
        object.set_at(&["status", "currentCPUUtilizationPercentage"], percent.clone());
    }
    if !statuses.is_empty() {
        let statuses = statuses.iter().map(|metric| rearranged(metric, STATUSES, to_flat)).collect();
        annotate(&mut object, CURRENT_METRICS, list_text(catalogue, "autoscaling.v1.MetricStatus", statuses));
    }
    let conditions = list_at(&mut object, &["status", "conditions"]);
    if !conditions.is_empty() {
        let type_name = "autoscaling.v1.HorizontalPodAutoscalerCondition";
        annotate(&mut object, CONDITIONS, list_text(catalogue, type_name, conditions));
    }
    object
}

fn cpu_target(percent: Value) -> Value {
    let mut metric = cpu_metric();
    metric.set_at(&["resource", "target", "type"], "Utilization".into());
    metric.set_at(&["resource", "target", "averageUtilization"], percent);
    metric
}

fn cpu_current(percent: Value) -> Value {
    let mut metric = cpu_metric();
    metric.set_at(&["resource", "current", "averageUtilization"], percent);
    metric
}

fn cpu_metric() -> Value {
    let mut metric = Value::empty_map();
    metric.set("type", "Resource".into());
    metric.set_at(&["resource", "name"], "cpu".into());
    metric
}

/// The percentage of a metric for which autoscaling/v1 has a field.
fn cpu_percent<'a>(metric: &'a Value, place: &str) -> Option<&'a Value> {
    let cpu = metric.text_at(&["type"]) == "Resource" && metric.text_at(&["resource", "name"]) == "cpu";
    metric.at(&["resource", place, "averageUtilization"]).filter(|percent| cpu && !percent.is_null())
}

type Rearrange = fn(source: &Value, members: &[Member]) -> Value;

/// A metric with the members of its sources where the other version has them.
fn rearranged(metric: &Value, sources: &[(&str, &[Member])], rearrange: Rearrange) -> Value {
    let mut out = metric.clone();
    for (source, members) in sources {
        if let Some(held) = metric.field(source).filter(|held| !held.is_null()) {
            out.set(source, rearrange(held, members));
        }
    }
    out
}

fn to_flat(source: &Value, members: &[Member]) -> Value {
    let mut out = Value::empty_map();
    for (flat, nested) in members {
        if let Some(held) = source.at(nested) {
            out.set(flat, held.clone());
        }
    }
    out
}

fn to_nested(source: &Value, members: &[Member]) -> Value {
    let mut out = Value::empty_map();
    for (flat, nested) in members {
        if let Some(held) = source.field(flat) {
            out.set_at(nested, held.clone());
        }
    }
    out
}

/// A metric of the spec. What its target is measured by follows from what is there.
fn spec_to_v2(metric: Value) -> Value {
    let mut out = rearranged(&metric, SPECS, to_nested);
    for (source, _) in SPECS {
        let Some(held) = out.field_mut(source).filter(|held| !held.is_null()) else { continue };
        let has = |held: &Value, field: &str| held.at(&["target", field]).is_some_and(|held| !held.is_null());
        let kind = match *source {
            "object" if has(held, "averageValue") => {
                // v1 cannot leave the value out, so a zero beside an average means that there is none.
                if held.text_at(&["target", "value"]) == "0" {
                    held.remove_at(&["target", "value"]);
                }
                "AverageValue"
            }
            "object" => "Value",
            "external" if has(held, "value") => "Value",
            "resource" | "containerResource" if has(held, "averageUtilization") => "Utilization",
            _ => "AverageValue",
        };
        held.set_at(&["target", "type"], kind.into());
    }
    out
}

/// The members of a list in an annotation; None when it is not what it should be.
fn list_of(catalogue: &Catalogue, type_name: &str, text: &str) -> Option<Vec<Value>> {
    let parsed = json::parse(text.as_bytes()).ok()?.value;
    let type_id = catalogue.type_named(type_name)?;
    match parsed {
        Value::Null => Some(Vec::new()),
        Value::List(items) => items.iter().map(|item| typed(catalogue, type_id, item)).collect(),
        Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Json(_) | Value::Str(_) | Value::Map(_) => {
            None
        }
    }
}

/// A value as Go's plain decoder reads it: names match in any case, unknown ones are dropped.
fn typed(catalogue: &Catalogue, type_id: TypeId, value: &Value) -> Option<Value> {
    let value = if value.is_null() { Value::empty_map() } else { value.clone() };
    let value = folded(catalogue, &Shape::Struct(type_id), value);
    let decoded = decode::decode(catalogue, type_id, Parsed { value, duplicates: Duplicates::NONE });
    decoded.ok().map(|decoded| decoded.value)
}

fn folded(catalogue: &Catalogue, shape: &Shape, value: Value) -> Value {
    match (shape, &value) {
        (Shape::Struct(id), Value::Map(map)) => {
            let def = catalogue.get(*id);
            let entries = map.iter().map(|(name, member)| {
                let exact = def.field(name);
                let field =
                    exact.or_else(|| def.fields.iter().find(|field| field.name.eq_ignore_ascii_case(name)));
                match field {
                    Some(field) => (field.name.clone(), folded(catalogue, &field.shape, member.clone())),
                    None => (name.clone(), member.clone()),
                }
            });
            Value::map(entries.collect())
        }
        (Shape::List(item), Value::List(items)) => {
            Value::list(items.iter().map(|held| folded(catalogue, item, held.clone())).collect())
        }
        (_, _) => value,
    }
}

fn list_text(catalogue: &Catalogue, type_name: &str, items: Vec<Value>) -> String {
    let Some(type_id) = catalogue.type_named(type_name) else { return String::new() };
    let mut out = alloc::vec![b'['];
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        let item = decode::normalize(catalogue, type_id, item.clone()).unwrap_or(item);
        encode::to_json(catalogue, type_id, &item, &mut out);
    }
    out.push(b']');
    String::from_utf8_lossy(&out).into_owned()
}

const BEHAVIOR_TYPE: &str = "autoscaling.internal.HorizontalPodAutoscalerBehavior";

/// None when the text is no behavior, or one that says nothing.
fn behavior_to_v2(catalogue: &Catalogue, text: &str) -> Option<Value> {
    let parsed = json::parse(text.as_bytes()).ok()?.value;
    if !matches!(parsed, Value::Map(_)) {
        return None;
    }
    let behavior = typed(catalogue, catalogue.type_named(BEHAVIOR_TYPE)?, &parsed)?;
    let mut out = Value::empty_map();
    for (annotated, direction) in DIRECTIONS {
        let Some(rules) = behavior.field(annotated).filter(|rules| !rules.is_null()) else { continue };
        out.set(direction, with_policies(to_nested(rules, RULES), "policies", to_nested));
    }
    (!out.as_map().is_some_and(Map::is_empty)).then_some(out)
}

fn behavior_text(catalogue: &Catalogue, behavior: &Value) -> String {
    let mut out = Value::empty_map();
    for (annotated, direction) in DIRECTIONS {
        let Some(rules) = behavior.field(direction).filter(|rules| !rules.is_null()) else { continue };
        out.set(annotated, with_policies(to_flat(rules, RULES), "Policies", to_flat));
    }
    let Some(type_id) = catalogue.type_named(BEHAVIOR_TYPE) else { return String::new() };
    let out = decode::normalize(catalogue, type_id, out.clone()).unwrap_or(out);
    let mut text = Vec::new();
    encode::to_json(catalogue, type_id, &out, &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

fn with_policies(mut rules: Value, field: &str, rearrange: Rearrange) -> Value {
    let Some(policies) = rules.field(field).and_then(Value::as_list) else { return rules };
    let policies = policies.iter().map(|policy| rearrange(policy, POLICY)).collect();
    rules.set(field, Value::list(policies));
    rules
}
