//! What is served where: /, /version, /api and /apis, one group version at a time or all at once.
//! k8s: staging/src/k8s.io/apiserver/pkg/endpoints/discovery

use super::aggregation::RemoteVersion;
use super::document::{
    encoded, fingerprint, is_held, list, not_modified, object, optional_text, text, texts,
};
use super::health;
use crate::answer::Response;
use crate::answer::form;
use crate::codec::{json, yaml};
use crate::kinds::priorities::priorities;
use crate::kinds::{Kind, Registry, Scope, Verb, compare_versions};
use crate::status::Failure;
use crate::wire::{Method, Request};
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// The release whose API is served, as /version reports it.
pub const GIT_VERSION: &str = "v1.36.2+steersman";

/// The media type parameters by which a client asks for every group at once.
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// The media types that refusals name; protobuf is not supported yet.
const MEDIA_TYPES: [&str; 3] =
    ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"];

/// The paths that / lists beside those of groups and health checks.
const FIXED_PATHS: &[&str] = &[
    "/api",
    "/api/v1",
    "/apis",
    "/apis/",
    "/flagz",
    "/metrics",
    "/metrics/slis",
    "/openapi/v2",
    "/openapi/v3",
    "/openapi/v3/",
    "/statusz",
    "/version",
];

/// Answers a request for a discovery path (decoded); None for other paths. `server_address` (`host:port`) is where
/// clients reach this server, `remote` is what others serve, and `more_paths` are further paths that / lists.
pub fn respond(
    registry: &Registry,
    remote: &[RemoteVersion],
    request: &Request,
    path: &str,
    server_address: &str,
    more_paths: &[&str],
) -> Result<Option<Response>, Failure> {
    if matches!(path, "/" | "/index.html") {
        return Ok(Some(indented(&index(registry, remote, more_paths))));
    }
    let is_remote = |group: &str| remote.iter().any(|held| held.api.group == group);
    let segments: Vec<&str> = path.strip_suffix('/').unwrap_or(path).split('/').skip(1).collect();
    let routed = |media_types: &[&str]| {
        if request.method != Method::Get {
            return Err(Failure::method_not_allowed());
        }
        form::guard_route(request.header("accept").unwrap_or(""), media_types)
    };
    let document = match segments.as_slice() {
        ["version"] => {
            routed(&MEDIA_TYPES[..1])?;
            return Ok(Some(indented(&version())));
        }
        ["api"] => {
            routed(&MEDIA_TYPES)?;
            if wants_aggregated(request) {
                return Ok(Some(aggregated(registry, &[], request, true)));
            }
            legacy_versions(server_address)
        }
        ["apis"] if wants_aggregated(request) => {
            return Ok(Some(aggregated(registry, remote, request, false)));
        }
        ["apis"] => groups(registry, remote),
        ["apis", group] if !group.is_empty() && (registry.serves_group(group) || is_remote(group)) => {
            let listed = listed_groups(registry, remote);
            let found = listed.iter().find(|listed| listed.name == *group);
            found.map_or_else(String::new, |listed| group_document(listed, true))
        }
        ["api", version] if registry.serves_group_version("", version) => {
            routed(&MEDIA_TYPES)?;
            resources(registry, "", version)
        }
        ["apis", group, version] if registry.serves_group_version(group, version) && !group.is_empty() => {
            routed(&MEDIA_TYPES)?;
            resources(registry, group, version)
        }
        _ => return Ok(None),
    };
    negotiated(request, document).map(Some)
}

/// The answer to a path that is not served: a Status below the root of a served group, plain text elsewhere.
pub fn absent(registry: &Registry, path: &str) -> Result<Response, Failure> {
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let below_group = match segments.as_slice() {
        ["api" | "version", _, ..] => true,
        ["apis", group, _, ..] => !group.is_empty() && registry.serves_group(group),
        _ => false,
    };
    if below_group {
        return Err(Failure::no_such_resource());
    }
    Ok(Response::text(404, "404 page not found\n").with_header("x-content-type-options", "nosniff"))
}

/// Some documents are always indented, whatever the client asks for.
/// k8s: staging/src/k8s.io/apiserver/pkg/endpoints/handlers/responsewriters/writers.go WriteRawJSON
fn indented(document: &str) -> Response {
    Response::json(200, form::pretty(document.as_bytes()))
}

