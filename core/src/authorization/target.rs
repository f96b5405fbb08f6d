//! What a verb works on. It exists only for what was allowed.

use super::{Attributes, Permit, Selecting};
use crate::caller::Caller;
use crate::kinds::{Kind, Sub, SubKind, Verb};
use crate::status::{Failure, Qualified};
use crate::value::Text;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;

/// The object or collection that a request is about, and what may be done to it. `Permit::target` makes it.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    verb: Verb,
    resource: Arc<Kind>,
    sub: Option<Arc<Sub>>,
    namespace: Text,
    name: Text,
}

impl Target {
    pub(super) fn new(
        verb: Verb,
        resource: &Arc<Kind>,
        sub: Option<&Arc<Sub>>,
        namespace: &str,
        name: &str,
    ) -> Self {
        Self {
            verb,
            resource: resource.clone(),
            sub: sub.cloned(),
            namespace: namespace.into(),
            name: name.into(),
        }
    }

    /// What may be done.
    pub(crate) fn verb(&self) -> Verb {
        self.verb
    }

    pub(crate) fn resource(&self) -> &Kind {
        &self.resource
    }

    pub(crate) fn sub(&self) -> Option<&Sub> {
        self.sub.as_deref()
    }

    /// The name of the subresource; empty for the object itself.
    pub(crate) fn subresource(&self) -> &str {
        self.sub().map_or("", |sub| sub.name.as_str())
    }

    /// Empty for all namespaces and for cluster resources.
    pub(crate) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Empty for a collection, and for a new object until its name is known.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn is_scale(&self) -> bool {
        self.sub().is_some_and(|sub| sub.action == SubKind::Scale)
    }

    pub(crate) fn is_status(&self) -> bool {
        self.sub().is_some_and(|sub| sub.action == SubKind::Status)
    }

    /// A new object under its name, which the client's body or the server chooses if no path has named it.
    pub(crate) fn named(self, name: &str) -> Self {
        assert!(self.verb == Verb::Create || self.name == name, "{name} is not {self:?}");
        Self { name: name.into(), ..self }
    }

    /// One object of a collection. Who may delete a collection may delete each of its objects.
    pub(crate) fn item(&self, namespace: &str, name: &str) -> Self {
        let is_inside = self.namespace.is_empty() || self.namespace == namespace;
        assert!(self.name.is_empty() && is_inside, "{namespace}/{name} is not in {self:?}");
        Self { namespace: namespace.into(), name: name.into(), ..self.clone() }
    }

    /// The question whether something else may be done to the same object.
    pub(crate) fn attributes<'a>(&'a self, user: &'a Caller, verb: Verb) -> Attributes<'a> {
        let row = &self.resource;
        Attributes {
            user,
            verb: verb.word(),
            is_resource: true,
            group: &row.group,
            version: &row.version,
            resource: &row.plural,
            subresource: self.subresource(),
            namespace: &self.namespace,
            name: &self.name,
            path: "",
            field_selector: Selecting::All,
            label_selector: Selecting::All,
        }
    }

    /// The same object, for another verb that was allowed meanwhile.
    pub(crate) fn permitted(&self, permit: &Permit<'_>, verb: Verb) -> Self {
        permit.target(&self.resource, self.sub.as_ref(), verb, &self.name)
    }

    /// Group and resource, as messages name it.
    pub(crate) fn qualified(&self) -> Qualified<'_> {
        let row = &self.resource;
        Qualified { group: &row.group, name: &row.plural }
    }

    /// Group and kind, as `Invalid` names it.
    pub(crate) fn qualified_kind(&self) -> Qualified<'_> {
        let row = &self.resource;
        // Upstream names the kind as it is stored: an Event of either API group is named as one of the core group.
        let group = row.stored_as.as_ref().map_or(&row.group, |(group, _)| group);
        Qualified { group, name: &row.kind }
    }

    pub(crate) fn not_found(&self) -> Failure {
        Failure::not_found(self.qualified(), &self.name)
    }

    /// The Go type in which upstream holds such an object, with its package's name; error texts contain it.
    pub(crate) fn internal_type(&self) -> String {
        if self.is_scale() {
            return "*autoscaling.Scale".into();
        }
        let what = self.qualified_kind();
        let package = what.group.split('.').next().filter(|first| !first.is_empty()).unwrap_or("core");
        format!("*{package}.{}", what.name)
    }
}
