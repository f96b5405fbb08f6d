//! A token in its parts, and what can be said about it before anybody has verified its signature.
//! Go: github.com/coreos/go-oidc verify.go

use super::super::jwt::{self, JwtHeader};
use super::distributed;
use crate::config::JwtIssuer;
use crate::now::Wall;
use crate::value::{Value, go_list, quoted};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// A token may be valid from a little later than now, seconds, since clocks differ.
const EARLY_SECONDS: i64 = 60;
/// One large provider leaves out the scheme of its own name.
const GOOGLE: [&str; 2] = ["accounts.google.com", "https://accounts.google.com"];

/// A token in its parts. Nothing of it is believed before its signature was verified.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) header: JwtHeader,
    pub(super) claims: Value,
}

impl Parts {
    /// None for what is no JSON Web Token in its compact form.
    pub(super) fn of(token: &str) -> Option<Self> {
        Self::with(token, jwt::claims(token)?.value)
    }

    /// As `of`, with the claims of the token.
    pub(super) fn with(token: &str, claims: Value) -> Option<Self> {
        Some(Self { header: JwtHeader::of(token)?, claims })
    }

    /// Who has made the token, as it says itself; empty if it does not say.
    pub(super) fn issuer(&self) -> &str {
        issuer(&self.claims)
    }

    /// Finds what no signature could make good.
    ///
    /// # Errors
    /// What that is.
    pub(super) fn check(&self, issuer: &JwtIssuer, now: Wall) -> Result<(), String> {
        self.check_algorithm(issuer)?;
        distributed::check(&self.claims)?;
        self.check_claims(issuer, now)
    }

    fn check_algorithm(&self, issuer: &JwtIssuer) -> Result<(), String> {
        match self.header.algorithm() {
            Some(algorithm) if issuer.algorithms.contains(&algorithm) => Ok(()),
            named => {
                let taken = go_list(issuer.algorithms.iter().map(|algorithm| algorithm.name()));
                let named = quoted(named.map_or("", |algorithm| algorithm.name()));
                Err(format!("oidc: id token signed with unsupported algorithm, expected {taken} got {named}"))
            }
        }
    }

    /// Whom the token is for, and whether it is valid now.
    fn check_claims(&self, issuer: &JwtIssuer, now: Wall) -> Result<(), String> {
        let audiences: Vec<&str> = match self.claims.field("aud") {
            Some(Value::Str(one)) => alloc::vec![one.as_str()],
            Some(Value::List(several)) => several.iter().filter_map(Value::as_str).collect(),
            Some(_) | None => Vec::new(),
        };
        if !issuer.audiences.iter().any(|audience| audiences.contains(&audience.as_str())) {
            let expected = match issuer.audiences.as_slice() {
                [one] => quoted(one),
                several => format!("in {}", go_list(several)),
            };
            return Err(format!("oidc: expected audience {expected} got {}", go_list(audiences)));
        }
        let expires = self.claims.field("exp").and_then(seconds);
        if expires.is_none_or(|expires| expires < now.seconds()) {
            let told = expires.map_or_else(|| "0001-01-01 00:00:00 +0000 UTC".into(), go_time);
            return Err(format!("oidc: token is expired (Token Expiry: {told})"));
        }
        let from = match self.claims.field("nbf") {
            None | Some(Value::Null) => return Ok(()),
            Some(from) => {
                seconds(from).ok_or("oidc: failed to unmarshal claims: the claim nbf is no time")?
            }
        };
        if now.seconds().saturating_add(EARLY_SECONDS) < from {
            let (now, from) = (go_time(now.seconds()), go_time(from));
            return Err(format!("oidc: current time {now} before the nbf (not before) time: {from}"));
        }
        Ok(())
    }
}

/// Who has made the token with these claims, as it says itself.
fn issuer(claims: &Value) -> &str {
    match claims.text_at(&["iss"]) {
        short if short == GOOGLE[0] => GOOGLE[1],
        named => named,
    }
}

