//! What is wrong with an object, each with its field path, its kind of error and upstream's sentence.

use super::Located;
use crate::status::{CauseType, Causes};
use crate::value::Value;
use alloc::format;
use alloc::string::String;
use core::fmt::Display;

/// Field errors in the order in which they are found; a bounded number of them is kept (`limits::CAUSES`,
/// `limits::CAUSES_BYTES`), and nothing is formatted of those that are not.
///
/// The value that a message shows is the one at the place, and null where nothing is. `invalid_value` and
/// `not_supported_value` are for fields that are no pointers in Go, whose absent value is shown as empty or 0.
///
/// k8s: staging/src/k8s.io/apimachinery/pkg/util/validation/field/errors.go
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Errors(Causes);

impl Errors {
    pub const fn new() -> Self {
        Self(Causes::new())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The number of errors that are kept.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// No further error will be kept, so a check of a long list can stop.
    pub fn is_full(&self) -> bool {
        self.0.is_full()
    }

    /// For checks of what stands in objects and elsewhere too.
    pub(crate) fn causes(&mut self) -> &mut Causes {
        &mut self.0
    }

    /// The errors as they are answered.
    pub fn into_causes(self) -> Causes {
        self.0
    }

    /// The errors in one line, as an answer's message has them.
    pub fn summary(&self) -> String {
        self.0.summary()
    }

    /// A value that must be there is not.
    pub fn required(&mut self, at: &Located<'_, '_>, detail: impl Display) {
        self.0.add(CauseType::Required, at, None, &detail);
    }

    /// A value that breaks a rule.
    pub fn invalid(&mut self, at: &Located<'_, '_>, detail: impl Display) {
        self.0.add(CauseType::Invalid, at, Some(shown(at)), &detail);
    }

    /// As `invalid`, with another value to show than the one at the place.
    pub fn invalid_value(&mut self, at: &Located<'_, '_>, value: impl Into<Value>, detail: impl Display) {
        if !self.is_full() {
            self.0.add(CauseType::Invalid, at, Some(&value.into()), &detail);
        }
    }

    /// As `invalid`, for each of several problems.
    pub fn invalid_for_each<P: Display>(
        &mut self,
        at: &Located<'_, '_>,
        value: &str,
        problems: impl IntoIterator<Item = P>,
    ) {
        for problem in problems {
            self.invalid_value(at, value, problem);
        }
    }

    /// As `invalid`, with a value that is shown as this text, as it is: for values that Go writes otherwise than as
    /// they are stored.
    pub fn invalid_shown(&mut self, at: &Located<'_, '_>, shown: &str, detail: impl Display) {
        if !self.is_full() {
            self.0.push(CauseType::Invalid, at, format!("Invalid value: {shown}: {detail}"));
        }
    }

    /// As `invalid`, without the value.
    pub fn invalid_unshown(&mut self, at: &Located<'_, '_>, detail: impl Display) {
        self.0.add(CauseType::Invalid, at, None, &detail);
    }

    /// A value of another type than the field's.
    pub fn type_invalid(&mut self, at: &Located<'_, '_>, detail: impl Display) {
        self.0.add(CauseType::TypeInvalid, at, Some(shown(at)), &detail);
    }

    /// A value that may not be there, or not in this combination or change.
    pub fn forbidden(&mut self, at: &Located<'_, '_>, detail: impl Display) {
        self.0.add(CauseType::Forbidden, at, None, &detail);
    }

    /// A value that another item of the same list has.
    pub fn duplicate(&mut self, at: &Located<'_, '_>) {
        self.0.add(CauseType::Duplicate, at, Some(shown(at)), &"");
    }

    /// As `duplicate`, with another value to show than the one at the place.
    pub fn duplicate_value(&mut self, at: &Located<'_, '_>, value: impl Into<Value>) {
        if !self.is_full() {
            self.0.add(CauseType::Duplicate, at, Some(&value.into()), &"");
        }
    }

    /// As `duplicate`, with a value that is shown as this text, as it is.
    pub fn duplicate_shown(&mut self, at: &Located<'_, '_>, shown: &str) {
        if !self.is_full() {
            self.0.push(CauseType::Duplicate, at, format!("Duplicate value: {shown}"));
        }
    }

    /// A value that refers to something that is not there.
    pub fn not_found(&mut self, at: &Located<'_, '_>) {
        self.0.add(CauseType::NotFound, at, Some(shown(at)), &"");
    }

    /// A value that is none of those that the field can have, which the message shows in the given order: upstream
    /// sorts them in most places.
    pub fn not_supported(&mut self, at: &Located<'_, '_>, supported: &[&str]) {
        self.0.not_supported(at, shown(at), supported);
    }

    /// As `not_supported`, with another value to show than the one at the place.
    pub fn not_supported_value(&mut self, at: &Located<'_, '_>, value: impl Into<Value>, supported: &[&str]) {
        if !self.is_full() {
            self.0.not_supported(at, &value.into(), supported);
        }
    }

    /// As `not_found`, with another value to show than the one at the place.
    pub fn not_found_value(&mut self, at: &Located<'_, '_>, value: impl Into<Value>) {
        if !self.is_full() {
            self.0.add(CauseType::NotFound, at, Some(&value.into()), &"");
        }
    }

    /// As `not_found_value`, with more words about what there is.
    pub fn not_found_because(&mut self, at: &Located<'_, '_>, value: impl Into<Value>, detail: impl Display) {
        if !self.is_full() {
            self.0.add(CauseType::NotFound, at, Some(&value.into()), &detail);
        }
    }

    /// As `not_supported` of a text, which is shown as empty when it is absent.
    pub fn not_supported_text(&mut self, at: &Located<'_, '_>, supported: &[&str]) {
        self.0.not_supported(at, &at.text().into(), supported);
    }

    /// A value that is longer than so many bytes.
    pub fn too_long(&mut self, at: &Located<'_, '_>, max_bytes: usize) {
        self.0.add(CauseType::TooLong, at, None, &format_args!("may not be more than {max_bytes} bytes"));
    }

    /// A list or map of more items than so many.
    pub fn too_many(&mut self, at: &Located<'_, '_>, max: usize) {
        let count = Value::Int(i64::try_from(at.len()).unwrap_or(i64::MAX));
        self.0.add(CauseType::TooMany, at, Some(&count), &format_args!("must have at most {max} items"));
    }

    /// A check that could not be made.
    pub fn internal(&mut self, at: &Located<'_, '_>, detail: impl Display) {
        self.0.add(CauseType::Internal, at, None, &detail);
    }
}

/// The value that a message shows.
fn shown<'v>(at: &Located<'v, '_>) -> &'v Value {
    at.value().unwrap_or(&Value::Null)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json;
    use crate::limits;

    #[test]
    fn every_kind_of_error_has_upstreams_sentence() {
        let text = br#"{"spec":{"text":"a\"b","number":3,"list":[1,2,3],"map":{"k":"v"}}}"#;
        let object = json::parse(text).expect("JSON").value;
        let object = Located::root(&object);
        let spec = object.member("spec");
        let (text, number, list) = (spec.member("text"), spec.member("number"), spec.member("list"));
        let map = spec.member("map");
        let key = map.key("k");
        let absent = spec.member("absent");
        type Say<'a> = &'a dyn Fn(&mut Errors);
        let table: &[(Say<'_>, &str)] = &[
            (&|errors| errors.required(&absent, ""), "spec.absent: Required value"),
            (&|errors| errors.required(&absent, "why"), "spec.absent: Required value: why"),
            (&|errors| errors.invalid(&text, "why"), r#"spec.text: Invalid value: "a\"b": why"#),
            (&|errors| errors.invalid(&absent, "why"), "spec.absent: Invalid value: null: why"),
            (
                &|errors| errors.invalid_value(&absent, absent.text(), "why"),
                r#"spec.absent: Invalid value: "": why"#,
            ),
            (&|errors| errors.invalid_shown(&list, "{1 2}", "why"), "spec.list: Invalid value: {1 2}: why"),
            (
                &|errors| errors.invalid_for_each(&text, "v", ["one", "two"]),
                r#"[spec.text: Invalid value: "v": one, spec.text: Invalid value: "v": two]"#,
            ),
            (&|errors| errors.invalid_unshown(&list, "why"), "spec.list: Invalid value: why"),
            (&|errors| errors.type_invalid(&number, "why"), "spec.number: Invalid value: 3: why"),
            (&|errors| errors.forbidden(&key, "why"), "spec.map[k]: Forbidden: why"),
            (&|errors| errors.duplicate(&list.index(1)), "spec.list[1]: Duplicate value: 2"),
            (&|errors| errors.duplicate_value(&absent, absent.text()), r#"spec.absent: Duplicate value: """#),
            (&|errors| errors.duplicate_shown(&list, "{1}"), "spec.list: Duplicate value: {1}"),
            (&|errors| errors.not_found(&key), r#"spec.map[k]: Not found: "v""#),
            (&|errors| errors.not_found_value(&list, "x"), r#"spec.list: Not found: "x""#),
            (&|errors| errors.duplicate_value(&list, "x"), r#"spec.list: Duplicate value: "x""#),
            (
                &|errors| errors.not_supported_value(&list, "x", &["a"]),
                r#"spec.list: Unsupported value: "x": supported values: "a""#,
            ),
            (
                &|errors| errors.not_supported(&key, &["a", "b"]),
                r#"spec.map[k]: Unsupported value: "v": supported values: "a", "b""#,
            ),
            (
                &|errors| errors.not_supported_text(&absent, &["a"]),
                r#"spec.absent: Unsupported value: "": supported values: "a""#,
            ),
            (&|errors| errors.too_long(&text, 2), "spec.text: Too long: may not be more than 2 bytes"),
            (&|errors| errors.too_many(&list, 2), "spec.list: Too many: 3: must have at most 2 items"),
            (&|errors| errors.internal(&text, "why"), "spec.text: Internal error: why"),
        ];
        for (say, summary) in table {
            let mut errors = Errors::new();
            say(&mut errors);
            assert_eq!(errors.summary(), *summary);
        }
    }

    /// Counts how often it is formatted.
    struct Counted<'a>(&'a core::cell::Cell<usize>);

    impl Display for Counted<'_> {
        fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
            self.0.set(self.0.get() + 1);
            out.write_str("why")
        }
    }

    #[test]
    fn errors_are_bounded_and_nothing_is_formatted_in_vain() {
        let object = Value::empty_map();
        let object = Located::root(&object);
        let formatted = core::cell::Cell::new(0);
        let mut errors = Errors::new();
        for _ in 0..limits::CAUSES + 10 {
            errors.invalid(&object.member("metadata"), Counted(&formatted));
        }
        assert!(errors.is_full() && errors.len() <= limits::CAUSES);
        assert_eq!(formatted.get(), errors.len());
    }
}
