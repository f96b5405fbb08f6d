//! Which taints of nodes a pod tolerates.

use super::words::validate_label_key;
use crate::kinds::validation::{Errors, Located};
use crate::value::names;
use alloc::format;

const EFFECTS: &[&str] = &["NoSchedule", "PreferNoSchedule", "NoExecute"];
const OPERATORS: &[&str] = &["Equal", "Exists", "Lt", "Gt"];

/// `lets_comparisons` lets the operators that compare numbers pass, as where the old object has one.
pub(in crate::kinds::rules) fn validate_tolerations(
    tolerations: &Located<'_, '_>,
    lets_comparisons: bool,
    errors: &mut Errors,
) {
    for toleration in tolerations.items() {
        if errors.is_full() {
            return;
        }
        validate_toleration(&toleration, lets_comparisons, errors);
    }
}

fn validate_toleration(toleration: &Located<'_, '_>, lets_comparisons: bool, errors: &mut Errors) {
    let (key, operator) = (toleration.member("key"), toleration.member("operator"));
    let effect = toleration.member("effect");
    if !key.is_empty() {
        validate_label_key(&key, errors);
    } else if operator.text() != "Exists" {
        let detail =
            "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
        errors.invalid_value(&operator, operator.text(), detail);
    }
    if toleration.member("tolerationSeconds").is_set() && effect.text() != "NoExecute" {
        let detail = "effect must be 'NoExecute' when `tolerationSeconds` is set";
        errors.invalid_value(&effect, effect.text(), detail);
    }
    validate_operator(toleration, lets_comparisons, errors);
    if !effect.is_empty() {
        validate_taint_effect(&effect, errors);
    }
}

fn validate_operator(toleration: &Located<'_, '_>, lets_comparisons: bool, errors: &mut Errors) {
    let (operator, value) = (toleration.member("operator"), toleration.member("value"));
    match operator.text() {
        "Equal" | "" => {
            let problems = names::label_value(value.text());
            if !problems.is_empty() {
                errors.invalid_value(&operator, value.text(), problems.join(";"));
            }
        }
        "Exists" if !value.is_empty() => {
            errors.invalid_value(&operator, value.text(), "value must be empty when `operator` is 'Exists'");
        }
        "Exists" => {}
        "Lt" | "Gt" if lets_comparisons => validate_number(&value, errors),
        "Lt" | "Gt" => errors.not_supported(&operator, OPERATORS),
        _ => errors.not_supported(&operator, &["Equal", "Exists"]),
    }
}

/// A decimal number of 64 bits, as Go reads one.
fn validate_number(value: &Located<'_, '_>, errors: &mut Errors) {
    const DECIMAL: &str = "must be a valid decimal integer in canonical form";
    let text = value.text();
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let is_plain = text == "0" || !digits.starts_with('0');
    if !(is_number && is_plain) {
        errors.invalid_value(value, text, if text.is_empty() { "must be non-empty" } else { DECIMAL });
    }
    if text.parse::<i64>().is_err() {
        let why = if is_number { "value out of range" } else { "invalid syntax" };
        let quoted = crate::value::quoted(text);
        errors.invalid_value(value, text, format!("strconv.ParseInt: parsing {quoted}: {why}"));
    }
}

/// What a taint does to pods that do not tolerate it.
pub(in crate::kinds::rules) fn validate_taint_effect(effect: &Located<'_, '_>, errors: &mut Errors) {
    if !EFFECTS.contains(&effect.text()) {
        errors.not_supported_text(effect, EFFECTS);
    }
}
