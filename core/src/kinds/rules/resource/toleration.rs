//! Taints of devices, and tolerations of requests.
//! k8s: pkg/apis/resource/validation/validation.go validateDeviceTaint, validateDeviceToleration

use super::naming::{validate_label_key, validate_label_value};
use crate::kinds::validation::{Errors, Located};

const EFFECTS: &[&str] = &["NoExecute", "NoSchedule", "None"];

pub(super) fn validate_taint(taint: &Located<'_, '_>, errors: &mut Errors) {
    validate_label_key(&taint.member("key"), errors);
    validate_label_value(&taint.member("value"), errors);
    let effect = taint.member("effect");
    if effect.is_empty() {
        errors.required(&effect, "");
    } else {
        validate_effect(&effect, errors);
    }
}

pub(super) fn validate_tolerations(tolerations: &Located<'_, '_>, errors: &mut Errors) {
    for toleration in tolerations.items() {
        if errors.is_full() {
            return;
        }
        validate_toleration(&toleration, errors);
    }
}

fn validate_toleration(toleration: &Located<'_, '_>, errors: &mut Errors) {
    let (key, operator) = (toleration.member("key"), toleration.member("operator"));
    let (value, effect) = (toleration.member("value"), toleration.member("effect"));
    if !key.is_empty() {
        validate_label_key(&key, errors);
    }
    match operator.text() {
        "Exists" if !value.is_empty() => {
            errors.invalid_value(&value, value.text(), "must be empty for operator `Exists`");
        }
        "Exists" => {}
        "Equal" => validate_label_value(&value, errors),
        "" => errors.required(&operator, ""),
        _ => errors.not_supported_text(&operator, &["Equal", "Exists"]),
    }
    if !effect.is_empty() {
        validate_effect(&effect, errors);
    }
}

fn validate_effect(effect: &Located<'_, '_>, errors: &mut Errors) {
    if !EFFECTS.contains(&effect.text()) {
        errors.not_supported_text(effect, EFFECTS);
    }
}
