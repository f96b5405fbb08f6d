//! Pods: how far they are, told from the states of their containers.

use super::cells::{self, NONE, age, filled_or, int, is_being_deleted, is_set, is_true, items, name, time};
use super::{Column, Columns};
use crate::now::Wall;
use crate::value::{Map, Value};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

pub static POD: Columns = Columns {
    conditions,
    ..Columns::new(
        &[
            Column::NAME,
            Column::text("Ready", "How many of the containers are ready."),
            Column::text("Status", "How far the pod is, or what holds it up."),
            Column::text("Restarts", "How often containers were restarted, and when last."),
            Column::AGE,
            Column::text("IP", "Address of the pod.").wide(),
            Column::text("Node", "Node on which the pod runs.").wide(),
            Column::text("Nominated Node", "Node on which room is being made for the pod.").wide(),
            Column::text("Readiness Gates", "How many of the readiness gates are open.").wide(),
        ],
        pod,
    )
};

/// What the containers say of the pod.
struct Progress {
    /// The word for the status column.
    reason: String,
    ready: i64,
    containers: i64,
    restarts: Restarts,
}

#[derive(Clone, Copy, Default)]
struct Restarts {
    count: i64,
    last: Option<Wall>,
}

impl Restarts {
    fn add(&mut self, status: &Value) {
        self.count = self.count.saturating_add(int(status, &["restartCount"]));
        self.last = self.last.max(time(status, &["lastState", "terminated", "finishedAt"]));
    }

    fn told(self, now: Wall) -> String {
        match self.last {
            Some(last) if self.count != 0 => {
                format!("{} ({} ago)", self.count, super::age::between(last, now))
            }
            Some(_) | None => self.count.to_string(),
        }
    }
}

fn pod(pod: &Value, now: Wall) -> Vec<Value> {
    let progress = Progress::of(pod);
    let first_ip = items(pod, &["status", "podIPs"]).first().map_or("", |first| first.text_at(&["ip"]));
    let ip = filled_or(pod, &["status", "podIP"], first_ip);
    vec![
        name(pod),
        format!("{}/{}", progress.ready, progress.containers).into(),
        progress.reason.into(),
        progress.restarts.told(now).into(),
        age(pod, now),
        if ip.is_empty() { NONE } else { ip }.into(),
        filled_or(pod, &["spec", "nodeName"], NONE).into(),
        filled_or(pod, &["status", "nominatedNodeName"], NONE).into(),
        readiness_gates(pod).into(),
    ]
}

fn readiness_gates(pod: &Value) -> String {
    let gates = items(pod, &["spec", "readinessGates"]);
    if gates.is_empty() {
        return NONE.to_string();
    }
    let open = gates.iter().filter(|gate| is_true(pod, gate.text_at(&["conditionType"]))).count();
    format!("{open}/{}", gates.len())
}

impl Progress {
    fn of(pod: &Value) -> Self {
        let phase = pod.text_at(&["status", "phase"]);
        let mut progress = Self {
            reason: filled_or(pod, &["status", "reason"], phase).to_string(),
            ready: 0,
            containers: cells::count(pod, &["spec", "containers"])
                + i64::try_from(sidecars(pod).count()).unwrap_or(0),
            restarts: Restarts::default(),
        };
        if is_gated(pod) {
            progress.reason = "SchedulingGated".to_string();
        }
        let (initializing, of_sidecars) = progress.initialize(pod);
        if !initializing || is_true(pod, "Initialized") {
            progress.restarts = of_sidecars;
            progress.run(pod);
        }
        if is_being_deleted(pod) && pod.text_at(&["status", "reason"]) == "NodeLost" {
            progress.reason = "Unknown".to_string();
        } else if is_being_deleted(pod) && !matches!(phase, "Succeeded" | "Failed") {
            progress.reason = "Terminating".to_string();
        }
        progress
    }

