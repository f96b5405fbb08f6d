//! Reads a line of a recording. A recording is a file, which may have been cut or changed, so every word is checked.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::str::{FromStr, Split};

use bytes::Bytes;

use super::Recorded;
use crate::admission::configure;
use crate::codec::json;
use crate::config::Bootstrap;
use crate::config::{AdmissionOptions, Authentication, Denials, Token};
use crate::config::{Config, JobId};
use crate::config::{ControlPlane, EndpointReconciler, TrustedClients};
use crate::config::{Curve, IssuerKey, PublicKey};
use crate::config::{LevelVersion, PluginConfigurations, PodSecurity, SecurityPolicy};
use crate::job::ProbeTask;
use crate::limits::Bounds;
use crate::machine::{Drain, Input};
use crate::museum::Flaw;
use crate::now::{Mono, Now, Wall};
use crate::store::{
    Batch, Event, EventType, Feed, KeyValue, LeaseId, Ranged, Rev, StoreError, Stored, TxnReply, TxnReplyOp,
    Why,
};
use crate::value::Text;
use crate::value::port_range::PortRange;
use crate::wire::{
    BodyError, CallError, Called, Method, Outcall, Peer, Request, Trust, TunnelEnd, TunnelStop,
};

/// Why a line is not an input: the place of the word, counted from 0, and what was expected there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineError {
    pub word: usize,
    pub wanted: &'static str,
}

impl core::fmt::Display for LineError {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(out, "word {}: {} expected", self.word + 1, self.wanted)
    }
}

pub(super) type Result<T> = core::result::Result<T, LineError>;

/// Reads one line, given without its line end.
pub fn parse_input(line: &str) -> Result<(Now, Recorded)> {
    let mut words = Words { left: line.split(' '), read: 0 };
    let now = Now { mono: Mono(words.number()?), wall: Wall(words.number()?) };
    let recorded = words.recorded()?;
    words.end().map(|()| (now, recorded))
}

/// Reads the line of the configuration, given without its line end.
pub fn parse_config(line: &str) -> Result<Config> {
    let mut words = Words { left: line.split(' '), read: 0 };
    if words.word()? != "config" {
        return words.wrong("config");
    }
    let config = words.config()?;
    words.end().map(|()| config)
}

pub(super) struct Words<'a> {
    left: Split<'a, char>,
    read: usize,
}

impl<'a> Words<'a> {
    fn recorded(&mut self) -> Result<Recorded> {
        let input = match self.word()? {
            "start" => Input::Start,
            "request" => Input::Request(self.job()?, self.request()?),
            "probe" => Input::Probe(self.job()?, self.probe()?),
            "called" => Input::Called(self.job()?, self.number()?, self.outcome()?),
            "signed" => Input::Signed(self.job()?, self.signature()?),
            "body" => Input::Body(self.job()?, self.body()?),
            "ran" => return Ok(Recorded::Ran { id: self.job()?, seen: self.revision()? }),
            "stored" => Input::Stored(self.job()?, self.stored()?),
            "decoded" => return Ok(Recorded::Decoded { id: self.job()? }),
            "verified" => Input::Verified(self.job()?, self.number::<u8>()? != 0),
            "changed" => Input::Changed(self.batch()?.into()),
            "lost" => Input::Lost(self.feed()?, self.why()?),
            "credit" => Input::Credit(self.job()?, self.number()?),
            "gone" => Input::Gone(self.job()?),
            "sent" => Input::Sent(self.job()?),
            "tunnel-ended" => Input::TunnelEnded(self.job()?, self.tunnel_end()?),
            "health" => Input::Health(self.feed()?, self.health()?),
            "serve" => Input::Serve(Box::new(self.definition()?)),
            "withdraw" => Input::Withdraw { group: self.text()?, plural: self.text()? },
            "tick" => Input::Tick,
            "shutdown" => Input::ShutdownInitiated,
            "trusted-clients" => Input::TrustedClients(Box::new(self.trusted_clients()?)),
            "jwt-issuers" => Input::JwtIssuers(self.list(Self::jwt_issuer)?),
            "authorizers" => Input::Authorizers(self.authorizers()?),
            "drain" => {
                let watch_grace_millis = self.number()?;
                Input::Drain(Drain { watch_grace_millis, sends_retry_after: self.number::<u8>()? != 0 })
            }
            _ => return self.wrong("an input"),
        };
        Ok(Recorded::Input(Box::new(input)))
    }

