//! Checks of single fields that many kinds have.
//! k8s: staging/src/k8s.io/apimachinery/pkg/api/validation/{generic,objectmeta}.go

use super::{Errors, Located};
use crate::value::Value;
use crate::value::int_or_string::IntOrString;
use crate::value::names;

/// What a setter of an immutable field is told.
pub const IMMUTABLE: &str = "field is immutable";

/// A field that must stay as it is.
pub fn validate_immutable_field(new: &Located<'_, '_>, old: &Located<'_, '_>, errors: &mut Errors) {
    if new.value() != old.value() {
        errors.invalid(new, IMMUTABLE);
    }
}

/// A text, which is no pointer in Go, that must stay as it is.
pub fn validate_immutable_text(new: &Located<'_, '_>, old: &Located<'_, '_>, errors: &mut Errors) {
    if new.text() != old.text() {
        errors.invalid_value(new, new.text(), IMMUTABLE);
    }
}

/// A number that is 0 or more.
pub fn validate_nonnegative_field(number: &Located<'_, '_>, errors: &mut Errors) {
    if number.int() < 0 {
        errors.invalid(number, "must be greater than or equal to 0");
    }
}

/// A number that is 1 or more.
pub fn validate_positive_field(number: &Located<'_, '_>, errors: &mut Errors) {
    if number.int() <= 0 {
        errors.invalid_value(number, number.int(), "must be greater than zero");
    }
}

/// A number that is 0 or more, or a percentage.
/// k8s: pkg/apis/apps/validation/validation.go ValidatePositiveIntOrPercent
pub fn validate_int_or_percent(at: &Located<'_, '_>, errors: &mut Errors) {
    match at.value().and_then(IntOrString::of) {
        Some(IntOrString::Text(text)) => errors.invalid_for_each(at, text, names::percent(text)),
        Some(IntOrString::Int(_)) | None => validate_nonnegative_field(at, errors),
    }
}

/// A number, or a percentage that is not more than 100 %.
/// k8s: pkg/apis/apps/validation/validation.go IsNotMoreThan100Percent
pub fn validate_at_most_100_percent(at: &Located<'_, '_>, errors: &mut Errors) {
    if at
        .value()
        .and_then(IntOrString::of)
        .and_then(IntOrString::percent)
        .is_some_and(|percent| percent > 100)
    {
        errors.invalid(at, "must not be greater than 100%");
    }
}

/// A quantity that is 0 or more.
/// k8s: pkg/apis/core/validation/validation.go ValidateNonnegativeQuantity
pub fn validate_quantity_nonnegative(at: &Located<'_, '_>, errors: &mut Errors) {
    if let Some(quantity) = at.quantity().filter(|quantity| quantity.signum() < 0) {
        errors.invalid_value(at, Value::str(quantity.canonical()), "must be greater than or equal to 0");
    }
}

/// A quantity that is more than 0.
/// k8s: pkg/apis/core/validation/validation.go ValidatePositiveQuantityValue
pub fn validate_quantity_positive(at: &Located<'_, '_>, errors: &mut Errors) {
    if at.quantity().is_none_or(|quantity| quantity.signum() <= 0) {
        let shown = at.quantity().map_or_else(|| "0".into(), |quantity| quantity.canonical());
        errors.invalid_value(at, Value::str(shown), "must be greater than zero");
    }
}

/// A subdomain of at least three labels.
/// k8s: staging/src/k8s.io/apimachinery/pkg/util/validation/validation.go IsFullyQualifiedName
pub fn validate_fully_qualified_name(at: &Located<'_, '_>, errors: &mut Errors) {
    let name = at.text();
    let problems = names::dns_subdomain(name, false);
    if name.is_empty() {
        errors.required(at, "");
    } else if !problems.is_empty() {
        errors.invalid_value(at, name, problems.join(","));
    } else if name.split('.').count() < 3 {
        errors.invalid_value(at, name, "should be a domain with at least three segments separated by dots");
    }
}

/// A subdomain of at least two labels, each of a label's length; a dot may end it.
/// k8s: staging/src/k8s.io/apimachinery/pkg/util/validation/validation.go IsFullyQualifiedDomainName
pub fn validate_fully_qualified_domain_name(at: &Located<'_, '_>, errors: &mut Errors) {
    if at.is_empty() {
        errors.required(at, "");
        return;
    }
    let name = at.text().strip_suffix('.').unwrap_or(at.text());
    let problems = names::dns_subdomain(name, false);
    if !problems.is_empty() {
        errors.invalid_value(at, name, problems.join(","));
    } else if name.split('.').count() < 2 {
        errors.invalid_value(at, name, "should be a domain with at least two segments separated by dots");
    } else if let Some(label) = name.split('.').find(|label| !names::dns_label(label, false).is_empty()) {
        errors.invalid_value(at, label, names::dns_label(label, false).join(","));
    }
}

