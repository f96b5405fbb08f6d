//! Tokens of OpenID Connect issuers. The issuer's discovery document and its keys are fetched when they are needed, and
//! remembered; they are fetched anew for a token that none of the known keys has signed, since issuers change their
//! keys.
//! k8s: staging/src/k8s.io/apiserver/plugin/pkg/authenticator/token/oidc/oidc.go,
//! Go: github.com/coreos/go-oidc verify.go, jwks.go

mod keys;

use super::chain;
use super::finding::{Finding, Kept, Presented, Resumed};
use super::jwt::{self, JwtHeader};
use crate::caller::Caller;
use crate::cel::CelValue;
use crate::codec::json;
use crate::config::{ClaimMapping, JwtIssuer, JwtIssuers, TokenRule};
use crate::expressions::{Expression, TokenSubject, text_of, texts_of};
use crate::question::{Consultation, Consulting, Keep, Question, Reply};
use crate::value::{Map, Text, Value, quoted};
use crate::wire::{CallOutcome, Called, Method, Outcall, Trust, WebAddress};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;

/// How long what an issuer has said of itself is remembered, milliseconds, and how long it is not asked again when
/// that has failed.
const REMEMBERED_MILLIS: u64 = 24 * 3_600_000;
const FAILED_MILLIS: u64 = 10_000;
/// Keys are not fetched anew if they are younger, whatever tokens come.
const FRESH_MILLIS: u64 = 1_000;
/// The time for one answer of an issuer.
const TIMEOUT_MILLIS: u64 = 10_000;
/// The longest document of an issuer, bytes.
const DOCUMENT_BYTES_MAX: usize = 1024 * 1024;
/// A token may be valid from a little later than now, seconds, since clocks differ.
const EARLY_SECONDS: i64 = 300;

/// The error for a token that none of the issuer's keys has signed.
const UNSIGNED: &str = "verify token: failed to verify signature: failed to verify id token signature";

/// A token that is being verified.
#[derive(Debug)]
pub(super) struct JwtKept {
    issuers: Arc<JwtIssuers>,
    at: usize,
    stage: Stage,
}

/// What is waited for.
#[derive(Debug)]
enum Stage {
    Discovery,
    Keys(KeySource),
    Signature(KeySource),
}

/// Where an issuer's keys are, and whether they were fetched for this token.
#[derive(Clone, Debug)]
struct KeySource {
    address: WebAddress,
    is_fresh: bool,
}

/// A token in its parts. Nothing of it is believed before its signature was verified.
struct Parts<'a> {
    token: &'a str,
    header: JwtHeader,
    claims: Value,
}

pub(super) fn identify(presented: &Presented<'_>, token: &str, resumed: Option<Resumed>) -> Finding {
    let issuers = &presented.world.jwt_issuers;
    if issuers.issuers.is_empty() && resumed.is_none() {
        return Finding::Nobody;
    }
    let Some(parts) = Parts::of(token) else { return Finding::Nobody };
    let found = match resumed {
        Some(Resumed { kept: Kept::Jwt(kept), reply }) => kept.resume(presented, &parts, reply),
        Some(_) => Err("another question was answered".to_string()),
        None => {
            let iss = parts.claims.text_at(&["iss"]);
            let Some(at) = issuers.issuers.iter().position(|issuer| issuer.url == iss) else {
                return Finding::Nobody;
            };
            let kept = JwtKept { issuers: issuers.clone(), at, stage: Stage::Discovery };
            kept.begin(presented, &parts)
        }
    };
    found.unwrap_or_else(|why| Finding::Invalid(format!("oidc: {why}")))
}

impl JwtKept {
    fn issuer(&self) -> &JwtIssuer {
        &self.issuers.issuers[self.at]
    }

