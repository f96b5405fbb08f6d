//! The defaults of services, most of which follow from the type.
//! k8s: pkg/apis/core/v1/defaults.go

use super::super::fill::{Default, Fill, each, fill, is_unset, set_unset};
use super::kind::{has_cluster_ip, is_load_balancer, is_reached_from_outside};
use crate::value::Value;

const DEFAULTS: &[Default] = &[
    (&[], "sessionAffinity", Fill::Text("None")),
    (&[], "type", Fill::Text("ClusterIP")),
    (&["ports", "*"], "protocol", Fill::Text("TCP")),
];

/// How long a client sticks to its endpoint, seconds.
const AFFINITY_SECONDS: i64 = 10_800;

const CLUSTER: Fill = Fill::Text("Cluster");

pub(super) fn default(object: &mut Value) {
    each(object, &["spec"], &mut default_spec);
    if object.field("spec").is_some_and(is_load_balancer) {
        each(object, &["status", "loadBalancer", "ingress", "*"], &mut |ingress| {
            if !ingress.text_at(&["ip"]).is_empty() && ingress.field("ipMode").is_none_or(Value::is_null) {
                ingress.set("ipMode", "VIP".into());
            }
        });
    }
}

fn default_spec(spec: &mut Value) {
    fill(spec, DEFAULTS);
    match spec.text_at(&["sessionAffinity"]) {
        "ClientIP" => {
            let path = &["sessionAffinityConfig", "clientIP", "timeoutSeconds"];
            if spec.at(path).is_none_or(Value::is_null) {
                spec.set_at(path, Value::Int(AFFINITY_SECONDS));
            }
        }
        "None" => drop(spec.remove_at(&["sessionAffinityConfig"])),
        _ => {}
    }
    each(spec, &["ports", "*"], &mut default_target_port);
    if is_reached_from_outside(spec) {
        set_unset(spec, "externalTrafficPolicy", CLUSTER);
    }
    // A policy that is there and empty is refused.
    if has_cluster_ip(spec) && is_unset(spec, "internalTrafficPolicy") {
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
