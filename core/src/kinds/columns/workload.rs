//! What keeps pods: deployments, replica sets and their kin, and what limits their disruption.

use super::cells::{NONE, age, containers, int, integer, is_set, items, labels, name, reference, selector};
use super::{Column, Columns};
use crate::kinds::metadata::group_and_version;
use crate::now::Wall;
use crate::selector::LabelSelector;
use crate::value::Value;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

/// Where the containers of a pod template stand.
const CONTAINERS: &[&str] = &["spec", "template", "spec", "containers"];
const SELECTOR: &[&str] = &["spec", "selector"];

pub static POD_TEMPLATE: Columns = Columns::new(
    &[
        Column::NAME,
        Column::text("Containers", "Names of the containers of the template."),
        Column::text("Images", "Images of the containers of the template."),
        Column::text("Pod Labels", "Labels that pods of the template get."),
    ],
    |template, _| {
        let [names, images] = containers(template, &["template", "spec", "containers"]);
        vec![name(template), names, images, labels(template, &["template", "metadata", "labels"]).into()]
    },
);

const REPLICAS: &[Column<'static>] = &[
    Column::NAME,
    Column::integer("Desired", "How many pods there should be."),
    Column::integer("Current", "How many pods there are."),
    Column::integer("Ready", "How many pods are ready."),
    Column::AGE,
    Column::CONTAINERS,
    Column::IMAGES,
    Column::SELECTOR,
];

pub static REPLICATION_CONTROLLER: Columns =
    Columns::new(REPLICAS, |controller, now| replicas(controller, labels(controller, SELECTOR), now));

pub static REPLICA_SET: Columns =
    Columns::new(REPLICAS, |set, now| replicas(set, selector(set, SELECTOR), now));

fn replicas(object: &Value, selector: String, now: Wall) -> Vec<Value> {
    let [names, images] = containers(object, CONTAINERS);
    vec![
        name(object),
        integer(object, &["spec", "replicas"]),
        integer(object, &["status", "replicas"]),
        integer(object, &["status", "readyReplicas"]),
        age(object, now),
        names,
        images,
        selector.into(),
    ]
}

pub static DEPLOYMENT: Columns = Columns::new(
    &[
        Column::NAME,
        Column::text("Ready", "How many pods are ready, of how many there should be."),
        Column::text("Up-to-date", "How many pods are of the newest template."),
        Column::text("Available", "How many pods have been ready for long enough."),
        Column::AGE,
        Column::CONTAINERS,
        Column::IMAGES,
        Column::SELECTOR,
    ],
    deployment,
);

fn deployment(deployment: &Value, now: Wall) -> Vec<Value> {
    let [names, images] = containers(deployment, CONTAINERS);
    let selector = match LabelSelector::from_object(deployment.at(SELECTOR)) {
        Ok(selector) => selector.to_string(),
        Err(_) => "<invalid>".to_string(),
    };
    vec![
        name(deployment),
        ready_of_desired(deployment),
        integer(deployment, &["status", "updatedReplicas"]),
        integer(deployment, &["status", "availableReplicas"]),
        age(deployment, now),
        names,
        images,
        selector.into(),
    ]
}

fn ready_of_desired(object: &Value) -> Value {
    let (ready, desired) = (int(object, &["status", "readyReplicas"]), int(object, &["spec", "replicas"]));
    format!("{ready}/{desired}").into()
}

pub static STATEFUL_SET: Columns = Columns::new(
    &[
        Column::NAME,
        Column::text("Ready", "How many pods are ready, of how many there should be."),
        Column::AGE,
        Column::CONTAINERS,
        Column::IMAGES,
    ],
    |set, now| {
        let [names, images] = containers(set, CONTAINERS);
        vec![name(set), ready_of_desired(set), age(set, now), names, images]
    },
);

pub static DAEMON_SET: Columns = Columns::new(
    &[
        Column::NAME,
        Column::integer("Desired", "On how many nodes the pod should run."),
        Column::integer("Current", "On how many of those nodes it runs."),
        Column::integer("Ready", "On how many nodes it runs and is ready."),
        Column::integer("Up-to-date", "On how many nodes it runs by the newest template."),
        Column::integer("Available", "On how many nodes it has been ready for long enough."),
        Column::text("Node Selector", "Labels of the nodes on which the pod runs."),
        Column::AGE,
        Column::CONTAINERS,
        Column::IMAGES,
        Column::SELECTOR,
    ],
    daemon_set,
);

fn daemon_set(set: &Value, now: Wall) -> Vec<Value> {
    let [names, images] = containers(set, CONTAINERS);
    vec![
        name(set),
        integer(set, &["status", "desiredNumberScheduled"]),
        integer(set, &["status", "currentNumberScheduled"]),
        integer(set, &["status", "numberReady"]),
        integer(set, &["status", "updatedNumberScheduled"]),
        integer(set, &["status", "numberAvailable"]),
        labels(set, &["spec", "template", "spec", "nodeSelector"]).into(),
        age(set, now),
        names,
        images,
        selector(set, SELECTOR).into(),
    ]
}

pub static CONTROLLER_REVISION: Columns = Columns::new(
    &[
        Column::NAME,
        Column::text("Controller", "What the revision belongs to."),
        Column::text("Revision", "Number of the revision."),
        Column::AGE,
    ],
    |revision, now| {
        vec![
            name(revision),
            controller(revision).into(),
            integer(revision, &["revision"]),
            age(revision, now),
        ]
    },
);

/// The owner that controls the object, as `kind.group/name`.
fn controller(object: &Value) -> String {
    let owners = items(object, &["metadata", "ownerReferences"]);
    let Some(owner) = owners.iter().find(|owner| owner.field("controller") == Some(&Value::Bool(true)))
    else {
        return NONE.to_string();
    };
    let (group, _) = group_and_version(owner.text_at(&["apiVersion"]));
    reference(owner.text_at(&["kind"]), group, owner.text_at(&["name"]))
}

pub static POD_DISRUPTION_BUDGET: Columns = Columns::new(
    &[
        Column::NAME,
        Column::text("Min Available", "How many pods, or which part of them, must stay available."),
        Column::text("Max Unavailable", "How many pods, or which part of them, may be unavailable."),
        Column::integer("Allowed Disruptions", "How many pods may be disrupted now."),
        Column::AGE,
    ],
    |budget, now| {
        vec![
            name(budget),
            int_or_text(budget, &["spec", "minAvailable"]),
            int_or_text(budget, &["spec", "maxUnavailable"]),
            integer(budget, &["status", "disruptionsAllowed"]),
            age(budget, now),
        ]
    },
);

/// A number or a percentage, both as text.
fn int_or_text(object: &Value, path: &[&str]) -> Value {
    if !is_set(object, path) {
        return "N/A".into();
    }
    match object.at(path).and_then(Value::as_str) {
        Some(text) => text.into(),
        None => int(object, path).to_string().into(),
    }
}
