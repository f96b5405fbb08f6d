//! What one authorizer says of a request, and why.

use crate::caller::Caller;
use crate::question::Question;
use crate::value::quoted;
use crate::world::indexes::{RoleBinding, RoleSubject};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// What one authorizer says.
#[derive(Debug)]
pub(super) enum AuthorizerOpinion {
    Allow(Grounds),
    Deny(Objection),
    /// It leaves the decision to the next one, and why it does not allow it itself.
    None(Objection),
    /// It must know something first, and is then asked again.
    Ask(Question),
}

/// Why something is allowed. It is written out only for those who ask.
#[derive(Clone, Debug, Default)]
pub(crate) enum Grounds {
    /// The authorizer gives no reason.
    #[default]
    Untold,
    Told(String),
    /// A role that the caller is bound to allows it.
    Bound(Arc<RoleBinding>),
}

/// Why something is not allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Objection {
    /// For the client. Several are lines. Empty for none.
    pub(crate) reason: String,
    /// What went wrong in deciding; empty if nothing did.
    pub(crate) error: String,
}

impl Objection {
    pub(super) fn of_reason(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), error: String::new() }
    }

    pub(super) fn of_error(error: impl Into<String>) -> Self {
        Self { reason: String::new(), error: error.into() }
    }
}

impl Grounds {
    /// The reason as it is shown; empty when there is none.
    pub(crate) fn reason(&self, caller: &Caller) -> String {
        match self {
            Self::Untold => String::new(),
            Self::Told(reason) => reason.clone(),
            Self::Bound(binding) => format!("RBAC: allowed by {}", describe(binding, caller)),
        }
    }
}

/// A binding, its role, and as whom the caller is bound.
/// k8s: pkg/registry/rbac/validation/rule.go roleBindingDescriber, describeSubject
fn describe(binding: &RoleBinding, caller: &Caller) -> String {
    let (kind, name) = match binding.namespace.as_str() {
        "" => ("ClusterRoleBinding", quoted(&binding.name)),
        namespace => ("RoleBinding", quoted(&format!("{}/{namespace}", binding.name))),
    };
    let subject = match binding.subject_of(caller) {
        Some(RoleSubject::User(user)) => format!("User {}", quoted(user)),
        Some(RoleSubject::Group(group)) => format!("Group {}", quoted(group)),
        Some(RoleSubject::ServiceAccount(namespace, account)) => {
            format!("ServiceAccount {}", quoted(&format!("{account}/{namespace}")))
        }
        None => String::new(),
    };
    let role = &binding.role;
    format!("{kind} {name} of {} {} to {subject}", role.kind(), quoted(role.name()))
}

/// Several errors as one: each once, in brackets if there is more than one.
/// k8s: staging/src/k8s.io/apimachinery/pkg/util/errors/errors.go aggregate.Error
pub(crate) fn aggregate(errors: &[String]) -> String {
    let mut different: Vec<&str> = Vec::new();
    for error in errors {
        if !different.contains(&error.as_str()) {
            different.push(error);
        }
    }
    match different.as_slice() {
        [] => String::new(),
        [only] => String::from(*only),
        [_, ..] => format!("[{}]", different.join(", ")),
    }
}
