//! How values merge: which maps and lists are one value, and what tells the items of a list apart.
//! k8s: k8s.io/kube-openapi/pkg/schemaconv, sigs.k8s.io/structured-merge-diff typed/helpers.go

use super::element::PathElement;
use super::problems::FieldProblems;
use super::set::{FieldNode, FieldSet};
use crate::schema::structural::{Additional, SchemaType, Structural};
use crate::schema::{Catalogue, Field, ListType, MapType, Shape, TypeDef, TypeId};
use crate::value::{Text, Value, quoted};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// A type of the catalogue, with which values are walked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schema<'c> {
    pub(super) catalogue: &'c Catalogue,
    pub(super) root: TypeId,
}

/// How one value merges.
#[derive(Clone, Copy, Debug)]
pub(super) enum MergeForm<'c> {
    Shaped {
        shape: &'c Shape,
        /// The field whose declarations hold for the outermost list or map.
        field: Option<&'c Field>,
        /// JSON inside is merged map by map.
        granular: bool,
    },
    Root(TypeId),
    /// A value of a custom object.
    Custom(&'c Structural),
    /// JSON that is one value.
    Untyped,
    /// JSON of which maps are merged, and lists are one value.
    Deduced,
}

/// What a form takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scalar {
    Numeric,
    String,
    Boolean,
    Any,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct MapForm<'c> {
    pub(super) atomic: bool,
    /// The named fields of a type.
    pub(super) def: Option<&'c TypeDef>,
    /// The named fields of a custom object's schema.
    pub(super) properties: Option<&'c Structural>,
    /// Whether JSON in the named fields is merged map by map.
    granular: bool,
    /// All other members; None when there are none.
    others: Option<MergeForm<'c>>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct ListForm<'c> {
    pub(super) relation: Relation<'c>,
    pub(super) item: MergeForm<'c>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Relation<'c> {
    Atomic,
    Set,
    Keys(&'c [Text]),
}

/// What a value of a form may be; of several, the value decides.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Atom<'c> {
    pub(super) map: Option<MapForm<'c>>,
    pub(super) scalar: Option<Scalar>,
    pub(super) list: Option<ListForm<'c>>,
}

/// The one that is walked.
#[derive(Clone, Copy, Debug)]
pub(super) enum Walked<'c> {
    Map(MapForm<'c>),
    Scalar(Scalar),
    List(ListForm<'c>),
}

impl<'c> Schema<'c> {
    pub(super) fn form(&self) -> MergeForm<'c> {
        MergeForm::Root(self.root)
    }

    pub(super) fn atom(&self, form: MergeForm<'c>) -> Atom<'c> {
        let scalar = |scalar| Atom { scalar: Some(scalar), ..Atom::default() };
        match form {
            MergeForm::Untyped => json(MergeForm::Untyped, true),
            MergeForm::Deduced => json(MergeForm::Deduced, false),
            MergeForm::Root(id) => self.structure(id, None),
            MergeForm::Custom(schema) => custom(schema),
            MergeForm::Shaped { shape, field, granular } => match shape {
                Shape::Struct(id) => self.structure(*id, field),
                Shape::Map(inner) => {
                    let others = MergeForm::Shaped { shape: inner, field: None, granular };
                    let atomic = field.is_some_and(|field| field.map == MapType::Atomic);
                    let map = MapForm { atomic, def: None, properties: None, granular, others: Some(others) };
                    Atom { map: Some(map), ..Atom::default() }
                }
                Shape::List(inner) => {
                    let item = MergeForm::Shaped { shape: inner, field: None, granular };
                    let list = ListForm { relation: relation(field), item };
                    Atom { list: Some(list), ..Atom::default() }
                }
                Shape::Any => json(if granular { MergeForm::Deduced } else { MergeForm::Untyped }, !granular),
                Shape::IntOrString => json(MergeForm::Deduced, false),
                Shape::Int32 | Shape::Int64 | Shape::Double => scalar(Scalar::Numeric),
                Shape::Bool => scalar(Scalar::Boolean),
                Shape::String | Shape::Bytes | Shape::Duration => scalar(Scalar::String),
                Shape::Quantity | Shape::Time | Shape::MicroTime => scalar(Scalar::Any),
                Shape::Custom(schema) => custom(&schema.0),
            },
        }
    }

    fn structure(&self, id: TypeId, field: Option<&Field>) -> Atom<'c> {
        let def = self.catalogue.get(id);
        let atomic = match field.map_or(MapType::Undeclared, |field| field.map) {
            MapType::Undeclared => def.atomic,
            MapType::Atomic => true,
            MapType::Granular => false,
        };
        // A type without fields is free-form.
        let others = (def.fields.is_empty() || def.is_open()).then_some(MergeForm::Deduced);
        let granular = self.catalogue.is_added(id);
        let map = MapForm { atomic, def: Some(def), properties: None, granular, others };
        Atom { map: Some(map), ..Atom::default() }
    }

    /// The keys that tell an item of a list from others.
    ///
    /// # Errors
    /// The item has none.
    pub(super) fn element(&self, list: &ListForm<'c>, item: &Value) -> Result<PathElement, String> {
        match list.relation {
            Relation::Atomic => Err("invalid indexing of non-associative list".into()),
            Relation::Set => element_of_set(item),
            Relation::Keys(keys) => self.keyed(list, keys, item),
        }
    }

    fn keyed(&self, list: &ListForm<'c>, keys: &[Text], item: &Value) -> Result<PathElement, String> {
        if item.is_null() {
            return Err("associative list with keys may not have a null element".into());
        }
        let Some(map) = item.as_map() else {
            return Err("associative list with keys may not have non-map elements".into());
        };
        let mut held = Vec::with_capacity(keys.len());
        for key in keys {
            let value = match map.get(key) {
                Some(value) => Some(value.clone()),
                None => self.default_of(list, key)?,
            };
            held.extend(value.map(|value| (key.clone(), value)));
        }
        if held.is_empty() && !keys.is_empty() {
            let names: Vec<String> = keys.iter().map(|key| quoted(key)).collect();
            return Err(format!(
                "associative list with keys has an element that omits all key fields [{}] (and doesn't have default \
                 values for any key fields)",
                names.join(" ")
            ));
        }
        Ok(PathElement::key(held))
    }

    fn default_of(&self, list: &ListForm<'c>, key: &str) -> Result<Option<Value>, String> {
        let Some(map) = self.atom(list.item).map else {
            return Err(format!(
                "couldn't find default value for {key}: associative list may not have non-map types"
            ));
        };
        let property = || map.properties?.properties.get(key)?.default.clone();
        Ok(map.def.and_then(|def| def.field(key)?.default.clone()).or_else(property))
    }

    /// The set with all named fields in it that have fields of the set inside.
    /// k8s: sigs.k8s.io/structured-merge-diff fieldpath/set.go EnsureNamedFieldsAreMembers
    pub(super) fn with_named_fields(&self, set: &FieldSet) -> FieldSet {
        self.named_in(set, Some(self.form()))
    }

    fn named_in(&self, set: &FieldSet, form: Option<MergeForm<'c>>) -> FieldSet {
        let atom = form.map_or_else(Atom::default, |form| self.atom(form));
        let nodes = set.nodes().iter().map(|node| {
            let (named, below) = match &node.element {
                PathElement::Field(name) => {
                    let named = atom.map.and_then(|map| map.named(name));
                    (named.is_some(), named.or_else(|| atom.map?.others))
                }
                PathElement::Key(_) => (false, atom.list.map(|list| list.item)),
                PathElement::Item(_) | PathElement::Index(_) => (false, None),
            };
            FieldNode {
                element: node.element.clone(),
                is_member: node.is_member || (named && !node.inner.is_empty()),
                inner: self.named_in(&node.inner, below),
            }
        });
        FieldSet::of_nodes(nodes.collect())
    }
}

/// JSON: anything it can be.
fn json(inside: MergeForm<'_>, atomic: bool) -> Atom<'_> {
    Atom {
        map: Some(MapForm { atomic, def: None, properties: None, granular: false, others: Some(inside) }),
        scalar: Some(Scalar::Any),
        list: Some(ListForm { relation: Relation::Atomic, item: MergeForm::Untyped }),
    }
}

/// How a value of a custom object merges.
/// k8s: k8s.io/kube-openapi/pkg/schemaconv/openapi.go
fn custom(schema: &Structural) -> Atom<'_> {
    let scalar = |scalar| Atom { scalar: Some(scalar), ..Atom::default() };
    match schema.kind {
        Some(SchemaType::Object) => Atom { map: Some(custom_map(schema)), ..Atom::default() },
        Some(SchemaType::Array) => {
            let relation = match &schema.list {
                ListType::Set => Relation::Set,
                ListType::Map(keys) => Relation::Keys(keys),
                ListType::Atomic | ListType::Undeclared => Relation::Atomic,
            };
            let item = schema.items.as_deref().map_or(MergeForm::Untyped, MergeForm::Custom);
            Atom { list: Some(ListForm { relation, item }), ..Atom::default() }
        }
        Some(SchemaType::String) => scalar(Scalar::String),
        Some(SchemaType::Integer | SchemaType::Number) => scalar(Scalar::Numeric),
        Some(SchemaType::Boolean) => scalar(Scalar::Boolean),
        None => json(MergeForm::Deduced, false),
    }
}

fn custom_map(schema: &Structural) -> MapForm<'_> {
    let others = match &schema.additional {
        Additional::Schema(inner) => Some(MergeForm::Custom(inner)),
        Additional::Any => Some(MergeForm::Deduced),
        Additional::Absent | Additional::Denied => {
            let is_free = schema.preserves_unknown || schema.properties.is_empty();
            is_free.then_some(MergeForm::Deduced)
        }
    };
    let atomic = schema.map == MapType::Atomic;
    MapForm { atomic, def: None, properties: Some(schema), granular: true, others }
}

