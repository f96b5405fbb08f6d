//! Clients' requests as data that checkers can read.

use crate::directory::{Directory, Place};
use crate::testbed::{KIND_PLACE, OTHER_KIND_PLACE};
use crate::users;
use bytes::Bytes;
use std::fmt::Write;
use std::sync::Arc;
use steersman_core::kinds;
use steersman_core::store::Rev;
use steersman_core::wire::route::RequestInfo;
use steersman_core::wire::{Method, Peer, Request};

/// A request of a simulated client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientRequest {
    pub action: Action,
    /// The object or collection that the request is about; None for a raw request.
    pub place: Option<Place>,
    pub options: RequestOptions,
    pub media: &'static str,
    pub body: Bytes,
    pub identity: Identity,
    /// For a request from outside the simulator, the request itself, from which the other fields were read. None for
    /// one that is made from the other fields.
    pub original: Option<Arc<Request>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    Get,
    List,
    Watch,
    Create,
    Update,
    Patch,
    Delete,
    DeleteCollection,
    /// A method, and a path with its query. Checkers expect nothing but an answer.
    Raw(String, String),
}

impl Action {
    pub fn is_write(&self) -> bool {
        match self {
            Self::Create | Self::Update | Self::Patch | Self::Delete | Self::DeleteCollection => true,
            Self::Get | Self::List | Self::Watch => false,
            Self::Raw(method, _) => method != "GET",
        }
    }
}

/// The user that makes a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// A user that may do everything.
    Admin,
    /// A user that may use every verb but this one. Such requests must get 403, and have no effect.
    Without(kinds::Verb),
    /// A user, of `users::BOUND`, who may do only what roles allow.
    Bound(u8),
    /// A user with an unknown token. It must get 401, and the request must have no effect.
    Stranger,
    /// A service account, with a token in the original request. It may do everything as long as the token is good.
    Account,
    /// A node, of `users::NODES`, which may do only what nodes may.
    Node(u8),
    /// A user, of `users::JUDGED`, who may do only what a webhook authorizer allows.
    Judged(u8),
}

/// The resource version of a read, which decides what the answer may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum VersionChoice {
    /// None: the newest state.
    #[default]
    Unset,
    /// `0`: any state that the server has.
    Any,
    /// At least as new as this revision.
    NotOlderThan(Rev),
    /// Exactly as of this revision; for lists only.
    Exact(Rev),
}

/// The query of the URL.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct RequestOptions {
    pub version: VersionChoice,
    /// 0 for no limit.
    pub limit: u64,
    /// The continue token of the previous page; empty for the first page.
    pub continue_token: String,
    /// A label selector: the label and its value.
    pub label: Option<(Arc<str>, String)>,
    /// A field selector: the field and its value.
    pub field: Option<(Arc<str>, String)>,
    pub send_initial_events: bool,
    pub bookmarks: bool,
    pub timeout_seconds: Option<u64>,
    pub dry_run: bool,
    /// `propagationPolicy` of a deletion; empty for none.
    pub propagation: &'static str,
    /// `fieldManager` of a write; empty for none.
    pub manager: String,
    /// An apply takes fields from other managers.
    pub force: bool,
}

/// The verb by which a request is authorized; None for a raw one.
pub fn verb_of(action: &Action) -> Option<kinds::Verb> {
    match action {
        Action::Get => Some(kinds::Verb::Get),
        Action::List => Some(kinds::Verb::List),
        Action::Watch => Some(kinds::Verb::Watch),
        Action::Create => Some(kinds::Verb::Create),
        Action::Update => Some(kinds::Verb::Update),
        Action::Patch => Some(kinds::Verb::Patch),
        Action::Delete => Some(kinds::Verb::Delete),
        Action::DeleteCollection => Some(kinds::Verb::DeleteCollection),
        Action::Raw(..) => None,
    }
}

impl ClientRequest {
    /// Whether this is a watch of the collection at a path that the directory does not know.
    pub fn is_raw_watch(&self, place: &str) -> bool {
        let Action::Raw(method, target) = &self.action else { return false };
        method == "GET" && target.strip_prefix(place).is_some_and(|query| query.contains("watch=1"))
    }

    pub fn new(verb: Action, place: &Place) -> Self {
        Self {
            action: verb,
            place: Some(place.clone()),
            options: RequestOptions::default(),
            media: "application/json",
            body: Bytes::new(),
            identity: Identity::Admin,
            original: None,
        }
    }

    pub fn get(place: &Place) -> Self {
        Self::new(Action::Get, place)
    }

    pub fn list(place: &Place, query: RequestOptions) -> Self {
        Self { options: query, ..Self::new(Action::List, place) }
    }

    pub fn watch(place: &Place, query: RequestOptions) -> Self {
        Self { options: query, ..Self::new(Action::Watch, place) }
    }