/// The document in the encoding that the client asked for.
fn negotiated(request: &Request, document: String) -> Result<Response, Failure> {
    let accept = request.header("accept").unwrap_or("*/*");
    for range in accept.split(',') {
        let mut pieces = range.split(';').map(str::trim);
        let media_type = pieces.next().unwrap_or("");
        // A document is not turned into anything else.
        if pieces.any(|piece| ["as", "g", "v"].iter().any(|name| names_parameter(piece, name))) {
            continue;
        }
        match media_type {
            "application/json" | "application/*" | "*/*" | "" => {
                return Ok(match form::wants_pretty(request) {
                    true => indented(&document),
                    false => Response::json(200, document),
                });
            }
            "application/yaml" => {
                let parsed = json::parse(document.as_bytes()).expect("own documents are JSON");
                return Ok(Response::new(200, "application/yaml", yaml::to_string(&parsed.value)));
            }
            _ => {}
        }
    }
    Err(Failure::not_acceptable(&MEDIA_TYPES))
}

fn names_parameter(piece: &str, name: &str) -> bool {
    piece.split_once('=').is_some_and(|(held, value)| held.trim() == name && !value.trim().is_empty())
}

/// Whether the first media range that discovery can serve asks for the aggregated document.
fn wants_aggregated(request: &Request) -> bool {
    let accept = request.header("accept").unwrap_or("");
    for range in accept.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let media_type = parts.next().unwrap_or("");
        if !matches!(media_type, "application/json" | "application/*" | "*/*") {
            continue;
        }
        let parameters: BTreeSet<&str> = parts.filter(|part| !part.starts_with("q=")).collect();
        if AGGREGATED.split(';').skip(1).all(|wanted| parameters.contains(wanted)) {
            return true;
        }
        if parameters.is_empty() {
            return false;
        }
    }
    false
}

fn index(registry: &Registry, remote: &[RemoteVersion], more_paths: &[&str]) -> String {
    let fixed = FIXED_PATHS.iter().chain(more_paths);
    let mut paths: BTreeSet<String> = fixed.map(|path| path.to_string()).collect();
    for resource in registry.iter().filter(|resource| !resource.group.is_empty()) {
        paths.insert(format!("/apis/{}", resource.group));
        paths.insert(format!("/apis/{}", resource.group_version()));
    }
    for held in remote.iter().filter(|held| !held.api.group.is_empty()) {
        paths.insert(format!("/apis/{}", held.api.group));
        paths.insert(held.api.root());
    }
    paths.extend(health::paths());
    object(&[("paths", list(paths.iter().map(|path| text(path))))])
}

/// What /version answers, as JSON.
/// k8s: staging/src/k8s.io/apimachinery/pkg/version/types.go
pub fn version() -> String {
    object(&[
        ("major", text("1")),
        ("minor", text("36")),
        ("emulationMajor", text("1")),
        ("emulationMinor", text("36")),
        ("minCompatibilityMajor", text("1")),
        ("minCompatibilityMinor", text("35")),
        ("gitVersion", text(GIT_VERSION)),
        ("gitCommit", text(option_env!("STEERSMAN_COMMIT").unwrap_or("unknown"))),
        ("gitTreeState", text("clean")),
        ("buildDate", text(option_env!("STEERSMAN_BUILD_DATE").unwrap_or("1970-01-01T00:00:00Z"))),
        // The server is not written in Go, but clients expect the member.
        ("goVersion", text("none")),
        ("compiler", text("rustc")),
        ("platform", text(PLATFORM)),
    ])
}

const PLATFORM: &str = if cfg!(target_arch = "aarch64") { "linux/arm64" } else { "linux/amd64" };

fn legacy_versions(server_address: &str) -> String {
    let address = object(&[("clientCIDR", text("0.0.0.0/0")), ("serverAddress", text(server_address))]);
    object(&[
        ("kind", text("APIVersions")),
        ("versions", texts(&["v1"])),
        ("serverAddressByClientCIDRs", list([address])),
    ])
}

fn groups(registry: &Registry, remote: &[RemoteVersion]) -> String {
    let listed = listed_groups(registry, remote);
    let groups = listed.iter().filter(|group| !group.name.is_empty());
    object(&[
        ("kind", text("APIGroupList")),
        ("apiVersion", text("v1")),
        ("groups", list(groups.map(|group| group_document(group, false)))),
    ])
}

