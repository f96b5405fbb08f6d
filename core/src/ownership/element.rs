//! One step of the path to a field: a member of a map, or an item of a list by its keys, its value or its place.
//! k8s: sigs.k8s.io/structured-merge-diff fieldpath/element.go, fieldpath/serialize-pe.go

use crate::codec::json;
use crate::value::{Map, Text, Value, quoted};
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::fmt;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathElement {
    Field(Text),
    /// An item of an associative list, by its keys, which are sorted by name.
    Key(Vec<(Text, Value)>),
    /// An item of a set.
    Item(Value),
    /// An item of any other list. Only clients make these.
    Index(i64),
}

/// Why a text names no path element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unnamed {
    /// It is of a sort that a later release may know. Sets are read without it.
    UnknownSort,
    Malformed,
}

impl PathElement {
    /// An item by its keys, in any order.
    pub(super) fn key(mut keys: Vec<(Text, Value)>) -> Self {
        keys.iter_mut().for_each(|(_, value)| settle(value));
        if !keys.is_sorted_by(|one, other| one.0 < other.0) {
            keys.sort_by(|one, other| one.0.cmp(&other.0));
        }
        Self::Key(keys)
    }

    pub(super) fn item(mut value: Value) -> Self {
        settle(&mut value);
        Self::Item(value)
    }

    /// Appends the name of the element in FieldsV1 as a JSON string.
    pub(super) fn write_name(&self, out: &mut Vec<u8>) {
        match self {
            Self::Field(name) => write_field_name(name, out),
            Self::Key(_) | Self::Item(_) | Self::Index(_) => json::write_str(&self.name(), out),
        }
    }

    /// The name of the element in FieldsV1.
    fn name(&self) -> String {
        let mut out = Vec::with_capacity(64);
        match self {
            Self::Field(name) => {
                out.extend_from_slice(b"f:");
                out.extend_from_slice(name.as_bytes());
            }
            Self::Key(keys) => {
                out.extend_from_slice(b"k:{");
                for (at, (name, value)) in keys.iter().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    json::write_str(name, &mut out);
                    out.push(b':');
                    json::write(value, &mut out);
                }
                out.push(b'}');
            }
            Self::Item(value) => {
                out.extend_from_slice(b"v:");
                json::write(value, &mut out);
            }
            Self::Index(index) => {
                out.extend_from_slice(b"i:");
                json::write_int(*index, &mut out);
            }
        }
        String::from_utf8(out).expect("the writer writes UTF-8")
    }

    /// The element that FieldsV1 names so.
    pub(super) fn decoded(text: &str) -> Result<Self, Unnamed> {
        let (sort, rest) = text.split_at_checked(2).ok_or(Unnamed::Malformed)?;
        match sort {
            "f:" => Ok(Self::Field(rest.into())),
            "v:" => match json::parse(rest.as_bytes()) {
                Ok(parsed) => Ok(Self::item(parsed.value)),
                Err(_) => Err(Unnamed::Malformed),
            },
            "k:" => keys(rest).map(Self::key).ok_or(Unnamed::Malformed),
            "i:" => rest.parse().map(Self::Index).map_err(|_| Unnamed::Malformed),
            _ if sort.ends_with(':') => Err(Unnamed::UnknownSort),
            _ => Err(Unnamed::Malformed),
        }
    }

    fn sort(&self) -> u8 {
        match self {
            Self::Field(_) => 0,
            Self::Key(_) => 1,
            Self::Item(_) => 2,
            Self::Index(_) => 3,
        }
    }
}

/// As `PathElement::write_name`, of a member of a map.
pub(super) fn write_field_name(name: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"\"f:");
    json::write_inside_str(name, out);
    out.push(b'"');
}

/// The keys of an item of an associative list; of two with one name the last counts.
fn keys(text: &str) -> Option<Vec<(Text, Value)>> {
    let mut keys = Vec::new();
    let mut parser = json::Parser::of(text.as_bytes());
    let read = parser.members(&mut |parser, name| {
        keys.push((Text::from(name), parser.value()?));
        Ok(())
    });
    let is_whole = read.is_ok() && parser.is_at_end();
    is_whole.then(|| Map::from_entries(keys).into_entries())
}

/// A number without a fraction is an integer, however it is written.
fn settle(value: &mut Value) {
    /// Larger floats have no exact neighbours.
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    if let Value::Float(number) = value {
        let number = number.to_f64();
        if number.abs() <= EXACT_MAX && number % 1.0 == 0.0 {
            *value = Value::Int(number as i64);
        }
    }
}

