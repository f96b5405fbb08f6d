//! The errors of requests: metav1.Status, with upstream's reasons and messages.
//! k8s: staging/src/k8s.io/apimachinery/pkg/api/errors/errors.go

mod causes;

pub use causes::{Cause, CauseType, Causes, Path};

use crate::value::{Map, Text, Value, quoted};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// metav1.StatusReason. `Unknown` is written as no reason at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    Unknown,
    Unauthorized,
    Forbidden,
    NotFound,
    AlreadyExists,
    Conflict,
    Gone,
    Invalid,
    ServerTimeout,
    Timeout,
    TooManyRequests,
    BadRequest,
    MethodNotAllowed,
    NotAcceptable,
    RequestEntityTooLarge,
    UnsupportedMediaType,
    InternalError,
    Expired,
    ServiceUnavailable,
    NotImplemented,
}

impl Reason {
    /// The word on the wire; empty for `Unknown`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unknown => "",
            Self::Unauthorized => "Unauthorized",
            Self::Forbidden => "Forbidden",
            Self::NotFound => "NotFound",
            Self::AlreadyExists => "AlreadyExists",
            Self::Conflict => "Conflict",
            Self::Gone => "Gone",
            Self::Invalid => "Invalid",
            Self::ServerTimeout => "ServerTimeout",
            Self::Timeout => "Timeout",
            Self::TooManyRequests => "TooManyRequests",
            Self::BadRequest => "BadRequest",
            Self::MethodNotAllowed => "MethodNotAllowed",
            Self::NotAcceptable => "NotAcceptable",
            Self::RequestEntityTooLarge => "RequestEntityTooLarge",
            Self::UnsupportedMediaType => "UnsupportedMediaType",
            Self::InternalError => "InternalError",
            Self::Expired => "Expired",
            Self::ServiceUnavailable => "ServiceUnavailable",
            Self::NotImplemented => "NotImplemented",
        }
    }

    /// The HTTP status of a failure for this reason. None is below 400.
    pub const fn code(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::Unauthorized => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::NotAcceptable => 406,
            Self::AlreadyExists | Self::Conflict => 409,
            Self::Gone | Self::Expired => 410,
            Self::RequestEntityTooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::Invalid => 422,
            Self::TooManyRequests => 429,
            Self::Unknown | Self::InternalError | Self::ServerTimeout => 500,
            Self::NotImplemented => 501,
            Self::ServiceUnavailable => 503,
            Self::Timeout => 504,
        }
    }
}

/// metav1.StatusDetails. Empty members are left out on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Details {
    pub name: Text,
    pub group: Text,
    /// The resource for most errors; the kind for `Invalid` and for failed preconditions, as upstream.
    pub kind: Text,
    pub uid: Text,
    pub causes: Vec<Cause>,
    /// The seconds after which the client should retry; 0 for no advice.
    pub retry_after_seconds: i64,
}

/// A failed request. Made by the constructors below, one per cause, named as upstream's. Its HTTP status follows from
/// its reason, so it cannot be a success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    reason: Reason,
    message: String,
    details: Option<Box<Details>>,
    /// For an expired list, the token with which the list continues at the newest revision. It stands in the Status's
    /// metadata.
    next: Text,
    /// What another server has decided, whole: its status of HTTP, and the Status.
    told: Option<Box<(u16, Value)>>,
}

/// A group and resource or a group and kind, as messages name them: `deployments.apps`, `pods`.
#[derive(Clone, Copy, Debug)]
pub struct Qualified<'a> {
    pub group: &'a str,
    pub name: &'a str,
}

impl core::fmt::Display for Qualified<'_> {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        out.write_str(self.name)?;
        if self.group.is_empty() { Ok(()) } else { write!(out, ".{}", self.group) }
    }
}

/// Why a value that another server has encrypted cannot be read.
pub const ENCRYPTED: &str = "identity transformer tried to read encrypted data";

