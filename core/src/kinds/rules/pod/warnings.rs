//! Warnings about pods and pod templates.
//! k8s: pkg/api/pod/warnings.go

use super::super::warnings::{
    address, claim_spec, fractional, is_new_generation, name_of_pods, name_used_in, node_label,
};
use super::{container_warnings, volume_warnings};
use crate::kinds::Facts;
use crate::kinds::validation::Located;
use crate::value::quoted;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

const ANNOTATIONS: &[(&str, &str)] = &[
    (
        "scheduler.alpha.kubernetes.io/critical-pod",
        "non-functional in v1.16+; use the \"priorityClassName\" field instead",
    ),
    ("security.alpha.kubernetes.io/sysctls", "non-functional in v1.11+; use the \"sysctls\" field instead"),
    (
        "security.alpha.kubernetes.io/unsafe-sysctls",
        "non-functional in v1.11+; use the \"sysctls\" field instead",
    ),
];

const SECCOMP: &str = "seccomp.security.alpha.kubernetes.io/pod";

/// Whose volumes are gone, and since when.
const VOLUMES: &[(&str, &str)] = &[
    ("photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"),
    ("gitRepo", "deprecated in v1.11, and disabled by default in v1.33+"),
    ("scaleIO", "deprecated in v1.16, non-functional in v1.22+"),
    ("flocker", "deprecated in v1.22, non-functional in v1.25+"),
    ("storageos", "deprecated in v1.22, non-functional in v1.25+"),
    ("quobyte", "deprecated in v1.22, non-functional in v1.25+"),
    ("glusterfs", "deprecated in v1.25, non-functional in v1.26+"),
    ("ephemeral", ""),
    ("cephfs", "deprecated in v1.28, non-functional in v1.31+"),
    ("rbd", "deprecated in v1.28, non-functional in v1.31+"),
];

/// A new pod.
/// k8s: pkg/registry/core/pod/strategy.go
pub(super) fn new_pod(pod: &Located<'_, '_>, _facts: &Facts<'_>, out: &mut Vec<String>) {
    container_warnings::app_armor_annotations(pod, out);
    name_used_in(pod, "the Pod's hostname", out);
    spec_and_metadata(pod, false, out);
}

/// A pod template, wherever it is.
pub(in super::super) fn template(template: &Located<'_, '_>, out: &mut Vec<String>) {
    if template.is_set() {
        spec_and_metadata(template, true, out);
    }
}

/// A workload with a pod template.
pub(in super::super) fn workload(object: &Located<'_, '_>, _facts: &Facts<'_>, out: &mut Vec<String>) {
    template(&object.at(&["spec", "template"]), out);
}

/// A change of a workload with a pod template, which its generation tells.
pub(in super::super) fn changed_workload(object: &Located<'_, '_>, facts: &Facts<'_>, out: &mut Vec<String>) {
    if is_new_generation(object, facts) {
        workload(object, facts, out);
    }
}

/// A workload whose name becomes a part of the names of its pods.
pub(in super::super) fn named_workload(object: &Located<'_, '_>, facts: &Facts<'_>, out: &mut Vec<String>) {
    name_of_pods(object, out);
    workload(object, facts, out);
}

fn spec_and_metadata(pod: &Located<'_, '_>, is_template: bool, out: &mut Vec<String>) {
    let (spec, annotations) = (pod.member("spec"), pod.at(&["metadata", "annotations"]));
    nodes(&spec, out);
    for (key, message) in ANNOTATIONS {
        let annotation = annotations.key(key);
        if annotation.is_set() {
            out.push(format!("{annotation}: {message}"));
        }
    }
    volumes(&spec, out);
    volume_warnings::overlaps(&spec.member("volumes"), out);
    repeated(&spec, out);
    for resource in ["memory", "ephemeral-storage"] {
        fractional(&spec.member("overhead"), resource, out);
    }
    let seccomp = annotations.key(SECCOMP);
    if seccomp.is_set() && !spec.at(&["securityContext", "seccompProfile"]).is_set() {
        out.push(format!("{seccomp}: non-functional in v1.27+; use the \"seccompProfile\" field instead"));
    }
    container_warnings::each(pod, is_template, out);
    container_warnings::ports(&spec, out);
    let grace = spec.member("terminationGracePeriodSeconds");
    if grace.int() < 0 {
        out.push(format!("{grace}: must be >= 0; negative values are invalid and will be treated as 1"));
    }
    affinity(&spec, out);
    address::ips(&spec.at(&["dnsConfig", "nameservers"]), &[], out);
    address::ips(&spec.member("hostAliases"), &["ip"], out);
}

/// Replaced labels of nodes wherever nodes are selected, and spreading over no pods.
fn nodes(spec: &Located<'_, '_>, out: &mut Vec<String>) {
    let selector = spec.member("nodeSelector");
    for (key, message) in node_label::keys(&selector) {
        out.push(format!("{}: {message}", selector.key(key)));
    }
    let affinity = spec.at(&["affinity", "nodeAffinity"]);
    let required = affinity.at(&["requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms"]);
    for term in required.items() {
        node_label::expressions(&term, false, out);
    }
    for term in affinity.member("preferredDuringSchedulingIgnoredDuringExecution").items() {
        node_label::expressions(&term.member("preference"), true, out);
    }
    for constraint in spec.member("topologySpreadConstraints").items() {
        let key = constraint.member("topologyKey");
        if let Some(message) = node_label::replaced(key.text()) {
            out.push(format!("{key}: {} is {message}", key.text()));
        }
        selects_nothing(&constraint.member("labelSelector"), out);
    }
}

/// A selector of pods that is left out selects none.
fn selects_nothing(selector: &Located<'_, '_>, out: &mut Vec<String>) {
    if !selector.is_set() {
        out.push(format!("{selector}: a null labelSelector results in matching no pod"));
    }
}

fn affinity(spec: &Located<'_, '_>, out: &mut Vec<String>) {
    for field in ["podAffinity", "podAntiAffinity"] {
        let affinity = spec.member("affinity");
        let affinity = affinity.member(field);
        for term in affinity.member("requiredDuringSchedulingIgnoredDuringExecution").items() {
            selects_nothing(&term.member("labelSelector"), out);
        }
        for term in affinity.member("preferredDuringSchedulingIgnoredDuringExecution").items() {
            selects_nothing(&term.at(&["podAffinityTerm", "labelSelector"]), out);
        }
    }
}

fn volumes(spec: &Located<'_, '_>, out: &mut Vec<String>) {
    for volume in spec.member("volumes").items() {
        for (field, message) in VOLUMES {
            let source = volume.member(field);
            if !source.is_set() {
                continue;
            }
            if message.is_empty() {
                claim_spec(&source.at(&["volumeClaimTemplate", "spec"]), out);
                continue;
            }
            // The path of one is written as its field is in Go.
            let source = if *field == "storageos" { source.shown_as("storageOS") } else { source };
            out.push(format!("{source}: {message}"));
        }
    }
}

/// Entries of lists whose key is another's too, and empty names of secrets.
fn repeated(spec: &Located<'_, '_>, out: &mut Vec<String>) {
    for (list, key) in [("hostAliases", "ip"), ("imagePullSecrets", "name")] {
        let mut seen = BTreeSet::new();
        for item in spec.member(list).items() {
            let held = item.member(key);
            if !seen.insert(held.text()) {
                out.push(format!("{held}: duplicate {key} {}", quoted(held.text())));
            }
        }
    }
    for secret in spec.member("imagePullSecrets").items() {
        let name = secret.member("name");
        if name.is_empty() {
            out.push(format!("{name}: invalid empty name \"\""));
        }
    }
}
