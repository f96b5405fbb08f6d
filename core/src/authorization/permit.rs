//! The proof that something is allowed.

use super::opinion::Grounds;
use super::{Attributes, Target};
use crate::kinds::{Kind, Sub, Verb};
use alloc::string::String;
use alloc::sync::Arc;

/// The proof that what these attributes say was allowed. Only `decide` makes it.
#[derive(Debug)]
pub(crate) struct Permit<'a> {
    attributes: Attributes<'a>,
    grounds: Grounds,
}

impl<'a> Permit<'a> {
    pub(super) fn new(attributes: Attributes<'a>, grounds: Grounds) -> Self {
        Self { attributes, grounds }
    }

    /// Why it was allowed; empty if the authorizer gave no reason.
    pub(crate) fn reason(&self) -> String {
        self.grounds.reason(self.attributes.user)
    }

    /// The path that was allowed, percent-decoded. It is what a request for a document works on.
    pub(crate) fn path(&self) -> &'a str {
        self.attributes.path
    }

    /// What the allowed verb works on. `name` is empty for a collection, even if authorization was told the name that
    /// a field selector demands.
    ///
    /// Panics if anything else was allowed than this, which would be a bug of the caller.
    pub(crate) fn target(
        &self,
        resource: &Arc<Kind>,
        sub: Option<&Arc<Sub>>,
        verb: Verb,
        name: &str,
    ) -> Target {
        let asked = &self.attributes;
        let subresource = sub.map_or("", |sub| sub.name.as_str());
        // OPTIONS, which only a proxy passes on, is no verb.
        let is_options = asked.verb.is_empty() && subresource == "proxy" && verb == Verb::Get;
        let is_it = asked.is_resource
            && (asked.verb == verb.word() || is_options)
            && (asked.group, asked.version, asked.resource)
                == (&*resource.group, &*resource.version, &*resource.plural)
            && asked.subresource == subresource
            && (name.is_empty() || name == asked.name);
        assert!(is_it, "allowed was {asked:?}, and not to {} {}/{subresource}", verb.word(), resource.plural);
        let is_cluster_wide = resource.namespaced()
            || asked.namespace.is_empty()
            || (&*resource.group, &*resource.plural, asked.namespace) == ("", "namespaces", asked.name);
        assert!(is_cluster_wide, "allowed was {asked:?}, in one namespace only");
        let namespace = if resource.namespaced() { asked.namespace } else { "" };
        Target::new(verb, resource, sub, namespace, name)
    }
}
