//! Writes inputs, and the configuration, as lines of text.

use alloc::string::{String, ToString};
use core::fmt::Write;

use crate::config::Bootstrap;
use crate::config::Config;
use crate::config::{Authentication, Token};
use crate::config::{ControlPlane, EndpointReconciler, TrustedClients};
use crate::config::{PodSecurity, PublicKey};
use crate::job::ProbeTask;
use crate::machine::Input;
use crate::now::Now;
use crate::store::{Batch, Event, EventType, KeyValue, Ranged, StoreError, Stored, TxnReplyOp, Why};
use crate::value::Text;
use crate::wire::{BodyError, CallError, Called, Outcall, Peer, Request, Trust, TunnelEnd, TunnelStop};

/// Appends the line of an input, without its line end.
pub fn write_input(now: Now, input: &Input, out: &mut String) {
    let mut line = Line { out };
    line.first(now);
    match input {
        Input::Start => line.word("start"),
        Input::Request(id, request) => line.word("request").number(id.0).request(request),
        Input::Probe(id, ProbeTask::Calls(calls)) => {
            line.word("probe").number(id.0).word("calls").number(calls.len());
            calls.iter().fold(&mut line, Line::outcall)
        }
        Input::Probe(id, ProbeTask::Tunnel(call)) => {
            line.word("probe").number(id.0).word("tunnel").outcall(call)
        }
        Input::Called(id, index, outcome) => line.word("called").number(id.0).number(index).outcome(outcome),
        Input::Signed(id, Ok(signature)) => line.word("signed").number(id.0).word("good").bytes(signature),
        Input::Signed(id, Err(why)) => line.word("signed").number(id.0).word("failed").text(why),
        Input::Verified(id, is_good) => line.word("verified").number(id.0).number(u8::from(*is_good)),
        Input::Body(id, body) => line.word("body").number(id.0).body(body),
        Input::Ran(ran) => line.word("ran").number(ran.id.0).number(ran.seen.0),
        Input::Stored(id, stored) => line.word("stored").number(id.0).stored(stored),
        Input::Decoded(decoded) => line.word("decoded").number(decoded.id.0),
        Input::Changed(changes) => line.word("changed").batch(changes.batch()),
        Input::Lost(feed, why) => line.word("lost").number(feed.0).why(why),
        Input::Credit(id, frames) => line.word("credit").number(id.0).number(*frames),
        Input::Gone(id) => line.word("gone").number(id.0),
        Input::Sent(id) => line.word("sent").number(id.0),
        Input::TunnelEnded(id, end) => line.word("tunnel-ended").number(id.0).tunnel_end(end),
        Input::Health(feed, Ok(())) => line.word("health").number(feed.0).word("good"),
        Input::Health(feed, Err(why)) => line.word("health").number(feed.0).word("failed").text(why),
        Input::Serve(definition) => line.word("serve").definition(definition),
        Input::Withdraw { group, plural } => line.word("withdraw").text(group).text(plural),
        Input::Tick => line.word("tick"),
        Input::ShutdownInitiated => line.word("shutdown"),
        Input::TrustedClients(trusted) => line.word("trusted-clients").trusted_clients(trusted),
        Input::JwtIssuers(issuers) => line.word("jwt-issuers").jwt_issuers(issuers),
        Input::Authorizers(authorizers) => line.word("authorizers").authorizers(authorizers),
        Input::Drain(drain) => {
            line.word("drain").number(drain.watch_grace_millis).number(u8::from(drain.sends_retry_after))
        }
    };
}

