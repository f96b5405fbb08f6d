//! The flow schemas and priority levels that every cluster has. Those that are mandatory are always as they are here;
//! the others are as long as their annotation says so, or nobody has changed them.
//! k8s: pkg/registry/flowcontrol/ensurer, staging/src/k8s.io/apiserver/pkg/apis/flowcontrol/bootstrap/default.go

use super::plan::{Planner, map, texts};
use crate::job::{OwnChange, OwnWriter};
use crate::kinds::Kind;
use crate::value::{Value, object};
use crate::world::cache::Entry;
use alloc::sync::Arc;
use alloc::vec::Vec;

const GROUP: &str = "flowcontrol.apiserver.k8s.io";
const AUTOUPDATE: &str = "apf.kubernetes.io/autoupdate-spec";
const WRITER: OwnWriter<'static> =
    OwnWriter { manager: "api-priority-and-fairness-config-producer-v1", subresource: "" };

/// A priority level: its shares, the percentage of them that it lends, and its queues: their number, the size of a
/// hand, and the length of each.
struct Level {
    name: &'static str,
    shares: i64,
    lendable: i64,
    queues: Option<(i64, i64, i64)>,
}

const EXEMPT: &str = "exempt";
const CATCH_ALL: &str = "catch-all";

const fn level(name: &'static str, shares: i64, lendable: i64, queues: (i64, i64, i64)) -> Level {
    Level { name, shares, lendable, queues: Some(queues) }
}

const LEVELS: [Level; 8] = [
    level("system", 30, 33, (64, 6, 50)),
    level("node-high", 40, 25, (64, 6, 50)),
    level("leader-election", 10, 0, (16, 4, 50)),
    level("workload-high", 40, 50, (128, 6, 50)),
    level("workload-low", 100, 90, (128, 6, 50)),
    level("global-default", 20, 50, (128, 6, 50)),
    Level { name: EXEMPT, shares: 0, lendable: 0, queues: None },
    Level { name: CATCH_ALL, shares: 5, lendable: 0, queues: None },
];

/// A flow schema: the priority level and the precedence of the requests that it takes, by what flows are told apart,
/// and which requests it takes.
struct Schema {
    name: &'static str,
    level: &'static str,
    precedence: i64,
    distinguisher: &'static str,
    subjects: &'static [Subject],
    requests: Requests,
}

