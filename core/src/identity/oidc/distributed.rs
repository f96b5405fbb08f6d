//! Distributed claims: a token may say that one of its claims is told by another server, in a token of that one's own.
//! k8s: staging/src/k8s.io/apiserver/plugin/pkg/authenticator/token/oidc/oidc.go claimResolver,
//! Go: github.com/coreos/go-oidc verify.go

use crate::review::why_unanswered;
use crate::value::{Map, Text, Value, quoted};
use crate::wire::{CallOutcome, Called};
use alloc::format;
use alloc::string::String;

/// The claims that say who tells which claim, and where they are.
const NAMES: &str = "_claim_names";
const SOURCES: &str = "_claim_sources";

/// Where a claim is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ClaimEndpoint {
    pub(super) url: Text,
    /// Shown to that server; empty for none.
    pub(super) access_token: Text,
}

/// Checks what every token must keep, whoever reads it: that the claims which it names have sources.
///
/// # Errors
/// Which it does not.
pub(super) fn check(claims: &Value) -> Result<(), String> {
    let unmarshaled = |why: String| format!("oidc: failed to unmarshal claims: {why}");
    let names = texts(claims.field(NAMES)).map_err(unmarshaled)?;
    let sources = sources(claims.field(SOURCES)).map_err(unmarshaled)?;
    for (_, source) in names.into_iter().flat_map(Map::iter) {
        match source.as_str().unwrap_or_default() {
            "" => return Err("oidc: failed to obtain source from claim name".into()),
            source if sources.is_none_or(|sources| sources.get(source).is_none()) => {
                return Err("oidc: source does not exist".into());
            }
            _ => {}
        }
    }
    Ok(())
}

/// Where a claim is told, if the token does not tell it and names somebody who does.
///
/// # Errors
/// The token names somebody and does not say where that is.
pub(super) fn endpoint(claims: &Value, claim: &str) -> Result<Option<ClaimEndpoint>, String> {
    if claims.field(claim).is_some() {
        return Ok(None);
    }
    let Some(names) = claims.field(NAMES) else { return Ok(None) };
    let names =
        texts(Some(names)).map_err(|why| format!("oidc: error parsing distributed claim names: {why}"))?;
    let held = claims.field(SOURCES).ok_or("oidc: no claim sources")?;
    let sources = sources(Some(held)).map_err(|why| format!("oidc: could not parse claim sources: {why}"))?;
    let Some(source) = names.and_then(|names| names.get(claim)) else { return Ok(None) };
    let source = source.as_str().unwrap_or_default();
    let Some(found) = sources.and_then(|sources| sources.get(source)) else {
        return Err(format!("id token _claim_names contained a source {source} missing in _claims_sources"));
    };
    let text = |name: &str| Text::from(found.text_at(&[name]));
    let endpoint = ClaimEndpoint { url: text("endpoint"), access_token: text("access_token") };
    // The claims may be in the source itself, which upstream does not read.
    Ok((!endpoint.url.is_empty()).then_some(endpoint))
}

/// Members that are texts or null.
fn texts(held: Option<&Value>) -> Result<Option<&Map>, String> {
    let members = members(held, "map[string]string")?;
    for (_, member) in members.into_iter().flat_map(Map::iter) {
        check_text(member, "value of type string")?;
    }
    Ok(members)
}

/// Sources of claims, by their names.
fn sources(held: Option<&Value>) -> Result<Option<&Map>, String> {
    let sources = members(held, "map[string]oidc.endpoint")?;
    for (_, source) in sources.into_iter().flat_map(Map::iter) {
        let _ = members(Some(source), "oidc.endpoint")?;
        for name in ["endpoint", "access_token", "JWT"] {
            let member = source.field(name).unwrap_or(&Value::Null);
            check_text(member, &format!("struct field endpoint.{name} of type string"))?;
        }
    }
    Ok(sources)
}

fn members<'v>(held: Option<&'v Value>, go_type: &str) -> Result<Option<&'v Map>, String> {
    match held {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Map(members)) => Ok(Some(members)),
        Some(other) => {
            let what = other.type_of().word();
            Err(format!("json: cannot unmarshal {what} into Go value of type {go_type}"))
        }
    }
}

fn check_text(held: &Value, place: &str) -> Result<(), String> {
    match held {
        Value::Str(_) | Value::Null => Ok(()),
        other => Err(format!("json: cannot unmarshal {} into Go {place}", other.type_of().word())),
    }
}

