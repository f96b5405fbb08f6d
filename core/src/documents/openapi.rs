//! /openapi/v2 and /openapi/v3: the API as OpenAPI documents, computed from the registry and the catalogue.
//!
//! A document is made when it is asked for and not cached here, since clients cache it by its hash: a definition that
//! comes, changes or goes costs nothing until then, and changes the hash of its own group version only. Built-in types
//! have descriptions if the registry has. Paths with the deprecated prefix `watch/` are absent.
//! k8s: k8s.io/kube-openapi/pkg/handler, pkg/handler3

mod defined;
mod merge;
mod paths;
mod protobuf;
mod schemas;

use super::aggregation::{RemoteDocument, RemoteVersion};
use super::discovery::GIT_VERSION;
use super::document::{encoded, fingerprint, is_held, list, not_modified, object, text};
use crate::answer::{Body, Response};
use crate::codec::json;
use crate::kinds::{Kind, Registry, SubKind};
use crate::value::Value;
use crate::wire::Request;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use schemas::{Look, Roots};

/// The version of OpenAPI that a document follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edition {
    V2,
    V3,
}

impl Edition {
    /// A reference to the schema of a type, by the type's published name.
    fn reference(self, name: &str) -> String {
        let place = match self {
            Self::V2 => "#/definitions/",
            Self::V3 => "#/components/schemas/",
        };
        object(&[("$ref", text(&format!("{place}{name}")))])
    }
}

const ROOT: &str = "/openapi/v3";

/// The media types of the binary form of OpenAPI v2: the one that answers have, and the one that older clients ask
/// for, which is not a valid media type.
const PROTOBUF_V2: &str = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
const PROTOBUF_V2_ASKED: &str = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";

/// Answers a request for an OpenAPI path (decoded), by any method; None for other paths. `hash` is the query
/// parameter with which a client asks for one version of a document. The v2 document has what other servers serve too.
pub fn respond(
    registry: &Registry,
    remote: &[RemoteVersion],
    request: &Request,
    path: &str,
    hash: Option<&str>,
) -> Option<Response> {
    match path {
        "/openapi/v2" => Some(respond_v2(registry, remote, request)),
        "/openapi/v3" => Some(Response::text(200, index(registry))),
        path => {
            let path = path.strip_prefix(ROOT)?.strip_prefix('/')?;
            let found = group_versions(registry).into_iter().find(|(known, _, _)| known == path);
            let Some((path, group, version)) = found else {
                return Some(Response { status: 404, headers: Vec::new(), body: Body::Empty });
            };
            Some(respond_v3(registry, request, hash, &path, (group, version)))
        }
    }
}

/// The paths of every group version, and where its document is.
fn index(registry: &Registry) -> String {
    let kinds: Vec<&Arc<Kind>> = registry.iter().collect();
    let is_same =
        |one: &&Arc<Kind>, other: &&Arc<Kind>| (&one.group, &one.version) == (&other.group, &other.version);
    let documents = kinds.chunk_by(is_same).filter_map(|kinds| {
        let first = kinds.first()?;
        let path = path_of(&first.group, &first.version);
        let url = format!("{ROOT}/{path}?hash={}", hash_of(registry, kinds.iter().copied()));
        Some((path, object(&[("serverRelativeURL", text(&url))])))
    });
    let entries: Vec<(String, String)> = documents.collect();
    let members: Vec<_> = entries.iter().map(|(path, entry)| (path.as_str(), entry.clone())).collect();
    object(&[("paths", object(&members))])
}

fn respond_v3(
    registry: &Registry,
    request: &Request,
    hash: Option<&str>,
    path: &str,
    (group, version): (&str, &str),
) -> Response {
    // There is no binary form of these documents here.
    if !media_types(request).any(is_json) {
        return not_acceptable();
    }
    let in_document = |kind: &&Arc<Kind>| (&*kind.group, &*kind.version) == (group, version);
    let current = hash_of(registry, registry.iter().filter(in_document));
    if hash.is_some_and(|hash| hash != current) {
        // The client has an old index. Its version is gone, so it is redirected to the new one.
        let location = format!("{ROOT}/{path}?hash={current}");
        let response = Response::new(301, "application/json", "").with_header("location", location);
        return response.with_header("vary", "Accept");
    }
    let entity_tag = format!("\"{current}\"");
    if is_held(request, &entity_tag) {
        return not_modified(&entity_tag);
    }
    let response = Response::json(200, document_v3(registry, group, version)).with_header("etag", entity_tag);
    let response = response.with_header("vary", "Accept");
    if hash.is_some() {
        // A document with a given hash never changes.
        response.with_header("cache-control", "public, immutable")
    } else {
        response.with_header("cache-control", "no-cache, private")
    }
}

