//! Whether certificates are believed, as Go's crypto/x509 verifies them: the chain from a certificate to authorities
//! that are trusted. `webpki` builds chains. What it decides otherwise than Go is decided here:
//!
//! - A certificate that is itself one of those trusted needs no chain.
//! - A certificate may be that of an authority and serve all the same (`leaf`).
//! - An authority that is trusted must be valid at the time and entitled to sign.
//! - A client's certificate may be of X.509 version 1 (`version1`).
//!
//! Go: crypto/x509 verify.go Verify, isValid, buildChains, checkChainForKeyUsage; x509.go CheckSignatureFrom

mod leaf;
mod server;
mod version1;

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls_pki_types::{
    CertificateDer, SignatureVerificationAlgorithm, SubjectPublicKeyInfoDer, TrustAnchor, UnixTime,
};
use steersman_core::now::Wall;
use webpki::{
    EndEntityCert, Error, ExtendedKeyUsageValidator, KeyPurposeId, KeyPurposeIdIter, KeyUsage, VerifiedPath,
    anchor_from_trusted_cert,
};
use x509_parser::certificate::{Validity, X509Certificate};
use x509_parser::prelude::FromDer;
use x509_parser::x509::X509Version;

pub(crate) use server::ServerVerifier;

/// What Go says of a certificate to which no chain leads.
const UNKNOWN: &str = "certificate signed by unknown authority";
const NOT_USABLE: &str = "certificate specifies an incompatible key usage";
const TOO_MANY: &str = "too many intermediates for path length constraint";
/// `anyExtendedKeyUsage`, as DER.
const ANY_USAGE: KeyPurposeId<'static> = KeyPurposeId::new(&[0x55, 0x1d, 0x25, 0x00]);
const SERVER_USAGE: KeyPurposeId<'static> =
    KeyPurposeId::new(&[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01]);
const CLIENT_USAGE: KeyPurposeId<'static> =
    KeyPurposeId::new(&[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02]);

/// What a certificate is shown for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Usage {
    Server,
    Client,
}

/// Authorities that are trusted for the same.
#[derive(Debug)]
pub(crate) struct Authorities {
    provider: Arc<CryptoProvider>,
    /// As `webpki` knows them, in the order of `trusted`.
    anchors: Vec<TrustAnchor<'static>>,
    trusted: Vec<Trusted>,
}

/// What else is known of a certificate that is trusted.
#[derive(Debug)]
struct Trusted {
    der: CertificateDer<'static>,
    subject: Vec<u8>,
    public_key: SubjectPublicKeyInfoDer<'static>,
    validity: Validity,
    may_sign: bool,
    /// How many authorities may stand between it and a certificate.
    path_length_max: Option<usize>,
    serves_servers: bool,
    serves_clients: bool,
}

impl Authorities {
    pub(crate) fn new(provider: Arc<CryptoProvider>) -> Self {
        Self { provider, anchors: Vec::new(), trusted: Vec::new() }
    }

    /// Trusts a certificate. Fails if it cannot be read.
    pub(crate) fn add(&mut self, certificate: &CertificateDer<'_>) -> Result<(), String> {
        let anchor = anchor_from_trusted_cert(certificate).map_err(|error| error.to_string())?;
        let (_, parsed) = X509Certificate::from_der(certificate).map_err(|error| error.to_string())?;
        let trusted = Trusted::new(certificate, &parsed)?;
        self.anchors.push(anchor.to_owned());
        self.trusted.push(trusted);
        Ok(())
    }

    /// The subjects of the authorities, as DER, in their order.
    pub(crate) fn subjects(&self) -> impl Iterator<Item = &[u8]> {
        self.trusted.iter().map(|trusted| trusted.subject.as_slice())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.trusted.is_empty()
    }

    pub(crate) fn provider(&self) -> &CryptoProvider {
        &self.provider
    }

