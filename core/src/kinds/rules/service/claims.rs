//! What a service takes when it is written and gives back when it goes: addresses, node ports, and the Endpoints of
//! its name.
//! k8s: pkg/registry/core/service/storage/storage.go beginCreate, beginUpdate, afterDelete

use super::kind::{has_health_port, has_node_ports, is_external_name};
use super::{addresses, families, node_ports};
use crate::kinds::{ClaimChange, ClaimPlace, ClaimRules, Claims, Facts};
use crate::rng::Rng;
use crate::status::{Causes, Failure, Qualified};
use crate::value::{Value, object};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec;

pub(super) const RULES: ClaimRules = ClaimRules { take, release };

fn take(service: &mut Value, facts: &Facts<'_>, rng: &Rng) -> Result<Claims, Failure> {
    if service.field("spec").is_none_or(Value::is_null) {
        service.set("spec", Value::empty_map());
    }
    let old = facts.old.field("spec").filter(|_| !facts.is_create());
    if let (Some(old), Some(spec)) = (old, service.field_mut("spec")) {
        keep_allocated(spec, old);
    }
    if let Some(spec) = service.field_mut("spec") {
        match_addresses(spec, old);
    }
    families::complete(service, facts)?;
    let mut claims = Claims::default();
    addresses::take(service, facts, rng, &mut claims)?;
    node_ports::take(service, facts, rng, &mut claims)?;
    Ok(claims)
}

fn release(service: &Value, facts: &Facts<'_>) -> Claims {
    let mut claims = Claims::default();
    let (namespace, name) = (object::namespace(service), object::name(service));
    let place = ClaimPlace { group: "", plural: "endpoints", namespace: namespace.into(), name: name.into() };
    let endpoints = facts.objects.get("", "endpoints", namespace, name);
    if let Some(endpoints) = endpoints.filter(|held| object::finalizers(held).next().is_none()) {
        claims.add(place, Some(&endpoints), ClaimChange::Delete);
    }
    addresses::release(service, facts, &mut claims);
    node_ports::release(service, facts, &mut claims);
    claims
}

/// The refusal of a service.
pub(super) fn invalid(service: &Value, causes: Causes) -> Failure {
    Failure::invalid(Qualified { group: "", name: "Service" }, object::name(service), causes)
}

/// A client that leaves out what was allocated means to keep it.
/// k8s: pkg/registry/core/service/storage/storage.go patchAllocatedValues
fn keep_allocated(spec: &mut Value, old: &Value) {
    if !is_external_name(old) && !is_external_name(spec) {
        if spec.text_at(&["clusterIP"]).is_empty() {
            spec.take(old, &["clusterIP"]);
        }
        if is_empty_list(spec, "clusterIPs") && !is_empty_list(old, "clusterIPs") {
            spec.take(old, &["clusterIPs"]);
        }
    }
    if has_node_ports(old) && has_node_ports(spec) {
        keep_node_ports(spec, old);
    }
    if has_health_port(old) && has_health_port(spec) && number(spec, "healthCheckNodePort") == 0 {
        spec.take(old, &["healthCheckNodePort"]);
    }
}

/// A port gets the node port of the old one of its name, if no other has taken it over.
fn keep_node_ports(spec: &mut Value, old: &Value) {
    let ports = |spec: &Value| spec.field("ports").and_then(Value::as_list).unwrap_or_default().to_vec();
    let held = ports(old);
    let numbers = |ports: &[Value]| -> BTreeSet<i64> {
        ports.iter().map(|port| number(port, "nodePort")).filter(|number| *number != 0).collect()
    };
    let used: BTreeSet<i64> = numbers(&held).intersection(&numbers(&ports(spec))).copied().collect();
    let by_name: BTreeMap<&str, i64> =
        held.iter().map(|port| (port.text_at(&["name"]), number(port, "nodePort"))).collect();
    for port in spec.field_mut("ports").and_then(Value::as_list_mut).into_iter().flatten() {
        if number(port, "nodePort") != 0 {
            continue;
        }
        let kept = by_name.get(port.text_at(&["name"])).copied().unwrap_or(0);
        if kept != 0 && !used.contains(&kept) {
            port.set("nodePort", Value::Int(kept));
        }
    }
}

/// Makes the list of addresses match the single address, which old clients write alone.
/// k8s: pkg/registry/core/service/storage/storage.go normalizeClusterIPs
fn match_addresses(spec: &mut Value, old: Option<&Value>) {
    let address = Value::str(spec.text_at(&["clusterIP"]));
    let is_unset = spec.text_at(&["clusterIP"]).is_empty();
    let Some(old) = old else {
        if !is_unset && is_empty_list(spec, "clusterIPs") {
            spec.set("clusterIPs", vec![address].into());
        }
        return;
    };
    let is_same = spec.text_at(&["clusterIP"]) == old.text_at(&["clusterIP"]);
    if !is_empty_list(old, "clusterIPs") && is_empty_list(spec, "clusterIPs") && is_same {
        spec.take(old, &["clusterIPs"]);
    }
    if is_same || list(spec, "clusterIPs") != list(old, "clusterIPs") {
        return;
    }
    if is_unset {
        spec.remove_at(&["clusterIPs"]);
    } else {
        spec.set("clusterIPs", vec![address].into());
    }
}

pub(super) fn list<'a>(spec: &'a Value, field: &str) -> &'a [Value] {
    spec.field(field).and_then(Value::as_list).unwrap_or_default()
}

fn is_empty_list(spec: &Value, field: &str) -> bool {
    list(spec, field).is_empty()
}

/// The number of a field that is no pointer in Go.
pub(super) fn number(of: &Value, field: &str) -> i64 {
    of.field(field).and_then(Value::as_int).unwrap_or(0)
}
