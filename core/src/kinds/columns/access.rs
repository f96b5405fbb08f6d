//! Who may do what: role bindings, certificate signing requests; and API services.

use super::age;
use super::cells::{self, NONE, condition, filled_or, is_set, items, name, text};
use super::{Column, Columns};
use crate::now::Wall;
use crate::value::Value;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

/// Role bindings and cluster role bindings.
pub static ROLE_BINDING: Columns = Columns::new(
    &[
        Column::NAME,
        Column::text("Role", "Role that is granted."),
        Column::AGE,
        Column::text("Users", "Users that it is granted to.").wide(),
        Column::text("Groups", "Groups that it is granted to.").wide(),
        Column::text("ServiceAccounts", "Service accounts that it is granted to.").wide(),
    ],
    role_binding,
);

fn role_binding(binding: &Value, now: Wall) -> Vec<Value> {
    let role = format!("{}/{}", binding.text_at(&["roleRef", "kind"]), binding.text_at(&["roleRef", "name"]));
    let subjects = |kind: &str| -> Value {
        let all = items(binding, &["subjects"]).iter().filter(|one| one.text_at(&["kind"]) == kind);
        all.map(subject).collect::<Vec<String>>().join(", ").into()
    };
    vec![
        name(binding),
        role.into(),
        cells::age(binding, now),
        subjects("User"),
        subjects("Group"),
        subjects("ServiceAccount"),
    ]
}

fn subject(subject: &Value) -> String {
    let name = subject.text_at(&["name"]);
    match subject.text_at(&["kind"]) {
        "ServiceAccount" => format!("{}/{name}", subject.text_at(&["namespace"])),
        _ => name.to_string(),
    }
}

pub static CERTIFICATE_SIGNING_REQUEST: Columns = Columns::new(
    &[
        Column::NAME,
        Column::AGE,
        Column::text("SignerName", "Who is to sign."),
        Column::text("Requestor", "Who has asked."),
        Column::text("RequestedDuration", "For how long the certificate is to be valid."),
        Column::text("Condition", "What has become of the request."),
    ],
    signing_request,
);

fn signing_request(request: &Value, now: Wall) -> Vec<Value> {
    let duration = match request.at(&["spec", "expirationSeconds"]).and_then(Value::as_int) {
        Some(seconds) => age::human(seconds.saturating_mul(1_000_000)),
        None => NONE.to_string(),
    };
    vec![
        name(request),
        cells::age(request, now),
        filled_or(request, &["spec", "signerName"], NONE).into(),
        text(request, &["spec", "username"]),
        duration.into(),
        decision(request).into(),
    ]
}

fn decision(request: &Value) -> String {
    let mut told = if condition(request, "Denied").is_some() {
        "Denied"
    } else if condition(request, "Approved").is_some() {
        "Approved"
    } else {
        "Pending"
    }
    .to_string();
    if condition(request, "Failed").is_some() {
        told.push_str(",Failed");
    }
    if !request.text_at(&["status", "certificate"]).is_empty() {
        told.push_str(",Issued");
    }
    told
}

/// k8s: staging/src/k8s.io/kube-aggregator/pkg/registry/apiservice/etcd/etcd.go
pub static API_SERVICE: Columns = Columns::new(
    &[
        Column::NAME,
        Column::text("Service", "Service that serves the version; Local is this server."),
        Column::text("Available", "Whether the version is served."),
        Column::AGE,
    ],
    |service, now| {
        vec![name(service), backend(service).into(), available(service).into(), cells::age(service, now)]
    },
);

fn backend(service: &Value) -> String {
    if !is_set(service, &["spec", "service"]) {
        return "Local".to_string();
    }
    let part = |field: &str| service.text_at(&["spec", "service", field]);
    format!("{}/{}", part("namespace"), part("name"))
}

fn available(service: &Value) -> String {
    match condition(service, "Available")
        .map(|found| (found.text_at(&["status"]), found.text_at(&["reason"])))
    {
        Some(("True", _)) => "True".to_string(),
        Some((status, reason)) => format!("{status} ({reason})"),
        None => "Unknown".to_string(),
    }
}