    /// Whether a chain leads from the certificate to an authority. `others` are those that were sent with it.
    ///
    /// # Errors
    /// Why the certificate is not believed, in Go's words.
    pub(crate) fn verify(
        &self,
        certificate: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
        usage: Usage,
    ) -> Result<(), String> {
        let (_, parsed) = X509Certificate::from_der(certificate).map_err(|error| error.to_string())?;
        let is_trusted = self.trusted.iter().any(|trusted| trusted.der == *certificate);
        if parsed.version() != X509Version::V3 {
            check_own(&parsed, now, usage)?;
            return match is_trusted {
                true => Ok(()),
                false => self.verify_direct(&parsed, now, usage),
            };
        }
        let own = EndEntityCert::try_from(certificate).map_err(|error| text(&error))?;
        if is_trusted {
            return check_own(&parsed, now, usage);
        }
        let algorithms = self.provider.signature_verification_algorithms.all;
        let may_end = |path: &VerifiedPath<'_>| self.may_end(path, now, usage);
        let chain = |own: &EndEntityCert<'_>, algorithms: &[&dyn SignatureVerificationAlgorithm]| {
            let anchors = &self.anchors;
            let path = own.verify_for_usage(algorithms, anchors, others, now, usage, None, Some(&may_end));
            path.map(drop).map_err(|error| text(&error))
        };
        let Some(shown) = leaf::as_leaf(certificate, &parsed) else { return chain(&own, algorithms) };
        let over = shown.algorithms(algorithms);
        let over: Vec<&dyn SignatureVerificationAlgorithm> = over.iter().map(|one| one as _).collect();
        let own = EndEntityCert::try_from(shown.certificate()).map_err(|error| text(&error))?;
        chain(&own, &over)
    }

    /// Whether a chain may end where it does: `webpki` takes the keys of authorities, and asks nothing else of them.
    fn may_end(&self, path: &VerifiedPath<'_>, now: UnixTime, usage: Usage) -> Result<(), Error> {
        for between in path.intermediate_certificates() {
            let der = between.der();
            let (_, parsed) = X509Certificate::from_der(&der).map_err(|_| Error::BadDer)?;
            if !has_signing_usage(&parsed) {
                return Err(Error::UnknownIssuer);
            }
        }
        let ends_at = self.anchors.iter().position(|anchor| std::ptr::eq(anchor, path.anchor()));
        let end = ends_at.and_then(|index| self.trusted.get(index)).ok_or(Error::UnknownIssuer)?;
        end.check(path.intermediate_certificates().count(), now, usage)
    }

    /// Whether one of the authorities has issued the certificate itself.
    fn verify_direct(
        &self,
        certificate: &X509Certificate<'_>,
        now: UnixTime,
        usage: Usage,
    ) -> Result<(), String> {
        let issuer = certificate.issuer().as_raw();
        let named = self.trusted.iter().filter(|trusted| trusted.subject == issuer);
        let signed =
            |trusted: &&Trusted| version1::is_signed(&self.provider, &trusted.public_key, certificate);
        let mut refused = String::from(UNKNOWN);
        for issuer in named.filter(signed) {
            match issuer.check(0, now, usage) {
                Ok(()) => return Ok(()),
                Err(why) => refused = text(&why),
            }
        }
        Err(refused)
    }
}

impl Trusted {
    fn new(der: &CertificateDer<'_>, parsed: &X509Certificate<'_>) -> Result<Self, String> {
        let constraints = parsed.basic_constraints().map_err(|error| error.to_string())?;
        let is_authority = constraints.as_ref().is_some_and(|found| found.value.ca);
        let path_length_max = constraints.and_then(|found| found.value.path_len_constraint);
        Ok(Self {
            der: der.clone().into_owned(),
            subject: parsed.subject().as_raw().to_vec(),
            public_key: parsed.public_key().raw.to_vec().into(),
            validity: parsed.validity().clone(),
            may_sign: (is_authority || parsed.version() != X509Version::V3) && has_signing_usage(parsed),
            path_length_max: path_length_max.and_then(|length| usize::try_from(length).ok()),
            serves_servers: serves(parsed, Usage::Server),
            serves_clients: serves(parsed, Usage::Client),
        })
    }

