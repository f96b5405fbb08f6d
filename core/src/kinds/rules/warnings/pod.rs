//! Warnings about pods and pod templates.
//! k8s: pkg/api/pod/warnings.go

use super::{address, claim_spec, container, fractional, is_set, items, node_label, pod_name, volume};
use crate::status::Path;
use crate::value::quoted;
use crate::value::{Value, object};
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
pub(in crate::kinds) fn new_pod(pod: &Value) -> Vec<String> {
    let mut out = container::app_armor_annotations(pod);
    out.extend(pod_name(pod, "the Pod's hostname"));
    out.extend(spec_and_metadata(&Path::root(), pod, false));
    out
}

/// A pod template at a place of an object.
pub(in crate::kinds) fn template(value: &Value, place: &[&str]) -> Vec<String> {
    let Some(template) = value.at(place).filter(|template| !template.is_null()) else { return Vec::new() };
    spec_and_metadata(&super::path(place), template, true)
}

/// A workload with a pod template, whose change is told by its generation.
pub(in crate::kinds) fn workload(value: &Value, old: Option<&Value>) -> Vec<String> {
    let same = old.is_some_and(|old| object::generation(old) == object::generation(value));
    if same { Vec::new() } else { template(value, &["spec", "template"]) }
}

/// As `workload`, of a kind whose name becomes a part of the names of its pods.
pub(in crate::kinds) fn named_workload(value: &Value, old: Option<&Value>) -> Vec<String> {
    let mut out = if old.is_none() { super::name_of_pods(value) } else { Vec::new() };
    out.extend(workload(value, old));
    out
}

fn spec_and_metadata(path: &Path, pod: &Value, is_template: bool) -> Vec<String> {
    let mut out = Vec::new();
    let (spec_path, annotations) = (path.child("spec"), path.child("metadata").child("annotations"));
    let spec = pod.field("spec").unwrap_or(&Value::Null);
    nodes(spec, &spec_path, &mut out);
    for (key, message) in ANNOTATIONS {
        if object::annotation(pod, key).is_some() {
            out.push(format!("{}: {message}", annotations.key(key)));
        }
    }
    volumes(spec, &spec_path, &mut out);
    volume::overlaps(items(spec, &["volumes"]), &mut out);
    repeated(spec, &spec_path, &mut out);
    for resource in ["memory", "ephemeral-storage"] {
        fractional(spec.field("overhead"), resource, &spec_path.child("overhead"), &mut out);
    }
    if !is_set(spec, &["securityContext", "seccompProfile"]) && object::annotation(pod, SECCOMP).is_some() {
        let path = annotations.key(SECCOMP);
        out.push(format!("{path}: non-functional in v1.27+; use the \"seccompProfile\" field instead"));
    }
    container::each(pod, &spec_path, &annotations, is_template, &mut out);
    container::ports(spec, &spec_path, &mut out);
    if spec.field("terminationGracePeriodSeconds").and_then(Value::as_int).is_some_and(|seconds| seconds < 0)
    {
        let path = spec_path.child("terminationGracePeriodSeconds");
        out.push(format!("{path}: must be >= 0; negative values are invalid and will be treated as 1"));
    }
    affinity(spec, &spec_path, &mut out);
    let servers = items(spec, &["dnsConfig", "nameservers"]);
    address::ips(&spec_path.child("dnsConfig").child("nameservers"), servers, &[], &mut out);
    address::ips(&spec_path.child("hostAliases"), items(spec, &["hostAliases"]), &["ip"], &mut out);
    out
}

