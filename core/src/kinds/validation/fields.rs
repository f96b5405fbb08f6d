//! Checks of single fields that many kinds have.
//! k8s: staging/src/k8s.io/apimachinery/pkg/api/validation/{generic,objectmeta}.go

use super::{Errors, Located};

/// What a setter of an immutable field is told.
pub const IMMUTABLE: &str = "field is immutable";

/// A field that must stay as it is.
pub fn validate_immutable_field(new: &Located<'_, '_>, old: &Located<'_, '_>, errors: &mut Errors) {
    if new.value() != old.value() {
        errors.invalid(new, IMMUTABLE);
    }
}

/// A number that is 0 or more.
pub fn validate_nonnegative_field(number: &Located<'_, '_>, errors: &mut Errors) {
    if number.int() < 0 {
        errors.invalid(number, "must be greater than or equal to 0");
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
}
