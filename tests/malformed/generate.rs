//! What malformed input is made of: paths, selectors, bodies and headers that are almost right.

use crate::battery::{collection, key, objects};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use steersman_core::kinds::{Row, table};
use steersman_sim::generate::words;

/// So many pieces of a grammar in any order.
fn pieces(of: &'static [&'static str], most: usize) -> impl Strategy<Value = String> {
    prop::collection::vec(select(of), 0..most).prop_map(|pieces| pieces.concat())
}

/// The text of a label or field selector, nearly.
fn selector() -> impl Strategy<Value = String> {
    pieces(words::SELECTOR, 14)
}

/// A collection asked for with selectors, paging and start points.
pub(super) fn selection() -> impl Strategy<Value = String> {
    let place = select(&[
        "/api/v1/namespaces/m/pods",
        "/api/v1/pods",
        "/api/v1/nodes",
        "/api/v1/namespaces/m/secrets",
        "/api/v1/namespaces/m/configmaps",
        "/apis/apps/v1/namespaces/m/deployments",
        "/api/v1/events",
    ]);
    let version = select(&["", "0", "1", "5", "99999999", "-1", "x", "18446744073709551615"]);
    let matching = select(&["", "Exact", "NotOlderThan", "exact", "x"]);
    let bounded = select(&["", "&limit=1", "&limit=-1", "&limit=1&continue=x", "&continue=eyJ2IjoxfQ"]);
    let watched =
        select(&["", "&watch=1", "&watch=true&allowWatchBookmarks=1", "&watch=1&sendInitialEvents=true"]);
    (place, selector(), selector(), version, matching, (bounded, watched)).prop_map(
        |(place, labels, fields, version, matching, (bounded, watched))| {
            let (labels, fields) = (escaped(&labels), escaped(&fields));
            format!(
                "{place}?labelSelector={labels}&fieldSelector={fields}&resourceVersion={version}\
                 &resourceVersionMatch={matching}{bounded}{watched}&timeoutSeconds=1"
            )
        },
    )
}

fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// YAML with all that YAML has, in an order that may mean nothing.
pub(super) fn yaml() -> impl Strategy<Value = String> {
    let grammar = words::YAML;
    prop_oneof![
        pieces(grammar, 24),
        pieces(grammar, 24).prop_map(|text| format!(
            "kind: ConfigMap\napiVersion: v1\nmetadata:\n  name: y\ndata:\n  k: {text}"
        )),
    ]
}

/// A media type as a client may write it in Accept or Content-Type.
pub(super) fn media() -> impl Strategy<Value = String> {
    pieces(
        &[
            "application/json",
            "application/yaml",
            "application/vnd.kubernetes.protobuf",
            "application/cbor",
            "application/apply-patch+yaml",
            "application/json-patch+json",
            "text/html",
            "*/*",
            "application/*",
            "*",
            ";",
            ",",
            " ",
            "=",
            "q=0.5",
            "as=Table",
            "g=meta.k8s.io",
            "v=v1",
            "as=PartialObjectMetadata",
            "as=PartialObjectMetadataList",
            "stream=watch",
            "charset=utf-8",
            "\"",
            "/",
            "pretty=1",
        ],
        10,
    )
}

/// A resource that is stored, with an object of its kind: a small one, or one that has every field.
pub(super) fn stored() -> impl Strategy<Value = (String, serde_json::Value)> {
    let small = objects();
    let mut found = Vec::new();
    for row in table::ROWS {
        if let Some(object) = small.get(&key(row)) {
            found.push((collection(row, "m"), object.clone()));
        }
    }
    for line in include_str!("../../core/tests/data/every-field.jsonl").lines() {
        let mut object: serde_json::Value = serde_json::from_str(line).expect("the data is JSON");
        let group_version = object["apiVersion"].as_str().unwrap_or_default().to_owned();
        let (group, version) = group_version.split_once('/').unwrap_or(("", &group_version));
        let row = table::ROWS.iter().find(|row: &&Row| {
            (row.group, row.version) == (group, version)
                && object["kind"] == row.kind
                && !row.prefix.is_empty()
        });
        if let (Some(row), Some(metadata)) = (row, object["metadata"].as_object_mut()) {
            metadata.retain(|name, _| matches!(name.as_str(), "labels" | "annotations" | "ownerReferences"));
            metadata.insert("name".into(), "every".into());
            found.push((collection(row, "m"), object));
        }
    }
    select(found)
}

/// What a change in the middle of an object puts there.
fn intruder() -> impl Strategy<Value = serde_json::Value> {
    let numbers = select(&[0_i64, -1, 1, 65_536, i64::MIN, i64::MAX]);
    let texts = select(words::TEXTS);
    prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        numbers.prop_map(Into::into),
        any::<f64>().prop_map(|number| serde_json::json!(number)),
        texts.prop_map(Into::into),
        Just(serde_json::json!([])),
        Just(serde_json::json!({})),
        Just(serde_json::json!([null])),
        Just(serde_json::json!([[], {}])),
        Just(serde_json::json!({"": null, "a": {}})),
        value(2),
    ]
}

/// One change: which node, counted from the root in order, and what stands there afterwards.
fn change() -> impl Strategy<Value = (Index, Option<serde_json::Value>)> {
    (any::<Index>(), prop::option::weighted(0.8, intruder()))
}

