//! Requests as clients make them, as data that checkers can read.

use crate::directory::{Directory, Place};
use bytes::Bytes;
use std::fmt::Write;
use std::sync::Arc;
use steersman_core::http::route::RequestInfo;
use steersman_core::http::{Method, Peer, Request};
use steersman_core::store::Rev;

/// A request that a client wants made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    pub verb: Verb,
    /// What it is about; None for a raw request.
    pub place: Option<Place>,
    pub query: Query,
    pub media: &'static str,
    pub body: Bytes,
    pub identity: Identity,
    /// The request itself, of somebody who does not belong to the simulator: what stands above was read from it.
    /// None for one that is made from what stands above.
    pub original: Option<Arc<Request>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verb {
    Get,
    List,
    Watch,
    Create,
    Update,
    Patch,
    Delete,
    DeleteCollection,
    /// Anything: a method, and a path with its query. Nothing is expected of it but an answer.
    Raw(String, String),
}

impl Verb {
    pub fn is_write(&self) -> bool {
        match self {
            Self::Create | Self::Update | Self::Patch | Self::Delete | Self::DeleteCollection => true,
            Self::Get | Self::List | Self::Watch => false,
            Self::Raw(method, _) => method != "GET",
        }
    }
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// May do everything.
    Admin,
    /// Shows a token that nobody has: must be told 401, and nothing may follow.
    Stranger,
}

/// The resource version of a read: what the answer may be depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Version {
    /// The newest there is.
    #[default]
    Unset,
    /// `0`: whatever the server has.
    Any,
    /// Not older than this.
    NotOlderThan(Rev),
    /// As of exactly this. Of lists only.
    Exact(Rev),
}

/// What a URL's query says.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Query {
    pub version: Version,
    /// 0 for no bound.
    pub limit: u64,
    /// The token of the page before; empty for the first page.
    pub continue_token: String,
    /// A label and the value that it must have.
    pub label: Option<(Arc<str>, String)>,
    /// A field and the value that it must have.
    pub field: Option<(Arc<str>, String)>,
    pub send_initial_events: bool,
    pub bookmarks: bool,
    pub timeout_seconds: Option<u64>,
    pub dry_run: bool,
    /// `propagationPolicy` of a deletion; empty for none.
    pub propagation: &'static str,
}

impl Ask {
    pub fn new(verb: Verb, place: &Place) -> Self {
        Self {
            verb,
            place: Some(place.clone()),
            query: Query::default(),
            media: "application/json",
            body: Bytes::new(),
            identity: Identity::Admin,
            original: None,
        }
    }

    pub fn get(place: &Place) -> Self {
        Self::new(Verb::Get, place)
    }

    pub fn list(place: &Place, query: Query) -> Self {
        Self { query, ..Self::new(Verb::List, place) }
    }

    pub fn watch(place: &Place, query: Query) -> Self {
        Self { query, ..Self::new(Verb::Watch, place) }
    }

    /// `place` is the collection, or an object's subresource that is created (as a binding).
    pub fn create(place: &Place, body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), ..Self::new(Verb::Create, place) }
    }

    pub fn update(place: &Place, body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), ..Self::new(Verb::Update, place) }
    }

    pub fn merge_patch(place: &Place, body: impl Into<Bytes>) -> Self {
        let media = "application/merge-patch+json";
        Self { body: body.into(), media, ..Self::new(Verb::Patch, place) }
    }

    pub fn json_patch(place: &Place, body: impl Into<Bytes>) -> Self {
        Self { media: "application/json-patch+json", ..Self::merge_patch(place, body) }
    }

    pub fn strategic_patch(place: &Place, body: impl Into<Bytes>) -> Self {
        Self { media: "application/strategic-merge-patch+json", ..Self::merge_patch(place, body) }
    }

    /// `body` is DeleteOptions, or empty.
    pub fn delete(place: &Place, body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), ..Self::new(Verb::Delete, place) }
    }

    pub fn delete_collection(place: &Place, query: Query) -> Self {
        Self { query, ..Self::new(Verb::DeleteCollection, place) }
    }

    #[must_use]
    pub fn with(self, query: Query) -> Self {
        Self { query, ..self }
    }

    /// Whether the answer is a stream: also of a raw request from outside that asks for one.
    pub fn is_watch(&self) -> bool {
        self.verb == Verb::Watch || self.original.as_ref().is_some_and(|request| asks_to_watch(request))
    }

    /// The request as it comes out of a connection.
    pub fn to_request(&self, directory: &Directory) -> Request {
        if let Some(original) = &self.original {
            return Request::clone(original);
        }
        let (method, path, query) = match (&self.verb, &self.place) {
            (Verb::Raw(method, target), _) => {
                let (path, query) = target.split_once('?').unwrap_or((target, ""));
                (Method::parse(method), path.to_owned(), query.to_owned())
            }
            (verb, Some(place)) => (method(verb), directory.path(place), self.query.text(verb)),
            (_, None) => (Method::Get, "/".to_owned(), String::new()),
        };
        let token = match self.identity {
            Identity::Admin => "Bearer admin-token",
            Identity::Stranger => "Bearer nobody",
        };
        let mut headers = vec![("authorization".into(), token.to_owned())];
        if !self.body.is_empty() {
            headers.push(("content-type".into(), self.media.to_owned()));
        }
        Request {
            method,
            path,
            query,
            headers,
            body: self.body.clone(),
            peer: Peer::None,
            remote_address: "192.0.2.1".into(),
        }
    }
}

/// k8s: staging/src/k8s.io/apiserver/pkg/endpoints/request/requestinfo.go
fn asks_to_watch(request: &Request) -> bool {
    let query = steersman_core::http::query::Query::parse(&request.query);
    let info = RequestInfo::parse(&request.method, &request.path, &query);
    request.method == Method::Get
        && info
            .is_ok_and(|info| info.is_resource && (info.watch_prefix || query.bool("watch").unwrap_or(false)))
}

fn method(verb: &Verb) -> Method {
    Method::parse(match verb {
        Verb::Get | Verb::List | Verb::Watch => "GET",
        Verb::Create => "POST",
        Verb::Update => "PUT",
        Verb::Patch => "PATCH",
        Verb::Delete | Verb::DeleteCollection => "DELETE",
        Verb::Raw(method, _) => method,
    })
}

impl Query {
    /// The query of a URL, without a question mark.
    pub fn text(&self, verb: &Verb) -> String {
        let mut out = String::new();
        let mut add = |name: &str, value: &str| {
            let separator = if out.is_empty() { "" } else { "&" };
            // Writing to a string cannot fail.
            let _ = write!(out, "{separator}{name}={value}");
        };
        if *verb == Verb::Watch {
            add("watch", "1");
        }
        let lists = matches!(verb, Verb::List);
        match self.version {
            Version::Unset => {}
            Version::Any => add("resourceVersion", "0"),
            Version::NotOlderThan(revision) => {
                add("resourceVersion", &revision.0.to_string());
                if lists && self.limit == 0 {
                    add("resourceVersionMatch", "NotOlderThan");
                }
            }
            Version::Exact(revision) => {
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
        if !self.propagation.is_empty() {
            add("propagationPolicy", self.propagation);
        }
        out
    }
}