/// Appends the line of the configuration. It holds the static tokens, so recordings are secrets.
pub fn write_config(config: &Config, out: &mut String) {
    out.push_str("config");
    let mut line = Line { out };
    line.text(&config.etcd_prefix).number(config.seed).text(&config.advertised);
    line.text(&config.service_ip).text(&config.service_range).text(&config.advertise_address);
    line.text(&config.node_ports.to_string());
    line.number(config.secure_port).authentication(&config.authentication);
    line.authorizers(&config.authorization);
    line.number(config.max_in_flight).number(config.max_mutating_in_flight);
    line.number(config.request_timeout_millis).number(config.min_watch_seconds);
    line.number(config.compaction_interval_millis).number(config.event_ttl_seconds);
    line.number(config.feeds.len());
    for (group, resource, feed) in &config.feeds {
        line.text(group).text(resource).number(feed.0);
    }
    line.text(&config.issuer).number(config.issuer_keys.len());
    for key in &config.issuer_keys {
        line.text(&key.id).public_key(&key.key);
    }
    line.text(&config.issuer_keys_address);
    let admission = &config.admission;
    for plugins in [&admission.enabled, &admission.disabled] {
        line.number(plugins.len());
        plugins.iter().fold(&mut line, |line, plugin| line.text(plugin));
    }
    line.number(admission.not_ready_toleration_seconds).number(admission.unreachable_toleration_seconds);
    line.pod_security(&admission.pod_security);
    line.number(admission.plugins.given.len());
    admission.plugins.given.iter().fold(&mut line, |line, (name, text)| line.text(name).text(text));
    line.number(config.signing_key.iter().count());
    if let Some(key) = &config.signing_key {
        line.text(&key.id).public_key(&key.key);
    }
    line.number(config.audiences.len());
    config.audiences.iter().fold(&mut line, |line, audience| line.text(audience));
    line.number(config.token_seconds_max).number(u8::from(config.extends_tokens));
    line.number(u8::from(config.allows_privileged));
    line.control_plane(&config.control_plane);
    line.kubelet(&config.kubelet).aggregation(&config.aggregation);
    line.word(match config.bootstrap {
        Bootstrap::Least => "least",
        Bootstrap::Extensible => "extensible",
        Bootstrap::Whole => "whole",
    });
}

/// A line that grows word by word.
pub(super) struct Line<'a> {
    pub(super) out: &'a mut String,
}

