//! Services: defaults, and what follows from the type. Addresses and node ports are claimed elsewhere.
//! k8s: pkg/registry/core/service/strategy.go, pkg/registry/core/service/storage/alloc.go,
//! pkg/apis/core/v1/defaults.go

use super::fill::{Default, Fill, each, fill, is_unset, set_unset};
use super::{status, warnings};
use crate::kinds::Rules;
use crate::value::names;
use crate::value::{Map, Value};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec;

pub static RULES: Rules = Rules {
    name: names::dns1035_label,
    default,
    prepare_create,
    prepare_update,
    warnings: warnings::service::warn,
    status_warnings: warnings::load_balancer,
    create_on_update: true,
    returns_deleted: true,
    ..status::SPLIT
};

const DEFAULTS: &[Default] = &[
    (&[], "sessionAffinity", Fill::Text("None")),
    (&[], "type", Fill::Text("ClusterIP")),
    (&["ports", "*"], "protocol", Fill::Text("TCP")),
];

/// How long a client sticks to its endpoint, seconds.
const AFFINITY_SECONDS: i64 = 10_800;

const CLUSTER: Fill = Fill::Text("Cluster");

fn default(object: &mut Value) {
    each(object, &["spec"], &mut default_spec);
}

fn default_spec(spec: &mut Value) {
    fill(spec, DEFAULTS);
    if spec.text_at(&["sessionAffinity"]) == "ClientIP" {
        let path = &["sessionAffinityConfig", "clientIP", "timeoutSeconds"];
        if spec.at(path).is_none_or(Value::is_null) {
            spec.set_at(path, Value::Int(AFFINITY_SECONDS));
        }
    } else {
        spec.remove_at(&["sessionAffinityConfig"]);
    }
    each(spec, &["ports", "*"], &mut default_target_port);
    if is_reached_from_outside(spec) {
        set_unset(spec, "externalTrafficPolicy", CLUSTER);
    }
    if has_cluster_ip(spec) {
        set_unset(spec, "internalTrafficPolicy", CLUSTER);
    }
    if is_load_balancer(spec) {
        set_unset(spec, "allocateLoadBalancerNodePorts", Fill::Bool(true));
    }
}

