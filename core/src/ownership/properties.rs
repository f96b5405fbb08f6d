//! Sets and merges drawn at random.

use super::entries::{FieldOwner, Owners, Tracked};
use super::fields_v1;
use super::filter::FieldFilter;
use super::form::Schema;
use super::set::FieldSet;
use super::write::{Ownership, Versions, applied, recorded};
use crate::codec::json;
use crate::now::Wall;
use crate::schema::{self, Catalogue, TypeId, decode};
use crate::value::{Value, object};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use proptest::prelude::*;

/// Sets over few elements, so that they meet.
fn set() -> impl proptest::strategy::Strategy<Value = FieldSet> {
    let element = prop_oneof![
        "[a-c]".prop_map(|name| format!("f:{name}")),
        (0..3_i64).prop_map(|number| format!("v:{number}")),
        (0..3_i64, "[a-b]").prop_map(|(port, name)| format!("k:{{\"n\":\"{name}\",\"p\":{port}}}")),
    ];
    let leaf = Just(Value::empty_map());
    let tree = leaf.prop_recursive(4, 32, 4, move |inner| {
        prop::collection::vec((element.clone(), inner, any::<bool>()), 0..4).prop_map(|members| {
            let mut map = Value::empty_map();
            for (name, mut below, is_member) in members {
                if is_member {
                    below.set(".", Value::empty_map());
                }
                map.set(&name, below);
            }
            map
        })
    });
    tree.prop_map(|value| fields_v1::decoded(&value).expect("the names are well formed"))
}

proptest! {
    #[test]
    fn sets_come_back_from_json(set in set()) {
        let text = json::to_vec(&fields_v1::encoded(&set));
        let read = json::parse(&text).expect("JSON").value;
        prop_assert_eq!(fields_v1::decoded(&read), Some(set));
    }

    #[test]
    fn sets_are_an_algebra(a in set(), b in set(), c in set()) {
        let union = a.clone().union(b.clone());
        prop_assert_eq!(&union, &b.clone().union(a.clone()));
        prop_assert_eq!(union.clone().union(c.clone()), a.clone().union(b.clone().union(c.clone())));
        prop_assert_eq!(&union.clone().union(a.clone()), &union);
        let both = a.intersection(&b);
        prop_assert_eq!(&both, &b.intersection(&a));
        prop_assert_eq!(both.is_empty(), !a.meets(&b));
        prop_assert_eq!(union.intersection(&a), a.clone());
        let rest = a.clone().difference(&b);
        prop_assert!(!rest.meets(&b));
        prop_assert_eq!(rest.clone().union(both.clone()), a.clone());
        prop_assert_eq!(rest.len() + both.len(), a.len());
        let less = a.clone().recursive_difference(&b);
        prop_assert_eq!(less.intersection(&rest), less.clone());
        prop_assert!(a.clone().recursive_difference(&a).is_empty());
        let filter = FieldFilter::Without(&[&["a"]]);
        prop_assert_eq!(filter.apply(a.clone()), a.recursive_difference(&FieldSet::of_names(&[&["a"]])));
    }
}

const VERSION: &str = "v1";

/// The versions of a kind that has one.
struct Only(Arc<Catalogue>, TypeId);

impl Versions for Only {
    fn type_of(&self, api_version: &str) -> Option<(&Catalogue, TypeId)> {
        (api_version == VERSION).then_some((&*self.0, self.1))
    }

    fn converted(&self, _object: &Value, _from: &str, _to: &str) -> Result<Option<Value>, String> {
        Ok(None)
    }
}

fn services() -> Only {
    let catalogue = schema::catalogue();
    let id = catalogue.type_named("core.v1.Service").expect("services");
    Only(catalogue, id)
}

fn ownership(versions: &Only) -> Ownership<'_> {
    Ownership {
        versions,
        api_version: VERSION,
        kind: "Service",
        subresource: "",
        filter: FieldFilter::NONE,
        now: Wall::from_seconds(0),
    }
}