/// What a field declares, or what it declares for strategic merge patches.
fn relation(field: Option<&Field>) -> Relation<'_> {
    let Some(field) = field else { return Relation::Atomic };
    match &field.list {
        ListType::Atomic => Relation::Atomic,
        ListType::Set => Relation::Set,
        ListType::Map(keys) => Relation::Keys(keys),
        ListType::Undeclared if !field.patch.merge => Relation::Atomic,
        ListType::Undeclared => match &field.patch.merge_key {
            Some(key) => Relation::Keys(core::slice::from_ref(key)),
            None => Relation::Set,
        },
    }
}

fn element_of_set(item: &Value) -> Result<PathElement, String> {
    match item {
        Value::Map(_) | Value::Json(_) => {
            Err("associative list without keys has an element that's a map type".into())
        }
        Value::List(_) => Err("not supported: associative list with lists as elements".into()),
        Value::Null => Err("associative list without keys has an element that's an explicit null".into()),
        Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Str(_) => {
            Ok(PathElement::item(item.clone()))
        }
    }
}

impl<'c> MapForm<'c> {
    /// The form of a field that the type names.
    pub(super) fn named(&self, name: &str) -> Option<MergeForm<'c>> {
        if let Some(schema) = self.properties {
            return schema.properties.get(name).map(MergeForm::Custom);
        }
        let def = self.def?;
        let field = def.field(name)?;
        let granular = self.granular || field.is_field_set() || def.reads_json();
        Some(MergeForm::Shaped { shape: &field.shape, field: Some(field), granular })
    }

    /// The form of any member. None for one that the type does not know.
    pub(super) fn member(&self, name: &str) -> Option<MergeForm<'c>> {
        self.named(name).or(self.others)
    }
}

