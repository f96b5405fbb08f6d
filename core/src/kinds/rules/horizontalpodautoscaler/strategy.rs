//! HorizontalPodAutoscalers of both versions, which share storage.
//! k8s: pkg/registry/autoscaling/horizontalpodautoscaler/strategy.go, pkg/apis/autoscaling/v2/defaults.go

use super::validation;
use crate::kinds::convert::{CPU_PERCENT, drop_annotations};
use crate::kinds::rules::fill::{Default, Fill, each, fill, is_unset, set_unset};
use crate::kinds::rules::status;
use crate::kinds::{Rules, Strategy};
use crate::value::{Map, Value};

pub static RULES: Rules = Rules {
    default,
    validate: validation::validate,
    update: Strategy { validate_update: validation::validate, ..status::UPDATE },
    subresources: &[(
        "status",
        Strategy { validate_update: validation::validate_status_update, ..status::STATUS },
    )],
    ..status::SPLIT
};
/// Of autoscaling/v1 only the defaults differ: everything else sees what is stored.
pub static V1_RULES: Rules = Rules { default: default_v1, ..status::SPLIT };

const DEFAULTS: &[Default] = &[(&["spec"], "minReplicas", Fill::Int(1))];

/// The scaling policies of a direction that names none: type, value and period in seconds.
const UP: &[(&str, i64, i64)] = &[("Pods", 4, 15), ("Percent", 100, 15)];
const DOWN: &[(&str, i64, i64)] = &[("Percent", 100, 15)];

fn default_v1(object: &mut Value) {
    fill(object, DEFAULTS);
}

fn default(object: &mut Value) {
    drop_annotations(object);
    fill(object, DEFAULTS);
    each(object, &["spec"], &mut |spec| {
        let named = spec.field("metrics").and_then(Value::as_list).is_some_and(|metrics| !metrics.is_empty());
        if !named {
            spec.set("metrics", Value::list(alloc::vec![cpu_metric()]));
        }
        if !is_unset(spec, "behavior") {
            default_direction(spec, "scaleUp", UP);
            each(spec, &["behavior", "scaleUp"], &mut |up| {
                set_unset(up, "stabilizationWindowSeconds", Fill::Int(0));
            });
            default_direction(spec, "scaleDown", DOWN);
        }
    });
}

fn default_direction(spec: &mut Value, direction: &'static str, policies: &[(&str, i64, i64)]) {
    each(spec, &["behavior"], &mut |behavior| set_unset(behavior, direction, Fill::Object));
    each(spec, &["behavior", direction], &mut |rules| {
        set_unset(rules, "selectPolicy", Fill::TextOfPointer("Max"));
        if is_unset(rules, "policies") {
            let policies = policies.iter().map(|(kind, value, period)| {
                let mut policy = Map::new();
                policy.insert("type", (*kind).into());
                policy.insert("value", Value::Int(*value));
                policy.insert("periodSeconds", Value::Int(*period));
                policy.into()
            });
            rules.set("policies", Value::list(policies.collect()));
        }
    });
}

fn cpu_metric() -> Value {
    let mut metric = Value::empty_map();
    metric.set("type", "Resource".into());
    metric.set_at(&["resource", "name"], "cpu".into());
    metric.set_at(&["resource", "target", "type"], "Utilization".into());
    metric.set_at(&["resource", "target", "averageUtilization"], Value::Int(CPU_PERCENT));
    metric
}
