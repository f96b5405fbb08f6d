//! From a parsed body to a typed shape: type checks with Go's sentences, unknown and duplicate fields,
//! zero values as Go's encoder would write them.
//!
//! k8s: staging/src/k8s.io/apimachinery/pkg/runtime/serializer/json/json.go, sigs.k8s.io/json

mod glance;

pub use super::defaults::apply_defaults;
use super::location::Location;
use super::read::{read_shape, shape_raws};
use super::scalar::{self, Fault};
use super::strict::StrictError;
use super::structural::{Misfits, Structural};
use super::{Catalogue, Field, Shape, TypeDef, TypeId, encode};
use crate::codec::json::{self, Duplicates, Parsed};
use crate::limits;
use crate::value::{Map, Type, Value};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use glance::fits_already;

/// A body in its typed shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    pub value: Value,
    /// In upstream's order.
    pub strict_errors: Vec<StrictError>,
}

/// A body that does not fit its type, in the words of Go's decoder, without the
/// `Kind in version "v1" cannot be handled as a Kind: ` before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError(pub String);

/// Fits a parsed body to a type.
///
/// Strict errors: duplicates first, then unknown fields in path order, of each the first `limits::STRICT_ERRORS`;
/// `strict::errors` knows better where there is the text.
pub fn decode(catalogue: &Catalogue, root: TypeId, body: Parsed) -> Result<Decoded, DecodeError> {
    decode_as_written(catalogue, root, body, b"")
}

/// As `decode`; of several values of a wrong type, the one that stands first in the text is told.
pub fn decode_as_written(
    catalogue: &Catalogue,
    root: TypeId,
    body: Parsed,
    text: &[u8],
) -> Result<Decoded, DecodeError> {
    let mut decoder = Decoder { unknown: Some(Vec::new()), ..Decoder::new(catalogue) };
    let value = decoder.root(root, body.value)?;
    if let Some(fault) = decoder.first_written(text) {
        return Err(fault);
    }
    let mut unknown = decoder.unknown.unwrap_or_default();
    unknown.append(&mut decoder.unfit);
    // What lies inside an unknown field is not looked at, so nothing is a duplicate there.
    let inside = |path: &str, outer: &str| {
        path.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.') || rest.starts_with('['))
    };
    let mut strict_errors = Vec::new();
    let mut duplicates = match body.duplicates {
        Duplicates::Paths(paths) => paths,
        Duplicates::Lines(lines) => {
            strict_errors.extend((!lines.is_empty()).then_some(StrictError::Repeated(lines)));
            Vec::new()
        }
    };
    duplicates.append(&mut decoder.repeated);
    duplicates.retain(|path| !unknown.iter().any(|outer| inside(path, outer)));
    strict_errors.extend(duplicates.into_iter().map(StrictError::Duplicate));
    strict_errors.extend(unknown.into_iter().map(StrictError::Unknown));
    Ok(Decoded { value, strict_errors })
}

/// Fits a value that is already known to be of the type (defaulted, patched) to Go's shape again:
/// unknown members go, zero values go or come as Go's encoder would have it, times and quantities
/// are canonical.
pub fn normalize(catalogue: &Catalogue, root: TypeId, value: Value) -> Result<Value, DecodeError> {
    let mut decoder = Decoder { stored: true, ..Decoder::new(catalogue) };
    let value = decoder.root(root, value)?;
    decoder.faults.into_iter().next().map_or(Ok(value), |(_, fault)| Err(fault))
}

/// Whether a scalar is of its shape.
pub(super) fn fits(catalogue: &Catalogue, shape: &Shape, value: &Value) -> bool {
    let mut decoder = Decoder::new(catalogue);
    decoder.shaped(shape, value.clone(), &Location::Root).is_ok() && decoder.faults.is_empty()
}

struct Decoder<'c> {
    catalogue: &'c Catalogue,
    /// Paths of unknown fields; None when they are not wanted.
    unknown: Option<Vec<String>>,
    /// Go's decoder goes on after a mismatch and reports the first one at the end, unless another error has ended
    /// decoding. Mismatches and their paths, at most `limits::FAULTS_COMPARED`.
    faults: Vec<(String, DecodeError)>,
    /// Paths of unknown fields in the metadata of objects inside a custom one, which upstream tells last.
    unfit: Vec<String>,
    /// Members that occur twice in texts inside the value, by their paths.
    repeated: Vec<String>,
    /// The value is on its way into the store, which knows no difference between an empty list and none.
    stored: bool,
}

