//! From a JSON text to the tree that a type's decoder is given: raw JSON kept to the byte, and members that occur
//! more than once read as Go's decoder reads them, into what the earlier occurrence left.
//!
//! k8s: sigs.k8s.io/json internal/golang/encoding/json/decode.go

use super::decode;
use super::{Catalogue, Shape, TypeId};
use crate::codec::json::{self, Members, Node, Parsed, RawPaths, SyntaxError};
use crate::value::{Text, Value};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// Reads a text that is to become an object of the type.
pub fn read(catalogue: &Catalogue, root: TypeId, text: &[u8]) -> Result<Parsed, SyntaxError> {
    read_shape(catalogue, &Shape::Struct(root), catalogue.raw_paths(root), text)
}

/// Reads a text that is to become a value of the shape, in which raw JSON stands at these paths.
pub(super) fn read_shape(
    catalogue: &Catalogue,
    shape: &Shape,
    raws: &RawPaths,
    text: &[u8],
) -> Result<Parsed, SyntaxError> {
    let mut parsed = json::parse_exact(text, raws)?;
    if !parsed.duplicates.is_empty() {
        let mut slot = Slot::Zero;
        Reading { catalogue }.value(shape, false, &mut slot, &json::node(text));
        parsed.value = slot.into_value();
    }
    Ok(parsed)
}

/// Where raw JSON stands in objects of each added type, except where the server reads it.
pub(super) fn raw_paths(catalogue: &Catalogue) -> Vec<RawPaths> {
    let mut known: BTreeMap<TypeId, RawPaths> = BTreeMap::new();
    catalogue.added().map(|(id, _)| raws_of(catalogue, &Shape::Struct(id), &mut known)).collect()
}

/// Where raw JSON stands in a value of the shape.
pub(super) fn shape_raws(catalogue: &Catalogue, shape: &Shape) -> RawPaths {
    match shape {
        Shape::Struct(id) => catalogue.raw_paths(*id).clone(),
        Shape::List(inner) | Shape::Map(inner) => RawPaths::each(shape_raws(catalogue, inner)),
        Shape::Any => RawPaths::here(),
        Shape::String
        | Shape::Int32
        | Shape::Int64
        | Shape::Bool
        | Shape::Double
        | Shape::Bytes
        | Shape::Quantity
        | Shape::IntOrString
        | Shape::Time
        | Shape::MicroTime
        | Shape::Duration
        | Shape::Custom(_) => RawPaths::NONE,
    }
}

/// Types that contain themselves have no raw JSON inside.
fn raws_of(catalogue: &Catalogue, shape: &Shape, known: &mut BTreeMap<TypeId, RawPaths>) -> RawPaths {
    match shape {
        Shape::Any => RawPaths::here(),
        Shape::List(inner) | Shape::Map(inner) => RawPaths::each(raws_of(catalogue, inner, known)),
        Shape::Struct(id) => {
            if let Some(raws) = catalogue.raws_of_base(*id).or_else(|| known.get(id)) {
                return raws.clone();
            }
            known.insert(*id, RawPaths::NONE);
            let def = catalogue.get(*id);
            let members = def.fields.iter().filter_map(|field| {
                let below = if field.is_field_set() {
                    RawPaths::text()
                } else if def.reads_json() {
                    RawPaths::NONE
                } else {
                    raws_of(catalogue, &field.shape, known)
                };
                (!below.is_none()).then_some((field.name.clone(), below))
            });
            let raws = RawPaths::members(members.collect());
            known.insert(*id, raws.clone());
            raws
        }
        Shape::String
        | Shape::Int32
        | Shape::Int64
        | Shape::Bool
        | Shape::Double
        | Shape::Bytes
        | Shape::Quantity
        | Shape::IntOrString
        | Shape::Time
        | Shape::MicroTime
        | Shape::Duration
        | Shape::Custom(_) => RawPaths::NONE,
    }
}

/// Go's memory behind a value while its occurrences are read.
enum Slot {
    /// It was not set, or it was set to null.
    Zero,
    Set(Value),
    /// A value of a wrong type. The decoder reports it, whatever comes later.
    Wrong(Value),
    Struct(BTreeMap<Text, Self>),
    Map(BTreeMap<Text, Self>),
    /// Items beyond the length are what longer occurrences left behind; a later one that is longer again is read
    /// into them.
    List {
        len: usize,
        memory: Vec<Self>,
    },
}

