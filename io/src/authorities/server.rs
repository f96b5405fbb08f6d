//! The certificates of servers that this one calls: a chain to an authority, and the name of the server.
//! Go: crypto/tls handshake_client.go verifyServerCertificate; crypto/x509 verify.go VerifyHostname, HostnameError

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use webpki::EndEntityCert;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;
use x509_parser::x509::X509Version;

use super::{Authorities, Usage, check_time};

/// Believes servers whose certificates the authorities have issued, for the name by which they were called.
#[derive(Debug)]
pub(crate) struct ServerVerifier(Authorities);

impl ServerVerifier {
    pub(crate) fn new(authorities: Authorities) -> Self {
        Self(authorities)
    }

    fn verify(
        &self,
        certificate: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), String> {
        let (_, parsed) = X509Certificate::from_der(certificate).map_err(|error| error.to_string())?;
        check_time(parsed.validity(), now)?;
        let is_named = parsed.version() == X509Version::V3
            && EndEntityCert::try_from(certificate)
                .map_err(|error| super::text(&error))?
                .verify_is_valid_for_subject_name(name)
                .is_ok();
        if !is_named {
            return Err(misnamed(&parsed, name));
        }
        self.0.verify(certificate, others, now, Usage::Server)
    }
}

/// How Go tells for which names a certificate is good.
fn misnamed(parsed: &X509Certificate<'_>, name: &ServerName<'_>) -> String {
    let wanted = name.to_str();
    let alternatives = parsed.subject_alternative_name().ok().flatten();
    let held = alternatives.as_ref().map(|held| held.value.general_names.as_slice()).unwrap_or_default();
    let common_name = parsed.subject().iter_common_name().last().and_then(|name| name.as_str().ok());
    if alternatives.is_none() && common_name.is_some_and(|common_name| is_match(common_name, &wanted)) {
        return "certificate relies on legacy Common Name field, use SANs instead".into();
    }
    let is_address = matches!(name, ServerName::IpAddress(_));
    let listed: Vec<String> = held
        .iter()
        .filter_map(|name| match name {
            GeneralName::DNSName(name) if !is_address => Some((*name).to_owned()),
            GeneralName::IPAddress(octets) if is_address => address(octets),
            _ => None,
        })
        // As many as Go names.
        .take(100)
        .collect();
    if listed.is_empty() {
        return match is_address {
            true => {
                format!("cannot validate certificate for {wanted} because it doesn't contain any IP SANs")
            }
            false => format!("certificate is not valid for any names, but wanted to match {wanted}"),
        };
    }
    format!("certificate is valid for {}, not {wanted}", listed.join(", "))
}

/// Whether a common name, which may begin with a wildcard, would name the host.
fn is_match(common_name: &str, host: &str) -> bool {
    let rest = |name: &str| name.split_once('.').map(|(_, rest)| rest.to_ascii_lowercase());
    match common_name.strip_prefix("*.") {
        Some(_) => rest(common_name) == rest(host),
        None => common_name.eq_ignore_ascii_case(host),
    }
}

fn address(octets: &[u8]) -> Option<String> {
    let address = match octets.len() {
        4 => IpAddr::from(<[u8; 4]>::try_from(octets).ok()?),
        _ => IpAddr::from(<[u8; 16]>::try_from(octets).ok()?),
    };
    Some(address.to_string())
}

/// Why a server is not believed, in Go's words.
#[derive(Debug)]
struct Distrust(String);

impl fmt::Display for Distrust {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.0)
    }
}

impl std::error::Error for Distrust {}

impl ServerCertVerifier for ServerVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.verify(end_entity, intermediates, server_name, now) {
            Ok(()) => Ok(ServerCertVerified::assertion()),
            Err(why) => Err(CertificateError::Other(OtherError(Arc::new(Distrust(why)))).into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.provider().signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.provider().signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.provider().signature_verification_algorithms.supported_schemes()
    }
}
