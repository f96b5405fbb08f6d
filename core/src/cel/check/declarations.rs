//! What expressions can name: functions, variables, types of objects.
//! cel-go: checker/env.go, common/stdlib/standard.go

use super::types::CelType;
use crate::cel::decl::{DeclParts, DeclType, is_reserved};
use crate::value::Text;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// One way in which a function can be called.
#[derive(Clone, Debug, PartialEq)]
pub struct Overload {
    pub id: Text,
    /// It is called as a method of its first argument.
    pub is_member: bool,
    pub args: Vec<CelType>,
    pub result: CelType,
}

/// The declarations that expressions of one purpose share. A clone shares the functions.
#[derive(Clone, Debug)]
pub struct Declarations {
    functions: Arc<BTreeMap<Text, Vec<Overload>>>,
    variables: BTreeMap<Text, CelType>,
    /// The fields of the types of objects, by the names of both.
    objects: BTreeMap<Text, Arc<BTreeMap<Text, CelType>>>,
    /// `Object`, and all names that begin with it and a dot, are types of objects that may have any field.
    has_open_objects: bool,
}

impl Declarations {
    /// The functions of a table, and nothing else. Each line of it holds a function, an overload's id, its arguments
    /// and its result: `size string_size string.() int`. A line that is none is passed over; a test reads all.
    pub fn new(table: &str) -> Self {
        let mut functions: BTreeMap<Text, Vec<Overload>> = BTreeMap::new();
        for (function, overload) in table.lines().filter_map(read) {
            functions.entry(function).or_default().push(overload);
        }
        Self {
            functions: Arc::new(functions),
            variables: BTreeMap::new(),
            objects: BTreeMap::new(),
            has_open_objects: false,
        }
    }

    /// The same declarations and the functions of another table.
    #[must_use]
    pub fn with_functions(mut self, table: &str) -> Self {
        let mut functions = (*self.functions).clone();
        for (function, overload) in table.lines().filter_map(read) {
            functions.entry(function).or_default().push(overload);
        }
        self.functions = Arc::new(functions);
        self
    }

    /// The same declarations and a variable.
    #[must_use]
    pub fn with_variable(mut self, name: &str, of: CelType) -> Self {
        self.variables.insert(name.into(), of);
        self
    }

    /// The same declarations and a type of objects, whose fields may be of types that are declared later.
    #[must_use]
    pub fn with_object(mut self, name: &str, fields: impl IntoIterator<Item = (Text, CelType)>) -> Self {
        self.objects.insert(name.into(), Arc::new(fields.into_iter().collect()));
        self
    }

    /// The same declarations and the types of objects within a declared type.
    #[must_use]
    pub fn with_decl(mut self, of: &DeclType) -> Self {
        match of.parts() {
            DeclParts::Simple => {}
            DeclParts::List(of) | DeclParts::Map(of) => self = self.with_decl(of),
            DeclParts::Object(fields) => {
                let declared = fields.iter().map(|(name, of)| (name.clone(), of.cel_type().clone()));
                self = self.with_object(of.cel_type().name(), declared);
                for field in fields.values() {
                    self = self.with_decl(field);
                }
            }
        }
        self
    }

    /// The same declarations and types of objects with any fields: `Object`, `Object.spec` and so on.
    /// k8s: staging/src/k8s.io/apiserver/pkg/cel/mutation/typeresolver.go DynamicTypeResolver
    #[must_use]
    pub fn with_open_objects(mut self) -> Self {
        self.has_open_objects = true;
        self
    }

    /// Whether a name is that of a type of objects with any fields.
    fn is_open(&self, name: &str) -> bool {
        self.has_open_objects
            && name.strip_prefix("Object").is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }

    pub(super) fn function(&self, name: &str) -> Option<&[Overload]> {
        self.functions.get(name).map(Vec::as_slice)
    }

    /// All functions that can be called.
    pub fn functions(&self) -> impl Iterator<Item = (&str, &[Overload])> {
        self.functions.iter().map(|(name, overloads)| (name.as_str(), overloads.as_slice()))
    }

    /// The type of a variable, of the value that a type's name is, or None.
    pub(super) fn ident(&self, name: &str) -> Option<CelType> {
        let declared = self.variables.get(name).cloned();
        declared.or_else(|| self.named_type(name).map(|of| CelType::Type(Some(Arc::new(of)))))
    }

    /// The type of this name.
    pub(super) fn named_type(&self, name: &str) -> Option<CelType> {
        let any = |letter: &str| CelType::Param(letter.into());
        Some(match name {
            "bool" => CelType::Bool,
            "bytes" => CelType::Bytes,
            "double" => CelType::Double,
            "int" => CelType::Int,
            "uint" => CelType::Uint,
            "string" => CelType::Str,
            "null_type" => CelType::Null,
            "type" => CelType::Type(None),
            "list" => CelType::list(any("A")),
            "map" => CelType::map(any("A"), any("B")),
            "optional_type" => CelType::optional(any("V")),
            "google.protobuf.Timestamp" => CelType::Timestamp,
            "google.protobuf.Duration" => CelType::Duration,
            name if self.objects.contains_key(name) || self.is_open(name) => CelType::Object(name.into()),
            name if LIBRARY_TYPES.contains(&name) => CelType::opaque(name),
            _ => return None,
        })
    }

