//! The fields of new objects of all kinds, told in one walk, compared with what the way by sets finds.

use super::entries::Owners;
use super::filter::FieldFilter;
use super::write::{Ownership, Versions};
use crate::codec::json;
use crate::now::Wall;
use crate::rng::Rng;
use crate::schema::{self, Catalogue, TypeId, decode};
use crate::value::{Value, object};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// One object of each kind with every field set.
const EVERY_FIELD: &str = include_str!("../../tests/data/every-field.jsonl");

/// A kind that came at run time, with each sort of list and map.
const DEFINED: &str = r#"{"type":"object","properties":{"spec":{"type":"object","properties":{
    "keyed":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["port","protocol"],
        "items":{"type":"object","properties":{"port":{"type":"integer"},
            "protocol":{"type":"string","default":"TCP"},"inside":{"type":"array","items":{"type":"string"}}}}},
    "set":{"type":"array","x-kubernetes-list-type":"set","items":{"type":"string"}},
    "whole":{"type":"object","x-kubernetes-map-type":"atomic","properties":{"a":{"type":"string"}}},
    "number":{"type":"number"},"either":{"x-kubernetes-int-or-string":true},
    "names":{"type":"object","additionalProperties":{"type":"object","properties":{"a":{"type":"boolean"}}}},
    "free":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}}}"#;

const DEFINED_OBJECT: &str = r#"{"apiVersion":"g.example/v1","kind":"Thing","metadata":{"name":"t","labels":{"a":"b"}},
    "spec":{"keyed":[{"port":443,"inside":["a"]},{"port":80,"protocol":"UDP"}],"set":["b","a"],"whole":{"a":"b"},
    "number":1.5,"either":"5%","names":{"x":{"a":true},"y":{}},"free":{"c":{"d":[1,{"e":null}]},"f":1}}}"#;

/// A kind in one version.
struct Sample {
    catalogue: Arc<Catalogue>,
    root: TypeId,
    version: String,
    object: Value,
}

impl Versions for Sample {
    fn type_of(&self, api_version: &str) -> Option<(&Catalogue, TypeId)> {
        (api_version == self.version).then_some((&*self.catalogue, self.root))
    }

    fn converted(&self, _object: &Value, _from: &str, _to: &str) -> Result<Option<Value>, String> {
        Ok(None)
    }
}

impl Sample {
    fn of(catalogue: Arc<Catalogue>, text: &str) -> Self {
        let object = json::parse(text.as_bytes()).expect("JSON").value;
        let version = String::from(object::api_version(&object));
        let (group, name) = version.rsplit_once('/').unwrap_or(("", &version));
        let kind = object::kind(&object);
        let root = catalogue.iter().find(|(_, def)| def.is_kind(group, name, kind)).expect("a type").0;
        Self { root, version, object, catalogue: catalogue.clone() }
    }

    fn all() -> Vec<Self> {
        let builtin = schema::catalogue();
        let defined = Catalogue::with_custom(&builtin, "g.example.v1.Thing", "g.example", DEFINED.into());
        let defined = Arc::new(defined.expect("a schema"));
        let mut all: Vec<Self> = EVERY_FIELD.lines().map(|text| Self::of(builtin.clone(), text)).collect();
        all.push(Self::of(defined, DEFINED_OBJECT));
        all
    }

    fn unset(&self) -> Value {
        decode::normalize(&self.catalogue, self.root, Value::Null).expect("an object without fields")
    }

    fn ownership(&self, filter: FieldFilter<'static>) -> Ownership<'_> {
        let (versions, api_version) = (self, self.version.as_str());
        let kind = object::kind(&self.object);
        Ownership { versions, api_version, kind, subresource: "", filter, now: Wall::from_seconds(0) }
    }

    /// The entries that one walk tells of a new object, and those that sets tell.
    fn both(&self, new: &Value, filter: FieldFilter<'static>) -> (Option<Vec<Value>>, Vec<Value>) {
        let (ownership, unset) = (self.ownership(filter), self.unset());
        let by_sets = ownership.written(&unset, new, Owners::default(), "m");
        let by_sets = by_sets.map_or_else(|_| Vec::new(), |owners| owners.encoded());
        (ownership.fresh(&unset, new, "m"), by_sets)
    }
}

const FILTERS: [FieldFilter<'static>; 5] = [
    FieldFilter::NONE,
    FieldFilter::Without(&[&["status"]]),
    FieldFilter::Without(&[&["metadata"], &["spec"]]),
    FieldFilter::Without(&[&["metadata", "labels"]]),
    FieldFilter::Only(&[&["spec"]]),
];

/// An object in which members and items have gone, come again, or become something else.
fn disturbed(value: &Value, rng: &mut Rng) -> Value {
    match (value, rng.below(24)) {
        (_, 0) => Value::Null,
        (_, 1) => Value::str("x"),
        (Value::Str(_), 2) => Value::str(""),
        (Value::Int(_) | Value::Float(_), 2) => Value::Int(0),
        (Value::Map(_), 2) => Value::empty_map(),
        (Value::List(_), 2) => Value::list(Vec::new()),
        (Value::Map(map), _) => {
            let kept: Vec<_> = map.iter().filter(|_| rng.below(8) > 0).collect();
            Value::map(kept.into_iter().map(|(name, value)| (name.clone(), disturbed(value, rng))).collect())
        }
        (Value::List(items), _) => {
            let times: Vec<_> =
                items.iter().map(|item| (item, [1, 1, 1, 1, 2, 3, 0][rng.below(7) as usize])).collect();
            let several = times.into_iter().flat_map(|(item, times)| core::iter::repeat_n(item, times));
            Value::list(several.collect::<Vec<_>>().into_iter().map(|item| disturbed(item, rng)).collect())
        }
        (other, _) => other.clone(),
    }
}

#[test]
fn one_walk_tells_the_fields_of_every_kind() {
    for sample in Sample::all() {
        for filter in FILTERS {
            let (fresh, by_sets) = sample.both(&sample.object, filter);
            let has = |path: &[&str]| path.first().is_some_and(|name| sample.object.field(name).is_some());
            let is_plain = match filter {
                FieldFilter::Without(paths) => paths.iter().all(|path| path.len() == 1 || !has(path)),
                FieldFilter::Only(_) => false,
            };
            assert_eq!(fresh.is_some(), is_plain, "{filter:?} {}", sample.object.text_at(&["kind"]));
            assert_eq!(fresh.unwrap_or_else(|| by_sets.clone()), by_sets);
        }
    }
}

#[test]
fn one_walk_tells_what_sets_tell() {
    const ROUNDS: u64 = 16;
    let samples = Sample::all();
    let mut rng = Rng::new(1);
    let mut plain = 0;
    for sample in (0..ROUNDS).flat_map(|_| &samples) {
        let mut new = disturbed(&sample.object, &mut rng);
        if rng.below(2) == 0
            && let Ok(fitted) = decode::normalize(&sample.catalogue, sample.root, new.clone())
        {
            new = fitted;
        }
        let filter = FILTERS[rng.below(3) as usize];
        let (fresh, by_sets) = sample.both(&new, filter);
        plain += usize::from(fresh.is_some());
        if let Some(fresh) = fresh {
            assert_eq!(fresh, by_sets, "{filter:?} {}", json::to_string(&new));
        }
    }
    let all = samples.len() * ROUNDS as usize;
    assert!(plain > all / 4 && plain < all, "of {all} objects {plain} are plain");
}
