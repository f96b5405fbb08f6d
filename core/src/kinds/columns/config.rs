//! Config maps, secrets, service accounts, namespaces, quotas, events and component statuses.

use super::cells::{UNKNOWN, age, count, filled_or, int, is_set, items, name, quantity, since, text, time};
use super::{Column, Columns};
use crate::now::Wall;
use crate::value::{Map, Value};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

pub static CONFIG_MAP: Columns = Columns::new(
    &[Column::NAME, Column::text("Data", "How many entries it has, text and binary."), Column::AGE],
    |map, now| {
        let entries = count(map, &["data"]).saturating_add(count(map, &["binaryData"]));
        vec![name(map), entries.into(), age(map, now)]
    },
);

pub static SECRET: Columns = Columns::new(
    &[
        Column::NAME,
        Column::text("Type", "What the secret is for."),
        Column::text("Data", "How many entries it has."),
        Column::AGE,
    ],
    |secret, now| {
        vec![name(secret), text(secret, &["type"]), count(secret, &["data"]).into(), age(secret, now)]
    },
);

pub static SERVICE_ACCOUNT: Columns = Columns::NAME_AND_AGE;

pub static NAMESPACE: Columns = Columns::new(
    &[Column::NAME, Column::text("Status", "Whether the namespace is in use or going away."), Column::AGE],
    |namespace, now| vec![name(namespace), text(namespace, &["status", "phase"]), age(namespace, now)],
);

pub static RESOURCE_QUOTA: Columns = Columns::new(
    &[
        Column::NAME,
        Column::text("Request", "What is used of what may be requested."),
        Column::text("Limit", "What is used of what limits may add up to."),
        Column::AGE,
    ],
    |quota, now| {
        let [requests, limits] = usage(quota);
        vec![name(quota), requests.into(), limits.into(), age(quota, now)]
    },
);

/// What is used of each resource, limits apart from all others.
fn usage(quota: &Value) -> [String; 2] {
    let (mut requests, mut limits) = (Vec::new(), Vec::new());
    let hard = quota.at(&["status", "hard"]).and_then(Value::as_map);
    for (resource, _) in hard.into_iter().flat_map(Map::iter) {
        let [used, hard] = ["used", "hard"].map(|side| quantity(quota, &["status", side, resource]));
        let column = if resource.starts_with("limits.") { &mut limits } else { &mut requests };
        column.push(format!("{resource}: {used}/{hard}"));
    }
    [requests.join(", "), limits.join(", ")]
}

pub static COMPONENT_STATUS: Columns = Columns::new(
    &[
        Column::NAME,
        Column::text("Status", "Whether the component is healthy."),
        Column::text("Message", "What the component says of its health."),
        Column::text("Error", "What went wrong when it was asked."),
    ],
    component_status,
);

fn component_status(component: &Value, _: Wall) -> Vec<Value> {
    let conditions = items(component, &["conditions"]).iter();
    let mut healthy = conditions.filter(|one| one.text_at(&["type"]) == "Healthy");
    let Some(healthy) = healthy.next() else {
        return vec![name(component), "Unknown".into(), "".into(), "".into()];
    };
    let status = if healthy.text_at(&["status"]) == "True" { "Healthy" } else { "Unhealthy" };
    vec![name(component), status.into(), text(healthy, &["message"]), text(healthy, &["error"])]
}

const EVENT_COLUMNS: &[Column<'static>] = &[
    Column::text("Last Seen", "Time since the event was last seen."),
    Column::text("Type", "Whether the event is normal or a warning."),
    Column::text("Reason", "Short reason of the event."),
    Column::text("Object", "What the event is about."),
    Column::text("Subobject", "Part of the object that the event is about.").wide(),
    Column::text("Source", "Who reports the event.").wide(),
    Column::text("Message", "What happened."),
    Column::text("First Seen", "Time since the event was first seen.").wide(),
    Column::text("Count", "How often the event was seen.").wide(),
    Column::NAME.wide(),
];

pub static EVENT: Columns = Columns::new(EVENT_COLUMNS, event);

fn event(event: &Value, now: Wall) -> Vec<Value> {
    let first = if time(event, &["firstTimestamp"]).is_some() { "firstTimestamp" } else { "eventTime" };
    let first = since(event, &[first], now);
    let (last, count) = if is_set(event, &["series"]) {
        (since(event, &["series", "lastObservedTime"], now), int(event, &["series", "count"]))
    } else {
        let last = match since(event, &["lastTimestamp"], now) {
            unknown if unknown == UNKNOWN => first.clone(),
            last => last,
        };
        // An event that was seen once need not say so.
        (last, Some(int(event, &["count"])).filter(|count| *count != 0).unwrap_or(1))
    };
    vec![
        last.into(),
        text(event, &["type"]),
        text(event, &["reason"]),
        involved(event).into(),
        text(event, &["involvedObject", "fieldPath"]),
        source(event).into(),
        event.text_at(&["message"]).trim().into(),
        first.into(),
        count.into(),
        name(event),
    ]
}

fn involved(event: &Value) -> String {
    let kind = event.text_at(&["involvedObject", "kind"]).to_lowercase();
    match event.text_at(&["involvedObject", "name"]) {
        "" => kind,
        name => format!("{kind}/{name}"),
    }
}

fn source(event: &Value) -> String {
    let component = filled_or(event, &["source", "component"], event.text_at(&["reportingComponent"]));
    match filled_or(event, &["source", "host"], event.text_at(&["reportingInstance"])) {
        "" => component.to_string(),
        instance => format!("{component}, {instance}"),
    }
}
