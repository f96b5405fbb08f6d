//! What plugins know of a write.

use crate::kinds::Kind;
use crate::status::Qualified;

/// What is done to an object.
/// k8s: staging/src/k8s.io/apiserver/pkg/admission/interfaces.go Operation
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AdmissionOperation {
    Create,
    Update,
    Delete,
}

/// A write that is to be admitted.
/// k8s: staging/src/k8s.io/apiserver/pkg/admission/interfaces.go Attributes
#[derive(Clone, Copy, Debug)]
pub(crate) struct AdmissionAttributes<'a> {
    pub(crate) operation: AdmissionOperation,
    pub(crate) resource: &'a Kind,
    /// Empty for a cluster resource.
    pub(crate) namespace: &'a str,
    /// Empty for a new object whose name will be generated.
    pub(crate) name: &'a str,
}

impl<'a> AdmissionAttributes<'a> {
    /// Group and resource, as messages name it.
    pub(crate) fn qualified(&self) -> Qualified<'a> {
        Qualified { group: &self.resource.group, name: &self.resource.plural }
    }
}