impl Failure {
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), details: None, next: Text::default(), told: None }
    }

    /// A refusal by another server, whose Status is told as it is. A code that is none of an error counts as 500.
    pub fn told(status: Value) -> Self {
        let code = status.field("code").and_then(Value::as_int).and_then(|code| u16::try_from(code).ok());
        let code = code.filter(|code| (400..=999).contains(code)).unwrap_or(500);
        let message = String::from(status.text_at(&["message"]));
        Self { told: Some(Box::new((code, status))), ..Self::new(Reason::Unknown, message) }
    }

    /// The HTTP status: 4xx or 5xx, or beyond if another server has said so.
    pub fn code(&self) -> u16 {
        self.told.as_ref().map_or_else(|| self.reason.code(), |told| told.0)
    }

    pub fn message(&self) -> &str {
        &self.message
    }

    /// The seconds after which the client should retry; 0 for no advice.
    pub fn retry_after_seconds(&self) -> i64 {
        self.details.as_ref().map_or(0, |details| details.retry_after_seconds)
    }

    fn about(self, what: Qualified<'_>, name: &str) -> Self {
        let details = Details {
            name: name.into(),
            group: what.group.into(),
            kind: what.name.into(),
            ..Details::default()
        };
        self.with_details(details)
    }

    #[must_use]
    pub fn with_details(mut self, details: Details) -> Self {
        self.details = Some(Box::new(details));
        self
    }

    /// The same failure for another reason.
    #[must_use]
    pub fn with_reason(mut self, reason: Reason) -> Self {
        self.reason = reason;
        self
    }

    /// The same failure with one more cause in its details.
    #[must_use]
    pub fn with_cause(mut self, cause: Cause) -> Self {
        self.details.get_or_insert_default().causes.push(cause);
        self
    }

    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(Reason::BadRequest, message)
    }

    pub fn unauthorized() -> Self {
        Self::new(Reason::Unauthorized, "Unauthorized")
    }

    /// `what` names the resource; `name` may be empty.
    pub fn forbidden(what: Qualified<'_>, name: &str, why: &str) -> Self {
        let message = if name.is_empty() {
            format!("{what} is forbidden: {why}")
        } else {
            format!("{what} {} is forbidden: {why}", quoted(name))
        };
        Self::new(Reason::Forbidden, message).about(what, name)
    }

    /// A path that names no resource is forbidden.
    /// k8s: staging/src/k8s.io/apiserver/pkg/endpoints/handlers/responsewriters/errors.go
    pub fn forbidden_path(why: &str) -> Self {
        Self::new(Reason::Forbidden, format!("forbidden: {why}")).with_details(Details::default())
    }

    pub fn not_found(what: Qualified<'_>, name: &str) -> Self {
        Self::new(Reason::NotFound, format!("{what} {} not found", quoted(name))).about(what, name)
    }

    /// The answer to a path that names no resource that is served.
    pub fn no_such_resource() -> Self {
        let failure = Self::new(Reason::NotFound, "the server could not find the requested resource");
        failure.with_details(Details::default())
    }

    pub fn method_not_allowed() -> Self {
        let message = "the server does not allow this method on the requested resource";
        Self::new(Reason::MethodNotAllowed, message).with_details(Details::default())
    }

    pub fn already_exists(what: Qualified<'_>, name: &str) -> Self {
        Self::new(Reason::AlreadyExists, format!("{what} {} already exists", quoted(name))).about(what, name)
    }

    /// Too many names that were generated from a prefix were taken, `name` as the last of them.
    /// k8s: staging/src/k8s.io/apiserver/pkg/registry/rest/create.go CheckGeneratedNameError
    pub fn no_unique_name(what: Qualified<'_>, name: &str, generated_from: &str) -> Self {
        let message = format!(
            "{what} {} already exists, the server was not able to generate a unique name for the object",
            quoted(generated_from)
        );
        Self::new(Reason::AlreadyExists, message).about(what, name)
    }

    pub fn conflict(what: Qualified<'_>, name: &str, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {what} {}: {why}", quoted(name));
        Self::new(Reason::Conflict, message).about(what, name)
    }

    /// The conflict of an optimistic update that lost its race.
    pub fn modified(what: Qualified<'_>, name: &str) -> Self {
        const WHY: &str =
            "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(what, name, WHY)
    }

    /// `what` names the kind. `causes` must not be empty.
    pub fn invalid(what: Qualified<'_>, name: &str, causes: Causes) -> Self {
        let message = format!("{what} {} is invalid: {}", quoted(name), causes.summary());
        let mut failure = Self::new(Reason::Invalid, message).about(what, name);
        failure.details.get_or_insert_default().causes = causes.into_causes();
        failure
    }

    /// The resource version was compacted.
    pub fn expired(message: impl Into<String>) -> Self {
        Self::new(Reason::Expired, message)
    }

    #[must_use]
    pub fn with_continue(mut self, token: impl Into<Text>) -> Self {
        self.next = token.into();
        self
    }

    pub fn unsupported_media_type(accepted: &[&str]) -> Self {
        let message = format!(
            "the body of the request was in an unknown format - accepted media types include: {}",
            accepted.join(", ")
        );
        Self::new(Reason::UnsupportedMediaType, message)
    }

    pub fn not_acceptable(accepted: &[&str]) -> Self {
        let message = format!("only the following media types are accepted: {}", accepted.join(", "));
        Self::new(Reason::NotAcceptable, message)
    }

    pub fn request_entity_too_large(limit_bytes: usize) -> Self {
        Self::new(Reason::RequestEntityTooLarge, format!("Request entity too large: limit is {limit_bytes}"))
    }

    pub fn too_many_requests(message: impl Into<String>, retry_after_seconds: i64) -> Self {
        let failure = Self::new(Reason::TooManyRequests, message);
        failure.with_details(Details { retry_after_seconds, ..Details::default() })
    }

    /// More was asked for than a limit allows.
    /// k8s: staging/src/k8s.io/apimachinery/pkg/api/errors/errors.go NewTooManyRequestsError
    pub fn rate_limited(message: &str) -> Self {
        Self::new(Reason::TooManyRequests, message)
    }

    /// An error whose reason upstream does not classify: 500 and the bare message.
    pub fn unclassified(message: impl Into<String>) -> Self {
        Self::new(Reason::Unknown, message)
    }

    /// A stored value cannot be read, and why.
    /// k8s: staging/src/k8s.io/apiserver/pkg/storage/etcd3/store.go, storage/value/encrypt/identity/identity.go
    pub fn unreadable(why: &str) -> Self {
        if why == ENCRYPTED { Self::internal(why) } else { Self::unclassified(why) }
    }

    pub fn internal(message: impl core::fmt::Display) -> Self {
        let cause = Cause { reason: CauseType::Unknown, message: message.to_string(), field: String::new() };
        let failure = Self::new(Reason::InternalError, format!("Internal error occurred: {message}"));
        failure.with_details(Details { causes: alloc::vec![cause], ..Details::default() })
    }

    /// What another server has answered with an error that is no Status. Upstream keeps the status of the answer even
    /// if it has no reason for it; here it is that of the reason.
    /// k8s: staging/src/k8s.io/apimachinery/pkg/api/errors/errors.go NewGenericServerResponse
    pub fn of_other_server(code: u16, what: Qualified<'_>, name: &str, said: &str) -> Self {
        let (reason, message) = match code {
            400 => (Reason::BadRequest, "the server rejected our request for an unknown reason".into()),
            401 => {
                (Reason::Unauthorized, "the server has asked for the client to provide credentials".into())
            }
            403 => (Reason::Forbidden, String::from(said)),
            404 => (Reason::NotFound, "the server could not find the requested resource".into()),
            405 => {
                let message = "the server does not allow this method on the requested resource";
                (Reason::MethodNotAllowed, message.into())
            }
            406 if matches!(said, "" | "unknown") => {
                let message = "the server was unable to respond with a content type that the client supports";
                (Reason::NotAcceptable, message.into())
            }
            406 => (Reason::NotAcceptable, String::from(said)),
            409 => (Reason::Conflict, "the server reported a conflict".into()),
            415 => (Reason::UnsupportedMediaType, String::from(said)),
            422 => {
                let message = "the server rejected our request due to an error in our request";
                (Reason::Invalid, message.into())
            }
            429 => {
                let message = "the server has received too many requests and has asked us to try again later";
                (Reason::TooManyRequests, message.into())
            }
            503 => {
                let message = "the server is currently unable to handle the request";
                (Reason::ServiceUnavailable, message.into())
            }
            504 => {
                let message = "the server was unable to return a response in the time allotted, but may still \
                               be processing the request";
                (Reason::Timeout, message.into())
            }
            500.. => {
                let said = quoted(said);
                let message =
                    format!("an error on the server ({said}) has prevented the request from succeeding");
                (Reason::InternalError, message)
            }
            _ => {
                let message = format!(
                    "the server responded with the status code {code} but did not return more information"
                );
                (Reason::Unknown, message)
            }
        };
        Self::new(reason, format!("{message} ( {what} {name})")).about(what, name)
    }

    /// A part of the API that this server does not implement yet.
    pub fn not_implemented(message: impl Into<String>) -> Self {
        Self::new(Reason::NotImplemented, message)
    }

    pub fn service_unavailable(message: impl Into<String>) -> Self {
        Self::new(Reason::ServiceUnavailable, message)
    }

    /// The request timed out, and it is unknown whether it had an effect.
    pub fn timeout(message: impl Into<String>, retry_after_seconds: i64) -> Self {
        let failure = Self::new(Reason::Timeout, message);
        failure.with_details(Details { retry_after_seconds, ..Details::default() })
    }

    /// The metav1.Status object. Members keep their wire order when encoded with the catalogue's type.
    pub fn to_value(&self) -> Value {
        if let Some(told) = &self.told {
            return told.1.clone();
        }
        let mut status = Map::new();
        status.insert("kind", "Status".into());
        status.insert("apiVersion", "v1".into());
        let mut metadata = Map::new();
        if !self.next.is_empty() {
            metadata.insert("continue", Value::Str(self.next.clone()));
        }
        status.insert("metadata", metadata.into());
        status.insert("status", "Failure".into());
        if !self.message.is_empty() {
            status.insert("message", self.message.as_str().into());
        }
        if self.reason != Reason::Unknown {
            status.insert("reason", self.reason.word().into());
        }
        if let Some(details) = &self.details {
            status.insert("details", details.to_value());
        }
        status.insert("code", Value::Int(i64::from(self.code())));
        status.into()
    }
}

