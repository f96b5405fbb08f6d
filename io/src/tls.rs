//! TLS of the secure port: which certificate for which name, which versions and cipher suites.

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::{ClientHello, NoClientAuth, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{CipherSuite, ProtocolVersion, SupportedProtocolVersion};

pub use rustls::server::ServerConfig;

use crate::certificates::{Issued, host_names};
use crate::peer::{AnyCertificate, ClientCas};

/// The TLS settings of the secure port.
pub struct TlsOptions {
    /// The certificate for clients that name no host, or an unknown one.
    pub default: Issued,
    /// `--tls-sni-cert-key`: certificates with the names they are used for, or, without names, those inside the
    /// certificate.
    pub by_name: Vec<(Vec<String>, Issued)>,
    pub oldest: ProtocolVersion,
    /// The allowed TLS 1.2 suites; empty for all.
    pub cipher_suites: Vec<CipherSuite>,
    pub client_cas: Option<Arc<ClientCas>>,
    /// `--disable-http2-serving`.
    pub disable_http2: bool,
}

/// The cryptography that everything here uses.
pub fn provider() -> CryptoProvider {
    aws_lc_rs::default_provider()
}

/// An unpredictable number.
pub fn random_seed() -> u64 {
    let mut seed = [0; 8];
    provider().secure_random.fill(&mut seed).expect("the system has randomness");
    u64::from_le_bytes(seed)
}

/// The TLS configuration of all connections. Errors name the setting that is not valid.
pub fn server_config(options: TlsOptions) -> Result<ServerConfig, String> {
    let provider = Arc::new(restricted(&options.cipher_suites));
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions(options.oldest)?)
        .map_err(|error| error.to_string())?;
    let builder = match options.client_cas {
        Some(cas) => builder.with_client_cert_verifier(Arc::new(AnyCertificate::new(cas))),
        None => builder.with_client_cert_verifier(Arc::new(NoClientAuth)),
    };
    let certified = |issued: &Issued| {
        CertifiedKey::from_der(issued.chain.clone(), issued.key.clone_key(), &provider)
            .map(Arc::new)
            .map_err(|error| format!("the certificate and its key do not fit: {error}"))
    };
    let mut names = Names { default: certified(&options.default)?, exact: Vec::new(), wildcard: Vec::new() };
    for (listed, issued) in &options.by_name {
        let key = certified(issued)?;
        let inside = issued.chain.first().map(host_names).unwrap_or_default();
        for name in if listed.is_empty() { &inside } else { listed } {
            names.add(name, &key);
        }
    }
    let mut config = builder.with_cert_resolver(Arc::new(names));
    config.ticketer = aws_lc_rs::Ticketer::new().map_err(|error| error.to_string())?;
    // One ticket is enough to resume a session, and each costs an encryption.
    config.send_tls13_tickets = 1;
    config.alpn_protocols.push(b"http/1.1".to_vec());
    if !options.disable_http2 {
        config.alpn_protocols.insert(0, b"h2".to_vec());
    }
    Ok(config)
}

/// `--tls-min-version`.
pub fn version(name: &str) -> Result<ProtocolVersion, String> {
    match name {
        "" | "VersionTLS12" => Ok(ProtocolVersion::TLSv1_2),
        "VersionTLS13" => Ok(ProtocolVersion::TLSv1_3),
        "VersionTLS10" | "VersionTLS11" => {
            Err(format!("{name} is not supported: the oldest version that is served is VersionTLS12"))
        }
        other => Err(format!("unknown tls version {other:?}")),
    }
}

