//! What knows how the objects of a resource count towards quotas.
//! k8s: staging/src/k8s.io/apiserver/pkg/quota/v1/{interfaces.go,generic/evaluator.go},
//! pkg/quota/v1/{install/registry.go,evaluator/core/registry.go}

use super::amounts::Amounts;
use super::scope::ScopeTerm;
use super::{device_claim, pod, service, volume_claim};
use crate::admission::{AdmissionAttributes, AdmissionOperation};
use crate::kinds::Objects;
use crate::now::Wall;
use crate::value::quantity::Quantity;
use crate::value::{Text, Value};
use alloc::format;
use alloc::string::String;

/// How the objects of one resource count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evaluator {
    Pods,
    Services,
    VolumeClaims,
    DeviceClaims,
    /// Each counts as one, under this name and perhaps an older one.
    Count {
        name: Text,
        alias: &'static str,
    },
}

/// The name under which objects of a resource are counted.
fn count_name(group: &str, plural: &str) -> String {
    if group.is_empty() { format!("count/{plural}") } else { format!("count/{plural}.{group}") }
}

impl Evaluator {
    /// That of a resource; None for those that no quota counts, since they are not stored or never were counted.
    pub fn of(group: &str, plural: &str) -> Option<Self> {
        Some(match (group, plural) {
            ("" | "events.k8s.io", "events") | ("", "bindings" | "componentstatuses") => return None,
            ("authentication.k8s.io", "tokenreviews" | "selfsubjectreviews") => return None,
            (
                "authorization.k8s.io",
                "subjectaccessreviews"
                | "selfsubjectaccessreviews"
                | "localsubjectaccessreviews"
                | "selfsubjectrulesreviews",
            ) => return None,
            ("", "pods") => Self::Pods,
            ("", "services") => Self::Services,
            ("", "persistentvolumeclaims") => Self::VolumeClaims,
            ("resource.k8s.io", "resourceclaims") => Self::DeviceClaims,
            _ => {
                const OLDER: [&str; 4] =
                    ["configmaps", "resourcequotas", "replicationcontrollers", "secrets"];
                let alias = OLDER.into_iter().find(|older| group.is_empty() && *older == plural);
                Self::Count { name: count_name(group, plural).into(), alias: alias.unwrap_or_default() }
            }
        })
    }

    /// Whether a write may change how much is used.
    pub(super) fn handles(&self, attributes: &AdmissionAttributes<'_>, object: &Value) -> bool {
        let is_create = attributes.operation == AdmissionOperation::Create;
        let is_update = attributes.operation == AdmissionOperation::Update;
        match (self, attributes.subresource) {
            (Self::Pods, "") => {
                is_create || is_update && pod::is_terminating(attributes.old) != pod::is_terminating(object)
            }
            (Self::Pods, "resize") => is_update,
            (Self::Services | Self::VolumeClaims | Self::DeviceClaims, "") => is_create || is_update,
            (Self::VolumeClaims, "status") => is_update,
            (Self::Count { .. }, "") => is_create,
            (
                Self::Pods | Self::Services | Self::VolumeClaims | Self::DeviceClaims | Self::Count { .. },
                _,
            ) => false,
        }
    }

    /// Whether a quota for the resource of this name limits these objects.
    pub fn is_limited_by(&self, resource: &str, objects: &dyn Objects) -> bool {
        match self {
            Self::Pods => pod::is_limited_by(resource),
            Self::Services => service::is_limited_by(resource),
            Self::VolumeClaims => volume_claim::is_limited_by(resource),
            Self::DeviceClaims => device_claim::is_limited_by(resource, objects),
            Self::Count { name, alias } => name == resource || (!alias.is_empty() && *alias == resource),
        }
    }

    /// Whether an object is within a scope.
    pub(super) fn is_within(&self, object: &Value, term: &ScopeTerm<'_>) -> bool {
        match self {
            Self::Pods => pod::is_within(object, term),
            Self::VolumeClaims => volume_claim::is_within(object, term),
            Self::Services | Self::DeviceClaims | Self::Count { .. } => false,
        }
    }

    /// Whether scopes mean something to these objects.
    pub(super) fn has_scopes(&self) -> bool {
        matches!(self, Self::Pods | Self::VolumeClaims)
    }

    /// Whether an object is within all scopes of a quota.
    pub fn is_within_quota(&self, object: &Value, quota: &Value) -> bool {
        ScopeTerm::of_quota(quota).iter().all(|term| self.is_within(object, term))
    }

    /// What an object fails to say of resources that are limited.
    pub(super) fn problem(&self, object: &Value, limited: &[Text]) -> Option<String> {
        match self {
            Self::Pods => pod::problem(object, limited),
            Self::Services | Self::VolumeClaims | Self::DeviceClaims | Self::Count { .. } => None,
        }
    }

    /// What an object counts for.
    pub fn usage(&self, object: &Value, objects: &dyn Objects, now: Wall) -> Amounts {
        match self {
            Self::Pods => pod::usage(object, now),
            Self::Services => service::usage(object),
            Self::VolumeClaims => volume_claim::usage(object),
            Self::DeviceClaims => device_claim::usage(object, objects, now),
            Self::Count { name, alias } => {
                let mut usage = Amounts::default();
                usage.set(name.clone(), Quantity::from_int(1));
                if !alias.is_empty() {
                    usage.set(*alias, Quantity::from_int(1));
                }
                usage
            }
        }
    }
}
