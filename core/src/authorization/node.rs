//! Node: a kubelet may do what it needs for its own node and the pods on it, as far as the graph of what they refer to
//! says. It never denies: what it does not allow, another authorizer may.
//! k8s: plugin/pkg/auth/authorizer/node/node_authorizer.go

use super::Attributes;
use super::opinion::{AuthorizerOpinion, Grounds, Objection};
use crate::museum::Mutant;
use crate::value::quoted;
use crate::world::World;
use crate::world::indexes::Related;
use alloc::format;
use alloc::string::String;

/// The namespace of the leases of nodes.
const LEASES: &str = "kube-node-lease";

/// Verbs on whole resources that every node may use, as far as no relation to the node is asked for.
/// k8s: plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go NodeRules
const RULES: &[(&str, &str, &[&str])] = &[
    ("authentication.k8s.io", "tokenreviews", &["create"]),
    ("authorization.k8s.io", "subjectaccessreviews", &["create"]),
    ("authorization.k8s.io", "localsubjectaccessreviews", &["create"]),
    ("", "services", &["get", "list", "watch"]),
    ("", "events", &["create", "update", "patch"]),
    ("events.k8s.io", "events", &["create", "update", "patch"]),
    ("", "endpoints", &["get"]),
    ("certificates.k8s.io", "certificatesigningrequests", &["create", "get", "list", "watch"]),
    ("storage.k8s.io", "csidrivers", &["get", "watch", "list"]),
    ("node.k8s.io", "runtimeclasses", &["get", "list", "watch"]),
];

fn none(reason: impl Into<String>) -> AuthorizerOpinion {
    AuthorizerOpinion::None(Objection::of_reason(reason))
}

const ALLOW: AuthorizerOpinion = AuthorizerOpinion::Allow(Grounds::Untold);

/// What the authorizer says.
pub(super) fn opinion(world: &World, attributes: &Attributes<'_>) -> AuthorizerOpinion {
    let Some(node) = attributes.user.node_name() else { return none("") };
    if node.is_empty() {
        return none(format!("unknown node for user {}", quoted(&attributes.user.name)));
    }
    if !attributes.is_resource {
        return none("");
    }
    let asked = Asked { world, node, attributes };
    match (attributes.group, attributes.resource) {
        ("", "secrets") => asked.read_in_namespace(Related::Secret),
        ("", "configmaps") => asked.read_in_namespace(Related::ConfigMap),
        ("", "persistentvolumeclaims") if attributes.subresource == "status" => asked.claim_status(),
        ("", "persistentvolumeclaims") => asked.get(Related::PersistentVolumeClaim),
        ("", "persistentvolumes") => asked.get(Related::PersistentVolume),
        ("resource.k8s.io", "resourceclaims") => asked.get(Related::ResourceClaim),
        ("storage.k8s.io", "volumeattachments") => asked.get(Related::VolumeAttachment),
        ("", "serviceaccounts") => asked.service_account(),
        ("coordination.k8s.io", "leases") => asked.lease(),
        ("storage.k8s.io", "csinodes") => asked.csi_node(),
        ("resource.k8s.io", "resourceslices") => asked.resource_slice(),
        ("", "nodes") => asked.node(),
        ("", "pods") => asked.pod(),
        // Pod certificates belong to a feature that is off.
        ("certificates.k8s.io", "podcertificaterequests") => none(""),
        (group, resource) => {
            let allows = |(of, plural, verbs): &(&str, &str, &[&str])| {
                (*of, *plural) == (group, resource) && verbs.contains(&attributes.verb)
            };
            match attributes.subresource.is_empty() && RULES.iter().any(allows) {
                true => ALLOW,
                false => none(""),
            }
        }
    }
}

/// What a node asks for.
struct Asked<'a> {
    world: &'a World,
    node: &'a str,
    attributes: &'a Attributes<'a>,
}