impl Details {
    pub fn to_value(&self) -> Value {
        let mut out = Map::new();
        for (key, text) in
            [("name", &self.name), ("group", &self.group), ("kind", &self.kind), ("uid", &self.uid)]
        {
            if !text.is_empty() {
                out.insert(key, Value::Str(text.clone()));
            }
        }
        if !self.causes.is_empty() {
            out.insert("causes", Value::list(self.causes.iter().map(Cause::to_value).collect()));
        }
        if self.retry_after_seconds != 0 {
            out.insert("retryAfterSeconds", Value::Int(self.retry_after_seconds));
        }
        out.into()
    }
}

#[cfg(test)]
mod tests {
    use super::{Failure, Reason};

    #[test]
    fn the_status_of_a_failure_is_an_error_and_stands_in_its_body() {
        let failures = [
            Failure::bad_request(""),
            Failure::expired(""),
            Failure::unclassified(""),
            Failure::no_such_resource(),
            Failure::too_many_requests("", 1),
            Failure::not_implemented(""),
            Failure::timeout("", 0),
        ];
        let codes = failures.map(|failure| {
            assert_eq!(
                failure.to_value().field("code").and_then(|code| code.as_int()),
                Some(failure.code().into())
            );
            failure.code()
        });
        assert_eq!(codes, [400, 410, 500, 404, 429, 501, 504]);
        for (told, code) in [(418, 418), (200, 500), (-1, 500), (70_000, 500)] {
            let mut status = crate::value::Value::empty_map();
            status.set("code", crate::value::Value::Int(told));
            assert_eq!(Failure::told(status).code(), code);
        }
        assert_eq!(Reason::ServerTimeout.code(), 500);
    }
}
