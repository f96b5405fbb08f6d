//! What expressions ask the authorizers: values that hold a question, and the answer to it.
//! k8s: staging/src/k8s.io/apiserver/pkg/cel/library/authz.go

use super::eval::{CelValue, Native};
use crate::value::Text;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::Any;

/// Who wants to do something.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct AccessUser {
    pub name: Text,
    pub uid: Text,
    pub groups: Vec<Text>,
    pub extra: Vec<(Text, Vec<Text>)>,
}

/// A question whether somebody may do something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AccessCheck {
    pub user: Arc<AccessUser>,
    pub verb: Text,
    pub target: AccessTarget,
}

/// What somebody wants to do something with.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AccessTarget {
    Path(Text),
    /// In any version.
    Resource {
        group: Text,
        resource: Text,
        subresource: Text,
        namespace: Text,
        name: Text,
        /// As the expression has it, whether it can be read or not; empty for none.
        field_selector: Text,
        label_selector: Text,
    },
}

/// What the authorizers say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessRuling {
    pub is_allowed: bool,
    pub reason: Text,
    /// What went wrong when they were asked; empty for nothing.
    pub error: Text,
}

/// The variable `authorizer`.
pub fn authorizer(user: &Arc<AccessUser>) -> CelValue {
    native(Access::Authorizer(user.clone()))
}

/// The variable `authorizer.requestResource`: a question about the object of the request, without a verb.
pub fn request_resource(
    user: &Arc<AccessUser>,
    group: &str,
    resource: &str,
    subresource: &str,
    namespace: &str,
    name: &str,
) -> CelValue {
    let target = AccessTarget::Resource {
        group: group.into(),
        resource: resource.into(),
        subresource: subresource.into(),
        namespace: namespace.into(),
        name: name.into(),
        field_selector: Text::default(),
        label_selector: Text::default(),
    };
    native(Access::Check(AccessCheck { user: user.clone(), verb: Text::default(), target }))
}

/// A value of the library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Authorizer(Arc<AccessUser>),
    Group(Arc<AccessUser>, Text),
    /// A question without its verb.
    Check(AccessCheck),
    Decision(AccessRuling),
}

pub(super) fn native(access: Access) -> CelValue {
    CelValue::Native(Arc::new(access))
}

impl Native for Access {
    fn type_name(&self) -> &'static str {
        match self {
            Self::Authorizer(_) => "kubernetes.authorization.Authorizer",
            Self::Group(..) => "kubernetes.authorization.GroupCheck",
            Self::Check(AccessCheck { target: AccessTarget::Path(_), .. }) => {
                "kubernetes.authorization.PathCheck"
            }
            Self::Check(_) => "kubernetes.authorization.ResourceCheck",
            Self::Decision(_) => "kubernetes.authorization.Decision",
        }
    }

    fn is_equal(&self, other: &dyn Native) -> bool {
        other.as_any().downcast_ref::<Self>().is_some_and(|other| self == other)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
