//! Whom calls trust, and how they show who this server is.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use steersman_core::value::Text;
use steersman_core::wire::{CallError, Trust};

use super::untrusted;
use crate::authorities::{Authorities, ServerVerifier};
use crate::certificates::{self, Issued};

/// TLS configurations that are kept, since a large set of authorities takes long to read.
const KEPT_MAX: usize = 16;

/// Makes the TLS configurations of calls.
pub(super) struct Trusted {
    provider: Arc<CryptoProvider>,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    /// Client certificates, by the names that calls use for them.
    certificates: BTreeMap<Text, Issued>,
    /// The configurations that were used last, the oldest first.
    made: Vec<(Trust, Arc<ClientConfig>)>,
}

impl Trusted {
    pub(super) fn new(provider: Arc<CryptoProvider>) -> Self {
        Self { provider, held: Mutex::default() }
    }

    /// Adds client certificates, or exchanges those of the same names.
    pub(super) fn add(&self, certificates: impl IntoIterator<Item = (Text, Issued)>) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.certificates.extend(certificates);
        held.made.clear();
    }

    pub(super) fn config(&self, trust: &Trust) -> Result<Arc<ClientConfig>, CallError> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, config)) = held.made.iter().find(|(made, _)| made == trust) {
            return Ok(Arc::clone(config));
        }
        let config = Arc::new(self.make(trust, &held.certificates)?);
        if held.made.len() >= KEPT_MAX {
            held.made.remove(0);
        }
        held.made.push((trust.clone(), Arc::clone(&config)));
        Ok(config)
    }

    fn make(&self, trust: &Trust, certificates: &BTreeMap<Text, Issued>) -> Result<ClientConfig, CallError> {
        let builder = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()
            .map_err(untrusted)?;
        let builder = match trust.anybody {
            true => {
                let verifier = Arc::new(Unverified(Arc::clone(&self.provider)));
                builder.dangerous().with_custom_certificate_verifier(verifier)
            }
            false => {
                let verifier = ServerVerifier::new(self.authorities(trust)?);
                builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
            }
        };
        if trust.client_certificate.is_empty() {
            return Ok(builder.with_no_client_auth());
        }
        let name = &trust.client_certificate;
        let Some(own) = certificates.get(name) else {
            return Err(CallError::Untrusted(format!("there is no client certificate {name:?}").into()));
        };
        builder.with_client_auth_cert(own.chain.clone(), own.key.clone_key()).map_err(untrusted)
    }

    fn authorities(&self, trust: &Trust) -> Result<Authorities, CallError> {
        let pem = std::str::from_utf8(&trust.authorities).map_err(untrusted)?;
        let mut authorities = Authorities::new(Arc::clone(&self.provider));
        for authority in certificates::certificates(pem).map_err(untrusted)? {
            authorities.add(&authority).map_err(untrusted)?;
        }
        if trust.host {
            let pem = certificates::host_authorities().map_err(untrusted)?;
            for authority in certificates::certificates(&pem).map_err(untrusted)? {
                // The file is the host's: what cannot be read of it is of no use to anybody.
                let _ = authorities.add(&authority);
            }
        }
        Ok(authorities)
    }
}

/// Believes every certificate. That the server has the key of its certificate is verified nevertheless.
#[derive(Debug)]
struct Unverified(Arc<rustls::crypto::CryptoProvider>);

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
