//! Objects that expressions make: `Object{…}` and those below it, and `JSONPatch{…}`.
//! k8s: staging/src/k8s.io/apiserver/pkg/cel/mutation/dynamic/objects.go, mutation/jsonpatch.go

use super::equality::equal;
use super::value::{CelMap, CelValue};
use crate::value::Text;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// An object with the name of its type and the fields that were given.
#[derive(Clone, Debug)]
pub struct CelObject {
    type_name: Text,
    fields: CelMap,
}

impl CelObject {
    pub(crate) fn new(type_name: Text, fields: CelMap) -> Self {
        Self { type_name, fields }
    }

    /// As the expression named it: `Object.spec`, `JSONPatch`.
    pub fn type_name(&self) -> &str {
        &self.type_name
    }

    /// The fields that were given, in the order in which they were.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &CelValue)> {
        self.fields.entries.iter().filter_map(|(name, value)| match name {
            CelValue::Str(name) => Some((name.as_str(), value)),
            _ => None,
        })
    }

    /// A field that was given.
    pub fn field(&self, name: &str) -> Option<&CelValue> {
        self.fields().find(|(held, _)| *held == name).map(|(_, value)| value)
    }

    /// What an expression sees of a field. One that was not given is null, or empty if it is a text.
    pub(crate) fn read(&self, name: &str) -> CelValue {
        let otherwise = match name {
            "op" | "path" | "from" if self.type_name == "JSONPatch" => CelValue::str(""),
            _ => CelValue::Null,
        };
        self.field(name).cloned().unwrap_or(otherwise)
    }

    pub(crate) fn is_equal(&self, other: &Self) -> bool {
        let (one, other_fields) = (&self.fields, &other.fields);
        self.type_name == other.type_name
            && one.entries.len() == other_fields.entries.len()
            && one
                .entries
                .iter()
                .all(|(name, value)| other_fields.get(name).is_some_and(|theirs| equal(value, theirs)))
    }

    /// Checks that the objects below have types that are named after their fields: `Object.spec` for the field `spec`
    /// of `Object`. Lists and maps between them do not count.
    ///
    /// # Errors
    /// What is wrong, a sentence for each of them.
    pub fn check_type_names(&self) -> Result<(), Vec<String>> {
        let mut problems = Vec::new();
        self.check_types(&self.type_name, &mut problems);
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    fn check_types(&self, expected: &str, problems: &mut Vec<String>) {
        if self.type_name != expected {
            problems.push(format!(
                "unexpected type name \"{}\", expected \"{expected}\", which matches field name path from root Object \
                 type",
                self.type_name
            ));
        }
        for (name, value) in self.fields() {
            check_value(value, &format!("{expected}.{name}"), problems);
        }
    }
}

fn check_value(value: &CelValue, expected: &str, problems: &mut Vec<String>) {
    match value {
        CelValue::Object(object) => object.check_types(expected, problems),
        CelValue::List(items) => items.iter().for_each(|item| check_value(item, expected, problems)),
        CelValue::Map(map) => {
            map.entries.iter().for_each(|(_, value)| check_value(value, expected, problems));
        }
        _ => {}
    }
}
