//! Conversion between two versions of a kind that share storage.
//!
//! Both directions take and give whole objects of the one shape or the other, `apiVersion` included.
//! k8s: pkg/apis/events/v1/conversion.go, pkg/apis/autoscaling/v1/conversion.go

use crate::codec::json;
use crate::value::{Map, Text, Value};
use alloc::vec::Vec;

/// How a version becomes the stored one, and comes back.
#[derive(Clone, Copy, Debug)]
pub struct Conversion {
    pub to_stored: fn(object: Value) -> Value,
    pub from_stored: fn(object: Value) -> Value,
}

/// events.k8s.io/v1 over v1.
pub static EVENT: Conversion = Conversion { to_stored: event_to_core, from_stored: event_from_core };

/// autoscaling/v1 over autoscaling/v2.
pub static HORIZONTAL_POD_AUTOSCALER: Conversion =
    Conversion { to_stored: autoscaler_to_v2, from_stored: autoscaler_from_v2 };

/// The members that only have another name: in events.k8s.io/v1, and in v1.
const EVENT_NAMES: &[(&str, &str)] = &[
    ("regarding", "involvedObject"),
    ("note", "message"),
    ("reportingController", "reportingComponent"),
    ("deprecatedSource", "source"),
    ("deprecatedFirstTimestamp", "firstTimestamp"),
    ("deprecatedLastTimestamp", "lastTimestamp"),
    ("deprecatedCount", "count"),
];

/// The texts that v1 writes even when they are empty, and events.k8s.io/v1 then leaves out.
const EVENT_TEXTS: &[&str] = &["reportingComponent", "reportingInstance"];

fn event_to_core(object: Value) -> Value {
    let name_of = |name: &str| EVENT_NAMES.iter().find(|(new, _)| *new == name).map(|(_, core)| *core);
    let mut event = renamed(object, "v1", name_of);
    for field in EVENT_TEXTS {
        if event.field(field).is_none() {
            event.set(field, "".into());
        }
    }
    event
}

fn event_from_core(mut object: Value) -> Value {
    for field in EVENT_TEXTS {
        if object.text_at(&[field]).is_empty() {
            object.remove_at(&[field]);
        }
    }
    let name_of = |name: &str| EVENT_NAMES.iter().find(|(_, core)| *core == name).map(|(new, _)| *new);
    renamed(object, "events.k8s.io/v1", name_of)
}

fn renamed(object: Value, version: &str, name_of: impl Fn(&str) -> Option<&'static str>) -> Value {
    let Some(map) = object.as_map() else { return object };
    let entries = map.iter().map(|(name, value)| match name_of(name) {
        Some(other) => (Text::from(other), value.clone()),
        None if name == "apiVersion" => (name.clone(), version.into()),
        None => (name.clone(), value.clone()),
    });
    Value::map(entries.collect())
}

/// The annotations in which autoscaling/v1 keeps what it has no fields for, and where that stands in
/// autoscaling/v2.
const KEPT_ASIDE: &[(&str, &[&str])] = &[
    ("autoscaling.alpha.kubernetes.io/metrics", &["spec", "metrics"]),
    ("autoscaling.alpha.kubernetes.io/behavior", &["spec", "behavior"]),
    ("autoscaling.alpha.kubernetes.io/current-metrics", &["status", "currentMetrics"]),
    ("autoscaling.alpha.kubernetes.io/conditions", &["status", "conditions"]),
];

/// The one metric that autoscaling/v1 has fields for, in the spec and in the status: its field there, the
/// list in v2, and where the percentage stands in a metric of that list.
const CPU: [(&[&str], &[&str], &str); 2] = [
    (&["spec", "targetCPUUtilizationPercentage"], &["spec", "metrics"], "target"),
    (&["status", "currentCPUUtilizationPercentage"], &["status", "currentMetrics"], "current"),
];

fn autoscaler_to_v2(mut object: Value) -> Value {
    object.set("apiVersion", "autoscaling/v2".into());
    for (annotation, place) in KEPT_ASIDE {
        let Some(text) = take_annotation(&mut object, annotation) else { continue };
        if let Ok(parsed) = json::parse(text.as_bytes()) {
            object.set_at(place, metrics_to_v2(place, parsed.value));
        }
    }
    for (field, list, place) in CPU {
        let Some(percent) = object.remove_at(field).filter(|percent| !percent.is_null()) else { continue };
        let mut metrics = object.at(list).and_then(Value::as_list).unwrap_or_default().to_vec();
        metrics.insert(0, cpu_metric(place, percent));
        object.set_at(list, metrics.into());
    }
    if let Some(status) = object.field_mut("status") {
        // autoscaling/v2 leaves out the count when it is 0, and writes the list when it is empty.
        if status.field("currentReplicas") == Some(&Value::Int(0)) {
            status.remove_at(&["currentReplicas"]);
        }
        if status.field("currentMetrics").is_none() {
            status.set("currentMetrics", Value::Null);
        }
    }
    object
}