type Decoding<T> = Result<T, DecodeError>;

impl<'c> Decoder<'c> {
    fn new(catalogue: &'c Catalogue) -> Self {
        Self {
            catalogue,
            unknown: None,
            faults: Vec::new(),
            unfit: Vec::new(),
            repeated: Vec::new(),
            stored: false,
        }
    }

    /// The whole value. It is worth nothing when there are `faults`.
    fn root(&mut self, root: TypeId, value: Value) -> Decoding<Value> {
        let def = self.catalogue.get(root);
        let value = self.opened(&Shape::Struct(root), value, &Location::Root);
        match value {
            Value::Map(map) => self.object(def, map, &Location::Root),
            Value::Null => self.object(def, Arc::default(), &Location::Root),
            Value::Bool(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::Json(_)
            | Value::Str(_)
            | Value::List(_) => {
                let go_type = self.go_type(&Shape::Struct(root));
                Err(mismatch(&scalar::found(&value, false), &go_type, &Location::Root))
            }
        }
    }

    /// Of the mismatches, the one that stands first in the text; where the text does not tell, the one met first.
    fn first_written(&self, text: &[u8]) -> Option<DecodeError> {
        let (_, met_first) = self.faults.first()?;
        if self.faults.len() < 2 {
            return Some(met_first.clone());
        }
        let paths: Vec<&str> = self.faults.iter().map(|(path, _)| path.as_str()).collect();
        let places = json::places(text, &paths);
        let place = |at: &usize| places.get(*at).and_then(|found| found.first()).copied();
        let first = (0..paths.len()).filter(|at| place(at).is_some()).min_by_key(place);
        let first = first.and_then(|at| self.faults.get(at)).map_or(met_first, |(_, fault)| fault);
        Some(first.clone())
    }

    /// A value that is not null in the form of its shape.
    fn shaped(&mut self, shape: &'c Shape, value: Value, path: &Location<'_>) -> Decoding<Value> {
        let value = if let Value::Json(_) = value { self.opened(shape, value, path) } else { value };
        let canonical = match (shape, value) {
            (Shape::Struct(id), Value::Map(map)) => return self.object(self.catalogue.get(*id), map, path),
            (Shape::List(item), Value::List(items)) => return self.list(item, items, path),
            (Shape::Map(inner), Value::Map(map)) => return self.map(inner, map, path),
            (Shape::String, value @ Value::Str(_))
            | (Shape::Int64, value @ Value::Int(_))
            | (Shape::Bool, value @ Value::Bool(_))
            | (Shape::Double, value @ (Value::Int(_) | Value::Float(_)))
            | (Shape::Duration, value @ Value::Str(_)) => return Ok(value),
            (Shape::Any, value) => return self.any(value, path),
            (Shape::Custom(schema), value) => return self.custom(&schema.0, json::plain(&value), path),
            (Shape::Int32, value) => scalar::int32(value),
            (Shape::Quantity, value) => scalar::quantity(&value),
            (Shape::IntOrString, value) => scalar::int_or_string(value),
            (Shape::Bytes, value) => scalar::bytes(value),
            (Shape::Time, value) => scalar::time(value),
            (Shape::MicroTime, value) => scalar::micro_time(value),
            (Shape::Int64, value) => {
                Err(Fault::Mismatch { found: scalar::found(&value, true), go_type: "int64" })
            }
            (
                Shape::String
                | Shape::Bool
                | Shape::Double
                | Shape::Duration
                | Shape::Struct(_)
                | Shape::List(_)
                | Shape::Map(_),
                value,
            ) => return Ok(self.misfit(&value, shape, path)),
        };
        canonical.or_else(|fault| self.fault(fault, shape, path))
    }

    /// What a text that was kept to the byte is to its shape. Raw JSON stays a text, and so do numbers that are none
    /// of their shape.
    fn opened(&mut self, shape: &Shape, value: Value, path: &Location<'_>) -> Value {
        let Value::Json(text) = &value else { return value };
        if value.type_of() == Type::Number {
            return match shape {
                Shape::Int32 | Shape::Int64 | Shape::IntOrString if text == "-0" => Value::Int(0),
                Shape::Double => json::number(text).unwrap_or(value),
                Shape::String
                | Shape::Int32
                | Shape::Int64
                | Shape::Bool
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
                | Shape::Custom(_) => value,
            };
        }
        if matches!(shape, Shape::Any | Shape::Custom(_)) {
            return value;
        }
        let raws = shape_raws(self.catalogue, shape);
        let Ok(parsed) = read_shape(self.catalogue, shape, &raws, text.as_bytes()) else { return value };
        for inside in parsed.duplicates.paths() {
            let mut dotted = String::new();
            Location::Key { above: path, name: inside }.dotted(&mut dotted);
            self.repeated.push(dotted);
        }
        parsed.value
    }

    /// Works in place: most objects come in the form that they leave in.
    fn object(&mut self, def: &'c TypeDef, mut shared: Arc<Map>, path: &Location<'_>) -> Decoding<Value> {
        if Arc::get_mut(&mut shared).is_none() {
            return self.held_object(def, shared, path);
        }
        let map = Arc::make_mut(&mut shared);
        let mut dropped: Vec<usize> = Vec::new();
        // How many of the members are there that JSON always has.
        let mut kept = 0;
        let mut from = 0;
        for (at, (key, slot)) in map.iter_mut().enumerate() {
            let Some(index) = def.position_from(key, &mut from) else {
                if !def.is_open() {
                    self.note_unknown(path, key);
                    dropped.push(at);
                }
                continue;
            };
            let field = &def.fields[index];
            kept += usize::from(field.keeps_zero());
            if fits_already(field, slot) {
                continue;
            }
            let here = Location::Field { above: path, name: &field.name, owner: def };
            match self.member(field, core::mem::take(slot), &here)? {
                Some(value) => *slot = value,
                None => dropped.push(at),
            }
        }
        if !dropped.is_empty() || kept < def.kept.len() {
            drop_members(map, dropped);
            self.add_kept(def, map);
        }
        Ok(Value::Map(shared))
    }

    /// As `object`, of a map that others hold too: it is copied only where something changes.
    fn held_object(
        &mut self,
        def: &'c TypeDef,
        mut shared: Arc<Map>,
        path: &Location<'_>,
    ) -> Decoding<Value> {
        let mut changes: Vec<(usize, Value)> = Vec::new();
        let mut dropped: Vec<usize> = Vec::new();
        let mut from = 0;
        for (at, (key, held)) in shared.iter().enumerate() {
            let Some(index) = def.position_from(key, &mut from) else {
                if !def.is_open() {
                    self.note_unknown(path, key);
                    dropped.push(at);
                }
                continue;
            };
            let field = &def.fields[index];
            if fits_already(field, held) {
                continue;
            }
            let here = Location::Field { above: path, name: &field.name, owner: def };
            match self.member(field, held.clone(), &here)? {
                Some(value) if value.is_same(held) => {}
                Some(value) => changes.push((at, value)),
                None => dropped.push(at),
            }
        }
        let is_whole = def.kept.iter().all(|at| shared.contains_key(&def.fields[usize::from(*at)].name));
        if changes.is_empty() && dropped.is_empty() && is_whole {
            return Ok(Value::Map(shared));
        }
        let map = Arc::make_mut(&mut shared);
        change_members(map, changes);
        drop_members(map, dropped);
        self.add_kept(def, map);
        Ok(Value::Map(shared))
    }

    /// Adds what JSON always has of a type.
    fn add_kept(&self, def: &'c TypeDef, map: &mut Map) {
        for field in def.kept.iter().map(|at| &def.fields[usize::from(*at)]) {
            if !map.contains_key(&field.name) {
                map.insert(field.name.clone(), self.absent(field));
            }
        }
    }

    /// A member's value; None when the encoder would leave it out.
    fn member(&mut self, field: &'c Field, value: Value, path: &Location<'_>) -> Decoding<Option<Value>> {
        if let (Shape::Custom(schema), Value::Null) = (&field.shape, &value) {
            let is_kept = schema.0.nullable || schema.0.default.is_some();
            return Ok(is_kept.then_some(value));
        }
        if value.is_null() {
            return Ok(field.keeps_zero().then(|| self.absent(field)));
        }
        let value = self.shaped(&field.shape, value, path)?;
        let dropped = (field.omit_empty && !field.pointer && !field.shape.is_go_struct() && is_empty(&value))
            || (field.omit_zero && value.is_null());
        if self.stored && !dropped && !field.pointer && field.shape.is_container() && is_empty(&value) {
            return Ok(Some(Value::Null));
        }
        // A client's empty list of managed fields is a request to forget them.
        let is_reset = dropped && !self.stored && field.name == "managedFields" && value.as_list().is_some();
        Ok((!dropped || is_reset).then_some(value))
    }

    /// The value of a field that was not set.
    fn absent(&self, field: &'c Field) -> Value {
        if field.pointer { Value::Null } else { self.zero(&field.shape) }
    }

    fn zero(&self, shape: &'c Shape) -> Value {
        match shape {
            Shape::String => Value::str(""),
            Shape::Int32 | Shape::Int64 | Shape::Double | Shape::IntOrString => Value::Int(0),
            Shape::Bool => Value::Bool(false),
            Shape::Quantity => Value::str("0"),
            Shape::Duration => Value::str("0s"),
            Shape::Bytes
            | Shape::Time
            | Shape::MicroTime
            | Shape::Any
            | Shape::List(_)
            | Shape::Map(_)
            | Shape::Custom(_) => Value::Null,
            Shape::Struct(id) => {
                let def = self.catalogue.get(*id);
                let kept = def.kept.iter().map(|at| &def.fields[usize::from(*at)]);
                Value::map(kept.map(|field| (field.name.clone(), self.absent(field))).collect())
            }
        }
    }

    fn list(&mut self, item: &'c Shape, mut items: Arc<Vec<Value>>, path: &Location<'_>) -> Decoding<Value> {
        if let Some(owned) = Arc::get_mut(&mut items) {
            for (index, slot) in owned.iter_mut().enumerate() {
                let here = Location::Index { above: path, index };
                *slot = self.item(item, core::mem::take(slot), &here)?;
            }
            return Ok(Value::List(items));
        }
        let mut changes: Vec<(usize, Value)> = Vec::new();
        for (index, held) in items.iter().enumerate() {
            let value = self.item(item, held.clone(), &Location::Index { above: path, index })?;
            if !value.is_same(held) {
                changes.push((index, value));
            }
        }
        if !changes.is_empty() {
            let owned = Arc::make_mut(&mut items);
            changes.into_iter().for_each(|(index, value)| owned[index] = value);
        }
        Ok(Value::List(items))
    }

    /// A member of a list or of a map with free keys: null stands for the zero value. Bytes are written as a text
    /// even so, because upstream's store knows no difference between none and no value.
    fn item(&mut self, shape: &'c Shape, value: Value, path: &Location<'_>) -> Decoding<Value> {
        if value.is_null() && *shape == Shape::Bytes {
            return Ok(Value::str(""));
        }
        if value.is_null() { Ok(self.zero(shape)) } else { self.shaped(shape, value, path) }
    }

    fn map(&mut self, inner: &'c Shape, mut map: Arc<Map>, path: &Location<'_>) -> Decoding<Value> {
        if let Some(owned) = Arc::get_mut(&mut map) {
            for (key, slot) in owned.iter_mut() {
                let here = Location::Key { above: path, name: key };
                *slot = self.item(inner, core::mem::take(slot), &here)?;
            }
            return Ok(Value::Map(map));
        }
        let mut changes: Vec<(usize, Value)> = Vec::new();
        for (at, (key, held)) in map.iter().enumerate() {
            let value = self.item(inner, held.clone(), &Location::Key { above: path, name: key })?;
            if !value.is_same(held) {
                changes.push((at, value));
            }
        }
        if !changes.is_empty() {
            change_members(Arc::make_mut(&mut map), changes);
        }
        Ok(Value::Map(map))
    }

    /// JSON of any form; the unions of an OpenAPI schema are of the schema's own type inside.
    /// k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1/marshal.go
    fn any(&mut self, value: Value, path: &Location<'_>) -> Decoding<Value> {
        let Some((owner, field)) = path.owner() else { return Ok(json::joined(value)) };
        if owner.field(field).is_some_and(Field::is_field_set) {
            return Ok(encode::field_set(value));
        }
        if !owner.is_schema_union(field) {
            return Ok(if owner.reads_json() { json::plain(&value) } else { json::joined(value) });
        }
        let value = json::plain(&value);
        let Some(schema) = self.catalogue.type_named(&owner.name) else { return Ok(value) };
        let unknown = self.unknown.take();
        let def = self.catalogue.get(schema);
        let shaped = match value {
            Value::Map(map) => self.object(def, map, path),
            Value::List(items) if field == "items" => {
                let inside =
                    |item| if let Value::Map(map) = item { self.object(def, map, path) } else { Ok(item) };
                owned(items).into_iter().map(inside).collect::<Decoding<Vec<Value>>>().map(Value::list)
            }
            Value::Null
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::Json(_)
            | Value::Str(_)
            | Value::List(_) => Ok(value),
        };
        self.unknown = unknown;
        shaped
    }

    /// A field of a custom object: what its schema does not name goes, and so do nulls that it does not allow. Only
    /// what comes from a client can be refused.
    fn custom(&mut self, schema: &Structural, mut value: Value, path: &Location<'_>) -> Decoding<Value> {
        schema.prune_nulls(&mut value);
        let mut dotted = String::new();
        if self.unknown.is_some() {
            path.dotted(&mut dotted);
        }
        let pruned = schema.prune_member(&mut value, &dotted);
        let misfits = if self.unknown.is_some() { Misfits::Refuse } else { Misfits::Drop };
        let unfit = schema.coerce(self.catalogue, &mut value, &dotted, misfits);
        let unfit = unfit.map_err(|misfit| DecodeError(format!("{misfit}")))?;
        if let Some(unknown) = &mut self.unknown {
            let room = limits::STRICT_ERRORS.saturating_sub(unknown.len());
            unknown.extend(pruned.into_iter().take(room));
            let room = limits::STRICT_ERRORS.saturating_sub(self.unfit.len());
            self.unfit.extend(unfit.into_iter().take(room));
        }
        Ok(value)
    }

    fn note_unknown(&mut self, path: &Location<'_>, key: &str) {
        if let Some(unknown) = self.unknown.as_mut().filter(|unknown| unknown.len() < limits::STRICT_ERRORS) {
            let mut dotted = String::new();
            Location::Key { above: path, name: key }.dotted(&mut dotted);
            unknown.push(dotted);
        }
    }

    /// Ends decoding, or notes the fault and goes on with the zero value.
    fn fault(&mut self, fault: Fault, shape: &'c Shape, path: &Location<'_>) -> Decoding<Value> {
        let noted = match fault {
            Fault::Sentence(sentence) => return Err(DecodeError(sentence)),
            Fault::Fatal { found, go_type } => return Err(mismatch(&found, go_type, path)),
            Fault::Noted(sentence) => DecodeError(sentence),
            Fault::Mismatch { found, go_type } => mismatch(&found, go_type, path),
        };
        Ok(self.note_fault(noted, shape, path))
    }

    /// Notes a value that is none of its shape, by the name that the type of the field has in Go.
    fn misfit(&mut self, value: &Value, shape: &'c Shape, path: &Location<'_>) -> Value {
        let named = path.go_type(matches!(shape, Shape::List(_)));
        let go_type = named.map_or_else(|| self.go_type(shape), String::from);
        self.note_fault(mismatch(&scalar::found(value, false), &go_type, path), shape, path)
    }

    /// Notes a fault. The value is the zero value, with which decoding goes on.
    fn note_fault(&mut self, noted: DecodeError, shape: &'c Shape, path: &Location<'_>) -> Value {
        if self.faults.len() < limits::FAULTS_COMPARED {
            let mut dotted = String::new();
            path.dotted(&mut dotted);
            self.faults.push((dotted, noted));
        }
        self.zero(shape)
    }

    /// A shape as Go prints its type: `[]v1.Container`, `map[string]string`.
    fn go_type(&self, shape: &Shape) -> String {
        match shape {
            Shape::String => "string".into(),
            Shape::Int32 => "int32".into(),
            Shape::Int64 => "int64".into(),
            Shape::Bool => "bool".into(),
            Shape::Double => "float64".into(),
            Shape::Bytes => "[]uint8".into(),
            Shape::Quantity => "resource.Quantity".into(),
            Shape::IntOrString => "intstr.IntOrString".into(),
            Shape::Time => "v1.Time".into(),
            Shape::MicroTime => "v1.MicroTime".into(),
            Shape::Duration => "string".into(),
            Shape::Any | Shape::Custom(_) => "runtime.RawExtension".into(),
            Shape::Struct(id) => {
                let name = self.catalogue.get(*id).name.as_str();
                let start = name.rmatch_indices('.').nth(1).map_or(0, |(dot, _)| dot + 1);
                name.get(start..).unwrap_or(name).into()
            }
            Shape::List(item) => format!("[]{}", self.go_type(item)),
            // Upstream names this map type, and uses the name nearly everywhere.
            Shape::Map(inner) if **inner == Shape::Quantity => "v1.ResourceList".into(),
            Shape::Map(inner) => format!("map[string]{}", self.go_type(inner)),
        }
    }
}

/// Removes members at places, which rise.
fn drop_members(map: &mut Map, dropped: Vec<usize>) {
    if dropped.is_empty() {
        return;
    }
    let mut at = 0;
    let mut dropped = dropped.into_iter().peekable();
    map.retain(|_, _| {
        at += 1;
        dropped.next_if_eq(&(at - 1)).is_none()
    });
}

/// Sets members at places, which rise.
fn change_members(map: &mut Map, changes: Vec<(usize, Value)>) {
    let mut changes = changes.into_iter().peekable();
    for (at, (_, slot)) in map.iter_mut().enumerate() {
        if let Some((_, value)) = changes.next_if(|(place, _)| *place == at) {
            *slot = value;
        }
    }
}

/// The decoder's sentence for a value of the wrong type.
fn mismatch(found: &str, go_type: &str, path: &Location<'_>) -> DecodeError {
    let Some((owner, _)) = path.owner() else {
        return DecodeError(format!("json: cannot unmarshal {found} into Go value of type {go_type}"));
    };
    let mut fields = String::new();
    path.go_fields(&mut fields);
    let owner = owner.go_name();
    DecodeError(format!(
        "json: cannot unmarshal {found} into Go struct field {owner}.{fields} of type {go_type}"
    ))
}

/// The content of a shared node, copied only when someone else holds it too.
fn owned<T: Clone>(shared: Arc<T>) -> T {
    Arc::try_unwrap(shared).unwrap_or_else(|held| (*held).clone())
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(truth) => !truth,
        Value::Int(number) => *number == 0,
        Value::Float(number) => number.to_f64() == 0.0,
        Value::Str(text) => text.is_empty(),
        Value::Json(_) => false,
        Value::List(items) => items.is_empty(),
        Value::Map(map) => map.is_empty(),
    }
}
