//! Schema as data: what every API type looks like, read from one catalogue.
//!
//! `catalogue.txt` holds the facts in our own notation (its head explains it); `load` parses it once;
//! `decode` turns a parsed body into the shape that Go's typed decoding and encoding would leave;
//! `encode` writes an object with its fields in upstream's order.

pub mod changed;
pub mod decode;
mod defaults;
pub mod encode;
mod known;
mod load;
mod location;
pub mod protobuf;
mod read;
mod scalar;
pub mod strict;
pub mod structural;
#[cfg(test)]
mod tests;
mod unstructured;

use crate::codec::json::RawPaths;
use crate::value::{Text, Value};
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Ordering;
use structural::SharedSchema;

use known::KnownTexts;
pub use load::catalogue;
pub use read::read;
pub use scalar::listed_bytes;
pub use unstructured::from_unstructured;

/// The index of a type in its catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TypeId(pub u16);

/// API types: those of the release, which are loaded once and shared, or these and the types of one kind that came at
/// run time. The added types belong to their catalogue alone and go with it.
#[derive(Debug)]
pub struct Catalogue {
    /// The types that the types of this catalogue were added to.
    base: Option<Arc<Self>>,
    /// The number of types in the base: the index of the first added type.
    first: u16,
    types: Vec<TypeDef>,
    /// The added types, sorted by name.
    by_name: Vec<TypeId>,
    /// For each added type, where raw JSON stands in its objects.
    raws: Vec<RawPaths>,
    /// Sets of fields that are known to be whole in their type: none has a field inside something that is one value.
    pub(crate) whole_sets: KnownTexts,
}

/// One API type: `core.v1.Pod`.
#[derive(Debug)]
pub struct TypeDef {
    /// Group (first label), version and Go name: `apps.v1.Deployment`, `meta.v1.ObjectMeta`.
    pub name: Text,
    /// In upstream's struct order.
    pub fields: Vec<Field>,
    /// The first bytes of field names and indexes into `fields`, sorted by field name.
    by_name: Vec<(u64, u16)>,
    /// Indexes of fields with a default, or that may have fields with one inside.
    defaulting: Vec<u16>,
    /// Those of `by_name` that are written even when they are absent or zero.
    kept: Vec<u16>,
    /// Group, version and kind, for types that are kinds: `("apps", "v1", "Deployment")`.
    pub kind: Option<(Text, Text, Text)>,
    /// The whole map is one value to merges (`x-kubernetes-map-type: atomic`).
    pub atomic: bool,
    /// The whole schema of a custom object, whose properties are the fields of this type.
    pub custom: Option<CustomSchema>,
}

/// One field of a type.
#[derive(Debug)]
pub struct Field {
    /// The JSON name.
    pub name: Text,
    /// The protobuf field number; inside an inlined struct `(number of the struct, number in it)`, else
    /// `(number, 0)`; `(0, 0)` where the field is not on the protobuf wire.
    pub tag: (u16, u16),
    pub shape: Shape,
    /// OpenAPI `required`.
    pub required: bool,
    /// A Go pointer: zero values are kept, absent stays absent.
    pub pointer: bool,
    /// JSON leaves out the zero value (of a non-struct).
    pub omit_empty: bool,
    /// Go's `omitzero`: JSON leaves out a struct that is zero (`metadata.creationTimestamp`).
    pub omit_zero: bool,
    pub list: ListType,
    pub map: MapType,
    pub patch: PatchStrategy,
    /// The declared default (`default=JSON` in the facts).
    pub default: Option<Value>,
    /// The Go struct that is embedded and holds this field, where there is one.
    pub inline: Option<&'static str>,
    /// Go's own name for a text (or a list of texts), which its decoder's sentences use.
    pub go_type: Option<&'static str>,
}

/// What a value looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    String,
    Int32,
    Int64,
    Bool,
    Double,
    /// Base64 text in JSON.
    Bytes,
    Quantity,
    IntOrString,
    /// metav1.Time.
    Time,
    MicroTime,
    /// metav1.Duration: Go duration text.
    Duration,
    /// Any JSON: runtime.RawExtension, FieldsV1, apiextensions JSON and its kin.
    Any,
    Struct(TypeId),
    List(Box<Self>),
    Map(Box<Self>),
    /// A field of a custom object: its own schema says what is inside.
    Custom(CustomSchema),
}