    pub(super) fn field(&self, object: &str, field: &str) -> Option<&CelType> {
        static ANY: CelType = CelType::Dyn;
        match self.objects.get(object) {
            Some(fields) => fields.get(field).or_else(|| {
                // A word that no identifier can be is one after a dot.
                let escaped = is_reserved(field).then(|| format!("__{field}__"));
                fields.get(escaped?.as_str())
            }),
            None => self.is_open(object).then_some(&ANY),
        }
    }
}

/// The types that libraries bring.
const LIBRARY_TYPES: &[&str] = &[
    "kubernetes.URL",
    "kubernetes.Quantity",
    "kubernetes.NamedFormat",
    "kubernetes.Semver",
    "net.IP",
    "net.CIDR",
    "kubernetes.authorization.Authorizer",
    "kubernetes.authorization.PathCheck",
    "kubernetes.authorization.GroupCheck",
    "kubernetes.authorization.ResourceCheck",
    "kubernetes.authorization.Decision",
];

/// A function and an overload of it, from a line of a table.
fn read(line: &str) -> Option<(Text, Overload)> {
    let (function, rest) = line.split_once(' ')?;
    let (id, rest) = rest.split_once(' ')?;
    let open =
        rest.find('(').filter(|open| *open == 0 || rest.get(..*open).is_some_and(|held| held.ends_with('.')));
    let (target, rest) = match open {
        Some(0) => (None, rest),
        Some(open) => (rest.get(..open - 1), rest.get(open..)?),
        // The type of the target has brackets of its own.
        None => {
            let dot = rest.find(".(")?;
            (rest.get(..dot), rest.get(dot + 1..)?)
        }
    };
    let close = matching(rest)?;
    let mut args: Vec<CelType> = Vec::new();
    if let Some(target) = target {
        args.push(parse_type(target)?);
    }
    for arg in split(rest.get(1..close)?) {
        args.push(parse_type(arg)?);
    }
    let result = parse_type(rest.get(close + 1..)?.trim())?;
    Some((function.into(), Overload { id: id.into(), is_member: target.is_some(), args, result }))
}

/// Where the bracket closes that a text begins with.
fn matching(text: &str) -> Option<usize> {
    let mut depth = 0;
    text.bytes().position(|byte| {
        depth += i32::from(byte == b'(') - i32::from(byte == b')');
        depth == 0
    })
}

/// The parts between commas that are not in brackets.
fn split(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0;
    text.split(move |character| {
        depth += i32::from(character == '(') - i32::from(character == ')');
        character == ',' && depth == 0
    })
    .map(str::trim)
    .filter(|part| !part.is_empty())
}

fn parse_type(text: &str) -> Option<CelType> {
    if let Some(open) = text.find('(') {
        let inner = text.get(open + 1..text.len().checked_sub(1)?)?;
        let parts: Option<Vec<CelType>> = split(inner).map(parse_type).collect();
        let parts = parts?;
        return Some(match (text.get(..open)?, parts.as_slice()) {
            ("list", [of]) => CelType::list(of.clone()),
            ("map", [key, value]) => CelType::map(key.clone(), value.clone()),
            ("optional", [of]) => CelType::optional(of.clone()),
            ("type", [of]) => CelType::Type(Some(Arc::new(of.clone()))),
            (_, _) => return None,
        });
    }
    Some(match text {
        "dyn" => CelType::Dyn,
        "null" => CelType::Null,
        "bool" => CelType::Bool,
        "int" => CelType::Int,
        "uint" => CelType::Uint,
        "double" => CelType::Double,
        "string" => CelType::Str,
        "bytes" => CelType::Bytes,
        "timestamp" => CelType::Timestamp,
        "duration" => CelType::Duration,
        "type" => CelType::Type(None),
        "A" | "B" | "V" | "K" | "T" => CelType::Param(text.into()),
        name if LIBRARY_TYPES.contains(&name) => CelType::opaque(name),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn lines_are_overloads() {
        let cases = [
            ("size size_string (string) int", "size", false, "string", "int"),
            ("size list_size list(A).() int", "size", true, "list(A)", "int"),
            ("_[_] index_map (map(A, B), A) B", "_[_]", false, "map(A, B) A", "B"),
            (
                "x y net.IP.(string, list(int)) optional(V)",
                "x",
                true,
                "net.IP string list(int)",
                "optional_type(V)",
            ),
            ("optional.none optional_none () optional(V)", "optional.none", false, "", "optional_type(V)"),
        ];
        for (line, name, is_member, args, result) in cases {
            let (function, overload) = read(line).expect(line);
            assert_eq!((function.as_str(), overload.is_member), (name, is_member), "{line}");
            let shown: Vec<_> = overload.args.iter().map(ToString::to_string).collect();
            assert_eq!(
                (shown.join(" ").as_str(), overload.result.to_string().as_str()),
                (args, result),
                "{line}"
            );
        }
    }
}
