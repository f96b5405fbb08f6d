//! What services count for.
//! k8s: pkg/quota/v1/evaluator/core/services.go

use super::amounts::Amounts;
use crate::value::Value;
use crate::value::quantity::Quantity;

const COUNT: &str = "count/services";
const SERVICES: &str = "services";
const NODE_PORTS: &str = "services.nodeports";
const LOAD_BALANCERS: &str = "services.loadbalancers";

pub(super) fn is_limited_by(resource: &str) -> bool {
    matches!(resource, COUNT | SERVICES | NODE_PORTS | LOAD_BALANCERS)
}

/// Node ports are counted as the service wants them, whether they are allocated yet or not.
pub(super) fn usage(service: &Value) -> Amounts {
    let ports = service.at(&["spec", "ports"]).and_then(Value::as_list).unwrap_or_default();
    let named = || {
        let node_port = |port: &&Value| port.field("nodePort").and_then(Value::as_int).unwrap_or(0) != 0;
        ports.iter().filter(node_port).count()
    };
    let allocates = service.at(&["spec", "allocateLoadBalancerNodePorts"]).and_then(Value::as_bool);
    let (node_ports, load_balancers) = match service.text_at(&["spec", "type"]) {
        "NodePort" => (ports.len(), 0),
        "LoadBalancer" if allocates == Some(false) => (named(), 1),
        "LoadBalancer" => (ports.len(), 1),
        _ => (0, 0),
    };
    let mut usage = Amounts::default();
    let count = |count: usize| Quantity::from_int(i64::try_from(count).unwrap_or(i64::MAX));
    usage.set(COUNT, count(1));
    usage.set(SERVICES, count(1));
    usage.set(NODE_PORTS, count(node_ports));
    usage.set(LOAD_BALANCERS, count(load_balancers));
    usage
}
