//! Warnings about the containers of a pod or pod template.
//! k8s: pkg/api/pod/warnings.go, pkg/registry/core/pod/strategy.go applyAppArmorVersionSkew

use super::super::warnings::fractional;
use crate::kinds::validation::Located;
use crate::limits;
use crate::value::quoted;
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

/// What is said of each container by itself.
pub(super) fn each(pod: &Located<'_, '_>, is_template: bool, out: &mut Vec<String>) {
    let (spec, annotations) = (pod.member("spec"), pod.at(&["metadata", "annotations"]));
    let has_seccomp = annotations.has_key_with(SECCOMP_PREFIX);
    let has_app_armor = is_template && annotations.has_key_with(APP_ARMOR_PREFIX);
    for container in LISTS.map(|list| spec.member(list)).iter().flat_map(Located::items) {
        if has_seccomp {
            seccomp_annotation(&container, &annotations, out);
        }
        if has_app_armor {
            app_armor_annotation(&container, &spec, &annotations, out);
        }
        let resources = container.member("resources");
        for resource in ["memory", "ephemeral-storage"] {
            fractional(&resources.member("limits"), resource, out);
            fractional(&resources.member("requests"), resource, out);
        }
        environment(&container.member("env"), out);
    }
}

fn seccomp_annotation(container: &Located<'_, '_>, annotations: &Located<'_, '_>, out: &mut Vec<String>) {
    let key = format!("{SECCOMP_PREFIX}{}", container.member("name").text());
    let annotation = annotations.key(&key);
    if annotation.is_set() && !container.at(&["securityContext", "seccompProfile"]).is_set() {
        out.push(format!("{annotation}: non-functional in v1.27+; use the \"seccompProfile\" field instead"));
    }
}

fn app_armor_annotation(
    container: &Located<'_, '_>,
    spec: &Located<'_, '_>,
    annotations: &Located<'_, '_>,
    out: &mut Vec<String>,
) {
    let key = format!("{APP_ARMOR_PREFIX}{}", container.member("name").text());
    let annotation = annotations.key(&key);
    if !annotation.is_set() || container.at(&["securityContext", "appArmorProfile"]).is_set() {
        return;
    }
    let whole = spec.at(&["securityContext", "appArmorProfile"]);
    if !whole.is_set() || profile_of(annotation.text()) != Profile::of(&whole) {
        out.push(format!("{annotation}: {APP_ARMOR}"));
    }
}

/// An AppArmor profile: its type, and the name of a local one.
#[derive(PartialEq, Eq)]
struct Profile<'a>(&'a str, &'a str);

impl<'a> Profile<'a> {
    /// The profile that a field names; None when it is absent.
    fn of(field: &Located<'a, '_>) -> Option<Self> {
        field.is_set().then(|| Self(field.member("type").text(), field.member("localhostProfile").text()))
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
pub(super) fn app_armor_annotations(pod: &Located<'_, '_>, out: &mut Vec<String>) {
    let (spec, annotations) = (pod.member("spec"), pod.at(&["metadata", "annotations"]));
    if spec.at(&["os", "name"]).text() == "windows" || !annotations.has_key_with(APP_ARMOR_PREFIX) {
        return;
    }
    let whole = Profile::of(&spec.at(&["securityContext", "appArmorProfile"]));
    for container in LISTS.map(|list| spec.member(list)).iter().flat_map(Located::items) {
        let key = format!("{APP_ARMOR_PREFIX}{}", container.member("name").text());
        let annotation = annotations.key(&key);
        if !annotation.is_set() || container.at(&["securityContext", "appArmorProfile"]).is_set() {
            continue;
        }
        let said = profile_of(annotation.text()).filter(Profile::is_valid);
        if said.is_none() || said != whole {
            out.push(format!("{annotation}: {APP_ARMOR}"));
        }
    }
}

/// Variables that take the place of earlier ones of the same name, other than by adding to them.
fn environment(variables: &Located<'_, '_>, out: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    for variable in variables.items() {
        let (name, value) = (variable.member("name").text(), variable.member("value").text());
        if seen.insert(name) {
            continue;
        }
        let reference = format!("$({name})");
        if variable.member("valueFrom").is_set() || value == reference || !value.contains(&reference) {
            out.push(format!(
                "{variable}: hides previous definition of {}, which may be dropped when using apply",
                quoted(name)
            ));
        }
    }
}

/// Ports that are said twice, or that stand in each other's way.
pub(super) fn ports(spec: &Located<'_, '_>, out: &mut Vec<String>) {
    let lists = LISTS.map(|list| spec.member(list));
    let containers: Vec<Located<'_, '_>> = lists.iter().flat_map(Located::items).collect();
    let ports: Vec<Located<'_, '_>> = containers.iter().map(|container| container.member("ports")).collect();
    let ports: Vec<Located<'_, '_>> = ports.iter().flat_map(Located::items).collect();
    let mut all: BTreeMap<(i64, &str), Vec<Located<'_, '_>>> = BTreeMap::new();
    let mut comparisons_left = limits::WARNING_COMPARISONS;
    for new in &ports {
        let (container_port, protocol) = (new.member("containerPort").int(), new.member("protocol").text());
        let (host_port, host_ip) = host(new);
        if !host_ip.is_empty() && host_port == 0 {
            let name = new.member("name").text();
            out.push(format!(
                "{new}: hostIP set without hostPort: {{Name:{name} HostPort:0 ContainerPort:{container_port} \
                 Protocol:{protocol} HostIP:{host_ip}}}"
            ));
        }
        let others = all.entry((container_port, protocol)).or_default();
        for other in others.iter().take(comparisons_left.min(limits::WARNINGS.saturating_sub(out.len()))) {
            comparisons_left -= 1;
            let (other_port, other_ip) = host(other);
            let what = if (host_port, host_ip) == (other_port, other_ip) {
                "duplicate port"
            } else if host_port == 0 || other_port == 0 {
                "overlapping port"
            } else if host_port == other_port && host_ip.is_empty() != other_ip.is_empty() {
                "dangerously ambiguous port"
            } else {
                continue;
            };
            out.push(format!("{new}: {what} definition with {other}"));
        }
        others.push(*new);
    }
    let mut names: BTreeMap<&str, &Located<'_, '_>> = BTreeMap::new();
    for port in &ports {
        let name = port.member("name").text();
        if name.is_empty() {
            continue;
        }
        match names.get(name) {
            None => {
                names.insert(name, port);
            }
            Some(other) => out.push(format!(
                "{port}: duplicate port name {} with {other}, services and probes that select ports by name will use \
                 {other}",
                quoted(name)
            )),
        }
    }
}

/// Where a port is reached on the node.
fn host<'v>(port: &Located<'v, '_>) -> (i64, &'v str) {
    (port.member("hostPort").int(), port.member("hostIP").text())
}