/// A stored resource's collection and a whole object of its kind, a few nodes of which have changed.
pub(super) fn changed_object() -> impl Strategy<Value = (String, serde_json::Value)> {
    (stored(), prop::collection::vec(change(), 1..4)).prop_map(|((place, mut object), changes)| {
        for (at, with) in changes {
            let nodes = count(&object);
            replace(&mut object, &mut at.index(nodes), &with);
        }
        (place, object)
    })
}

fn count(value: &serde_json::Value) -> usize {
    1 + match value {
        serde_json::Value::Array(items) => items.iter().map(count).sum(),
        serde_json::Value::Object(members) => members.values().map(count).sum(),
        _ => 0,
    }
}

/// Puts `with` in the place of the node that is `left` nodes away; without it, a list has the node twice
/// and an object has it under another name.
fn replace(value: &mut serde_json::Value, left: &mut usize, with: &Option<serde_json::Value>) -> bool {
    if *left == 0 {
        if let Some(with) = with {
            *value = with.clone();
        }
        return true;
    }
    *left -= 1;
    match value {
        serde_json::Value::Array(items) => {
            let found = items.iter_mut().position(|item| replace(item, left, with));
            if let (Some(at), None) = (found, with) {
                items.insert(at, items[at].clone());
            }
            found.is_some()
        }
        serde_json::Value::Object(members) => {
            let found =
                members.iter_mut().find_map(|(name, held)| replace(held, left, with).then(|| name.clone()));
            if let (Some(name), None) = (&found, with) {
                let held = members.remove(name).unwrap_or_default();
                members.insert(name.to_uppercase(), held);
            }
            found.is_some()
        }
        _ => false,
    }
}

/// A JSON patch whose operations and pointers nearly fit.
pub(super) fn json_patch() -> impl Strategy<Value = serde_json::Value> {
    let path = || pieces(words::POINTERS, 5);
    let name = select(&["add", "remove", "replace", "move", "copy", "test", "", "nope"]);
    let operation =
        (name, path(), path(), prop::option::of(intruder())).prop_map(|(op, path, from, value)| {
            let mut operation = serde_json::json!({"op": op, "path": path, "from": from});
            if let (Some(value), Some(members)) = (value, operation.as_object_mut()) {
                members.insert("value".into(), value);
            }
            operation
        });
    prop::collection::vec(operation, 0..6).prop_map(serde_json::Value::Array)
}

/// Bytes with a few places changed: cut, doubled, overwritten.
pub(super) fn damage() -> impl Strategy<Value = Vec<(Index, u8, u8)>> {
    prop::collection::vec((any::<Index>(), 0..4_u8, any::<u8>()), 1..5)
}

/// The bytes after the damage.
pub(super) fn damaged(mut bytes: Vec<u8>, damage: &[(Index, u8, u8)]) -> Vec<u8> {
    for (at, how, byte) in damage {
        if bytes.is_empty() {
            return bytes;
        }
        let at = at.index(bytes.len());
        match how {
            0 => bytes[at] = *byte,
            1 => bytes.insert(at, *byte),
            2 => {
                bytes.remove(at);
            }
            _ if *byte < 16 => bytes.truncate(at),
            _ => bytes[at] = bytes[at].wrapping_add(1 << (byte % 8)),
        }
    }
    bytes
}

pub(super) fn method() -> impl Strategy<Value = &'static str> {
    prop::sample::select(words::METHODS.to_vec())
}

fn segment() -> impl Strategy<Value = String> {
    let known = [
        "api",
        "apis",
        "v1",
        "apps",
        "namespaces",
        "m",
        "pods",
        "configmaps",
        "deployments",
        "status",
        "scale",
        "watch",
        "proxy",
        "exec",
        "..",
        "",
        "%2e%2e",
        "%00",
        "%zz",
        "nodes",
        "finalize",
        "batch",
        "jobs",
        "autoscaling",
        "v2",
        "horizontalpodautoscalers",
        "events.k8s.io",
        "events",
        "openapi",
        "v3",
        "v2",
        "healthz",
        "readyz",
        "ping",
    ];
    prop_oneof![4 => prop::sample::select(known.to_vec()).prop_map(str::to_owned), 1 => "[ -~]{0,8}", 1 => "\\PC{0,4}"]
}

pub(super) fn target() -> impl Strategy<Value = String> {
    let names = words::PARAMETERS;
    let values = prop_oneof![
        "[ -~]{0,12}",
        Just("1".to_owned()),
        Just("true".to_owned()),
        Just("a%3Db%2Cc+in+%28d%29".to_owned()),
        Just("metadata.name%3Dx".to_owned()),
        Just("18446744073709551616".to_owned()),
        Just("-1".to_owned()),
    ];
    let pair =
        (prop::sample::select(names.to_vec()), values).prop_map(|(name, value)| format!("{name}={value}"));
    (prop::collection::vec(segment(), 0..8), prop::collection::vec(pair, 0..4))
        .prop_map(|(segments, pairs)| format!("/{}?{}", segments.join("/"), pairs.join("&")))
}

pub(super) fn value(depth: u32) -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(
            |number| serde_json::Number::from_f64(number).map_or(serde_json::Value::Null, Into::into)
        ),
        "[ -~]{0,10}".prop_map(Into::into),
        "\\PC{0,4}".prop_map(Into::into),
    ];
    leaf.prop_recursive(depth, 40, 6, |inner| {
        let key = prop::sample::select(words::KEYS.to_vec());
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(serde_json::Value::Array),
            prop::collection::vec((key, inner), 0..6).prop_map(|members| serde_json::Value::Object(
                members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
            )),
        ]
    })
}