/// The media types that a client takes, in its order and without their parameters.
fn media_types(request: &Request) -> impl Iterator<Item = &str> {
    let accept = request.header("accept").unwrap_or("*/*");
    accept.split(',').map(|range| range.split(';').next().unwrap_or("").trim())
}

fn is_json(range: &str) -> bool {
    matches!(range, "application/json" | "application/*" | "*/*" | "")
}

fn not_acceptable() -> Response {
    Response { status: 406, headers: Vec::new(), body: Body::Empty }.with_header("vary", "Accept")
}

fn respond_v2(registry: &Registry, remote: &[RemoteVersion], request: &Request) -> Response {
    let binary = media_types(request).find_map(|range| match range {
        PROTOBUF_V2 | PROTOBUF_V2_ASKED => Some(true),
        range => is_json(range).then_some(false),
    });
    let Some(binary) = binary else { return not_acceptable() };
    let others: Vec<_> = remote.iter().filter_map(RemoteVersion::openapi_v2).collect();
    let mut hash = hash_of(registry, registry.iter());
    if !others.is_empty() {
        let parts = others.iter().flat_map(|other| [other.root.as_str(), other.version]);
        hash = fingerprint([hash.as_str()].into_iter().chain(parts));
    }
    let entity_tag = format!("\"{hash}\"");
    if is_held(request, &entity_tag) {
        return not_modified(&entity_tag);
    }
    let own = document_v2(registry);
    let response = if !binary && others.is_empty() {
        Response::json(200, own)
    } else {
        let mut all = json::parse(own.as_bytes()).expect("own documents are JSON").value;
        merge_all(&mut all, &others);
        match binary {
            true => Response::new(200, PROTOBUF_V2, protobuf::encode(&all)),
            false => Response::json(200, encoded(&all)),
        }
    };
    response.with_header("etag", entity_tag).with_header("vary", "Accept")
}

/// Puts the documents of other servers into the own one, as far as they can be read.
fn merge_all(all: &mut Value, others: &[RemoteDocument<'_>]) {
    for other in others {
        if let Ok(parsed) = json::parse(other.document) {
            merge::merge(all, merge::below(parsed.value, &format!("{}/", other.root)));
        }
    }
}

/// The document of one group version, with every type that it uses.
fn document_v3(registry: &Registry, group: &str, version: &str) -> String {
    let in_document = |other: (&str, &str)| other == (group, version);
    let is_defined =
        registry.iter().filter(|kind| in_document((&kind.group, &kind.version))).all(|kind| kind.is_custom());
    let paths = paths::paths(registry, Edition::V3, &in_document);
    let roots = roots(registry, &in_document);
    let groups = [(group, version)];
    let look = Look { edition: Edition::V3, groups: &groups, describe: registry.describe };
    let schemas = schemas::schemas(&look, &roots, defined(registry, Edition::V3, &in_document));
    let (title, of_version) =
        if is_defined { ("Kubernetes CRD Swagger", "v0.1.0") } else { ("Kubernetes", GIT_VERSION) };
    object(&[
        ("openapi", text("3.0.0")),
        ("info", object(&[("title", text(title)), ("version", text(of_version))])),
        ("paths", paths),
        (
            "components",
            object(&[
                ("schemas", schemas),
                ("securitySchemes", if is_defined { String::new() } else { security() }),
            ]),
        ),
    ])
}

/// One document of everything.
fn document_v2(registry: &Registry) -> String {
    let everything = |_: (&str, &str)| true;
    let groups: Vec<(&str, &str)> =
        group_versions(registry).iter().map(|(_, group, version)| (*group, *version)).collect();
    let roots = roots(registry, &everything);
    let look = Look { edition: Edition::V2, groups: &groups, describe: registry.describe };
    object(&[
        ("swagger", text("2.0")),
        ("info", object(&[("title", text("Kubernetes")), ("version", text(GIT_VERSION))])),
        ("paths", paths::paths(registry, Edition::V2, &everything)),
        ("definitions", schemas::schemas(&look, &roots, defined(registry, Edition::V2, &everything))),
        ("parameters", paths::shared_parameters()),
        ("securityDefinitions", security()),
        ("security", list([object(&[("BearerToken", list([]))])])),
    ])
}

fn security() -> String {
    let token = [("type", text("apiKey")), ("name", text("authorization")), ("in", text("header"))];
    object(&[("BearerToken", object(&token))])
}

/// The types that requests and answers name, by catalogue; all others are found through their references.
fn roots<'a>(registry: &'a Registry, in_document: &dyn Fn((&str, &str)) -> bool) -> Vec<Roots<'a>> {
    let catalogue = &*registry.catalogue;
    let general = ["APIResourceList", "DeleteOptions", "Status", "WatchEvent"];
    let of_defined = ["DeleteOptions", "ListMeta", "ObjectMeta", "Status"];
    let meta = |name: &str| catalogue.type_named(&format!("meta.v1.{name}"));
    let mut roots = vec![Roots { catalogue, types: BTreeSet::new() }];
    for kind in registry.iter().filter(|kind| in_document((&kind.group, &kind.version))) {
        // What a connection takes are parameters of its query, and no schema.
        let subs = kind.subs.iter().filter(|sub| sub.action != SubKind::Connect);
        let subs = subs.filter_map(|sub| paths::sub_type(kind, sub));
        if kind.schema().is_some() {
            // Its own types are shown as its definition has them. Others are built in.
            let builtin = subs.filter(|id| *id != kind.type_id);
            roots[0].types.extend(builtin.chain(of_defined.into_iter().filter_map(meta)));
            continue;
        }
        // Built-in kinds share one catalogue, and any other kind has its own.
        if kind.is_custom() {
            roots.push(Roots { catalogue: &kind.catalogue, types: BTreeSet::new() });
        }
        roots[0].types.extend(general.into_iter().filter_map(meta));
        let at = if kind.is_custom() { roots.len() - 1 } else { 0 };
        let types = &mut roots[at].types;
        types.insert(kind.type_id);
        types.extend(kind.catalogue.type_named(&format!("{}List", kind.type_name)));
        types.extend(subs);
    }
    roots
}

