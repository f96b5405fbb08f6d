//! Client certificates. The handshake accepts any, and they are verified afterwards against the client authorities,
//! because a request with a bad certificate must be answered with 401 and not with a closed connection.
//! k8s: staging/src/k8s.io/apiserver/pkg/authentication/request/x509/x509.go

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, verify_tls13_signature_with_raw_key};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, PeerMisbehaved, SignatureScheme,
};
use rustls_pki_types::{CertificateDer, SubjectPublicKeyInfoDer, UnixTime};
use steersman_core::value::Text;
use steersman_core::wire::Peer;
use webpki::RawPublicKeyEntity;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use crate::authorities::{Authorities, Usage};

/// The authorities of `--client-ca-file`, and those of `--requestheader-client-ca-file`.
#[derive(Debug)]
pub struct ClientCas {
    provider: Arc<CryptoProvider>,
    clients: Authorities,
    /// Those of front proxies. They prove nothing about other clients.
    proxies: Option<Authorities>,
    subjects: Vec<DistinguishedName>,
}

/// The identity that a connection's certificate proves, and until when.
#[derive(Clone, Debug)]
pub struct Proof {
    peer: Peer,
    /// Seconds since 1970 at which the certificate expires.
    not_after: i64,
}

impl ClientCas {
    /// Fails, naming the certificate, if one cannot be an authority.
    pub fn new(
        provider: Arc<CryptoProvider>,
        certificates: &[CertificateDer<'static>],
    ) -> Result<Self, String> {
        let clients = pool(&provider, certificates)?;
        let subjects = hints([&clients]);
        Ok(Self { provider, clients, proxies: None, subjects })
    }

    /// The authorities of front proxies, and those of other clients, which may be none.
    pub fn with_proxies(
        provider: Arc<CryptoProvider>,
        certificates: &[CertificateDer<'static>],
        proxies: &[CertificateDer<'static>],
    ) -> Result<Self, String> {
        let clients = match certificates {
            [] => Authorities::new(Arc::clone(&provider)),
            some => pool(&provider, some)?,
        };
        let proxies = pool(&provider, proxies)?;
        let subjects = hints([&clients, &proxies]);
        Ok(Self { provider, clients, proxies: Some(proxies), subjects })
    }

    /// Verifies the certificates that a client sent, its own first.
    pub fn judge(&self, chain: &[CertificateDer<'_>], now: UnixTime) -> Proof {
        let Some((own, intermediates)) = chain.split_first() else { return Proof::none() };
        let identify = |pool: &Authorities| {
            pool.verify(own, intermediates, now, Usage::Client).and_then(|()| identity(own))
        };
        let as_client = match self.clients.is_empty() {
            true => Ok(Proof::none()),
            false => identify(&self.clients),
        };
        let as_proxy = self.proxies.as_ref().map(identify);
        match (as_client, as_proxy) {
            (client, Some(Ok(proxy))) => {
                let client = client.unwrap_or_else(|why| Proof::rejected(&why));
                Proof { peer: proxied(proxy.peer, client.peer), not_after: proxy.not_after }
            }
            (Ok(proof), None) => proof,
            // Without other authorities, a certificate that is no proxy's proves nothing, and is bad.
            (Ok(proof), Some(Err(why))) if matches!(proof.peer, Peer::None) => Proof::rejected(&why),
            (Ok(proof), Some(Err(_))) => proof,
            (Err(why), None | Some(Err(_))) => Proof::rejected(&why),
        }
    }
}

fn proxied(proxy: Peer, own: Peer) -> Peer {
    match proxy {
        Peer::Certificate { common_name, .. } => Peer::FrontProxy { common_name, own: Box::new(own) },
        Peer::None | Peer::Rejected(_) | Peer::FrontProxy { .. } => own,
    }
}

/// The names of authorities, which tell clients whose certificates are asked for.
fn hints<'a>(pools: impl IntoIterator<Item = &'a Authorities>) -> Vec<DistinguishedName> {
    // A hint is the sequence with its header.
    let subjects = pools.into_iter().flat_map(Authorities::subjects);
    subjects.map(|subject| DistinguishedName::from(subject.to_vec())).collect()
}

/// Authorities that prove the same; at least one.
fn pool(
    provider: &Arc<CryptoProvider>,
    certificates: &[CertificateDer<'static>],
) -> Result<Authorities, String> {
    let mut pool = Authorities::new(Arc::clone(provider));
    for (index, certificate) in certificates.iter().enumerate() {
        pool.add(certificate)
            .map_err(|error| format!("certificate {} is not usable as an authority: {error}", index + 1))?;
    }
    if pool.is_empty() {
        return Err("no certificates found".into());
    }
    Ok(pool)
}

impl Proof {
    /// The proof of a connection without a client certificate.
    pub fn none() -> Self {
        Self { peer: Peer::None, not_after: i64::MAX }
    }

    /// The identity of a client that needs no certificate, because it is this program itself.
    pub fn trusted(common_name: &str, organization: &str) -> Self {
        let peer = Peer::Certificate {
            common_name: common_name.into(),
            organizations: vec![organization.into()],
            fingerprint: None,
        };
        Self { peer, not_after: i64::MAX }
    }

    /// Whether the client has presented a certificate that was verified.
    pub(crate) fn names_somebody(&self) -> bool {
        match self.peer {
            Peer::Certificate { .. } | Peer::FrontProxy { .. } => true,
            Peer::Rejected(_) | Peer::None => false,
        }
    }

    fn rejected(why: &str) -> Self {
        Self { peer: Peer::Rejected(why.into()), not_after: i64::MAX }
    }

    /// The identity at a time. A certificate that has expired since the handshake proves nothing.
    pub fn peer_at(&self, seconds: i64) -> Peer {
        if seconds > self.not_after {
            Peer::Rejected("certificate has expired".into())
        } else {
            self.peer.clone()
        }
    }
}

/// The common name, organizations and fingerprint of a verified certificate.
fn identity(certificate: &CertificateDer<'_>) -> Result<Proof, String> {
    let (_, parsed) = X509Certificate::from_der(certificate).map_err(|error| error.to_string())?;
    let subject = parsed.subject();
    let common_name =
        subject.iter_common_name().last().and_then(|name| name.as_str().ok()).unwrap_or_default();
    let organizations =
        subject.iter_organization().filter_map(|name| name.as_str().ok()).map(Text::from).collect();
    let fingerprint = digest(&SHA256, certificate).as_ref().try_into().ok();
    let peer = Peer::Certificate { common_name: common_name.into(), organizations, fingerprint };
    Ok(Proof { peer, not_after: parsed.validity().not_after.timestamp() })
}

/// Asks for a certificate, and only checks that the client has its key.
#[derive(Debug)]
pub struct AnyCertificate {
    cas: Arc<ClientCas>,
}

impl AnyCertificate {
    pub fn new(cas: Arc<ClientCas>) -> Self {
        Self { cas }
    }
}

impl ClientCertVerifier for AnyCertificate {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    /// Clients choose the certificate to send by these names.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.cas.subjects
    }

    fn verify_client_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.cas.provider.signature_verification_algorithms;
        let possible = algorithms.mapping.iter().find(|(scheme, _)| *scheme == signature.scheme);
        let (_, possible) = possible.ok_or(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme)?;
        let key = public_key(certificate)?;
        let key = RawPublicKeyEntity::try_from(&key).map_err(|_| CertificateError::BadEncoding)?;
        match possible.iter().any(|one| key.verify_signature(*one, message, signature.signature()).is_ok()) {
            true => Ok(HandshakeSignatureValid::assertion()),
            false => Err(CertificateError::BadSignature.into()),
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.cas.provider.signature_verification_algorithms;
        verify_tls13_signature_with_raw_key(message, &public_key(certificate)?, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.cas.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// The public key of a certificate of any version.
fn public_key(certificate: &CertificateDer<'_>) -> Result<SubjectPublicKeyInfoDer<'static>, Error> {
    let (_, parsed) = X509Certificate::from_der(certificate).map_err(|_| CertificateError::BadEncoding)?;
    Ok(parsed.public_key().raw.to_vec().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificates::Authority;
    use std::time::Duration;

    #[test]
    fn certificates_are_judged_by_their_authority() {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let ours = Authority::create("ours").expect("an authority");
        let other = Authority::create("other").expect("an authority");
        let cas = ClientCas::new(provider, &[ours.certificate().clone()]).expect("a pool");
        let good = ours.issue_client("alice", "devs").expect("a certificate");
        let foreign = other.issue_client("alice", "system:masters").expect("a certificate");
        let serving = ours.issue_server("kube", &["localhost".into()], &[]).expect("a certificate");
        let alice = Peer::Certificate {
            common_name: "alice".into(),
            organizations: vec!["devs".into()],
            fingerprint: digest(&SHA256, &good.chain[0]).as_ref().try_into().ok(),
        };
        let now = UnixTime::now();
        let late = UnixTime::since_unix_epoch(Duration::from_secs(now.as_secs() + 40 * 365 * 86_400));
        let none: Vec<CertificateDer<'static>> = Vec::new();
        assert_eq!(cas.judge(&none, now).peer, Peer::None);
        assert_eq!(cas.judge(&good.chain, now).peer, alice);
        let rejected =
            [("another authority", &foreign, now), ("a server", &serving, now), ("expired", &good, late)];
        for (what, issued, at) in rejected {
            assert!(matches!(cas.judge(&issued.chain, at).peer, Peer::Rejected(_)), "{what}");
        }
        let both = ClientCas::with_proxies(
            Arc::new(rustls::crypto::aws_lc_rs::default_provider()),
            &[ours.certificate().clone()],
            &[other.certificate().clone()],
        );
        let both = both.expect("pools");
        assert_eq!(both.judge(&good.chain, now).peer, alice);
        let Peer::FrontProxy { common_name, own } = both.judge(&foreign.chain, now).peer else {
            panic!("a certificate of the proxies")
        };
        assert_eq!(common_name, "alice");
        assert!(matches!(*own, Peer::Rejected(_)));
        let proof = cas.judge(&good.chain, now);
        assert!(matches!(proof.peer_at(i64::MAX), Peer::Rejected(_)));
        assert_eq!(proof.peer_at(0), alice);
    }
}
