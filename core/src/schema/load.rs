//! Reads the catalogue's notation, which `catalogue.txt` explains at its head.
//!
//! The text is part of the program, so a line that cannot be read is a bug and panics.

use super::read::raw_paths;
use super::{Catalogue, Field, ListType, MapType, PatchStrategy, Shape, TypeDef, TypeId};
use crate::codec::json;
use crate::value::Value;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

const TEXT: &str = include_str!("catalogue.txt");

/// The built-in catalogue, parsed from `catalogue.txt`.
pub fn catalogue() -> Arc<Catalogue> {
    let lines = || TEXT.lines().filter(|line| !line.starts_with('#'));
    let names: Vec<&'static str> =
        lines().filter(|line| !line.starts_with(' ')).map(|line| words(line).0).collect();
    let mut by_name: Vec<TypeId> = (0..names.len()).map(|index| TypeId(index as u16)).collect();
    by_name.sort_by_key(|id| names[usize::from(id.0)]);
    let index = Index { names: &names, by_name: &by_name };
    let mut types: Vec<TypeDef> = Vec::with_capacity(names.len());
    for line in lines() {
        if let Some(field) = line.strip_prefix(' ') {
            let owner = types.last_mut().expect("a field follows a type");
            let field = index.field(owner.name, field);
            owner.fields.push(field);
        } else {
            types.push(type_def(line));
        }
    }
    types.iter_mut().for_each(sort_fields);
    let mut catalogue = Catalogue { types, by_name, raws: Vec::new() };
    catalogue.raws = raw_paths(&catalogue);
    Arc::new(catalogue)
}

fn words(line: &'static str) -> (&'static str, core::str::Split<'static, char>) {
    let mut words = line.split(' ');
    (words.next().expect("split gives one at least"), words)
}

fn type_def(line: &'static str) -> TypeDef {
    let (name, words) = words(line);
    let (package, go_name) = name.rsplit_once('.').expect("a type has a package");
    let (_, version) = package.rsplit_once('.').unwrap_or(("", package));
    let (mut kind, mut bare, mut atomic) = (None, false, false);
    for word in words {
        match word.split_once('=') {
            Some(("kind", group)) => kind = Some((group, version, go_name)),
            None if word == "bare" => bare = true,
            None if word == "atomic" => atomic = true,
            Some(_) | None => panic!("catalogue: {line}"),
        }
    }
    let fields = if kind.is_some() && !bare { type_meta() } else { Vec::new() };
    TypeDef { name, fields, by_name: Vec::new(), defaulting: Vec::new(), kept: Vec::new(), kind, atomic }
}

/// The fields of TypeMeta, with which every kind begins.
fn type_meta() -> Vec<Field> {
    let field =
        |name| Field { inline: Some("TypeMeta"), omit_empty: true, ..plain_field(name, Shape::String) };
    ["kind", "apiVersion"].into_iter().map(field).collect()
}

fn plain_field(name: &'static str, shape: Shape) -> Field {
    Field {
        name,
        tag: (0, 0),
        shape,
        required: false,
        pointer: false,
        omit_empty: false,
        omit_zero: false,
        list: ListType::Undeclared,
        map: MapType::Undeclared,
        patch: PatchStrategy::default(),
        default: None,
        inline: None,
        go_type: None,
    }
}

struct Index<'a> {
    names: &'a [&'static str],
    by_name: &'a [TypeId],
}

impl Index<'_> {
    fn field(&self, owner: &str, line: &'static str) -> Field {
        let (name, mut words) = words(line);
        let mut word = || words.next().unwrap_or_else(|| panic!("catalogue: {owner} {line}"));
        let (tag, shape, letters) = (tag(word()), self.shape(owner, word()), word());
        let mut field = Field { tag, ..plain_field(name, shape) };
        for letter in letters.chars() {
            match letter {
                'r' => field.required = true,
                'p' => field.pointer = true,
                'o' => field.omit_empty = true,
                'z' => field.omit_zero = true,
                'd' => field.default = Some(zero_default(&field.shape)),
                '.' => {}
                _ => panic!("catalogue: {owner} {line}"),
            }
        }
        for word in words {
            let (option, value) = word.split_once('=').unwrap_or((word, ""));
            match option {
                "list" => field.list = list_type(value),
                "map" if value == "atomic" => field.map = MapType::Atomic,
                "map" => field.map = MapType::Granular,
                "patch" => field.patch = patch(value),
                "in" => field.inline = Some(value),
                "go" => field.go_type = Some(value),
                "default" => {
                    field.default = Some(json::parse(value.as_bytes()).expect("a default is JSON").value);
                }
                _ => panic!("catalogue: {owner} {line}"),
            }
        }
        field
    }

    fn shape(&self, owner: &str, text: &'static str) -> Shape {
        if let Some(item) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            return Shape::List(Box::new(self.shape(owner, item)));
        }
        if let Some(value) = text.strip_prefix("map<").and_then(|rest| rest.strip_suffix('>')) {
            return Shape::Map(Box::new(self.shape(owner, value)));
        }
        match text {
            "string" => Shape::String,
            "int32" => Shape::Int32,
            "int64" => Shape::Int64,
            "bool" => Shape::Bool,
            "double" => Shape::Double,
            "bytes" => Shape::Bytes,
            "Quantity" => Shape::Quantity,
            "IntOrString" => Shape::IntOrString,
            "Time" => Shape::Time,
            "MicroTime" => Shape::MicroTime,
            "Duration" => Shape::Duration,
            "any" => Shape::Any,
            name => Shape::Struct(self.type_named(owner, name)),
        }
    }

    /// A type by its full name, or by its Go name in the owner's package.
    fn type_named(&self, owner: &str, name: &str) -> TypeId {
        let (package, _) = owner.rsplit_once('.').expect("a type has a package");
        let find = |wanted: &dyn Fn(&str) -> core::cmp::Ordering| {
            self.by_name.binary_search_by(|id| wanted(self.names[usize::from(id.0)])).ok()
        };
        let at = if name.contains('.') {
            find(&|held| held.cmp(name))
        } else {
            find(&|held| held.bytes().cmp(package.bytes().chain(*b".").chain(name.bytes())))
        };
        self.by_name[at.unwrap_or_else(|| panic!("catalogue: {owner} names {name}"))]
    }
}

