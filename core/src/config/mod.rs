//! What the server is told at its start, and what it tells its operators.

mod admission;
mod authentication;
mod control_plane;
mod controller;
mod federation;
mod issuer;
mod job_id;
mod kubelet;
mod note;
mod plugins;
mod pod_security;
mod policy;
mod webhook;
mod webhook_users;

use crate::limits::Bounds;
use crate::museum::Flaw;
use crate::store::Feed;
use crate::value::Text;
use crate::value::port_range::PortRange;
use alloc::vec::Vec;

pub use admission::AdmissionOptions;
pub use authentication::{Authentication, Authorizer, Denial, Denials, Token};
pub use control_plane::{ControlPlane, EndpointReconciler, TrustedClients};
pub use controller::{Bootstrap, Controller, Controllers};
pub use federation::{
    ClaimMapping, Federation, FrontProxy, JwtIssuer, JwtIssuers, TokenReviewWebhook, TokenRule,
};
pub use issuer::{Curve, IssuerKey, PublicKey, SignedToken, TokenAlgorithm};
pub use job_id::JobId;
pub use kubelet::{Aggregation, KubeletClient};
pub use note::{Answered, Note, UsedSecret};
pub use plugins::{
    EventLimit, EventLimitType, ImagePolicy, LimitedResource, LimitedScope, PluginConfigurations,
};
pub use pod_security::{LevelVersion, PodSecurity, SecurityLevel, SecurityPolicy, SecurityVersion};
pub use policy::{AbacPolicy, AuthorizerChain};
pub use webhook::{AuthorizationWebhook, ReviewVersion, WebhookServer};
pub use webhook_users::{WebhookUser, WebhookUsers};

/// The configuration of the machine. It does not change while the server runs; the authorizers of a file that changes
/// are replaced in the world (`Input::Authorizers`).
#[derive(Clone, Debug)]
pub struct Config {
    /// `--etcd-prefix` without a slash at the end: `/registry`.
    pub etcd_prefix: Text,
    pub seed: u64,
    /// `host:port` under which clients reach the server, for discovery.
    pub advertised: Text,
    /// The first address of `--service-cluster-ip-range`, and the ranges themselves, with a comma between them.
    pub service_ip: Text,
    pub service_range: Text,
    /// `--service-node-port-range`.
    pub node_ports: PortRange,
    /// The address in the endpoints of the `kubernetes` service; empty for no endpoints.
    pub advertise_address: Text,
    pub secure_port: u16,
    pub authentication: Authentication,
    /// `--authorization-mode` or `--authorization-config`: who is asked at the start, in this order.
    pub authorization: Vec<Authorizer>,
    /// `--max-requests-inflight`, 0 for no limit.
    pub max_in_flight: u32,
    /// `--max-mutating-requests-inflight`, 0 for no limit.
    pub max_mutating_in_flight: u32,
    /// `--request-timeout`.
    pub request_timeout_millis: u64,
    /// `--min-request-timeout`, the shortest time after which a watch without one is closed.
    pub min_watch_seconds: u64,
    /// `--etcd-compaction-interval`, 0 for none.
    pub compaction_interval_millis: u64,
    /// `--event-ttl`.
    pub event_ttl_seconds: i64,
    /// `--etcd-servers-overrides`: group and resource (`"", "events"`) to feed. Others are on feed 0.
    pub feeds: Vec<(Text, Text, Feed)>,
    /// `--service-account-issuer`, the first; empty when there is none.
    pub issuer: Text,
    /// The public keys by which the issuer's tokens are verified.
    pub issuer_keys: Vec<IssuerKey>,
    /// `--service-account-jwks-uri`; empty for this server's own address.
    pub issuer_keys_address: Text,
    pub admission: AdmissionOptions,
    /// `--service-account-signing-key-file`: the public part of the key that tokens are signed with; None for a server
    /// that makes no tokens.
    pub signing_key: Option<IssuerKey>,
    /// `--api-audiences`, or else all of `--service-account-issuer`.
    pub audiences: Vec<Text>,
    /// `--service-account-max-token-expiration`, 0 for none.
    pub token_seconds_max: i64,
    /// `--service-account-extend-token-expiration`.
    pub extends_tokens: bool,
    /// `--allow-privileged`: pods may have privileged containers.
    pub allows_privileged: bool,
    /// What the server tells others about itself.
    pub control_plane: ControlPlane,
    /// How kubelets are reached, and the servers of aggregated APIs.
    pub kubelet: KubeletClient,
    pub aggregation: Aggregation,
    /// How much the server makes for itself. Not part of a recording.
    pub bootstrap: Bootstrap,
    /// What is denied beyond the mode, in tests and simulations. Not part of a recording.
    pub denials: Denials,
    /// The bounds of a production server, or smaller ones with which a simulation reaches them. Not part of a
    /// recording.
    pub bounds: Bounds,
    /// The historical bug that is put back for a museum run. Not part of a recording.
    pub flaw: Flaw,
}

impl Config {
    /// A configuration for tests: AlwaysAllow, anonymous requests, pods without service accounts, since no controller
    /// makes them, and upstream's defaults for the rest.
    pub fn open(seed: u64) -> Self {
        Self {
            etcd_prefix: "/registry".into(),
            seed,
            advertised: "127.0.0.1:6443".into(),
            service_ip: "10.0.0.1".into(),
            service_range: "10.0.0.0/24".into(),
            node_ports: PortRange::NODE_PORTS,
            advertise_address: "192.0.2.2".into(),
            secure_port: 6443,
            authentication: Authentication {
                tokens: Vec::new(),
                anonymous: true,
                ..Authentication::default()
            },
            authorization: alloc::vec![Authorizer::AlwaysAllow],
            max_in_flight: 400,
            max_mutating_in_flight: 200,
            request_timeout_millis: 60_000,
            min_watch_seconds: 1800,
            compaction_interval_millis: 300_000,
            event_ttl_seconds: 3600,
            feeds: Vec::new(),
            issuer: "".into(),
            issuer_keys: Vec::new(),
            issuer_keys_address: "".into(),
            admission: AdmissionOptions::without(&["ServiceAccount"]),
            signing_key: None,
            audiences: Vec::new(),
            token_seconds_max: 0,
            extends_tokens: true,
            allows_privileged: true,
            control_plane: ControlPlane::default(),
            kubelet: KubeletClient::default(),
            aggregation: Aggregation::default(),
            bootstrap: Bootstrap::Least,
            denials: Denials::default(),
            bounds: Bounds::PRODUCTION,
            flaw: Flaw::default(),
        }
    }
}
