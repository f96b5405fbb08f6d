//! JSON Web Tokens in their compact form, as anybody may send them: nothing of what is read here is proved.
//! k8s: pkg/serviceaccount/jwt.go, gopkg.in/go-jose/go-jose.v2/{jws,signing}.go

use crate::codec::{base64, json};
use crate::config::{PublicKey, SignedToken, TokenAlgorithm};
use crate::question::Question;
use crate::value::{Text, Value};
use alloc::boxed::Box;
use alloc::vec::Vec;
use bytes::Bytes;

/// The error for a signature that is none of the keys', whatever is wrong with it.
pub(super) const BAD_SIGNATURE: &str = "go-jose/go-jose: error in cryptographic primitive";

/// The claims of a text that looks like a token; None for any other text.
pub(super) fn claims(token: &str) -> Option<Value> {
    if token.trim_start().starts_with('{') {
        return None;
    }
    let mut parts = token.split('.');
    let (Some(_), Some(claims), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    let claims = object(claims)?;
    // Whose token it is must be readable, or it is nobody's.
    claims.field("iss").is_none_or(|issuer| matches!(issuer, Value::Str(_) | Value::Null)).then_some(claims)
}

/// How a token says that it was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct JwtHeader {
    /// None for an algorithm that nothing is signed with.
    algorithm: Option<TokenAlgorithm>,
    /// The name of the key; empty when the token has none.
    pub(super) key_id: Text,
    /// It demands that its reader understands something that this one does not.
    is_critical: bool,
    signature: Bytes,
}

impl JwtHeader {
    /// Reads the parts of a token around its claims; None for a text that is no token.
    pub(super) fn of(token: &str) -> Option<Self> {
        let (header, rest) = token.split_once('.')?;
        let (_, signature) = rest.split_once('.')?;
        let header = object(header)?;
        let text = |name: &str| match header.field(name) {
            None | Some(Value::Null) => Some(""),
            Some(held) => held.as_str(),
        };
        Some(Self {
            algorithm: TokenAlgorithm::named(text("alg")?),
            key_id: text("kid")?.into(),
            // A payload that is not encoded as the signature demands is nothing that a parser reads alike.
            is_critical: header.field("crit").is_some_and(|named| !named.is_null())
                || header.field("b64").is_some(),
            signature: base64::decode_url(signature)?.into(),
        })
    }

    /// How it was signed; None for an algorithm that nothing is signed with, and for a token that cannot be understood.
    pub(super) fn algorithm(&self) -> Option<TokenAlgorithm> {
        self.algorithm.filter(|_| !self.is_critical)
    }

    /// Asks whether one of these keys has signed the token; None when none can have.
    pub(super) fn verification(self, token: &str, keys: Vec<PublicKey>) -> Option<Question> {
        let algorithm = self.algorithm()?;
        let token = SignedToken { token: token.into(), signature: self.signature, algorithm, keys };
        Some(Question::Verify(Box::new(token)))
    }
}

fn object(part: &str) -> Option<Value> {
    let parsed = json::parse(&base64::decode_url(part)?).ok()?.value;
    matches!(parsed, Value::Map(_)).then_some(parsed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::String;
    use proptest::prelude::*;

    fn part(text: &str) -> String {
        base64::encode_url(text.as_bytes())
    }

    #[test]
    fn a_token_has_three_parts_and_says_whose_it_is() {
        let claims_of = |text: &str| claims(&format!("{}.{}.{}", part("{}"), part(text), part("x")));
        for (text, is_token) in [
            (r#"{"iss":"a"}"#, true),
            (r#"{"iss":null}"#, true),
            ("{}", true),
            (r#"{"iss":1}"#, false),
            ("[]", false),
            ("null", false),
            ("{", false),
            ("", false),
        ] {
            assert_eq!(claims_of(text).is_some(), is_token, "{text}");
        }
        let good = part("{}");
        for token in ["", ".", "..", "a.b", &good, &format!("{good}.{good}"), &format!("{{.{good}.x")] {
            assert_eq!(claims(token), None, "{token}");
        }
        assert_eq!(claims(&format!("{good}.{good}.{good}.{good}")), None);
    }

    #[test]
    fn a_header_names_an_algorithm_and_a_key() {
        let header = |text: &str| JwtHeader::of(&format!("{}.x.{}", part(text), part("signature")));
        let keys = || alloc::vec![PublicKey::Rsa { modulus: Bytes::new(), exponent: Bytes::new() }];
        for (text, key_id, can_be_verified) in [
            (r#"{"alg":"RS256","kid":"k"}"#, Some("k"), true),
            (r#"{"alg":"ES512"}"#, Some(""), true),
            (r#"{"alg":"none"}"#, Some(""), false),
            (r#"{"alg":"HS256","kid":"k"}"#, Some("k"), false),
            (r#"{"alg":"RS256","crit":["exp"]}"#, Some(""), false),
            (r#"{"alg":"RS256","kid":null,"crit":null}"#, Some(""), true),
            ("{}", Some(""), false),
            (r#"{"alg":1}"#, None, false),
            (r#"{"alg":"RS256","kid":{}}"#, None, false),
            ("[]", None, false),
        ] {
            let found = header(text);
            assert_eq!(found.as_ref().map(|header| header.key_id.as_str()), key_id, "{text}");
            let asked = found.and_then(|header| header.verification("a.b.c", keys()));
            assert_eq!(asked.is_some(), can_be_verified, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in ".{0,80}", header in ".{0,40}", body in ".{0,60}") {
            let built = format!("{}.{}.{text}", part(&header), part(&body));
            for token in [&text, &built] {
                let _ = (claims(token), JwtHeader::of(token));
            }
        }
    }
}