    /// Refuses what no signature could make good, before anything is fetched.
    fn begin(self, presented: &Presented<'_>, parts: &Parts<'_>) -> Result<Finding, String> {
        let verify = |why: String| format!("verify token: {why}");
        parts.check_claims(self.issuer(), presented.now.wall.seconds()).map_err(verify)?;
        parts.check_algorithm(self.issuer()).map_err(verify)?;
        let address = WebAddress::parse(&self.issuer().discovery_url)?;
        let question = self.fetch(&address, None);
        Ok(Finding::Ask(Kept::Jwt(Box::new(self)), question))
    }

    fn resume(self, presented: &Presented<'_>, parts: &Parts<'_>, reply: Reply) -> Result<Finding, String> {
        let Self { issuers, at, stage } = self;
        let here = |stage| Self { issuers: issuers.clone(), at, stage };
        let issuer = &issuers.issuers[at];
        match (stage, reply) {
            (Stage::Discovery, Reply::Called(outcomes)) => {
                let address = keys_address(issuer, &document(&outcomes)?)?;
                Ok(here(Stage::Discovery).ask_keys(KeySource { address, is_fresh: false }))
            }
            (Stage::Keys(source), Reply::Called(outcomes)) => {
                let header = parts.header.clone();
                let keys = header.algorithm().map_or_else(Vec::new, |algorithm| {
                    document(&outcomes)
                        .map_or_else(|_| Vec::new(), |set| keys::find(&set, &header.key_id, algorithm))
                });
                let question = (!keys.is_empty()).then(|| header.verification(parts.token, keys)).flatten();
                match question {
                    Some(question) => {
                        Ok(Finding::Ask(Kept::Jwt(Box::new(here(Stage::Signature(source)))), question))
                    }
                    None if source.is_fresh => Err(UNSIGNED.into()),
                    None => Ok(here(Stage::Discovery).ask_keys(KeySource { is_fresh: true, ..source })),
                }
            }
            (Stage::Signature(_), Reply::Verified(true)) => {
                let caller = caller(issuer, &parts.claims)?;
                Ok(chain::for_any_audience(presented, || Finding::somebody(caller)))
            }
            (Stage::Signature(source), Reply::Verified(false)) if !source.is_fresh => {
                Ok(here(Stage::Discovery).ask_keys(KeySource { is_fresh: true, ..source }))
            }
            (Stage::Signature(_), Reply::Verified(false)) => Err(UNSIGNED.into()),
            (Stage::Discovery | Stage::Keys(_) | Stage::Signature(_), _) => {
                Err("another question was answered".into())
            }
        }
    }

    fn ask_keys(self, source: KeySource) -> Finding {
        let newest = source.is_fresh.then_some(FRESH_MILLIS);
        let question = self.fetch(&source.address, newest);
        Finding::Ask(Kept::Jwt(Box::new(Self { stage: Stage::Keys(source), ..self })), question)
    }