impl Asked<'_> {
    fn is_whole(&self) -> bool {
        self.attributes.subresource.is_empty()
    }

    /// Whether the graph relates the object with the node.
    fn relates(&self, related: Related) -> AuthorizerOpinion {
        let Attributes { namespace, name, .. } = *self.attributes;
        if related == Related::Secret && self.world.config.flaw.is(Mutant::NodesReadAnySecret) {
            return ALLOW;
        }
        let graph = self.world.indexes().node_graph();
        if graph.is_some_and(|graph| graph.relates(self.node, related, namespace, name)) {
            return ALLOW;
        }
        none(format!("no relationship found between node '{}' and this object", self.node))
    }

    fn named(&self, related: Related) -> AuthorizerOpinion {
        if self.attributes.name.is_empty() { none("No Object name found") } else { self.relates(related) }
    }

    fn get(&self, related: Related) -> AuthorizerOpinion {
        if self.attributes.verb != "get" {
            return none("can only get individual resources of this type");
        }
        if !self.is_whole() {
            return none("cannot get subresource");
        }
        self.named(related)
    }

    fn read_in_namespace(&self, related: Related) -> AuthorizerOpinion {
        if !matches!(self.attributes.verb, "get" | "list" | "watch") {
            return none("can only read resources of this type");
        }
        if !self.is_whole() {
            return none("cannot read subresource");
        }
        if self.attributes.namespace.is_empty() {
            return none("can only read namespaced object of this type");
        }
        self.named(related)
    }

    fn claim_status(&self) -> AuthorizerOpinion {
        match self.attributes.verb {
            "update" | "patch" => self.named(Related::PersistentVolumeClaim),
            _ => none("can only get/update/patch this type"),
        }
    }

    fn service_account(&self) -> AuthorizerOpinion {
        if self.attributes.verb == "get" && self.is_whole() {
            return self.read_in_namespace(Related::ServiceAccount);
        }
        if self.attributes.verb != "create" || self.attributes.name.is_empty() {
            return none("can only create tokens for individual service accounts");
        }
        if self.attributes.subresource != "token" {
            return none("can only create token subresource of serviceaccount");
        }
        self.relates(Related::ServiceAccount)
    }

    /// A new lease has no name yet. NodeRestriction looks at it.
    fn lease(&self) -> AuthorizerOpinion {
        let Attributes { verb, namespace, name, .. } = *self.attributes;
        if !matches!(verb, "get" | "create" | "update" | "patch" | "delete") {
            return none("can only get, create, update, patch, or delete a node lease");
        }
        if namespace != LEASES {
            return none(format!("can only access leases in the {} system namespace", quoted(LEASES)));
        }
        if verb != "create" && name != self.node {
            return none("can only access node lease with the same name as the requesting node");
        }
        ALLOW
    }

    fn csi_node(&self) -> AuthorizerOpinion {
        let Attributes { verb, name, .. } = *self.attributes;
        if !matches!(verb, "get" | "create" | "update" | "patch" | "delete") {
            return none("can only get, create, update, patch, or delete a CSINode");
        }
        if !self.is_whole() {
            return none("cannot authorize CSINode subresources");
        }
        if verb != "create" && name != self.node {
            return none("can only access CSINode with the same name as the requesting node");
        }
        ALLOW
    }

    /// Whether the request selects objects of this node alone.
    fn selects_own(&self, field: &str) -> bool {
        let terms = self.attributes.field_selector.fields().requirements;
        terms.iter().any(|term| term.equal && term.field == field && term.value == self.node)
    }

    fn resource_slice(&self) -> AuthorizerOpinion {
        if !self.is_whole() {
            return none("cannot authorize ResourceSlice subresources");
        }
        match self.attributes.verb {
            // NodeRestriction looks at whose the new object is.
            "create" => ALLOW,
            "get" | "update" | "patch" | "delete" => self.named(Related::ResourceSlice),
            "watch" | "list" | "deletecollection" if self.selects_own("spec.nodeName") => ALLOW,
            "watch" | "list" | "deletecollection" => {
                none("can only list/watch/deletecollection resourceslices with nodeName field selector")
            }
            _ => none(
                "only the following verbs are allowed for a ResourceSlice: get, watch, list, create, update, \
                 patch, delete, deletecollection",
            ),
        }
    }

    /// Which node is changed is looked at by NodeRestriction.
    fn node(&self) -> AuthorizerOpinion {
        let (node, name) = (self.node, self.attributes.name);
        match (self.attributes.subresource, self.attributes.verb) {
            ("", "create" | "update" | "patch") | ("status", "update" | "patch") => ALLOW,
            ("", "get" | "list" | "watch") if name == node => ALLOW,
            ("", "get" | "list" | "watch") => none(match name {
                "" => format!("node '{node}' cannot read all nodes, only its own Node object"),
                _ => format!("node '{node}' cannot read '{name}', only its own Node object"),
            }),
            _ => none(""),
        }
    }

    /// Which pod is changed is looked at by NodeRestriction.
    fn pod(&self) -> AuthorizerOpinion {
        match (self.attributes.subresource, self.attributes.verb) {
            ("", "get") => self.get(Related::Pod),
            ("", "list" | "watch") if self.selects_own("spec.nodeName") => ALLOW,
            ("", "list" | "watch") if !self.attributes.name.is_empty() => self.relates(Related::Pod),
            ("", "list" | "watch") => none("can only list/watch pods with spec.nodeName field selector"),
            ("", "create" | "delete") | ("status", "update" | "patch") | ("eviction", "create") => ALLOW,
            _ => none(""),
        }
    }
}