/// The token that the other server has answered with.
///
/// # Errors
/// It has answered with something else, or not at all.
pub(super) fn token(outcomes: &[CallOutcome], claim: &str) -> Result<String, String> {
    let failed = |why: &str| format!("while getting distributed claim {}: {why}", quoted(claim));
    match outcomes.first() {
        Some(Ok(Called { status: 200..=226, body, .. })) => String::from_utf8(body.to_vec())
            .map_err(|_| failed("could not decode distributed claim response")),
        Some(Ok(Called { status, .. })) => {
            Err(failed(&format!("error while getting distributed claim JWT: {status}")))
        }
        Some(Err(error)) => Err(failed(why_unanswered(error))),
        None => Err(failed("another question was answered")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::given::claims;
    use super::*;
    use crate::wire::CallError;
    use alloc::string::ToString;
    use bytes::Bytes;

    #[test]
    fn a_claim_may_be_told_elsewhere() {
        let named =
            |sources: &str| format!(r#"{{"_claim_names":{{"groups":"s"}},"_claim_sources":{sources}}}"#);
        let string = "json: cannot unmarshal number into Go";
        for (text, expected) in [
            ("{}".to_string(), Ok(None)),
            (named(r#"{"s":{"endpoint":"https://a/b"}}"#), Ok(Some("https://a/b "))),
            (named(r#"{"s":{"endpoint":"https://a","access_token":"t"},"x":{}}"#), Ok(Some("https://a t"))),
            (named(r#"{"s":{"JWT":"a.b.c"}}"#), Ok(None)),
            (r#"{"groups":null,"_claim_names":7}"#.to_string(), Ok(None)),
            (r#"{"_claim_names":{"other":"s"},"_claim_sources":{"s":{}}}"#.to_string(), Ok(None)),
            (r#"{"_claim_names":{"groups":"s"}}"#.to_string(), Err("oidc: no claim sources".to_string())),
            (
                r#"{"_claim_names":7}"#.to_string(),
                Err(format!(
                    "oidc: error parsing distributed claim names: {string} value of type map[string]string"
                )),
            ),
            (
                r#"{"_claim_names":{"x":7}}"#.to_string(),
                Err(format!("oidc: error parsing distributed claim names: {string} value of type string")),
            ),
            (
                named(r#"{"s":7}"#),
                Err(format!("oidc: could not parse claim sources: {string} value of type oidc.endpoint")),
            ),
            (
                named(r#"{"s":{"endpoint":7}}"#),
                Err(format!(
                    "oidc: could not parse claim sources: {string} struct field endpoint.endpoint of type string"
                )),
            ),
            (
                named(r#"{"t":{}}"#),
                Err("id token _claim_names contained a source s missing in _claims_sources".to_string()),
            ),
        ] {
            let found = endpoint(&claims(&text), "groups");
            let shown = found.map(|found| found.map(|at| format!("{} {}", at.url, at.access_token)));
            assert_eq!(shown, expected.map(|found| found.map(String::from)), "{text}");
        }
    }

    #[test]
    fn every_name_has_a_source() {
        for (text, expected) in [
            ("{}", ""),
            (r#"{"_claim_names":null,"_claim_sources":null}"#, ""),
            (r#"{"_claim_names":{"a":"s"},"_claim_sources":{"s":{}}}"#, ""),
            (r#"{"_claim_names":{"a":"s"}}"#, "oidc: source does not exist"),
            (r#"{"_claim_names":{"a":""}}"#, "oidc: failed to obtain source from claim name"),
            (
                r#"{"_claim_names":[]}"#,
                "oidc: failed to unmarshal claims: json: cannot unmarshal array into Go value of type map[string]string",
            ),
        ] {
            assert_eq!(check(&claims(text)).err().unwrap_or_default(), expected, "{text}");
        }
    }

    #[test]
    fn only_a_success_holds_a_token() {
        let says = |status, body: &'static [u8]| {
            [Ok(Called { status, headers: alloc::vec::Vec::new(), body: Bytes::from_static(body) })]
        };
        assert_eq!(token(&says(200, b"a.b.c"), "g").as_deref(), Ok("a.b.c"));
        assert_eq!(token(&says(226, b""), "g").as_deref(), Ok(""));
        let failed = |outcomes: &[CallOutcome]| token(outcomes, "g").expect_err("no token");
        let before = "while getting distributed claim \"g\": ";
        for (outcomes, why) in [
            (says(302, b""), "error while getting distributed claim JWT: 302"),
            (says(200, b"\xff"), "could not decode distributed claim response"),
            ([Err(CallError::TimedOut)], "context deadline exceeded"),
            ([Err(CallError::Refused("dial tcp: no".into()))], "dial tcp: no"),
        ] {
            assert_eq!(failed(&outcomes), format!("{before}{why}"));
        }
    }
}
