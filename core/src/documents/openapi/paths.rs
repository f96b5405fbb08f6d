//! The paths of every resource and their operations, as OpenAPI shows them.
//! k8s: staging/src/k8s.io/apiserver/pkg/endpoints/installer.go

use super::Edition;
use super::defined::list_name;
use super::schemas::published;
use crate::documents::document::{Member, list, object, optional_text, text, texts};
use crate::kinds::{Kind, Registry, Sub, SubKind, Verb};
use crate::schema::TypeId;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

/// Query parameters by name, with their type.
const PARAMETERS: &[(&str, &str)] = &[
    ("allowWatchBookmarks", "boolean"),
    ("command", "string"),
    ("container", "string"),
    ("continue", "string"),
    ("dryRun", "string"),
    ("fieldManager", "string"),
    ("fieldSelector", "string"),
    ("fieldValidation", "string"),
    ("follow", "boolean"),
    ("force", "boolean"),
    ("gracePeriodSeconds", "integer"),
    ("ignoreStoreReadErrorWithClusterBreakingPotential", "boolean"),
    ("insecureSkipTLSVerifyBackend", "boolean"),
    ("labelSelector", "string"),
    ("limit", "integer"),
    ("limitBytes", "integer"),
    ("orphanDependents", "boolean"),
    ("path", "string"),
    ("ports", "integer"),
    ("pretty", "string"),
    ("previous", "boolean"),
    ("propagationPolicy", "string"),
    ("resourceVersion", "string"),
    ("resourceVersionMatch", "string"),
    ("sendInitialEvents", "boolean"),
    ("sinceSeconds", "integer"),
    ("stderr", "boolean"),
    ("stdin", "boolean"),
    ("stdout", "boolean"),
    ("stream", "string"),
    ("tailLines", "integer"),
    ("timeoutSeconds", "integer"),
    ("timestamps", "boolean"),
    ("tty", "boolean"),
    ("watch", "boolean"),
];

const LIST: &[&str] = &[
    "allowWatchBookmarks",
    "continue",
    "fieldSelector",
    "labelSelector",
    "limit",
    "resourceVersion",
    "resourceVersionMatch",
    "sendInitialEvents",
    "timeoutSeconds",
    "watch",
];
const WRITE: &[&str] = &["dryRun", "fieldManager", "fieldValidation"];
const PATCH: &[&str] = &["dryRun", "fieldManager", "fieldValidation", "force"];
const DELETE: &[&str] = &[
    "dryRun",
    "gracePeriodSeconds",
    "ignoreStoreReadErrorWithClusterBreakingPotential",
    "orphanDependents",
    "propagationPolicy",
];
const DELETE_COLLECTION: &[&str] = &[
    "continue",
    "dryRun",
    "fieldSelector",
    "gracePeriodSeconds",
    "ignoreStoreReadErrorWithClusterBreakingPotential",
    "labelSelector",
    "limit",
    "orphanDependents",
    "propagationPolicy",
    "resourceVersion",
    "resourceVersionMatch",
    "sendInitialEvents",
    "timeoutSeconds",
];
/// The parameters of the streaming subresources.
const CONNECT: &[(&str, &[&str])] = &[
    ("attach", &["container", "stderr", "stdin", "stdout", "tty"]),
    ("exec", &["command", "container", "stderr", "stdin", "stdout", "tty"]),
    ("portforward", &["ports"]),
    ("proxy", &["path"]),
];
const LOG: &[&str] = &[
    "container",
    "follow",
    "insecureSkipTLSVerifyBackend",
    "limitBytes",
    "previous",
    "sinceSeconds",
    "stream",
    "tailLines",
    "timestamps",
];

const FORMS: [&str; 3] = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"];
/// Those of objects whose kind a definition brings.
const PLAIN_FORMS: [&str; 2] = ["application/json", "application/yaml"];
const STREAM_FORMS: [&str; 2] =
    ["application/json;stream=watch", "application/vnd.kubernetes.protobuf;stream=watch"];
const PATCH_FORMS: [&str; 4] = [
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
];
const PLAIN_PATCH_FORMS: [&str; 3] =
    ["application/json-patch+json", "application/merge-patch+json", "application/apply-patch+yaml"];

/// The body of an operation.
enum Body {
    Nothing,
    /// An object of this published type; whether it must be there.
    Object(String, bool),
    Patch,
}

/// The answer of an operation.
enum Answer {
    Object(String),
    /// A list, or a watch of one.
    List(String),
    /// Text, for what other servers answer.
    Text,
    Log,
}

