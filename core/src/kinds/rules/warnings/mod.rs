//! What a client is warned of when it creates or changes an object: what several kinds share.
//! k8s: the `WarningsOnCreate` and `WarningsOnUpdate` of pkg/registry, pkg/api

pub(in crate::kinds) mod address;
pub(in crate::kinds) mod node_label;
pub(in crate::kinds) mod pod;
pub(in crate::kinds) mod schema;
pub(in crate::kinds) mod service;

mod container;
mod volume;

use crate::status::Path;
use crate::value::names;
use crate::value::quantity::Quantity;
use crate::value::{Value, object};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;

/// The items of a list, or nothing.
pub(in crate::kinds) fn items<'a>(value: &'a Value, place: &[&str]) -> &'a [Value] {
    value.at(place).and_then(Value::as_list).unwrap_or_default()
}

/// Something is at a place, and not null.
pub(in crate::kinds) fn is_set(value: &Value, place: &[&str]) -> bool {
    value.at(place).is_some_and(|held| !held.is_null())
}

/// The path of several members.
pub(in crate::kinds) fn path(names: &[&str]) -> Path {
    names.iter().fold(Path::root(), |path, name| path.child(name))
}

/// A name that becomes a part of the names of pods should be a DNS label.
pub(in crate::kinds) fn name_of_pods(value: &Value) -> Vec<String> {
    pod_name(value, "Pod names and hostnames")
}

fn pod_name(value: &Value, used_in: &str) -> Vec<String> {
    let problems = names::dns_label(object::name(value), false);
    if problems.is_empty() {
        return Vec::new();
    }
    let problems = problems.join(" ");
    alloc::vec![format!(
        "metadata.name: this is used in {used_in}, which can result in surprising behavior; a DNS label is \
         recommended: [{problems}]"
    )]
}

/// An amount of bytes that is no whole number.
pub(in crate::kinds) fn fractional(
    amounts: Option<&Value>,
    resource: &str,
    path: &Path,
    out: &mut Vec<String>,
) {
    let Some(amount) = amounts.and_then(|amounts| amounts.field(resource)) else { return };
    let Ok(amount) = Quantity::from_value(amount) else { return };
    let mut whole = amount.clone();
    whole.round_up(0);
    if whole.compare(&amount) != Ordering::Equal {
        let (path, text) = (path.key(resource), amount.canonical());
        out.push(format!("{path}: fractional byte value \"{text}\" is invalid, must be an integer"));
    }
}

/// The storage that a claim asks for.
/// k8s: pkg/api/persistentvolumeclaim/util.go
pub(in crate::kinds) fn claim_spec(spec: &Value, path: &Path, out: &mut Vec<String>) {
    for field in ["requests", "limits"] {
        let path = path.child("resources").child(field);
        fractional(spec.at(&["resources", field]), "storage", &path, out);
    }
}

/// The addresses of a load balancer, in the status of what it serves.
/// k8s: pkg/registry/core/service/strategy.go, networking/ingress/strategy.go
pub(in crate::kinds) fn load_balancer(value: &Value) -> Vec<String> {
    let mut out = Vec::new();
    let place = ["status", "loadBalancer", "ingress"];
    for (index, ingress) in items(value, &place).iter().enumerate() {
        address::ip(&path(&place).index(index), ingress.text_at(&["ip"]), &mut out);
    }
    out
}
