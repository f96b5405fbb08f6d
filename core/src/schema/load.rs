//! Reads the catalogue's notation, which `catalogue.txt` explains at its head.
//!
//! The release's own text is part of the program, so a line of it that cannot be read is a bug and panics. The types of
//! a kind that comes at run time come from a client, so there such a line is an error.

use super::read::raw_paths;
use super::structural::{SharedSchema, is_meta_field};
use super::{
    Catalogue, CustomSchema, Field, KnownTexts, ListType, MapType, PatchStrategy, Shape, TypeDef, TypeId,
};
use crate::codec::json;
use crate::limits;
use crate::value::{Text, Value};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use once_cell::race::OnceBox;

const TEXT: &str = include_str!("catalogue.txt");

/// The built-in catalogue, which `catalogue.txt` holds. It is read once, and all who ask share it.
pub fn catalogue() -> Arc<Catalogue> {
    static READ: OnceBox<Arc<Catalogue>> = OnceBox::new();
    let read = || Reading { base: None, text: Text::const_new, constant: Some }.read(TEXT);
    let shared = || Box::new(Arc::new(read().unwrap_or_else(|why| panic!("catalogue: {why}"))));
    READ.get_or_init(shared).clone()
}

impl Catalogue {
    /// The catalogue with the types of a text, which may name those that it has.
    ///
    /// # Errors
    /// A sentence about the first line that cannot be read, or about too many types.
    pub fn with(base: &Arc<Self>, text: &str) -> Result<Self, String> {
        Reading { base: Some(base), text: Text::from, constant: |_| None }.read(text)
    }
}

impl Catalogue {
    /// The catalogue with the type of a custom object and that of its lists. The fields of an object are those that
    /// every object has, and the properties of its schema, in the order of their names. The schema is JSON; it is read
    /// whole when an object is first looked at.
    ///
    /// # Errors
    /// As `with`, and a sentence if the schema is no JSON.
    pub(crate) fn with_custom(
        base: &Arc<Self>,
        name: &str,
        group: &str,
        schema: Arc<str>,
    ) -> Result<Self, String> {
        let text = format!(
            "{name} kind={group}\n metadata 1 meta.v1.ObjectMeta o\n{name}List kind={group}\n \
             metadata 1 meta.v1.ListMeta o\n items 2 [{name}] r"
        );
        let mut catalogue = Self::with(base, &text)?;
        let props = json::parse(schema.as_bytes()).map_err(|_| "the schema is no JSON")?.value;
        let schema = SharedSchema::new(schema);
        let required = props.field("required").and_then(Value::as_list).unwrap_or_default();
        let properties = props.field("properties").and_then(Value::as_map);
        let def = catalogue.types.first_mut().ok_or("no type")?;
        let properties = properties.into_iter().flat_map(|properties| properties.iter());
        for (name, property) in properties.filter(|(name, _)| !is_meta_field(name)) {
            def.fields.push(Field {
                pointer: true,
                omit_empty: true,
                required: required.iter().any(|held| held.as_str() == Some(name)),
                default: property.field("default").filter(|default| !default.is_null()).cloned(),
                ..plain_field(name.clone(), Shape::Custom(CustomSchema(schema.property(name))))
            });
        }
        def.fields.sort_by(|one, other| one.name.cmp(&other.name));
        sort_fields(def);
        def.custom = Some(CustomSchema(schema));
        catalogue.raws = raw_paths(&catalogue);
        Ok(catalogue)
    }

    /// An added type whose zero value never ends, since a struct in it holds, without a pointer, that struct again.
    fn endless(&self) -> Option<&TypeDef> {
        let ends_at =
            |id: TypeId, known: &[bool]| id.0.checked_sub(self.first).is_none_or(|at| known[usize::from(at)]);
        let mut ends = alloc::vec![false; self.types.len()];
        loop {
            let before = ends.iter().filter(|ends| **ends).count();
            for (at, def) in self.types.iter().enumerate() {
                let mut held = def.fields.iter().filter(|field| !field.pointer);
                ends[at] = held
                    .all(|field| if let Shape::Struct(id) = field.shape { ends_at(id, &ends) } else { true });
            }
            // Every round finds at least one more type that ends, or all others never do.
            if ends.iter().filter(|ends| **ends).count() == before {
                return ends.iter().position(|ends| !ends).map(|at| &self.types[at]);
            }
        }
    }
}