struct Operation {
    method: &'static str,
    /// `replaceAppsV1NamespacedDeployment`.
    id: String,
    /// The word of `x-kubernetes-action`; empty for none.
    action: &'static str,
    query: &'static [&'static str],
    body: Body,
    answer: Answer,
    codes: &'static [u16],
}

/// Group, version and kind that an operation is about.
type GroupVersionKind<'a> = (&'a str, &'a str, &'a str);

/// The paths of the group versions for which `in_document` is true, as an object.
pub(super) fn paths(
    registry: &Registry,
    edition: Edition,
    in_document: &dyn Fn((&str, &str)) -> bool,
) -> String {
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    for resource in registry.iter().filter(|resource| in_document((&resource.group, &resource.version))) {
        let names = Names::of(resource);
        let discovery = Operation {
            method: "get",
            id: format!("get{}APIResources", names.group_version),
            action: "",
            query: &[],
            body: Body::Nothing,
            answer: Answer::Object(published("meta.v1.APIResourceList")),
            codes: &[200],
        };
        if !names.is_defined {
            found
                .entry(format!("{}/", names.root))
                .or_insert_with(|| item(edition, &names, None, &[], &[discovery]));
        }
        add_resource(&mut found, edition, &names, resource);
        for sub in &resource.subs {
            add_sub(&mut found, edition, &names, (resource, sub));
        }
    }
    let members: Vec<Member<'_>> = found.iter().map(|(path, item)| (path.as_str(), item.clone())).collect();
    object(&members)
}

/// The query parameters that OpenAPI v2 shares between paths.
pub(super) fn shared_parameters() -> String {
    let query = PARAMETERS.iter().map(|(name, _)| (*name, parameter(Edition::V2, "query", name)));
    let shared: Vec<Member<'_>> =
        query.chain([("namespace", parameter(Edition::V2, "path", "namespace"))]).collect();
    object(&shared)
}

/// The type of a subresource, if the catalogue has it.
pub(super) fn sub_type(resource: &Kind, sub: &Sub) -> Option<TypeId> {
    let label = match sub.foreign() {
        None => resource.type_name.rsplit_once('.').map_or("", |(package, _)| package).to_string(),
        Some((group, version)) => format!("{}.{version}", group.split('.').next().unwrap_or("")),
    };
    resource.catalogue.type_named(&format!("{label}.{}", sub.kind))
}

/// The words that paths and operations of a resource are made of.
struct Names<'a> {
    /// `/apis/apps/v1`
    root: String,
    /// `AppsV1`
    group_version: String,
    /// `apps_v1`
    tag: String,
    kind: GroupVersionKind<'a>,
    /// `Namespaced`, or nothing.
    scope: &'static str,
    /// `/apis/apps/v1/namespaces/{namespace}/deployments`
    collection: String,
    published: String,
    /// The published type of lists.
    list: String,
    returns_deleted: bool,
    /// A definition brings it, whose paths are made otherwise than those of built-in kinds.
    /// k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/controller/openapi/builder/builder.go
    is_defined: bool,
}

impl<'a> Names<'a> {
    fn of(resource: &'a Kind) -> Self {
        let (root, core) = match resource.group.as_str() {
            "" => (format!("/api/{}", resource.version), "core"),
            group => (format!("/apis/{group}/{}", resource.version), ""),
        };
        let group = resource.group.strip_suffix(".k8s.io").unwrap_or(&resource.group);
        let parts =
            group.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|part| !part.is_empty());
        let words: Vec<String> =
            [core].into_iter().filter(|word| !word.is_empty()).chain(parts).map(capital).collect();
        let group = words.concat();
        let mut tag = group.clone();
        if let Some(first) = tag.get_mut(..1) {
            first.make_ascii_lowercase();
        }
        let namespaced = resource.namespaced();
        let place = if namespaced { "/namespaces/{namespace}" } else { "" };
        Self {
            collection: format!("{root}{place}/{}", resource.plural),
            group_version: format!("{group}{}", capital(&resource.version)),
            tag: format!("{tag}_{}", resource.version),
            root,
            kind: (&resource.group, &resource.version, &resource.kind),
            scope: if namespaced { "Namespaced" } else { "" },
            published: published(&resource.type_name),
            list: match resource.schema() {
                Some(_) => list_name(resource),
                None => published(&format!("{}List", resource.type_name)),
            },
            is_defined: resource.schema().is_some(),
            returns_deleted: resource.rules().returns_deleted,
        }
    }

    /// The media types of objects.
    fn forms(&self) -> &'static [&'static str] {
        if self.is_defined { &PLAIN_FORMS } else { &FORMS }
    }

    fn patch_forms(&self) -> &'static [&'static str] {
        if self.is_defined { &PLAIN_PATCH_FORMS } else { &PATCH_FORMS }
    }

    /// The media types of bodies.
    fn body_forms(&self) -> &'static [&'static str] {
        if self.is_defined { &PLAIN_FORMS } else { &["*/*"] }
    }

    /// `readAppsV1NamespacedDeploymentScale`
    fn id(&self, verb: &str, suffix: &str) -> String {
        format!("{verb}{}{}{}{suffix}", self.group_version, self.scope, self.kind.2)
    }
}

