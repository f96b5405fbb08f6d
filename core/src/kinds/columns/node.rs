//! Nodes, and what belongs to each of them: leases, runtime classes.

use super::cells::{NONE, UNKNOWN, age, filled_or, items, name, text};
use super::{Column, Columns};
use crate::now::Wall;
use crate::value::{Value, object};
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

const ROLE_PREFIX: &str = "node-role.kubernetes.io/";
const ROLE: &str = "kubernetes.io/role";

pub static NODE: Columns = Columns::new(
    &[
        Column::NAME,
        Column::text("Status", "Whether the node is ready, and takes pods."),
        Column::text("Roles", "Roles of the node, by its labels."),
        Column::AGE,
        Column::text("Version", "Version of the node's kubelet."),
        Column::text("Internal-IP", "Address of the node within the cluster.").wide(),
        Column::text("External-IP", "Address of the node from without.").wide(),
        Column::text("OS-Image", "Operating system of the node.").wide(),
        Column::text("Kernel-Version", "Kernel of the node.").wide(),
        Column::text("Container-Runtime", "Container runtime of the node, and its version.").wide(),
    ],
    node,
);

fn node(node: &Value, now: Wall) -> Vec<Value> {
    let info = |field: &str| -> Value { filled_or(node, &["status", "nodeInfo", field], UNKNOWN).into() };
    vec![
        name(node),
        status(node).into(),
        roles(node).into(),
        age(node, now),
        text(node, &["status", "nodeInfo", "kubeletVersion"]),
        address(node, "InternalIP").into(),
        address(node, "ExternalIP").into(),
        info("osImage"),
        kernel(node).into(),
        info("containerRuntimeVersion"),
    ]
}

fn status(node: &Value) -> String {
    let conditions = items(node, &["status", "conditions"]).iter();
    // Of two conditions of one type the later holds.
    let ready = conditions.rev().find(|one| one.text_at(&["type"]) == "Ready");
    let mut status = match ready.map(|ready| ready.text_at(&["status"])) {
        Some("True") => "Ready",
        Some(_) => "NotReady",
        None => "Unknown",
    }
    .to_string();
    if node.at(&["spec", "unschedulable"]) == Some(&Value::Bool(true)) {
        status.push_str(",SchedulingDisabled");
    }
    status
}

fn roles(node: &Value) -> String {
    let mut roles = BTreeSet::new();
    for (key, value) in object::labels(node).into_iter().flat_map(crate::value::Map::iter) {
        let role = match key.strip_prefix(ROLE_PREFIX) {
            Some(role) => role,
            None if key == ROLE => value.as_str().unwrap_or(""),
            None => "",
        };
        if !role.is_empty() {
            roles.insert(role);
        }
    }
    if roles.is_empty() {
        return NONE.to_string();
    }
    roles.into_iter().collect::<Vec<&str>>().join(",")
}

/// The kernel, with the processor that it runs on where that is known.
fn kernel(node: &Value) -> String {
    let info = |field: &str| node.text_at(&["status", "nodeInfo", field]);
    match (info("kernelVersion"), info("architecture")) {
        ("", _) => UNKNOWN.to_string(),
        (version, "") => version.to_string(),
        (version, architecture) => format!("{version} ({architecture})"),
    }
}

/// The first address of this type.
fn address<'a>(node: &'a Value, kind: &str) -> &'a str {
    let found = items(node, &["status", "addresses"]).iter().find(|one| one.text_at(&["type"]) == kind);
    found.map_or(NONE, |found| found.text_at(&["address"]))
}

pub static LEASE: Columns = Columns::new(
    &[Column::NAME, Column::text("Holder", "Who holds the lease."), Column::AGE],
    |lease, now| vec![name(lease), text(lease, &["spec", "holderIdentity"]), age(lease, now)],
);

pub static RUNTIME_CLASS: Columns = Columns::new(
    &[
        Column::NAME,
        Column::text("Handler", "Configuration of the container runtime that it stands for."),
        Column::AGE,
    ],
    |class, now| vec![name(class), text(class, &["handler"]), age(class, now)],
);
