//! Every built-in resource, one row each: what the group serves, where it is stored, whose rules it follows.
//!
//! The rows stand in the files below, by family; this file joins them in discovery order.

mod access;
mod core;
mod internal;
mod networking;
mod workloads;

use super::columns::GENERIC;
use super::{Row, RowSub, Rules, Scope, SubKind, Verb, columns, convert, fields, rules};

/// In discovery order: groups by priority, then resources by name.
/// k8s: pkg/controlplane/apiserver/aggregator.go apiVersionPriorities
pub static ROWS: &[Row] = &JOINED;

const GROUPS: &[&[Row]] = &[
    core::CORE,
    access::APIREGISTRATION,
    workloads::APPS,
    networking::EVENTS,
    access::AUTHENTICATION,
    access::AUTHORIZATION,
    workloads::AUTOSCALING,
    workloads::BATCH,
    access::CERTIFICATES,
    networking::NETWORKING,
    workloads::POLICY,
    access::RBAC,
    networking::STORAGE,
    access::ADMISSIONREGISTRATION,
    access::APIEXTENSIONS,
    workloads::SCHEDULING,
    workloads::COORDINATION,
    workloads::NODE,
    networking::DISCOVERY,
    workloads::RESOURCE,
    access::FLOWCONTROL,
    internal::INTERNAL,
];

const COUNT: usize = {
    let (mut count, mut group) = (0, 0);
    while group < GROUPS.len() {
        count += GROUPS[group].len();
        group += 1;
    }
    count
};

static JOINED: [Row; COUNT] = {
    let mut joined = [BASE; COUNT];
    let (mut at, mut group) = (0, 0);
    while group < GROUPS.len() {
        let mut row = 0;
        while row < GROUPS[group].len() {
            joined[at] = GROUPS[group][row];
            at += 1;
            row += 1;
        }
        group += 1;
    }
    joined
};

/// What a row leaves out: a namespaced resource of core/v1 with every verb.
const BASE: Row = Row {
    group: "",
    version: "v1",
    kind: "",
    plural: "",
    singular: "",
    scope: Scope::Namespaced,
    verbs: ALL,
    short: &[],
    categories: &[],
    prefix: "",
    type_name: "",
    storage_version_hash: "",
    stored_as: None,
    conversion: None,
    subs: &[],
    rules: &Rules::PLAIN,
    fields: &[],
    columns: &GENERIC,
    deprecation: "",
    internal: false,
};

const ALL: &[Verb] = &[
    Verb::Create,
    Verb::Delete,
    Verb::DeleteCollection,
    Verb::Get,
    Verb::List,
    Verb::Patch,
    Verb::Update,
    Verb::Watch,
];
const NAMESPACE_VERBS: &[Verb] =
    &[Verb::Create, Verb::Delete, Verb::Get, Verb::List, Verb::Patch, Verb::Update, Verb::Watch];
const CREATE: &[Verb] = &[Verb::Create];
const GET: &[Verb] = &[Verb::Get];
const GET_LIST: &[Verb] = &[Verb::Get, Verb::List];
const UPDATE: &[Verb] = &[Verb::Update];
/// A window on the object: status, scale and their like.
const WINDOW: &[Verb] = &[Verb::Get, Verb::Patch, Verb::Update];
/// A connection that is upgraded.
const STREAM: &[Verb] = &[Verb::Create, Verb::Get];
const PROXY: &[Verb] = &[Verb::Create, Verb::Delete, Verb::Get, Verb::Patch, Verb::Update];

const fn sub(
    name: &'static str,
    action: SubKind,
    kind: &'static str,
    foreign: Option<(&'static str, &'static str)>,
    verbs: &'static [Verb],
) -> RowSub {
    RowSub { name, action, kind, foreign, verbs }
}

/// The status of a kind, by the kind's name.
const fn status(kind: &'static str) -> RowSub {
    sub("status", SubKind::Status, kind, None, WINDOW)
}

