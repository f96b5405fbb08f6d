//! Converts a request from outside into one that checkers can read.
//!
//! A request whose query, body or answer the checkers do not understand is made unchanged and counts as raw. Its
//! answer is hardly checked, but its changes are compared with the truth like any others.

use crate::client_request::{Action, ClientRequest, Identity, RequestOptions, VersionChoice};
use crate::directory::{Directory, Place, known_subresource};
use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use std::sync::Arc;
use steersman_core::codec::json;
use steersman_core::store::Rev;
use steersman_core::value::{Text, Value};
use steersman_core::wire::route::RequestInfo;
use steersman_core::wire::{Called, Method, Outcall, Peer, Request, query};

/// What every client of the cluster is known by: an administrator.
const TOKEN: &str = "Bearer admin-token";

/// Parameters of a query that checkers know, or that do not change what an answer holds.
const KNOWN: &[&str] = &[
    "watch",
    "resourceVersion",
    "resourceVersionMatch",
    "limit",
    "continue",
    "labelSelector",
    "fieldSelector",
    "sendInitialEvents",
    "allowWatchBookmarks",
    "timeoutSeconds",
    "dryRun",
    "propagationPolicy",
    "fieldManager",
    "fieldValidation",
    "gracePeriodSeconds",
    "timeout",
    "pretty",
];
/// Fields whose selection checkers decide from the stored object alone: they are texts, and have no defaults.
const FIELDS: &[&str] = &["metadata.name", "metadata.namespace", "spec.nodeName", "status.phase", "type"];

/// A call of a server, as a program takes it.
pub(super) fn asked(call: &Outcall) -> http::Request<Bytes> {
    let mut request = http::Request::new(call.body.clone());
    if let Ok(method) = http::Method::from_bytes(call.method.word().as_bytes()) {
        *request.method_mut() = method;
    }
    if let Ok(target) = call.target.parse() {
        *request.uri_mut() = target;
    }
    for (name, value) in &call.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::try_from(value))
        {
            request.headers_mut().append(name, value);
        }
    }
    request
}

/// What a program answers to a call.
pub(super) fn called(answer: http::Response<Bytes>) -> Called {
    let (head, body) = answer.into_parts();
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = head.headers.iter().map(|(name, value)| (name.as_str().into(), text(value))).collect();
    Called { status: head.status.as_u16(), headers, body }
}

/// The head of the request as a server is given it.
pub(super) fn to_core(head: &http::request::Parts, has_body: bool) -> Request {
    let mut headers: Vec<(Text, String)> = vec![("authorization".into(), TOKEN.to_owned())];
    for (name, value) in &head.headers {
        if name != http::header::AUTHORIZATION {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            headers.push((name.as_str().into(), value));
        }
    }
    Request {
        method: Method::parse(head.method.as_str()),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers,
        has_body,
        peer: Peer::None,
        remote_address: "192.0.2.1".into(),
    }
}

/// The request as checkers read it.
pub(super) fn to_ask(request: Request, body: Bytes, directory: &Directory) -> ClientRequest {
    let original = Some(Arc::new(request));
    let request = original.as_deref().expect("it was put there");
    let understood = understand(request, &body, directory);
    let (verb, place, query) = understood.map_or_else(
        || {
            let target = format!("{}?{}", request.path, request.query);
            (Action::Raw(request.method.word().to_owned(), target), None, RequestOptions::default())
        },
        |(verb, place, query)| (verb, Some(place), query),
    );
    ClientRequest {
        action: verb,
        place,
        options: query,
        media: "application/json",
        body,
        identity: Identity::Admin,
        original,
    }
}

fn understand(
    request: &Request,
    body: &[u8],
    directory: &Directory,
) -> Option<(Action, Place, RequestOptions)> {
    let pairs = query::Query::parse(&request.query);
    let info = RequestInfo::parse(&request.method, &request.path, &pairs).ok()?;
    let is_known = pairs.pairs().iter().all(|(name, _)| KNOWN.contains(&name.as_str()));
    if !info.is_resource || info.watch_prefix || info.remainder.is_some() || !is_known || !is_json(request) {
        return None;
    }
    let resource = directory.registry.find(&info.group, &info.version, &info.resource)?;
    // An object is held against what is stored, which is of one version of its kind.
    if directory.registry.stored(resource.storage?)?.id != resource.id {
        return None;
    }
    let subresource = match &*info.subresource {
        "" => "",
        name => resource.subs.iter().find(|sub| sub.name == name).and_then(|sub| known_subresource(sub))?,
    };
    let name = if info.named_in_path { info.name.clone() } else { Text::default() };
    let namespace = if resource.namespaced() { info.namespace.clone() } else { Text::default() };
    let place = Place { resource: resource.id, namespace, name, subresource };
    let verb = verb(&info, &request.method)?;
    let mut query = read_query(&pairs, &verb)?;
    // A deletion's body makes its query count for nothing.
    if matches!(verb, Action::Delete | Action::DeleteCollection) && !body.is_empty() {
        query.dry_run = is_dry_run(body);
    }
    Some((verb, place, query))
}

