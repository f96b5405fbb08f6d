//! Tokens of OpenID Connect issuers. The issuer's discovery document and its keys are fetched when they are needed, and
//! remembered; they are fetched anew for a token that none of the known keys has signed, since issuers change their
//! keys. If a token names another server for the groups of its user, that server's token is fetched and verified in the
//! same way, by the keys of whoever has made it.
//! k8s: staging/src/k8s.io/apiserver/plugin/pkg/authenticator/token/oidc/oidc.go,
//! Go: github.com/coreos/go-oidc verify.go, jwks.go

mod distributed;
mod keys;
mod token;
mod user;

use super::chain;
use super::finding::{Finding, Kept, Presented, Resumed};
use super::jwt::JwtHeader;
use crate::codec::json;
use crate::config::{JwtIssuer, JwtIssuers};
use crate::question::{Consultation, Consulting, Keep, Question, Reply};
use crate::value::{Text, Value, quoted};
use crate::wire::{CallOutcome, Called, Method, Outcall, Trust, WebAddress};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;
use distributed::ClaimEndpoint;
use token::Parts;

/// How long what an issuer has said of itself is remembered, milliseconds, and how long it is not asked again when
/// that has failed.
const REMEMBERED_MILLIS: u64 = 24 * 3_600_000;
const FAILED_MILLIS: u64 = 10_000;
/// Keys are not fetched anew if they are younger, whatever tokens come.
const FRESH_MILLIS: u64 = 1_000;
/// The time for one answer of an issuer, or of a server that tells claims.
const TIMEOUT_MILLIS: u64 = 10_000;
/// The longest document of an issuer, and the longest token of a server that tells claims, bytes.
const DOCUMENT_BYTES_MAX: usize = 1024 * 1024;

/// The error for a token that none of the issuer's keys has signed.
const UNSIGNED: &str = "failed to verify signature: failed to verify id token signature";

/// A token that is being verified.
#[derive(Debug)]
pub(super) struct JwtKept {
    issuers: Arc<JwtIssuers>,
    at: usize,
    /// What another server has told of the user, when it is that which is verified. The request's own token is good
    /// then.
    told: Option<Told>,
    stage: Stage,
}

/// A token that another server has made, for a claim of the request's own.
#[derive(Debug)]
struct Told {
    endpoint: Text,
    token: String,
    parts: Parts,
}

/// What is waited for.
#[derive(Debug)]
enum Stage {
    Discovery,
    Keys(KeySource),
    Signature(KeySource),
    Claim(ClaimEndpoint),
}

/// Where an issuer's keys are, and whether they were fetched for this token.
#[derive(Clone, Debug)]
struct KeySource {
    address: WebAddress,
    is_fresh: bool,
}

pub(super) fn identify(presented: &Presented<'_>, token: &str, resumed: Option<Resumed>) -> Finding {
    let issuers = &presented.world.jwt_issuers;
    if issuers.issuers.is_empty() && resumed.is_none() {
        return Finding::Nobody;
    }
    let Some(parts) = Parts::of(token) else { return Finding::Nobody };
    let found = match resumed {
        Some(Resumed { kept: Kept::Jwt(kept), reply }) => kept.resume(presented, token, &parts, reply),
        Some(_) => Err("another question was answered".to_string()),
        None => {
            let Some(at) = issuers.issuers.iter().position(|issuer| issuer.url == parts.issuer()) else {
                return Finding::Nobody;
            };
            let kept = JwtKept { issuers: issuers.clone(), at, told: None, stage: Stage::Discovery };
            kept.begin(presented, &parts)
        }
    };
    found.unwrap_or_else(|why| Finding::Invalid(format!("oidc: {why}")))
}

impl JwtKept {
    fn issuer(&self) -> &JwtIssuer {
        &self.issuers.issuers[self.at]
    }

    /// The issuer of the token that is being verified, as the token says.
    fn token_issuer(&self) -> &str {
        self.told.as_ref().map_or(&self.issuer().url, |told| told.parts.issuer())
    }

    /// Refuses what no signature could make good, before anything is fetched.
    fn begin(self, presented: &Presented<'_>, parts: &Parts) -> Result<Finding, String> {
        parts.check(self.issuer(), presented.now.wall).map_err(|why| self.unverified(&why))?;
        self.discover()
    }