/// A group as discovery lists it.
struct ListedGroup<'a> {
    name: &'a str,
    priority: i64,
    /// The preferred one first.
    versions: Vec<ListedVersion<'a>>,
}

struct ListedVersion<'a> {
    name: &'a str,
    priority: i64,
    /// Another server serves it.
    remote: Option<&'a RemoteVersion>,
}

/// All groups, by priority: those of this server in its order, and those of others between them.
/// k8s: staging/src/k8s.io/kube-aggregator/pkg/apis/apiregistration/v1/helper/helpers.go SortedByGroupAndVersion
fn listed_groups<'a>(registry: &'a Registry, remote: &'a [RemoteVersion]) -> Vec<ListedGroup<'a>> {
    let version = |group, name| ListedVersion { name, priority: priorities(group, name).1, remote: None };
    let group = |name| {
        let names = versions_of(registry, name);
        let priority = names.first().map_or(0, |version| priorities(name, version).0);
        ListedGroup { name, priority, versions: names.into_iter().map(|held| version(name, held)).collect() }
    };
    let mut groups: Vec<ListedGroup<'_>> = group_names(registry).into_iter().map(group).collect();
    for held in remote {
        let (name, priority) = (held.api.group.as_str(), held.api.group_priority);
        let place = groups.iter().position(|group| group.name == name).unwrap_or_else(|| {
            let is_before = |group: &ListedGroup<'_>| {
                group.priority > priority || group.priority == priority && group.name < name
            };
            let place = groups.iter().position(|group| !is_before(group)).unwrap_or(groups.len());
            groups.insert(place, ListedGroup { name, priority, versions: Vec::new() });
            place
        });
        let Some(group) = groups.get_mut(place) else { continue };
        let (name, priority) = (held.api.version.as_str(), held.api.version_priority);
        group.versions.retain(|version| version.name != name);
        let is_before = |version: &ListedVersion<'_>| {
            version.priority > priority
                || version.priority == priority && compare_versions(version.name, name).is_lt()
        };
        let place = group.versions.iter().position(|version| !is_before(version));
        let listed = ListedVersion { name, priority, remote: Some(held) };
        group.versions.insert(place.unwrap_or(group.versions.len()), listed);
    }
    groups
}

/// An APIGroup, alone or as an item of the list (which has no kind).
fn group_document(group: &ListedGroup<'_>, alone: bool) -> String {
    let versions: Vec<String> = group
        .versions
        .iter()
        .map(|version| {
            let group_version = format!("{}/{}", group.name, version.name);
            object(&[("groupVersion", text(&group_version)), ("version", text(version.name))])
        })
        .collect();
    let preferred = versions.first().cloned().unwrap_or_default();
    object(&[
        ("kind", if alone { text("APIGroup") } else { String::new() }),
        ("apiVersion", if alone { text("v1") } else { String::new() }),
        ("name", text(group.name)),
        ("versions", list(versions)),
        ("preferredVersion", preferred),
    ])
}

/// An APIResourceList. That of the core group has no apiVersion, as upstream.
fn resources(registry: &Registry, group: &str, version: &str) -> String {
    let mut items = Vec::new();
    for resource in resources_of(registry, group, version) {
        items.push(resource_document(resource));
        items.extend(resource.subs.iter().map(|sub| {
            let (group, version) = sub.foreign().unwrap_or(("", ""));
            object(&[
                ("name", text(&format!("{}/{}", resource.plural, sub.name))),
                ("singularName", text("")),
                ("namespaced", resource.namespaced().to_string()),
                ("group", optional_text(group)),
                ("version", optional_text(version)),
                ("kind", text(&sub.kind)),
                ("verbs", verbs(sub.verbs)),
            ])
        }));
    }
    let group_version = if group.is_empty() { version.to_string() } else { format!("{group}/{version}") };
    object(&[
        ("kind", text("APIResourceList")),
        ("apiVersion", if group.is_empty() { String::new() } else { text("v1") }),
        ("groupVersion", text(&group_version)),
        ("resources", list(items)),
    ])
}

fn resource_document(resource: &Kind) -> String {
    object(&[
        ("name", text(&resource.plural)),
        ("singularName", text(&resource.singular)),
        ("namespaced", resource.namespaced().to_string()),
        ("kind", text(&resource.kind)),
        ("verbs", verbs(resource.verbs)),
        ("shortNames", texts(&resource.short)),
        ("categories", texts(&resource.categories)),
        ("storageVersionHash", optional_text(&resource.storage_version_hash)),
    ])
}

