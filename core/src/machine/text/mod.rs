//! Inputs and effects as lines of text: what a recording holds, and what a replay reads and shows.
//!
//! A line is words with one blank between them: the two clocks, what happened, and its parts in order. Bytes that a
//! word cannot hold are written as `%XX`, an empty value as `-`, a list as its length and its items. The outcome of a
//! task is written as its job and the revision that it saw only: a replay runs the task again. It also decodes a page
//! of a listing again, whose key-values came with an earlier input.

mod authorizers;
mod backends;
mod definitions;
mod digests;
mod effects;
mod federation;
mod read;
mod write;

use super::Input;
use crate::config::JobId;
use crate::store::Rev;
use alloc::boxed::Box;

pub use digests::Digests;
pub use effects::{Digest, write_effect};
pub use read::{LineError, parse_config, parse_input};
pub use write::{write_config, write_input};

/// The first line of a recording. The second line is the configuration, and each of the others is an input. The last
/// line of a recording that was ended in order holds `Digests`. The number grows with every change of the inputs: a
/// recording with an older number cannot be replayed, since its inputs do not lead to the same effects.
pub const HEADING: &str = "steersman recording 9";

/// The last line of a recording that lost inputs: what came after the loss cannot be replayed.
pub const BROKEN: &str = "broken";