impl Line<'_> {
    fn first(&mut self, now: Now) {
        write!(self.out, "{} {}", now.mono.0, now.wall.0).expect("writing to a string");
    }

    pub(super) fn word(&mut self, word: &str) -> &mut Self {
        self.out.push(' ');
        self.out.push_str(word);
        self
    }

    pub(super) fn number(&mut self, number: impl core::fmt::Display) -> &mut Self {
        write!(self.out, " {number}").expect("writing to a string");
        self
    }

    fn pod_security(&mut self, held: &PodSecurity) -> &mut Self {
        for mode in held.defaults.modes() {
            self.text(&mode.to_string());
        }
        self.texts(&held.exempt_namespaces).texts(&held.exempt_users).texts(&held.exempt_runtime_classes)
    }

    fn control_plane(&mut self, held: &ControlPlane) -> &mut Self {
        self.text(&held.id).text(&held.host_name).text(&held.peer_address);
        match held.endpoints {
            EndpointReconciler::Lease => self.word("lease"),
            EndpointReconciler::MasterCount(count) => self.word("count").number(count),
            EndpointReconciler::None => self.word("none"),
        };
        self.trusted_clients(&held.trusted)
    }

    fn trusted_clients(&mut self, held: &TrustedClients) -> &mut Self {
        let TrustedClients { client_ca, proxy_ca, user_headers, uid_headers, group_headers, .. } = held;
        self.text(client_ca).text(proxy_ca).texts(user_headers).texts(uid_headers).texts(group_headers);
        self.texts(&held.extra_prefixes).texts(&held.allowed_names)
    }

    fn public_key(&mut self, key: &PublicKey) -> &mut Self {
        match key {
            PublicKey::Rsa { modulus, exponent } => self.word("rsa").bytes(modulus).bytes(exponent),
            PublicKey::Ecdsa { curve, x, y } => self.word(curve.name()).bytes(x).bytes(y),
        }
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.out.push(' ');
        match bytes {
            [] => self.out.push('-'),
            b"-" => self.out.push_str("%2D"),
            bytes => {
                for byte in bytes {
                    if (0x21..0x7f).contains(byte) && *byte != b'%' {
                        self.out.push(char::from(*byte));
                    } else {
                        write!(self.out, "%{byte:02X}").expect("writing to a string");
                    }
                }
            }
        }
        self
    }

    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes())
    }

    pub(super) fn texts(&mut self, texts: &[Text]) -> &mut Self {
        self.number(texts.len());
        texts.iter().fold(self, |line, text| line.text(text))
    }

    fn authentication(&mut self, authentication: &Authentication) -> &mut Self {
        self.word(if authentication.anonymous { "anonymous" } else { "named" });
        self.tokens(&authentication.tokens);
        self.texts(&authentication.issuers);
        self.number(u8::from(authentication.skips_lookup));
        self.number(u8::from(authentication.bootstrap_tokens)).texts(&authentication.anonymous_paths);
        self.federation(&authentication.federation)
    }

    pub(super) fn tokens(&mut self, tokens: &[Token]) -> &mut Self {
        self.number(tokens.len());
        let token = |line: &mut Self, held: &Token| {
            line.text(&held.token).text(&held.user).text(&held.uid).texts(&held.groups);
        };
        tokens.iter().for_each(|held| token(self, held));
        self
    }

    fn request(&mut self, request: &Request) -> &mut Self {
        self.text(request.method.word()).text(&request.path).text(&request.query);
        self.peer(&request.peer);
        self.text(&request.remote_address).headers(&request.headers);
        self.word(if request.has_body { "body" } else { "bare" })
    }

    fn body(&mut self, body: &Result<bytes::Bytes, BodyError>) -> &mut Self {
        match body {
            Ok(bytes) => self.word("whole").bytes(bytes),
            Err(BodyError::TooLarge) => self.word("too-large"),
            Err(BodyError::TooSlow) => self.word("too-slow"),
            Err(BodyError::NoRoom) => self.word("no-room"),
            Err(BodyError::Broken(why)) => self.word("broken").text(why),
        }
    }

    pub(super) fn outcall(&mut self, call: &Outcall) -> &mut Self {
        self.text(&call.host).number(call.port).trust(&call.trust);
        self.text(call.method.word()).text(&call.target).headers(&call.headers).bytes(&call.body);
        self.number(call.timeout_millis).number(call.attempts).number(call.answer_bytes_max)
    }

    pub(super) fn trust(&mut self, trust: &Trust) -> &mut Self {
        let Trust { anybody, host, authorities, server_name, client_certificate } = trust;
        self.word(match (anybody, host) {
            (true, _) => "anybody",
            (false, true) => "host",
            (false, false) => "known",
        });
        self.bytes(authorities).text(server_name).text(client_certificate)
    }

    fn headers(&mut self, headers: &[(Text, String)]) -> &mut Self {
        self.number(headers.len());
        headers.iter().fold(self, |line, (name, value)| line.text(name).text(value))
    }

    fn tunnel_end(&mut self, end: &TunnelEnd) -> &mut Self {
        match &end.why {
            TunnelStop::Finished => self.word("finished"),
            TunnelStop::Idle => self.word("idle"),
            TunnelStop::Closed => self.word("closed"),
            TunnelStop::Broken(why) => self.word("broken").text(why),
        };
        self.number(end.to_server).number(end.to_client)
    }

    fn outcome(&mut self, outcome: &Result<Called, CallError>) -> &mut Self {
        match outcome {
            Ok(called) => {
                self.word("answer").number(called.status).headers(&called.headers).bytes(&called.body)
            }
            Err(CallError::TimedOut) => self.word("timed-out"),
            Err(CallError::Refused(why)) => self.word("refused").text(why),
            Err(CallError::Untrusted(why)) => self.word("untrusted").text(why),
            Err(CallError::TooLarge) => self.word("too-large"),
            Err(CallError::Malformed(why)) => self.word("malformed").text(why),
            Err(CallError::NoRoom) => self.word("no-room"),
        }
    }

    fn peer(&mut self, peer: &Peer) -> &mut Self {
        match peer {
            Peer::None => self.word("none"),
            Peer::Certificate { common_name, organizations, fingerprint } => {
                self.word("certificate").text(common_name).number(organizations.len());
                for organization in organizations {
                    self.text(organization);
                }
                self.bytes(fingerprint.as_ref().map_or(&[], |fingerprint| fingerprint.as_slice()))
            }
            Peer::Rejected(why) => self.word("rejected").text(why),
            Peer::FrontProxy { common_name, own } => self.word("front-proxy").text(common_name).peer(own),
        }
    }

    fn stored(&mut self, stored: &Stored) -> &mut Self {
        match stored {
            Stored::Ranged(ranged) => self.word("ranged").ranged(ranged),
            Stored::Txn(reply) => {
                self.word("txn").word(if reply.succeeded { "then" } else { "else" });
                self.number(reply.revision.0).number(reply.replies.len());
                reply.replies.iter().fold(self, |line, reply| match reply {
                    TxnReplyOp::Range(ranged) => line.word("ranged").ranged(ranged),
                    TxnReplyOp::Put => line.word("put"),
                    TxnReplyOp::Delete { deleted } => line.word("delete").number(deleted),
                })
            }
            Stored::Compacted => self.word("compacted"),
            Stored::Leased { id, ttl_seconds } => self.word("leased").number(id.0).number(ttl_seconds),
            Stored::Revoked => self.word("revoked"),
            Stored::Failed(error) => self.word("failed").error(error),
            Stored::Unknown(why) => self.word("unknown").text(why),
        }
    }

    fn error(&mut self, error: &StoreError) -> &mut Self {
        match error {
            StoreError::Compacted { compact_revision } => self.word("compacted").number(compact_revision.0),
            StoreError::FutureRevision { current } => self.word("future").number(current.0),
            StoreError::DuplicateKey => self.word("duplicate-key"),
            StoreError::LeaseNotFound => self.word("lease-not-found"),
            StoreError::TooLarge => self.word("too-large"),
            StoreError::NoSpace => self.word("no-space"),
            StoreError::TooManyRequests => self.word("too-many-requests"),
            StoreError::Unavailable(why) => self.word("unavailable").text(why),
            StoreError::Internal(why) => self.word("internal").text(why),
        }
    }

    fn ranged(&mut self, ranged: &Ranged) -> &mut Self {
        self.number(ranged.count).number(ranged.revision.0).number(ranged.kvs.len());
        ranged.kvs.iter().fold(self, Self::key_value)
    }

    fn key_value(&mut self, kv: &KeyValue) -> &mut Self {
        self.bytes(&kv.key).bytes(&kv.value);
        self.number(kv.create_revision.0).number(kv.mod_revision.0).number(kv.version).number(kv.lease.0)
    }

    fn batch(&mut self, batch: &Batch) -> &mut Self {
        self.number(batch.feed.0).number(batch.revision.0).number(batch.events.len());
        batch.events.iter().fold(self, Self::event)
    }

    fn event(&mut self, event: &Event) -> &mut Self {
        match event.kind {
            EventType::Put => self.word("put"),
            EventType::Delete => self.word("delete"),
        };
        self.key_value(&event.kv);
        match &event.previous {
            Some(previous) => self.word("before").key_value(previous),
            None => self.word("new"),
        }
    }

    fn why(&mut self, why: &Why) -> &mut Self {
        match why {
            Why::Compacted { compact_revision } => self.word("compacted").number(compact_revision.0),
            Why::Disconnected(text) => self.word("disconnected").text(text),
        }
    }
}