/// A structural schema that types share. Two are equal if they are the same one.
#[derive(Clone, Debug)]
pub struct CustomSchema(pub SharedSchema);

impl PartialEq for CustomSchema {
    fn eq(&self, other: &Self) -> bool {
        self.0.is_same(&other.0)
    }
}

impl Eq for CustomSchema {}

/// How server-side apply and OpenAPI see a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ListType {
    /// Not a list, or not declared: atomic.
    #[default]
    Undeclared,
    Atomic,
    Set,
    /// Associative by these keys.
    Map(Vec<Text>),
}

/// How server-side apply and OpenAPI see a map or a struct, as this field declares it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MapType {
    /// As the type itself says.
    #[default]
    Undeclared,
    Atomic,
    Granular,
}

/// How strategic merge patch treats a field (`x-kubernetes-patch-*`).
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct PatchStrategy {
    /// `merge` was declared.
    pub merge: bool,
    /// `replace` was declared.
    pub replace: bool,
    /// `retainKeys` was declared.
    pub retain_keys: bool,
    pub merge_key: Option<Text>,
}

impl Catalogue {
    pub fn type_named(&self, name: &str) -> Option<TypeId> {
        match self.by_name.binary_search_by(|id| self.get(*id).name.as_str().cmp(name)) {
            Ok(index) => Some(self.by_name[index]),
            Err(_) => self.base.as_ref()?.type_named(name),
        }
    }

    /// The id is of this catalogue, or of one that this one adds types to.
    pub fn get(&self, id: TypeId) -> &TypeDef {
        match (id.0.checked_sub(self.first), &self.base) {
            (Some(added), _) => &self.types[usize::from(added)],
            (None, Some(base)) => base.get(id),
            (None, None) => unreachable!("a catalogue without a base begins with type 0"),
        }
    }

    /// Where raw JSON stands in an object of the type.
    pub fn raw_paths(&self, id: TypeId) -> &RawPaths {
        match (id.0.checked_sub(self.first), &self.base) {
            (Some(added), _) => &self.raws[usize::from(added)],
            (None, Some(base)) => base.raw_paths(id),
            (None, None) => unreachable!("a catalogue without a base begins with type 0"),
        }
    }

    /// Where raw JSON stands in an object of a type of the base; None for an added type.
    fn raws_of_base(&self, id: TypeId) -> Option<&RawPaths> {
        self.base.as_ref().filter(|_| id.0 < self.first).map(|base| base.raw_paths(id))
    }

    /// How many types there are, those of the base among them. `limits::CATALOGUE_TYPES` bounds it.
    fn len(&self) -> u16 {
        self.first + self.types.len() as u16
    }

    /// All types, those of the base first.
    pub fn iter(&self) -> impl Iterator<Item = (TypeId, &TypeDef)> {
        (0..self.len()).map(|index| (TypeId(index), self.get(TypeId(index))))
    }

    /// Whether the type came at run time.
    pub fn is_added(&self, id: TypeId) -> bool {
        self.base.is_some() && id.0 >= self.first
    }

    /// The first of the added types, the others after it.
    pub fn added(&self) -> impl Iterator<Item = (TypeId, &TypeDef)> {
        (self.first..).zip(&self.types).map(|(index, def)| (TypeId(index), def))
    }
}

impl TypeDef {
    /// Compares numbers, which are at hand, and names only where those are equal.
    pub fn field(&self, name: &str) -> Option<&Field> {
        let wanted = first_bytes(name);
        let found = self.by_name.binary_search_by(|(first, at)| {
            first.cmp(&wanted).then_with(|| self.fields[usize::from(*at)].name.as_str().cmp(name))
        });
        Some(&self.fields[usize::from(self.by_name[found.ok()?].1)])
    }

    /// The index in `fields` of a name, for names asked in rising order: `from` remembers how far the
    /// walk has come.
    fn position_from(&self, name: &str, from: &mut usize) -> Option<usize> {
        let wanted = first_bytes(name);
        while let Some((first, at)) = self.by_name.get(*from) {
            let order =
                first.cmp(&wanted).then_with(|| self.fields[usize::from(*at)].name.as_str().cmp(name));
            *from += usize::from(order.is_le());
            match order {
                Ordering::Less => {}
                Ordering::Equal => return Some(usize::from(*at)),
                Ordering::Greater => return None,
            }
        }
        None
    }