fn capital(word: &str) -> String {
    let mut word = word.to_string();
    if let Some(first) = word.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    word
}

fn add_resource(found: &mut BTreeMap<String, String>, edition: Edition, names: &Names<'_>, resource: &Kind) {
    let list = |id: String| Operation {
        method: "get",
        id,
        action: "list",
        query: LIST,
        body: Body::Nothing,
        answer: Answer::List(names.list.clone()),
        codes: &[200],
    };
    let mut collection = Vec::new();
    if resource.allows(Verb::List) {
        collection.push(list(names.id("list", "")));
        if resource.namespaced() {
            let id = format!("list{}{}ForAllNamespaces", names.group_version, names.kind.2);
            let path = format!("{}/{}", names.root, resource.plural);
            found.insert(path, item(edition, names, Some(names.kind), &[], &[list(id)]));
        }
    }
    if resource.allows(Verb::Create) {
        collection.push(write("post", names.id("create", ""), &names.published, "post"));
    }
    if resource.allows(Verb::DeleteCollection) {
        let id = format!("delete{}Collection{}{}", names.group_version, names.scope, names.kind.2);
        let status = published("meta.v1.Status");
        collection.push(if names.is_defined {
            let answer = Answer::Object(status);
            let (action, body) = ("deletecollection", Body::Nothing);
            Operation { method: "delete", id, action, query: LIST, body, answer, codes: &[200] }
        } else {
            delete(id, DELETE_COLLECTION, "deletecollection", status, &[200])
        });
    }
    let place: &[&str] = if resource.namespaced() { &["namespace"] } else { &[] };
    found.insert(names.collection.clone(), item(edition, names, Some(names.kind), place, &collection));
    let one = window(names, &names.published, "", resource.verbs);
    if !one.is_empty() {
        let path = format!("{}/{{name}}", names.collection);
        found.insert(path, item(edition, names, Some(names.kind), &item_place(resource), &one));
    }
}

fn item_place(resource: &Kind) -> Vec<&'static str> {
    if resource.namespaced() { vec!["name", "namespace"] } else { vec!["name"] }
}

/// The operations on one object, or on one of its subresources.
fn window(names: &Names<'_>, kind: &str, suffix: &str, verbs: &[Verb]) -> Vec<Operation> {
    let mut operations = Vec::new();
    for verb in verbs {
        match verb {
            Verb::Get => operations.push(Operation {
                method: "get",
                id: names.id("read", suffix),
                action: "get",
                query: if names.is_defined { &["resourceVersion"] } else { &[] },
                body: Body::Nothing,
                answer: Answer::Object(kind.into()),
                codes: &[200],
            }),
            Verb::Update => operations.push(Operation {
                codes: &[200, 201],
                ..write("put", names.id("replace", suffix), kind, "put")
            }),
            Verb::Patch => operations.push(Operation {
                query: PATCH,
                body: Body::Patch,
                codes: if names.is_defined { &[200] } else { &[200, 201] },
                ..write("patch", names.id("patch", suffix), kind, "patch")
            }),
            Verb::Delete => {
                let answer = if names.returns_deleted { kind.into() } else { published("meta.v1.Status") };
                operations.push(delete(names.id("delete", suffix), DELETE, "delete", answer, &[200, 202]));
            }
            Verb::Create | Verb::DeleteCollection | Verb::List | Verb::Watch => {}
        }
    }
    operations
}

fn write(method: &'static str, id: String, kind: &str, action: &'static str) -> Operation {
    Operation {
        method,
        id,
        action,
        query: WRITE,
        body: Body::Object(kind.into(), true),
        answer: Answer::Object(kind.into()),
        codes: &[200, 201, 202],
    }
}