/// Parts of Services: maps, a set, a list with two keys of which one has a default, an atomic map, scalars.
fn configuration() -> impl proptest::strategy::Strategy<Value = Value> {
    let port = (80..83_i64, 0..3_u8, "[x-z]").prop_map(|(port, protocol, name)| {
        let protocol = ["", r#","protocol":"TCP""#, r#","protocol":"UDP""#][usize::from(protocol)];
        (
            format!("{port}{}", protocol.contains("UDP")),
            format!(r#"{{"port":{port},"name":"{name}"{protocol}}}"#),
        )
    });
    let ports = prop::collection::btree_map("[a-d]", port, 0..4);
    let labels = prop::collection::btree_map("[a-c]", "[0-2]", 0..3);
    let finalizers = prop::collection::btree_set("[a-c]", 0..3);
    let scalar = prop::option::of("[0-2]");
    (ports, labels.clone(), labels, finalizers, scalar).prop_map(
        |(ports, labels, selector, finalizers, scalar)| {
            let mut seen = alloc::collections::BTreeSet::new();
            let ports: Vec<String> = ports
                .into_values()
                .filter(|(key, _)| seen.insert(key.clone()))
                .map(|(_, text)| text)
                .collect();
            let map = |members: &alloc::collections::BTreeMap<String, String>| {
                let members: Vec<String> =
                    members.iter().map(|(key, value)| format!(r#""{key}":"{value}""#)).collect();
                format!("{{{}}}", members.join(","))
            };
            let finalizers: Vec<String> = finalizers.iter().map(|name| format!(r#""x/{name}""#)).collect();
            let name = scalar.map(|name| format!(r#","externalName":"{name}""#)).unwrap_or_default();
            let metadata = format!(
                r#"{{"name":"s","labels":{},"finalizers":[{}]}}"#,
                map(&labels),
                finalizers.join(",")
            );
            let spec = format!(r#"{{"ports":[{}],"selector":{}{name}}}"#, ports.join(","), map(&selector));
            let text =
                format!(r#"{{"apiVersion":"v1","kind":"Service","metadata":{metadata},"spec":{spec}}}"#);
            json::parse(text.as_bytes()).expect("JSON").value
        },
    )
}

/// The object after an apply, with its entries; the error's message where it is refused.
fn apply(versions: &Only, live: &Value, wanted: &Value, manager: &str, force: bool) -> Result<Value, String> {
    let done = applied(&ownership(versions), live, wanted, manager, force);
    let done = done.map_err(|failure| String::from(failure.message()))?;
    let merged = done.object.unwrap_or_else(|| live.clone());
    let mut value = decode::normalize(&versions.0, versions.1, merged).expect("it is of the type");
    decode::apply_defaults(&versions.0, versions.1, &mut value);
    object::set_managed_fields(&mut value, done.entries);
    Ok(value)
}

fn unset(versions: &Only) -> Value {
    decode::normalize(&versions.0, versions.1, Value::Null).expect("an object without fields")
}

fn set_of(object: &Value, owner: &FieldOwner) -> FieldSet {
    let owners = Owners::decoded(object::managed_fields(object), Tracked::Stored).expect("entries");
    owners.get(owner).map_or(FieldSet::EMPTY, |owned| owned.set().clone())
}

fn has(versions: &Only, object: &Value, set: &FieldSet) -> bool {
    let schema = Schema { catalogue: &versions.0, root: versions.1 };
    let all = schema.with_named_fields(&schema.fields_of(object));
    set.clone().difference(&all).is_empty()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn applying_again_changes_nothing(first in configuration(), second in configuration()) {
        let versions = services();
        let made = apply(&versions, &unset(&versions), &first, "one", false).expect("nobody else is there");
        let other = apply(&versions, &made, &second, "two", true).expect("force is never refused");
        let again = apply(&versions, &other, &second, "two", false);
        prop_assert_eq!(again.as_ref(), Ok(&other));
    }

    #[test]
    fn nobody_loses_a_field_without_force(first in configuration(), second in configuration()) {
        let versions = services();
        let made = apply(&versions, &unset(&versions), &first, "one", false).expect("nobody else is there");
        let (one, two) = (FieldOwner::apply("one", ""), FieldOwner::apply("two", ""));
        let before = set_of(&made, &one);
        match apply(&versions, &made, &second, "two", false) {
            Ok(after) => prop_assert_eq!(set_of(&after, &one), before),
            Err(why) => {
                prop_assert!(why.starts_with("Apply failed with "), "{}", why);
                let forced = apply(&versions, &made, &second, "two", true).expect("force is never refused");
                let (left, taken) = (set_of(&forced, &one), set_of(&forced, &two));
                // What was lost was taken, or went with what was taken.
                prop_assert!(left.len() < before.len() && !taken.is_empty());
            }
        }
    }

    #[test]
    fn owned_fields_are_there(first in configuration(), second in configuration(), third in configuration()) {
        let versions = services();
        let mut live = unset(&versions);
        for (manager, wanted) in [("one", &first), ("two", &second), ("one", &third)] {
            live = apply(&versions, &live, wanted, manager, true).expect("force is never refused");
            let set = set_of(&live, &FieldOwner::apply(manager, ""));
            let containers = FieldSet::of_names(&[&["metadata", "labels"], &["spec", "ports"], &["spec", "selector"]]);
            prop_assert!(has(&versions, &live, &set.difference(&containers)));
        }
    }

    #[test]
    fn an_update_owns_what_it_changes(first in configuration(), second in configuration()) {
        let versions = services();
        let made = apply(&versions, &unset(&versions), &first, "one", false).expect("nobody else is there");
        let mut new = decode::normalize(&versions.0, versions.1, second).expect("it is of the type");
        decode::apply_defaults(&versions.0, versions.1, &mut new);
        object::set_uid(&mut new, "u");
        let entries = recorded(&ownership(&versions), &made, &new, "upd");
        object::set_managed_fields(&mut new, entries);
        let schema = Schema { catalogue: &versions.0, root: versions.1 };
        let changes = schema.compare(&made, &new).expect("both are of the type");
        let upd = set_of(&new, &FieldOwner::update("upd", VERSION, ""));
        let one = set_of(&new, &FieldOwner::apply("one", ""));
        let written = changes.clone().into_set();
        prop_assert!(!one.meets(&written) && !one.meets(&changes.removed));
        let strange = upd.difference(&written);
        prop_assert!(strange.is_empty(), "{:?}", strange);
    }
}