    fn resume(
        mut self,
        presented: &Presented<'_>,
        own: &str,
        own_parts: &Parts,
        reply: Reply,
    ) -> Result<Finding, String> {
        let stage = core::mem::replace(&mut self.stage, Stage::Discovery);
        match (stage, reply) {
            (Stage::Discovery, Reply::Called(outcomes)) => {
                let address = document(&outcomes).and_then(|found| keys_address(self.token_issuer(), &found));
                let address = address.map_err(|why| self.undiscovered(why))?;
                Ok(self.ask_keys(KeySource { address, is_fresh: false }))
            }
            (Stage::Keys(source), Reply::Called(outcomes)) => {
                let (token, header) = match &self.told {
                    None => (own, &own_parts.header),
                    Some(told) => (told.token.as_str(), &told.parts.header),
                };
                match verification(token, header, &outcomes) {
                    Some(question) => Ok(self.ask(Stage::Signature(source), question)),
                    None => self.ask_fresh_keys(source),
                }
            }
            (Stage::Signature(_), Reply::Verified(true)) => self.believe(presented, &own_parts.claims),
            (Stage::Signature(source), Reply::Verified(false)) => self.ask_fresh_keys(source),
            (Stage::Claim(endpoint), Reply::Called(outcomes)) => {
                self.hear(presented, endpoint, &outcomes).map_err(unexpanded)?.discover()
            }
            (Stage::Discovery | Stage::Keys(_) | Stage::Signature(_) | Stage::Claim(_), _) => {
                Err("another question was answered".into())
            }
        }
    }

    /// The signature of the token is good. If somebody else tells the groups, they are fetched first.
    fn believe(self, presented: &Presented<'_>, own: &Value) -> Result<Finding, String> {
        let claim = self.issuer().groups.claim.clone();
        let known = |claims: &Value| {
            let caller = user::caller(self.issuer(), claims)?;
            Ok(chain::for_any_audience(presented, || Finding::somebody(caller)))
        };
        if let Some(Told { endpoint, parts, .. }) = &self.told {
            let missing = || {
                unexpanded(format!(
                    "jwt returned by distributed claim endpoint {} did not contain claim: {claim}",
                    quoted(endpoint)
                ))
            };
            let value = parts.claims.field(&claim).ok_or_else(missing)?;
            let mut claims = own.clone();
            claims.set(&claim, value.clone());
            return known(&claims);
        }
        if claim.is_empty() {
            return known(own);
        }
        match distributed::endpoint(own, &claim).map_err(unexpanded)? {
            None => known(own),
            Some(endpoint) => self.ask_claim(endpoint).map_err(unexpanded),
        }
    }

    /// Fetches a claim. What is told of one user is not remembered, as it may change.
    fn ask_claim(self, endpoint: ClaimEndpoint) -> Result<Finding, String> {
        let address = WebAddress::parse(&endpoint.url).map_err(|why| {
            format!("while getting distributed claim {}: {why}", quoted(&self.issuer().groups.claim))
        })?;
        let mut call = self.call(&address);
        if !endpoint.access_token.is_empty() {
            call.headers.push(("authorization".into(), format!("Bearer {}", endpoint.access_token)));
        }
        Ok(self.ask(Stage::Claim(endpoint), Question::Calls(alloc::vec![call])))
    }

    /// The token that the other server has answered with, which is to be verified next.
    fn hear(
        self,
        presented: &Presented<'_>,
        endpoint: ClaimEndpoint,
        outcomes: &[CallOutcome],
    ) -> Result<Self, String> {
        let claim = &self.issuer().groups.claim;
        let token = distributed::token(outcomes, claim)?;
        let claims = token::untrusted_claims(&token).map_err(|why| {
            let (url, claim) = (&endpoint.url, quoted(claim));
            format!("getting untrusted issuer from endpoint {url} failed for claim {claim}: {why}")
        })?;
        let unverified = |why: &str| format!("verify distributed claim token: {why}");
        let parts = Parts::with(&token, claims).ok_or_else(|| unverified("oidc: malformed jwt"))?;
        parts.check(self.issuer(), presented.now.wall).map_err(|why| unverified(&why))?;
        Ok(Self { told: Some(Told { endpoint: endpoint.url, token, parts }), ..self })
    }

    /// Asks the issuer of the token for its description of itself.
    fn discover(self) -> Result<Finding, String> {
        let (configured, issuer) = (self.issuer(), self.token_issuer());
        let url = match &self.told {
            Some(_) if JwtIssuer::well_known(issuer) != JwtIssuer::well_known(&configured.url) => {
                JwtIssuer::well_known(issuer)
            }
            Some(_) | None => configured.discovery_url.to_string(),
        };
        let address = WebAddress::parse(&url).map_err(|why| self.undiscovered(why))?;
        let question = self.fetch(&address, None);
        Ok(self.ask(Stage::Discovery, question))
    }

    fn ask(self, stage: Stage, question: Question) -> Finding {
        Finding::Ask(Kept::Jwt(Box::new(Self { stage, ..self })), question)
    }

    fn ask_keys(self, source: KeySource) -> Finding {
        let newest = source.is_fresh.then_some(FRESH_MILLIS);
        let question = self.fetch(&source.address, newest);
        self.ask(Stage::Keys(source), question)
    }

    /// None of the known keys has signed the token: maybe there is a new one.
    fn ask_fresh_keys(self, source: KeySource) -> Result<Finding, String> {
        if source.is_fresh {
            return Err(self.unverified(UNSIGNED));
        }
        Ok(self.ask_keys(KeySource { is_fresh: true, ..source }))
    }