fn autoscaler_from_v2(mut object: Value) -> Value {
    object.set("apiVersion", "autoscaling/v1".into());
    for (field, list, place) in CPU {
        let metrics = object.at(list).and_then(Value::as_list).unwrap_or_default().to_vec();
        let (cpu, rest): (Vec<Value>, Vec<Value>) =
            metrics.into_iter().partition(|metric| cpu_percent(metric, place).is_some());
        if let Some(percent) = cpu.first().and_then(|metric| cpu_percent(metric, place)) {
            object.set_at(field, percent.clone());
        }
        object.remove_at(list);
        if !rest.is_empty() {
            object.set_at(list, rest.into());
        }
    }
    for (annotation, place) in KEPT_ASIDE {
        let Some(aside) = object.remove_at(place) else { continue };
        let empty = aside.as_list().is_some_and(<[Value]>::is_empty);
        if !aside.is_null() && !empty {
            let text = json::to_string(&metrics_from_v2(place, aside));
            object.set_at(&["metadata", "annotations", annotation], text.into());
        }
    }
    if let Some(status) =
        object.field_mut("status").filter(|status| status.field("currentReplicas").is_none())
    {
        status.set("currentReplicas", Value::Int(0));
    }
    object
}

fn take_annotation(object: &mut Value, name: &str) -> Option<Text> {
    let taken = object.remove_at(&["metadata", "annotations", name])?;
    if object.at(&["metadata", "annotations"]).and_then(Value::as_map).is_some_and(Map::is_empty) {
        object.remove_at(&["metadata", "annotations"]);
    }
    taken.as_str().map(Text::from)
}

fn cpu_metric(place: &str, percent: Value) -> Value {
    let mut metric = Value::empty_map();
    metric.set("type", "Resource".into());
    metric.set_at(&["resource", "name"], "cpu".into());
    if place == "target" {
        metric.set_at(&["resource", place, "type"], "Utilization".into());
    }
    metric.set_at(&["resource", place, "averageUtilization"], percent);
    metric
}

fn cpu_percent<'a>(metric: &'a Value, place: &str) -> Option<&'a Value> {
    let cpu = metric.text_at(&["type"]) == "Resource" && metric.text_at(&["resource", "name"]) == "cpu";
    metric.at(&["resource", place, "averageUtilization"]).filter(|percent| cpu && !percent.is_null())
}

/// The members of a metric source that autoscaling/v1 flattens: its name in v1 for a target, for a
/// current value, and its name inside v2's `target` or `current`.
const FLAT: &[(&str, &str, &str)] = &[
    ("targetAverageUtilization", "currentAverageUtilization", "averageUtilization"),
    ("targetAverageValue", "currentAverageValue", "averageValue"),
    ("targetValue", "currentValue", "value"),
];

fn metrics_to_v2(place: &[&str], list: Value) -> Value {
    convert_metrics(place, list, |source, inner| {
        for (target, current, nested) in FLAT {
            let flat = if inner == "target" { target } else { current };
            if let Some(amount) = source.remove_at(&[flat]) {
                source.set_at(&[inner, nested], amount);
                if inner == "target" && source.at(&["target", "type"]).is_none() {
                    let kind = match *nested {
                        "averageUtilization" => "Utilization",
                        "averageValue" => "AverageValue",
                        _ => "Value",
                    };
                    source.set_at(&["target", "type"], kind.into());
                }
            }
        }
    })
}

fn metrics_from_v2(place: &[&str], list: Value) -> Value {
    convert_metrics(place, list, |source, inner| {
        let Some(amounts) = source.remove_at(&[inner]) else { return };
        for (target, current, nested) in FLAT {
            let flat = if inner == "target" { target } else { current };
            if let Some(amount) = amounts.field(nested) {
                source.set(flat, amount.clone());
            }
        }
    })
}

/// Converts the source inside every metric of a list; what is no list of metrics stays as it is.
fn convert_metrics(place: &[&str], list: Value, convert: impl Fn(&mut Value, &'static str)) -> Value {
    let inner = match place {
        ["spec", "metrics"] => "target",
        ["status", "currentMetrics"] => "current",
        _ => return list,
    };
    let mut metrics = list.as_list().unwrap_or_default().to_vec();
    for metric in &mut metrics {
        for source in ["resource", "containerResource", "pods", "object", "external"] {
            if let Some(source) = metric.field_mut(source) {
                convert(source, inner);
            }
        }
    }
    metrics.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Value {
        json::parse(text.as_bytes()).expect("JSON").value
    }

    #[test]
    fn events_only_change_names() {
        let event = parse(
            r#"{"apiVersion":"events.k8s.io/v1","kind":"Event","note":"m","regarding":{"kind":"Pod"},
                "reportingController":"c","reportingInstance":"i","reason":"r"}"#,
        );
        let stored = event_to_core(event.clone());
        assert_eq!(stored.text_at(&["involvedObject", "kind"]), "Pod");
        assert_eq!(stored.text_at(&["apiVersion"]), "v1");
        assert_eq!(event_from_core(stored), event);
    }

    #[test]
    fn autoscalers_keep_aside_what_v1_cannot_say() {
        let stored = parse(
            r#"{"apiVersion":"autoscaling/v2","metadata":{"name":"a"},"spec":{"maxReplicas":3,"metrics":[
                {"type":"Resource","resource":{"name":"cpu",
                 "target":{"type":"Utilization","averageUtilization":60}}},
                {"type":"Resource","resource":{"name":"memory",
                 "target":{"type":"AverageValue","averageValue":"1Gi"}}}
            ]},"status":{"currentMetrics":null,"desiredReplicas":1}}"#,
        );
        let shown = autoscaler_from_v2(stored.clone());
        assert_eq!(shown.at(&["spec", "targetCPUUtilizationPercentage"]), Some(&Value::Int(60)));
        let aside = shown.text_at(&["metadata", "annotations", "autoscaling.alpha.kubernetes.io/metrics"]);
        assert_eq!(aside, r#"[{"resource":{"name":"memory","targetAverageValue":"1Gi"},"type":"Resource"}]"#);
        assert_eq!(autoscaler_to_v2(shown), stored);
    }
}
