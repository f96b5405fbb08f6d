//! DaemonSets.
//! k8s: pkg/registry/apps/daemonset/strategy.go, pkg/apis/apps/v1/defaults.go, pkg/apis/apps/validation/validation.go

use super::fill::{Default, Fill, each, fill};
use super::pod::validation::validate_pod_template_spec;
use super::workload::{
    self, int_or_percent_value, shown_struct, validate_collisions, validate_immutable_selector,
    validate_labels_match, validate_runs_always, validate_selects_something,
};
use super::{pod, status};
use crate::kinds::validation::{
    Errors, Located, validate_at_most_100_percent, validate_int_or_percent, validate_label_selector,
    validate_nonnegative_field,
};
use crate::kinds::{Facts, Generation, Rules, Strategy};
use crate::selector::LabelSelector;
use crate::value::Value;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

pub static RULES: Rules = Rules {
    default,
    prepare_for_create,
    validate,
    warnings_on_create: pod::warnings::workload,
    update: Strategy { prepare_for_update, validate_update, warnings_on_update, ..status::UPDATE },
    subresources: &[("status", Strategy { validate_update: validate_status_update, ..status::STATUS })],
    generation: Generation::Spec,
    ..status::SPLIT
};

/// The annotation under which apps/v1 keeps a field of older versions: how often the template changed.
const TEMPLATE_GENERATION: &[&str] = &["metadata", "annotations", "deprecated.daemonset.template.generation"];

const DEFAULTS: &[Default] = &[
    (&["spec"], "updateStrategy", Fill::Object),
    (&["spec", "updateStrategy"], "type", Fill::Text("RollingUpdate")),
    (&["spec"], "revisionHistoryLimit", Fill::Int(10)),
];

const ROLLING: &[Default] = &[
    (&[], "rollingUpdate", Fill::Object),
    (&["rollingUpdate"], "maxUnavailable", Fill::Int(1)),
    (&["rollingUpdate"], "maxSurge", Fill::Int(0)),
];

fn default(object: &mut Value) {
    fill(object, DEFAULTS);
    each(object, &["spec", "updateStrategy"], &mut |strategy| {
        if strategy.text_at(&["type"]) == "RollingUpdate" {
            fill(strategy, ROLLING);
        }
    });
    each(object, &["spec", "template"], &mut pod::default_template);
    set_template_generation(object, template_generation(object));
}

fn prepare_for_create(object: &mut Value, facts: &Facts<'_>) {
    workload::prepare_for_create(object, facts);
    set_template_generation(object, template_generation(object).max(1));
}

fn prepare_for_update(object: &mut Value, facts: &Facts<'_>) {
    workload::prepare_for_update(object, facts);
    let changed = object.at(&["spec", "template"]) != facts.old.at(&["spec", "template"]);
    set_template_generation(object, template_generation(facts.old).saturating_add(i64::from(changed)));
}

fn warnings_on_update(object: &Located<'_, '_>, facts: &Facts<'_>, warnings: &mut Vec<String>) {
    let held = template_generation(facts.old);
    if object.value().is_none_or(|object| template_generation(object) != held) {
        pod::warnings::template(&object.at(&["spec", "template"]), warnings);
    }
}

fn template_generation(object: &Value) -> i64 {
    object.text_at(TEMPLATE_GENERATION).parse().unwrap_or(0)
}

fn set_template_generation(object: &mut Value, generation: i64) {
    object.set_at(TEMPLATE_GENERATION, generation.to_string().into());
}

fn validate(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    let spec = object.member("spec");
    let (selector, template) = (spec.member("selector"), spec.member("template"));
    let mut old = Errors::new();
    validate_label_selector(&Located::root(facts.old).at(&["spec", "selector"]), false, &mut old);
    validate_label_selector(&selector, !old.is_empty(), errors);
    if let Ok(selected) = LabelSelector::from_object(selector.value()) {
        validate_labels_match(&template, &selected, errors);
    }
    if selector.is_set() {
        validate_selects_something(&selector, "daemonset", errors);
    }
    validate_pod_template_spec(&template, facts, errors);
    validate_runs_always(&template, "DaemonSet", errors);
    validate_nonnegative_field(&spec.member("minReadySeconds"), errors);
    validate_strategy(&spec.member("updateStrategy"), errors);
    validate_nonnegative_field(&spec.member("revisionHistoryLimit"), errors);
}