/// A subdomain, a slash and a path: `example.com/path`.
/// k8s: staging/src/k8s.io/apimachinery/pkg/util/validation/validation.go IsDomainPrefixedPath
pub fn validate_domain_prefixed_path(at: &Located<'_, '_>, errors: &mut Errors) {
    const PATH: &str = "Invalid path (regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')";
    let text = at.text();
    if text.is_empty() {
        errors.required(at, "");
        return;
    }
    let parts = text.split_once('/').filter(|(domain, path)| !domain.is_empty() && !path.is_empty());
    let Some((domain, path)) = parts else {
        errors.invalid_value(at, text, "must be a domain-prefixed path (such as \"acme.io/foo\")");
        return;
    };
    errors.invalid_for_each(at, domain, names::dns_subdomain(domain, false));
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~%!$&'()*+,;=:".contains(&byte);
    if !path.bytes().all(is_good) {
        errors.invalid_value(at, path, PATH);
    }
}

/// A label key with a prefix: `example.com/name`.
/// k8s: staging/src/k8s.io/apimachinery/pkg/util/validation/validation.go IsDomainPrefixedKey
pub fn validate_domain_prefixed_key(at: &Located<'_, '_>, errors: &mut Errors) {
    let text = at.text();
    let problems = names::label_key(text);
    if text.is_empty() {
        errors.required(at, "");
    } else if !problems.is_empty() {
        errors.invalid_for_each(at, text, problems);
    } else if !text.contains('/') {
        errors.invalid_value(at, text, "must be a domain-prefixed key (such as \"acme.io/foo\")");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json;

    #[test]
    fn fields_are_checked_in_upstreams_words() {
        let parsed = |text: &str| json::parse(text.as_bytes()).expect("JSON").value;
        let (new, old) = (parsed(r#"{"a":-1,"b":0,"c":null}"#), parsed(r#"{"a":-1,"b":1}"#));
        let (new, old) = (Located::root(&new), Located::root(&old));
        let mut errors = Errors::new();
        for name in ["a", "b", "c"] {
            validate_nonnegative_field(&new.member(name), &mut errors);
            validate_immutable_field(&new.member(name), &old.member(name), &mut errors);
        }
        let expected = "[a: Invalid value: -1: must be greater than or equal to 0, \
                        b: Invalid value: 0: field is immutable]";
        assert_eq!(errors.summary(), expected);
    }

    type Check = fn(&Located<'_, '_>, &mut Errors);

    #[test]
    fn values_at_and_beyond_the_bounds() {
        let table: [(Check, &str, &str); 25] = [
            (validate_positive_field, "1", ""),
            (validate_positive_field, "0", "Invalid value: 0: must be greater than zero"),
            (validate_int_or_percent, "0", ""),
            (validate_int_or_percent, "-1", "Invalid value: -1: must be greater than or equal to 0"),
            (validate_int_or_percent, "\"0%\"", ""),
            (
                validate_int_or_percent,
                "\"x\"",
                "Invalid value: \"x\": a valid percent string must be a numeric",
            ),
            (validate_at_most_100_percent, "101", ""),
            (validate_at_most_100_percent, "\"100%\"", ""),
            (
                validate_at_most_100_percent,
                "\"101%\"",
                "Invalid value: \"101%\": must not be greater than 100%",
            ),
            (validate_quantity_nonnegative, "\"0\"", ""),
            (
                validate_quantity_nonnegative,
                "\"-1m\"",
                "Invalid value: \"-1m\": must be greater than or equal",
            ),
            (validate_quantity_positive, "\"1m\"", ""),
            (validate_quantity_positive, "\"0\"", "Invalid value: \"0\": must be greater than zero"),
            (validate_fully_qualified_name, "\"a.b.c\"", ""),
            (
                validate_fully_qualified_name,
                "\"a.b\"",
                "Invalid value: \"a.b\": should be a domain with at least three",
            ),
            (validate_fully_qualified_name, "\"\"", "Required value"),
            (validate_fully_qualified_domain_name, "\"a.b.\"", ""),
            (
                validate_fully_qualified_domain_name,
                "\"a.\"",
                "Invalid value: \"a\": should be a domain with at least two",
            ),
            (validate_domain_prefixed_path, "\"a.b/c/d\"", ""),
            (
                validate_domain_prefixed_path,
                "\"a/\"",
                "Invalid value: \"a/\": must be a domain-prefixed path",
            ),
            (validate_domain_prefixed_path, "\"a/b c\"", "Invalid value: \"b c\": Invalid path (regex used"),
            (validate_domain_prefixed_key, "\"a.b/c\"", ""),
            (validate_domain_prefixed_key, "\"c\"", "Invalid value: \"c\": must be a domain-prefixed key"),
            (validate_domain_prefixed_key, "\"/c\"", "Invalid value: \"/c\": prefix part must be non-empty"),
            (validate_domain_prefixed_key, "\"\"", "Required value"),
        ];
        for (check, text, expected) in table {
            let mut object = Value::empty_map();
            object.set("at", json::parse(text.as_bytes()).expect("JSON").value);
            let object = Located::root(&object);
            let mut errors = Errors::new();
            check(&object.member("at"), &mut errors);
            let summary = errors.summary();
            let found = summary.strip_prefix("at: ").unwrap_or("");
            assert!(
                found.starts_with(expected) && found.is_empty() == expected.is_empty(),
                "{text}: {summary}"
            );
        }
    }
}