/// The aggregated document, apidiscovery.k8s.io/v2, of the core group or of all others.
/// k8s: staging/src/k8s.io/apiserver/pkg/endpoints/discovery/aggregated/handler.go
fn aggregated(registry: &Registry, remote: &[RemoteVersion], request: &Request, core: bool) -> Response {
    let listed = listed_groups(registry, remote);
    let groups = listed.iter().filter(|group| group.name.is_empty() == core);
    let document = object(&[
        ("kind", text("APIGroupDiscoveryList")),
        ("apiVersion", text("apidiscovery.k8s.io/v2")),
        ("metadata", object(&[])),
        ("items", list(groups.map(|group| aggregated_group(registry, group)))),
    ]);
    let entity_tag = format!("\"{}\"", fingerprint([document.as_str()]));
    let response = if is_held(request, &entity_tag) {
        not_modified(&entity_tag)
    } else {
        Response::new(200, AGGREGATED, document).with_header("etag", entity_tag)
    };
    response.with_header("vary", "Accept").with_header("cache-control", "public")
}

fn aggregated_group(registry: &Registry, group: &ListedGroup<'_>) -> String {
    let versions = group.versions.iter().map(|version| {
        if let Some(remote) = version.remote {
            return encoded(&remote.entry());
        }
        let resources = resources_of(registry, group.name, version.name).map(aggregated_resource);
        object(&[
            ("version", text(version.name)),
            ("resources", list(resources)),
            ("freshness", text("Current")),
        ])
    });
    object(&[("metadata", object(&[("name", optional_text(group.name))])), ("versions", list(versions))])
}

fn aggregated_resource(resource: &Kind) -> String {
    let subresources = resource.subs.iter().map(|sub| {
        let (group, version) = sub.foreign().unwrap_or(("", ""));
        object(&[
            ("subresource", text(&sub.name)),
            ("responseKind", response_kind(group, version, &sub.kind)),
            ("verbs", verbs(sub.verbs)),
        ])
    });
    let scope = match resource.scope {
        Scope::Namespaced => "Namespaced",
        Scope::Cluster => "Cluster",
    };
    object(&[
        ("resource", text(&resource.plural)),
        ("responseKind", response_kind("", "", &resource.kind)),
        ("scope", text(scope)),
        ("singularResource", text(&resource.singular)),
        ("verbs", verbs(resource.verbs)),
        ("shortNames", texts(&resource.short)),
        ("categories", texts(&resource.categories)),
        ("subresources", if resource.subs.is_empty() { String::new() } else { list(subresources) }),
    ])
}

/// Group and version are left out when they are those of the resource itself.
fn response_kind(group: &str, version: &str, kind: &str) -> String {
    object(&[("group", text(group)), ("version", text(version)), ("kind", text(kind))])
}

fn verbs(verbs: &[Verb]) -> String {
    list(verbs.iter().map(|verb| text(verb.word())))
}

/// Each group once, by priority.
fn group_names(registry: &Registry) -> Vec<&str> {
    let mut names: Vec<&str> = registry.iter().map(|resource| resource.group.as_str()).collect();
    names.dedup();
    names
}

/// The versions of a group, the preferred one first.
fn versions_of<'a>(registry: &'a Registry, group: &str) -> Vec<&'a str> {
    let of_group = registry.iter().filter(|resource| resource.group == group);
    let mut versions: Vec<&str> = of_group.map(|resource| resource.version.as_str()).collect();
    versions.dedup();
    versions
}

