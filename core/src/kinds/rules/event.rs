//! Events of both groups, which share storage.
//! k8s: pkg/registry/core/event/strategy.go, pkg/apis/core/validation/events.go

use crate::kinds::validation::{Errors, IMMUTABLE, Located, internal_json, semantically_equal};
use crate::kinds::{Facts, Rules, Strategy};
use crate::value::names;
use alloc::format;

pub static EVENTS_RULES: Rules = Rules {
    validate,
    update: Strategy { validate_update, ..Strategy::PLAIN },
    allow_create_on_update: true,
    expires: true,
    owns: false,
    ..Rules::PLAIN
};
pub static RULES: Rules = Rules { name: names::any, ..EVENTS_RULES };

/// The longest texts of an event, bytes.
const REPORTING_INSTANCE: usize = 128;
const ACTION: usize = 128;
const REASON: usize = 128;
const NOTE: usize = 1024;

/// Requests to the group of events have to keep more rules than those to the core group.
fn is_strict(facts: &Facts<'_>) -> bool {
    !facts.group.is_empty()
}

fn validate(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    validate_legacy(object, facts, errors);
    if !is_strict(facts) {
        return;
    }
    validate_series(object, errors);
    let time = object.member("eventTime");
    if !time.is_set() {
        errors.required(&time, "");
    }
    let kind = object.member("type");
    if !matches!(kind.text(), "Normal" | "Warning") {
        errors.invalid_value(&kind, "", format!("has invalid value: {}", kind.text()));
    }
    for field in ["firstTimestamp", "lastTimestamp"] {
        let time = object.member(field);
        if time.is_set() {
            errors.invalid_value(&time, "", "needs to be unset");
        }
    }
    let (count, source) = (object.member("count"), object.member("source"));
    if count.int() != 0 {
        errors.invalid_value(&count, "", "needs to be unset");
    }
    if !source.member("component").is_empty() || !source.member("host").is_empty() {
        errors.invalid_value(&source, "", "needs to be unset");
    }
}

/// A series has two events at least. Upstream's paths are single names with a dot.
fn validate_series(object: &Located<'_, '_>, errors: &mut Errors) {
    let series = object.member("series");
    if !series.is_set() {
        return;
    }
    if series.member("count").int() < 2 {
        errors.invalid_value(&series.member("count"), "", "should be at least 2");
    }
    let time = series.member("lastObservedTime");
    if !time.is_set() {
        errors.required(&time, "");
    }
}

/// What every event must be.
fn validate_legacy(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    let namespace = object.at(&["metadata", "namespace"]).text();
    let involved = object.at(&["involvedObject", "namespace"]);
    let is_new = object.member("eventTime").is_set();
    let agrees = match (is_new, involved.is_empty()) {
        (true, true) => matches!(namespace, "default" | "kube-system"),
        (true, false) => true,
        (false, true) => matches!(namespace, "" | "default"),
        (false, false) => namespace == involved.text(),
    };
    if !agrees {
        errors.invalid_value(&involved, involved.text(), "does not match event.namespace");
    }
    if is_new {
        validate_reporter(object, facts, errors);
        validate_texts(object, errors);
    }
    errors.invalid_for_each(&object.member("namespace"), namespace, names::dns_subdomain(namespace, false));
}

fn validate_reporter(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    let reporter = object.member("reportingComponent");
    let reporter = if is_strict(facts) { reporter.shown_as("reportingController") } else { reporter };
    if reporter.is_empty() {
        errors.required(&reporter, "");
    }
    errors.invalid_for_each(&reporter, reporter.text(), names::qualified_name(reporter.text()));
}

fn validate_texts(object: &Located<'_, '_>, errors: &mut Errors) {
    let texts = [
        ("reportingInstance", REPORTING_INSTANCE, true),
        ("action", ACTION, true),
        ("reason", REASON, true),
        ("message", NOTE, false),
    ];
    for (field, longest, is_required) in texts {
        let text = object.member(field);
        if is_required && text.is_empty() {
            errors.required(&text, "");
        }
        if text.len() > longest {
            errors.invalid_value(&text, "", format!("can have at most {longest} characters"));
        }
    }
}

fn validate_update(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    validate_legacy(object, facts, errors);
    if !is_strict(facts) {
        return;
    }
    let old = Located::root(facts.old);
    if !semantically_equal(object.member("series").value(), old.member("series").value()) {
        validate_series(object, errors);
    }
    keep_struct(object, &old, "involvedObject", "ObjectReference", errors);
    keep_text(object, &old, "reason", errors);
    keep_text(object, &old, "message", errors);
    keep_struct(object, &old, "source", "EventSource", errors);
    for field in ["firstTimestamp", "lastTimestamp"] {
        keep(object, &old, field, errors);
    }
    let (count, held) = (object.member("count"), old.member("count"));
    if count.int() != held.int() {
        errors.invalid_value(&count, count.int(), IMMUTABLE);
    }
    keep_text(object, &old, "reason", errors);
    keep_text(object, &old, "type", errors);
    keep(object, &old, "eventTime", errors);
    keep_text(object, &old, "action", errors);
    keep_struct(object, &old, "related", "ObjectReference", errors);
    let (reporter, held) = (object.member("reportingComponent"), old.member("reportingComponent"));
    if reporter.text() != held.text() {
        errors.invalid_value(&reporter.shown_as("reportingController"), reporter.text(), IMMUTABLE);
    }
    keep_text(object, &old, "reportingInstance", errors);
}