    /// Creates an object. `place` is the collection, or a subresource that is created (such as a binding).
    pub fn create(place: &Place, body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), ..Self::new(Action::Create, place) }
    }

    pub fn update(place: &Place, body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), ..Self::new(Action::Update, place) }
    }

    pub fn merge_patch(place: &Place, body: impl Into<Bytes>) -> Self {
        let media = "application/merge-patch+json";
        Self { body: body.into(), media, ..Self::new(Action::Patch, place) }
    }

    pub fn json_patch(place: &Place, body: impl Into<Bytes>) -> Self {
        Self { media: "application/json-patch+json", ..Self::merge_patch(place, body) }
    }

    pub fn strategic_patch(place: &Place, body: impl Into<Bytes>) -> Self {
        Self { media: "application/strategic-merge-patch+json", ..Self::merge_patch(place, body) }
    }

    /// The media type of a configuration that is applied.
    pub const APPLY: &'static str = "application/apply-patch+yaml";

    /// Applies a configuration; the options must name a manager.
    pub fn apply(place: &Place, body: impl Into<Bytes>) -> Self {
        Self { media: Self::APPLY, ..Self::merge_patch(place, body) }
    }

    /// `body` is DeleteOptions, or empty.
    pub fn delete(place: &Place, body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), ..Self::new(Action::Delete, place) }
    }

    pub fn delete_collection(place: &Place, query: RequestOptions) -> Self {
        Self { options: query, ..Self::new(Action::DeleteCollection, place) }
    }

    #[must_use]
    pub fn with(self, query: RequestOptions) -> Self {
        Self { options: query, ..self }
    }

    /// Whether the answer is a stream. This covers raw requests from outside too.
    pub fn is_watch(&self) -> bool {
        self.action == Action::Watch
            || self.is_raw_watch(KIND_PLACE)
            || self.is_raw_watch(OTHER_KIND_PLACE)
            || self.original.as_ref().is_some_and(|request| asks_to_watch(request))
    }

    /// The head of the request as a server gets it from a connection; `body` is what follows it.
    pub fn to_request(&self, directory: &Directory) -> Request {
        if let Some(original) = &self.original {
            return Request::clone(original);
        }
        let (method, path, query) = match (&self.action, &self.place) {
            (Action::Raw(method, target), _) => {
                let (path, query) = target.split_once('?').unwrap_or((target, ""));
                (Method::parse(method), path.to_owned(), query.to_owned())
            }
            (verb, Some(place)) => (method(verb), directory.path(place), self.options.text(verb)),
            (_, None) => (Method::Get, "/".to_owned(), String::new()),
        };
        let token = format!("Bearer {}", users::token(self.identity));
        let mut headers = vec![("authorization".into(), token)];
        if !self.body.is_empty() {
            headers.push(("content-type".into(), self.media.to_owned()));
        }
        Request {
            method,
            path,
            query,
            headers,
            has_body: !self.body.is_empty(),
            peer: Peer::None,
            remote_address: "192.0.2.1".into(),
        }
    }
}

/// k8s: staging/src/k8s.io/apiserver/pkg/endpoints/request/requestinfo.go
fn asks_to_watch(request: &Request) -> bool {
    let query = steersman_core::wire::query::Query::parse(&request.query);
    let info = RequestInfo::parse(&request.method, &request.path, &query);
    request.method == Method::Get
        && info
            .is_ok_and(|info| info.is_resource && (info.watch_prefix || query.bool("watch").unwrap_or(false)))
}

fn method(verb: &Action) -> Method {
    Method::parse(match verb {
        Action::Get | Action::List | Action::Watch => "GET",
        Action::Create => "POST",
        Action::Update => "PUT",
        Action::Patch => "PATCH",
        Action::Delete | Action::DeleteCollection => "DELETE",
        Action::Raw(method, _) => method,
    })
}

impl RequestOptions {
    /// The query of the URL, without a question mark.
    pub fn text(&self, verb: &Action) -> String {
        let mut out = String::new();
        let mut add = |name: &str, value: &str| {
            let separator = if out.is_empty() { "" } else { "&" };
            // Writing to a string cannot fail.
            let _ = write!(out, "{separator}{name}={value}");
        };
        if *verb == Action::Watch {
            add("watch", "1");
        }
        let lists = matches!(verb, Action::List);
        match self.version {
            VersionChoice::Unset => {}
            VersionChoice::Any => add("resourceVersion", "0"),
            VersionChoice::NotOlderThan(revision) => {
                add("resourceVersion", &revision.0.to_string());
                if lists && self.limit == 0 {
                    add("resourceVersionMatch", "NotOlderThan");
                }
            }
            VersionChoice::Exact(revision) => {
                add("resourceVersion", &revision.0.to_string());
                add("resourceVersionMatch", "Exact");
            }
        }
        if self.limit > 0 {
            add("limit", &self.limit.to_string());
        }
        if !self.continue_token.is_empty() {
            add("continue", &self.continue_token);
        }
        if let Some((label, value)) = &self.label {
            add("labelSelector", &format!("{label}%3D{value}"));
        }
        if let Some((field, value)) = &self.field {
            add("fieldSelector", &format!("{field}%3D{value}"));
        }
        if self.send_initial_events {
            add("sendInitialEvents", "true");
            add("resourceVersionMatch", "NotOlderThan");
        }
        if self.bookmarks {
            add("allowWatchBookmarks", "true");
        }
        if let Some(seconds) = self.timeout_seconds {
            add("timeoutSeconds", &seconds.to_string());
        }
        if self.dry_run {
            add("dryRun", "All");
        }
        if !self.manager.is_empty() {
            add("fieldManager", &self.manager);
        }
        if self.force {
            add("force", "true");
        }
        if !self.propagation.is_empty() {
            add("propagationPolicy", self.propagation);
        }
        out
    }
}
