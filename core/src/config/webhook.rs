//! Other servers that this one asks, as kubeconfig files name them, and how it asks them.

use crate::expressions::ReviewConditions;
use crate::limits;
use crate::value::{Text, duration};
use crate::wire::{Method, Outcall, Trust};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use bytes::Bytes;

/// A server that is asked by POST requests, and how this one shows who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookServer {
    /// The name or address to connect to, and the port.
    pub host: Text,
    pub port: u16,
    /// The path of the requests, as it is sent.
    pub path: Text,
    /// `https://host:port`, as the file has it: error messages name it.
    pub origin: Text,
    pub trust: Trust,
    /// The value of the header `Authorization`; empty for none.
    pub authorization: Text,
}

/// The version of the reviews that a server is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReviewVersion {
    V1,
    V1beta1,
}

impl ReviewVersion {
    pub const ALL: [Self; 2] = [Self::V1, Self::V1beta1];

    pub fn word(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V1beta1 => "v1beta1",
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.word() == word)
    }
}

/// An authorizer that asks another server.
/// k8s: staging/src/k8s.io/apiserver/pkg/apis/apiserver/types.go WebhookConfiguration
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizationWebhook {
    pub server: WebhookServer,
    pub version: ReviewVersion,
    /// The time for one answer.
    pub timeout_millis: u64,
    /// How long an answer that allows, or one that does not, is used again; 0 for not at all.
    pub authorized_millis: u64,
    pub unauthorized_millis: u64,
    /// A request is denied when the server gives no answer (`failurePolicy: Deny`). If not, the next authorizer is
    /// asked.
    pub denies_on_failure: bool,
    /// It is asked only about requests for which all of them hold. One that has no result counts as a failure.
    pub conditions: ReviewConditions,
}

/// The longest body of an answer to a review, bytes.
const REVIEW_BYTES_MAX: usize = 256 * 1024;

impl WebhookServer {
    /// A review that is sent to the server.
    pub(crate) fn call(&self, body: Vec<u8>, timeout_millis: u64) -> Outcall {
        self.call_as("kube-apiserver", body, timeout_millis)
    }

    fn call_as(&self, user_agent: &str, body: Vec<u8>, timeout_millis: u64) -> Outcall {
        let mut headers: Vec<(Text, String)> = alloc::vec![
            ("accept".into(), "application/json, */*".to_string()),
            ("content-type".into(), "application/json".to_string()),
            ("user-agent".into(), user_agent.to_string()),
        ];
        if !self.authorization.is_empty() {
            headers.push(("authorization".into(), self.authorization.to_string()));
        }
        Outcall {
            host: self.host.clone(),
            port: self.port,
            trust: self.trust.clone(),
            method: Method::Post,
            target: self.target(timeout_millis),
            headers,
            body: Bytes::from(body),
            timeout_millis,
            attempts: limits::CALL_ATTEMPTS,
            answer_bytes_max: REVIEW_BYTES_MAX,
        }
    }

    /// As `call`, for a server that an object of the API names. It is asked only once, may answer at length, and is
    /// told by which name it was asked.
    /// k8s: staging/src/k8s.io/apiserver/pkg/util/webhook/authentication.go setGlobalDefaults
    pub(crate) fn call_once(&self, body: Vec<u8>, timeout_millis: u64) -> Outcall {
        let mut call = self.call_as("kube-apiserver-admission", body, timeout_millis);
        let authority = self.origin.split_once("://").map_or("", |(_, authority)| authority);
        call.headers.insert(0, ("host".into(), authority.to_string()));
        Outcall { attempts: 1, answer_bytes_max: limits::CALL_ANSWER_BYTES, ..call }
    }

    /// The path, and the time that the server has, which upstream's client tells it.
    /// k8s: staging/src/k8s.io/client-go/rest/request.go URL
    fn target(&self, timeout_millis: u64) -> String {
        format!("{}?timeout={}", self.path, duration::text(timeout_millis.saturating_mul(1_000_000)))
    }

    /// Why there is no answer, in the words of Go's client.
    pub(crate) fn no_answer(&self, timeout_millis: u64, why: &str) -> String {
        format!("Post \"{}{}\": {why}", self.origin, self.target(timeout_millis))
    }
}
