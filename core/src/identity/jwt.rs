//! JSON Web Tokens in their compact form, as anybody may send them: nothing of what is read here is proved.
//! k8s: pkg/serviceaccount/jwt.go, gopkg.in/go-jose/go-jose.v2/{jws,signing}.go

use crate::codec::json::Parsed;
use crate::codec::{base64, json};
use crate::config::{PublicKey, SignedToken, TokenAlgorithm};
use crate::question::Question;
use crate::value::{Text, Value};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;

/// The error for a signature that is none of the keys', whatever is wrong with it.
pub(super) const BAD_SIGNATURE: &str = "go-jose/go-jose: error in cryptographic primitive";

/// What a token says. Nothing of it is believed before its signature was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct JwtClaims {
    pub(super) value: Value,
    /// The path of the first member that occurs more than once; empty for none.
    pub(super) repeated: Text,
}

/// The claims of a text that looks like a token; None for any other text.
pub(super) fn claims(token: &str) -> Option<JwtClaims> {
    if token.trim_start().starts_with('{') {
        return None;
    }
    let mut parts = token.split('.');
    let (Some(_), Some(claims), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    let Parsed { value, duplicates } = object(&base64::decode_url(claims)?)?;
    // Whose token it is must be readable, or it is nobody's.
    let is_somebodys = value.field("iss").is_none_or(|issuer| matches!(issuer, Value::Str(_) | Value::Null));
    let repeated = duplicates.paths().first().map(|path| Text::from(path.as_str())).unwrap_or_default();
    is_somebodys.then_some(JwtClaims { value, repeated })
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
    /// The signature is of the claims themselves, not of their encoding (RFC 7797).
    signs_plain_text: bool,
    signature: Bytes,
}

/// The one member of a header that a token may demand to be understood.
const PLAIN_TEXT: &str = "b64";

impl JwtHeader {
    /// Reads the parts of a token around its claims; None for a text that is no token.
    pub(super) fn of(token: &str) -> Option<Self> {
        let (header, rest) = token.split_once('.')?;
        let (_, signature) = rest.split_once('.')?;
        let Parsed { value: header, duplicates } = object(&base64::decode_url(header)?)?;
        if !duplicates.is_empty() {
            return None;
        }
        let text = |name: &str| match header.field(name) {
            None | Some(Value::Null) => Some(""),
            Some(held) => held.as_str(),
        };
        Some(Self {
            algorithm: TokenAlgorithm::named(text("alg")?),
            key_id: text("kid")?.into(),
            is_critical: match header.field("crit") {
                None | Some(Value::Null) => false,
                Some(Value::List(named)) => named.iter().any(|name| name.as_str() != Some(PLAIN_TEXT)),
                Some(_) => true,
            },
            signs_plain_text: header.field(PLAIN_TEXT) == Some(&Value::Bool(false)),
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
        let token = match self.signs_plain_text {
            true => plain_text(token)?,
            false => token.into(),
        };
        let token = SignedToken { token, signature: self.signature, algorithm, keys };
        Some(Question::Verify(Box::new(token)))
    }
}

fn object(text: &[u8]) -> Option<Parsed> {
    json::parse(text).ok().filter(|parsed| matches!(parsed.value, Value::Map(_)))
}

/// The token with its claims as they are, not encoded.
fn plain_text(token: &str) -> Option<Text> {
    let (header, rest) = token.split_once('.')?;
    let (claims, signature) = rest.split_once('.')?;
    let claims = String::from_utf8(base64::decode_url(claims)?).ok()?;
    Some(format!("{header}.{claims}.{signature}").into())
}

#[cfg(test)]
mod tests {
    use super::*;
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
            (r#"{"alg":"RS256","crit":["b64","exp"]}"#, Some(""), false),
            (r#"{"alg":"RS256","crit":["b64"],"b64":true}"#, Some(""), true),
            (r#"{"alg":"RS256","crit":"b64"}"#, Some(""), false),
            (r#"{"alg":"RS256","crit":[],"b64":1}"#, Some(""), true),
            (r#"{"alg":"RS256","alg":"RS256"}"#, None, false),
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

    #[test]
    fn claims_that_are_not_encoded_are_signed_as_they_are() {
        let keys = || alloc::vec![PublicKey::Rsa { modulus: Bytes::new(), exponent: Bytes::new() }];
        let signed = |header: &str| {
            let token = format!("{}.{}.{}", part(header), part(r#"{"a":"x.y"}"#), part("s"));
            let header = JwtHeader::of(&token).expect(header);
            match header.verification(&token, keys()) {
                Some(Question::Verify(asked)) => {
                    String::from_utf8(asked.signed_text().to_vec()).expect("text")
                }
                other => panic!("{other:?}"),
            }
        };
        let plain = r#"{"alg":"RS256","b64":false}"#;
        assert_eq!(signed(plain), format!("{}.{}", part(plain), r#"{"a":"x.y"}"#));
        let encoded = r#"{"alg":"RS256","b64":true}"#;
        assert_eq!(signed(encoded), format!("{}.{}", part(encoded), part(r#"{"a":"x.y"}"#)));
    }

    #[test]
    fn members_that_occur_twice_are_named() {
        let of = |text: &str| claims(&format!("{}.{}.{}", part("{}"), part(text), part("x"))).expect(text);
        assert_eq!(of(r#"{"iss":"a","exp":1,"exp":2}"#).repeated, "exp");
        assert_eq!(of(r#"{"iss":"a","exp":1}"#).repeated, "");
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
