//! What a client is warned of when it creates or changes an object: what several kinds share.
//! k8s: the `WarningsOnCreate` and `WarningsOnUpdate` of pkg/registry, pkg/api

pub(super) mod address;
pub(super) mod node_label;

use crate::kinds::Facts;
use crate::kinds::validation::Located;
use crate::value::names;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;

/// The update is one that counts as a new generation.
pub(super) fn is_new_generation(object: &Located<'_, '_>, facts: &Facts<'_>) -> bool {
    let old = Located::root(facts.old);
    object.at(&["metadata", "generation"]).int() != old.at(&["metadata", "generation"]).int()
}

/// A name that becomes a part of the names of pods should be a DNS label.
pub(super) fn name_of_pods(object: &Located<'_, '_>, warnings: &mut Vec<String>) {
    name_used_in(object, "Pod names and hostnames", warnings);
}

/// A name that is used where only a DNS label works everywhere.
pub(super) fn name_used_in(object: &Located<'_, '_>, used_in: &str, warnings: &mut Vec<String>) {
    let name = object.at(&["metadata", "name"]);
    let problems = names::dns_label(name.text(), false);
    if !problems.is_empty() {
        let problems = problems.join(" ");
        warnings.push(format!(
            "{name}: this is used in {used_in}, which can result in surprising behavior; a DNS label is recommended: \
             [{problems}]"
        ));
    }
}

/// An amount of bytes, among the amounts of resources, that is no whole number.
pub(super) fn fractional(amounts: &Located<'_, '_>, resource: &str, warnings: &mut Vec<String>) {
    let held = amounts.key(resource);
    let Some(amount) = held.quantity() else { return };
    let mut whole = amount.clone();
    whole.round_up(0);
    if whole.compare(&amount) != Ordering::Equal {
        let text = amount.canonical();
        warnings.push(format!("{held}: fractional byte value \"{text}\" is invalid, must be an integer"));
    }
}

/// The storage that the spec of a claim asks for.
/// k8s: pkg/api/persistentvolumeclaim/util.go
pub(super) fn claim_spec(spec: &Located<'_, '_>, warnings: &mut Vec<String>) {
    let resources = spec.member("resources");
    for field in ["requests", "limits"] {
        fractional(&resources.member(field), "storage", warnings);
    }
}

/// The addresses of a load balancer, in the status of what it serves.
/// k8s: pkg/registry/core/service/strategy.go, networking/ingress/strategy.go
pub(super) fn load_balancer(object: &Located<'_, '_>, _facts: &Facts<'_>, warnings: &mut Vec<String>) {
    for ingress in object.at(&["status", "loadBalancer", "ingress"]).items() {
        address::ip(&ingress, ingress.member("ip").text(), warnings);
    }
}