/// The schemas of kinds whose definitions have one, by their published names.
fn defined(
    registry: &Registry,
    edition: Edition,
    in_document: &dyn Fn((&str, &str)) -> bool,
) -> Vec<(String, String)> {
    let kinds = registry.iter().filter(|kind| in_document((&kind.group, &kind.version)));
    let shown = kinds.filter_map(|kind| {
        // Whoever has no readable schema has been let through as one of anything.
        let schema = json::parse(kind.schema()?.as_bytes()).map(|parsed| parsed.value).unwrap_or_default();
        Some(defined::schemas(kind, &schema, edition, registry.describe))
    });
    shown.flatten().collect()
}

/// The path of a document below /openapi/v3.
fn path_of(group: &str, version: &str) -> String {
    match group {
        "" => format!("api/{version}"),
        group => format!("apis/{group}/{version}"),
    }
}

/// Each group version once: its path below /openapi/v3, group and version.
fn group_versions(registry: &Registry) -> Vec<(String, &str, &str)> {
    let mut found: Vec<(String, &str, &str)> = Vec::new();
    for kind in registry.iter() {
        let path = path_of(&kind.group, &kind.version);
        if found.last().is_none_or(|(last, _, _)| *last != path) {
            found.push((path, &kind.group, &kind.version));
        }
    }
    found
}

