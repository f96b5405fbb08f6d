//! What admission plugins were told by `--admission-control-config-file`.

use super::{WebhookServer, WebhookUsers};
use crate::value::{Text, Value};
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

/// The configuration of each plugin that takes one, but PodSecurity's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PluginConfigurations {
    /// The names of plugins with their configurations as JSON, of which the rest was read. A recording holds them.
    pub given: Vec<(Text, Text)>,
    /// ResourceQuota: what nobody may use without a quota for it.
    pub limited_resources: Vec<LimitedResource>,
    /// EventRateLimit.
    pub event_limits: Vec<EventLimit>,
    /// MutatingAdmissionWebhook and ValidatingAdmissionWebhook: as whom they call.
    pub mutating_users: WebhookUsers,
    pub validating_users: WebhookUsers,
    /// ImagePolicyWebhook.
    pub image_policy: Option<ImagePolicy>,
    /// PodNodeSelector: node selectors by namespace.
    pub node_selectors: BTreeMap<Text, Text>,
    /// PodTolerationRestriction: what pods tolerate where their namespace does not say it.
    pub default_tolerations: Vec<Value>,
    /// PodTolerationRestriction: what they may tolerate where their namespace does not say it; empty for everything.
    pub allowed_tolerations: Vec<Value>,
}

/// A resource whose objects need a quota that covers what they use.
/// k8s: staging/src/k8s.io/apiserver/pkg/admission/plugin/resourcequota/apis/resourcequota/types.go
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LimitedResource {
    pub api_group: String,
    pub resource: String,
    /// Parts of names of resources that quotas have to cover.
    pub match_contains: Vec<String>,
    /// Scopes that quotas have to cover.
    pub match_scopes: Vec<LimitedScope>,
}

/// A requirement of a scope selector.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LimitedScope {
    pub scope: String,
    pub operator: String,
    pub values: Vec<String>,
}

/// The server that is asked about the images of pods.
/// k8s: plugin/pkg/admission/imagepolicy/config.go
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImagePolicy {
    pub server: WebhookServer,
    /// How long an answer that allows, or one that does not, is used again; 0 for not at all.
    pub allow_millis: u64,
    pub deny_millis: u64,
    /// Pods are admitted when the server gives no answer.
    pub default_allow: bool,
}

/// How many events may be written.
/// k8s: plugin/pkg/admission/eventratelimit/apis/eventratelimit/types.go
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventLimit {
    pub kind: EventLimitType,
    /// Per second, at least 1.
    pub qps: i32,
    /// At once, at least 1.
    pub burst: i32,
    /// How many buckets are kept, 0 for upstream's default.
    pub cache_size: i32,
}

/// What has a bucket of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventLimitType {
    Server,
    Namespace,
    User,
    SourceAndObject,
}

impl EventLimit {
    /// How many buckets are kept, at least 1 and at most `limits::EVENT_BUCKETS`.
    pub fn buckets(&self) -> usize {
        const DEFAULT: usize = 4096;
        match (self.kind, usize::try_from(self.cache_size).unwrap_or(0)) {
            (EventLimitType::Server, _) => 1,
            (EventLimitType::Namespace | EventLimitType::User | EventLimitType::SourceAndObject, 0) => {
                DEFAULT
            }
            (EventLimitType::Namespace | EventLimitType::User | EventLimitType::SourceAndObject, size) => {
                size.min(crate::limits::EVENT_BUCKETS)
            }
        }
    }
}

impl EventLimitType {
    pub const ALL: [Self; 4] = [Self::Server, Self::Namespace, Self::User, Self::SourceAndObject];

    /// The word for it in files and messages.
    pub fn word(self) -> &'static str {
        match self {
            Self::Server => "Server",
            Self::Namespace => "Namespace",
            Self::User => "User",
            Self::SourceAndObject => "SourceAndObject",
        }
    }
}
