//! Rules, scopes, selectors and equivalent versions, as data with one checker.

use super::*;
use crate::admission::OperationOptions;
use crate::caller::Caller;
use crate::codec::json;
use crate::config::Config;
use crate::conversion::ObjectConverter;
use crate::now::Wall;
use crate::rng::Rng;
use crate::store::{Batch, Event, EventType, Feed, KeyValue, LeaseId, Rev};
use crate::wire::query::Query;
use crate::world::cache::Entry;

/// Converts nothing, since there are no custom objects.
#[derive(Debug)]
struct Nobody;

impl ObjectConverter for Nobody {
    fn object(&self, _: Value, _: &Kind) -> Result<Value, String> {
        Err("no converter".into())
    }

    fn entry(&self, _: &Arc<Entry>, _: &Kind) -> Result<Arc<Entry>, String> {
        Err("no converter".into())
    }
}

fn value(text: &str) -> Value {
    json::parse(text.as_bytes()).expect("JSON").value
}

/// A world with the namespace `on`, which has the label `a=b`.
fn world() -> World {
    let mut world = World::new(Arc::new(Config::open(0)), Arc::new(Registry::builtin()));
    let kv = KeyValue {
        key: "/registry/namespaces/on".into(),
        value: r#"{"metadata":{"name":"on","labels":{"a":"b"}}}"#.into(),
        create_revision: Rev(1),
        mod_revision: Rev(1),
        version: 1,
        lease: LeaseId(0),
    };
    let events = alloc::vec![Event { kind: EventType::Put, kv, previous: None }];
    world.apply(Batch { feed: Feed(0), events, revision: Rev(1) }.into(), &mut alloc::vec::Vec::new());
    world
}

/// The version in which criteria match a creation; empty if they do not, and `?` if the store has to be asked.
fn version(
    world: &World,
    criteria: &str,
    (group, version, plural): (&str, &str, &str),
    place: &str,
) -> String {
    let (namespace, name) = place.split_once('/').expect("a place");
    let resource = world.registry.find(group, version, plural).expect("a resource");
    let (rng, query) = (Rng::new(0), Query::default());
    let caller = Caller::server();
    let attributes = AdmissionAttributes {
        operation: AdmissionOperation::Create,
        resource,
        subresource: "",
        namespace,
        name,
        old: &Value::Null,
        caller: &caller,
        now: Wall::from_seconds(0),
        dry_run: false,
        options: OperationOptions::Write(&query),
        rng: &rng,
        converter: &Nobody,
    };
    let object = value(r#"{"metadata":{"labels":{"x":"y"}}}"#);
    let written = WrittenObjects { object: &object, old: &Value::Null };
    let criteria = MatchCriteria::of_webhook(&value(criteria));
    match matches(world, &attributes, written, &criteria, &mut NamespaceLookup::default()) {
        Ok(Matching::Yes(matched)) => matched.resource.version.as_str().into(),
        Ok(Matching::No) => String::new(),
        Ok(Matching::Needs(_)) => "?".into(),
        Err(failure) => failure.message().into(),
    }
}

#[test]
fn criteria_concern_what_their_rules_and_selectors_say() {
    const MAPS: (&str, &str, &str) = ("", "v1", "configmaps");
    const V1: (&str, &str, &str) = ("autoscaling", "v1", "horizontalpodautoscalers");
    const SPACES: (&str, &str, &str) = ("", "v1", "namespaces");
    const NODES: (&str, &str, &str) = ("", "v1", "nodes");
    let all = "\"namespaceSelector\":{},\"objectSelector\":{}";
    let rule = |group: &str, version: &str, operation: &str, resource: &str, rest: &str| {
        alloc::format!(
            "{{\"rules\":[{{\"apiGroups\":[\"{group}\"],\"apiVersions\":[\"{version}\"],\"operations\":[\"{operation}\"],\
             \"resources\":[\"{resource}\"]{rest}}}]"
        )
    };
    let maps = rule("", "v1", "CREATE", "configmaps", "");
    let cases = [
        (alloc::format!("{maps},{all}}}"), MAPS, "on/m", "v1"),
        (alloc::format!("{},{all}}}", rule("*", "*", "*", "*/*", "")), MAPS, "on/m", "v1"),
        (alloc::format!("{},{all}}}", rule("*", "*", "*", "*", "")), NODES, "/n", "v1"),
        (alloc::format!("{},{all}}}", rule("", "v1", "UPDATE", "configmaps", "")), MAPS, "on/m", ""),
        (alloc::format!("{},{all}}}", rule("apps", "v1", "*", "configmaps", "")), MAPS, "on/m", ""),
        (alloc::format!("{},{all}}}", rule("", "v1", "*", "configmaps/status", "")), MAPS, "on/m", ""),
        (alloc::format!("{},{all}}}", rule("", "*", "*", "*", ",\"scope\":\"Cluster\"")), MAPS, "on/m", ""),
        (alloc::format!("{},{all}}}", rule("", "*", "*", "*", ",\"scope\":\"Cluster\"")), SPACES, "/s", "v1"),
        (
            alloc::format!("{},{all}}}", rule("", "*", "*", "*", ",\"scope\":\"Namespaced\"")),
            SPACES,
            "/s",
            "",
        ),
        (alloc::format!("{{{all}}}"), MAPS, "on/m", ""),
        (alloc::format!("{maps},\"objectSelector\":{{}}}}"), MAPS, "on/m", ""),
        (
            alloc::format!(
                "{maps},\"namespaceSelector\":{{\"matchLabels\":{{\"a\":\"b\"}}}},\"objectSelector\":{{}}}}"
            ),
            MAPS,
            "on/m",
            "v1",
        ),
        (
            alloc::format!(
                "{maps},\"namespaceSelector\":{{\"matchLabels\":{{\"a\":\"c\"}}}},\"objectSelector\":{{}}}}"
            ),
            MAPS,
            "on/m",
            "",
        ),
        (
            alloc::format!(
                "{maps},\"namespaceSelector\":{{\"matchLabels\":{{\"a\":\"b\"}}}},\"objectSelector\":{{}}}}"
            ),
            MAPS,
            "none/m",
            "?",
        ),
        (
            alloc::format!(
                "{maps},\"namespaceSelector\":{{}},\"objectSelector\":{{\"matchLabels\":{{\"x\":\"z\"}}}}}}"
            ),
            MAPS,
            "on/m",
            "",
        ),
        (
            alloc::format!("{},{all}}}", rule("autoscaling", "v2", "*", "horizontalpodautoscalers", "")),
            V1,
            "on/h",
            "",
        ),
        (
            alloc::format!(
                "{},{all},\"matchPolicy\":\"Equivalent\"}}",
                rule("autoscaling", "v2", "*", "horizontalpodautoscalers", "")
            ),
            V1,
            "on/h",
            "v2",
        ),
        (
            alloc::format!(
                "{},{all},\"matchPolicy\":\"Equivalent\"}}",
                rule("events.k8s.io", "v1", "*", "events", "")
            ),
            ("", "v1", "events"),
            "on/e",
            "v1",
        ),
    ];
    let world = world();
    for (criteria, resource, place, expected) in cases {
        assert_eq!(version(&world, &criteria, resource, place), expected, "{criteria} {resource:?}");
    }
}