    /// Whether a chain may end with this one, after so many authorities between it and a certificate.
    fn check(&self, between: usize, now: UnixTime, usage: Usage) -> Result<(), Error> {
        let seconds = seconds(now);
        let at = |time: i64| UnixTime::since_unix_epoch(std::time::Duration::from_secs(time.unsigned_abs()));
        let (begin, end) = (self.validity.not_before.timestamp(), self.validity.not_after.timestamp());
        if !self.may_sign {
            return Err(Error::UnknownIssuer);
        }
        if seconds > end {
            return Err(Error::CertExpired { time: now, not_after: at(end) });
        }
        if seconds < begin {
            return Err(Error::CertNotValidYet { time: now, not_before: at(begin) });
        }
        if self.path_length_max.is_some_and(|most| between > most) {
            return Err(Error::PathLenConstraintViolated);
        }
        let serves = match usage {
            Usage::Server => self.serves_servers,
            Usage::Client => self.serves_clients,
        };
        // Every certificate of a chain must allow the usage, if it limits usages at all.
        match serves {
            true => Ok(()),
            false => Err(Error::EmptyEkuExtension),
        }
    }
}

impl ExtendedKeyUsageValidator for Usage {
    fn validate(&self, purposes: KeyPurposeIdIter<'_, '_>) -> Result<(), Error> {
        let (wanted, usage) = match self {
            Self::Server => (SERVER_USAGE, KeyUsage::server_auth()),
            Self::Client => (CLIENT_USAGE, KeyUsage::client_auth()),
        };
        let mut is_limited = false;
        for purpose in purposes {
            let purpose = purpose?;
            if purpose == wanted || purpose == ANY_USAGE {
                return Ok(());
            }
            is_limited = true;
        }
        match is_limited {
            false => Ok(()),
            true => Err(Error::RequiredEkuNotFoundContext(webpki::RequiredEkuNotFoundContext {
                required: usage,
                present: Vec::new(),
            })),
        }
    }
}

/// What is wrong with a certificate, whoever has issued it.
fn check_own(parsed: &X509Certificate<'_>, now: UnixTime, usage: Usage) -> Result<(), String> {
    check_time(parsed.validity(), now)?;
    match serves(parsed, usage) {
        true => Ok(()),
        false => Err(NOT_USABLE.into()),
    }
}

fn check_time(validity: &Validity, now: UnixTime) -> Result<(), String> {
    let seconds = seconds(now);
    let (begin, end) = (validity.not_before.timestamp(), validity.not_after.timestamp());
    if seconds > end {
        return Err(out_of_time(seconds, "after", end));
    }
    if seconds < begin {
        return Err(out_of_time(seconds, "before", begin));
    }
    Ok(())
}

fn out_of_time(now: i64, side: &str, bound: i64) -> String {
    let (now, bound) = (Wall::from_seconds(now).rfc3339(), Wall::from_seconds(bound).rfc3339());
    format!("certificate has expired or is not yet valid: current time {now} is {side} {bound}")
}

/// Whether the usages of a certificate, if it limits them, contain this one.
fn serves(parsed: &X509Certificate<'_>, usage: Usage) -> bool {
    match parsed.extended_key_usage() {
        Ok(None) => true,
        Ok(Some(limits)) => {
            let serves = match usage {
                Usage::Server => limits.value.server_auth,
                Usage::Client => limits.value.client_auth,
            };
            limits.value.any || serves
        }
        Err(_) => false,
    }
}

/// Whether the key of a certificate may sign others, if the usages of the key are limited.
fn has_signing_usage(parsed: &X509Certificate<'_>) -> bool {
    match parsed.key_usage() {
        Ok(None) => true,
        Ok(Some(usage)) => usage.value.key_cert_sign(),
        Err(_) => false,
    }
}

fn seconds(time: UnixTime) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}

/// In Go's words.
fn text(error: &Error) -> String {
    match error {
        Error::UnknownIssuer | Error::InvalidSignatureForPublicKey => UNKNOWN.into(),
        Error::CertExpired { time, not_after } => out_of_time(seconds(*time), "after", seconds(*not_after)),
        Error::CertNotValidYet { time, not_before } => {
            out_of_time(seconds(*time), "before", seconds(*not_before))
        }
        Error::RequiredEkuNotFoundContext(_) | Error::EmptyEkuExtension => NOT_USABLE.into(),
        Error::PathLenConstraintViolated => TOO_MANY.into(),
        Error::EndEntityUsedAsCa => "certificate is not authorized to sign other certificates".into(),
        Error::UnsupportedCriticalExtension => "unhandled critical extension".into(),
        Error::NameConstraintViolation => {
            "a root or intermediate certificate is not authorized to sign for this name".into()
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