/// How a text is read: `'t` is how long it lives.
struct Reading<'a, 't> {
    base: Option<&'a Arc<Catalogue>>,
    /// The text of a name: constant text is referred to, other text is copied.
    text: fn(&'t str) -> Text,
    /// A word that only the release's own types have, since it must be constant.
    constant: fn(&'t str) -> Option<&'static str>,
}

impl<'t> Reading<'_, 't> {
    fn read(&self, text: &'t str) -> Result<Catalogue, String> {
        let lines = || text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let names: Vec<&str> =
            lines().filter(|line| !line.starts_with(' ')).map(|line| words(line).0).collect();
        let first = self.base.map_or(0, |base| base.len());
        if names.len() + usize::from(first) > limits::CATALOGUE_TYPES {
            return Err(format!("more than {} types", limits::CATALOGUE_TYPES));
        }
        let mut by_name: Vec<TypeId> = (first..).take(names.len()).map(TypeId).collect();
        let name_of = |id: &TypeId| names[usize::from(id.0 - first)];
        by_name.sort_by_key(name_of);
        if let Some(pair) = by_name.windows(2).find(|pair| name_of(&pair[0]) == name_of(&pair[1])) {
            return Err(format!("two types {}", name_of(&pair[0])));
        }
        let index = Index { base: self.base, names: &names, by_name: &by_name, first };
        let mut types: Vec<TypeDef> = Vec::with_capacity(names.len());
        for line in lines() {
            if let Some(field) = line.strip_prefix(' ') {
                let owner = types.last_mut().ok_or_else(|| format!("no type before {field}"))?;
                let field = self.field(&index, &owner.name, field)?;
                owner.fields.push(field);
            } else {
                types.push(self.type_def(line)?);
            }
        }
        for def in &mut types {
            sort_fields(def);
            if let Some(name) = def.repeated() {
                return Err(format!("{} has two fields {name}", def.name));
            }
        }
        let mut catalogue = Catalogue {
            base: self.base.cloned(),
            first,
            types,
            by_name,
            raws: Vec::new(),
            whole_sets: KnownTexts::default(),
        };
        if let Some(def) = catalogue.endless() {
            return Err(format!("{} contains itself", def.name));
        }
        catalogue.raws = raw_paths(&catalogue);
        Ok(catalogue)
    }

    fn type_def(&self, line: &'t str) -> Result<TypeDef, String> {
        let (name, words) = words(line);
        let (package, go_name) = name.rsplit_once('.').ok_or_else(|| format!("no package in {line}"))?;
        let (_, version) = package.rsplit_once('.').unwrap_or(("", package));
        let (mut kind, mut bare, mut atomic) = (None, false, false);
        for word in words {
            match word.split_once('=') {
                Some(("kind", group)) => {
                    kind = Some(((self.text)(group), (self.text)(version), (self.text)(go_name)));
                }
                None if word == "bare" => bare = true,
                None if word == "atomic" => atomic = true,
                Some(_) | None => return Err(format!("{word} in {line}")),
            }
        }
        let fields = if kind.is_some() && !bare { type_meta() } else { Vec::new() };
        Ok(TypeDef {
            name: (self.text)(name),
            fields,
            by_name: Vec::new(),
            defaulting: Vec::new(),
            kept: Vec::new(),
            kind,
            atomic,
            custom: None,
        })
    }

    fn field(&self, index: &Index<'_>, owner: &str, line: &'t str) -> Result<Field, String> {
        let wrong = |what: &str| format!("{what} in {owner} {line}");
        let (name, mut words) = words(line);
        let mut word = || words.next().ok_or_else(|| wrong("a word is missing"));
        let (tag, shape, letters) = (word()?, word()?, word()?);
        let shape = index.shape(owner, shape, 0)?;
        let tag = tag_of(tag).ok_or_else(|| wrong("a tag is no number"))?;
        let mut field = Field { tag, ..plain_field((self.text)(name), shape) };
        for letter in letters.chars() {
            match letter {
                'r' => field.required = true,
                'p' => field.pointer = true,
                'o' => field.omit_empty = true,
                'z' => field.omit_zero = true,
                'd' => {
                    let zero = zero_default(&field.shape).ok_or_else(|| wrong("no zero default"))?;
                    field.default = Some(zero);
                }
                '.' => {}
                _ => return Err(wrong("an unknown letter")),
            }
        }
        for word in words {
            let (option, value) = word.split_once('=').unwrap_or((word, ""));
            match option {
                "list" => field.list = self.list_type(value).ok_or_else(|| wrong("no keys of a list"))?,
                "map" if value == "atomic" => field.map = MapType::Atomic,
                "map" => field.map = MapType::Granular,
                "patch" => field.patch = self.patch(value),
                "in" => field.inline = (self.constant)(value),
                "go" => field.go_type = (self.constant)(value),
                "default" => {
                    let parsed = json::parse(value.as_bytes());
                    field.default = Some(parsed.map_err(|_| wrong("a default is no JSON"))?.value);
                }
                _ => return Err(wrong("an unknown option")),
            }
        }
        Ok(field)
    }

    fn list_type(&self, text: &'t str) -> Option<ListType> {
        match text {
            "atomic" => Some(ListType::Atomic),
            "set" => Some(ListType::Set),
            _ => {
                let keys = text.strip_prefix("map(").and_then(|rest| rest.strip_suffix(')'))?;
                Some(ListType::Map(keys.split(',').map(self.text).collect()))
            }
        }
    }

    fn patch(&self, text: &'t str) -> PatchStrategy {
        let (strategies, key) = match text.strip_suffix(')').and_then(|rest| rest.split_once('(')) {
            Some((strategies, key)) => (strategies, Some((self.text)(key))),
            None => (text, None),
        };
        let has = |wanted| strategies.split(',').any(|strategy| strategy == wanted);
        let (merge, replace, retain_keys) = (has("merge"), has("replace"), has("retainKeys"));
        PatchStrategy { merge, replace, retain_keys, merge_key: key }
    }
}

fn words(line: &str) -> (&str, core::str::Split<'_, char>) {
    let mut words = line.split(' ');
    (words.next().expect("split gives one at least"), words)
}

/// The fields of TypeMeta, with which every kind begins.
fn type_meta() -> Vec<Field> {
    let field = |name| Field {
        inline: Some("TypeMeta"),
        omit_empty: true,
        ..plain_field(Text::const_new(name), Shape::String)
    };
    ["kind", "apiVersion"].into_iter().map(field).collect()
}

fn plain_field(name: Text, shape: Shape) -> Field {
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

/// The names that a line may refer to.
struct Index<'a> {
    base: Option<&'a Arc<Catalogue>>,
    names: &'a [&'a str],
    by_name: &'a [TypeId],
    first: u16,
}

