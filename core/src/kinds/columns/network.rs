//! Ingresses, network policies and address ranges.

use super::cells::{NONE, age, filled_or, is_set, items, name, reference, selector, set_or, text, texts};
use super::service::load_balancers;
use super::{Column, Columns};
use crate::now::Wall;
use crate::value::Value;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

/// So many hosts of an ingress are shown.
const SHOWN_HOSTS: usize = 3;

pub static INGRESS: Columns = Columns::new(
    &[
        Column::NAME,
        Column::text("Class", "Ingress class that configures it."),
        Column::text("Hosts", "Hosts whose requests it takes."),
        Column::text("Address", "Where the load balancer is reached."),
        Column::text("Ports", "Ports that are open."),
        Column::AGE,
    ],
    ingress,
);

fn ingress(ingress: &Value, now: Wall) -> Vec<Value> {
    let addresses: Vec<&str> = load_balancers(ingress).into_iter().collect();
    let ports = if items(ingress, &["spec", "tls"]).is_empty() { "80" } else { "80, 443" };
    vec![
        name(ingress),
        set_or(ingress, &["spec", "ingressClassName"], NONE).into(),
        hosts(ingress).into(),
        addresses.join(",").into(),
        ports.into(),
        age(ingress, now),
    ]
}

/// The first hosts, then how many rules there are beyond as many: rules without a host count too, once
/// the list is full.
fn hosts(ingress: &Value) -> String {
    let rules = items(ingress, &["spec", "rules"]);
    let mut shown = Vec::new();
    let mut more = false;
    for rule in rules {
        let host = rule.text_at(&["host"]);
        more = more || shown.len() == SHOWN_HOSTS;
        if !more && !host.is_empty() {
            shown.push(host);
        }
    }
    match shown.join(",") {
        hosts if hosts.is_empty() => "*".to_string(),
        hosts if more => format!("{hosts} + {} more...", rules.len().saturating_sub(SHOWN_HOSTS)),
        hosts => hosts,
    }
}

pub static INGRESS_CLASS: Columns = Columns::new(
    &[
        Column::NAME,
        Column::text("Controller", "Controller that serves the class."),
        Column::text("Parameters", "Object with further parameters."),
        Column::AGE,
    ],
    |class, now| {
        vec![name(class), text(class, &["spec", "controller"]), parameters(class).into(), age(class, now)]
    },
);

fn parameters(class: &Value) -> String {
    let Some(parameters) = class.at(&["spec", "parameters"]).filter(|found| !found.is_null()) else {
        return NONE.to_string();
    };
    let (kind, name) = (parameters.text_at(&["kind"]), parameters.text_at(&["name"]));
    match parameters.field("apiGroup").and_then(Value::as_str) {
        Some(group) => format!("{kind}.{group}/{name}"),
        None => format!("{kind}/{name}"),
    }
}

pub static NETWORK_POLICY: Columns = Columns::new(
    &[Column::NAME, Column::text("Pod-Selector", "Labels of the pods it holds for."), Column::AGE],
    |policy, now| vec![name(policy), selector(policy, &["spec", "podSelector"]).into(), age(policy, now)],
);

pub static SERVICE_CIDR: Columns = Columns::new(
    &[Column::NAME, Column::text("CIDRs", "Ranges from which services get addresses."), Column::AGE],
    |range, now| vec![name(range), texts(range, &["spec", "cidrs"]).join(",").into(), age(range, now)],
);

/// Upstream gives each row an age for which it has no column; clients show as many cells as columns.
pub static IP_ADDRESS: Columns = Columns::new(
    &[Column::NAME, Column::text("ParentRef", "What the address was given to.")],
    |address, now| vec![name(address), parent(address).into(), age(address, now)],
);

fn parent(address: &Value) -> String {
    if !is_set(address, &["spec", "parentRef"]) {
        return NONE.to_string();
    }
    let part = |field: &str| address.text_at(&["spec", "parentRef", field]);
    let name = match filled_or(address, &["spec", "parentRef", "namespace"], "") {
        "" => part("name").to_string(),
        namespace => format!("{namespace}/{}", part("name")),
    };
    reference(part("resource"), part("group"), &name)
}