/// Replaced labels of nodes wherever nodes are selected, and spreading over no pods.
fn nodes(spec: &Value, path: &Path, out: &mut Vec<String>) {
    for (key, message) in node_label::keys(spec.field("nodeSelector")) {
        out.push(format!("{}: {message}", path.child("nodeSelector").key(key)));
    }
    let affinity = path.child("affinity").child("nodeAffinity");
    let held = spec.at(&["affinity", "nodeAffinity"]).unwrap_or(&Value::Null);
    let required = "requiredDuringSchedulingIgnoredDuringExecution";
    let terms = affinity.child(required).child("nodeSelectorTerms");
    for (index, term) in items(held, &[required, "nodeSelectorTerms"]).iter().enumerate() {
        node_label::expressions(term, false, &terms.index(index), out);
    }
    let preferred = "preferredDuringSchedulingIgnoredDuringExecution";
    for (index, term) in items(held, &[preferred]).iter().enumerate() {
        let path = affinity.child(preferred).index(index).child("preference");
        node_label::expressions(term.field("preference").unwrap_or(&Value::Null), true, &path, out);
    }
    for (index, constraint) in items(spec, &["topologySpreadConstraints"]).iter().enumerate() {
        let path = path.child("topologySpreadConstraints").index(index);
        let key = constraint.text_at(&["topologyKey"]);
        if let Some(message) = node_label::replaced(key) {
            out.push(format!("{}: {key} is {message}", path.child("topologyKey")));
        }
        selects_nothing(constraint, &[], &path, out);
    }
}

/// A selector of pods that is left out selects none.
fn selects_nothing(holder: &Value, place: &[&str], path: &Path, out: &mut Vec<String>) {
    let place = [place, &["labelSelector"]].concat();
    if !is_set(holder, &place) {
        let path = place.iter().fold(path.clone(), |path, name| path.child(name));
        out.push(format!("{path}: a null labelSelector results in matching no pod"));
    }
}

fn affinity(spec: &Value, path: &Path, out: &mut Vec<String>) {
    let kinds: [(&str, &[&str]); 2] = [
        ("requiredDuringSchedulingIgnoredDuringExecution", &[]),
        ("preferredDuringSchedulingIgnoredDuringExecution", &["podAffinityTerm"]),
    ];
    for field in ["podAffinity", "podAntiAffinity"] {
        for (kind, place) in kinds {
            let path = path.child("affinity").child(field).child(kind);
            for (index, term) in items(spec, &["affinity", field, kind]).iter().enumerate() {
                selects_nothing(term, place, &path.index(index), out);
            }
        }
    }
}

fn volumes(spec: &Value, path: &Path, out: &mut Vec<String>) {
    for (index, volume) in items(spec, &["volumes"]).iter().enumerate() {
        let path = path.child("volumes").index(index);
        for (source, message) in VOLUMES.iter().filter(|(source, _)| is_set(volume, &[source])) {
            // The path of one is written as its field is in Go.
            let shown = if *source == "storageos" { "storageOS" } else { source };
            if !message.is_empty() {
                out.push(format!("{}: {message}", path.child(shown)));
                continue;
            }
            let claim = volume.at(&[source, "volumeClaimTemplate", "spec"]);
            let path = path.child(source).child("volumeClaimTemplate").child("spec");
            claim_spec(claim.unwrap_or(&Value::Null), &path, out);
        }
    }
}

/// Entries of lists whose key is another's too, and empty names of secrets.
fn repeated(spec: &Value, path: &Path, out: &mut Vec<String>) {
    for (list, key) in [("hostAliases", "ip"), ("imagePullSecrets", "name")] {
        let mut seen = BTreeSet::new();
        for (index, item) in items(spec, &[list]).iter().enumerate() {
            let held = item.text_at(&[key]);
            if !seen.insert(held) {
                let path = path.child(list).index(index).child(key);
                out.push(format!("{path}: duplicate {key} {}", quoted(held)));
            }
        }
    }
    for (index, secret) in items(spec, &["imagePullSecrets"]).iter().enumerate() {
        if secret.text_at(&["name"]).is_empty() {
            let path = path.child("imagePullSecrets").index(index).child("name");
            out.push(format!("{path}: invalid empty name \"\""));
        }
    }
}
