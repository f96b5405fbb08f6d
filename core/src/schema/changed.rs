//! Objects of which only a part was changed. The members at their root that are still those of an object which came
//! from the store are neither fitted to their types nor encoded again: they have been, and their nodes are the same.

use super::decode::{self, DecodeError, Decoded};
use super::{Catalogue, TypeId, encode};
use crate::codec::json::Parsed;
use crate::codec::partial;
use crate::value::{Map, Text, Value};
use alloc::vec::Vec;

/// As `decode::decode`, of an object that was made of a stored one.
///
/// # Errors
/// As `decode::decode`.
pub fn decode_changed(
    catalogue: &Catalogue,
    root: TypeId,
    mut body: Parsed,
    stored: &Value,
) -> Result<Decoded, DecodeError> {
    let aside = set_aside(catalogue, root, &mut body.value, stored);
    let mut decoded = decode::decode(catalogue, root, body)?;
    put_back(&mut decoded.value, aside);
    Ok(decoded)
}

/// As `decode::normalize`, of an object that was made of a stored one.
///
/// # Errors
/// As `decode::normalize`.
pub fn normalize_changed(
    catalogue: &Catalogue,
    root: TypeId,
    mut value: Value,
    stored: &Value,
) -> Result<Value, DecodeError> {
    let aside = set_aside(catalogue, root, &mut value, stored);
    let mut value = decode::normalize(catalogue, root, value)?;
    put_back(&mut value, aside);
    Ok(value)
}

/// As `encode::to_json`, of an object that was made of a stored one, with the bytes from which that one was read: all
/// of them, or those behind a member.
pub fn encode_changed(
    catalogue: &Catalogue,
    root: TypeId,
    value: &Value,
    (stored, bytes): (&Value, &[u8]),
    out: &mut Vec<u8>,
) {
    let is_same = |(name, member): (&Text, &Value)| is_large(member) && is_held(name, member, stored);
    let any = value.as_map().is_some_and(|map| map.iter().any(|(name, member)| is_same((name, member))));
    let written = if any { partial::members(bytes).unwrap_or_default() } else { Vec::new() };
    let reuse = |name: &Text, member: &Value| {
        let found = written.iter().find(|(held, _)| *held == name.as_bytes())?;
        is_same((name, member)).then_some(found.1)
    };
    encode::to_json_reusing(catalogue, root, value, &reuse, out);
}

/// Whether a member is the node that the stored object has under its name.
fn is_held(name: &str, member: &Value, stored: &Value) -> bool {
    stored.field(name).is_some_and(|held| held.is_same(member))
}

/// Lists and maps. Others take no time, and equal ones need not come from the stored object.
fn is_large(member: &Value) -> bool {
    matches!(member, Value::Map(_) | Value::List(_))
}

/// Takes those members out of an object that are the stored object's.
fn set_aside(catalogue: &Catalogue, root: TypeId, value: &mut Value, stored: &Value) -> Vec<(Text, Value)> {
    let def = catalogue.get(root);
    let held = |(name, member): &(&Text, &Value)| {
        is_large(member) && def.field(name).is_some() && is_held(name, member, stored)
    };
    let names = value.as_map().into_iter().flat_map(Map::iter).filter(held);
    let names: Vec<Text> = names.map(|(name, _)| name.clone()).collect();
    let taken = names.into_iter().filter_map(|name| {
        let member = value.remove_at(&[&name])?;
        Some((name, member))
    });
    taken.collect()
}

fn put_back(value: &mut Value, aside: Vec<(Text, Value)>) {
    for (name, member) in aside {
        value.set(&name, member);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json::{self, Duplicates};
    use crate::patch::merge;
    use crate::schema::catalogue;

    const STORED: &str = concat!(
        r#"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"p","namespace":"n","labels":{"a":"\u003cb\u003e"}},"#,
        r#""spec":{"containers":[{"name":"c","image":"i","resources":{"limits":{"cpu":"1500m"}}}],"#,
        r#""nodeName":"n"},"status":{"phase":"Running"}}"#
    );

    const PATCHES: [&str; 8] = [
        r#"{}"#,
        r#"{"status":{"phase":"Failed","startTime":"2026-01-01T00:00:00.5Z"}}"#,
        r#"{"metadata":{"labels":{"a":null,"b":"c"}}}"#,
        r#"{"spec":{"activeDeadlineSeconds":5}}"#,
        r#"{"spec":{"containers":[{"name":"d","resources":{"limits":{"cpu":"1.0"}}}]}}"#,
        r#"{"spec":null,"status":null}"#,
        r#"{"spec":{"nosuch":1},"nosuch":{"a":1}}"#,
        r#"{"status":{"phase":7}}"#,
    ];

    #[test]
    fn what_was_not_changed_makes_no_difference() {
        let catalogue = catalogue();
        let root = catalogue.type_named("core.v1.Pod").expect("a type");
        let parse = |text: &str| json::parse(text.as_bytes()).expect("JSON").value;
        let stored = parse(STORED);
        for patch in PATCHES {
            // The second tree has equal members, but none that are the stored object's.
            let changed = merge::apply(stored.clone(), &parse(patch), false).expect("a patch");
            let other = parse(&json::to_string(&changed));
            let parsed = |value: &Value| Parsed { value: value.clone(), duplicates: Duplicates::NONE };
            let decoded = decode_changed(&catalogue, root, parsed(&changed), &stored);
            assert_eq!(decoded, decode::decode(&catalogue, root, parsed(&other)), "{patch}");
            let normal = normalize_changed(&catalogue, root, changed.clone(), &stored);
            assert_eq!(normal, decode::normalize(&catalogue, root, other), "{patch}");
            let Ok(normal) = normal else { continue };
            let (mut reused, mut whole) = (Vec::new(), Vec::new());
            encode_changed(&catalogue, root, &normal, (&stored, STORED.as_bytes()), &mut reused);
            encode::to_json(&catalogue, root, &normal, &mut whole);
            assert_eq!(reused, whole, "{patch}");
            let behind = STORED.find(r#","spec""#).expect("a spec");
            let mut reused = Vec::new();
            encode_changed(&catalogue, root, &normal, (&stored, &STORED.as_bytes()[behind..]), &mut reused);
            assert_eq!(reused, whole, "{patch}");
        }
    }

    #[test]
    fn unchanged_members_are_taken_as_they_are() {
        let catalogue = catalogue();
        let root = catalogue.type_named("core.v1.Pod").expect("a type");
        let odd = STORED.replace(r#""nodeName":"n""#, r#""nodeName":"\u006e""#);
        let stored = json::parse(odd.as_bytes()).expect("JSON").value;
        let patch = json::parse(PATCHES[1].as_bytes()).expect("JSON").value;
        let changed = merge::apply(stored.clone(), &patch, false).expect("a patch");
        let mut out = Vec::new();
        encode_changed(&catalogue, root, &changed, (&stored, odd.as_bytes()), &mut out);
        let text = core::str::from_utf8(&out).expect("UTF-8");
        assert!(text.contains(r#""nodeName":"\u006e""#) && text.contains("Failed"), "{text}");
    }
}