#[derive(Clone, Copy)]
enum Subject {
    User(&'static str),
    Group(&'static str),
    /// All service accounts of kube-system.
    SystemAccounts,
}

/// The requests that a flow schema takes.
#[derive(Clone, Copy)]
enum Requests {
    All,
    Probes,
    /// Verbs on leases.
    Leases,
    /// All about nodes and leases.
    NodesAndLeases,
}

const EVERYBODY: &[Subject] =
    &[Subject::Group("system:unauthenticated"), Subject::Group("system:authenticated")];

const SCHEMAS: [Schema; 11] = [
    schema("system-nodes", "system", 500, "ByUser", &[Subject::Group("system:nodes")], Requests::All),
    schema(
        "system-node-high",
        "node-high",
        400,
        "ByUser",
        &[Subject::Group("system:nodes")],
        Requests::NodesAndLeases,
    ),
    schema("probes", EXEMPT, 2, "", EVERYBODY, Requests::Probes),
    schema(
        "system-leader-election",
        "leader-election",
        100,
        "ByUser",
        &[
            Subject::User("system:kube-controller-manager"),
            Subject::User("system:kube-scheduler"),
            Subject::SystemAccounts,
        ],
        Requests::Leases,
    ),
    schema(
        "kube-controller-manager",
        "workload-high",
        800,
        "ByNamespace",
        &[Subject::User("system:kube-controller-manager")],
        Requests::All,
    ),
    schema(
        "kube-scheduler",
        "workload-high",
        800,
        "ByNamespace",
        &[Subject::User("system:kube-scheduler")],
        Requests::All,
    ),
    schema(
        "kube-system-service-accounts",
        "workload-high",
        900,
        "ByNamespace",
        &[Subject::SystemAccounts],
        Requests::All,
    ),
    schema(
        "service-accounts",
        "workload-low",
        9000,
        "ByUser",
        &[Subject::Group("system:serviceaccounts")],
        Requests::All,
    ),
    schema("global-default", "global-default", 9900, "ByUser", EVERYBODY, Requests::All),
    schema(EXEMPT, EXEMPT, 1, "", &[Subject::Group("system:masters")], Requests::All),
    schema(CATCH_ALL, CATCH_ALL, 10_000, "ByUser", EVERYBODY, Requests::All),
];

const fn schema(
    name: &'static str,
    level: &'static str,
    precedence: i64,
    distinguisher: &'static str,
    subjects: &'static [Subject],
    requests: Requests,
) -> Schema {
    Schema { name, level, precedence, distinguisher, subjects, requests }
}

pub(super) fn plan(planner: &mut Planner<'_>) {
    let Some(levels) = planner.kind(GROUP, "v1", "prioritylevelconfigurations") else { return };
    let Some(schemas) = planner.kind(GROUP, "v1", "flowschemas") else { return };
    for level in &LEVELS {
        keep(planner, levels, level.name, level_spec(level));
    }
    for schema in &SCHEMAS {
        keep(planner, schemas, schema.name, schema_spec(schema));
    }
    remove_unwanted(planner, schemas, |name| SCHEMAS.iter().any(|schema| schema.name == name));
    remove_unwanted(planner, levels, |name| LEVELS.iter().any(|level| level.name == name));
}

fn keep(planner: &mut Planner<'_>, kind: &Arc<Kind>, name: &str, mut spec: Value) {
    let Some(entry) = planner.held(kind, ("", name)) else {
        let mut object = map([("spec", spec)]);
        object::set_annotation(&mut object, AUTOUPDATE, "true");
        return planner.create(kind, ("", name), WRITER, object);
    };
    let mut value = entry.to_value();
    let updates = matches!(name, EXEMPT | CATCH_ALL) || updates_spec(&value);
    if updates {
        if let ("prioritylevelconfigurations", EXEMPT) = (kind.plural.as_str(), name) {
            // How much is lent to others may be chosen.
            for field in ["nominalConcurrencyShares", "lendablePercent"] {
                if let Some(held) = value.at(&["spec", "exempt", field]) {
                    spec.set_at(&["exempt", field], held.clone());
                }
            }
        }
        value.set("spec", spec);
    }
    if said(&value) != Some(updates) {
        object::set_annotation(&mut value, AUTOUPDATE, if updates { "true" } else { "false" });
    }
    planner.change(kind, entry, WRITER, OwnChange::Replace(value));
}

/// What the annotation says, if it says anything, as Go reads booleans.
fn said(object: &Value) -> Option<bool> {
    match object::annotation(object, AUTOUPDATE)? {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

/// Whether a suggested object is kept as it is here. One that says nothing, and whose spec was never changed, is.
fn updates_spec(object: &Value) -> bool {
    said(object).unwrap_or(object::generation(object) == 1)
}

/// Removes what a server of another version has made and would keep.
fn remove_unwanted(planner: &mut Planner<'_>, kind: &Arc<Kind>, is_wanted: impl Fn(&str) -> bool) {
    let Some(cache) = planner.all(kind) else { return };
    let entries = cache.entries().iter().map(|(_, held)| held.entry());
    let is_unwanted = |entry: &&Arc<Entry>| !is_wanted(entry.name()) && said(&entry.to_value()) == Some(true);
    let unwanted: Vec<_> = entries.filter(is_unwanted).collect();
    for entry in unwanted {
        planner.delete(kind, entry);
    }
}

fn level_spec(level: &Level) -> Value {
    let share = [
        ("nominalConcurrencyShares", Value::Int(level.shares)),
        ("lendablePercent", Value::Int(level.lendable)),
    ];
    if level.name == EXEMPT {
        return map([("type", "Exempt".into()), ("exempt", map(share))]);
    }
    let response = match level.queues {
        None => map([("type", "Reject".into())]),
        Some((queues, hand, length)) => {
            let queuing = map([
                ("queues", Value::Int(queues)),
                ("handSize", Value::Int(hand)),
                ("queueLengthLimit", Value::Int(length)),
            ]);
            map([("type", "Queue".into()), ("queuing", queuing)])
        }
    };
    let mut limited = map(share);
    limited.set("limitResponse", response);
    map([("type", "Limited".into()), ("limited", limited)])
}

fn schema_spec(schema: &Schema) -> Value {
    let subjects = schema.subjects.iter().map(|subject| match subject {
        Subject::User(name) => map([("kind", "User".into()), ("user", map([("name", (*name).into())]))]),
        Subject::Group(name) => map([("kind", "Group".into()), ("group", map([("name", (*name).into())]))]),
        Subject::SystemAccounts => {
            let account = map([("namespace", "kube-system".into()), ("name", "*".into())]);
            map([("kind", "ServiceAccount".into()), ("serviceAccount", account)])
        }
    });
    let mut rule = map([("subjects", Value::list(subjects.collect()))]);
    let all = ["*"];
    let (resources, urls) = match schema.requests {
        Requests::All => (alloc::vec![resources(&all, &all, &all, true)], Some((&all[..], &all[..]))),
        Requests::Probes => (Vec::new(), Some((&["get"][..], &["/healthz", "/readyz", "/livez"][..]))),
        Requests::Leases => {
            let verbs = ["get", "create", "update"];
            (alloc::vec![resources(&verbs, &["coordination.k8s.io"], &["leases"], false)], None)
        }
        Requests::NodesAndLeases => {
            let nodes = resources(&all, &[""], &["nodes", "nodes/status"], true);
            (alloc::vec![nodes, resources(&all, &["coordination.k8s.io"], &["leases"], false)], None)
        }
    };
    if !resources.is_empty() {
        rule.set("resourceRules", Value::list(resources));
    }
    if let Some((verbs, urls)) = urls {
        let list = |words: &[&str]| texts(words.iter().copied());
        let about = map([("verbs", list(verbs)), ("nonResourceURLs", list(urls))]);
        rule.set("nonResourceRules", Value::list(alloc::vec![about]));
    }
    let mut spec = map([
        ("priorityLevelConfiguration", map([("name", schema.level.into())])),
        ("matchingPrecedence", Value::Int(schema.precedence)),
        ("rules", Value::list(alloc::vec![rule])),
    ]);
    if !schema.distinguisher.is_empty() {
        spec.set_at(&["distinguisherMethod", "type"], schema.distinguisher.into());
    }
    spec
}

/// A rule about resources, in all namespaces, and (if it says so) outside of them.
fn resources(verbs: &[&str], groups: &[&str], resources: &[&str], cluster: bool) -> Value {
    let list = |words: &[&str]| texts(words.iter().copied());
    let mut rule = map([
        ("verbs", list(verbs)),
        ("apiGroups", list(groups)),
        ("resources", list(resources)),
        ("namespaces", list(&["*"])),
    ]);
    if cluster {
        rule.set("clusterScope", true.into());
    }
    rule
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_annotation_or_else_the_generation_says_whether_the_spec_is_kept() {
        let cases = [
            (Some("true"), 7, true),
            (Some("F"), 1, false),
            (Some("perhaps"), 1, true),
            (Some("perhaps"), 2, false),
            (None, 1, true),
            (None, 2, false),
        ];
        for (annotation, generation, expected) in cases {
            let mut object = Value::empty_map();
            object::set_generation(&mut object, generation);
            annotation.into_iter().for_each(|said| object::set_annotation(&mut object, AUTOUPDATE, said));
            assert_eq!(updates_spec(&object), expected, "{annotation:?} {generation}");
        }
    }

    #[test]
    fn every_schema_names_a_level_and_names_are_given_once() {
        for schema in &SCHEMAS {
            assert!(LEVELS.iter().any(|level| level.name == schema.level), "{}", schema.name);
            assert_eq!(SCHEMAS.iter().filter(|other| other.name == schema.name).count(), 1);
        }
    }
}
