//! Field selectors: `a=b,c!=d` over an object's selectable fields.
//! k8s: staging/src/k8s.io/apimachinery/pkg/fields/selector.go

use crate::value::Text;
use crate::value::quoted;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// Terms that must all hold, in upstream's order (that of their texts). Without terms, everything.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct FieldSelector {
    terms: Vec<FieldTerm>,
}

/// `field=value`, or with `equal` false `field!=value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldTerm {
    pub field: Text,
    pub value: Text,
    pub equal: bool,
}

impl FieldSelector {
    pub const fn everything() -> Self {
        Self { terms: Vec::new() }
    }

    /// The selector of one name: `metadata.name=NAME`.
    pub fn of_name(name: &str) -> Self {
        Self {
            terms: alloc::vec![FieldTerm { field: "metadata.name".into(), value: name.into(), equal: true }],
        }
    }

    /// Parses the `fieldSelector` parameter. The error is upstream's sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = split_terms(text);
        parts.sort_unstable();
        let mut terms = Vec::new();
        for part in parts.into_iter().filter(|part| !part.is_empty()) {
            let Some((field, equal, value)) = split_term(part) else {
                return Err(format!("invalid selector: '{text}'; can't understand '{part}'"));
            };
            let value = unescape(value)?;
            if !(field.is_empty() && value.is_empty()) {
                terms.push(FieldTerm { field: field.into(), value, equal });
            }
        }
        Ok(Self { terms })
    }

    pub fn terms(&self) -> &[FieldTerm] {
        &self.terms
    }

    pub fn is_everything(&self) -> bool {
        self.terms.is_empty()
    }

    /// The first field named that is not a selectable one.
    pub fn first_unknown(&self, known: impl Fn(&str) -> bool) -> Option<&str> {
        self.terms.iter().map(|term| term.field.as_str()).find(|field| !known(field))
    }

    /// Whether fields, looked up by name, satisfy every term. An unset field is the empty text.
    pub fn matches<'a>(&self, value_of: impl Fn(&str) -> &'a str) -> bool {
        self.terms.iter().all(|term| (value_of(&term.field) == term.value) == term.equal)
    }

    /// The value that a field must have.
    pub fn requires_exact_match(&self, field: &str) -> Option<&str> {
        self.terms.iter().find(|term| term.equal && term.field == field).map(|term| term.value.as_str())
    }
}

/// What a client is told who names a field that its kind does not select by.
/// k8s: staging/src/k8s.io/apimachinery/pkg/runtime/conversion.go DefaultMetaV1FieldSelectorConversion
pub fn not_a_known_field(field: &str, known: &[&str]) -> String {
    let known: Vec<String> = known.iter().map(|field| quoted(field)).collect();
    format!("{} is not a known field selector: only {}", quoted(field), known.join(", "))
}

/// Splits at commas that no backslash precedes.
fn split_terms(text: &str) -> Vec<&str> {
    let mut escaped = false;
    let at_comma = |character| {
        let splits = !escaped && character == ',';
        escaped = !escaped && character == '\\';
        splits
    };
    text.split(at_comma).collect()
}

/// Splits at the first operator; of those at one place the longest.
fn split_term(term: &str) -> Option<(&str, bool, &str)> {
    for (at, _) in term.char_indices() {
        let (field, rest) = term.split_at(at);
        for (operator, equal) in [("!=", false), ("==", true), ("=", true)] {
            if let Some(value) = rest.strip_prefix(operator) {
                return Some((field, equal, value));
            }
        }
    }
    None
}

fn unescape(value: &str) -> Result<Text, String> {
    let mut out = Text::default();
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some(escaped @ ('\\' | ',' | '=')) => out.push(escaped),
                Some(other) => {
                    return Err(format!("invalid field selector: invalid escape sequence: \\{other}"));
                }
                None => return Err("invalid field selector: invalid escape sequence: \\".into()),
            },
            // Upstream prints the number of the character.
            ',' | '=' => {
                let number = u32::from(character);
                return Err(format!("invalid field selector: unescaped character in value: {number}"));
            }
            other => out.push(other),
        }
    }
    Ok(out)
}

impl fmt::Display for FieldSelector {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, term) in self.terms.iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            let operator = if term.equal { "=" } else { "!=" };
            write!(out, "{comma}{}{operator}", term.field)?;
            for character in term.value.chars() {
                if matches!(character, '\\' | ',' | '=') {
                    out.write_str("\\")?;
                }
                write!(out, "{character}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use proptest::prelude::*;

    #[test]
    fn parses_matches_and_writes() {
        let table = [
            ("", "", true),
            ("metadata.name=a", "metadata.name=a", true),
            ("metadata.name==a,spec.nodeName!=n", "metadata.name=a,spec.nodeName!=n", true),
            ("spec.nodeName!=,metadata.name=a", "metadata.name=a,spec.nodeName!=", false),
            (r"x=a\,b\=c\\", r"x=a\,b\=c\\", false),
            (",,metadata.name!=b,", "metadata.name!=b", true),
            ("=", "", true),
        ];
        for (text, written, expected) in table {
            let selector = FieldSelector::parse(text).unwrap();
            assert_eq!(selector.to_string(), written, "{text}");
            assert_eq!(
                selector.matches(|field| if field == "metadata.name" { "a" } else { "" }),
                expected,
                "{text}"
            );
        }
        let selector = FieldSelector::parse("metadata.name=a,b!=c").unwrap();
        assert_eq!(selector.requires_exact_match("metadata.name"), Some("a"));
        assert_eq!(selector.requires_exact_match("b"), None);
        assert_eq!(selector.first_unknown(|field| field == "metadata.name"), Some("b"));
    }

    #[test]
    fn errors_are_upstreams() {
        let table = [
            ("a", "invalid selector: 'a'; can't understand 'a'"),
            ("x=y,a", "invalid selector: 'x=y,a'; can't understand 'a'"),
            ("a=b=c", "invalid field selector: unescaped character in value: 61"),
            (r"a=b\c", r"invalid field selector: invalid escape sequence: \c"),
            (r"a=b\", r"invalid field selector: invalid escape sequence: \"),
        ];
        for (text, expected) in table {
            assert_eq!(FieldSelector::parse(text).unwrap_err(), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(value in ".{0,12}") {
            let term = FieldTerm { field: "f".into(), value: value.as_str().into(), equal: true };
            let selector = FieldSelector { terms: alloc::vec![term] };
            prop_assert_eq!(FieldSelector::parse(&selector.to_string()), Ok(selector));
        }
    }
}
