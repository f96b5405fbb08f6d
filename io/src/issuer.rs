//! The keys of service account tokens, read from PEM files, and signatures with them.
//! k8s: staging/src/k8s.io/client-go/util/keyutil/key.go, pkg/serviceaccount/jwt.go

use std::path::Path;
use std::sync::OnceLock;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING,
    EcdsaKeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use bytes::Bytes;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::{PemObject, SectionKind};
use steersman_core::codec::base64;
use steersman_core::config::{Curve, IssuerKey, PublicKey};
use steersman_core::value::Text;
use x509_parser::certificate::X509Certificate;
use x509_parser::oid_registry::{OID_EC_P256, OID_NIST_EC_P384, OID_NIST_EC_P521, Oid};
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey as ParsedKey;
use x509_parser::x509::SubjectPublicKeyInfo;

use crate::verifier::TokenVerifier;

/// The first byte of an elliptic curve point that is given by both coordinates.
const UNCOMPRESSED: u8 = 4;

/// The public keys of a file with public keys, certificates or private keys; at least one. Other sections are
/// ignored.
pub fn public_keys(path: &Path) -> Result<Vec<IssuerKey>, String> {
    let keys: Vec<IssuerKey> = sections(path)?.into_iter().filter_map(|(kind, der)| key(kind, der)).collect();
    if keys.is_empty() {
        return Err(format!("{}: data does not contain any valid RSA or ECDSA public keys", path.display()));
    }
    Ok(keys)
}

/// The first private key of a file that tokens can be signed with, and the public key that belongs to it.
pub fn signing_key(path: &Path) -> Result<(IssuerKey, TokenSigner), String> {
    let private = sections(path)?.into_iter().filter(|(kind, _)| is_private(*kind));
    private
        .filter_map(|(kind, der)| {
            let public = key(kind, der.clone())?;
            let signer = TokenSigner::new(&public.key, &der)?;
            Some((public, signer))
        })
        .next()
        .ok_or_else(|| format!("{}: data does not contain a valid RSA or ECDSA private key", path.display()))
}

/// A private key that signs as JSON Web Signatures want it: an ECDSA signature is both of its numbers, one after the
/// other.
pub struct TokenSigner {
    pair: SigningPair,
    random: SystemRandom,
}

enum SigningPair {
    Rsa(Box<RsaKeyPair>),
    Ecdsa(EcdsaKeyPair),
}

impl TokenSigner {
    /// From the public key and the private key's DER, in the form that its file has. None for a key that cannot sign.
    fn new(public: &PublicKey, der: &[u8]) -> Option<Self> {
        let pair = match public {
            PublicKey::Rsa { .. } => {
                let pair = RsaKeyPair::from_pkcs8(der).or_else(|_| RsaKeyPair::from_der(der)).ok()?;
                SigningPair::Rsa(Box::new(pair))
            }
            PublicKey::Ecdsa { curve, .. } => {
                let algorithm = match curve {
                    Curve::P256 => &ECDSA_P256_SHA256_FIXED_SIGNING,
                    Curve::P384 => &ECDSA_P384_SHA384_FIXED_SIGNING,
                    Curve::P521 => &ECDSA_P521_SHA512_FIXED_SIGNING,
                };
                SigningPair::Ecdsa(EcdsaKeyPair::from_private_key_der(algorithm, der).ok()?)
            }
        };
        Some(Self { pair, random: SystemRandom::new() })
    }

    pub fn sign(&self, text: &[u8]) -> Result<Bytes, &'static str> {
        match &self.pair {
            SigningPair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                let signed = pair.sign(&RSA_PKCS1_SHA256, &self.random, text, &mut signature);
                signed.map(|()| signature.into()).map_err(|_| "the RSA key cannot sign")
            }
            SigningPair::Ecdsa(pair) => match pair.sign(&self.random, text) {
                Ok(signature) => Ok(Bytes::copy_from_slice(signature.as_ref())),
                Err(_) => Err("the ECDSA key cannot sign"),
            },
        }
    }
}

/// What a server signs and verifies tokens with.
#[derive(Debug, Default)]
pub(crate) struct TokenKeys {
    /// The private key of the service account issuer, if there is one.
    pub(crate) signer: HeldSigner,
    pub(crate) verifier: TokenVerifier,
}

/// The place of a key that a server may have.
#[derive(Debug, Default)]
pub(crate) struct HeldSigner(OnceLock<TokenSigner>);

impl HeldSigner {
    /// The first key stays.
    pub(crate) fn set(&self, signer: TokenSigner) {
        let _ = self.0.set(signer);
    }

    pub(crate) fn sign(&self, text: &[u8]) -> Result<Bytes, Text> {
        let signer = self.0.get().ok_or("this server has no signing key")?;
        signer.sign(text).map_err(Text::from)
    }
}

impl std::fmt::Debug for TokenSigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenSigner")
    }
}

fn sections(path: &Path) -> Result<Vec<(SectionKind, Vec<u8>)>, String> {
    let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let pem = std::fs::read(path).map_err(|error| failed(&error))?;
    <(SectionKind, Vec<u8>)>::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .map_err(|error| failed(&format!("not PEM: {error}")))
}

fn is_private(kind: SectionKind) -> bool {
    matches!(kind, SectionKind::PrivateKey | SectionKind::RsaPrivateKey | SectionKind::EcPrivateKey)
}