impl Slot {
    fn into_value(self) -> Value {
        match self {
            Self::Zero => Value::Null,
            Self::Set(value) | Self::Wrong(value) => value,
            Self::Struct(members) | Self::Map(members) => {
                Value::map(members.into_iter().map(|(key, slot)| (key, slot.into_value())).collect())
            }
            Self::List { len, memory } => {
                Value::list(memory.into_iter().take(len).map(Self::into_value).collect())
            }
        }
    }
}

struct Reading<'c> {
    catalogue: &'c Catalogue,
}

impl Reading<'_> {
    /// Reads one occurrence. Recursion is as deep as the text, which its parser bounds.
    fn value(&self, shape: &Shape, pointer: bool, slot: &mut Slot, node: &Node<'_>) {
        if matches!(slot, Slot::Wrong(_)) {
            return;
        }
        if node.is_null() {
            if pointer || clears(shape) {
                *slot = Slot::Zero;
            }
            return;
        }
        match (shape, &node.members) {
            (Shape::Struct(id), Members::Fields(fields)) => self.object(*id, slot, fields),
            (Shape::Map(inner), Members::Fields(fields)) => {
                if !matches!(slot, Slot::Map(_)) {
                    *slot = Slot::Map(BTreeMap::new());
                }
                let Slot::Map(members) = slot else { return };
                for (key, member) in fields {
                    let mut fresh = Slot::Zero;
                    self.value(inner, false, &mut fresh, member);
                    members.insert(key.clone(), fresh);
                }
            }
            (Shape::List(inner), Members::Items(items)) => {
                if items.is_empty() || !matches!(slot, Slot::List { .. }) {
                    *slot = Slot::List { len: 0, memory: Vec::new() };
                }
                let Slot::List { len, memory } = slot else { return };
                for (at, item) in items.iter().enumerate() {
                    if at >= memory.len() {
                        memory.push(Slot::Zero);
                    }
                    if let Some(slot) = memory.get_mut(at) {
                        self.value(inner, false, slot, item);
                    }
                }
                *len = items.len();
            }
            (Shape::Struct(_) | Shape::Map(_) | Shape::List(_), _) => *slot = Slot::Wrong(exact(node)),
            (Shape::Any, _) => *slot = Slot::Set(json::kept(node.text).unwrap_or_default()),
            (
                Shape::String
                | Shape::Int32
                | Shape::Int64
                | Shape::Bool
                | Shape::Double
                | Shape::Bytes
                | Shape::Quantity
                | Shape::IntOrString
                | Shape::Time
                | Shape::MicroTime
                | Shape::Duration
                | Shape::Custom(_),
                _,
            ) => {
                let value = exact(node);
                let fits = decode::fits(self.catalogue, shape, &value);
                *slot = if fits { Slot::Set(value) } else { Slot::Wrong(value) };
            }
        }
    }

    fn object(&self, id: TypeId, slot: &mut Slot, fields: &[(Text, Node<'_>)]) {
        if !matches!(slot, Slot::Struct(_)) {
            *slot = Slot::Struct(BTreeMap::new());
        }
        let Slot::Struct(members) = slot else { return };
        let def = self.catalogue.get(id);
        for (key, node) in fields {
            let member = members.entry(key.clone()).or_insert(Slot::Zero);
            match def.field(key) {
                Some(field) => self.value(&field.shape, field.pointer, member, node),
                None => *member = Slot::Set(exact(node)),
            }
        }
    }
}

/// A null takes away what is a pointer, a map or a list to Go; anything else it leaves as it is, but where the
/// type's own decoder clears it.
fn clears(shape: &Shape) -> bool {
    match shape {
        Shape::List(_)
        | Shape::Map(_)
        | Shape::Bytes
        | Shape::Quantity
        | Shape::Time
        | Shape::MicroTime
        | Shape::IntOrString => true,
        Shape::String
        | Shape::Int32
        | Shape::Int64
        | Shape::Bool
        | Shape::Double
        | Shape::Duration
        | Shape::Any
        | Shape::Custom(_)
        | Shape::Struct(_) => false,
    }
}

fn exact(node: &Node<'_>) -> Value {
    json::parse_exact(node.text, &RawPaths::NONE).map_or(Value::Null, |parsed| parsed.value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json::to_string;
    use crate::schema::{catalogue, encode};

    /// The bytes that a body leaves, or why it cannot be decoded.
    fn encoded(type_name: &str, text: &str) -> Result<alloc::string::String, alloc::string::String> {
        let catalogue = catalogue();
        let root = catalogue.type_named(type_name).unwrap();
        let parsed = read(&catalogue, root, text.as_bytes()).unwrap();
        let value = decode::decode(&catalogue, root, parsed).map_err(|error| error.0)?.value;
        let mut out = Vec::new();
        encode::to_json(&catalogue, root, &value, &mut out);
        Ok(alloc::string::String::from_utf8(out).unwrap())
    }

    #[test]
    fn a_repeated_member_is_read_into_what_is_there() {
        let table = [
            ("core.v1.ConfigMap", r#"{"data":{"a":"1"},"data":{"b":"2"}}"#, r#""data":{"a":"1","b":"2"}"#),
            ("core.v1.ConfigMap", r#"{"data":{"a":"1"},"data":null}"#, "{\"metadata\":{}}"),
            ("core.v1.ConfigMap", r#"{"data":{"a":"1","a":null}}"#, r#""data":{"a":""}"#),
            ("core.v1.ConfigMap", r#"{"immutable":true,"immutable":null}"#, "{\"metadata\":{}}"),
            (
                "core.v1.ConfigMap",
                r#"{"metadata":{"name":"a"},"metadata":null}"#,
                r#""metadata":{"name":"a"}"#,
            ),
            (
                "core.v1.ConfigMap",
                r#"{"metadata":{"name":"a","labels":{"x":"1"}},"metadata":{"labels":{"y":"2"}}}"#,
                r#""metadata":{"name":"a","labels":{"x":"1","y":"2"}}"#,
            ),
            // Struct items keep what the shorter list left behind them.
            (
                "meta.v1.ObjectMeta",
                r#"{"ownerReferences":[{"uid":"u","name":"a","controller":true},{"uid":"v","kind":"K"}],
                    "ownerReferences":[{"uid":"w"}],"ownerReferences":[{"name":"n"},{"name":"m"}]}"#,
                concat!(
                    r#"[{"apiVersion":"","kind":"","name":"n","uid":"w","controller":true},"#,
                    r#"{"apiVersion":"","kind":"K","name":"m","uid":"v"}]"#
                ),
            ),
            (
                "meta.v1.ObjectMeta",
                r#"{"ownerReferences":[{"uid":"u"}],"ownerReferences":[],"ownerReferences":[{"name":"n"}]}"#,
                r#"{"apiVersion":"","kind":"","name":"n","uid":""}"#,
            ),
            (
                "meta.v1.ObjectMeta",
                r#"{"finalizers":["a","b"],"finalizers":["c"]}"#,
                r#"{"finalizers":["c"]}"#,
            ),
            (
                "core.v1.PodSpec",
                r#"{"restartPolicy":"Never","restartPolicy":null}"#,
                r#""restartPolicy":"Never""#,
            ),
            // A text that a null follows is a number again, and that is zero.
            (
                "core.v1.ServicePort",
                r#"{"port":1,"targetPort":"a","targetPort":null}"#,
                r#"{"port":1,"targetPort":0}"#,
            ),
            // The values of maps are made anew.
            (
                "core.v1.PodSpec",
                r#"{"nodeSelector":{"a":"1"},"nodeSelector":{"a":null}}"#,
                r#""nodeSelector":{"a":""}"#,
            ),
            // Names are told apart by case.
            ("core.v1.ConfigMap", r#"{"data":{"a":"1"},"Data":{"b":"2"}}"#, r#""data":{"a":"1"}"#),
        ];
        for (type_name, text, expected) in table {
            let found = encoded(type_name, text).unwrap();
            assert!(found.contains(expected), "{text}: {found}");
        }
    }

    #[test]
    fn a_wrong_type_is_reported_even_if_errors_follow() {
        let why =
            "json: cannot unmarshal number into Go struct field ConfigMap.data of type map[string]string";
        for text in [r#"{"data":5,"data":{"a":"b"}}"#, r#"{"data":{"a":"b"},"data":5}"#] {
            assert_eq!(encoded("core.v1.ConfigMap", text), Err(why.into()), "{text}");
        }
        let why = "json: cannot unmarshal string into Go struct field ConfigMap.immutable of type bool";
        assert_eq!(encoded("core.v1.ConfigMap", r#"{"immutable":"x","immutable":true}"#), Err(why.into()));
    }

    #[test]
    fn bytes_come_as_text_or_as_numbers() {
        let table = [
            (r#"{"binaryData":{"a":null}}"#, Ok(r#""binaryData":{"a":""}"#)),
            (r#"{"binaryData":{"a":[104,105]}}"#, Ok(r#""binaryData":{"a":"aGk="}"#)),
            (r#"{"binaryData":{"a":[104,null]}}"#, Ok(r#""binaryData":{"a":"aAA="}"#)),
            (r#"{"binaryData":{"a":[]}}"#, Ok(r#""binaryData":{"a":""}"#)),
            (r#"{"binaryData":{"a":"aG\nk="}}"#, Ok(r#""binaryData":{"a":"aGk="}"#)),
            (
                r#"{"binaryData":{"a":[300]}}"#,
                Err("number 300 into Go struct field ConfigMap.binaryData of type uint8"),
            ),
            (
                r#"{"binaryData":{"a":[1.0]}}"#,
                Err("number 1.0 into Go struct field ConfigMap.binaryData of type uint8"),
            ),
            (
                r#"{"binaryData":{"a":["x"]}}"#,
                Err("string into Go struct field ConfigMap.binaryData of type uint8"),
            ),
            (
                r#"{"binaryData":{"a":{}}}"#,
                Err("object into Go struct field ConfigMap.binaryData of type []uint8"),
            ),
        ];
        for (text, expected) in table {
            match (encoded("core.v1.ConfigMap", text), expected) {
                (Ok(found), Ok(expected)) => assert!(found.contains(expected), "{text}: {found}"),
                (Err(found), Err(expected)) => {
                    assert_eq!(found, alloc::format!("json: cannot unmarshal {expected}"), "{text}");
                }
                (found, expected) => panic!("{text}: {found:?}, not {expected:?}"),
            }
        }
    }

    #[test]
    fn errors_show_numbers_as_they_were_written() {
        let table = [
            ("priority", "3.0", "number 3.0 into Go struct field PodSpec.priority of type int32"),
            ("priority", "1e400", "number 1e400 into Go struct field PodSpec.priority of type int32"),
            (
                "priority",
                "4294967297",
                "number 4294967297 into Go struct field PodSpec.priority of type int32",
            ),
            (
                "activeDeadlineSeconds",
                "9223372036854775808",
                "number 9223372036854775808 into Go struct field PodSpec.activeDeadlineSeconds of type int64",
            ),
            ("nodeName", "1.0", "number into Go struct field PodSpec.nodeName of type string"),
        ];
        for (field, number, expected) in table {
            let text = alloc::format!("{{\"{field}\":{number}}}");
            let expected = alloc::format!("json: cannot unmarshal {expected}");
            assert_eq!(encoded("core.v1.PodSpec", &text), Err(expected), "{text}");
        }
        let found = encoded("core.v1.PodSpec", r#"{"priority":-0,"overhead":{"cpu":1.50,"memory":1e3}}"#);
        let found = found.unwrap();
        assert!(
            found.contains(r#""priority":0"#) && found.contains(r#"{"cpu":"1500m","memory":"1e3"}"#),
            "{found}"
        );
    }

    #[test]
    fn raw_json_keeps_its_bytes() {
        let raw = r#"{"b":1,"a":12345678901234567890,"c":[1.0,{"z":1e3,"y":"\u0041"}],"b":2}"#;
        let held = [
            ("apps.v1.ControllerRevision", "{\"data\":RAW}"),
            (
                "resource.v1.ResourceClaim",
                "{\"spec\":{\"devices\":{\"config\":[{\"opaque\":{\"driver\":\"d\",\"parameters\":RAW}}]}}}",
            ),
            (
                "resource.v1.DeviceClass",
                "{\"spec\":{\"config\":[{\"opaque\":{\"driver\":\"d\",\"parameters\":RAW}}]}}",
            ),
        ];
        for (type_name, text) in held {
            let found = encoded(type_name, &text.replace("RAW", raw)).unwrap();
            assert!(found.contains(raw), "{type_name}: {found}");
        }
        let text = r#"{"data":{"a":1},"data":{"b":2},"data":null}"#;
        assert!(encoded("apps.v1.ControllerRevision", text).unwrap().contains(r#""data":{"b":2}"#));
    }

    #[test]
    fn every_raw_field_of_the_catalogue_is_known() {
        let catalogue = catalogue();
        let raw: Vec<&str> = catalogue
            .iter()
            .filter(|(id, def)| def.kind.is_some() && catalogue.raw_paths(*id).keeps_trees())
            .map(|(_, def)| def.go_name())
            .collect();
        for kind in ["ControllerRevision", "DeviceClass", "ResourceClaim", "ResourceClaimTemplate"] {
            assert!(raw.contains(&kind), "{kind} is not among {raw:?}");
        }
        assert!(!raw.contains(&"Pod") && !raw.contains(&"CustomResourceDefinition"), "{raw:?}");
        assert_eq!(to_string(&Value::Json("1.0".into())), "1.0");
    }
}
