//! Roles, bindings and requests drawn at random: what the index decides is what a plain reading of all roles and
//! bindings says.

use super::{Attributes, Decision, Selecting, decide};
use crate::caller::Caller;
use crate::codec::json;
use crate::config::{Authorizer, Config};
use crate::kinds::Registry;
use crate::store::{Batch, Event, EventType, Feed, KeyValue, LeaseId, Rev};
use crate::value::Value;
use crate::world::World;
use crate::world::indexes::Indexes;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use proptest::prelude::*;
use std::sync::OnceLock;

/// The registry takes long to make.
static REGISTRY: OnceLock<Arc<Registry>> = OnceLock::new();

/// The objects by key: all that the plain reading looks at.
type Objects = BTreeMap<String, Value>;

/// A change of an object: its key, and what it becomes; None when it is deleted.
type Change = (String, Option<String>);

fn list(items: &[&str]) -> String {
    let quoted: Vec<String> = items.iter().map(|item| format!("\"{item}\"")).collect();
    format!("[{}]", quoted.join(","))
}

fn some_of(words: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
    prop::collection::vec(prop::sample::select(words), 0..3)
}

fn rule() -> impl Strategy<Value = String> {
    let resources =
        some_of(&["pods", "secrets", "pods/log", "*/log", "*", "*/*", "po*"]).prop_map(|words| list(&words));
    let urls = some_of(&["/healthz", "/healthz*", "/healthz/*", "*", "/a*b", "/livez**"]);
    (
        some_of(&["get", "list", "*", "GET"]),
        some_of(&["", "apps", "*"]),
        resources,
        some_of(&["x", "y"]),
        urls,
    )
        .prop_map(|(verbs, groups, resources, names, urls)| {
            format!(
                r#"{{"verbs":{},"apiGroups":{},"resources":{resources},"resourceNames":{},"nonResourceURLs":{}}}"#,
                list(&verbs),
                list(&groups),
                list(&names),
                list(&urls)
            )
        })
}

fn subject() -> impl Strategy<Value = String> {
    let kind = prop::sample::select(vec!["User", "Group", "ServiceAccount", "Robot"]);
    let name = prop::sample::select(vec!["u", "g", "s", "system:serviceaccount:a:s"]);
    let namespace = prop::sample::select(vec!["", "a", "b"]);
    (kind, name, namespace).prop_map(|(kind, name, namespace)| {
        format!(r#"{{"kind":"{kind}","name":"{name}","namespace":"{namespace}"}}"#)
    })
}

fn change() -> impl Strategy<Value = Change> {
    let body = prop_oneof![
        prop::collection::vec(rule(), 0..3)
            .prop_map(|rules| (true, format!("\"rules\":[{}]", rules.join(",")))),
        (
            prop::sample::select(vec!["Role", "ClusterRole", "Pod"]),
            prop::sample::select(vec!["r", "s", "t"]),
            prop::collection::vec(subject(), 0..3)
        )
            .prop_map(|(kind, name, subjects)| {
                let reference = format!(r#"{{"kind":"{kind}","name":"{name}"}}"#);
                (false, format!("\"roleRef\":{reference},\"subjects\":[{}]", subjects.join(",")))
            }),
    ];
    let place = prop::sample::select(vec!["", "a", "b"]);
    let name = prop::sample::select(vec!["r", "s"]);
    (place, name, body, 0..5).prop_map(|(namespace, name, (is_role, body), chance)| {
        let plural = match (is_role, namespace.is_empty()) {
            (true, true) => "clusterroles",
            (true, false) => "roles",
            (false, true) => "clusterrolebindings",
            (false, false) => "rolebindings",
        };
        let slash = if namespace.is_empty() { "" } else { "/" };
        let key = format!("/registry/{plural}/{namespace}{slash}{name}");
        let object = format!(r#"{{"metadata":{{"namespace":"{namespace}","name":"{name}"}},{body}}}"#);
        (key, (chance > 0).then_some(object))
    })
}

/// A request: the caller's name and groups, the verb, then group, resource, subresource, namespace and name, or a path.
type Request = (&'static str, Vec<&'static str>, &'static str, bool, [&'static str; 5], &'static str);

fn request() -> impl Strategy<Value = Request> {
    let word = |words: &'static [&'static str]| prop::sample::select(words);
    (
        word(&["u", "g", "s", "system:serviceaccount:a:s", "system:serviceaccount:b:s"]),
        some_of(&["g", "u", "h"]),
        word(&["get", "list", "GET", "delete"]),
        any::<bool>(),
        [
            word(&["", "apps"]),
            word(&["pods", "secrets"]),
            word(&["", "log", "status"]),
            word(&["", "a", "b", "c"]),
            word(&["", "x", "y"]),
        ],
        word(&["/healthz", "/healthz/etcd", "/livez", "/a*b", "/"]),
    )
}

fn apply(world: &mut World, objects: &mut Objects, (key, object): &Change, revision: u64) {
    let revision = Rev(revision);
    let kv = KeyValue {
        key: key.clone().into(),
        value: object.clone().unwrap_or_default().into(),
        create_revision: revision,
        mod_revision: revision,
        version: 1,
        lease: LeaseId(0),
    };
    let kind = if object.is_some() { EventType::Put } else { EventType::Delete };
    let events = alloc::vec![Event { kind, kv, previous: None }];
    world.apply(Batch { feed: Feed(0), events, revision }.into(), &mut Vec::new());
    match object {
        Some(text) => drop(objects.insert(key.clone(), json::parse(text.as_bytes()).expect("JSON").value)),
        None => drop(objects.remove(key)),
    }
}

fn texts<'a>(value: &'a Value, member: &str) -> Vec<&'a str> {
    let listed = value.at(&[member]).and_then(Value::as_list).unwrap_or_default();
    listed.iter().filter_map(Value::as_str).collect()
}

