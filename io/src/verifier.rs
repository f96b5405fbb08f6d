//! Signatures of tokens. One that was good is remembered, so that a client who sends the same token with every request
//! costs one verification.
//! k8s: gopkg.in/go-jose/go-jose.v2/asymmetric.go, staging/src/k8s.io/apiserver/pkg/authentication/token/cache

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use steersman_core::config::{Curve, PublicKey, SignedToken, TokenAlgorithm};
use steersman_core::limits;

/// The first byte of an elliptic curve point that is given by both coordinates.
const UNCOMPRESSED: u8 = 4;

/// Verifies signatures, and knows which were good.
#[derive(Debug, Default)]
pub(crate) struct TokenVerifier(Mutex<Verified>);

/// The keys by which tokens are good, by the SHA-256 of the token. When the recent half is full it becomes the older
/// one, and what was not used meanwhile is forgotten.
#[derive(Debug, Default)]
struct Verified {
    recent: BTreeMap<[u8; 32], PublicKey>,
    older: BTreeMap<[u8; 32], PublicKey>,
}

impl TokenVerifier {
    /// Whether the signature is that of one of the token's keys.
    pub(crate) fn verify(&self, token: &SignedToken) -> bool {
        let name = name_of(&token.token);
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner).find(name);
        if held.is_some_and(|key| token.keys.contains(&key)) {
            return true;
        }
        let mut keys = token.keys.iter().take(limits::TOKEN_KEYS);
        let Some(key) = keys.find(|key| is_signed(key, token)) else { return false };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).keep(name, key.clone());
        true
    }

    /// Whether the signature of this token was good. It may have ended meanwhile, and so may its user.
    pub(crate) fn knows(&self, token: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).find(name_of(token)).is_some()
    }
}

impl Verified {
    fn find(&mut self, name: [u8; 32]) -> Option<PublicKey> {
        if let Some(key) = self.recent.get(&name) {
            return Some(key.clone());
        }
        let key = self.older.remove(&name)?;
        self.keep(name, key.clone());
        Some(key)
    }

    fn keep(&mut self, name: [u8; 32], key: PublicKey) {
        if self.recent.len() >= limits::VERIFIED_TOKENS / 2 {
            self.older = std::mem::take(&mut self.recent);
        }
        self.recent.insert(name, key);
    }
}

fn name_of(token: &str) -> [u8; 32] {
    digest(&SHA256, token.as_bytes()).as_ref().try_into().expect("SHA-256 has 32 bytes")
}

/// Whether it is this key that has signed the token, in the way that the token says.
fn is_signed(key: &PublicKey, token: &SignedToken) -> bool {
    let (text, signature) = (token.signed_text(), &token.signature);
    match (token.algorithm, key) {
        (algorithm, PublicKey::Rsa { modulus, exponent }) => rsa(algorithm).is_some_and(|parameters| {
            RsaPublicKeyComponents { n: modulus, e: exponent }.verify(parameters, text, signature).is_ok()
        }),
        (algorithm, PublicKey::Ecdsa { curve, x, y }) => {
            let (own, parameters) = match curve {
                Curve::P256 => (TokenAlgorithm::Es256, &ECDSA_P256_SHA256_FIXED),
                Curve::P384 => (TokenAlgorithm::Es384, &ECDSA_P384_SHA384_FIXED),
                Curve::P521 => (TokenAlgorithm::Es512, &ECDSA_P521_SHA512_FIXED),
            };
            let point = [&[UNCOMPRESSED], &x[..], &y[..]].concat();
            own == algorithm && UnparsedPublicKey::new(parameters, point).verify(text, signature).is_ok()
        }
    }
}

