//! LimitRanges.
//! k8s: pkg/registry/core/limitrange/strategy.go, pkg/apis/core/v1/defaults.go,
//! pkg/apis/core/validation/validation.go ValidateLimitRange

use super::fill::{each, round_amounts};
use super::resource_names::{
    is_overcommit_allowed, validate_container_resource_name, validate_resource_name,
};
use crate::kinds::validation::{Errors, Located};
use crate::kinds::{Facts, Rules, Strategy};
use crate::value::quantity::Quantity;
use crate::value::{Value, names, object};
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use core::cmp::Ordering;

pub static RULES: Rules = Rules {
    default,
    prepare_for_create,
    validate,
    update: Strategy { validate_update: validate, ..Strategy::PLAIN },
    allow_create_on_update: true,
    ..Rules::PLAIN
};

/// What a container item leaves out, in this order: limits default to the maximum, requests to the
/// limits, then to the minimum.
const DERIVED: [(&str, &str); 3] =
    [("default", "max"), ("defaultRequest", "default"), ("defaultRequest", "min")];

fn default(object: &mut Value) {
    each(object, &["spec", "limits", "*"], &mut |item| {
        round_amounts(
            item,
            &[&["max"], &["min"], &["default"], &["defaultRequest"], &["maxLimitRequestRatio"]],
        );
        if item.text_at(&["type"]) != "Container" {
            return;
        }
        for (target, source) in DERIVED {
            let amounts = item.field(source).and_then(Value::as_map).cloned().unwrap_or_default();
            for (resource, amount) in amounts.iter() {
                if item.at(&[target, resource]).is_none() {
                    item.set_at(&[target, resource], amount.clone());
                }
            }
        }
    });
}

/// A nameless one gets a random name: its uid is one.
fn prepare_for_create(object: &mut Value, _facts: &Facts<'_>) {
    if object::name(object).is_empty() {
        let uid = String::from(object::uid(object));
        object::set_name(object, &uid);
    }
}

fn validate(object: &Located<'_, '_>, _facts: &Facts<'_>, errors: &mut Errors) {
    let mut types = BTreeSet::new();
    for limit in object.at(&["spec", "limits"]).items() {
        if errors.is_full() {
            return;
        }
        let kind = limit.member("type");
        validate_type(&kind, errors);
        if !types.insert(kind.text()) {
            errors.duplicate(&kind);
        }
        validate_names(&limit, errors);
        let lists = ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"];
        let names = lists
            .iter()
            .flat_map(|list| limit.member(list).entries().map(|(name, _)| name).collect::<BTreeSet<_>>());
        for name in names.collect::<BTreeSet<&str>>() {
            if errors.is_full() {
                return;
            }
            validate_amounts(&limit, name, errors);
        }
    }
}

fn validate_type(kind: &Located<'_, '_>, errors: &mut Errors) {
    let problems = names::qualified_name(kind.text());
    if !problems.is_empty() {
        errors.invalid_for_each(kind, kind.text(), problems);
    } else if !kind.text().contains('/')
        && !matches!(kind.text(), "Pod" | "Container" | "PersistentVolumeClaim")
    {
        errors.invalid(kind, "must be a standard limit type or fully qualified");
    }
}

fn validate_names(limit: &Located<'_, '_>, errors: &mut Errors) {
    let kind = limit.member("type").text();
    let check = |list: &'static str, errors: &mut Errors| {
        for (name, amount) in limit.member(list).entries() {
            if matches!(kind, "Pod" | "Container") {
                validate_container_resource_name(name, &amount, errors);
            } else {
                validate_resource_name(name, &amount, errors);
            }
        }
    };
    check("max", errors);
    check("min", errors);
    for list in ["default", "defaultRequest"] {
        let amounts = limit.member(list);
        if kind != "Pod" {
            check(list, errors);
        } else if !amounts.is_empty() {
            errors.forbidden(&amounts, "may not be specified when `type` is 'Pod'");
        }
    }
    let has_storage = |list: &'static str| limit.member(list).key("storage").is_set();
    if kind == "PersistentVolumeClaim" && !has_storage("min") && !has_storage("max") {
        let detail = "either minimum or maximum storage value is required, but neither was provided";
        errors.required(&limit.member("limits"), detail);
    }
    check("maxLimitRequestRatio", errors);
}