/// Whether a subject is the caller, read as upstream's documentation says.
fn is_caller(subject: &Value, namespace: &str, caller: &Caller) -> bool {
    let name = subject.text_at(&["name"]);
    let named = subject.text_at(&["namespace"]);
    let place = if named.is_empty() { namespace } else { named };
    match subject.text_at(&["kind"]) {
        "User" => caller.name == name,
        "Group" => caller.groups.iter().any(|group| group == name),
        "ServiceAccount" => {
            !place.is_empty() && caller.name == *format!("system:serviceaccount:{place}:{name}")
        }
        _ => false,
    }
}

fn rule_allows(rule: &Value, asked: &Attributes<'_>) -> bool {
    let has = |member: &str, word: &str| texts(rule, member).iter().any(|held| *held == word || *held == "*");
    if !asked.is_resource {
        let covers = |url: &&str| match url.strip_suffix('*') {
            Some(prefix) => asked.path.starts_with(prefix.trim_end_matches('*')),
            None => *url == asked.path,
        };
        return has("verbs", asked.verb) && texts(rule, "nonResourceURLs").iter().any(covers);
    }
    let names = texts(rule, "resourceNames");
    let resource = match asked.subresource {
        "" => has("resources", asked.resource),
        sub => {
            has("resources", &format!("{}/{sub}", asked.resource)) || has("resources", &format!("*/{sub}"))
        }
    };
    has("verbs", asked.verb)
        && has("apiGroups", asked.group)
        && resource
        && (names.is_empty() || names.contains(&asked.name))
}

/// The keys of the bindings that allow a request, and whether a role of the caller's bindings is missing.
fn plainly(objects: &Objects, asked: &Attributes<'_>) -> (Vec<String>, bool) {
    let (mut allowing, mut is_missing) = (Vec::new(), false);
    for (key, binding) in objects {
        let Some((plural, rest)) = key.trim_start_matches("/registry/").split_once('/') else { continue };
        let namespace = rest.split_once('/').map_or("", |(namespace, _)| namespace);
        let counts = match plural {
            "clusterrolebindings" => true,
            "rolebindings" => namespace == asked.namespace,
            _ => false,
        };
        let subjects = binding.at(&["subjects"]).and_then(Value::as_list).unwrap_or_default();
        if !counts || !subjects.iter().any(|subject| is_caller(subject, namespace, asked.user)) {
            continue;
        }
        let name = binding.text_at(&["roleRef", "name"]);
        let role = match binding.text_at(&["roleRef", "kind"]) {
            "ClusterRole" => objects.get(&format!("/registry/clusterroles/{name}")),
            "Role" => objects.get(&format!("/registry/roles/{namespace}/{name}")),
            _ => None,
        };
        let Some(role) = role else {
            is_missing = true;
            continue;
        };
        let rules = role.at(&["rules"]).and_then(Value::as_list).unwrap_or_default();
        if rules.iter().any(|rule| rule_allows(rule, asked)) {
            let kind = if namespace.is_empty() { "ClusterRoleBinding" } else { "RoleBinding" };
            let place = if namespace.is_empty() { String::new() } else { format!("/{namespace}") };
            allowing.push(format!("{kind} \"{}{place}\" of ", binding.text_at(&["metadata", "name"])));
        }
    }
    (allowing, is_missing)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn the_index_decides_as_a_plain_reading_does(
        changes in prop::collection::vec(change(), 0..14),
        requests in prop::collection::vec(request(), 1..20),
    ) {
        let config = Config { authorization: alloc::vec![Authorizer::Rbac], ..Config::open(1) };
        let registry = REGISTRY.get_or_init(|| Arc::new(Registry::builtin()));
        let mut world = World::new(Arc::new(config), registry.clone());
        let mut objects = Objects::new();
        for (revision, change) in (1..).zip(&changes) {
            apply(&mut world, &mut objects, change, revision);
        }
        prop_assert_eq!(world.indexes(), &Indexes::rebuild(&world));
        for (name, groups, verb, is_resource, [group, resource, subresource, namespace, object], path) in requests {
            let user = Caller {
                name: name.into(),
                uid: "".into(),
                groups: groups.into_iter().map(Into::into).collect(),
                extra: Vec::new(),
            };
            let asked = Attributes {
                user: &user,
                verb,
                is_resource,
                group,
                version: "v1",
                resource,
                subresource,
                namespace,
                name: object,
                path,
                field_selector: Selecting::All,
                label_selector: Selecting::All,
            };
            let (allowing, is_missing) = plainly(&objects, &asked);
            match decide(&world, asked) {
                Decision::Allowed(permit) => {
                    let reason = permit.reason();
                    let told = reason.strip_prefix("RBAC: allowed by ").unwrap_or_default();
                    prop_assert!(allowing.iter().any(|binding| told.starts_with(binding)), "{reason}: {allowing:?}");
                }
                Decision::NoOpinion(why) => {
                    prop_assert!(allowing.is_empty(), "{allowing:?} allow {asked:?}");
                    prop_assert_eq!(!why.reason.is_empty(), is_missing, "{}", why.reason);
                }
                other => prop_assert!(false, "{other:?}"),
            }
        }
    }
}
