//! What a service account token says, as the text that is signed.
//! k8s: pkg/serviceaccount/{claims,jwt}.go, gopkg.in/go-jose/go-jose.v2/jwt/builder.go

use crate::caller::service_account;
use crate::codec::{base64, json};
use crate::config::IssuerKey;
use crate::now::Wall;
use crate::value::{Map, Text, Value};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// An object that a token names: its name, and its uid unless the object is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) name: Text,
    pub(super) uid: Text,
}

/// The object without which a token is not valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Bound {
    /// The pod, and the node that it runs on.
    Pod(Named, Option<Named>),
    Secret(Named),
    Node(Named),
}

/// The claims of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TokenClaims<'a> {
    pub(super) issuer: &'a str,
    pub(super) audiences: Vec<Text>,
    pub(super) namespace: &'a str,
    pub(super) account: Named,
    pub(super) bound: Option<Bound>,
    /// A random uuid.
    pub(super) id: Text,
    pub(super) now: Wall,
    pub(super) expires_after_seconds: i64,
    /// Uses of the token after this time are noted, though it is still valid.
    pub(super) warns_after_seconds: Option<i64>,
}

impl Named {
    fn claim(&self) -> Value {
        let mut claim = Map::new();
        for (member, text) in [("name", &self.name), ("uid", &self.uid)] {
            if !text.is_empty() {
                claim.insert(member, Value::Str(text.clone()));
            }
        }
        claim.into()
    }
}

impl TokenClaims<'_> {
    /// The header and the claims, which a dot and the signature follow in the token.
    pub(super) fn signed_text(&self, key: &IssuerKey) -> String {
        let mut header = Map::new();
        header.insert("alg", key.key.algorithm().into());
        header.insert("kid", Value::Str(key.id.clone()));
        let parts = [Value::from(header), self.payload()];
        let [header, payload] = parts.map(|part| base64::encode_url(&json::to_vec(&part)));
        format!("{header}.{payload}")
    }

    /// The claims, in the order of their names; empty ones are left out.
    fn payload(&self) -> Value {
        let at = |seconds: i64| Value::Int(self.now.plus_seconds(seconds).seconds());
        let user = service_account::user_name(self.namespace, &self.account.name);
        let mut claims = Map::new();
        if !self.audiences.is_empty() {
            claims.insert("aud", Value::texts(&self.audiences));
        }
        claims.insert("exp", at(self.expires_after_seconds));
        claims.insert("iat", at(0));
        if !self.issuer.is_empty() {
            claims.insert("iss", self.issuer.into());
        }
        claims.insert("jti", Value::Str(self.id.clone()));
        claims.insert("kubernetes.io", self.of_kubernetes(at));
        claims.insert("nbf", at(0));
        claims.insert("sub", Value::Str(user));
        claims.into()
    }

    fn of_kubernetes(&self, at: impl Fn(i64) -> Value) -> Value {
        let (node, pod, secret) = match &self.bound {
            None => (None, None, None),
            Some(Bound::Pod(pod, node)) => (node.as_ref(), Some(pod), None),
            Some(Bound::Secret(secret)) => (None, None, Some(secret)),
            Some(Bound::Node(node)) => (Some(node), None, None),
        };
        let mut own = Map::new();
        own.insert("namespace", self.namespace.into());
        let objects =
            [("node", node), ("pod", pod), ("secret", secret), ("serviceaccount", Some(&self.account))];
        for (member, named) in objects {
            if let Some(named) = named {
                own.insert(member, named.claim());
            }
        }
        if let Some(seconds) = self.warns_after_seconds {
            own.insert("warnafter", at(seconds));
        }
        own.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Curve, PublicKey};
    use alloc::string::ToString;
    use alloc::vec;
    use bytes::Bytes;

    fn named(name: &str, uid: &str) -> Named {
        Named { name: name.into(), uid: uid.into() }
    }

    #[test]
    fn claims_are_sorted_and_name_what_the_token_is_bound_to() {
        let account = named("robot", "u-1");
        let plain = TokenClaims {
            issuer: "https://a&b",
            audiences: vec!["x".into(), "y".into()],
            namespace: "ns",
            account,
            bound: None,
            id: "j".into(),
            now: Wall::from_seconds(1000),
            expires_after_seconds: 600,
            warns_after_seconds: None,
        };
        let own = r#""namespace":"ns","#;
        let account = r#""serviceaccount":{"name":"robot","uid":"u-1"}"#;
        let pod = r#""pod":{"name":"p","uid":"u-2"}"#;
        let cases = [
            (None, None, format!("{own}{account}")),
            (
                Some(Bound::Pod(named("p", "u-2"), None)),
                Some(607),
                format!(r#"{own}{pod},{account},"warnafter":1607"#),
            ),
            (
                Some(Bound::Pod(named("p", "u-2"), Some(named("n", "")))),
                None,
                format!(r#"{own}"node":{{"name":"n"}},{pod},{account}"#),
            ),
            (
                Some(Bound::Secret(named("s", "u-3"))),
                None,
                format!(r#"{own}"secret":{{"name":"s","uid":"u-3"}},{account}"#),
            ),
            (
                Some(Bound::Node(named("n", "u-4"))),
                None,
                format!(r#"{own}"node":{{"name":"n","uid":"u-4"}},{account}"#),
            ),
        ];
        let id = "system:serviceaccount:ns:robot";
        for (bound, warns_after_seconds, expected) in cases {
            let claims = TokenClaims { bound, warns_after_seconds, ..plain.clone() };
            let before = r#""aud":["x","y"],"exp":1600,"iat":1000,"iss":"https://a\u0026b","jti":"j""#;
            let expected = format!(r#"{{{before},"kubernetes.io":{{{expected}}},"nbf":1000,"sub":"{id}"}}"#);
            assert_eq!(json::to_string(&claims.payload()), expected);
        }
    }

    #[test]
    fn the_header_names_the_key() {
        let key = PublicKey::Ecdsa { curve: Curve::P256, x: Bytes::new(), y: Bytes::new() };
        let key = IssuerKey { id: "k".into(), key };
        let claims = TokenClaims {
            issuer: "",
            audiences: Vec::new(),
            namespace: "ns",
            account: named("a", "u"),
            bound: None,
            id: "j".into(),
            now: Wall(0),
            expires_after_seconds: 1,
            warns_after_seconds: None,
        };
        let text = claims.signed_text(&key);
        let (header, payload) = text.split_once('.').expect("two parts");
        let decoded = |part| String::from_utf8(base64::decode_url(part).expect("base64")).expect("UTF-8");
        assert_eq!(decoded(header), r#"{"alg":"ES256","kid":"k"}"#);
        assert!(
            decoded(payload).starts_with(r#"{"exp":1,"iat":0,"jti":"j","#),
            "{}",
            decoded(payload).to_string()
        );
    }
}
