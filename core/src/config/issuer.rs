//! Public keys, and the signed tokens that are verified by them.

use crate::value::Text;
use alloc::vec::Vec;
use bytes::Bytes;

/// A public key of the issuer, and the name by which tokens refer to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerKey {
    pub id: Text,
    pub key: PublicKey,
}

/// The numbers of a public key, big-endian.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicKey {
    /// Without leading zeros.
    Rsa { modulus: Bytes, exponent: Bytes },
    /// Padded to the curve's size.
    Ecdsa { curve: Curve, x: Bytes, y: Bytes },
}

/// A token whose signature is to be verified: a JSON Web Token in its compact form, of which nothing is believed yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedToken {
    /// The whole token: header, claims and signature with a dot between them. It is a secret.
    pub token: Text,
    /// The last part, decoded.
    pub signature: Bytes,
    pub algorithm: TokenAlgorithm,
    /// The signature is good if it is that of one of these keys; at most `limits::TOKEN_KEYS` are tried.
    pub keys: Vec<PublicKey>,
}

impl SignedToken {
    /// What the signature is of.
    pub fn signed_text(&self) -> &[u8] {
        self.token.rsplit_once('.').map_or("", |(text, _)| text).as_bytes()
    }
}

/// How a token was signed, by the name that its header has for it.
/// k8s: gopkg.in/go-jose/go-jose.v2/shared.go
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenAlgorithm {
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    Es512,
}

impl TokenAlgorithm {
    pub const ALL: [Self; 9] = [
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Es256,
        Self::Es384,
        Self::Es512,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }
}

/// The curves that tokens are signed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    P256,
    P384,
    P521,
}

impl Curve {
    pub const ALL: [Self; 3] = [Self::P256, Self::P384, Self::P521];

    /// The name in JSON Web Keys.
    pub fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
        }
    }

    /// How long a coordinate is.
    pub fn coordinate_bytes(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }
}

impl PublicKey {
    /// The name of the algorithm in JSON Web Keys.
    pub fn algorithm(&self) -> &'static str {
        match self {
            Self::Rsa { .. } => "RS256",
            Self::Ecdsa { curve: Curve::P256, .. } => "ES256",
            Self::Ecdsa { curve: Curve::P384, .. } => "ES384",
            Self::Ecdsa { curve: Curve::P521, .. } => "ES512",
        }
    }
}