/// Parses a name of `--tls-cipher-suites`. Suites of TLS 1.3 are always enabled and may be listed.
pub fn cipher_suite(name: &str) -> Result<CipherSuite, String> {
    // Go's names; two of them have an older spelling.
    const NAMES: [(&str, CipherSuite); 11] = [
        ("TLS_AES_128_GCM_SHA256", CipherSuite::TLS13_AES_128_GCM_SHA256),
        ("TLS_AES_256_GCM_SHA384", CipherSuite::TLS13_AES_256_GCM_SHA384),
        ("TLS_CHACHA20_POLY1305_SHA256", CipherSuite::TLS13_CHACHA20_POLY1305_SHA256),
        ("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256),
        ("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384),
        (
            "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
            CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
        ),
        (
            "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305",
            CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
        ),
        ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256),
        ("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384),
        (
            "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
            CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
        ),
        ("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305", CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256),
    ];
    let found = NAMES.iter().find(|(held, _)| *held == name);
    found
        .map(|(_, suite)| *suite)
        .ok_or_else(|| format!("Cipher suite {name} not supported or doesn't exist"))
}

fn versions(oldest: ProtocolVersion) -> Result<&'static [&'static SupportedProtocolVersion], String> {
    static BOTH: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];
    match oldest {
        ProtocolVersion::TLSv1_2 => Ok(&BOTH),
        ProtocolVersion::TLSv1_3 => Ok(&BOTH[..1]),
        other => Err(format!("{other:?} is not supported")),
    }
}

/// The provider with only the listed TLS 1.2 suites.
fn restricted(allowed: &[CipherSuite]) -> CryptoProvider {
    let mut provider = provider();
    if !allowed.is_empty() {
        provider.cipher_suites.retain(|suite| suite.tls13().is_some() || allowed.contains(&suite.suite()));
    }
    provider
}

/// Chooses a certificate by the host name that a client asks for.
#[derive(Debug)]
struct Names {
    default: Arc<CertifiedKey>,
    exact: Vec<(String, Arc<CertifiedKey>)>,
    /// Certificates by what follows the `*` in a wildcard name, as in `.example.com`.
    wildcard: Vec<(String, Arc<CertifiedKey>)>,
}

impl Names {
    /// Adds a certificate for a name, unless the name has one already.
    fn add(&mut self, name: &str, key: &Arc<CertifiedKey>) {
        let name = name.to_ascii_lowercase();
        match name.strip_prefix('*') {
            Some(suffix) => self.wildcard.push((suffix.to_owned(), Arc::clone(key))),
            None => self.exact.push((name, Arc::clone(key))),
        }
    }

    fn find(&self, name: &str) -> Option<&Arc<CertifiedKey>> {
        let exact = self.exact.iter().find(|(held, _)| held.eq_ignore_ascii_case(name));
        let suffix = &name[name.find('.').unwrap_or(name.len())..];
        let wildcard = || self.wildcard.iter().find(|(held, _)| held.eq_ignore_ascii_case(suffix));
        exact.or_else(wildcard).map(|(_, key)| key)
    }
}

impl ResolvesServerCert for Names {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let named = hello.server_name().and_then(|name| self.find(name));
        Some(Arc::clone(named.unwrap_or(&self.default)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificates::Authority;

    #[test]
    fn names_choose_certificates() {
        let authority = Authority::create("test").expect("an authority");
        let provider = provider();
        let issue = |name: &str| {
            let issued = authority.issue_server(name, &[name.to_owned()], &[]).expect("a certificate");
            Arc::new(CertifiedKey::from_der(issued.chain, issued.key, &provider).expect("a key"))
        };
        let mut names = Names { default: issue("default"), exact: Vec::new(), wildcard: Vec::new() };
        let (exact, wildcard) = (issue("a.example.com"), issue("wild"));
        names.add("A.example.com", &exact);
        names.add("*.example.com", &wildcard);
        let cases = [
            ("a.example.com", Some(&exact)),
            ("b.example.com", Some(&wildcard)),
            ("c.b.example.com", None),
            ("example.com", None),
            ("", None),
        ];
        for (name, expected) in cases {
            assert_eq!(names.find(name).map(Arc::as_ptr), expected.map(Arc::as_ptr), "{name}");
        }
    }

    #[test]
    fn versions_and_suites_have_gos_names() {
        assert_eq!(version("VersionTLS13"), Ok(ProtocolVersion::TLSv1_3));
        assert!(version("VersionTLS10").is_err() && version("SSLv3").is_err());
        assert!(cipher_suite("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256").is_ok());
        assert!(cipher_suite("TLS_RSA_WITH_AES_128_CBC_SHA").is_err());
    }
}