impl<'c> Atom<'c> {
    /// As what a value is walked; None for a form that takes nothing.
    pub(super) fn walked(&self, value: Option<&Value>) -> Option<Walked<'c>> {
        let fitting = match value {
            None | Some(Value::Null) => None,
            Some(Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Str(_)) => {
                self.scalar.map(Walked::Scalar)
            }
            Some(Value::List(_)) => self.list.map(Walked::List),
            Some(Value::Map(_) | Value::Json(_)) => self.map.map(Walked::Map),
        };
        let any = || self.map.map(Walked::Map).or_else(|| self.scalar.map(Walked::Scalar));
        fitting.or_else(any).or_else(|| self.list.map(Walked::List))
    }

    /// Whether the form takes values of one sort only.
    pub(super) fn is_settled(&self) -> bool {
        usize::from(self.map.is_some())
            + usize::from(self.scalar.is_some())
            + usize::from(self.list.is_some())
            < 2
    }
}

impl Walked<'_> {
    /// Whether two are walked in the same way, given that they are of one form.
    pub(super) fn is_alike(&self, other: &Self) -> bool {
        matches!(
            (self, other),
            (Self::Map(_), Self::Map(_))
                | (Self::Scalar(_), Self::Scalar(_))
                | (Self::List(_), Self::List(_))
        )
    }
}