/// What a token claims, which nobody has verified.
///
/// # Errors
/// Why a text is no token.
pub(super) fn untrusted_claims(token: &str) -> Result<Value, &'static str> {
    if token.trim_start().starts_with('{') {
        return Err("token is not compact JWT");
    }
    if token.split('.').count() != 3 {
        return Err("malformed token");
    }
    let claims = jwt::claims(token).ok_or("error decoding token: it has no object with an issuer")?;
    Ok(claims.value)
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

/// A point in time as Go shows it.
fn go_time(seconds: i64) -> String {
    let told = Wall::from_seconds(seconds).rfc3339().replace('T', " ");
    format!("{} +0000 UTC", told.trim_end_matches('Z'))
}

#[cfg(test)]
mod tests {
    use super::super::given::{claims, issuer};
    use super::*;

    #[test]
    fn a_token_is_for_this_server_and_for_now() {
        let (one, late) = ("1970-01-01 00:01:40 +0000 UTC", "1970-01-01 00:02:41 +0000 UTC");
        let late = format!("oidc: current time {one} before the nbf (not before) time: {late}");
        let expired = |at: &str| format!("oidc: token is expired (Token Expiry: {at} +0000 UTC)");
        let (past, never) = (expired("1970-01-01 00:01:39"), expired("0001-01-01 00:00:00"));
        let cases = [
            (r#"{"aud":"kube","exp":100}"#, ""),
            (r#"{"aud":["x","other"],"exp":100.5,"nbf":160}"#, ""),
            (r#"{"aud":"kube","exp":99}"#, past.as_str()),
            (r#"{"aud":"kube"}"#, &never),
            (r#"{"aud":"kube","exp":"100"}"#, &never),
            (r#"{"aud":"x","exp":100}"#, r#"oidc: expected audience in ["kube" "other"] got ["x"]"#),
            (r#"{"exp":100}"#, r#"oidc: expected audience in ["kube" "other"] got []"#),
            (r#"{"aud":"kube","exp":100,"nbf":161}"#, &late),
            (
                r#"{"aud":"kube","exp":100,"nbf":"x"}"#,
                "oidc: failed to unmarshal claims: the claim nbf is no time",
            ),
        ];
        let header = JwtHeader::of("e30.e30.e30").expect("a token");
        for (text, expected) in cases {
            let parts = Parts { header: header.clone(), claims: claims(text) };
            let problem = parts.check_claims(&issuer(), Wall::from_seconds(100)).err();
            assert_eq!(problem.unwrap_or_default(), expected, "{text}");
        }
        let only = JwtIssuer { audiences: alloc::vec!["kube".into()], ..issuer() };
        let parts = Parts { header, claims: claims("{}") };
        let problem = parts.check_claims(&only, Wall::from_seconds(100));
        assert_eq!(problem, Err(r#"oidc: expected audience "kube" got []"#.into()));
        assert_eq!(
            parts.check_algorithm(&only),
            Err(r#"oidc: id token signed with unsupported algorithm, expected ["RS256"] got """#.into())
        );
    }

    #[test]
    fn a_token_says_who_has_made_it() {
        let token = |claims: &str| format!("e30.{}.e30", crate::codec::base64::encode_url(claims.as_bytes()));
        let undecoded = "error decoding token: it has no object with an issuer";
        for (text, expected) in [
            (token(r#"{"iss":"https://a"}"#), Ok("https://a")),
            (token(r#"{"iss":"accounts.google.com"}"#), Ok("https://accounts.google.com")),
            (token("{}"), Ok("")),
            (token(r#"{"iss":7}"#), Err(undecoded)),
            (token("x"), Err(undecoded)),
            ("a.?.c".into(), Err(undecoded)),
            ("a.b".into(), Err("malformed token")),
            (" {}".into(), Err("token is not compact JWT")),
        ] {
            let found = untrusted_claims(&text).map(|claims| String::from(super::issuer(&claims)));
            assert_eq!(found.as_deref(), expected.as_deref(), "{text}");
        }
    }
}
