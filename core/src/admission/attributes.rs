//! What plugins know of a write.

use crate::caller::Caller;
use crate::conversion::ObjectConverter;
use crate::kinds::Kind;
use crate::now::Wall;
use crate::rng::Rng;
use crate::status::{Failure, Qualified};
use crate::value::{Value, object};
use crate::wire::options::DeleteOptions;
use crate::wire::query::Query;

/// What is done to an object.
/// k8s: staging/src/k8s.io/apiserver/pkg/admission/interfaces.go Operation
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AdmissionOperation {
    Create,
    Update,
    Delete,
    /// A connection with what an object stands for, as exec makes it.
    Connect,
}

/// What a client said about how it wants the write done.
#[derive(Clone, Copy, Debug)]
pub(crate) enum OperationOptions<'a> {
    /// A creation or a change, with its query.
    Write(&'a Query),
    Delete(&'a DeleteOptions),
    /// A connection, whose options are its object.
    None,
}

/// A write that is to be admitted.
#[allow(dead_code, reason = "read by the plugins that come next")]
/// k8s: staging/src/k8s.io/apiserver/pkg/admission/interfaces.go Attributes
#[derive(Clone, Copy, Debug)]
pub(crate) struct AdmissionAttributes<'a> {
    pub(crate) operation: AdmissionOperation,
    pub(crate) resource: &'a Kind,
    /// Empty for a write of the whole object.
    pub(crate) subresource: &'a str,
    /// Empty for a cluster resource.
    pub(crate) namespace: &'a str,
    /// Empty for a new object whose name will be generated.
    pub(crate) name: &'a str,
    /// The stored object that an update changes or a deletion removes; Null for another operation.
    pub(crate) old: &'a Value,
    /// Who writes.
    pub(crate) caller: &'a Caller,
    pub(crate) now: Wall,
    /// Nothing will be stored.
    pub(crate) dry_run: bool,
    pub(crate) options: OperationOptions<'a>,
    /// The randomness of the request, from which a plugin derives its own.
    pub(crate) rng: &'a Rng,
    /// Who has custom objects in other versions.
    pub(crate) converter: &'a dyn ObjectConverter,
}

impl<'a> AdmissionAttributes<'a> {
    /// Group and resource, as messages name it.
    pub(crate) fn qualified(&self) -> Qualified<'a> {
        Qualified { group: &self.resource.group, name: &self.resource.plural }
    }

    /// A write of whole objects of a resource.
    pub(super) fn is_of(&self, group: &str, plural: &str) -> bool {
        self.subresource.is_empty() && self.resource.plural == plural && self.resource.group == group
    }

    /// The creation of an object of a resource.
    pub(super) fn creates(&self, group: &str, plural: &str) -> bool {
        self.operation == AdmissionOperation::Create && self.is_of(group, plural)
    }

    /// The update of an object of a resource itself, not through a subresource.
    pub(super) fn updates(&self, group: &str, plural: &str) -> bool {
        self.operation == AdmissionOperation::Update && self.is_of(group, plural)
    }

    /// Whether the write is one of an object in a namespace.
    pub(super) fn is_inside_namespace(&self) -> bool {
        self.resource.namespaced() && !self.namespace.is_empty()
    }

    /// A plugin's refusal. An object without a name yet is named by the prefix from which its name is generated.
    /// k8s: staging/src/k8s.io/apiserver/pkg/admission/errors.go NewForbidden
    pub(super) fn forbidden(&self, object: &Value, why: &str) -> Failure {
        let names = [self.name, object::name(object), object::generate_name(object)];
        let name = names.into_iter().find(|name| !name.is_empty()).unwrap_or("Unknown");
        Failure::forbidden(self.qualified(), name, why)
    }
}