    /// A name that two fields have; None in a type that is well formed.
    fn repeated(&self) -> Option<&str> {
        let name = |at: &(u64, u16)| self.fields[usize::from(at.1)].name.as_str();
        self.by_name.windows(2).find(|pair| name(&pair[0]) == name(&pair[1])).map(|pair| name(&pair[0]))
    }

    /// Whether members that no field names are kept.
    pub fn is_open(&self) -> bool {
        self.custom.as_ref().is_some_and(|custom| custom.0.preserves_unknown)
    }

    /// Whether this is the type of a kind.
    pub fn is_kind(&self, group: &str, version: &str, kind: &str) -> bool {
        let held = self.kind.as_ref().map(|(group, version, kind)| (&**group, &**version, &**kind));
        held == Some((group, version, kind))
    }

    /// Fields with a default, or that may have fields with one inside.
    fn defaulting(&self) -> impl Iterator<Item = &Field> {
        self.defaulting.iter().map(|at| &self.fields[usize::from(*at)])
    }

    /// Whether JSON in fields is read instead of kept to the byte: that of OpenAPI schemas, which upstream converts
    /// through its internal types.
    pub(crate) fn reads_json(&self) -> bool {
        self.name.ends_with(".JSONSchemaProps")
    }

    /// The field's value is JSON of any form or, where it is a map (or a list of maps), a schema of
    /// this same type: JSONSchemaPropsOrArray, -OrBool and -OrStringArray.
    pub(crate) fn is_schema_union(&self, field: &str) -> bool {
        matches!(field, "items" | "additionalItems" | "additionalProperties" | "dependencies")
            && self.reads_json()
    }

    /// The Go name without group and version: `DeploymentSpec`.
    pub fn go_name(&self) -> &str {
        self.name.rsplit('.').next().unwrap_or(&self.name)
    }
}

/// The first eight bytes of a name as a number that sorts like them.
fn first_bytes(name: &str) -> u64 {
    let bytes = name.as_bytes();
    match bytes.first_chunk::<8>() {
        Some(first) => u64::from_be_bytes(*first),
        None => {
            let number = bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
            number.checked_shl(64 - 8 * bytes.len() as u32).unwrap_or(0)
        }
    }
}

impl Field {
    /// The fields of a manager. In a tree they are a JSON text, which is read only where a change may concern them.
    pub(crate) fn is_field_set(&self) -> bool {
        self.shape == Shape::Any && self.name == "fieldsV1"
    }

    /// JSON has the field even when its value is zero and nobody set it.
    fn keeps_zero(&self) -> bool {
        if self.omit_zero || self.pointer {
            return !self.omit_zero && !self.omit_empty;
        }
        !self.omit_empty || self.shape.is_go_struct()
    }
}

impl Shape {
    /// A Go struct, which `omitempty` never leaves out.
    fn is_go_struct(&self) -> bool {
        match self {
            Self::Struct(_)
            | Self::Quantity
            | Self::IntOrString
            | Self::Time
            | Self::MicroTime
            | Self::Duration
            | Self::Any
            | Self::Custom(_) => true,
            Self::String
            | Self::Int32
            | Self::Int64
            | Self::Bool
            | Self::Double
            | Self::Bytes
            | Self::List(_)
            | Self::Map(_) => false,
        }
    }

    /// A Go slice or map, of which protobuf knows no empty one.
    fn is_container(&self) -> bool {
        match self {
            Self::List(_) | Self::Map(_) => true,
            Self::Struct(_)
            | Self::Quantity
            | Self::IntOrString
            | Self::Time
            | Self::MicroTime
            | Self::Duration
            | Self::Any
            | Self::Custom(_)
            | Self::String
            | Self::Int32
            | Self::Int64
            | Self::Bool
            | Self::Double
            | Self::Bytes => false,
        }
    }

    /// There may be a struct somewhere inside.
    fn holds_structs(&self) -> bool {
        match self {
            Self::Struct(_) | Self::Custom(_) => true,
            Self::List(inner) | Self::Map(inner) => inner.holds_structs(),
            Self::String
            | Self::Int32
            | Self::Int64
            | Self::Bool
            | Self::Double
            | Self::Bytes
            | Self::Quantity
            | Self::IntOrString
            | Self::Time
            | Self::MicroTime
            | Self::Duration
            | Self::Any => false,
        }
    }
}
