//! Warnings about the containers of a pod or pod template.
//! k8s: pkg/api/pod/warnings.go, pkg/registry/core/pod/strategy.go applyAppArmorVersionSkew

use super::{fractional, is_set, items};
use crate::limits;
use crate::status::Path;
use crate::value::quoted;
use crate::value::{Value, object};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// The lists of containers, in the order in which they are looked at.
const LISTS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

const SECCOMP_PREFIX: &str = "container.seccomp.security.alpha.kubernetes.io/";
const APP_ARMOR_PREFIX: &str = "container.apparmor.security.beta.kubernetes.io/";

const APP_ARMOR: &str = "deprecated since v1.30; use the \"appArmorProfile\" field instead";

/// The longest path of a local AppArmor profile, bytes.
const LOCALHOST_PROFILE_BYTES: usize = 4095;

fn containers<'a>(spec: &'a Value, path: &Path) -> impl Iterator<Item = (Path, &'a Value)> {
    LISTS.into_iter().flat_map(move |list| {
        let path = path.child(list);
        items(spec, &[list]).iter().enumerate().map(move |(index, container)| (path.index(index), container))
    })
}

/// What is said of each container by itself.
pub(super) fn each(pod: &Value, path: &Path, annotations: &Path, is_template: bool, out: &mut Vec<String>) {
    let spec = pod.field("spec").unwrap_or(&Value::Null);
    let whole = spec.at(&["securityContext", "appArmorProfile"]).filter(|profile| !profile.is_null());
    for (path, container) in containers(spec, path) {
        let name = container.text_at(&["name"]);
        let key = format!("{SECCOMP_PREFIX}{name}");
        if !is_set(container, &["securityContext", "seccompProfile"])
            && object::annotation(pod, &key).is_some()
        {
            let path = annotations.key(&key);
            out.push(format!("{path}: non-functional in v1.27+; use the \"seccompProfile\" field instead"));
        }
        let key = format!("{APP_ARMOR_PREFIX}{name}");
        let annotation = object::annotation(pod, &key).filter(|_| is_template);
        let annotation = annotation.filter(|_| !is_set(container, &["securityContext", "appArmorProfile"]));
        if let Some(annotation) = annotation {
            let said = profile_of(annotation);
            if whole.is_none() || said != whole.map(Profile::of) {
                out.push(format!("{}: {APP_ARMOR}", annotations.key(&key)));
            }
        }
        for resource in ["memory", "ephemeral-storage"] {
            for kind in ["limits", "requests"] {
                let path = path.child("resources").child(kind);
                fractional(container.at(&["resources", kind]), resource, &path, out);
            }
        }
        environment(container, &path, out);
    }
}

/// An AppArmor profile: its type, and the name of a local one.
#[derive(PartialEq, Eq)]
struct Profile<'a>(&'a str, &'a str);

impl<'a> Profile<'a> {
    fn of(field: &'a Value) -> Self {
        Self(field.text_at(&["type"]), field.text_at(&["localhostProfile"]))
    }

    fn is_valid(&self) -> bool {
        self.0 != "Localhost"
            || !self.1.is_empty() && self.1.trim() == self.1 && self.1.len() <= LOCALHOST_PROFILE_BYTES
    }
}

fn profile_of(annotation: &str) -> Option<Profile<'_>> {
    match annotation {
        "unconfined" => Some(Profile("Unconfined", "")),
        "runtime/default" => Some(Profile("RuntimeDefault", "")),
        other => {
            let local = other.strip_prefix("localhost/").filter(|name| !name.is_empty())?;
            Some(Profile("Localhost", local))
        }
    }
}