fn tag(text: &str) -> (u16, u16) {
    let number = |text: &str| text.parse().unwrap_or_else(|_| panic!("catalogue: tag {text}"));
    match text.split_once(':') {
        Some((outer, inner)) => (number(outer), number(inner)),
        None if text == "-" => (0, 0),
        None => (number(text), 0),
    }
}

fn zero_default(shape: &Shape) -> Value {
    match shape {
        Shape::Int32 | Shape::Int64 => Value::Int(0),
        Shape::Bool => Value::Bool(false),
        Shape::String => Value::str(""),
        Shape::Double
        | Shape::Bytes
        | Shape::Quantity
        | Shape::IntOrString
        | Shape::Time
        | Shape::MicroTime
        | Shape::Duration
        | Shape::Any
        | Shape::Struct(_)
        | Shape::List(_)
        | Shape::Map(_) => panic!("catalogue: no zero default for {shape:?}"),
    }
}

fn list_type(text: &'static str) -> ListType {
    match text {
        "atomic" => ListType::Atomic,
        "set" => ListType::Set,
        _ => {
            let keys = text.strip_prefix("map(").and_then(|rest| rest.strip_suffix(')'));
            ListType::Map(keys.expect("a map list names its keys").split(',').collect())
        }
    }
}

fn patch(text: &'static str) -> PatchStrategy {
    let (strategies, key) = match text.strip_suffix(')').and_then(|rest| rest.split_once('(')) {
        Some((strategies, key)) => (strategies, Some(key)),
        None => (text, None),
    };
    let has = |wanted| strategies.split(',').any(|strategy| strategy == wanted);
    let (merge, replace, retain_keys) = (has("merge"), has("replace"), has("retainKeys"));
    PatchStrategy { merge, replace, retain_keys, merge_key: key }
}

fn sort_fields(def: &mut TypeDef) {
    let fields = &def.fields;
    let mut sorted: Vec<u16> = (0..fields.len()).map(|index| index as u16).collect();
    sorted.sort_by_key(|at| fields[usize::from(*at)].name);
    let numbered = sorted.iter().map(|at| (super::first_bytes(fields[usize::from(*at)].name), *at));
    def.by_name = numbered.collect();
    let only = |wanted: fn(&Field) -> bool| {
        sorted.iter().copied().filter(|at| wanted(&fields[usize::from(*at)])).collect()
    };
    def.kept = only(Field::keeps_zero);
    def.defaulting = only(|field| field.default.is_some() || field.shape.holds_structs());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_complete() {
        let catalogue = catalogue();
        assert_eq!(catalogue.iter().filter(|(_, def)| def.kind.is_some()).count(), 194);
        let pod = catalogue.get(catalogue.type_named("core.v1.Pod").expect("pods"));
        assert_eq!(pod.kind, Some(("", "v1", "Pod")));
        let names: Vec<_> = pod.fields.iter().map(|field| field.name).collect();
        assert_eq!(names, ["kind", "apiVersion", "metadata", "spec", "status"]);
        for (_, def) in catalogue.iter() {
            let mut tags: Vec<_> =
                def.fields.iter().filter(|field| field.tag.0 > 0).map(|f| (f.tag, f.inline)).collect();
            tags.sort_unstable();
            tags.dedup();
            assert_eq!(tags.len(), def.fields.iter().filter(|field| field.tag.0 > 0).count(), "{}", def.name);
        }
    }

    #[test]
    fn every_option_is_read() {
        let catalogue = catalogue();
        let field = |owner: &str, name: &str| {
            let def = catalogue.get(catalogue.type_named(owner).expect(owner));
            alloc::format!("{:?}", def.field(name).expect(name))
        };
        let ports = field("core.v1.ServiceSpec", "ports");
        assert!(
            ports.contains(r#"Map(["port", "protocol"])"#) && ports.contains(r#"merge_key: Some("port")"#)
        );
        assert!(field("core.v1.Volume", "hostPath").contains(r#"tag: (2, 1), shape: Struct("#));
        assert!(field("core.v1.Volume", "hostPath").contains(r#"inline: Some("VolumeSource")"#));
        assert!(field("core.v1.ServicePort", "protocol").contains(r#"default: Some(Str("TCP"))"#));
        assert!(field("core.v1.PodSpec", "nodeSelector").contains("map: Atomic"));
        assert!(field("apps.v1.DeploymentSpec", "strategy").contains("retain_keys: true"));
        assert!(field("meta.v1.ObjectMeta", "creationTimestamp").contains("omit_zero: true"));
    }
}
