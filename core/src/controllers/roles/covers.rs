//! What rules of a policy allow that others do not.
//! k8s: staging/src/k8s.io/component-helpers/auth/rbac/validation/policy_comparator.go

use crate::controllers::plan::{map, texts};
use crate::value::Value;
use alloc::format;
use alloc::vec::Vec;

/// A rule that allows one verb on one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Atom<'r> {
    Resource {
        verb: &'r str,
        group: &'r str,
        resource: &'r str,
        /// None for objects of every name.
        name: Option<&'r str>,
    },
    Url {
        verb: &'r str,
        url: &'r str,
    },
}

/// The smallest rules of which the wanted ones consist and that no rule of the owner covers, as objects.
pub(super) fn missing(owner: &[Value], wanted: &[Value]) -> Vec<Value> {
    let atoms = wanted.iter().flat_map(atoms);
    atoms.filter(|atom| !owner.iter().any(|rule| covers(rule, *atom))).map(rule_of).collect()
}

fn words<'r>(rule: &'r Value, field: &str) -> impl Iterator<Item = &'r str> + Clone {
    rule.field(field).and_then(Value::as_list).unwrap_or_default().iter().filter_map(Value::as_str)
}

fn atoms(rule: &Value) -> Vec<Atom<'_>> {
    let mut atoms = Vec::new();
    for group in words(rule, "apiGroups") {
        for resource in words(rule, "resources") {
            for verb in words(rule, "verbs") {
                let mut names = words(rule, "resourceNames").peekable();
                if names.peek().is_none() {
                    atoms.push(Atom::Resource { verb, group, resource, name: None });
                }
                atoms.extend(names.map(|name| Atom::Resource { verb, group, resource, name: Some(name) }));
            }
        }
    }
    for url in words(rule, "nonResourceURLs") {
        atoms.extend(words(rule, "verbs").map(|verb| Atom::Url { verb, url }));
    }
    atoms
}

fn covers(rule: &Value, atom: Atom<'_>) -> bool {
    let has = |field: &str, word: &str| words(rule, field).any(|held| held == "*" || held == word);
    match atom {
        Atom::Resource { verb, group, resource, name } => {
            let mut names = words(rule, "resourceNames").peekable();
            let of_name = names.peek().is_none() || name.is_some_and(|name| names.any(|held| held == name));
            let of_all = resource.split_once('/').map(|(_, sub)| format!("*/{sub}"));
            let of_resource = has("resources", resource)
                || of_all.is_some_and(|of_all| words(rule, "resources").any(|held| held == of_all));
            has("verbs", verb) && has("apiGroups", group) && of_resource && of_name
        }
        Atom::Url { verb, url } => {
            let of_url = |held: &str| {
                held == url || held.ends_with('*') && url.starts_with(held.trim_end_matches('*'))
            };
            has("verbs", verb) && words(rule, "nonResourceURLs").any(of_url)
        }
    }
}

fn rule_of(atom: Atom<'_>) -> Value {
    match atom {
        Atom::Resource { verb, group, resource, name } => {
            let mut rule = map([
                ("verbs", texts([verb])),
                ("apiGroups", texts([group])),
                ("resources", texts([resource])),
            ]);
            if let Some(name) = name {
                rule.set("resourceNames", texts([name]));
            }
            rule
        }
        Atom::Url { verb, url } => map([("verbs", texts([verb])), ("nonResourceURLs", texts([url]))]),
    }
}