fn verb(info: &RequestInfo, method: &Method) -> Option<Action> {
    match method {
        Method::Get if info.named_in_path => (info.verb == "get").then_some(Action::Get),
        Method::Get if info.verb == "watch" => Some(Action::Watch),
        Method::Get => Some(Action::List),
        Method::Post => Some(Action::Create),
        Method::Put => Some(Action::Update),
        Method::Patch => Some(Action::Patch),
        Method::Delete if info.named_in_path => Some(Action::Delete),
        Method::Delete => Some(Action::DeleteCollection),
        Method::Head | Method::Options | Method::Other(_) => None,
    }
}

/// Objects go both ways as JSON, whole and in their own form; and a patch is not one that applies.
fn is_json(request: &Request) -> bool {
    let headers = |name: &'static str| {
        request.headers.iter().filter(move |(held, _)| held == name).map(|(_, value)| value.as_str())
    };
    let accepts = |value: &str| {
        value.split(',').all(|media| matches!(media.trim(), "application/json" | "*/*" | "application/*"))
    };
    let sends = |value: &str| value.contains("json");
    headers("accept").all(accepts) && headers("content-type").all(sends)
}

/// None for what checkers cannot decide.
fn read_query(pairs: &query::Query, verb: &Action) -> Option<RequestOptions> {
    let number = |name: &str| match pairs.text(name) {
        "" => Some(0),
        text => text.parse::<u64>().ok(),
    };
    let limit = number("limit")?;
    let (given, how) = (number("resourceVersion")?, pairs.text("resourceVersionMatch"));
    let continue_token = pairs.text("continue").to_owned();
    let is_page = limit > 0 && *verb == Action::List;
    let version = match (pairs.text("resourceVersion"), how) {
        ("", "" | "NotOlderThan") => VersionChoice::Unset,
        ("0", "" | "NotOlderThan") => VersionChoice::Any,
        // Pages of a list without a word about it are of exactly this.
        // k8s: staging/src/k8s.io/apiserver/pkg/storage/etcd3/store.go
        (_, "") if is_page => VersionChoice::Exact(Rev(given)),
        (_, "" | "NotOlderThan") => VersionChoice::NotOlderThan(Rev(given)),
        (_, "Exact") if given > 0 => VersionChoice::Exact(Rev(given)),
        (_, _) => return None,
    };
    if !continue_token.is_empty() && version != VersionChoice::Unset {
        return None;
    }
    let propagation = match pairs.text("propagationPolicy") {
        "" => "",
        "Background" => "Background",
        "Foreground" => "Foreground",
        "Orphan" => "Orphan",
        _ => return None,
    };
    Some(RequestOptions {
        version,
        limit,
        continue_token,
        label: selector(pairs.text("labelSelector"), |_| true)?,
        field: selector(pairs.text("fieldSelector"), |field| FIELDS.contains(&field))?,
        send_initial_events: pairs.bool("sendInitialEvents").unwrap_or(false),
        bookmarks: pairs.bool("allowWatchBookmarks").unwrap_or(false),
        timeout_seconds: match pairs.text("timeoutSeconds") {
            "" => None,
            text => Some(text.parse().ok()?),
        },
        dry_run: !pairs.text("dryRun").is_empty(),
        propagation,
        manager: pairs.text("fieldManager").to_owned(),
        force: pairs.bool("force").unwrap_or(false),
    })
}

/// A selector of at most one name that has a value: None for any other.
#[expect(clippy::option_option, reason = "a selector that is absent is understood")]
fn selector(text: &str, is_known: impl Fn(&str) -> bool) -> Option<Option<(Arc<str>, String)>> {
    if text.is_empty() {
        return Some(None);
    }
    let (name, value) = text.split_once('=')?;
    let value = value.strip_prefix('=').unwrap_or(value);
    let is_plain = |part: &str| {
        let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./".contains(letter);
        !part.is_empty() && part.chars().all(plain)
    };
    (is_plain(name) && is_plain(value) && is_known(name)).then(|| Some((name.into(), value.to_owned())))
}

/// Whether the options of a deletion say that nothing is to happen.
fn is_dry_run(body: &[u8]) -> bool {
    let options = json::parse(body).map_or(Value::Null, |parsed| parsed.value);
    options.field("dryRun").and_then(Value::as_list).is_some_and(|list| !list.is_empty())
}