    /// Gets a document of the issuer, which may be a remembered one, if it is not older than that.
    fn fetch(&self, address: &WebAddress, age_millis_max: Option<u64>) -> Question {
        let trust = Trust {
            anybody: false,
            host: false,
            authorities: self.issuer().authorities.clone(),
            server_name: address.host.as_str().into(),
            client_certificate: Text::default(),
        };
        Question::Consult(Box::new(Consultation {
            by: Consulting::Issuer { generation: self.issuers.generation, at: self.at },
            call: Outcall {
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
            },
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

/// Where the keys are, by the discovery document.
fn keys_address(issuer: &JwtIssuer, document: &Value) -> Result<WebAddress, String> {
    let named = document.text_at(&["issuer"]);
    if named != issuer.url {
        return Err(format!(
            "issuer did not match the issuer returned by provider, expected {} got {}",
            quoted(&issuer.url),
            quoted(named)
        ));
    }
    WebAddress::parse(document.text_at(&["jwks_uri"]))
}

impl<'a> Parts<'a> {
    /// None for what is no JSON Web Token in its compact form.
    fn of(token: &'a str) -> Option<Self> {
        Some(Self { token, header: JwtHeader::of(token)?, claims: jwt::claims(token)?.value })
    }

    fn check_algorithm(&self, issuer: &JwtIssuer) -> Result<(), String> {
        match self.header.algorithm() {
            Some(algorithm) if issuer.algorithms.contains(&algorithm) => Ok(()),
            Some(_) | None => {
                let names: Vec<&str> = issuer.algorithms.iter().map(|algorithm| algorithm.name()).collect();
                Err(format!("id token signed with unsupported algorithm, expected {names:?}"))
            }
        }
    }

    /// Whom the token is for, and whether it is valid now.
    fn check_claims(&self, issuer: &JwtIssuer, now: i64) -> Result<(), String> {
        let audiences: Vec<&str> = match self.claims.field("aud") {
            Some(Value::Str(one)) => alloc::vec![one.as_str()],
            Some(Value::List(several)) => several.iter().filter_map(Value::as_str).collect(),
            Some(_) | None => Vec::new(),
        };
        if !issuer.audiences.iter().any(|audience| audiences.contains(&audience.as_str())) {
            return Err(format!("expected audience in {:?} got {audiences:?}", issuer.audiences));
        }
        match self.claims.field("exp").and_then(seconds) {
            Some(expires) if expires >= now => {}
            Some(_) => return Err("token is expired".into()),
            None => return Err("token has no time at which it expires".into()),
        }
        let from = match self.claims.field("nbf") {
            None | Some(Value::Null) => return Ok(()),
            Some(from) => seconds(from).ok_or("the claim nbf is no time")?,
        };
        if now.saturating_add(EARLY_SECONDS) < from {
            return Err("current time is before the nbf (not before) time of the token".into());
        }
        Ok(())
    }
}

/// A time in a token: a number of seconds, maybe with a fraction.
fn seconds(value: &Value) -> Option<i64> {
    match value {
        Value::Int(seconds) => Some(*seconds),
        #[allow(clippy::cast_possible_truncation, reason = "the cast saturates")]
        Value::Float(seconds) => Some(seconds.to_f64() as i64),
        Value::Null | Value::Bool(_) | Value::Str(_) | Value::Json(_) | Value::List(_) | Value::Map(_) => {
            None
        }
    }
}

/// The user of verified claims.
fn caller(issuer: &JwtIssuer, held: &Value) -> Result<Caller, String> {
    let claims = held.as_map().ok_or("parse claims: they are no object")?;
    let name = user_name(&issuer.username, claims, held)?;
    let groups = groups(&issuer.groups, claims, held)?;
    let uid = uid(&issuer.uid, claims, held)?;
    let extra = extra(issuer, claims, held)?;
    for (claim, wanted) in &issuer.required_claims {
        let found = match claims.get(claim) {
            None => return Err(format!("required claim {claim} not present in ID token")),
            Some(_) => text(claims, claim).map_err(|why| format!("parse claim {claim}: {why}"))?,
        };
        if found != wanted {
            return Err(format!(
                "required claim {claim} value does not match. Got = {found}, want = {wanted}"
            ));
        }
    }
    check_rules(TokenSubject::Claims, &issuer.claim_rules, held)
        .map_err(|why| format!("error evaluating claim validation expression: {why}"))?;
    let caller = Caller { name, uid, groups, extra };
    if !issuer.user_rules.is_empty() {
        check_rules(TokenSubject::User, &issuer.user_rules, &shown(&caller))
            .map_err(|why| format!("error evaluating user info validation rule: {why}"))?;
    }
    if caller.name.is_empty() {
        return Err("the token has no user name".into());
    }
    Ok(caller)
}

fn user_name(mapping: &ClaimMapping, claims: &Map, held: &Value) -> Result<Text, String> {
    let ClaimMapping { claim, prefix, expression } = mapping;
    if let Some(expression) = expression {
        let name = made_text(expression, held, "username")?;
        if name.is_empty() {
            return Err("empty username via CEL expression is not allowed".into());
        }
        return Ok(name);
    }
    let name =
        text(claims, claim).map_err(|why| format!("parse username claims {}: {why}", quoted(claim)))?;
    if claim == "email" && claims.get("email_verified").is_some_and(|verified| *verified != Value::Bool(true))
    {
        return Err("email not verified".into());
    }
    Ok(format!("{prefix}{name}").into())
}

fn uid(mapping: &ClaimMapping, claims: &Map, held: &Value) -> Result<Text, String> {
    match (mapping.claim.as_str(), &mapping.expression) {
        ("", None) => Ok(Text::default()),
        ("", Some(expression)) => made_text(expression, held, "uid"),
        (claim, _) => {
            let found = text(claims, claim);
            found.map(Text::from).map_err(|why| format!("parse uid claim {}: {why}", quoted(claim)))
        }
    }
}

/// What an expression makes of the claims, which must be a text. `what` it is for, its errors say.
fn made_text(expression: &Expression, held: &Value, what: &str) -> Result<Text, String> {
    let made = TokenSubject::Claims.evaluate(expression, held);
    let made = made.and_then(|made| {
        text_of(&made).ok_or_else(|| format!("{what} claim expression must return a string"))
    });
    made.map_err(|why| format!("error evaluating {what} claim expression: {why}"))
}

/// What else is told of the user, in the order of the keys.
fn extra(issuer: &JwtIssuer, claims: &Map, held: &Value) -> Result<Vec<(Text, Vec<Text>)>, String> {
    let id = claims.get("jti").and_then(Value::as_str).filter(|id| !id.is_empty());
    let mut extra: Vec<(Text, Vec<Text>)> = Vec::new();
    extra.extend(id.map(|id| (Caller::CREDENTIAL_ID.into(), alloc::vec![format!("JTI={id}").into()])));
    for (key, expression) in &issuer.extra {
        let made = TokenSubject::Claims.evaluate(expression, held)?;
        let values = texts_of(&made).map_err(|why| {
            format!("error evaluating extra claim expression: {}: {why}", expression.text())
        })?;
        if !values.is_empty() {
            extra.push((key.clone(), values));
        }
    }
    extra.sort();
    Ok(extra)
}

/// Whether all rules hold. All of them are evaluated first.
fn check_rules(subject: TokenSubject, rules: &[TokenRule], value: &Value) -> Result<(), String> {
    let results = rules.iter().map(|rule| subject.evaluate(&rule.expression, value));
    let results: Vec<CelValue> = results.collect::<Result<_, _>>()?;
    for (rule, result) in rules.iter().zip(results) {
        match result {
            CelValue::Bool(true) => {}
            CelValue::Bool(false) => {
                let (text, message) = (rule.expression.text(), &rule.message);
                return Err(format!("validation expression '{text}' failed: {message}"));
            }
            _ => return Err("validation expression must return a boolean".into()),
        }
    }
    Ok(())
}

/// The user as expressions see them.
fn shown(caller: &Caller) -> Value {
    let texts = |texts: &[Text]| Value::list(texts.iter().cloned().map(Value::Str).collect());
    let mut extra = Map::new();
    for (key, values) in &caller.extra {
        extra.insert(key.as_str(), texts(values));
    }
    let mut user = Map::new();
    user.insert("username", caller.name.as_str().into());
    user.insert("uid", caller.uid.as_str().into());
    user.insert("groups", texts(&caller.groups));
    user.insert("extra", extra.into());
    user.into()
}

fn text<'c>(claims: &'c Map, claim: &str) -> Result<&'c str, String> {
    match claims.get(claim) {
        None => Err("claim not present".into()),
        Some(Value::Str(text)) => Ok(text),
        Some(Value::Null) => Ok(""),
        Some(other) => {
            Err(format!("json: cannot unmarshal {} into Go value of type string", other.type_of().word()))
        }
    }
}

/// The groups of a claim, which may be one text or several, or those that an expression makes.
fn groups(mapping: &ClaimMapping, claims: &Map, held: &Value) -> Result<Vec<Text>, String> {
    let ClaimMapping { claim, prefix, expression } = mapping;
    if claim.is_empty() {
        let Some(expression) = expression else { return Ok(Vec::new()) };
        let made = TokenSubject::Claims.evaluate(expression, held).and_then(|made| texts_of(&made));
        return made.map_err(|why| format!("error evaluating group claim expression: {why}"));
    }
    let prefixed = |group: &str| Text::from(format!("{prefix}{group}"));
    let wrong = || format!("parse groups claim {}: it is neither a text nor a list of texts", quoted(claim));
    match claims.get(claim) {
        // Upstream would ask another server for a claim that is distributed.
        None if distributes(claims, claim) => {
            Err("could not expand distributed claims: they are not supported by this server yet".into())
        }
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Str(group)) => Ok(alloc::vec![prefixed(group)]),
        Some(Value::List(groups)) => {
            groups.iter().map(|group| group.as_str().map(prefixed).ok_or_else(wrong)).collect()
        }
        Some(Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Json(_) | Value::Map(_)) => {
            Err(wrong())
        }
    }
}

fn distributes(claims: &Map, claim: &str) -> bool {
    claims.get("_claim_names").and_then(|names| names.field(claim)).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;

    fn issuer() -> JwtIssuer {
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

    fn mapping(claim: &str, prefix: &str) -> ClaimMapping {
        ClaimMapping { claim: claim.into(), prefix: prefix.into(), expression: None }
    }

    fn claims(text: &str) -> Value {
        json::parse(text.as_bytes()).expect(text).value
    }

    #[test]
    fn claims_say_who_the_user_is() {
        let cases = [
            (r#"{"email":"a@b","hd":"v","id":"7","roles":["x","y"],"jti":"j"}"#, Ok("o:a@b 7 g:x,g:y")),
            (r#"{"email":"a@b","hd":"v","id":"7","roles":"x","email_verified":true}"#, Ok("o:a@b 7 g:x")),
            (r#"{"email":"a@b","hd":"v","id":"7"}"#, Ok("o:a@b 7 ")),
            (r#"{"email":"a@b","hd":"v","id":"7","email_verified":false}"#, Err("email not verified")),
            (r#"{"hd":"v","id":"7"}"#, Err("parse username claims \"email\": claim not present")),
            (r#"{"email":"a@b","hd":"v"}"#, Err("parse uid claim \"id\": claim not present")),
            (r#"{"email":"a@b","id":"7"}"#, Err("required claim hd not present in ID token")),
            (
                r#"{"email":"a@b","id":"7","hd":"w"}"#,
                Err("required claim hd value does not match. Got = w, want = v"),
            ),
            (
                r#"{"email":"a@b","hd":"v","id":"7","roles":[1]}"#,
                Err("parse groups claim \"roles\": it is neither a text nor a list of texts"),
            ),
            (
                r#"{"email":"a@b","hd":"v","id":"7","_claim_names":{"roles":"s"}}"#,
                Err("could not expand distributed claims: they are not supported by this server yet"),
            ),
        ];
        for (text, expected) in cases {
            let claims = claims(text);
            let found = caller(&issuer(), &claims).map(|caller| {
                assert_eq!(caller.extra.len(), usize::from(text.contains("jti")), "{text}");
                format!("{} {} {}", caller.name, caller.uid, caller.groups.join(","))
            });
            assert_eq!(found, expected.map(String::from).map_err(String::from), "{text}");
        }
    }

    #[test]
    fn expressions_make_a_user_and_judge_it() {
        let made = |text: &str| ClaimMapping {
            expression: Some(TokenSubject::Claims.compile_mapping(text)),
            ..ClaimMapping::default()
        };
        let rule = |subject: TokenSubject, text: &str, message: &str| TokenRule {
            expression: subject.compile_rule(text),
            message: message.into(),
        };
        let issuer = JwtIssuer {
            username: made("'o:' + claims.sub"),
            groups: made("claims.?roles.orValue([]).map(role, 'g:' + role)"),
            uid: made("claims.?id.orValue('')"),
            extra: alloc::vec![
                ("b.test/team".into(), TokenSubject::Claims.compile_mapping("claims.team")),
                ("a.test/none".into(), TokenSubject::Claims.compile_mapping("''")),
                ("a.test/mail".into(), TokenSubject::Claims.compile_mapping("[claims.sub + '@a']")),
            ],
            required_claims: Vec::new(),
            claim_rules: alloc::vec![rule(TokenSubject::Claims, "claims.hd == 'v'", "another house")],
            user_rules: alloc::vec![
                rule(TokenSubject::User, "!user.username.startsWith('o:system:')", "reserved"),
                rule(TokenSubject::User, "user.extra['b.test/team'].size() < 3", "too many"),
            ],
            ..issuer()
        };
        let cases = [
            (
                r#"{"sub":"s","hd":"v","team":["x","y"],"roles":["r"],"id":"7"}"#,
                Ok("o:s 7 g:r a.test/mail=s@a b.test/team=x,y"),
            ),
            (r#"{"sub":"s","hd":"v","team":"x"}"#, Ok("o:s   a.test/mail=s@a b.test/team=x")),
            (
                r#"{"sub":"s","hd":"w","team":"x"}"#,
                Err(
                    "error evaluating claim validation expression: validation expression 'claims.hd == 'v'' failed: \
                     another house",
                ),
            ),
            (
                r#"{"sub":"system:s","hd":"v","team":"x"}"#,
                Err("error evaluating user info validation rule: validation expression \
                     '!user.username.startsWith('o:system:')' failed: reserved"),
            ),
            (
                r#"{"sub":1,"hd":"v","team":"x"}"#,
                Err(
                    "error evaluating username claim expression: expression ''o:' + claims.sub' resulted in error: no \
                     such overload",
                ),
            ),
            (
                r#"{"sub":"s","hd":"v","team":"x","id":7}"#,
                Err("error evaluating uid claim expression: uid claim expression must return a string"),
            ),
            (
                r#"{"sub":"s","hd":"v","team":7}"#,
                Err(
                    "error evaluating extra claim expression: claims.team: expression must return a string or a list \
                     of strings",
                ),
            ),
        ];
        for (text, expected) in cases {
            let found = caller(&issuer, &claims(text)).map(|caller| {
                let extra = caller.extra.iter().map(|(key, values)| format!("{key}={}", values.join(",")));
                let extra: Vec<String> = extra.collect();
                format!("{} {} {} {}", caller.name, caller.uid, caller.groups.join(","), extra.join(" "))
            });
            assert_eq!(found, expected.map(String::from).map_err(String::from), "{text}");
        }
    }

    #[test]
    fn a_token_is_for_this_server_and_for_now() {
        let cases = [
            (r#"{"aud":"kube","exp":100}"#, true),
            (r#"{"aud":["x","other"],"exp":100.5,"nbf":400}"#, true),
            (r#"{"aud":"kube","exp":99}"#, false),
            (r#"{"aud":"kube"}"#, false),
            (r#"{"aud":"kube","exp":"100"}"#, false),
            (r#"{"aud":"x","exp":100}"#, false),
            (r#"{"exp":100}"#, false),
            (r#"{"aud":"kube","exp":100,"nbf":401}"#, false),
            (r#"{"aud":"kube","exp":100,"nbf":"x"}"#, false),
        ];
        let header = JwtHeader::of("e30.e30.e30").expect("a token");
        for (text, is_good) in cases {
            let parts = Parts { token: "", header: header.clone(), claims: claims(text) };
            assert_eq!(parts.check_claims(&issuer(), 100).is_ok(), is_good, "{text}");
        }
    }
}