    /// Why the token cannot be believed.
    fn unverified(&self, why: &str) -> String {
        match &self.told {
            None => format!("verify token: {why}"),
            Some(_) => unexpanded(format!("verify distributed claim token: {why}")),
        }
    }

    /// Why the keys of the token's issuer are not known. Of one that a token names upstream tells only that.
    fn undiscovered(&self, why: String) -> String {
        if self.told.is_none() {
            return why;
        }
        let (issuer, shown) = (self.token_issuer(), quoted(self.token_issuer()));
        unexpanded(format!(
            "verifying untrusted issuer {issuer} failed: verifier not initialized for issuer: {shown}"
        ))
    }

    /// A call to a server that the issuer's authorities vouch for.
    fn call(&self, address: &WebAddress) -> Outcall {
        let trust = Trust {
            anybody: false,
            host: false,
            authorities: self.issuer().authorities.clone(),
            server_name: address.host.as_str().into(),
            client_certificate: Text::default(),
        };
        Outcall {
            host: address.host.as_str().into(),
            port: address.port,
            trust,
            method: Method::Get,
            target: address.target(),
            headers: alloc::vec![("accept".into(), "application/json".to_string())],
            body: Bytes::new(),
            timeout_millis: TIMEOUT_MILLIS,
            answer_bytes_max: DOCUMENT_BYTES_MAX,
            attempts: 1,
        }
    }

    /// Gets a document of an issuer, which may be a remembered one, if it is not older than that.
    fn fetch(&self, address: &WebAddress, age_millis_max: Option<u64>) -> Question {
        Question::Consult(Box::new(Consultation {
            by: Consulting::Issuer { generation: self.issuers.generation, at: self.at },
            call: self.call(address),
            keep: Keep {
                grants: is_document,
                granted_millis: REMEMBERED_MILLIS,
                refused_millis: FAILED_MILLIS,
                failed_millis: FAILED_MILLIS,
            },
            age_millis_max,
        }))
    }
}

fn unexpanded(why: String) -> String {
    format!("could not expand distributed claims: {why}")
}

/// Asks whether one of an issuer's keys has signed the token; None when none can have.
fn verification(token: &str, header: &JwtHeader, outcomes: &[CallOutcome]) -> Option<Question> {
    let set = document(outcomes).ok()?;
    let keys: Vec<_> = keys::find(&set, &header.key_id, header.algorithm()?);
    if keys.is_empty() {
        return None;
    }
    header.clone().verification(token, keys)
}

fn is_document(called: &Called) -> Option<bool> {
    Some(called.status == 200 && json::parse(&called.body).is_ok())
}

fn document(outcomes: &[CallOutcome]) -> Result<Value, String> {
    let not_initialized = |why: &dyn core::fmt::Debug| format!("authenticator not initialized: {why:?}");
    match outcomes.first() {
        Some(Ok(called)) if called.status == 200 => {
            json::parse(&called.body).map(|parsed| parsed.value).map_err(|error| not_initialized(&error))
        }
        Some(Ok(called)) => Err(not_initialized(&called.status)),
        Some(Err(error)) => Err(not_initialized(error)),
        None => Err("another question was answered".into()),
    }
}

/// Where the keys of an issuer are, by its discovery document.
fn keys_address(issuer: &str, document: &Value) -> Result<WebAddress, String> {
    let named = document.text_at(&["issuer"]);
    if named != issuer {
        return Err(format!(
            "issuer did not match the issuer returned by provider, expected {} got {}",
            quoted(issuer),
            quoted(named)
        ));
    }
    WebAddress::parse(document.text_at(&["jwks_uri"]))
}

/// What tests of the parts share.
#[cfg(test)]
mod given {
    use super::*;
    use crate::config::ClaimMapping;

    pub(super) fn issuer() -> JwtIssuer {
        JwtIssuer {
            url: "https://issuer.test".into(),
            discovery_url: "https://issuer.test/d".into(),
            authorities: Bytes::new(),
            audiences: alloc::vec!["kube".into(), "other".into()],
            algorithms: alloc::vec![crate::config::TokenAlgorithm::Rs256],
            required_claims: alloc::vec![("hd".into(), "v".into())],
            username: mapping("email", "o:"),
            groups: mapping("roles", "g:"),
            uid: mapping("id", ""),
            extra: Vec::new(),
            claim_rules: Vec::new(),
            user_rules: Vec::new(),
        }
    }

    pub(super) fn mapping(claim: &str, prefix: &str) -> ClaimMapping {
        ClaimMapping { claim: claim.into(), prefix: prefix.into(), expression: None }
    }

    pub(super) fn claims(text: &str) -> Value {
        json::parse(text.as_bytes()).expect(text).value
    }
}