    /// Follows the init containers up to the first that is not done: whether there is one, and the restarts
    /// of the sidecars so far.
    fn initialize(&mut self, pod: &Value) -> (bool, Restarts) {
        let mut of_sidecars = Restarts::default();
        for (index, status) in items(pod, &["status", "initContainerStatuses"]).iter().enumerate() {
            self.restarts.add(status);
            let is_sidecar = is_sidecar(pod, status);
            if is_sidecar {
                of_sidecars.add(status);
            }
            let terminated = status.at(&["state", "terminated"]).filter(|state| !state.is_null());
            let waiting = status.text_at(&["state", "waiting", "reason"]);
            if terminated.is_some_and(|state| int(state, &["exitCode"]) == 0) {
                continue;
            }
            if is_sidecar && status.field("started") == Some(&Value::Bool(true)) {
                self.ready += i64::from(is_ready(status));
                continue;
            }
            self.reason = match terminated {
                Some(state) => format!("Init:{}", why_terminated(state)),
                None if !waiting.is_empty() && waiting != "PodInitializing" => format!("Init:{waiting}"),
                None => format!("Init:{index}/{}", items(pod, &["spec", "initContainers"]).len()),
            };
            return (true, of_sidecars);
        }
        (false, of_sidecars)
    }

    /// Looks at the containers, last to first: the first that has something to say is heard.
    fn run(&mut self, pod: &Value) {
        let mut has_running = false;
        for status in items(pod, &["status", "containerStatuses"]).iter().rev() {
            self.restarts.add(status);
            let terminated = status.at(&["state", "terminated"]).filter(|state| !state.is_null());
            let waiting = status.text_at(&["state", "waiting", "reason"]);
            if !waiting.is_empty() {
                self.reason = waiting.to_string();
            } else if let Some(state) = terminated {
                self.reason = why_terminated(state);
            } else if is_ready(status) && is_set(status, &["state", "running"]) {
                has_running = true;
                self.ready += 1;
            }
        }
        if self.reason == "Completed" && has_running {
            let all = items(pod, &["status", "conditions"]);
            let is_ready =
                |one: &Value| one.text_at(&["type"]) == "Ready" && one.text_at(&["status"]) == "True";
            self.reason = if all.iter().any(is_ready) { "Running" } else { "NotReady" }.to_string();
        }
    }
}

/// The pod waits for its scheduling gates.
fn is_gated(pod: &Value) -> bool {
    items(pod, &["status", "conditions"])
        .iter()
        .any(|one| one.text_at(&["type"]) == "PodScheduled" && one.text_at(&["reason"]) == "SchedulingGated")
}

fn is_ready(status: &Value) -> bool {
    status.field("ready").and_then(Value::as_bool).unwrap_or(false)
}

/// The init containers that keep running beside the others.
fn sidecars(pod: &Value) -> impl Iterator<Item = &Value> {
    let all = items(pod, &["spec", "initContainers"]).iter();
    all.filter(|container| container.text_at(&["restartPolicy"]) == "Always")
}

/// Whether the status of an init container is that of a sidecar.
fn is_sidecar(pod: &Value, status: &Value) -> bool {
    sidecars(pod).any(|container| container.text_at(&["name"]) == status.text_at(&["name"]))
}

fn why_terminated(state: &Value) -> String {
    match (state.text_at(&["reason"]), int(state, &["signal"])) {
        ("", 0) => format!("ExitCode:{}", int(state, &["exitCode"])),
        ("", signal) => format!("Signal:{signal}"),
        (reason, _) => reason.to_string(),
    }
}

/// A pod that is over says so on its row.
fn conditions(pod: &Value) -> Value {
    let (reason, message) = match pod.text_at(&["status", "phase"]) {
        "Succeeded" => ("Succeeded", "The pod has completed successfully."),
        "Failed" => ("Failed", "The pod failed."),
        _ => return Value::Null,
    };
    let mut completed = Map::new();
    completed.insert("type", "Completed".into());
    completed.insert("status", "True".into());
    completed.insert("reason", reason.into());
    completed.insert("message", message.into());
    vec![completed.into()].into()
}