/// A hash that identifies a version of a document. It depends on the release and on the kinds.
fn hash_of<'a>(registry: &Registry, kinds: impl Iterator<Item = &'a Arc<Kind>>) -> String {
    let described = if registry.describe.is_some() { "described" } else { "" };
    let names =
        kinds.flat_map(|kind| [&*kind.group, &*kind.version, &*kind.plural, &*kind.kind, &*kind.fingerprint]);
    fingerprint([GIT_VERSION, env!("CARGO_PKG_VERSION"), described].into_iter().chain(names))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::Body;
    use crate::value::{Map, Value};
    use crate::wire::{Method, Peer};

    fn parse(document: &str) -> Value {
        json::parse(document.as_bytes()).expect("JSON").value
    }

    /// The targets of every `$ref` below a value.
    fn references<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
        for (key, member) in value.as_map().into_iter().flat_map(Map::iter) {
            match member.as_str().filter(|_| key == "$ref") {
                Some(target) => drop(found.insert(target)),
                None => references(member, found),
            }
        }
        value.as_list().into_iter().flatten().for_each(|item| references(item, found));
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let registry = Registry::builtin();
        let documents = group_versions(&registry);
        let documents = documents.iter().map(|(_, group, version)| document_v3(&registry, group, version));
        for document in documents.chain([document_v2(&registry)]) {
            let document = parse(&document);
            let mut targets = BTreeSet::new();
            references(&document, &mut targets);
            assert!(targets.len() > 10);
            for target in targets {
                let path: Vec<&str> = target.trim_start_matches("#/").split('/').collect();
                assert!(document.at(&path).is_some(), "{target}");
            }
        }
    }

    #[test]
    fn a_schema_has_the_extensions_for_merges() {
        let registry = Registry::builtin();
        let document = parse(&document_v3(&registry, "", "v1"));
        let schema = |name: &str| document.at(&["components", "schemas", name]).cloned().expect("a schema");
        let containers = schema("io.k8s.api.core.v1.PodSpec");
        let containers = containers.at(&["properties", "containers"]).expect("containers");
        assert_eq!(containers.text_at(&["x-kubernetes-patch-merge-key"]), "name");
        assert_eq!(containers.text_at(&["x-kubernetes-list-type"]), "map");
        let patch =
            document.at(&["paths", "/api/v1/namespaces/{namespace}/pods/{name}", "patch"]).expect("PATCH");
        assert_eq!(patch.text_at(&["x-kubernetes-group-version-kind", "kind"]), "Pod");
        let parameters = patch.field("parameters").and_then(Value::as_list).expect("parameters");
        assert!(parameters.iter().any(|parameter| parameter.text_at(&["name"]) == "fieldValidation"));
    }

    #[test]
    fn types_and_fields_have_descriptions_if_there_are_any() {
        let describe = |name: &str, field: &str| match (name, field) {
            ("io.k8s.api.core.v1.PodSpec", "") => Some("All of it."),
            ("io.k8s.api.core.v1.PodSpec", "containers") => Some("What runs."),
            ("io.k8s.api.core.v1.PodSpec", "affinity") => Some("Where."),
            ("io.k8s.apimachinery.pkg.apis.meta.v1.Time", "") => Some("When."),
            _ => None,
        };
        let registry = Registry::builtin();
        let hash = |registry: &Registry| hash_of(registry, registry.iter());
        let before = hash(&registry);
        let registry = registry.described_by(describe);
        assert_ne!(hash(&registry), before);
        let document = parse(&document_v3(&registry, "", "v1"));
        let schema = |name: &str| document.at(&["components", "schemas", name]).cloned().expect("a schema");
        let spec = schema("io.k8s.api.core.v1.PodSpec");
        assert_eq!(spec.text_at(&["description"]), "All of it.");
        assert_eq!(spec.text_at(&["properties", "containers", "description"]), "What runs.");
        assert_eq!(spec.text_at(&["properties", "containers", "type"]), "array");
        let affinity = spec.at(&["properties", "affinity"]).expect("a field");
        assert_eq!(affinity.text_at(&["description"]), "Where.");
        assert!(affinity.at(&["allOf"]).is_some());
        assert_eq!(schema("io.k8s.apimachinery.pkg.apis.meta.v1.Time").text_at(&["description"]), "When.");
    }

    fn ask(registry: &Registry, path: &str, hash: Option<&str>, headers: &[(&str, &str)]) -> Response {
        let request = Request {
            method: Method::Get,
            path: path.into(),
            query: String::new(),
            headers: headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
            has_body: false,
            peer: Peer::None,
            remote_address: "192.0.2.1".into(),
        };
        respond(registry, &[], &request, path, hash).expect("an OpenAPI path")
    }

    #[test]
    fn documents_are_cached_by_their_hash() {
        let registry = Registry::builtin();
        let index = match ask(&registry, "/openapi/v3", None, &[]).body {
            Body::Full(bytes) => parse(core::str::from_utf8(&bytes).expect("text")),
            other => panic!("no index: {other:?}"),
        };
        let url = index.text_at(&["paths", "apis/apps/v1", "serverRelativeURL"]);
        let (path, hash) = url.split_once("?hash=").expect("a hash");
        let response = ask(&registry, path, Some(hash), &[]);
        let header =
            |name: &str| response.headers.iter().find(|(held, _)| held == name).map(|(_, value)| value);
        assert_eq!(
            (response.status, header("cache-control").map(String::as_str)),
            (200, Some("public, immutable"))
        );
        let entity_tag = header("etag").expect("an entity tag");
        assert_eq!(ask(&registry, path, None, &[("if-none-match", entity_tag)]).status, 304);
        assert_eq!(ask(&registry, path, Some("OLD"), &[]).status, 301);
        for path in ["/openapi/v2", path] {
            assert_eq!(ask(&registry, path, None, &[("accept", "text/html")]).status, 406, "{path}");
            let either = [("accept", "text/html, application/json")];
            assert_eq!(ask(&registry, path, None, &either).status, 200, "{path}");
        }
    }
}