fn keep(object: &Located<'_, '_>, old: &Located<'_, '_>, field: &'static str, errors: &mut Errors) {
    let new = object.member(field);
    if new.value() != old.member(field).value() {
        errors.invalid(&new, IMMUTABLE);
    }
}

fn keep_text(object: &Located<'_, '_>, old: &Located<'_, '_>, field: &'static str, errors: &mut Errors) {
    let new = object.member(field);
    if new.text() != old.member(field).text() {
        errors.invalid_value(&new, new.text(), IMMUTABLE);
    }
}

fn keep_struct(
    object: &Located<'_, '_>,
    old: &Located<'_, '_>,
    field: &'static str,
    name: &str,
    errors: &mut Errors,
) {
    let new = object.member(field);
    if new.value() == old.member(field).value() {
        return;
    }
    // Of these only `related` is a pointer.
    let is_null = field == "related" && !new.is_set();
    let shown = if is_null { "null".into() } else { internal_json(name, new.value()) };
    errors.invalid_shown(&new, &shown, IMMUTABLE);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json;
    use crate::kinds::facts::given::{InMemory, with_facts};
    use alloc::string::String;

    const NEW: &str = r#"{"metadata":{"namespace":"default"},"eventTime":"2020-01-01T00:00:00.000000Z","type":"Normal",
        "reportingComponent":"a/b","reportingInstance":"i","action":"A","reason":"R"}"#;

    fn problems(object: &str, group: &str, old: Option<&str>) -> String {
        let parsed = |text: &str| json::parse(text.as_bytes()).expect("JSON").value;
        let (object, held) = (parsed(object), old.map(parsed));
        let mut errors = Errors::new();
        with_facts(&InMemory::default(), |facts| {
            let facts = facts.of_group(group);
            match &held {
                None => validate(&Located::root(&object), &facts, &mut errors),
                Some(old) => {
                    validate_update(&Located::root(&object), &facts.of_update("", old), &mut errors);
                }
            }
        });
        if errors.is_empty() { String::new() } else { errors.summary() }
    }

    #[test]
    fn the_group_of_events_is_stricter() {
        let legacy = r#"{"metadata":{"namespace":"n"},"involvedObject":{"namespace":"n"},"count":1}"#;
        assert_eq!(problems(NEW, "", None), "");
        assert_eq!(problems(NEW, "events.k8s.io", None), "");
        assert_eq!(problems(legacy, "", None), "");
        let expected = "[eventTime: Required value, type: Invalid value: \"\": has invalid value: , \
             count: Invalid value: \"\": needs to be unset]";
        assert_eq!(problems(legacy, "events.k8s.io", None), expected);
        let bare = r#"{"metadata":{"namespace":"default"},"eventTime":"x"}"#;
        assert!(
            problems(bare, "", None).starts_with("[reportingComponent: Required value, reportingComponent: ")
        );
        assert!(problems(bare, "events.k8s.io", None).starts_with("[reportingController: Required value"));
        let longest = NEW.replace("\"R\"", &format!("\"{}\"", "r".repeat(128)));
        assert_eq!(problems(&longest, "", None), "");
        let too_long = NEW.replace("\"R\"", &format!("\"{}\"", "r".repeat(129)));
        assert_eq!(
            problems(&too_long, "", None),
            "reason: Invalid value: \"\": can have at most 128 characters"
        );
    }

    #[test]
    fn updates_change_the_series_alone() {
        let changed =
            NEW.replace("\"A\"", "\"B\"").replace("\"type\"", "\"related\":{\"kind\":\"Pod\"},\"type\"");
        assert_eq!(problems(&changed, "", Some(NEW)), "");
        let expected = "[action: Invalid value: \"B\": field is immutable, related: Invalid value: {\"Kind\":\"Pod\",\
             \"Namespace\":\"\",\"Name\":\"\",\"UID\":\"\",\"APIVersion\":\"\",\"ResourceVersion\":\"\",\
             \"FieldPath\":\"\"}: field is immutable]";
        assert_eq!(problems(&changed, "events.k8s.io", Some(NEW)), expected);
        let series = NEW.replace("\"type\"", "\"series\":{\"count\":1},\"type\"");
        let expected = "[series.count: Invalid value: \"\": should be at least 2, \
             series.lastObservedTime: Required value]";
        assert_eq!(problems(&series, "events.k8s.io", Some(NEW)), expected);
    }
}
