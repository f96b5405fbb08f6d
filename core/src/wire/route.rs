//! Interprets method, path and query of a request: verb, resource, namespace, name.
//! k8s: staging/src/k8s.io/apiserver/pkg/endpoints/request/requestinfo.go

use super::options::ListOptions;
use super::query::Query;
use super::{Method, percent};
use crate::selector::{FieldSelector, LabelSelector};
use crate::status::Failure;
use crate::value::Text;
use crate::value::names::path_segment;
use crate::value::quoted;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// What a request asks for. Authorization, routing and audit all use it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct RequestInfo {
    /// Percent-decoded.
    pub path: String,
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`. For a request that is not
    /// about a resource it is the method in lower case. It is empty for a method without a verb.
    pub verb: Text,
    /// The path lies below `/api/<version>/` or `/apis/<group>/<version>/`.
    pub is_resource: bool,
    /// `api` or `apis`; empty when the path begins otherwise or goes no deeper than a version.
    pub api_prefix: Text,
    /// Empty for the core group.
    pub group: Text,
    pub version: Text,
    /// Empty for all namespaces and for cluster-scoped resources. For a namespace itself, it is its name.
    pub namespace: Text,
    pub resource: Text,
    pub subresource: Text,
    /// The path names a namespace before the resource, so that the resource is looked for in it.
    pub in_namespace: bool,
    /// The name, which a list or watch may get from a field selector too.
    pub name: Text,
    /// The name is part of the path.
    pub named_in_path: bool,
    /// The path after the subresource, without its first slash, for proxies. None if the path ends with the
    /// subresource; empty if only a slash follows.
    pub remainder: Option<String>,
    /// The path is one of the deprecated `/api/v1/watch/...`, which is a watch whatever the query says.
    pub watch_prefix: bool,
    /// The parameters `fieldSelector` and `labelSelector` of a list, a watch or a deletion of a collection, as sent.
    pub field_selector: String,
    pub label_selector: String,
}

/// Verbs that may stand in a path after the version.
const VERB_WATCH: &str = "watch";
pub(crate) const VERB_PROXY: &str = "proxy";

impl RequestInfo {
    /// `path` as sent.
    pub fn parse(method: &Method, path: &str, query: &Query) -> Result<Self, Unroutable> {
        let decoded = percent::decode(path, false).ok_or(Unroutable::Undecodable)?;
        let mut info = Self { verb: method.word().to_ascii_lowercase().into(), ..Self::default() };
        let segments: Vec<&str> = match decoded.trim_matches('/') {
            "" => Vec::new(),
            trimmed => trimmed.split('/').collect(),
        };
        if let Some(parts) = info.take_version(&segments) {
            info.verb = resource_verb(method).into();
            let parts = info.take_verb(parts, &decoded)?;
            let ends_with_slash = decoded.ends_with('/');
            info.take_resource(parts, ends_with_slash);
            info.refine_verb(query);
            info.take_selectors(query);
        }
        info.path = decoded.into_owned();
        Ok(info)
    }

    /// Prefix, group and version; None when no resource follows.
    fn take_version<'a>(&mut self, segments: &'a [&'a str]) -> Option<&'a [&'a str]> {
        if segments.len() < 3 {
            return None;
        }
        let (group, version, parts) = match segments {
            ["api", version, parts @ ..] => ("", version, parts),
            ["apis", _, _] => {
                self.api_prefix = "apis".into();
                return None;
            }
            ["apis", group, version, parts @ ..] => (*group, version, parts),
            _ => return None,
        };
        self.is_resource = true;
        self.api_prefix =
            if group.is_empty() && segments.first() == Some(&"api") { "api" } else { "apis" }.into();
        self.group = group.into();
        self.version = (*version).into();
        Some(parts)
    }

    /// Takes a verb from the path. This is deprecated, and still served for watches.
    fn take_verb<'a>(&mut self, parts: &'a [&'a str], path: &str) -> Result<&'a [&'a str], Unroutable> {
        let [verb, rest @ ..] = parts else { return Ok(parts) };
        if !matches!(*verb, VERB_WATCH | VERB_PROXY) {
            return Ok(parts);
        }
        if rest.is_empty() {
            return Err(Unroutable::EndsAfterVerb(path.into()));
        }
        self.verb = (*verb).into();
        self.watch_prefix = *verb == VERB_WATCH;
        Ok(rest)
    }

    fn take_resource(&mut self, parts: &[&str], ends_with_slash: bool) {
        let parts = match parts {
            ["namespaces", namespace, rest @ ..] => {
                self.namespace = (*namespace).into();
                match rest {
                    // `status` and `finalize` are subresources of the namespace, not resources in it.
                    [] | ["status" | "finalize", ..] => parts,
                    [..] => {
                        self.in_namespace = true;
                        rest
                    }
                }
            }
            _ => parts,
        };
        let part = |index: usize| parts.get(index).map_or_else(Text::default, |part| Text::from(*part));
        self.resource = part(0);
        self.name = part(1);
        self.named_in_path = !self.name.is_empty();
        if self.verb != VERB_PROXY {
            self.subresource = part(2);
            let slash = if ends_with_slash { "/" } else { "" };
            self.remainder = match parts.get(3..) {
                Some(rest @ [_, ..]) => Some(format!("{}{slash}", rest.join("/"))),
                Some([]) if ends_with_slash => Some(String::new()),
                Some([]) | None => None,
            };
        }
    }

    /// Without a name, a get is a list or a watch, and a delete is one of a collection.
    fn refine_verb(&mut self, query: &Query) {
        if !self.name.is_empty() {
            return;
        }
        if self.verb == "delete" {
            self.verb = "deletecollection".into();
        }
        if self.verb != "get" {
            return;
        }
        let watch = query.bool("watch").unwrap_or(false);
        self.verb = if watch { "watch" } else { "list" }.into();
        // The selector is used only when the whole query can be parsed; a malformed one is answered later.
        let selected = FieldSelector::parse(query.text("fieldSelector"));
        let whole = query.int("limit").is_ok() && query.int("timeoutSeconds").is_ok();
        let labels = LabelSelector::parse(query.text("labelSelector"));
        if let (Ok(selector), true, Ok(_)) = (selected, whole, labels)
            && let Some(name) = selector.requires_exact_match("metadata.name")
            && path_segment(name, false).is_empty()
        {
            self.name = name.into();
        }
    }

    /// The deprecated paths of watches have no selectors that authorization could rely on.
    fn take_selectors(&mut self, query: &Query) {
        let selects = matches!(self.verb.as_str(), "list" | "watch" | "deletecollection");
        if selects && !self.watch_prefix {
            self.field_selector = query.text("fieldSelector").into();
            self.label_selector = query.text("labelSelector").into();
        }
    }

    /// Whether the path or the query asks for a watch.
    pub fn is_watch(&self, options: &ListOptions) -> bool {
        self.watch_prefix || options.watch
    }

    /// 400 for a name that no key can hold.
    /// k8s: staging/src/k8s.io/apiserver/pkg/registry/generic/registry/store.go NamespaceKeyFunc
    pub fn check_name(&self) -> Result<(), Failure> {
        let problems = path_segment(&self.name, false);
        if problems.is_empty() {
            return Ok(());
        }
        let why = problems.join(";");
        Err(Failure::bad_request(format!("Name parameter invalid: {}: {why}", quoted(&self.name))))
    }

    /// 500, as upstream, for a namespace that no key can hold. `key` returns the key of the object or the collection.
    /// k8s: staging/src/k8s.io/apiserver/pkg/storage/etcd3/store.go prepareKey
    pub fn check_namespace(&self, creates: bool, key: impl FnOnce() -> String) -> Result<(), Failure> {
        let problems = path_segment(&self.namespace, false);
        if creates && !problems.is_empty() {
            let why = problems.join(" ");
            let name = quoted(&self.namespace);
            return Err(Failure::internal(format!("invalid resource name {name}: [{why}]")));
        }
        if matches!(self.namespace.as_str(), "." | "..") {
            return Err(Failure::unclassified(format!("invalid key: {}", quoted(&key()))));
        }
        Ok(())
    }
}

/// Why a request cannot be interpreted. It is answered before authentication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unroutable {
    /// The path is not percent-encoded correctly.
    Undecodable,
    /// The decoded path ends after one of the verbs that a path may contain.
    EndsAfterVerb(String),
}

fn resource_verb(method: &Method) -> &'static str {
    match method {
        Method::Get | Method::Head => "get",
        Method::Post => "create",
        Method::Put => "update",
        Method::Patch => "patch",
        Method::Delete => "delete",
        Method::Options | Method::Other(_) => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// `verb|group/version|namespace|resource/subresource|name|remainder`, or only `verb` for a path that is not
    /// about a resource.
    fn told(method: &str, url: &str) -> String {
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let info = RequestInfo::parse(&Method::parse(method), path, &Query::parse(query)).unwrap();
        if !info.is_resource {
            return info.verb.into();
        }
        let RequestInfo { verb, group, version, namespace, resource, subresource, name, remainder, .. } =
            info;
        let remainder = remainder.unwrap_or_else(|| "-".into());
        format!("{verb}|{group}/{version}|{namespace}|{resource}/{subresource}|{name}|{remainder}")
    }

    #[test]
    fn paths_mean_what_they_mean_upstream() {
        let table = [
            ("GET", "/api/v1/namespaces", "list|/v1||namespaces/||-"),
            ("GET", "/api/v1/namespaces/other", "get|/v1|other|namespaces/|other|-"),
            ("PUT", "/api/v1/namespaces/other/finalize", "update|/v1|other|namespaces/finalize|other|-"),
            ("GET", "/api/v1/namespaces/other/pods", "list|/v1|other|pods/||-"),
            ("GET", "/api/v1/namespaces/other/pods/foo", "get|/v1|other|pods/|foo|-"),
            ("HEAD", "/api/v1/namespaces/other/pods/foo", "get|/v1|other|pods/|foo|-"),
            ("GET", "/api/v1/pods", "list|/v1||pods/||-"),
            ("HEAD", "/api/v1/pods", "list|/v1||pods/||-"),
            ("GET", "/api/v1/pods/", "list|/v1||pods/||-"),
            ("GET", "/api/v1/pods?watch=1", "watch|/v1||pods/||-"),
            ("GET", "/api/v1/pods?watch=false", "list|/v1||pods/||-"),
            ("GET", "/api/v1/pods?fieldSelector=metadata.name%3Dfoo", "list|/v1||pods/|foo|-"),
            ("GET", "/api/v1/pods?fieldSelector=metadata.name%3Dfoo&watch=true", "watch|/v1||pods/|foo|-"),
            ("GET", "/api/v1/pods?fieldSelector=metadata.name%3Da/b", "list|/v1||pods/||-"),
            ("GET", "/api/v1/pods?fieldSelector=metadata.name%3Da&limit=x", "list|/v1||pods/||-"),
            ("GET", "/api/v1/watch/namespaces/other/pods/a", "watch|/v1|other|pods/|a|-"),
            ("GET", "/api/v1/watch/pods", "watch|/v1||pods/||-"),
            ("GET", "/api/v1/watch/namespaces/other", "watch|/v1|other|namespaces/|other|-"),
            ("POST", "/api/v1/namespaces/other/pods/foo/binding", "create|/v1|other|pods/binding|foo|-"),
            ("DELETE", "/api/v1/namespaces/other/pods", "deletecollection|/v1|other|pods/||-"),
            ("DELETE", "/api/v1/namespaces/other/pods/foo", "delete|/v1|other|pods/|foo|-"),
            ("OPTIONS", "/api/v1/pods", "|/v1||pods/||-"),
            ("GET", "/api/v1/nodes/n/proxy/stats/summary", "get|/v1||nodes/proxy|n|stats/summary"),
            ("GET", "/api/v1/nodes/n/proxy/", "get|/v1||nodes/proxy|n|"),
            ("GET", "/api/v1/proxy/nodes/n/x", "proxy|/v1||nodes/|n|-"),
            ("GET", "/apis/apps/v1/namespaces/a/deployments/d/scale", "get|apps/v1|a|deployments/scale|d|-"),
            ("PATCH", "/apis/apps/v1/namespaces/a/status/d", "patch|apps/v1|a|namespaces/status|a|d"),
            ("GET", "/api/v1//pods", "get|/v1||/|pods|-"),
            ("GET", "/api/v1/namespaces/a%2Fb", "list|/v1|a|b/||-"),
            ("GET", "/api", "get"),
            ("GET", "/api/v1", "get"),
            ("GET", "/apis/apps/v1", "get"),
            ("GET", "/", "get"),
            ("POST", "/healthz/x/y", "post"),
            ("FOO", "//api//v1", "|/||v1/||-"),
        ];
        for (method, url, expected) in table {
            assert_eq!(told(method, url), expected, "{method} {url}");
        }
        let info = RequestInfo::parse(&Method::Get, "/api/v1/pods/%2e%2e", &Query::default()).unwrap();
        assert_eq!(
            info.check_name().unwrap_err().message(),
            "Name parameter invalid: \"..\": may not be '..'"
        );
        assert!(RequestInfo::parse(&Method::Get, "/api/v1/watch", &Query::default()).is_err());
        assert!(RequestInfo::parse(&Method::Get, "/a%2", &Query::default()).is_err());
    }

    proptest! {
        #[test]
        fn any_path_is_answered(
            path in "(/|api|apis|v1|namespaces|watch|proxy|status|pods|%2F|%|a){0,12}",
            query in "(watch|=|&|1|fieldSelector|metadata.name|%3D){0,8}",
        ) {
            let _ = RequestInfo::parse(&Method::Get, &path, &Query::parse(&query));
        }
    }
}
