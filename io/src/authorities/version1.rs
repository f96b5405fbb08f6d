//! Certificates of X.509 version 1, which `openssl x509 -req` makes by default and Go believes clients: `webpki` does
//! not read them. They must be issued directly by an authority.

use rustls::crypto::CryptoProvider;
use rustls_pki_types::SubjectPublicKeyInfoDer;
use webpki::RawPublicKeyEntity;
use x509_parser::certificate::X509Certificate;

/// Whether the key has signed the certificate.
pub(super) fn is_signed(
    provider: &CryptoProvider,
    key: &SubjectPublicKeyInfoDer<'_>,
    certificate: &X509Certificate<'_>,
) -> bool {
    let Ok(key) = RawPublicKeyEntity::try_from(key) else { return false };
    let (message, signature) = (certificate.tbs_certificate.as_ref(), &certificate.signature_value.data);
    let algorithms = provider.signature_verification_algorithms.all;
    algorithms.iter().any(|algorithm| key.verify_signature(*algorithm, message, signature).is_ok())
}

#[cfg(test)]
mod tests {
    use crate::certificates::{Authority, certificates};
    use crate::peer::ClientCas;
    use aws_lc_rs::digest::{SHA256, digest};
    use rustls_pki_types::{CertificateDer, UnixTime};
    use std::sync::Arc;
    use std::time::Duration;
    use steersman_core::wire::Peer;

    /// An authority, and a certificate of version 1 that it issued, both valid until 2126. Their keys were not kept.
    const AUTHORITY: &str = "\
-----BEGIN CERTIFICATE-----
MIIBezCCASGgAwIBAgIUDhKfO7Ahc/+/djlk8JZnWsTrptwwCgYIKoZIzj0EAwIw
EjEQMA4GA1UEAwwHdGVzdC1jYTAgFw0yNjExMjMwNDM5MzFaGA8yMTI2MTAzMDA0
MzkzMVowEjEQMA4GA1UEAwwHdGVzdC1jYTBZMBMGByqGSM49AgEGCCqGSM49AwEH
A0IABAvgUMhFNo9PP/LHB1gBUw7iPfqJDD3oZB3tApxnSuQYjgakHhl2mVBzRDRK
HpWq0LFi9LJPZfjlxOQPNsClPQ2jUzBRMB0GA1UdDgQWBBSP5KP5AEHCTyvsI/QE
w7lvCc47FTAfBgNVHSMEGDAWgBSP5KP5AEHCTyvsI/QEw7lvCc47FTAPBgNVHRMB
Af8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIFWW5c1NPXRy4DfZo6OT2D1kSWTO
f2CIv8a8ON5Wzj6TAiEAjI9EUMJuEb6u0P9z2Jbdip6o6+9rbWJ72w1eR/ijgQM=
-----END CERTIFICATE-----
";
    const CLIENT: &str = "\
-----BEGIN CERTIFICATE-----
MIIBKDCBzgIBATAKBggqhkjOPQQDAjASMRAwDgYDVQQDDAd0ZXN0LWNhMCAXDTI2
MTEyMzA0MzkzMVoYDzIxMjYxMDMwMDQzOTMxWjAsMQ0wCwYDVQQKDARkZXZzMQww
CgYDVQQKDANvcHMxDTALBgNVBAMMBGphbmUwWTATBgcqhkjOPQIBBggqhkjOPQMB
BwNCAARyquxFPmTebomDT4nZr8SBcq+G91Ua0ZTwc64czdvs62KV2LxD1SVozji6
BdD4S1tJEfO25ADyCOwvAjmY+TarMAoGCCqGSM49BAMCA0kAMEYCIQC1GR2og4f2
I0hkz6cCORQFYDOeeok5l7IPEHLdwi5RtwIhANd33EqurjGWS0HnFZiUZTrONoUA
8VxDsdVUS+T1Hje1
-----END CERTIFICATE-----
";

    #[test]
    fn a_certificate_without_extensions_is_judged() {
        let authority = certificates(AUTHORITY).expect("an authority");
        let client = certificates(CLIENT).expect("a certificate");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let pool = |certificates: &[CertificateDer<'static>]| {
            ClientCas::new(Arc::clone(&provider), certificates).expect("a pool")
        };
        let other = Authority::create("test-ca").expect("an authority");
        let own = pool(&authority)
            .judge(&authority, UnixTime::since_unix_epoch(Duration::from_secs(2_000_000_000)));
        assert!(matches!(own.peer_at(0), Peer::Certificate { .. }), "an authority is its own client");
        let (ours, theirs) = (pool(&authority), pool(&[other.certificate().clone()]));
        let jane = Peer::Certificate {
            common_name: "jane".into(),
            organizations: vec!["devs".into(), "ops".into()],
            fingerprint: digest(&SHA256, &client[0]).as_ref().try_into().ok(),
        };
        let at = |seconds| UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let now = at(2_000_000_000);
        assert_eq!(ours.judge(&client, now).peer_at(0), jane);
        for (what, pool, at) in [
            ("another authority of that name", &theirs, now),
            ("too early", &ours, at(1_000_000_000)),
            ("too late", &ours, at(6_000_000_000)),
        ] {
            assert!(matches!(pool.judge(&client, at).peer_at(0), Peer::Rejected(_)), "{what}");
        }
    }
}
