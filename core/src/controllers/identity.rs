//! The lease that shows that this server lives, and the removal of those of servers that are gone.
//! k8s: pkg/controlplane/apiserver/server.go, staging/src/k8s.io/component-helpers/apimachinery/lease/controller.go,
//! pkg/controlplane/controller/apiserverleasegc/gc_controller.go

use super::plan::{Planner, map};
use crate::job::{OwnChange, OwnWriter};
use crate::now::Wall;
use crate::rng::Rng;
use crate::value::{Value, object};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

const NAMESPACE: &str = "kube-system";
const COMPONENT_LABEL: &str = "apiserver.kubernetes.io/identity";
const COMPONENT: &str = "kube-apiserver";
const DURATION_SECONDS: i64 = 3600;

pub(super) fn plan(planner: &mut Planner<'_>) {
    let held = &planner.config().control_plane;
    let Some(kind) = planner.kind("coordination.k8s.io", "v1", "leases").filter(|_| !held.id.is_empty())
    else {
        return;
    };
    let place = (NAMESPACE, &*held.id);
    let entry = planner.held(kind, place);
    if planner.is_leaving() {
        entry.into_iter().for_each(|entry| planner.delete(kind, entry));
        return;
    }
    let holder = holder(planner);
    match entry {
        None => {
            let mut lease = map([("spec", map([("holderIdentity", holder.into())]))]);
            renew(planner, &mut lease);
            planner.create(kind, place, OwnWriter::SERVER, lease);
        }
        Some(entry) if planner.occasion.is_first => {
            // What an earlier server of this name has left would lead others to it.
            if entry.to_value().text_at(&["spec", "holderIdentity"]) != holder {
                planner.delete(kind, entry);
            }
        }
        Some(entry) if planner.occasion.is_beat => {
            let mut lease = entry.to_value();
            renew(planner, &mut lease);
            planner.change(kind, entry, OwnWriter::SERVER, OwnChange::Replace(lease));
        }
        Some(_) => {}
    }
}

/// The identity of this process: no other one, on this host or another, has the same.
fn holder(planner: &Planner<'_>) -> String {
    let config = planner.config();
    let process = Rng::new(config.seed).fork("identity", 0).uuid();
    format!("{}_{process}", config.control_plane.id)
}

fn renew(planner: &Planner<'_>, lease: &mut Value) {
    let held = &planner.config().control_plane;
    lease.set_at(&["spec", "leaseDurationSeconds"], Value::Int(DURATION_SECONDS));
    lease.set_at(&["spec", "renewTime"], planner.now.wall.rfc3339_micro().into());
    object::set_label(lease, COMPONENT_LABEL, COMPONENT);
    object::set_label(lease, "kubernetes.io/hostname", &held.host_name);
    if !held.peer_address.is_empty() {
        object::set_annotation(lease, "kubernetes.io/peer-advertise-address", &held.peer_address);
    }
}

/// Removes the leases of servers that have not renewed them for as long as they last.
pub(super) fn plan_collection(planner: &mut Planner<'_>) {
    let Some(kind) = planner.kind("coordination.k8s.io", "v1", "leases") else { return };
    if planner.config().control_plane.id.is_empty() || !planner.occasion.is_beat {
        return;
    }
    let Some(cache) = planner.all(kind) else { return };
    let prefix = kind.storage.and_then(|storage| planner.world.collection(storage));
    let Some(prefix) = prefix.map(|collection| collection.keys.key(NAMESPACE, "apiserver-")) else { return };
    let of_namespace = cache.entries().prefix(&prefix).map(|(_, held)| held.entry());
    let now = planner.now.wall;
    let expired: Vec<_> = of_namespace.filter(|entry| is_expired(&entry.to_value(), now)).collect();
    for entry in expired {
        planner.delete(kind, entry);
    }
}

/// A lease of a server without a time or a duration is not one that a server keeps.
fn is_expired(lease: &Value, now: Wall) -> bool {
    if object::label(lease, COMPONENT_LABEL) != Some(COMPONENT) {
        return false;
    }
    let renewed = Wall::parse_rfc3339(lease.text_at(&["spec", "renewTime"]));
    let seconds = lease.at(&["spec", "leaseDurationSeconds"]).and_then(Value::as_int);
    match (renewed, seconds) {
        (Some(renewed), Some(seconds)) => renewed.0.saturating_add(seconds.saturating_mul(1_000_000)) < now.0,
        (None, _) | (_, None) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_expires_after_its_duration_and_only_if_it_is_a_servers() {
        let lease = |label: &str, renewed: &str, seconds: Option<i64>| {
            let mut lease = Value::empty_map();
            object::set_label(&mut lease, COMPONENT_LABEL, label);
            if !renewed.is_empty() {
                lease.set_at(&["spec", "renewTime"], renewed.into());
            }
            if let Some(seconds) = seconds {
                lease.set_at(&["spec", "leaseDurationSeconds"], Value::Int(seconds));
            }
            lease
        };
        let now = Wall::parse_rfc3339("2026-11-29T12:00:10Z").expect("a time");
        let cases = [
            ("kube-apiserver", "2026-11-29T12:00:00.000000Z", Some(10), false),
            ("kube-apiserver", "2026-11-29T11:59:59.999999Z", Some(10), true),
            ("other", "2026-11-29T11:59:00.000000Z", Some(10), false),
            ("kube-apiserver", "", Some(10), true),
            ("kube-apiserver", "2026-11-29T12:00:00.000000Z", None, true),
        ];
        for (label, renewed, seconds, expected) in cases {
            assert_eq!(is_expired(&lease(label, renewed, seconds), now), expected, "{label} {renewed}");
        }
    }
}
