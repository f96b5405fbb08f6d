//! Roles and bindings as authorization reads them: parsed once, when they change.
//! k8s: staging/src/k8s.io/api/rbac/v1/types.go

use crate::caller::Caller;
use crate::value::{Text, Value, object};
use crate::world::cache::Entry;
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// The group of roles and bindings.
pub const RBAC_GROUP: &str = "rbac.authorization.k8s.io";

/// What is allowed: all verbs on all resources of all groups, or on all paths.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct PolicyRule {
    pub verbs: Vec<Text>,
    pub api_groups: Vec<Text>,
    pub resources: Vec<Text>,
    /// Empty for objects of any name.
    pub resource_names: Vec<Text>,
    pub non_resource_urls: Vec<Text>,
}

impl PolicyRule {
    fn parse(rule: &Value) -> Self {
        let texts = |member: &str| {
            let listed = rule.at(&[member]).and_then(Value::as_list).unwrap_or_default();
            listed.iter().filter_map(Value::as_str).map(Text::from).collect()
        };
        Self {
            verbs: texts("verbs"),
            api_groups: texts("apiGroups"),
            resources: texts("resources"),
            resource_names: texts("resourceNames"),
            non_resource_urls: texts("nonResourceURLs"),
        }
    }

    /// The rules of a role.
    pub fn of_role(role: &Value) -> Vec<Self> {
        let listed = role.at(&["rules"]).and_then(Value::as_list).unwrap_or_default();
        listed.iter().map(Self::parse).collect()
    }
}

/// The role that a binding gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoleRef {
    /// A role of the binding's namespace.
    Role(Text),
    ClusterRole(Text),
    /// Another kind, which can only be stored by something else than this server, and its name.
    Unsupported(Text, Text),
}

impl RoleRef {
    pub fn parse(reference: Option<&Value>) -> Self {
        let text = |member: &str| reference.map_or("", |held| held.text_at(&[member]));
        let name = text("name").into();
        match text("kind") {
            "Role" => Self::Role(name),
            "ClusterRole" => Self::ClusterRole(name),
            kind => Self::Unsupported(kind.into(), name),
        }
    }

    pub fn kind(&self) -> &str {
        match self {
            Self::Role(_) => "Role",
            Self::ClusterRole(_) => "ClusterRole",
            Self::Unsupported(kind, _) => kind,
        }
    }

    pub fn name(&self) -> &str {
        match self {
            Self::Role(name) | Self::ClusterRole(name) | Self::Unsupported(_, name) => name,
        }
    }
}

/// Whom a binding gives its role to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoleSubject {
    User(Text),
    Group(Text),
    /// The account's namespace, which is the binding's if the binding names none, and its name.
    ServiceAccount(Text, Text),
}

impl RoleSubject {
    /// None for a subject that nobody is.
    fn parse(subject: &Value, namespace: &str) -> Option<Self> {
        let name = subject.text_at(&["name"]).into();
        match subject.text_at(&["kind"]) {
            "User" => Some(Self::User(name)),
            "Group" => Some(Self::Group(name)),
            "ServiceAccount" => {
                let named = subject.text_at(&["namespace"]);
                let namespace = if named.is_empty() { namespace } else { named };
                (!namespace.is_empty()).then(|| Self::ServiceAccount(namespace.into(), name))
            }
            _ => None,
        }
    }

    /// The name under which its user makes requests; None for a group.
    /// k8s: staging/src/k8s.io/apiserver/pkg/authentication/serviceaccount/util.go MatchesUsername
    pub(super) fn user_name(&self) -> Option<Text> {
        match self {
            Self::User(name) => Some(name.clone()),
            Self::Group(_) => None,
            Self::ServiceAccount(namespace, name) => {
                Some(format!("system:serviceaccount:{namespace}:{name}").into())
            }
        }
    }

    /// Whether a caller is meant.
    pub fn is_caller(&self, caller: &Caller) -> bool {
        match self {
            Self::User(name) => caller.name == *name,
            Self::Group(name) => caller.groups.contains(name),
            Self::ServiceAccount(namespace, name) => {
                let parts = caller.name.strip_prefix("system:serviceaccount:");
                let rest = parts.and_then(|parts| parts.strip_prefix(namespace.as_str()));
                rest.and_then(|rest| rest.strip_prefix(':')) == Some(name.as_str())
            }
        }
    }
}

/// A binding of a namespace, or of the whole cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleBinding {
    pub name: Text,
    /// Empty for the whole cluster.
    pub namespace: Text,
    pub role: RoleRef,
    pub subjects: Vec<RoleSubject>,
}

impl RoleBinding {
    pub fn of(entry: &Entry) -> Self {
        let value = entry.to_value();
        let namespace = object::namespace(&value);
        let listed = value.at(&["subjects"]).and_then(Value::as_list).unwrap_or_default();
        Self {
            name: object::name(&value).into(),
            namespace: namespace.into(),
            role: RoleRef::parse(value.at(&["roleRef"])),
            subjects: listed.iter().filter_map(|subject| RoleSubject::parse(subject, namespace)).collect(),
        }
    }

    /// The first subject that a caller is.
    pub fn subject_of(&self, caller: &Caller) -> Option<&RoleSubject> {
        self.subjects.iter().find(|subject| subject.is_caller(caller))
    }
}

/// The rules of a role. Snapshots share them.
pub(super) fn rules_of(entry: &Entry) -> Arc<[PolicyRule]> {
    PolicyRule::of_role(&entry.to_value()).into()
}
