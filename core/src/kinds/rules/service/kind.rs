//! What a service is by its type, as its spec says it. Most fields are for some types alone.
//! k8s: pkg/registry/core/service/strategy.go, pkg/registry/core/service/storage/alloc.go

use crate::value::Value;

pub(super) fn has_cluster_ip(spec: &Value) -> bool {
    matches!(spec.text_at(&["type"]), "ClusterIP" | "NodePort" | "LoadBalancer")
}

pub(super) fn is_headless(spec: &Value) -> bool {
    has_cluster_ip(spec) && spec.text_at(&["clusterIP"]) == "None"
}

/// A name outside the cluster.
pub(super) fn is_external_name(spec: &Value) -> bool {
    spec.text_at(&["type"]) == "ExternalName"
}

/// As `is_headless`, told from the list of addresses.
pub(super) fn is_headless_by_addresses(spec: &Value) -> bool {
    let addresses = spec.field("clusterIPs").and_then(Value::as_list).unwrap_or_default();
    matches!(addresses, [only] if only.as_str() == Some("None"))
}

/// Nodes forward a port of theirs to the service, unless the service refuses ports.
pub(super) fn may_have_node_ports(spec: &Value) -> bool {
    matches!(spec.text_at(&["type"]), "NodePort" | "LoadBalancer")
}

pub(super) fn is_load_balancer(spec: &Value) -> bool {
    spec.text_at(&["type"]) == "LoadBalancer"
}

pub(super) fn has_node_ports(spec: &Value) -> bool {
    let refused = spec.field("allocateLoadBalancerNodePorts").and_then(Value::as_bool) == Some(false);
    spec.text_at(&["type"]) == "NodePort" || is_load_balancer(spec) && !refused
}

pub(super) fn has_health_port(spec: &Value) -> bool {
    is_load_balancer(spec) && spec.text_at(&["externalTrafficPolicy"]) == "Local"
}

pub(super) fn is_reached_from_outside(spec: &Value) -> bool {
    let external = spec.field("externalIPs").and_then(Value::as_list).is_some_and(|list| !list.is_empty());
    match spec.text_at(&["type"]) {
        "LoadBalancer" | "NodePort" => true,
        "ClusterIP" => external,
        _ => false,
    }
}