fn validate_strategy(strategy: &Located<'_, '_>, errors: &mut Errors) {
    let rolling = strategy.member("rollingUpdate");
    match strategy.member("type").text() {
        "OnDelete" => {}
        "RollingUpdate" if !rolling.is_set() => errors.required(&rolling, ""),
        "RollingUpdate" => validate_rolling(&rolling, errors),
        _ => {
            let shown = shown_struct("DaemonSetUpdateStrategy", strategy);
            errors.not_supported_value(strategy, shown, &["RollingUpdate", "OnDelete"]);
        }
    }
}

fn validate_rolling(rolling: &Located<'_, '_>, errors: &mut Errors) {
    let (unavailable, surge) = (rolling.member("maxUnavailable"), rolling.member("maxSurge"));
    for limit in [&unavailable, &surge] {
        validate_int_or_percent(limit, errors);
    }
    for limit in [&unavailable, &surge] {
        validate_at_most_100_percent(limit, errors);
    }
    match (int_or_percent_value(&unavailable), int_or_percent_value(&surge)) {
        (0, 0) => errors.required(&unavailable, "cannot be 0 when maxSurge is 0"),
        (0, _) | (_, 0) => {}
        (_, _) => errors.invalid(&surge, "may not be set when maxUnavailable is non-zero"),
    }
}

fn validate_update(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    validate_immutable_selector(object, facts, errors);
    validate(object, facts, errors);
}

fn validate_status_update(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    const COUNTS: &[&str] = &[
        "currentNumberScheduled",
        "numberMisscheduled",
        "desiredNumberScheduled",
        "numberReady",
        "observedGeneration",
        "updatedNumberScheduled",
        "numberAvailable",
        "numberUnavailable",
        "collisionCount",
    ];
    for field in COUNTS.iter().copied() {
        validate_nonnegative_field(&object.member("status").member(field), errors);
    }
    validate_collisions(object, facts, errors);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::rules::workload::given::problems;
    use alloc::format;

    #[test]
    fn strategies_have_upstreams_problems() {
        let rolling = |rolling: &str| format!(r#"{{"type":"RollingUpdate","rollingUpdate":{rolling}}}"#);
        let table = [
            (rolling(r#"{"maxUnavailable":"100%","maxSurge":0}"#), ""),
            (rolling(r#"{"maxUnavailable":0,"maxSurge":"100%"}"#), ""),
            (
                rolling(r#"{"maxUnavailable":0,"maxSurge":"0%"}"#),
                "spec.updateStrategy.rollingUpdate.maxUnavailable: Required value: cannot be 0 when maxSurge is 0",
            ),
            (
                rolling(r#"{"maxUnavailable":1,"maxSurge":"101%"}"#),
                "[spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: \"101%\": must not be greater than 100%, \
                 spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: \"101%\": \
                 may not be set when maxUnavailable is non-zero]",
            ),
            (r#"{"type":"OnDelete"}"#.into(), ""),
            (
                r#"{"type":"X"}"#.into(),
                "spec.updateStrategy: Unsupported value: {\"Type\":\"X\",\"RollingUpdate\":null}: \
                 supported values: \"RollingUpdate\", \"OnDelete\"",
            ),
        ];
        for (strategy, expected) in &table {
            let object = format!(
                r#"{{"spec":{{"selector":{{"matchLabels":{{"a":"b"}}}},"updateStrategy":{strategy},
                    "template":{{"metadata":{{"labels":{{"a":"b"}}}},"spec":{{"restartPolicy":"Always"}}}}}}}}"#
            );
            assert_eq!(problems(validate, &object, None), *expected, "{strategy}");
        }
    }
}