fn delete(
    id: String,
    query: &'static [&'static str],
    action: &'static str,
    answer: String,
    codes: &'static [u16],
) -> Operation {
    let body = Body::Object(published("meta.v1.DeleteOptions"), false);
    Operation { method: "delete", id, action, query, body, answer: Answer::Object(answer), codes }
}

fn add_sub(
    found: &mut BTreeMap<String, String>,
    edition: Edition,
    names: &Names<'_>,
    (resource, sub): (&Kind, &Sub),
) {
    let suffix = capital(&sub.name);
    let (group, version) = sub.foreign().unwrap_or((names.kind.0, names.kind.1));
    let kind = Some(if names.is_defined { names.kind } else { (group, version, sub.kind.as_str()) });
    let path = format!("{}/{{name}}/{}", names.collection, sub.name);
    let place = item_place(resource);
    let published_type = sub_type(resource, sub).map(|id| published(&resource.catalogue.get(id).name));
    let operations = match (sub.action, published_type) {
        (SubKind::Connect, _) if sub.name == "log" => vec![Operation {
            method: "get",
            id: names.id("read", &suffix),
            action: "get",
            query: LOG,
            body: Body::Nothing,
            answer: Answer::Log,
            codes: &[200],
        }],
        (SubKind::Connect, _) => {
            if sub.name == "proxy" {
                let below = connect(names, "ProxyWithPath", sub);
                let place: Vec<&str> = place.iter().copied().chain(["path"]).collect();
                found.insert(format!("{path}/{{path}}"), item(edition, names, kind, &place, &below));
            }
            connect(names, &suffix, sub)
        }
        (SubKind::Action, Some(kind)) => vec![write("post", names.id("create", &suffix), &kind, "post")],
        (SubKind::Status | SubKind::Scale | SubKind::Window, Some(kind)) => {
            window(names, &kind, &suffix, sub.verbs)
        }
        (SubKind::Status | SubKind::Scale | SubKind::Window | SubKind::Action, None) => Vec::new(),
    };
    found.insert(path, item(edition, names, kind, &place, &operations));
}

fn connect(names: &Names<'_>, suffix: &str, sub: &Sub) -> Vec<Operation> {
    let query = CONNECT.iter().find(|(name, _)| sub.name == *name).map_or(&[][..], |(_, query)| *query);
    let methods = sub.verbs.iter().filter_map(|verb| match verb {
        Verb::Create => Some("post"),
        Verb::Delete => Some("delete"),
        Verb::Get => Some("get"),
        Verb::Patch => Some("patch"),
        Verb::Update => Some("put"),
        Verb::DeleteCollection | Verb::List | Verb::Watch => None,
    });
    let operation = |method| Operation {
        method,
        id: format!(
            "connect{}{}{}{}{suffix}",
            names.group_version,
            capital(method),
            names.scope,
            names.kind.2
        ),
        action: "connect",
        query,
        body: Body::Nothing,
        answer: Answer::Text,
        codes: &[200],
    };
    methods.map(operation).collect()
}

/// A path item: its operations, and the parameters that they share.
fn item(
    edition: Edition,
    names: &Names<'_>,
    kind: Option<GroupVersionKind<'_>>,
    place: &[&str],
    operations: &[Operation],
) -> String {
    let is_common = |name: &str| operations.iter().all(|operation| operation.query.contains(&name));
    let mut members: Vec<Member<'_>> = operations
        .iter()
        .map(|operation| (operation.method, render(edition, names, kind, operation, &is_common)))
        .collect();
    let common = operations.first().map_or(&[][..], |operation| operation.query).iter().copied();
    let in_query = common.filter(|name| is_common(name)).chain(kind.map(|_| "pretty"));
    let mut parameters: Vec<(&str, String)> = in_query.map(|name| (name, shared(edition, name))).collect();
    parameters.extend(place.iter().map(|name| (*name, parameter(edition, "path", name))));
    parameters.sort_by_key(|(name, _)| *name);
    members.push(("parameters", list(parameters.into_iter().map(|(_, parameter)| parameter))));
    object(&members)
}