fn rsa(algorithm: TokenAlgorithm) -> Option<&'static RsaParameters> {
    match algorithm {
        TokenAlgorithm::Rs256 => Some(&RSA_PKCS1_2048_8192_SHA256),
        TokenAlgorithm::Rs384 => Some(&RSA_PKCS1_2048_8192_SHA384),
        TokenAlgorithm::Rs512 => Some(&RSA_PKCS1_2048_8192_SHA512),
        TokenAlgorithm::Ps256 => Some(&RSA_PSS_2048_8192_SHA256),
        TokenAlgorithm::Ps384 => Some(&RSA_PSS_2048_8192_SHA384),
        TokenAlgorithm::Ps512 => Some(&RSA_PSS_2048_8192_SHA512),
        TokenAlgorithm::Es256 | TokenAlgorithm::Es384 | TokenAlgorithm::Es512 => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::issuer;
    use rcgen::KeyPair;
    use steersman_core::codec::base64;

    /// A key, and a token that it has signed.
    fn signed(algorithm: &'static rcgen::SignatureAlgorithm, name: &str) -> SignedToken {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let pem = KeyPair::generate_for(algorithm).expect("a key").serialize_pem();
        std::fs::write(file.path(), pem).expect("a file that can be written");
        let (key, signer) = issuer::signing_key(file.path()).expect("a key");
        assert_eq!(key.key.algorithm(), name);
        let text = "e30.e30";
        let signature = signer.sign(text.as_bytes()).expect("a signature");
        let token = format!("{text}.{}", base64::encode_url(&signature)).into();
        let algorithm = TokenAlgorithm::named(name).expect("a name");
        SignedToken { token, signature, algorithm, keys: vec![key.key] }
    }

    #[test]
    fn a_signature_is_good_by_its_key_and_algorithm_only() {
        let algorithms = [
            (&rcgen::PKCS_RSA_SHA256, "RS256"),
            (&rcgen::PKCS_ECDSA_P256_SHA256, "ES256"),
            (&rcgen::PKCS_ECDSA_P384_SHA384, "ES384"),
            (&rcgen::PKCS_ECDSA_P521_SHA512, "ES512"),
        ];
        let tokens: Vec<SignedToken> =
            algorithms.into_iter().map(|(algorithm, name)| signed(algorithm, name)).collect();
        for token in &tokens {
            let fresh = TokenVerifier::default();
            assert!(!fresh.knows(&token.token));
            let others = tokens.iter().filter(|other| other != &token);
            let keys: Vec<PublicKey> = others.flat_map(|other| other.keys.clone()).collect();
            let all = [&keys[..], &token.keys].concat();
            for algorithm in TokenAlgorithm::ALL {
                let odd = SignedToken { algorithm, keys: all.clone(), ..token.clone() };
                assert_eq!(
                    TokenVerifier::default().verify(&odd),
                    algorithm == token.algorithm,
                    "{algorithm:?}"
                );
            }
            assert!(fresh.verify(token) && fresh.knows(&token.token) && fresh.verify(token));
            for bad in [
                SignedToken { keys: keys.clone(), ..token.clone() },
                SignedToken { keys: Vec::new(), ..token.clone() },
                SignedToken { token: "e30.e31.x".into(), ..token.clone() },
                SignedToken {
                    token: "e31.e30.x".into(),
                    signature: token.signature.slice(1..),
                    ..token.clone()
                },
                SignedToken { token: "".into(), signature: bytes::Bytes::new(), ..token.clone() },
            ] {
                assert!(
                    !fresh.verify(&bad) && (bad.token == token.token || !fresh.knows(&bad.token)),
                    "{bad:?}"
                );
            }
        }
    }

    #[test]
    fn the_oldest_tokens_are_forgotten() {
        let key = PublicKey::Rsa { modulus: bytes::Bytes::new(), exponent: bytes::Bytes::new() };
        let mut held = Verified::default();
        let name = |number: usize| name_of(&number.to_string());
        for number in 0..limits::VERIFIED_TOKENS * 2 {
            held.keep(name(number), key.clone());
            assert!(held.recent.len() + held.older.len() <= limits::VERIFIED_TOKENS);
            assert!(held.find(name(0)).is_some(), "what is used is kept");
        }
        assert!(held.find(name(1)).is_none());
    }
}
