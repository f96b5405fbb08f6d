//! Conditions of the type that all kinds of today share.
//! k8s: staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/validation/validation.go ValidateConditions

use super::{Errors, Located};
use crate::value::names;
use alloc::collections::BTreeSet;

const STATUSES: &[&str] = &["False", "True", "Unknown"];
/// The longest reason and the longest message, bytes.
const REASON_BYTES: usize = 1024;
const MESSAGE_BYTES: usize = 32 * 1024;

/// A list of conditions, each of another type.
pub fn validate_conditions(conditions: &Located<'_, '_>, errors: &mut Errors) {
    let mut types = BTreeSet::new();
    for condition in conditions.items() {
        if errors.is_full() {
            return;
        }
        let kind = condition.member("type");
        if !types.insert(kind.text()) {
            errors.duplicate_value(&kind, kind.text());
        }
        validate_condition(&condition, errors);
    }
}

/// One condition.
pub fn validate_condition(condition: &Located<'_, '_>, errors: &mut Errors) {
    let kind = condition.member("type");
    errors.invalid_for_each(&kind, kind.text(), names::qualified_name(kind.text()));
    let status = condition.member("status");
    if !STATUSES.contains(&status.text()) {
        errors.not_supported_text(&status, STATUSES);
    }
    let generation = condition.member("observedGeneration");
    if generation.int() < 0 {
        errors.invalid(&generation, "must be greater than or equal to zero");
    }
    let time = condition.member("lastTransitionTime");
    if !time.is_set() {
        errors.required(&time, "");
    }
    let reason = condition.member("reason");
    if reason.is_empty() {
        errors.required(&reason, "");
    } else {
        errors.invalid_for_each(&reason, reason.text(), names::condition_reason(reason.text()));
        if reason.len() > REASON_BYTES {
            errors.too_long(&reason, REASON_BYTES);
        }
    }
    let message = condition.member("message");
    if message.len() > MESSAGE_BYTES {
        errors.too_long(&message, MESSAGE_BYTES);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json;

    #[test]
    fn conditions_have_upstreams_problems() {
        let good =
            r#"{"type":"a/B","status":"True","lastTransitionTime":"2020-01-01T00:00:00Z","reason":"Ok"}"#;
        let table = [
            ("[]", "[]"),
            (
                r#"[{"type":"a/B","status":"True","lastTransitionTime":"2020-01-01T00:00:00Z","reason":"a_:,b"}]"#,
                "[]",
            ),
            (
                r#"[{"type":"B","status":"Maybe","observedGeneration":-1,"reason":"R"}]"#,
                "[c[0].status: Unsupported value: \"Maybe\": supported values: \"False\", \"True\", \"Unknown\", \
                 c[0].observedGeneration: Invalid value: -1: must be greater than or equal to zero, \
                 c[0].lastTransitionTime: Required value]",
            ),
        ];
        let check = |text: &str| {
            let mut object = crate::value::Value::empty_map();
            object.set("c", json::parse(text.as_bytes()).expect("JSON").value);
            let object = Located::root(&object);
            let mut errors = Errors::new();
            validate_conditions(&object.member("c"), &mut errors);
            errors.summary()
        };
        for (text, expected) in table {
            assert_eq!(check(text), expected, "{text}");
        }
        let twice = alloc::format!("[{good},{good}]");
        assert_eq!(check(&twice), "c[1].type: Duplicate value: \"a/B\"");
        let bad_reason = good.replace("Ok", "9");
        assert!(check(&alloc::format!("[{bad_reason}]")).starts_with(
            "c[0].reason: Invalid value: \"9\": a condition reason must start with alphabetic character"
        ));
    }
}