fn render(
    edition: Edition,
    names: &Names<'_>,
    kind: Option<GroupVersionKind<'_>>,
    operation: &Operation,
    is_common: &dyn Fn(&str) -> bool,
) -> String {
    let kind = kind.map_or(String::new(), |(group, version, kind)| {
        object(&[("group", text(group)), ("kind", text(kind)), ("version", text(version))])
    });
    let own = operation.query.iter().filter(|name| !is_common(name));
    let mut parameters: Vec<String> = own.map(|name| shared(edition, name)).collect();
    let mut members: Vec<Member<'_>> =
        vec![("tags", texts(&[&names.tag])), ("operationId", text(&operation.id))];
    let (answered, forms) = answer(edition, names, &operation.answer);
    let response = |code: &u16| {
        let what = match code {
            201 => "Created",
            202 => "Accepted",
            _ => "OK",
        };
        (code.to_string(), object(&[("description", text(what)), answered.clone()]))
    };
    let codes: Vec<(String, String)> = operation.codes.iter().map(response).collect();
    let mut responses: Vec<Member<'_>> =
        codes.iter().map(|(code, answer)| (code.as_str(), answer.clone())).collect();
    responses.push(("401", object(&[("description", text("Unauthorized"))])));
    match edition {
        Edition::V2 => {
            let patch = matches!(operation.body, Body::Patch);
            members.push(("consumes", texts(if patch { names.patch_forms() } else { names.body_forms() })));
            members.push(("produces", texts(&forms)));
            members.push(("schemes", texts(&["https"])));
            parameters.extend(body_parameter(&operation.body));
        }
        Edition::V3 => members.push(("requestBody", request_body(names, &operation.body))),
    }
    members.push(("parameters", if parameters.is_empty() { String::new() } else { list(parameters) }));
    members.push(("responses", object(&responses)));
    members.push(("x-kubernetes-action", optional_text(operation.action)));
    members.push(("x-kubernetes-group-version-kind", kind));
    object(&members)
}

/// The schema of an answer as the member that holds it, and its media types.
fn answer(edition: Edition, names: &Names<'_>, answer: &Answer) -> (Member<'static>, Vec<&'static str>) {
    let (schema, forms): (String, Vec<&str>) = match answer {
        Answer::List(name) if names.is_defined => (edition.reference(name), names.forms().to_vec()),
        Answer::Object(name) => (edition.reference(name), names.forms().to_vec()),
        Answer::List(name) => (edition.reference(name), [&FORMS[..], &STREAM_FORMS[..]].concat()),
        Answer::Text => (object(&[("type", text("string"))]), vec!["*/*"]),
        Answer::Log => (object(&[("type", text("string"))]), [&["text/plain"][..], &FORMS[..]].concat()),
    };
    let shape = match edition {
        Edition::V2 => ("schema", schema),
        Edition::V3 => ("content", content(&forms, &schema)),
    };
    (shape, forms)
}

/// OpenAPI v3: the same schema for every media type.
fn content(forms: &[&str], schema: &str) -> String {
    let schema = object(&[("schema", schema.to_string())]);
    let members: Vec<Member<'_>> = forms.iter().map(|form| (*form, schema.clone())).collect();
    object(&members)
}

fn request_body(names: &Names<'_>, body: &Body) -> String {
    match body {
        Body::Nothing => String::new(),
        Body::Object(name, required) => object(&[
            ("content", content(names.body_forms(), &Edition::V3.reference(name))),
            ("required", if *required { "true".to_string() } else { String::new() }),
        ]),
        Body::Patch => {
            let schema = Edition::V3.reference(&published("meta.v1.Patch"));
            object(&[("content", content(names.patch_forms(), &schema)), ("required", "true".to_string())])
        }
    }
}

fn body_parameter(body: &Body) -> Option<String> {
    let (name, required) = match body {
        Body::Nothing => return None,
        Body::Object(name, required) => (name.clone(), *required),
        Body::Patch => (published("meta.v1.Patch"), true),
    };
    Some(object(&[
        ("name", text("body")),
        ("in", text("body")),
        ("required", if required { "true".to_string() } else { String::new() }),
        ("schema", Edition::V2.reference(&name)),
    ]))
}

/// A query parameter: by reference in v2, in place in v3, whose clients do not follow references here.
fn shared(edition: Edition, name: &str) -> String {
    match edition {
        Edition::V2 => object(&[("$ref", text(&format!("#/parameters/{name}")))]),
        Edition::V3 => parameter(edition, "query", name),
    }
}

fn parameter(edition: Edition, place: &str, name: &str) -> String {
    let kind = PARAMETERS.iter().find(|(known, _)| *known == name).map_or("string", |(_, kind)| *kind);
    let schema = [("type", text(kind)), ("uniqueItems", "true".to_string())];
    let required = if place == "path" { "true".to_string() } else { String::new() };
    let mut members: Vec<Member<'_>> =
        vec![("name", text(name)), ("in", text(place)), ("required", required)];
    match edition {
        Edition::V2 => members.extend(schema),
        Edition::V3 => members.push(("schema", object(&schema))),
    }
    object(&members)
}
