//! Indexes of the world: what answers depend on beside the objects, kept with every change of an object so that no
//! request has to look for it. An index is a function of the objects: `rebuild` makes it of them, and what is kept must
//! always equal that.

mod api_services;
mod definitions;
mod node_graph;
mod policies;
mod policy;
mod rbac;
mod webhooks;

use super::World;
use super::cache::Entry;
use crate::config::{Authorizer, Config};
use crate::kinds::Kind;
use crate::museum::{Flaw, Mutant};
use crate::value::{Text, object};
use alloc::collections::BTreeSet;
use alloc::sync::Arc;

pub use api_services::{RemoteApi, RemoteApis};
pub use definitions::UsedNames;
pub use node_graph::{NodeGraph, Related};
pub(crate) use policies::{
    AdmissionPolicy, CompiledPolicy, Mutation, ParamKind, ParamRef, PatchType, Policies, PolicyBinding,
    PolicySet, Validation, ValidationAction,
};
pub use policy::{PolicyRule, RBAC_GROUP, RoleBinding, RoleRef, RoleSubject};
pub use rbac::Roles;
pub(crate) use webhooks::{Webhook, Webhooks};

/// All indexes. A clone shares them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Indexes {
    ending: EndingNamespaces,
    roles: Roles,
    /// It is only kept for the Node authorizer.
    node_graph: Option<NodeGraph>,
    definitions: definitions::DefinitionNames,
    webhooks: Webhooks,
    policies: Policies,
    remote_apis: RemoteApis,
}

/// A change of one object, as indexes see it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Changed<'a> {
    /// The kind in whose version the object is stored.
    pub(crate) kind: &'a Kind,
    /// None when there was none that could be read.
    pub(crate) old: Option<&'a Entry>,
    /// None when there is none any more, or none that can be read.
    pub(crate) new: Option<&'a Entry>,
}

impl Indexes {
    /// The kinds that indexes are made of: group, version and resource.
    pub const KINDS: &[(&str, &str, &str)] = &[
        ("", "v1", "namespaces"),
        ("admissionregistration.k8s.io", "v1", "mutatingadmissionpolicies"),
        ("admissionregistration.k8s.io", "v1", "mutatingadmissionpolicybindings"),
        ("admissionregistration.k8s.io", "v1", "mutatingwebhookconfigurations"),
        ("admissionregistration.k8s.io", "v1", "validatingadmissionpolicies"),
        ("admissionregistration.k8s.io", "v1", "validatingadmissionpolicybindings"),
        ("admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations"),
        ("apiextensions.k8s.io", "v1", "customresourcedefinitions"),
        ("apiregistration.k8s.io", "v1", "apiservices"),
        (RBAC_GROUP, "v1", "roles"),
        (RBAC_GROUP, "v1", "rolebindings"),
        (RBAC_GROUP, "v1", "clusterroles"),
        (RBAC_GROUP, "v1", "clusterrolebindings"),
    ];

    /// The kinds that the graph of nodes is made of, which is kept only where nodes are authorized by it.
    pub const NODE_KINDS: &[(&str, &str, &str)] = &[
        ("", "v1", "pods"),
        ("", "v1", "persistentvolumes"),
        ("storage.k8s.io", "v1", "volumeattachments"),
        ("resource.k8s.io", "v1", "resourceslices"),
    ];

    /// The indexes of no objects.
    pub fn new(config: &Config) -> Self {
        let asks_nodes = config.authorization.contains(&Authorizer::Node);
        let node_graph = asks_nodes.then(NodeGraph::default);
        let (ending, roles, definitions, webhooks, policies, remote_apis) = Default::default();
        Self { ending, roles, definitions, webhooks, policies, remote_apis, node_graph }
    }

    /// The indexes as the objects of a world say they should be.
    pub fn rebuild(world: &World) -> Self {
        let mut indexes = Self::new(&world.config);
        let of_nodes = if indexes.node_graph.is_some() { Self::NODE_KINDS } else { &[] };
        for (group, version, plural) in Self::KINDS.iter().chain(of_nodes) {
            let found = world.registry.find(group, version, plural);
            let Some((kind, cache)) = found.and_then(|kind| Some((kind, world.cache(kind.storage?)?))) else {
                continue;
            };
            for (_, held) in cache.entries().iter() {
                let change = Changed { kind, old: None, new: Some(held.entry()) };
                indexes.changed(change, Flaw::default());
            }
        }
        indexes
    }

    /// Keeps the indexes with a change. It costs nothing for objects that no index is made of.
    pub(crate) fn changed(&mut self, change: Changed<'_>, flaw: Flaw) {
        // Every kind that an index is made of is asked for here, so that other changes are passed over at once.
        match (&*change.kind.group, &*change.kind.plural) {
            ("", "namespaces") => {
                let is_update = change.old.is_some() && change.new.is_some();
                if !(is_update && flaw.is(Mutant::IndexMissesUpdates)) {
                    self.ending.changed(change);
                }
            }
            (RBAC_GROUP, _) => self.roles.changed(change, flaw),
            ("admissionregistration.k8s.io", _) => {
                self.webhooks.changed(change);
                self.policies.changed(change, flaw);
            }
            (_, "customresourcedefinitions") => self.definitions.changed(change),
            ("apiregistration.k8s.io", _) => self.remote_apis.changed(change),
            _ => {}
        }
        if let Some(graph) = &mut self.node_graph {
            graph.changed(change, flaw);
        }
    }

    /// What each node may see; None without the Node authorizer.
    pub fn node_graph(&self) -> Option<&NodeGraph> {
        self.node_graph.as_ref()
    }

    /// The names of the definitions of custom resources that something is still to be done for.
    pub fn unsettled_definitions(&self) -> &BTreeSet<Text> {
        self.definitions.unsettled()
    }

    /// The names that the definitions of a group have been given.
    pub fn used_names(&self, group: &str) -> UsedNames {
        self.definitions.used(group)
    }

    /// All admission policies.
    pub(crate) fn policies(&self) -> &Policies {
        &self.policies
    }

    /// All admission webhooks.
    pub(crate) fn webhooks(&self) -> &Webhooks {
        &self.webhooks
    }

    /// The groups and versions that other servers serve.
    pub fn remote_apis(&self) -> &RemoteApis {
        &self.remote_apis
    }

    /// All roles and bindings.
    pub fn roles(&self) -> &Roles {
        &self.roles
    }

    /// Whether nothing new may be created in a namespace, since it is being deleted.
    pub fn is_ending(&self, namespace: &str) -> bool {
        self.ending.names.contains(namespace)
    }
}

/// The namespaces that are being deleted.
/// k8s: staging/src/k8s.io/apiserver/pkg/admission/plugin/namespace/lifecycle/admission.go
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct EndingNamespaces {
    names: Arc<BTreeSet<Text>>,
}

impl EndingNamespaces {
    fn changed(&mut self, change: Changed<'_>) {
        let Some(name) = change.new.or(change.old).map(Entry::name) else { return };
        let ends = change.new.is_some_and(|entry| object::is_being_deleted(&entry.to_value()));
        // Most changes make no difference, and then the set that snapshots share is not copied.
        if ends && !self.names.contains(name) {
            Arc::make_mut(&mut self.names).insert(name.into());
        } else if !ends && self.names.contains(name) {
            Arc::make_mut(&mut self.names).remove(name);
        }
    }
}