/// Annotations of a new pod that say something else than its fields, or nothing that can be understood.
pub(super) fn app_armor_annotations(pod: &Value) -> Vec<String> {
    let mut out = Vec::new();
    let spec = pod.field("spec").unwrap_or(&Value::Null);
    if spec.text_at(&["os", "name"]) == "windows" {
        return out;
    }
    let whole = spec.at(&["securityContext", "appArmorProfile"]).filter(|profile| !profile.is_null());
    let annotations = super::path(&["metadata", "annotations"]);
    for (_, container) in containers(spec, &Path::root()) {
        let key = format!("{APP_ARMOR_PREFIX}{}", container.text_at(&["name"]));
        let Some(annotation) = object::annotation(pod, &key) else { continue };
        if is_set(container, &["securityContext", "appArmorProfile"]) {
            continue;
        }
        let said = profile_of(annotation).filter(Profile::is_valid);
        if said.is_none() || said != whole.map(Profile::of) {
            out.push(format!("{}: {APP_ARMOR}", annotations.key(&key)));
        }
    }
    out
}

/// Variables that take the place of earlier ones of the same name, other than by adding to them.
fn environment(container: &Value, path: &Path, out: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    for (index, variable) in items(container, &["env"]).iter().enumerate() {
        let (name, value) = (variable.text_at(&["name"]), variable.text_at(&["value"]));
        if seen.insert(name) {
            continue;
        }
        let reference = format!("$({name})");
        if is_set(variable, &["valueFrom"]) || value == reference || !value.contains(&reference) {
            out.push(format!(
                "{}: hides previous definition of {}, which may be dropped when using apply",
                path.child("env").index(index),
                quoted(name)
            ));
        }
    }
}

/// A port of a container, for comparison with those of the others.
struct Port<'a> {
    path: Path,
    host_port: i64,
    host_ip: &'a str,
}

/// Ports that are said twice, or that stand in each other's way.
pub(super) fn ports(spec: &Value, path: &Path, out: &mut Vec<String>) {
    let mut all: BTreeMap<(i64, &str), Vec<Port<'_>>> = BTreeMap::new();
    let mut comparisons_left = limits::WARNING_COMPARISONS;
    for (path, port) in each_port(spec, path) {
        let number = |field: &str| port.field(field).and_then(Value::as_int).unwrap_or(0);
        let (container_port, protocol) = (number("containerPort"), port.text_at(&["protocol"]));
        let new = Port { path, host_port: number("hostPort"), host_ip: port.text_at(&["hostIP"]) };
        if !new.host_ip.is_empty() && new.host_port == 0 {
            let name = port.text_at(&["name"]);
            out.push(format!(
                "{}: hostIP set without hostPort: {{Name:{name} HostPort:0 ContainerPort:{container_port} \
                 Protocol:{protocol} HostIP:{}}}",
                new.path, new.host_ip
            ));
        }
        let others = all.entry((container_port, protocol)).or_default();
        for other in others.iter().take(comparisons_left.min(limits::WARNINGS.saturating_sub(out.len()))) {
            comparisons_left -= 1;
            let what = if new.host_ip == other.host_ip && new.host_port == other.host_port {
                "duplicate port"
            } else if new.host_port == 0 || other.host_port == 0 {
                "overlapping port"
            } else if new.host_port == other.host_port && new.host_ip.is_empty() != other.host_ip.is_empty() {
                "dangerously ambiguous port"
            } else {
                continue;
            };
            out.push(format!("{}: {what} definition with {}", new.path, other.path));
        }
        others.push(new);
    }
    let mut names: BTreeMap<&str, Path> = BTreeMap::new();
    for (path, port) in each_port(spec, path) {
        let name = port.text_at(&["name"]);
        if name.is_empty() {
            continue;
        }
        match names.get(name) {
            None => {
                names.insert(name, path);
            }
            Some(other) => out.push(format!(
                "{path}: duplicate port name {} with {other}, services and probes that select ports by name will use \
                 {other}",
                quoted(name)
            )),
        }
    }
}

fn each_port<'a>(spec: &'a Value, path: &Path) -> impl Iterator<Item = (Path, &'a Value)> {
    containers(spec, path).flat_map(|(path, container)| {
        let path = path.child("ports");
        items(container, &["ports"]).iter().enumerate().map(move |(index, port)| (path.index(index), port))
    })
}