/// Whether a value is a scalar of the form. Null is one of each.
/// k8s: sigs.k8s.io/structured-merge-diff typed/validate.go validateScalar
pub(super) fn check_scalar(scalar: Scalar, value: Option<&Value>, prefix: &str) -> Result<(), FieldProblems> {
    let Some(value) = value else { return Ok(()) };
    let is_number = matches!(value, Value::Int(_) | Value::Float(_));
    let (fits, expected) = match scalar {
        Scalar::Numeric => (is_number, "numeric (int or float)"),
        Scalar::String => (value.as_str().is_some(), "string"),
        Scalar::Boolean => (value.as_bool().is_some(), "boolean"),
        Scalar::Any => (is_number || value.as_str().is_some() || value.as_bool().is_some(), "any scalar"),
    };
    if fits || value.is_null() {
        return Ok(());
    }
    let got = match scalar {
        Scalar::Numeric => String::from(go_type(value)),
        Scalar::String => format!("&value.valueUnstructured{{Value:{}}}", go_syntax(value)),
        Scalar::Boolean | Scalar::Any => go_pointer(value),
    };
    Err(FieldProblems::of(format!("{prefix}expected {expected}, got {got}")))
}

/// A value as Go prints the struct around it: `&{text}`.
pub(super) fn go_pointer(value: &Value) -> String {
    format!("&{{{}}}", crate::patch::go_text(value))
}

/// Go's name for the type of a generic JSON value.
fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Int(_) | Value::Float(_) => "float64",
        Value::Str(_) => "string",
        Value::List(_) => "[]interface {}",
        Value::Map(_) | Value::Json(_) => "map[string]interface {}",
    }
}

/// A value in Go's own notation (`%#v`).
fn go_syntax(value: &Value) -> String {
    match value {
        Value::Null => "interface {}(nil)".into(),
        Value::Bool(_) | Value::Int(_) | Value::Float(_) => crate::patch::go_text(value),
        Value::Str(text) => quoted(text),
        Value::Json(text) => quoted(text),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(go_syntax).collect();
            format!("[]interface {{}}{{{}}}", items.join(", "))
        }
        Value::Map(map) => {
            let members: Vec<String> =
                map.iter().map(|(name, value)| format!("{}:{}", quoted(name), go_syntax(value))).collect();
            format!("map[string]interface {{}}{{{}}}", members.join(", "))
        }
    }
}
