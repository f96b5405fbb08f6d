//! The node ports of a service, and the one at which its load balancer asks whether a node has endpoints.
//! k8s: pkg/registry/core/service/storage/alloc.go

use super::super::allocation::port_operation::PortOperation;
use super::claims::{invalid, list, number};
use super::kind::{has_health_port, has_node_ports, may_have_node_ports};
use super::strategy::node_ports;
use crate::kinds::validation::{Errors, Located};
use crate::kinds::{Claims, Facts};
use crate::rng::Rng;
use crate::status::Failure;
use crate::value::Value;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;

/// Takes the ports that a service needs and does not have, and gives back those that it had and does not need.
///
/// # Errors
/// 422 for a port that it cannot have, 500 when no port is left.
pub(super) fn take(
    service: &mut Value,
    facts: &Facts<'_>,
    rng: &Rng,
    claims: &mut Claims,
) -> Result<(), Failure> {
    let spec = service.field("spec").cloned().unwrap_or_default();
    let old = facts.old.field("spec").filter(|_| !facts.is_create());
    let held = |spec: &Value| may_have_node_ports(spec) || has_health_port(spec);
    if !held(&spec) && !old.is_some_and(held) {
        return Ok(());
    }
    let mut ports = PortOperation::start(facts, rng)?;
    match old {
        None if may_have_node_ports(&spec) => take_new(service, &spec, &mut ports)?,
        None => {}
        Some(old) if may_have_node_ports(&spec) => take_changed(service, &spec, old, &mut ports)?,
        Some(old) => held_ports(old).into_iter().for_each(|port| ports.release_deferred(port)),
    }
    let [needed, needs] = [old.is_some_and(has_health_port), has_health_port(&spec)];
    if needs && !needed {
        take_health_port(service, &spec, &mut ports)?;
    } else if needed && !needs {
        ports.release_deferred(old.map_or(0, |old| number(old, "healthCheckNodePort")));
    }
    ports.finish(facts, claims);
    Ok(())
}

/// Gives back all ports of a service.
pub(super) fn release(service: &Value, facts: &Facts<'_>, claims: &mut Claims) {
    let Some(spec) = service.field("spec").filter(|spec| may_have_node_ports(spec)) else { return };
    let Ok(mut ports) = PortOperation::start(facts, &Rng::new(0)) else { return };
    for port in held_ports(spec) {
        ports.release_deferred(port);
    }
    if has_health_port(spec) {
        ports.release_deferred(number(spec, "healthCheckNodePort"));
    }
    ports.finish(facts, claims);
}

/// The ports that were allocated to a service. A service of another type may name ports that it does not have.
fn held_ports(spec: &Value) -> BTreeSet<i64> {
    if may_have_node_ports(spec) { node_ports(spec).into_iter().collect() } else { BTreeSet::new() }
}

fn refused(service: &Value, index: usize, port: i64, why: &str) -> Failure {
    let root = Located::root(service);
    let ports = root.at(&["spec", "ports"]);
    let item = ports.index(index);
    let mut errors = Errors::new();
    errors.invalid_value(&item.member("nodePort"), port, why);
    invalid(service, errors.into_causes())
}

fn full(why: &str) -> Failure {
    Failure::internal(format!("failed to allocate a nodePort: {why}"))
}

fn set_port(service: &mut Value, index: usize, port: i64) {
    let ports = service.field_mut("spec").and_then(|spec| spec.field_mut("ports"));
    if let Some(item) = ports.and_then(Value::as_list_mut).and_then(|ports| ports.get_mut(index)) {
        item.set("nodePort", Value::Int(port));
    }
}

/// Takes the ports of a new service. One number is shared by the protocols of a port, unless they name several.
fn take_new(service: &mut Value, spec: &Value, ports: &mut PortOperation) -> Result<(), Failure> {
    let mut by_port = BTreeMap::new();
    let items = list(spec, "ports");
    let mut named = BTreeMap::new();
    for item in items.iter().filter(|item| number(item, "nodePort") != 0) {
        named.entry(number(item, "port")).or_insert_with(|| number(item, "nodePort"));
    }
    for (index, item) in items.iter().enumerate() {
        let (port, wanted) = (number(item, "port"), number(item, "nodePort"));
        if wanted == 0 && !has_node_ports(spec) {
            continue;
        }
        let held = by_port.get(&port).copied();
        let chosen = match (held, named.get(&port).copied()) {
            (Some(held), _) if wanted == 0 || wanted == held => held,
            (Some(_), _) => {
                ports.allocate(wanted).map_err(|why| refused(service, index, wanted, &why))?;
                wanted
            }
            (None, Some(first)) => {
                ports.allocate(first).map_err(|why| refused(service, index, first, &why))?;
                first
            }
            (None, None) => ports.allocate_next().map_err(|why| full(&why))?,
        };
        by_port.entry(port).or_insert(chosen);
        set_port(service, index, chosen);
    }
    Ok(())
}

/// Takes the ports that a changed service did not have.
fn take_changed(
    service: &mut Value,
    spec: &Value,
    old: &Value,
    ports: &mut PortOperation,
) -> Result<(), Failure> {
    let held = held_ports(old);
    let (mut allocated, mut used) = (BTreeSet::new(), BTreeSet::new());
    for (index, item) in list(spec, "ports").iter().enumerate() {
        let wanted = number(item, "nodePort");
        if wanted == 0 && !has_node_ports(spec) {
            continue;
        }
        let port = if wanted == 0 {
            ports.allocate_next().map_err(|why| full(&why))?
        } else {
            if !held.contains(&wanted) && allocated.insert(wanted) {
                ports.allocate(wanted).map_err(|why| refused(service, index, wanted, &why))?;
            }
            wanted
        };
        set_port(service, index, port);
        let protocol = item.text_at(&["protocol"]);
        if !used.insert((String::from(protocol), port)) {
            return Err(Failure::unclassified(format!("duplicate nodePort: {{{protocol} {port}}}")));
        }
    }
    let kept: BTreeSet<i64> = used.into_iter().map(|(_, port)| port).collect();
    for port in held.into_iter().filter(|port| !kept.contains(port)) {
        ports.release_deferred(port);
    }
    Ok(())
}

fn take_health_port(service: &mut Value, spec: &Value, ports: &mut PortOperation) -> Result<(), Failure> {
    let wanted = number(spec, "healthCheckNodePort");
    if wanted != 0 {
        return ports.allocate(wanted).map_err(|why| {
            Failure::internal(format!("failed to allocate requested HealthCheck NodePort {wanted}: {why}"))
        });
    }
    let port = ports.allocate_next();
    let port =
        port.map_err(|why| Failure::internal(format!("failed to allocate a HealthCheck NodePort 0: {why}")))?;
    service.set_at(&["spec", "healthCheckNodePort"], Value::Int(port));
    Ok(())
}