impl Ord for PathElement {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Field(one), Self::Field(other)) => one.as_str().cmp(other.as_str()),
            (Self::Key(one), Self::Key(other)) => {
                let pairs = one.iter().zip(other);
                let found = pairs
                    .map(|(one, other)| one.0.cmp(&other.0).then_with(|| compare(&one.1, &other.1)))
                    .find(|order| order.is_ne());
                found.unwrap_or_else(|| one.len().cmp(&other.len()))
            }
            (Self::Item(one), Self::Item(other)) => compare(one, other),
            (Self::Index(one), Self::Index(other)) => one.cmp(other),
            (
                Self::Field(_) | Self::Key(_) | Self::Item(_) | Self::Index(_),
                Self::Field(_) | Self::Key(_) | Self::Item(_) | Self::Index(_),
            ) => self.sort().cmp(&other.sort()),
        }
    }
}

impl PartialOrd for PathElement {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The order of upstream's values: numbers, texts, truths, then the rest.
/// k8s: sigs.k8s.io/structured-merge-diff value/value.go Compare
fn compare(one: &Value, other: &Value) -> Ordering {
    if let (Value::Int(one), Value::Int(other)) = (one, other) {
        return one.cmp(other);
    }
    if let (Value::Str(one), Value::Str(other)) = (one, other) {
        return one.as_str().cmp(other.as_str());
    }
    let rank = |value: &Value| match value {
        Value::Int(_) | Value::Float(_) => 0,
        Value::Str(_) => 1,
        Value::Bool(_) => 2,
        Value::List(_) => 3,
        Value::Map(_) | Value::Json(_) => 4,
        Value::Null => 5,
    };
    match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) => one.total_cmp(&other),
        (Some(_) | None, _) => {
            rank(one).cmp(&rank(other)).then_with(|| json::to_string(one).cmp(&json::to_string(other)))
        }
    }
}

impl fmt::Display for PathElement {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => write!(out, ".{name}"),
            Self::Key(keys) => {
                out.write_str("[")?;
                for (at, (name, value)) in keys.iter().enumerate() {
                    let comma = if at > 0 { "," } else { "" };
                    write!(out, "{comma}{name}={}", shown(value))?;
                }
                out.write_str("]")
            }
            Self::Item(value) => write!(out, "[={}]", shown(value)),
            Self::Index(index) => write!(out, "[{index}]"),
        }
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Str(text) => quoted(text),
        Value::Null => "null".into(),
        Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::List(_)
        | Value::Map(_)
        | Value::Json(_) => crate::patch::go_text(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn elements_are_read_written_and_shown_as_upstream_does() {
        let cases = [
            ("f:a", ".a"),
            ("f:", "."),
            (r#"k:{"name":"c"}"#, r#"[name="c"]"#),
            (r#"k:{"containerPort":80,"protocol":"TCP"}"#, r#"[containerPort=80,protocol="TCP"]"#),
            (r#"v:"a\"b""#, r#"[="a\"b"]"#),
            ("v:1", "[=1]"),
            ("v:1.5", "[=1.5]"),
            ("v:true", "[=true]"),
            ("i:3", "[3]"),
        ];
        for (text, shown) in cases {
            let element = PathElement::decoded(text).expect(text);
            assert_eq!((element.name().as_str(), element.to_string().as_str()), (text, shown));
        }
        for (text, why) in [
            ("", Unnamed::Malformed),
            ("f", Unnamed::Malformed),
            ("ab", Unnamed::Malformed),
            ("x:1", Unnamed::UnknownSort),
            ("i:a", Unnamed::Malformed),
            ("k:[]", Unnamed::Malformed),
            ("v:{", Unnamed::Malformed),
            ("é", Unnamed::Malformed),
        ] {
            assert_eq!(PathElement::decoded(text), Err(why), "{text}");
        }
    }

    #[test]
    fn elements_have_upstreams_order() {
        let texts = [
            "f:a",
            "f:b",
            r#"k:{"p":9}"#,
            r#"k:{"p":80}"#,
            r#"k:{"p":80,"q":"a"}"#,
            r#"k:{"q":1}"#,
            "v:2",
            "v:2.5",
            "v:10",
            r#"v:"a""#,
            "v:false",
            "v:true",
            "i:2",
            "i:10",
        ];
        let elements: Vec<_> = texts.iter().map(|text| PathElement::decoded(text).expect(text)).collect();
        for (at, one) in elements.iter().enumerate() {
            for (place, other) in elements.iter().enumerate() {
                assert_eq!(one.cmp(other), at.cmp(&place), "{one} {other}");
            }
        }
    }
}
