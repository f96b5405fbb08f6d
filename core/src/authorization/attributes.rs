//! What authorization is asked: who wants to do what to which resource or path.
//! k8s: staging/src/k8s.io/apiserver/pkg/endpoints/filters/authorization.go GetAuthorizerAttributes

use super::Selecting;
use crate::caller::Caller;
use crate::status::{Failure, Qualified};
use crate::value::quoted;
use crate::wire::route::RequestInfo;
use alloc::format;
use alloc::string::String;

/// A question to the authorizers. Texts that do not apply are empty.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attributes<'a> {
    pub(crate) user: &'a Caller,
    /// A verb of the API for a resource (`get`, `create`, `bind`, ...), and HTTP's method in lower case for a path.
    pub(crate) verb: &'a str,
    /// Whether a resource is meant. If not, only `path` and `verb` say what is asked for.
    pub(crate) is_resource: bool,
    pub(crate) group: &'a str,
    pub(crate) version: &'a str,
    pub(crate) resource: &'a str,
    pub(crate) subresource: &'a str,
    /// Empty for all namespaces and for cluster-scoped resources.
    pub(crate) namespace: &'a str,
    /// Empty for a collection, and for an object whose name is not in the path.
    pub(crate) name: &'a str,
    /// The path of the request, percent-decoded.
    pub(crate) path: &'a str,
    /// Of which objects of a collection.
    pub(crate) field_selector: Selecting<'a>,
    pub(crate) label_selector: Selecting<'a>,
}

impl<'a> Attributes<'a> {
    /// What a request asks for.
    pub(crate) fn of_request(info: &'a RequestInfo, user: &'a Caller) -> Self {
        Self {
            user,
            verb: &info.verb,
            is_resource: info.is_resource,
            group: &info.group,
            version: &info.version,
            resource: &info.resource,
            subresource: &info.subresource,
            namespace: &info.namespace,
            name: &info.name,
            path: &info.path,
            field_selector: Selecting::of_query(&info.field_selector),
            label_selector: Selecting::of_query(&info.label_selector),
        }
    }

    /// Whether the verb changes nothing.
    /// k8s: staging/src/k8s.io/apiserver/pkg/authorization/authorizer/interfaces.go IsReadOnly
    pub(super) fn is_read_only(&self) -> bool {
        matches!(self.verb, "get" | "list" | "watch")
    }

    /// How long the texts are that the client has chosen.
    pub(super) fn bytes(&self) -> usize {
        let texts = [
            self.namespace,
            self.verb,
            self.group,
            self.version,
            self.resource,
            self.subresource,
            self.name,
            self.path,
        ];
        texts.iter().map(|text| text.len()).sum()
    }

    /// The error for a request that is not allowed. `reason` is the authorizers', and may be empty.
    /// k8s: staging/src/k8s.io/apiserver/pkg/endpoints/handlers/responsewriters/errors.go
    pub(crate) fn forbidden(&self, reason: &str) -> Failure {
        let mut why = self.refusal();
        if !reason.is_empty() {
            why = format!("{why}: {reason}");
        }
        if self.is_resource {
            return Failure::forbidden(self.qualified(), self.name, &why);
        }
        Failure::forbidden_path(&why)
    }

    /// The error for what a request that is already being carried out may not do beside what it asked for first.
    /// Upstream names neither the user nor the verb here.
    /// k8s: staging/src/k8s.io/apiserver/pkg/endpoints/handlers/update.go withAuthorization
    pub(crate) fn forbidden_meanwhile(&self, reason: &str) -> Failure {
        Failure::forbidden(self.qualified(), self.name, reason)
    }

    fn qualified(&self) -> Qualified<'a> {
        Qualified { group: self.group, name: self.resource }
    }

    fn refusal(&self) -> String {
        let user = quoted(&self.user.name);
        if !self.is_resource {
            return format!("User {user} cannot {} path {}", self.verb, quoted(self.path));
        }
        let resource = match self.subresource {
            "" => String::from(self.resource),
            sub => format!("{}/{sub}", self.resource),
        };
        let place = if self.namespace.is_empty() {
            String::from("at the cluster scope")
        } else {
            format!("in the namespace {}", quoted(self.namespace))
        };
        let (verb, resource, group) = (self.verb, quoted(&resource), quoted(self.group));
        format!("User {user} cannot {verb} resource {resource} in API group {group} {place}")
    }
}
