//! What discovery shows of the groups and versions that other servers serve.
//! k8s: staging/src/k8s.io/kube-aggregator/pkg/apiserver/handler_discovery.go,
//! staging/src/k8s.io/apiserver/pkg/endpoints/installer.go ConvertGroupVersionIntoToDiscovery

use super::document::encoded;
use crate::answer::{Body, Response};
use crate::codec::json;
use crate::kinds::compare_versions;
use crate::value::{Map, Value};
use crate::world::World;
use crate::world::aggregation::HeardApi;
use crate::world::indexes::RemoteApi;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Ordering;

/// How this server asks others for their aggregated document.
pub const AGGREGATED_ACCEPT: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
                                     application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList";

/// A group and version that another server serves, and what was last heard of it.
#[derive(Clone, Debug)]
pub struct RemoteVersion {
    pub(super) api: Arc<RemoteApi>,
    heard: Option<Arc<HeardApi>>,
}

/// All of them, the most wanted first.
pub fn remote_versions(world: &World) -> Vec<RemoteVersion> {
    let apis = world.indexes().remote_apis().iter();
    let with_heard = |api: &Arc<RemoteApi>| RemoteVersion {
        api: api.clone(),
        heard: world.heard_apis.get(&api.name).cloned(),
    };
    let mut versions: Vec<RemoteVersion> = apis.map(with_heard).collect();
    versions.sort_by(|one, other| one.compare(other));
    versions
}

/// An OpenAPI v2 document of another server.
#[derive(Clone, Debug)]
pub(super) struct RemoteDocument<'a> {
    /// The path below which the other server serves.
    pub(super) root: String,
    pub(super) document: &'a [u8],
    /// What tells the document from earlier ones: its entity tag, or itself.
    pub(super) version: &'a str,
}

impl RemoteVersion {
    /// The document of its server, if it is known and a text.
    pub(super) fn openapi_v2(&self) -> Option<RemoteDocument<'_>> {
        let heard = self.heard.as_ref()?;
        let document = &heard.openapi_v2;
        let version = match heard.openapi_v2_tag.as_str() {
            "" => core::str::from_utf8(document).ok()?,
            tag => tag,
        };
        (!document.is_empty()).then(|| RemoteDocument { root: self.api.root(), document, version })
    }

    fn compare(&self, other: &Self) -> Ordering {
        let (one, other) = (&self.api, &other.api);
        let by_group =
            other.group_priority.cmp(&one.group_priority).then_with(|| one.group.cmp(&other.group));
        let by_priority = || other.version_priority.cmp(&one.version_priority);
        by_group.then_with(by_priority).then_with(|| compare_versions(&one.version, &other.version))
    }

    /// Its entry of the aggregated document. A server that could not be asked lately has a stale one.
    pub(super) fn entry(&self) -> Value {
        let known = self.heard.as_ref().and_then(|heard| heard.discovery.clone());
        let is_stale = self.heard.as_ref().is_none_or(|heard| heard.is_stale);
        let mut entry = known.unwrap_or_else(|| empty_entry(&self.api.version));
        entry.set("freshness", if is_stale { "Stale" } else { "Current" }.into());
        entry
    }
}

/// The index of OpenAPI documents, with those of other servers. A request for one of them is passed on.
/// k8s: staging/src/k8s.io/kube-aggregator/pkg/controllers/openapiv3/aggregator/aggregator.go
pub fn with_openapi(response: Response, remote: &[RemoteVersion]) -> Response {
    let Body::Full(bytes) = &response.body else { return response };
    let located = |held: &RemoteVersion| {
        let location = held.heard.as_ref().map_or("", |heard| heard.openapi_location.as_str());
        let is_one = !location.is_empty() && !held.api.group.is_empty();
        is_one.then(|| (held.api.root(), location.into()))
    };
    let located: Vec<(String, Value)> = remote.iter().filter_map(located).collect();
    let Ok(mut index) = json::parse(bytes).map(|parsed| parsed.value) else { return response };
    if located.is_empty() {
        return response;
    }
    for (root, location) in located {
        let mut entry = Map::new();
        entry.insert("serverRelativeURL", location);
        index.set_at(&["paths", root.trim_start_matches('/')], entry.into());
    }
    Response { body: Body::Full(encoded(&index).into()), ..response }
}

fn empty_entry(version: &str) -> Value {
    let mut entry = Map::new();
    entry.insert("version", version.into());
    entry.into()
}

fn items<'a>(value: &'a Value, path: &[&str]) -> &'a [Value] {
    value.at(path).and_then(Value::as_list).unwrap_or_default()
}

