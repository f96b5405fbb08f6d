//! The rules of services.
//! k8s: pkg/registry/core/service/strategy.go

use super::super::fill::each;
use super::super::{status, warnings::load_balancer};
use super::kind::{
    has_health_port, is_external_name, is_load_balancer, is_reached_from_outside, may_have_node_ports,
};
use super::{claims, defaults, validation, warnings};
use crate::kinds::{Facts, Rules, Strategy};
use crate::value::{Value, names};
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

pub static RULES: Rules = Rules {
    name: names::dns_label,
    default: defaults::default,
    status_defaults_need_spec: true,
    claims: Some(claims::RULES),
    validate: validation::validate,
    warnings_on_create: warnings::warn,
    update: Strategy {
        prepare_for_update,
        validate_update: validation::validate_update,
        warnings_on_update: warnings::warn,
        ..status::UPDATE
    },
    subresources: &[(
        "status",
        Strategy {
            validate_update: validation::validate_status_update,
            warnings_on_update: load_balancer,
            ..status::STATUS
        },
    )],
    canonicalize,
    allow_create_on_update: true,
    returns_deleted: true,
    ..status::SPLIT
};

fn prepare_for_update(object: &mut Value, facts: &Facts<'_>) {
    status::keep_status(object, facts);
    if let Some(old) = facts.old.field("spec") {
        each(object, &["spec"], &mut |spec| drop_what_the_type_lost(spec, old));
    }
    if !object.field("spec").is_some_and(is_load_balancer) {
        each(object, &["status"], &mut |status| status.set("loadBalancer", Value::empty_map()));
    }
}

/// What upstream leaves out of its answers is not stored either.
/// k8s: pkg/registry/core/service/storage/storage.go defaultOnReadInternalTrafficPolicy
fn canonicalize(object: &mut Value) {
    each(object, &["spec"], &mut |spec| {
        if is_external_name(spec) {
            spec.remove_at(&["internalTrafficPolicy"]);
        }
    });
}

/// A client that changes the type, and leaves what only the old type had, means to drop it.
fn drop_what_the_type_lost(spec: &mut Value, old: &Value) {
    let lost = |needs: fn(&Value) -> bool, spec: &Value| needs(old) && !needs(spec);
    let is_same = |spec: &Value, field: &str| spec.field(field) == old.field(field);
    if lost(|spec| !is_external_name(spec), spec) {
        if is_same(spec, "clusterIP") && is_same(spec, "clusterIPs") {
            spec.remove_at(&["clusterIP"]);
            spec.remove_at(&["clusterIPs"]);
        }
        for field in ["ipFamilies", "ipFamilyPolicy"] {
            if is_same(spec, field) {
                spec.remove_at(&[field]);
            }
        }
    }
    if lost(may_have_node_ports, spec) {
        let held: BTreeSet<i64> = node_ports(old).into_iter().collect();
        if node_ports(spec).iter().all(|number| held.contains(number)) {
            each(spec, &["ports", "*"], &mut |port| {
                port.remove_at(&["nodePort"]);
            });
        }
    }
    type Rule = (&'static str, fn(&Value) -> bool);
    let rules: [Rule; 4] = [
        ("healthCheckNodePort", has_health_port),
        ("allocateLoadBalancerNodePorts", is_load_balancer),
        ("loadBalancerClass", is_load_balancer),
        ("externalTrafficPolicy", is_reached_from_outside),
    ];
    for (field, needs) in rules {
        if lost(needs, spec) && is_same(spec, field) {
            spec.remove_at(&[field]);
        }
    }
}

/// The node ports that a service names.
pub(super) fn node_ports(spec: &Value) -> Vec<i64> {
    let ports = spec.field("ports").and_then(Value::as_list).unwrap_or_default();
    let numbers = ports.iter().filter_map(|port| port.field("nodePort").and_then(Value::as_int));
    numbers.filter(|number| *number != 0).collect()
}
