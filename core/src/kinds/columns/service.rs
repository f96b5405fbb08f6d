//! Services, and the endpoints behind them.

use super::cells::{NONE, age, filled_or, int, items, labels, name, some, some_or_unset, text, texts};
use super::{Column, Columns};
use crate::now::Wall;
use crate::value::Value;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

pub static SERVICE: Columns = Columns::new(
    &[
        Column::NAME,
        Column::text("Type", "How the service is reached."),
        Column::text("Cluster-IP", "Address of the service within the cluster."),
        Column::text("External-IP", "Addresses of the service from without."),
        Column::text("Port(s)", "Ports of the service, with the node's where there is one."),
        Column::AGE,
        Column::text("Selector", "Labels of the pods behind the service.").wide(),
    ],
    service,
);

fn service(service: &Value, now: Wall) -> Vec<Value> {
    let only = filled_or(service, &["spec", "clusterIP"], NONE);
    let cluster_ip = texts(service, &["spec", "clusterIPs"]).first().copied().unwrap_or(only);
    vec![
        name(service),
        text(service, &["spec", "type"]),
        cluster_ip.into(),
        external_ip(service).into(),
        ports(service).into(),
        age(service, now),
        labels(service, &["spec", "selector"]).into(),
    ]
}

fn external_ip(service: &Value) -> String {
    let given = texts(service, &["spec", "externalIPs"]);
    match service.text_at(&["spec", "type"]) {
        "ClusterIP" | "NodePort" if given.is_empty() => NONE.to_string(),
        "ClusterIP" | "NodePort" => given.join(","),
        "LoadBalancer" => {
            let balancers = load_balancers(service);
            let all: Vec<&str> = balancers.iter().copied().chain(given).collect();
            if all.is_empty() { "<pending>".to_string() } else { all.join(",") }
        }
        "ExternalName" => service.text_at(&["spec", "externalName"]).to_string(),
        _ => super::cells::UNKNOWN.to_string(),
    }
}

/// Address or name of each ingress point of a service or ingress, in order, each once.
pub(super) fn load_balancers(object: &Value) -> BTreeSet<&str> {
    let points = items(object, &["status", "loadBalancer", "ingress"]).iter();
    let addresses = points.map(|point| filled_or(point, &["ip"], point.text_at(&["hostname"])));
    addresses.filter(|address| !address.is_empty()).collect()
}

fn ports(service: &Value) -> String {
    let all: Vec<String> = items(service, &["spec", "ports"]).iter().map(port).collect();
    if all.is_empty() { NONE.to_string() } else { all.join(",") }
}

fn port(port: &Value) -> String {
    let (number, protocol) = (int(port, &["port"]), port.text_at(&["protocol"]));
    match int(port, &["nodePort"]) {
        node_port if node_port > 0 => format!("{number}:{node_port}/{protocol}"),
        _ => format!("{number}/{protocol}"),
    }
}

pub static ENDPOINTS: Columns = Columns::new(
    &[Column::NAME, Column::text("Endpoints", "Addresses with ports."), Column::AGE],
    |endpoints, now| vec![name(endpoints), addresses(endpoints).into(), age(endpoints, now)],
);

fn addresses(endpoints: &Value) -> String {
    let subsets = items(endpoints, &["subsets"]);
    if subsets.is_empty() {
        return NONE.to_string();
    }
    some(&subsets.iter().flat_map(addresses_of_subset).collect::<Vec<String>>())
}

/// Each address at each port; of a headless service without ports the addresses alone.
fn addresses_of_subset(subset: &Value) -> Vec<String> {
    let ips: Vec<&str> = items(subset, &["addresses"]).iter().map(|one| one.text_at(&["ip"])).collect();
    let ports = items(subset, &["ports"]);
    if ports.is_empty() {
        return ips.into_iter().map(String::from).collect();
    }
    let at_port = |port: i64| ips.iter().map(move |ip| joined(ip, port)).collect::<Vec<String>>();
    ports.iter().flat_map(|port| at_port(int(port, &["port"]))).collect()
}

fn joined(ip: &str, port: i64) -> String {
    if ip.contains(':') { format!("[{ip}]:{port}") } else { format!("{ip}:{port}") }
}

pub static ENDPOINT_SLICE: Columns = Columns::new(
    &[
        Column::NAME,
        Column::text("AddressType", "Of what kind the addresses are."),
        Column::text("Ports", "Ports of each endpoint."),
        Column::text("Endpoints", "Addresses of the endpoints."),
        Column::AGE,
    ],
    endpoint_slice,
);

fn endpoint_slice(slice: &Value, now: Wall) -> Vec<Value> {
    let ports: Vec<String> = items(slice, &["ports"]).iter().map(slice_port).collect();
    let endpoints = items(slice, &["endpoints"]).iter();
    let addresses: Vec<String> =
        endpoints.flat_map(|endpoint| texts(endpoint, &["addresses"])).map(String::from).collect();
    vec![
        name(slice),
        text(slice, &["addressType"]),
        some_or_unset(&ports).into(),
        some_or_unset(&addresses).into(),
        age(slice, now),
    ]
}

/// A port by number, else by name; any port when it has neither.
fn slice_port(port: &Value) -> String {
    match port.field("port").and_then(Value::as_int) {
        Some(number) => number.to_string(),
        None => super::cells::set_or(port, &["name"], "*").to_string(),
    }
}