    /// The error that the word just read is not the expected one.
    pub(super) fn wrong<T>(&self, wanted: &'static str) -> Result<T> {
        Err(LineError { word: self.read - 1, wanted })
    }

    pub(super) fn word(&mut self) -> Result<&'a str> {
        self.read += 1;
        self.left.next().ok_or(LineError { word: self.read - 1, wanted: "a word" })
    }

    fn end(&mut self) -> Result<()> {
        match self.left.next() {
            None => Ok(()),
            Some(_) => Err(LineError { word: self.read, wanted: "the end" }),
        }
    }

    pub(super) fn number<N: FromStr>(&mut self) -> Result<N> {
        let parsed = self.word()?.parse();
        parsed.or_else(|_| self.wrong("a number"))
    }

    pub(super) fn bytes(&mut self) -> Result<Vec<u8>> {
        let word = self.word()?;
        if word == "-" {
            return Ok(Vec::new());
        }
        let mut out = Vec::with_capacity(word.len());
        let mut left = word.as_bytes();
        while let [first, rest @ ..] = left {
            left = rest;
            if *first != b'%' {
                out.push(*first);
                continue;
            }
            let [high, low, rest @ ..] = left else { return self.wrong("two digits after %") };
            let digit = |byte: &u8| char::from(*byte).to_digit(16);
            let (Some(high), Some(low)) = (digit(high), digit(low)) else {
                return self.wrong("two digits after %");
            };
            out.push((high * 16 + low) as u8);
            left = rest;
        }
        Ok(out)
    }

    fn string(&mut self) -> Result<String> {
        String::from_utf8(self.bytes()?).or_else(|_| self.wrong("UTF-8"))
    }

    pub(super) fn text(&mut self) -> Result<Text> {
        self.string().map(Text::from)
    }

    pub(super) fn shared(&mut self) -> Result<Bytes> {
        self.bytes().map(Bytes::from)
    }

    /// Reads a length and that many items. No room is reserved by the length, which may be wrong.
    pub(super) fn list<T>(&mut self, item: impl Fn(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let length: usize = self.number()?;
        (0..length).map(|_| item(self)).collect()
    }

    fn job(&mut self) -> Result<JobId> {
        self.number().map(JobId)
    }

    fn revision(&mut self) -> Result<Rev> {
        self.number().map(Rev)
    }

    fn feed(&mut self) -> Result<Feed> {
        self.number().map(Feed)
    }

    fn issuer_key(&mut self) -> Result<IssuerKey> {
        Ok(IssuerKey { id: self.text()?, key: self.public_key()? })
    }

    fn control_plane(&mut self) -> Result<ControlPlane> {
        Ok(ControlPlane {
            id: self.text()?,
            host_name: self.text()?,
            peer_address: self.text()?,
            endpoints: match self.word()? {
                "lease" => EndpointReconciler::Lease,
                "count" => EndpointReconciler::MasterCount(self.number()?),
                "none" => EndpointReconciler::None,
                _ => return self.wrong("how endpoints are kept"),
            },
            trusted: self.trusted_clients()?,
        })
    }

    fn trusted_clients(&mut self) -> Result<TrustedClients> {
        Ok(TrustedClients {
            client_ca: self.text()?,
            proxy_ca: self.text()?,
            user_headers: self.list(Self::text)?,
            uid_headers: self.list(Self::text)?,
            group_headers: self.list(Self::text)?,
            extra_prefixes: self.list(Self::text)?,
            allowed_names: self.list(Self::text)?,
        })
    }

    fn bootstrap(&mut self) -> Result<Bootstrap> {
        match self.word()? {
            "least" => Ok(Bootstrap::Least),
            "extensible" => Ok(Bootstrap::Extensible),
            "whole" => Ok(Bootstrap::Whole),
            _ => self.wrong("how much is made at start"),
        }
    }

    fn config(&mut self) -> Result<Config> {
        Ok(Config {
            etcd_prefix: self.text()?,
            seed: self.number()?,
            advertised: self.text()?,
            service_ip: self.text()?,
            service_range: self.text()?,
            advertise_address: self.text()?,
            node_ports: match PortRange::parse(self.word()?) {
                Some(range) => range,
                None => return self.wrong("a range of ports"),
            },
            secure_port: self.number()?,
            authentication: self.authentication()?,
            authorization: self.authorizers()?,
            max_in_flight: self.number()?,
            max_mutating_in_flight: self.number()?,
            request_timeout_millis: self.number()?,
            min_watch_seconds: self.number()?,
            compaction_interval_millis: self.number()?,
            event_ttl_seconds: self.number()?,
            feeds: self.list(|words| Ok((words.text()?, words.text()?, words.feed()?)))?,
            issuer: self.text()?,
            issuer_keys: self.list(Self::issuer_key)?,
            issuer_keys_address: self.text()?,
            admission: self.admission()?,
            signing_key: self.list(Self::issuer_key)?.pop(),
            audiences: self.list(Self::text)?,
            token_seconds_max: self.number()?,
            extends_tokens: self.number::<u8>()? != 0,
            allows_privileged: self.number::<u8>()? != 0,
            control_plane: self.control_plane()?,
            kubelet: self.kubelet()?,
            aggregation: self.aggregation()?,
            bootstrap: self.bootstrap()?,
            denials: Denials::default(),
            bounds: Bounds::PRODUCTION,
            flaw: Flaw::default(),
        })
    }

    fn admission(&mut self) -> Result<AdmissionOptions> {
        let mut options = AdmissionOptions {
            enabled: self.list(Self::text)?,
            disabled: self.list(Self::text)?,
            not_ready_toleration_seconds: self.number()?,
            unreachable_toleration_seconds: self.number()?,
            pod_security: self.pod_security()?,
            plugins: PluginConfigurations::default(),
        };
        for (plugin, text) in self.list(|words| Ok((words.text()?, words.text()?)))? {
            let Ok(parsed) = json::parse(text.as_bytes()) else { return self.wrong("JSON") };
            if configure(&mut options, &plugin, &parsed.value).is_err() {
                return self.wrong("the configuration of a plugin");
            }
        }
        Ok(options)
    }

    fn pod_security(&mut self) -> Result<PodSecurity> {
        let mut mode = || match LevelVersion::parse(&self.text()?) {
            Some(mode) => Ok(mode),
            None => self.wrong("a level and a version"),
        };
        Ok(PodSecurity {
            defaults: SecurityPolicy { enforce: mode()?, audit: mode()?, warn: mode()? },
            exempt_namespaces: self.list(Self::text)?,
            exempt_users: self.list(Self::text)?,
            exempt_runtime_classes: self.list(Self::text)?,
        })
    }

    fn public_key(&mut self) -> Result<PublicKey> {
        let word = self.word()?;
        if word == "rsa" {
            return Ok(PublicKey::Rsa { modulus: self.shared()?, exponent: self.shared()? });
        }
        match Curve::ALL.into_iter().find(|curve| curve.name() == word) {
            Some(curve) => Ok(PublicKey::Ecdsa { curve, x: self.shared()?, y: self.shared()? }),
            None => self.wrong("rsa or a curve"),
        }
    }

    fn authentication(&mut self) -> Result<Authentication> {
        let anonymous = match self.word()? {
            "anonymous" => true,
            "named" => false,
            _ => return self.wrong("anonymous or named"),
        };
        Ok(Authentication {
            tokens: self.list(Self::token)?,
            anonymous,
            issuers: self.list(Self::text)?,
            skips_lookup: self.number::<u8>()? != 0,
            bootstrap_tokens: self.number::<u8>()? != 0,
            anonymous_paths: self.list(Self::text)?,
            federation: self.federation()?,
        })
    }

    pub(super) fn token(&mut self) -> Result<Token> {
        Ok(Token {
            token: self.text()?,
            user: self.text()?,
            uid: self.text()?,
            groups: self.list(Self::text)?,
        })
    }

    fn request(&mut self) -> Result<Request> {
        Ok(Request {
            method: Method::parse(&self.string()?),
            path: self.string()?,
            query: self.string()?,
            peer: self.peer()?,
            remote_address: self.text()?,
            headers: self.headers()?,
            has_body: match self.word()? {
                "body" => true,
                "bare" => false,
                _ => return self.wrong("body or bare"),
            },
        })
    }

    fn body(&mut self) -> Result<core::result::Result<Bytes, BodyError>> {
        match self.word()? {
            "whole" => self.shared().map(Ok),
            "too-large" => Ok(Err(BodyError::TooLarge)),
            "too-slow" => Ok(Err(BodyError::TooSlow)),
            "no-room" => Ok(Err(BodyError::NoRoom)),
            "broken" => Ok(Err(BodyError::Broken(self.text()?))),
            _ => self.wrong("a body"),
        }
    }

    fn headers(&mut self) -> Result<Vec<(Text, String)>> {
        self.list(|words| Ok((words.text()?, words.string()?)))
    }

    fn outcall(&mut self) -> Result<Outcall> {
        Ok(Outcall {
            host: self.text()?,
            port: self.number()?,
            trust: self.trust()?,
            method: Method::parse(&self.string()?),
            target: self.string()?,
            headers: self.headers()?,
            body: self.shared()?,
            timeout_millis: self.number()?,
            attempts: self.number()?,
            answer_bytes_max: self.number()?,
        })
    }

    pub(super) fn trust(&mut self) -> Result<Trust> {
        let (anybody, host) = match self.word()? {
            "anybody" => (true, false),
            "known" => (false, false),
            "host" => (false, true),
            _ => return self.wrong("anybody, known or host"),
        };
        Ok(Trust {
            anybody,
            host,
            authorities: self.shared()?,
            server_name: self.text()?,
            client_certificate: self.text()?,
        })
    }

    fn signature(&mut self) -> Result<core::result::Result<Bytes, Text>> {
        match self.word()? {
            "good" => Ok(Ok(self.shared()?)),
            "failed" => Ok(Err(self.text()?)),
            _ => self.wrong("a signature"),
        }
    }

    fn probe(&mut self) -> Result<ProbeTask> {
        match self.word()? {
            "calls" => Ok(ProbeTask::Calls(self.list(Self::outcall)?)),
            "tunnel" => Ok(ProbeTask::Tunnel(Box::new(self.outcall()?))),
            _ => self.wrong("what to probe"),
        }
    }

    fn tunnel_end(&mut self) -> Result<TunnelEnd> {
        let why = match self.word()? {
            "finished" => TunnelStop::Finished,
            "idle" => TunnelStop::Idle,
            "closed" => TunnelStop::Closed,
            "broken" => TunnelStop::Broken(self.text()?),
            _ => return self.wrong("the end of a tunnel"),
        };
        Ok(TunnelEnd { why, to_server: self.number()?, to_client: self.number()? })
    }

    fn outcome(&mut self) -> Result<core::result::Result<Called, CallError>> {
        Ok(Err(match self.word()? {
            "answer" => {
                let (status, headers) = (self.number()?, self.headers()?);
                return Ok(Ok(Called { status, headers, body: self.shared()? }));
            }
            "timed-out" => CallError::TimedOut,
            "refused" => CallError::Refused(self.text()?),
            "untrusted" => CallError::Untrusted(self.text()?),
            "too-large" => CallError::TooLarge,
            "malformed" => CallError::Malformed(self.text()?),
            "no-room" => CallError::NoRoom,
            _ => return self.wrong("the outcome of a call"),
        }))
    }

    fn peer(&mut self) -> Result<Peer> {
        match self.word()? {
            "none" => Ok(Peer::None),
            "certificate" => Ok(Peer::Certificate {
                common_name: self.text()?,
                organizations: self.list(Self::text)?,
                fingerprint: self.fingerprint()?,
            }),
            "rejected" => Ok(Peer::Rejected(self.text()?)),
            "front-proxy" => Ok(Peer::FrontProxy { common_name: self.text()?, own: Box::new(self.peer()?) }),
            _ => self.wrong("a peer"),
        }
    }

    fn fingerprint(&mut self) -> Result<Option<[u8; 32]>> {
        match self.bytes()?.as_slice() {
            [] => Ok(None),
            bytes => bytes.try_into().map_or_else(|_| self.wrong("32 bytes"), |bytes| Ok(Some(bytes))),
        }
    }

    fn stored(&mut self) -> Result<Stored> {
        match self.word()? {
            "ranged" => Ok(Stored::Ranged(self.ranged()?)),
            "txn" => Ok(Stored::Txn(self.txn_reply()?)),
            "compacted" => Ok(Stored::Compacted),
            "leased" => Ok(Stored::Leased { id: LeaseId(self.number()?), ttl_seconds: self.number()? }),
            "revoked" => Ok(Stored::Revoked),
            "failed" => Ok(Stored::Failed(self.error()?)),
            "unknown" => Ok(Stored::Unknown(self.text()?)),
            _ => self.wrong("an outcome"),
        }
    }

    fn txn_reply(&mut self) -> Result<TxnReply> {
        let succeeded = match self.word()? {
            "then" => true,
            "else" => false,
            _ => return self.wrong("then or else"),
        };
        let revision = self.revision()?;
        let replies = self.list(|words| match words.word()? {
            "ranged" => Ok(TxnReplyOp::Range(words.ranged()?)),
            "put" => Ok(TxnReplyOp::Put),
            "delete" => Ok(TxnReplyOp::Delete { deleted: words.number()? }),
            _ => words.wrong("a reply"),
        })?;
        Ok(TxnReply { succeeded, revision, replies })
    }

    fn error(&mut self) -> Result<StoreError> {
        match self.word()? {
            "compacted" => Ok(StoreError::Compacted { compact_revision: self.revision()? }),
            "future" => Ok(StoreError::FutureRevision { current: self.revision()? }),
            "duplicate-key" => Ok(StoreError::DuplicateKey),
            "lease-not-found" => Ok(StoreError::LeaseNotFound),
            "too-large" => Ok(StoreError::TooLarge),
            "no-space" => Ok(StoreError::NoSpace),
            "too-many-requests" => Ok(StoreError::TooManyRequests),
            "unavailable" => Ok(StoreError::Unavailable(self.text()?)),
            "internal" => Ok(StoreError::Internal(self.text()?)),
            _ => self.wrong("an error"),
        }
    }

    fn ranged(&mut self) -> Result<Ranged> {
        Ok(Ranged { count: self.number()?, revision: self.revision()?, kvs: self.list(Self::key_value)? })
    }

    fn key_value(&mut self) -> Result<KeyValue> {
        Ok(KeyValue {
            key: self.shared()?,
            value: self.shared()?,
            create_revision: self.revision()?,
            mod_revision: self.revision()?,
            version: self.number()?,
            lease: LeaseId(self.number()?),
        })
    }

    fn batch(&mut self) -> Result<Batch> {
        Ok(Batch { feed: self.feed()?, revision: self.revision()?, events: self.list(Self::event)? })
    }

    fn event(&mut self) -> Result<Event> {
        let kind = match self.word()? {
            "put" => EventType::Put,
            "delete" => EventType::Delete,
            _ => return self.wrong("put or delete"),
        };
        let kv = self.key_value()?;
        let previous = match self.word()? {
            "before" => Some(self.key_value()?),
            "new" => None,
            _ => return self.wrong("before or new"),
        };
        Ok(Event { kind, kv, previous })
    }

    fn health(&mut self) -> Result<core::result::Result<(), Text>> {
        match self.word()? {
            "good" => Ok(Ok(())),
            "failed" => Ok(Err(self.text()?)),
            _ => self.wrong("good or failed"),
        }
    }

    fn why(&mut self) -> Result<Why> {
        match self.word()? {
            "compacted" => Ok(Why::Compacted { compact_revision: self.revision()? }),
            "disconnected" => Ok(Why::Disconnected(self.text()?)),
            _ => self.wrong("a reason"),
        }
    }
}
