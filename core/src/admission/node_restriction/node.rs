//! Nodes: a kubelet keeps its own, but for its taints, its owners, and labels by which pods are steered.
//! k8s: plugin/pkg/admission/noderestriction/admission.go admitNode,
//! staging/src/k8s.io/kubelet/pkg/apis/well_known_labels.go

use super::{AdmissionOperation, Opinion, Restricted};
use crate::status::Failure;
use crate::value::{Map, Value, object, quoted};
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Labels of Kubernetes that kubelets set.
const LABELS: [&str; 11] = [
    "beta.kubernetes.io/arch",
    "beta.kubernetes.io/instance-type",
    "beta.kubernetes.io/os",
    "failure-domain.beta.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone",
    "kubernetes.io/arch",
    "kubernetes.io/hostname",
    "kubernetes.io/os",
    "node.kubernetes.io/instance-type",
    "topology.kubernetes.io/region",
    "topology.kubernetes.io/zone",
];

/// Domains whose labels kubelets set.
const DOMAINS: [&str; 2] = ["kubelet.kubernetes.io", "node.kubernetes.io"];

/// The domain of labels that no kubelet sets.
const RESTRICTED: &str = "node-restriction.kubernetes.io";

impl Restricted<'_> {
    pub(super) fn node(&self) -> Result<Opinion, Failure> {
        let (node, name) = (quoted(self.node), self.attributes.name);
        let name = if name.is_empty() { self.name() } else { name };
        if name != self.node {
            return self.refuse(&format!("node {node} is not allowed to modify node {}", quoted(name)));
        }
        match self.attributes.operation {
            AdmissionOperation::Create => self.new_node(&node),
            AdmissionOperation::Update => self.changed_node(&node),
            AdmissionOperation::Delete | AdmissionOperation::Connect => Ok(Opinion::Admitted),
        }
    }

    fn new_node(&self, node: &str) -> Result<Opinion, Failure> {
        if given(self.object, "configSource").is_some() {
            let why = format!("node {node} is not allowed to create pods with a non-nil configSource");
            return self.refuse(&why);
        }
        let labels = forbidden_labels(self.object, &Value::Null);
        if labels.is_empty() {
            return Ok(Opinion::Admitted);
        }
        let labels = labels.join(", ");
        self.refuse(&format!("node {node} is not allowed to set the following labels: {labels}"))
    }

    fn changed_node(&self, node: &str) -> Result<Opinion, Failure> {
        let (new, old) = (self.object, self.attributes.old);
        let source = given(new, "configSource");
        if source.is_some() && source != given(old, "configSource") {
            let why =
                format!("node {node} is not allowed to update configSource to a new non-nil configSource");
            return self.refuse(&why);
        }
        let list = |object: &Value, path: &[&str]| {
            object.at(path).and_then(Value::as_list).map(<[Value]>::to_vec).unwrap_or_default()
        };
        if list(new, &["spec", "taints"]) != list(old, &["spec", "taints"]) {
            return self.refuse(&format!("node {node} is not allowed to modify taints"));
        }
        const OWNERS: &[&str] = &["metadata", "ownerReferences"];
        if list(new, OWNERS) != list(old, OWNERS) {
            return self.refuse(&format!("node {node} is not allowed to modify ownerReferences"));
        }
        let labels = forbidden_labels(new, old);
        if labels.is_empty() {
            return Ok(Opinion::Admitted);
        }
        self.refuse(&format!("is not allowed to modify labels: {}", labels.join(", ")))
    }
}

fn given<'a>(node: &'a Value, field: &str) -> Option<&'a Value> {
    node.at(&["spec", field]).filter(|held| !held.is_null())
}

/// The labels in which two nodes differ and which no kubelet may change, in order.
fn forbidden_labels(new: &Value, old: &Value) -> Vec<String> {
    let none = Map::new();
    let [new, old] = [new, old].map(|node| object::labels(node).unwrap_or(&none));
    let differs = |one: &Map, other: &Map| {
        let different = one.iter().filter(|(key, value)| other.get(key) != Some(*value));
        different.map(|(key, _)| String::from(key.as_str())).collect::<Vec<String>>()
    };
    let changed: BTreeSet<String> = differs(new, old).into_iter().chain(differs(old, new)).collect();
    changed.into_iter().filter(|key| is_forbidden(key)).collect()
}

fn is_forbidden(key: &str) -> bool {
    let domain = key.split_once('/').map_or("", |(domain, _)| domain);
    let is_in = |of: &str| domain.strip_suffix(of).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    let is_of_kubernetes = is_in("kubernetes.io") || is_in("k8s.io");
    let is_of_kubelets = LABELS.contains(&key) || DOMAINS.iter().any(|of| is_in(of));
    is_in(RESTRICTED) || (is_of_kubernetes && !is_of_kubelets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kubelets_change_labels_of_their_own_and_of_others_than_kubernetes() {
        let cases = [
            ("app", false),
            ("example.com/app", false),
            ("kubernetes.io/hostname", false),
            ("kubernetes.io/role", true),
            ("node-role.kubernetes.io/master", true),
            ("node.kubernetes.io/x", false),
            ("foo.node.kubernetes.io/x", false),
            ("xnode.kubernetes.io/x", true),
            ("kubelet.kubernetes.io/x", false),
            ("node-restriction.kubernetes.io/x", true),
            ("foo.node-restriction.kubernetes.io/x", true),
            ("foo.k8s.io/x", true),
            ("xk8s.io/x", false),
        ];
        for (key, expected) in cases {
            assert_eq!(is_forbidden(key), expected, "{key}");
        }
    }
}
