//! The public keys by which tokens of the service account issuer are verified.

use crate::value::Text;
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