/// How the amounts of one resource stand to each other.
fn validate_amounts(limit: &Located<'_, '_>, name: &str, errors: &mut Errors) {
    let is_pod = limit.member("type").text() == "Pod";
    let held = |list: &'static str| limit.member(list).key(name).quantity();
    let unless_pod = |list: &'static str| held(list).filter(|_| !is_pod);
    let (min, max, ratio) = (held("min"), held("max"), held("maxLimitRequestRatio"));
    let (default, request) = (unless_pod("default"), unless_pod("defaultRequest"));
    let mut above = |one: &Option<Quantity>,
                     other: &Option<Quantity>,
                     list: &'static str,
                     shown: &Option<Quantity>,
                     words: [&str; 2]| {
        if let (Some(one), Some(other), Some(shown)) = (one, other, shown)
            && one.compare(other) == Ordering::Greater
        {
            let (one, other, [first, second]) = (one.canonical(), other.canonical(), words);
            let detail = format!("{first} value {one} is greater than {second} value {other}");
            errors.invalid_value(&limit.member(list).key(name), shown.canonical(), detail);
        }
    };
    above(&min, &max, "min", &min, ["min", "max"]);
    above(&min, &request, "defaultRequest", &request, ["min", "default request"]);
    above(&request, &max, "defaultRequest", &request, ["default request", "max"]);
    above(&request, &default, "defaultRequest", &request, ["default request", "default limit"]);
    above(&min, &default, "default", &min, ["min", "default"]);
    above(&default, &max, "default", &max, ["default", "max"]);
    if let Some(ratio) = ratio {
        validate_ratio(&limit.member("maxLimitRequestRatio").key(name), &ratio, min.zip(max), errors);
    }
    if let (Some(default), Some(request)) = (default, request)
        && !is_overcommit_allowed(name)
        && default.compare(&request) != Ordering::Equal
    {
        let (default, request) = (default.canonical(), request.canonical());
        let detail =
            format!("default value {default} must equal to defaultRequest value {request} in {name}");
        errors.invalid_value(&limit.member("defaultRequest").key(name), request, detail);
    }
}

fn validate_ratio(
    place: &Located<'_, '_>,
    ratio: &Quantity,
    range: Option<(Quantity, Quantity)>,
    errors: &mut Errors,
) {
    let shown = ratio.canonical();
    if ratio.compare(&Quantity::from_int(1)) == Ordering::Less {
        errors.invalid_value(place, shown.clone(), format!("ratio {shown} is less than 1"));
    }
    let Some((min, max)) = range else { return };
    // Thousandths are counted where all three can be.
    const COUNTED_IN_MILLI: i64 = i64::MAX / 1000;
    let whole = |amount: &Quantity| amount.to_i64().unwrap_or(i64::MAX);
    let all = [ratio, &min, &max];
    let (held, least, most) = if all.iter().all(|amount| whole(amount) < COUNTED_IN_MILLI) {
        let milli = |amount: &Quantity| amount.to_milli().unwrap_or(i64::MAX);
        (milli(ratio) as f64 / 1000.0, milli(&min), milli(&max))
    } else {
        (whole(ratio) as f64, whole(&min), whole(&max))
    };
    let limit = most as f64 / least as f64;
    if held > limit {
        let limit = if limit.is_infinite() { String::from("-Inf") } else { format!("{limit:.6}") };
        errors.invalid_value(
            place,
            shown.clone(),
            format!("ratio {shown} is greater than max/min = {limit}"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json;
    use crate::kinds::facts::given::{InMemory, with_facts};

    #[test]
    fn limits_agree_with_each_other() {
        let table = [
            (
                r#"{"type":"Container","max":{"cpu":"2"},"min":{"cpu":"1"},"maxLimitRequestRatio":{"cpu":"2"}}"#,
                "",
            ),
            (
                r#"{"type":"Pod","max":{"cpu":"1"},"min":{"cpu":"2"},"default":{"cpu":"1"}}"#,
                "[spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod', \
                 spec.limits[0].min[cpu]: Invalid value: \"2\": min value 2 is greater than max value 1]",
            ),
            (
                r#"{"type":"Container","max":{"cpu":"2"},"min":{"cpu":"1"},"maxLimitRequestRatio":{"cpu":"2500m"}}"#,
                "spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: \"2500m\": \
                 ratio 2500m is greater than max/min = 2.000000",
            ),
            (
                r#"{"type":"Container","maxLimitRequestRatio":{"cpu":"999m"}}"#,
                "spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: \"999m\": ratio 999m is less than 1",
            ),
            (
                r#"{"type":"PersistentVolumeClaim"}"#,
                "spec.limits[0].limits: Required value: \
                 either minimum or maximum storage value is required, but neither was provided",
            ),
            (
                r#"{"type":"X","max":{"storage":"1"}}"#,
                "spec.limits[0].type: Invalid value: \"X\": must be a standard limit type or fully qualified",
            ),
            (
                r#"{"type":"Container","default":{"hugepages-2Mi":"4Mi"},"defaultRequest":{"hugepages-2Mi":"2Mi"}}"#,
                "spec.limits[0].defaultRequest[hugepages-2Mi]: Invalid value: \"2Mi\": \
                 default value 4Mi must equal to defaultRequest value 2Mi in hugepages-2Mi",
            ),
        ];
        for (item, expected) in table {
            let text = format!(r#"{{"spec":{{"limits":[{item}]}}}}"#);
            let object = json::parse(text.as_bytes()).expect("JSON").value;
            let mut errors = Errors::new();
            with_facts(&InMemory::default(), |facts| validate(&Located::root(&object), facts, &mut errors));
            let summary = if errors.is_empty() { String::new() } else { errors.summary() };
            assert_eq!(summary, expected, "{item}");
        }
    }
}