/// One line of a recording, read back.
#[derive(Debug)]
pub enum Recorded {
    Input(Box<Input>),
    /// The job's task ran on a snapshot of this revision.
    Ran {
        id: JobId,
        seen: Rev,
    },
    /// The page that was handed out under this number was decoded.
    Decoded {
        id: JobId,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::AbacPolicy;
    use crate::config::Config;
    use crate::config::TokenAlgorithm;
    use crate::config::{AdmissionOptions, Authentication, Authorizer, Denials, Token};
    use crate::config::{Aggregation, Bootstrap, KubeletClient};
    use crate::config::{AuthorizationWebhook, ReviewVersion, WebhookServer};
    use crate::config::{ClaimMapping, Federation, FrontProxy, JwtIssuer, TokenReviewWebhook, TokenRule};
    use crate::config::{ControlPlane, EndpointReconciler, TrustedClients};
    use crate::config::{Curve, IssuerKey, PublicKey};
    use crate::config::{LevelVersion, PodSecurity, SecurityPolicy};
    use crate::expressions::{ReviewConditions, TokenSubject};
    use crate::job::ProbeTask;
    use crate::kinds::{
        Converter, ConverterTarget, DefinedColumn, DefinedScale, DefinedTypes, DefinedVersion, Definition,
        Scope,
    };
    use crate::limits::Bounds;
    use crate::machine::Drain;
    use crate::museum::Flaw;
    use crate::now::{Mono, Now, Wall};
    use crate::store::{
        Batch, Event, EventType, Feed, KeyValue, LeaseId, Ranged, StoreError, Stored, TxnReply, TxnReplyOp,
        Why,
    };
    use crate::value::port_range::PortRange;
    use crate::wire::{
        BodyError, CallError, Called, Method, Outcall, Peer, Request, Trust, TunnelEnd, TunnelStop,
    };
    use alloc::format;
    use alloc::string::String;
    use alloc::sync::Arc;
    use alloc::vec;
    use alloc::vec::Vec;
    use bytes::Bytes;

    /// What a plugin was told.
    fn plugins() -> crate::config::PluginConfigurations {
        let told = br#"{"podNodeSelectorPluginConfig":{"a":"b=c"}}"#;
        let told = crate::codec::json::parse(told).expect("JSON").value;
        let mut options = AdmissionOptions::default();
        crate::admission::configure(&mut options, "PodNodeSelector", &told).expect("a configuration");
        options.plugins
    }

    fn key_value(key: &'static str) -> KeyValue {
        KeyValue {
            key: Bytes::from_static(key.as_bytes()),
            value: Bytes::from_static(b"{\"a\": 1}\n%\x00\xff"),
            create_revision: Rev(3),
            mod_revision: Rev(u64::MAX),
            version: 2,
            lease: LeaseId(-7),
        }
    }

    fn request(peer: Peer, has_body: bool) -> Input {
        let request = Request {
            method: Method::Other("BREW".into()),
            path: "/api/v1/pods%20x".into(),
            query: String::new(),
            headers: vec![("accept".into(), "a, b".into()), ("x".into(), "-".into())],
            has_body,
            peer,
            remote_address: "::1".into(),
        };
        Input::Request(JobId(1), request)
    }

    fn definition() -> Definition {
        Definition {
            group: "example.com".into(),
            kind: "Widget".into(),
            list_kind: "WidgetList".into(),
            plural: "widgets".into(),
            singular: "widget".into(),
            scope: Scope::Cluster,
            short: vec!["wd".into()],
            categories: vec!["all".into()],
            versions: vec![
                DefinedVersion {
                    name: "v1".into(),
                    is_served: true,
                    types: DefinedTypes::Notation(
                        "example.v1.Widget kind=example.com\n metadata - any o".into(),
                    ),
                    has_status: true,
                    scale: Some(DefinedScale {
                        replicas: "spec.size".into(),
                        status_replicas: "status.size".into(),
                        selector: "".into(),
                    }),
                    fields: vec!["spec.color".into(), "spec.size".into()],
                    columns: vec![DefinedColumn {
                        name: "Size".into(),
                        kind: "integer".into(),
                        format: "".into(),
                        description: "How large it is.".into(),
                        priority: 1,
                        path: ".spec.size".into(),
                    }],
                    deprecation: "".into(),
                },
                DefinedVersion {
                    name: "v1beta1".into(),
                    is_served: false,
                    types: DefinedTypes::Schema("{}".into()),
                    has_status: false,
                    scale: None,
                    fields: Vec::new(),
                    columns: Vec::new(),
                    deprecation: "old".into(),
                },
            ],
            stored: "v1".into(),
            converter: Some(Arc::new(Converter {
                definition: "widgets.example.com".into(),
                target: ConverterTarget::Service {
                    namespace: "n".into(),
                    name: "converter".into(),
                    path: "/convert".into(),
                    port: 443,
                },
                authorities: "PEM".into(),
                review: Some(ReviewVersion::V1),
            })),
        }
    }

    fn authorizers() -> Vec<Authorizer> {
        let policy = AbacPolicy { user: "alice".into(), is_read_only: true, ..AbacPolicy::default() };
        let server = WebhookServer {
            host: "hook.test".into(),
            port: 443,
            path: "/authorize".into(),
            origin: "https://hook.test".into(),
            trust: outcall().trust,
            authorization: "Bearer x".into(),
        };
        let webhook = AuthorizationWebhook {
            server,
            version: ReviewVersion::V1beta1,
            timeout_millis: 30_000,
            authorized_millis: 300_000,
            unauthorized_millis: 0,
            denies_on_failure: true,
            conditions: ReviewConditions::compile(["request.user != 'a b'", "true"]).expect("expressions"),
        };
        vec![
            Authorizer::AlwaysAllow,
            Authorizer::AlwaysDeny,
            Authorizer::Node,
            Authorizer::Rbac,
            Authorizer::Abac(Arc::new(vec![policy, AbacPolicy::default()])),
            Authorizer::Webhook(Arc::new(webhook)),
        ]
    }

    fn rule(subject: TokenSubject, text: &str) -> TokenRule {
        TokenRule { expression: subject.compile_rule(text), message: "a message".into() }
    }

    fn federation() -> Federation {
        let Some(Authorizer::Webhook(webhook)) = authorizers().pop() else { panic!("the last one") };
        let proxy = FrontProxy {
            allowed_names: vec!["proxy".into()],
            username_headers: vec!["x-remote-user".into()],
            ..FrontProxy::default()
        };
        Federation {
            front_proxy: Some(proxy),
            passwords: vec![Token {
                token: "p".into(),
                user: "u".into(),
                uid: "".into(),
                groups: Vec::new(),
            }],
            jwt_issuers: vec![JwtIssuer {
                url: "https://issuer.test".into(),
                discovery_url: "https://issuer.test/d".into(),
                authorities: Bytes::from_static(b"-"),
                audiences: vec!["a".into(), "b".into()],
                algorithms: vec![TokenAlgorithm::Rs256, TokenAlgorithm::Es512],
                required_claims: vec![("hd".into(), "x y".into())],
                username: ClaimMapping {
                    claim: "sub".into(),
                    prefix: "oidc:".into(),
                    ..ClaimMapping::default()
                },
                groups: ClaimMapping {
                    expression: Some(TokenSubject::Claims.compile_mapping("claims.roles")),
                    ..ClaimMapping::default()
                },
                uid: ClaimMapping { claim: "uid".into(), ..ClaimMapping::default() },
                extra: vec![("a.test/b".into(), TokenSubject::Claims.compile_mapping("[claims.c]"))],
                claim_rules: vec![rule(TokenSubject::Claims, "claims.a == 'b'")],
                user_rules: vec![rule(TokenSubject::User, "user.uid != ''")],
            }],
            token_review: Some(TokenReviewWebhook {
                server: webhook.server.clone(),
                version: ReviewVersion::V1,
                kept_millis: 120_000,
            }),
        }
    }

    fn outcall() -> Outcall {
        Outcall {
            host: "hook.test".into(),
            port: 443,
            trust: Trust {
                anybody: false,
                host: true,
                authorities: Bytes::from_static(b"-----BEGIN"),
                server_name: "hook".into(),
                client_certificate: "".into(),
            },
            method: Method::Post,
            target: "/admit?timeout=1s".into(),
            headers: vec![("accept".into(), "application/json".into())],
            body: Bytes::from_static(b"{ }"),
            timeout_millis: 10_000,
            attempts: 1,
            answer_bytes_max: 65_536,
        }
    }

    fn all_shapes() -> Vec<Input> {
        let ranged = || Ranged { kvs: vec![key_value("a"), key_value("")], count: 9, revision: Rev(4) };
        let replies = vec![TxnReplyOp::Range(ranged()), TxnReplyOp::Put, TxnReplyOp::Delete { deleted: 1 }];
        let errors = [
            StoreError::Compacted { compact_revision: Rev(1) },
            StoreError::FutureRevision { current: Rev(1) },
            StoreError::DuplicateKey,
            StoreError::LeaseNotFound,
            StoreError::TooLarge,
            StoreError::NoSpace,
            StoreError::TooManyRequests,
            StoreError::Unavailable("no leader".into()),
            StoreError::Internal("".into()),
        ];
        let outcomes = [
            Stored::Ranged(ranged()),
            Stored::Txn(TxnReply { succeeded: true, revision: Rev(5), replies }),
            Stored::Compacted,
            Stored::Leased { id: LeaseId(1), ttl_seconds: 60 },
            Stored::Revoked,
            Stored::Unknown("reply lost".into()),
        ];
        let batch = Batch {
            feed: Feed(1),
            events: vec![
                Event { kind: EventType::Put, kv: key_value("k"), previous: None },
                Event { kind: EventType::Delete, kv: key_value("k"), previous: Some(key_value("k")) },
            ],
            revision: Rev(8),
        };
        let certificate = |fingerprint| Peer::Certificate {
            common_name: "é".into(),
            organizations: vec!["a b".into(), "".into()],
            fingerprint,
        };
        let mut inputs = vec![
            Input::Start,
            Input::Tick,
            Input::ShutdownInitiated,
            Input::Authorizers(authorizers()),
            Input::JwtIssuers(federation().jwt_issuers),
            Input::TrustedClients(Box::new(TrustedClients {
                client_ca: "-----BEGIN".into(),
                allowed_names: vec!["proxy".into(), "".into()],
                ..TrustedClients::default()
            })),
            request(Peer::FrontProxy { common_name: "p".into(), own: Peer::None.into() }, true),
            Input::Drain(Drain { watch_grace_millis: 5, sends_retry_after: true }),
            Input::Serve(Box::new(definition())),
            Input::Withdraw { group: "example.com".into(), plural: "widgets".into() },
            Input::Gone(JobId(2)),
            Input::Sent(JobId(2)),
            Input::Health(Feed(1), Ok(())),
            Input::Health(Feed(0), Err("context deadline exceeded".into())),
            Input::Credit(JobId(2), 125),
            Input::Changed(batch.into()),
            Input::Lost(Feed(0), Why::Compacted { compact_revision: Rev(6) }),
            Input::Lost(Feed(0), Why::Disconnected("reset by peer".into())),
            request(Peer::None, false),
            request(Peer::Rejected("unknown issuer".into()), true),
            request(certificate(Some([0x2d; 32])), true),
            request(certificate(None), false),
            Input::Probe(JobId(1), ProbeTask::Calls(vec![outcall(), outcall()])),
            Input::Probe(JobId(1), ProbeTask::Tunnel(outcall().into())),
            Input::Signed(JobId(1), Ok(Bytes::from_static(b"\0 "))),
            Input::Signed(JobId(1), Err("no key".into())),
            Input::Verified(JobId(1), true),
            Input::Verified(JobId(1), false),
            Input::Body(JobId(1), Ok(Bytes::new())),
            Input::Body(JobId(1), Ok(Bytes::from_static(b"-"))),
            Input::Body(JobId(1), Ok(Bytes::from_static(b"k8s\0\n\r \x80"))),
            Input::Body(JobId(1), Err(BodyError::TooLarge)),
            Input::Body(JobId(1), Err(BodyError::TooSlow)),
            Input::Body(JobId(1), Err(BodyError::NoRoom)),
            Input::Body(JobId(1), Err(BodyError::Broken("unexpected EOF".into()))),
        ];
        let stops = [
            TunnelStop::Finished,
            TunnelStop::Idle,
            TunnelStop::Closed,
            TunnelStop::Broken("reset by peer".into()),
        ];
        let end = |why| TunnelEnd { why, to_server: 1, to_client: u64::MAX };
        inputs.extend(stops.map(|why| Input::TunnelEnded(JobId(1), end(why))));
        let called = Called { status: 200, headers: vec![("a".into(), "".into())], body: Bytes::new() };
        let outcomes_of_calls = [
            Ok(called),
            Err(CallError::TimedOut),
            Err(CallError::Refused("connection refused".into())),
            Err(CallError::Untrusted("unknown issuer".into())),
            Err(CallError::TooLarge),
            Err(CallError::Malformed("".into())),
            Err(CallError::NoRoom),
        ];
        inputs.extend(outcomes_of_calls.map(|outcome| Input::Called(JobId(1), 7, outcome)));
        inputs.extend(errors.map(|error| Input::Stored(JobId::OWN, Stored::Failed(error))));
        inputs.extend(outcomes.map(|outcome| Input::Stored(JobId(4), outcome)));
        inputs
    }

    #[test]
    fn every_kind_of_input_is_written_and_read_back() {
        for input in all_shapes() {
            let now = Now { mono: Mono(12), wall: Wall(-34) };
            let mut line = String::new();
            write_input(now, &input, &mut line);
            assert!(line.bytes().all(|byte| (0x20..0x7f).contains(&byte)), "{line}");
            let (read_now, recorded) = parse_input(&line).expect(&line);
            assert_eq!(read_now, now);
            let Recorded::Input(read) = recorded else { panic!("{line}") };
            assert_eq!(format!("{read:?}"), format!("{input:?}"));
        }
    }

    #[test]
    fn the_configuration_is_written_and_read_back() {
        let token = Token {
            token: "t%".into(),
            user: "alice".into(),
            uid: "".into(),
            groups: vec!["devs".into(), "ops".into()],
        };
        let number = || Bytes::from_static(b"\x00 %");
        let config = Config {
            etcd_prefix: "/registry".into(),
            seed: u64::MAX,
            advertised: "host:6443".into(),
            service_ip: "10.0.0.1".into(),
            service_range: "10.0.0.0/24".into(),
            node_ports: PortRange::NODE_PORTS,
            advertise_address: "192.0.2.1".into(),
            secure_port: 6443,
            authentication: Authentication {
                tokens: vec![token],
                anonymous: true,
                issuers: vec!["https://kubernetes.default.svc".into(), "".into()],
                skips_lookup: true,
                bootstrap_tokens: true,
                anonymous_paths: vec!["/livez".into()],
                federation: federation(),
            },
            authorization: authorizers(),
            max_in_flight: 1,
            max_mutating_in_flight: 2,
            request_timeout_millis: 3,
            min_watch_seconds: 4,
            compaction_interval_millis: 5,
            event_ttl_seconds: 6,
            feeds: vec![("".into(), "events".into(), Feed(1))],
            issuer: "https://kubernetes.default.svc".into(),
            issuer_keys: vec![
                IssuerKey { id: "a".into(), key: PublicKey::Rsa { modulus: number(), exponent: number() } },
                IssuerKey {
                    id: "b".into(),
                    key: PublicKey::Ecdsa { curve: Curve::P384, x: number(), y: Bytes::new() },
                },
            ],
            issuer_keys_address: "https://x/y".into(),
            admission: AdmissionOptions {
                enabled: vec!["AlwaysPullImages".into()],
                disabled: vec!["ServiceAccount".into(), "Priority".into()],
                not_ready_toleration_seconds: 8,
                unreachable_toleration_seconds: -9,
                pod_security: PodSecurity {
                    defaults: SecurityPolicy {
                        enforce: LevelVersion::parse("baseline:v1.30").expect("a level and a version"),
                        ..PodSecurity::default().defaults
                    },
                    exempt_users: vec!["a".into(), "b".into()],
                    ..PodSecurity::default()
                },
                plugins: plugins(),
            },
            signing_key: Some(IssuerKey {
                id: "c".into(),
                key: PublicKey::Rsa { modulus: number(), exponent: number() },
            }),
            audiences: vec!["a".into(), "".into()],
            token_seconds_max: 7,
            extends_tokens: true,
            allows_privileged: false,
            control_plane: ControlPlane {
                id: "apiserver-a".into(),
                host_name: "h".into(),
                peer_address: "[::1]:6443".into(),
                endpoints: EndpointReconciler::MasterCount(3),
                trusted: TrustedClients {
                    client_ca: "-----BEGIN CERTIFICATE-----\n".into(),
                    extra_prefixes: vec!["X-".into()],
                    ..TrustedClients::default()
                },
            },
            kubelet: KubeletClient {
                preferred_address_types: vec!["InternalIP".into(), "Hostname".into()],
                port: 10251,
                authorities: Bytes::from_static(b"-----BEGIN CERTIFICATE-----\n"),
                client_certificate: KubeletClient::CERTIFICATE.into(),
            },
            aggregation: Aggregation { client_certificate: "".into(), routes_to_endpoints: true },
            bootstrap: Bootstrap::Whole,
            denials: Denials::default(),
            bounds: Bounds::PRODUCTION,
            flaw: Flaw::default(),
        };
        let mut line = String::new();
        write_config(&config, &mut line);
        let read = parse_config(&line).expect(&line);
        assert_eq!(format!("{read:?}"), format!("{config:?}"));
        assert!(parse_config("config /registry 1").is_err());
    }

    #[test]
    fn a_line_that_was_cut_is_not_read() {
        let now = Now::default();
        for input in all_shapes() {
            let mut line = String::new();
            write_input(now, &input, &mut line);
            for end in line.match_indices(' ').map(|(end, _)| end) {
                assert!(parse_input(&line[..end]).is_err(), "{}", &line[..end]);
            }
            line.push_str(" more");
            assert!(parse_input(&line).is_err(), "{line}");
        }
        for line in ["", "1 2", "1 2 what", "1 x tick", "1 2 gone %4", "1 2 ran 1"] {
            assert!(parse_input(line).is_err(), "{line}");
        }
    }
}