impl Index<'_> {
    fn shape(&self, owner: &str, text: &str, depth: usize) -> Result<Shape, String> {
        if depth > limits::SHAPE_DEPTH {
            return Err(format!("lists in more than {} lists in {owner}", limits::SHAPE_DEPTH));
        }
        if let Some(item) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            return Ok(Shape::List(Box::new(self.shape(owner, item, depth + 1)?)));
        }
        if let Some(value) = text.strip_prefix("map<").and_then(|rest| rest.strip_suffix('>')) {
            return Ok(Shape::Map(Box::new(self.shape(owner, value, depth + 1)?)));
        }
        Ok(match text {
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
            name => {
                let found = self.type_named(owner, name);
                Shape::Struct(found.ok_or_else(|| format!("{owner} names {name}"))?)
            }
        })
    }

    /// A type by its full name, or by its Go name in the owner's package.
    fn type_named(&self, owner: &str, name: &str) -> Option<TypeId> {
        let (package, _) = owner.rsplit_once('.')?;
        let find = |wanted: &dyn Fn(&str) -> core::cmp::Ordering| {
            let found =
                self.by_name.binary_search_by(|id| wanted(self.names[usize::from(id.0 - self.first)]));
            found.ok().map(|at| self.by_name[at])
        };
        if name.contains('.') {
            let known = || self.base.and_then(|base| base.type_named(name));
            find(&|held| held.cmp(name)).or_else(known)
        } else {
            find(&|held| held.bytes().cmp(package.bytes().chain(*b".").chain(name.bytes())))
        }
    }
}

fn tag_of(text: &str) -> Option<(u16, u16)> {
    match text.split_once(':') {
        Some((outer, inner)) => Some((outer.parse().ok()?, inner.parse().ok()?)),
        None if text == "-" => Some((0, 0)),
        None => Some((text.parse().ok()?, 0)),
    }
}

fn zero_default(shape: &Shape) -> Option<Value> {
    match shape {
        Shape::Int32 | Shape::Int64 => Some(Value::Int(0)),
        Shape::Bool => Some(Value::Bool(false)),
        Shape::String => Some(Value::str("")),
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
        | Shape::Map(_)
        | Shape::Custom(_) => None,
    }
}

/// Whether the declared default makes a difference: a zero value that is left out is none.
fn sets_default(field: &Field) -> bool {
    let is_left_out = field.omit_empty && !field.pointer;
    field
        .default
        .as_ref()
        .is_some_and(|default| !is_left_out || zero_default(&field.shape).as_ref() != Some(default))
}

fn sort_fields(def: &mut TypeDef) {
    let fields = &def.fields;
    let mut sorted: Vec<u16> = (0..fields.len()).map(|index| index as u16).collect();
    sorted.sort_by_key(|at| fields[usize::from(*at)].name.as_str());
    let numbered = sorted.iter().map(|at| (super::first_bytes(&fields[usize::from(*at)].name), *at));
    def.by_name = numbered.collect();
    let only = |wanted: fn(&Field) -> bool| {
        sorted.iter().copied().filter(|at| wanted(&fields[usize::from(*at)])).collect()
    };
    def.kept = only(Field::keeps_zero);
    def.defaulting = only(|field| sets_default(field) || field.shape.holds_structs());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_complete() {
        let catalogue = catalogue();
        assert_eq!(catalogue.iter().filter(|(_, def)| def.kind.is_some()).count(), 200);
        let pod = catalogue.get(catalogue.type_named("core.v1.Pod").expect("pods"));
        assert!(pod.is_kind("", "v1", "Pod"));
        let names: Vec<_> = pod.fields.iter().map(|field| field.name.as_str()).collect();
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