/// A port is answered on the same port, where no other is named.
fn default_target_port(port: &mut Value) {
    let named = match port.field("targetPort") {
        None | Some(Value::Null | Value::Int(0)) => false,
        Some(Value::Str(text)) => !text.is_empty(),
        Some(
            Value::Bool(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::Json(_)
            | Value::List(_)
            | Value::Map(_),
        ) => true,
    };
    if let Some(number) = port.field("port").filter(|_| !named).cloned() {
        port.set("targetPort", number);
    }
}

fn prepare_create(object: &mut Value) {
    status::drop(object);
    each(object, &["spec"], &mut default_families);
}

fn prepare_update(object: &mut Value, old: &Value) {
    status::keep(object, old);
    let Some(old) = old.field("spec") else { return };
    each(object, &["spec"], &mut |spec| {
        keep_allocated(spec, old);
        drop_what_the_type_lost(spec, old);
        default_families(spec);
    });
}

/// The IP families of a service that names none; the cluster is of IPv4. A headless service without a
/// selector may have endpoints of both.
fn default_families(spec: &mut Value) {
    if !has_cluster_ip(spec) {
        return;
    }
    let both = is_headless(spec) && spec.field("selector").and_then(Value::as_map).is_none_or(Map::is_empty);
    set_unset(spec, "ipFamilyPolicy", Fill::Text(if both { "RequireDualStack" } else { "SingleStack" }));
    if is_unset(spec, "ipFamilies") {
        let dual = spec.text_at(&["ipFamilyPolicy"]) == "RequireDualStack";
        let families = if dual { vec!["IPv4".into(), "IPv6".into()] } else { vec!["IPv4".into()] };
        spec.set("ipFamilies", families.into());
    }
    let address = Value::str(spec.text_at(&["clusterIP"]));
    if is_unset(spec, "clusterIPs") && address.as_str() != Some("") {
        spec.set("clusterIPs", vec![address].into());
    }
}

/// A client that leaves out what was allocated means to keep it.
fn keep_allocated(spec: &mut Value, old: &Value) {
    if has_cluster_ip(spec) && has_cluster_ip(old) {
        if spec.text_at(&["clusterIP"]).is_empty() {
            copy(spec, old, "clusterIP");
        }
        let same_address = spec.field("clusterIP") == old.field("clusterIP");
        for (field, kept) in [("clusterIPs", same_address), ("ipFamilyPolicy", true), ("ipFamilies", true)] {
            if kept && is_unset(spec, field) {
                copy(spec, old, field);
            }
        }
    }
    if has_node_ports(spec) && has_node_ports(old) {
        fn key(port: &Value) -> (Option<i64>, &str) {
            (port.field("port").and_then(Value::as_int), port.text_at(&["protocol"]))
        }
        let mut held = BTreeMap::new();
        for port in old.field("ports").and_then(Value::as_list).unwrap_or_default() {
            held.entry(key(port)).or_insert(port);
        }
        each(spec, &["ports", "*"], &mut |port| {
            let same = held.get(&key(port));
            if let Some(number) = same.and_then(|held| held.field("nodePort")).and_then(Value::as_int) {
                set_unset(port, "nodePort", Fill::IntForZero(number));
            }
        });
    }
    let held = old.field("healthCheckNodePort").and_then(Value::as_int);
    if let Some(number) = held.filter(|_| has_health_port(spec) && has_health_port(old)) {
        set_unset(spec, "healthCheckNodePort", Fill::IntForZero(number));
    }
}

fn copy(spec: &mut Value, old: &Value, field: &str) {
    if let Some(held) = old.field(field) {
        spec.set(field, held.clone());
    }
}

/// A client that changes the type, and leaves what only the old type had, means to drop it.
fn drop_what_the_type_lost(spec: &mut Value, old: &Value) {
    type Rule = (&'static [&'static str], fn(&Value) -> bool);
    let rules: [Rule; 5] = [
        (
            &["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy"],
            has_cluster_ip,
        ),
        (&["externalTrafficPolicy"], is_reached_from_outside),
        (&["healthCheckNodePort"], has_health_port),
        (&["allocateLoadBalancerNodePorts"], is_load_balancer),
        (&["loadBalancerClass"], is_load_balancer),
    ];
    for (fields, needed) in rules {
        if needed(old) && !needed(spec) {
            for field in fields {
                if spec.field(field) == old.field(field) {
                    spec.remove_at(&[field]);
                }
            }
        }
    }
    if has_node_ports(old) && !has_node_ports(spec) {
        let numbers = |spec: &Value| -> vec::Vec<Option<i64>> {
            let ports = spec.field("ports").and_then(Value::as_list).unwrap_or_default();
            ports.iter().map(|port| port.field("nodePort").and_then(Value::as_int)).collect()
        };
        let held: BTreeSet<Option<i64>> = numbers(old).into_iter().collect();
        if numbers(spec).iter().all(|number| held.contains(number)) {
            each(spec, &["ports", "*"], &mut |port| {
                port.remove_at(&["nodePort"]);
            });
        }
    }
}

pub(super) fn has_cluster_ip(spec: &Value) -> bool {
    matches!(spec.text_at(&["type"]), "ClusterIP" | "NodePort" | "LoadBalancer")
}

pub(super) fn is_headless(spec: &Value) -> bool {
    has_cluster_ip(spec) && spec.text_at(&["clusterIP"]) == "None"
}

fn is_load_balancer(spec: &Value) -> bool {
    spec.text_at(&["type"]) == "LoadBalancer"
}

fn has_node_ports(spec: &Value) -> bool {
    let refused = spec.field("allocateLoadBalancerNodePorts").and_then(Value::as_bool) == Some(false);
    spec.text_at(&["type"]) == "NodePort" || is_load_balancer(spec) && !refused
}

fn has_health_port(spec: &Value) -> bool {
    is_load_balancer(spec) && spec.text_at(&["externalTrafficPolicy"]) == "Local"
}

fn is_reached_from_outside(spec: &Value) -> bool {
    let external = spec.field("externalIPs").and_then(Value::as_list).is_some_and(|list| !list.is_empty());
    match spec.text_at(&["type"]) {
        "LoadBalancer" | "NodePort" => true,
        "ClusterIP" => external,
        _ => false,
    }
}
