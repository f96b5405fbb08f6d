//! Single fields of many places: names, choices, and what must be there.

use crate::kinds::validation::{Errors, Located};
use crate::value::names;

/// A text that must be there.
pub(super) fn require(at: &Located<'_, '_>, errors: &mut Errors) {
    if at.is_empty() {
        errors.required(at, "");
    }
}

/// One of a few words; an absent one is asked for.
pub(in crate::kinds::rules) fn validate_choice(
    at: &Located<'_, '_>,
    supported: &[&str],
    errors: &mut Errors,
) {
    match at.text() {
        "" => errors.required(at, ""),
        text if supported.contains(&text) => {}
        _ => errors.not_supported(at, supported),
    }
}

/// One of a few words, if it is set; the empty word is none of them.
pub(super) fn validate_optional_choice(at: &Located<'_, '_>, supported: &[&str], errors: &mut Errors) {
    if at.is_set() && !supported.contains(&at.text()) {
        errors.not_supported(at, supported);
    }
}

/// A lowercase RFC 1123 label.
pub(in crate::kinds::rules) fn validate_dns_label(at: &Located<'_, '_>, errors: &mut Errors) {
    errors.invalid_for_each(at, at.text(), names::dns_label(at.text(), false));
}

/// A lowercase RFC 1123 subdomain.
pub(in crate::kinds::rules) fn validate_dns_subdomain(at: &Located<'_, '_>, errors: &mut Errors) {
    errors.invalid_for_each(at, at.text(), names::dns_subdomain(at.text(), false));
}

/// A subdomain, if there is one.
pub(super) fn validate_optional_subdomain(at: &Located<'_, '_>, errors: &mut Errors) {
    if !at.is_empty() {
        validate_dns_subdomain(at, errors);
    }
}

/// A label key.
pub(in crate::kinds::rules) fn validate_label_key(at: &Located<'_, '_>, errors: &mut Errors) {
    errors.invalid_for_each(at, at.text(), names::label_key(at.text()));
}

/// A number between two others, if it is set.
pub(super) fn validate_range(at: &Located<'_, '_>, low: i64, high: i64, errors: &mut Errors) {
    if at.int_if_set().is_some_and(|number| !(low..=high).contains(&number)) {
        errors.invalid(at, format_args!("must be between {low} and {high}, inclusive"));
    }
}

/// A user or group of Linux, if it is set.
pub(in crate::kinds::rules::pod) fn validate_id(at: &Located<'_, '_>, errors: &mut Errors) {
    validate_range(at, 0, i64::from(i32::MAX), errors);
}