fn resources_of<'a>(
    registry: &'a Registry,
    group: &'a str,
    version: &'a str,
) -> impl Iterator<Item = &'a Kind> {
    let kinds = registry.iter().map(|kind| &**kind);
    kinds.filter(move |kind| kind.group == group && kind.version == version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::Body;
    use crate::value::Value;
    use crate::wire::{Method, Peer};

    const ADDRESS: &str = "192.0.2.2:6443";

    fn request(path: &str, accept: &str) -> Request {
        Request {
            method: Method::Get,
            path: path.into(),
            query: String::new(),
            headers: alloc::vec![("accept".into(), accept.into())],
            has_body: false,
            peer: Peer::None,
            remote_address: "192.0.2.1".into(),
        }
    }

    fn text_of(response: &Response) -> &str {
        match &response.body {
            Body::Full(bytes) => core::str::from_utf8(bytes).expect("text"),
            other => panic!("not a full body: {other:?}"),
        }
    }

    fn ask(registry: &Registry, request: &Request) -> Option<Response> {
        respond(registry, &[], request, &request.path, ADDRESS, &[]).expect("no refusal")
    }

    /// Paths with the answer that kube-apiserver gives.
    const ANSWERS: &[(&str, &str)] = &[
        (
            "/api",
            r#"{"kind":"APIVersions","versions":["v1"],"serverAddressByClientCIDRs":[
                {"clientCIDR":"0.0.0.0/0","serverAddress":"192.0.2.2:6443"}]}"#,
        ),
        (
            "/apis/policy",
            r#"{"kind":"APIGroup","apiVersion":"v1","name":"policy",
                "versions":[{"groupVersion":"policy/v1","version":"v1"}],
                "preferredVersion":{"groupVersion":"policy/v1","version":"v1"}}"#,
        ),
        (
            "/apis/policy/v1",
            r#"{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"policy/v1","resources":[
                {"name":"poddisruptionbudgets","singularName":"poddisruptionbudget","namespaced":true,
                 "kind":"PodDisruptionBudget","shortNames":["pdb"],"storageVersionHash":"EVWiDmWqyJw=",
                 "verbs":["create","delete","deletecollection","get","list","patch","update","watch"]},
                {"name":"poddisruptionbudgets/status","singularName":"","namespaced":true,
                 "kind":"PodDisruptionBudget","verbs":["get","patch","update"]}]}"#,
        ),
    ];

    #[test]
    fn legacy_documents_are_upstreams() {
        let registry = Registry::builtin();
        let parse = |text: &str| json::parse(text.as_bytes()).expect("JSON").value;
        for (path, wanted) in ANSWERS {
            let response = ask(&registry, &request(path, "application/json")).expect("a document");
            assert_eq!(parse(text_of(&response)), parse(wanted));
        }
    }

    #[test]
    fn aggregated_documents_hold_every_resource_once() {
        let registry = Registry::builtin();
        let accept = alloc::format!("{AGGREGATED},application/json");
        let mut resources = 0;
        for path in ["/api", "/apis"] {
            let response = ask(&registry, &request(path, &accept)).expect("a document");
            assert_eq!(response.headers[0].1, AGGREGATED);
            let document = json::parse(text_of(&response).as_bytes()).expect("JSON").value;
            let items = document.field("items").and_then(Value::as_list).expect("items");
            for version in
                items.iter().flat_map(|group| group.field("versions").and_then(Value::as_list)).flatten()
            {
                assert_eq!(version.text_at(&["freshness"]), "Current");
                resources += version.field("resources").and_then(Value::as_list).map_or(0, <[Value]>::len);
            }
        }
        assert_eq!(resources, registry.iter().count());
        let old =
            "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";
        assert!(!wants_aggregated(&request("/apis", old)));
    }

    #[test]
    fn documents_for_reading_are_indented() {
        let registry = Registry::builtin();
        for (path, agent, indented) in [
            ("/", "client/1", true),
            ("/version", "client/1", true),
            ("/apis", "client/1", false),
            ("/apis", "curl/8", true),
        ] {
            let mut asked = request(path, "application/json");
            asked.headers.push(("user-agent".into(), agent.into()));
            let response = ask(&registry, &asked).expect("a document");
            assert_eq!(text_of(&response).starts_with("{\n  \""), indented, "{path} {agent}");
        }
    }

    #[test]
    fn absent_paths_have_two_kinds_of_answers() {
        let registry = Registry::builtin();
        for (path, status_object) in [
            ("/apis/nope/v1", false),
            ("/nope", false),
            ("/api/v2", true),
            ("/apis/apps/v9", true),
            ("/api/v1/namespaces/default/pods/x/nope", true),
        ] {
            assert!(ask(&registry, &request(path, "*/*")).is_none(), "{path}");
            let code =
                absent(&registry, path).map_or_else(|failure| failure.code(), |response| response.status);
            assert_eq!((code, absent(&registry, path).is_err()), (404, status_object), "{path}");
        }
    }
}