const SCALE: RowSub = sub("scale", SubKind::Scale, "Scale", Some(("autoscaling", "v1")), WINDOW);

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;
    use alloc::format;

    #[test]
    fn every_resource_of_the_release_has_a_row() {
        assert_eq!(ROWS.iter().filter(|row| !row.internal).count(), 68);
        assert_eq!(ROWS.iter().map(|row| row.subs.len()).sum::<usize>(), 45);
        let names: BTreeSet<_> = ROWS.iter().map(|row| (row.group, row.version, row.plural)).collect();
        assert_eq!(names.len(), ROWS.len());
    }

    #[test]
    fn rows_are_complete() {
        let catalogue = crate::schema::catalogue();
        let mut prefixes = BTreeSet::new();
        for row in ROWS {
            let id = format!("{} of {}/{}", row.plural, row.group, row.version);
            assert!(catalogue.type_named(row.type_name).is_some(), "{id}: no type {}", row.type_name);
            assert_eq!(row.kind.to_lowercase(), row.singular, "{id}");
            assert!(row.verbs.is_sorted(), "{id}: verbs");
            assert!(row.subs.is_sorted_by_key(|sub| sub.name), "{id}: subresources");
            assert!(row.subs.iter().all(|sub| sub.verbs.is_sorted()), "{id}: verbs of a subresource");
            let listed = row.verbs.contains(&Verb::Watch);
            assert_eq!(row.prefix.is_empty(), !listed && !row.internal, "{id}: what is watched is stored");
            assert_eq!(row.storage_version_hash.is_empty(), !listed, "{id}: storage version hash");
            if listed {
                let list = format!("{}List", row.type_name);
                assert!(catalogue.type_named(&list).is_some(), "{id}: no type {list}");
            }
            if !row.prefix.is_empty() && row.stored_as.is_none() {
                assert!(prefixes.insert(row.prefix), "{id}: prefix {}", row.prefix);
            }
        }
    }

    /// What the kinds whose names are no RFC 1123 subdomains make of `No_Such` and of `a.b`: the start of the
    /// sentence, or nothing.
    const NAMES: &[(&str, &str, &str)] = &[
        ("namespaces", "a lowercase RFC 1123 label", "must not contain dots"),
        ("statefulsets", "a lowercase RFC 1123 label", "must not contain dots"),
        ("services", "a lowercase RFC 1123 label", "must not contain dots"),
        ("ipaddresses", "must be a valid IP address", "must be a valid IP address"),
        ("roles", "", ""),
        ("rolebindings", "", ""),
        ("clusterroles", "", ""),
        ("clusterrolebindings", "", ""),
        ("certificatesigningrequests", "", ""),
        ("apiservices", "", ""),
        ("customresourcedefinitions", "", ""),
    ];

    #[test]
    fn every_kind_validates_names_as_upstream() {
        for row in ROWS.iter().filter(|row| !row.prefix.is_empty() && row.prefix != "events") {
            let special = NAMES.iter().find(|(plural, _, _)| *plural == row.plural);
            let (bad, dotted) =
                special.map_or(("a lowercase RFC 1123 subdomain", ""), |(_, bad, dotted)| (*bad, *dotted));
            for (name, sentence) in [("No_Such", bad), ("a.b", dotted)] {
                let problems = (row.rules.name)(name, false);
                let got = problems.first().map_or("", |problem| problem.as_str());
                assert!(
                    got.starts_with(sentence) && got.is_empty() == sentence.is_empty(),
                    "{}: {got}",
                    row.plural
                );
            }
        }
    }

    #[test]
    fn resources_stand_in_discovery_order() {
        for pair in ROWS
            .windows(2)
            .filter(|pair| (pair[0].group, pair[0].version) == (pair[1].group, pair[1].version))
        {
            assert!(pair[0].plural < pair[1].plural, "{} before {}", pair[0].plural, pair[1].plural);
        }
    }

    #[test]
    fn shared_storage_is_stored_once() {
        for row in ROWS.iter().filter(|row| row.stored_as.is_some()) {
            let holder = ROWS.iter().find(|other| {
                Some((other.group, other.version)) == row.stored_as && other.prefix == row.prefix
            });
            assert!(holder.is_some_and(|holder| holder.stored_as.is_none()), "{}", row.plural);
            assert!(row.conversion.is_some(), "{}", row.plural);
        }
    }
}