/// The entry of a group and version in an aggregated document; one without resources if the document has none.
pub fn version_entry(document: &Value, group: &str, version: &str) -> Value {
    let of_group =
        items(document, &["items"]).iter().filter(|held| held.text_at(&["metadata", "name"]) == group);
    let mut versions = of_group.flat_map(|held| items(held, &["versions"]));
    let Some(found) = versions.find(|held| held.text_at(&["version"]) == version) else {
        return empty_entry(version);
    };
    let mut entry = found.clone();
    let resources = entry.field_mut("resources").and_then(Value::as_list_mut);
    for resource in resources.into_iter().flatten() {
        fill_kind(resource);
        let below = resource.field_mut("subresources").and_then(Value::as_list_mut);
        below.into_iter().flatten().for_each(fill_kind);
    }
    entry
}

/// Some clients cannot do without the kind of a resource.
fn fill_kind(resource: &mut Value) {
    if resource.field("responseKind").is_none_or(Value::is_null) {
        resource.set("responseKind", kind("", "", ""));
    }
}

fn kind(group: &str, version: &str, kind: &str) -> Value {
    let mut out = Map::new();
    for (name, text) in [("group", group), ("version", version), ("kind", kind)] {
        out.insert(name, text.into());
    }
    out.into()
}

/// The entry that a list of resources (APIResourceList) stands for. What makes no sense is left out.
pub fn version_entry_of_resources(list: &Value, version: &str) -> Value {
    let listed = items(list, &["resources"]);
    let mut resources: Vec<(&str, Value)> = Vec::new();
    for held in listed {
        let name = held.text_at(&["name"]);
        if !name.contains('/') {
            let mut resource = described(held, "resource", name);
            resource.set("scope", scope(held));
            resource.set("singularResource", held.text_at(&["singularName"]).into());
            resources.push((name, resource));
        }
    }
    for held in listed {
        let Some((parent, name)) = held.text_at(&["name"]).split_once('/') else { continue };
        let place = resources.iter().position(|(known, _)| *known == parent).unwrap_or_else(|| {
            let mut resource = Map::new();
            resource.insert("resource", parent.into());
            resource.insert("responseKind", kind("", "", ""));
            resource.insert("scope", scope(held));
            resources.push((parent, resource.into()));
            resources.len() - 1
        });
        if let Some((_, resource)) = resources.get_mut(place) {
            let mut below = items(resource, &["subresources"]).to_vec();
            below.push(described(held, "subresource", name));
            resource.set("subresources", Value::list(below));
        }
    }
    let mut entry = empty_entry(version);
    entry.set("resources", Value::list(resources.into_iter().map(|(_, resource)| resource).collect()));
    entry
}

fn scope(listed: &Value) -> Value {
    let is_namespaced = listed.field("namespaced").and_then(Value::as_bool).unwrap_or(false);
    if is_namespaced { "Namespaced" } else { "Cluster" }.into()
}

fn described(listed: &Value, field: &str, name: &str) -> Value {
    let mut out = Map::new();
    out.insert(field, name.into());
    let of = |field: &str| listed.text_at(&[field]);
    out.insert("responseKind", kind(of("group"), of("version"), of("kind")));
    for member in ["verbs", "shortNames", "categories"] {
        if let Some(held) = listed.field(member).filter(|held| !held.is_null()) {
            out.insert(member, held.clone());
        }
    }
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Value {
        json::parse(text.as_bytes()).expect("JSON").value
    }

    #[test]
    fn a_list_of_resources_stands_for_an_entry() {
        let list = r#"{"resources":[
            {"name":"nodes","singularName":"node","namespaced":false,"kind":"NodeMetrics","verbs":["get"]},
            {"name":"pods/log","singularName":"","namespaced":true,"kind":"Log","group":"x","version":"v9","verbs":["get"]},
            {"name":"pods","singularName":"pod","namespaced":true,"kind":"PodMetrics","verbs":["list"],"shortNames":["p"]}]}"#;
        let wanted = r#"{"version":"v1","resources":[
            {"resource":"nodes","responseKind":{"group":"","version":"","kind":"NodeMetrics"},"scope":"Cluster",
             "singularResource":"node","verbs":["get"]},
            {"resource":"pods","responseKind":{"group":"","version":"","kind":"PodMetrics"},"scope":"Namespaced",
             "singularResource":"pod","verbs":["list"],"shortNames":["p"],"subresources":[
                {"subresource":"log","responseKind":{"group":"x","version":"v9","kind":"Log"},"verbs":["get"]}]}]}"#;
        let entry = version_entry_of_resources(&parsed(list), "v1");
        assert_eq!(entry, parsed(wanted));
    }

    #[test]
    fn an_entry_is_found_in_a_document() {
        let document = r#"{"items":[{"metadata":{"name":"m"},"versions":[
            {"version":"v1","resources":[{"resource":"a","scope":"Cluster"}]}]}]}"#;
        let wanted = r#"{"version":"v1","resources":[{"resource":"a","scope":"Cluster",
            "responseKind":{"group":"","version":"","kind":""}}]}"#;
        assert_eq!(version_entry(&parsed(document), "m", "v1"), parsed(wanted));
        assert_eq!(version_entry(&parsed(document), "m", "v2"), parsed(r#"{"version":"v2"}"#));
    }
}