fn key(kind: SectionKind, der: Vec<u8>) -> Option<IssuerKey> {
    match kind {
        SectionKind::PublicKey => of_info(&der),
        SectionKind::Certificate => {
            let (_, certificate) = X509Certificate::from_der(&der).ok()?;
            of_info(certificate.public_key().raw)
        }
        private if is_private(private) => {
            let private = PrivateKeyDer::from_pem(private, der)?;
            of_info(&any_supported_type(&private).ok()?.public_key()?)
        }
        _ => None,
    }
}

/// A key from its SubjectPublicKeyInfo. Its id is the digest of that.
fn of_info(info: &[u8]) -> Option<IssuerKey> {
    let (_, parsed) = SubjectPublicKeyInfo::from_der(info).ok()?;
    let id = base64::encode_url(digest(&SHA256, info).as_ref());
    let key = match parsed.parsed().ok()? {
        ParsedKey::RSA(rsa) => {
            PublicKey::Rsa { modulus: unpadded(rsa.modulus), exponent: unpadded(rsa.exponent) }
        }
        ParsedKey::EC(point) => {
            let curve = curve(parsed.algorithm.parameters.as_ref()?.as_oid().ok()?)?;
            let coordinates = point.data().strip_prefix(&[UNCOMPRESSED])?;
            let (x, y) = coordinates.split_at_checked(curve.coordinate_bytes())?;
            if x.len() != y.len() {
                return None;
            }
            PublicKey::Ecdsa { curve, x: Bytes::copy_from_slice(x), y: Bytes::copy_from_slice(y) }
        }
        _ => return None,
    };
    Some(IssuerKey { id: id.into(), key })
}

fn curve(id: Oid<'_>) -> Option<Curve> {
    let known =
        [(OID_EC_P256, Curve::P256), (OID_NIST_EC_P384, Curve::P384), (OID_NIST_EC_P521, Curve::P521)];
    known.into_iter().find(|(known, _)| *known == id).map(|(_, curve)| curve)
}

fn unpadded(number: &[u8]) -> Bytes {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    Bytes::copy_from_slice(number.get(zeros..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED,
        RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
    };
    use rcgen::{CertificateParams, KeyPair};

    fn written(pem: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), pem).expect("a file that can be written");
        file
    }

    /// Checks a signature with nothing but the numbers that the issuer publishes.
    fn verify(key: &PublicKey, text: &[u8], signature: &[u8]) {
        let verified = match key {
            PublicKey::Rsa { modulus, exponent } => {
                let key = RsaPublicKeyComponents { n: modulus, e: exponent };
                key.verify(&RSA_PKCS1_2048_8192_SHA256, text, signature)
            }
            PublicKey::Ecdsa { curve, x, y } => {
                let algorithm = match curve {
                    Curve::P256 => &ECDSA_P256_SHA256_FIXED,
                    Curve::P384 => &ECDSA_P384_SHA384_FIXED,
                    Curve::P521 => &ECDSA_P521_SHA512_FIXED,
                };
                assert_eq!(signature.len(), 2 * curve.coordinate_bytes());
                let point = [&[UNCOMPRESSED], &x[..], &y[..]].concat();
                UnparsedPublicKey::new(algorithm, point).verify(text, signature)
            }
        };
        verified.expect("the signature is the key's");
    }

    #[test]
    fn a_key_is_the_same_in_every_form() {
        let algorithms = [
            (&rcgen::PKCS_ECDSA_P256_SHA256, 32),
            (&rcgen::PKCS_ECDSA_P384_SHA384, 48),
            (&rcgen::PKCS_ECDSA_P521_SHA512, 66),
            (&rcgen::PKCS_RSA_SHA256, 256),
        ];
        for (algorithm, bytes) in algorithms {
            let pair = KeyPair::generate_for(algorithm).expect("a key");
            let params = CertificateParams::new(vec!["issuer".into()]).expect("a name");
            let certificate = params.self_signed(&pair).expect("a certificate").pem();
            let file = written(&[pair.serialize_pem(), pair.public_key_pem(), certificate].concat());
            let keys = public_keys(file.path()).expect("keys");
            let (signing, signer) = signing_key(file.path()).expect("a key");
            verify(&signing.key, b"text", &signer.sign(b"text").expect("a signature"));
            assert_eq!(keys, [signing.clone(), signing.clone(), signing.clone()]);
            let length = match &signing.key {
                PublicKey::Rsa { modulus, exponent } if exponent == &[1_u8, 0, 1][..] => modulus.len(),
                PublicKey::Rsa { .. } => 0,
                PublicKey::Ecdsa { x, y, .. } => (x.len() + y.len()) / 2,
            };
            assert_eq!(length, bytes);
        }
    }

    #[test]
    fn a_key_is_named_by_its_digest() {
        let file = written(
            "-----BEGIN PUBLIC KEY-----\n\
             MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEhoXtVo2oAaNlD1oT4andMsiJnX6N\n\
             c6G5xuqs4W+tqeDZWMXG4lcsvDgq37nrv+iPxTHR3Qv2KzVmtIoUURVHVA==\n\
             -----END PUBLIC KEY-----",
        );
        let keys = public_keys(file.path()).expect("keys");
        assert_eq!(keys[0].id, "m77I1SAUBMmagNRkKsHvpZ8VURKjpkghM_Ye6kxiPVA");
        assert!(signing_key(file.path()).is_err());
        for bad in ["", "x", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"] {
            assert!(public_keys(written(bad).path()).is_err(), "{bad}");
        }
    }
}
