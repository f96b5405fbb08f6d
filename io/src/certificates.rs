//! Certificates that the server makes for itself: an authority, and certificates for the server and for clients.

use std::fs;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

use crate::private;

/// How long the authority is valid.
const AUTHORITY_VALIDITY: Duration = Duration::from_secs(10 * 365 * 86_400);
/// How long issued certificates are valid: as long as upstream's self-signed ones.
const ISSUED_VALIDITY: Duration = Duration::from_secs(365 * 86_400);
/// Certificates are valid from a little before now, for clients whose clock is behind.
const BACKDATED: Duration = Duration::from_secs(3600);

/// A certificate authority with its key.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    certificate_pem: String,
    key_pem: String,
}

/// A certificate with its issuers, and its key.
pub struct Issued {
    pub chain: Vec<CertificateDer<'static>>,
    pub key: PrivateKeyDer<'static>,
    pub chain_pem: String,
    pub key_pem: String,
}

/// What becomes of keys and certificates that are not there yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// They are made and written to their files.
    Written,
    /// They are made for this process only: no file is written or removed.
    Forgotten,
}

type Result<T> = std::result::Result<T, String>;

impl Authority {
    pub fn create(common_name: &str) -> Result<Self> {
        let key = KeyPair::generate().map_err(text)?;
        let mut params = params(common_name, AUTHORITY_VALIDITY)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![
            KeyUsagePurpose::KeyCertSign,
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyEncipherment,
        ];
        let certificate = params.self_signed(&key).map_err(text)?;
        Ok(Self {
            certificate: certificate.der().clone(),
            certificate_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
            issuer: Issuer::new(params, key),
        })
    }

    /// The authority in two files. It is created when both are missing, unless an earlier authority has issued
    /// certificates: replacing a lost one would lock out every client with a certificate of the old one.
    ///
    /// # Errors
    /// When only one of the files is there, or they do not hold a valid authority.
    pub fn load_or_create(
        certificate: &Path,
        key: &Path,
        common_name: &str,
        has_issued: bool,
        missing: Missing,
    ) -> Result<Self> {
        match (is_there(certificate)?, is_there(key)?) {
            (true, true) => Self::load(certificate, key),
            // The key is written first, so an interrupted first start can leave it without a certificate.
            (false, _) if !has_issued => {
                let created = Self::create(common_name)?;
                if missing == Missing::Written {
                    write(key, &created.key_pem, private::FILE_MODE)?;
                    write(certificate, &created.certificate_pem, private::FILE_MODE)?;
                }
                Ok(created)
            }
            (has_certificate, _) => {
                let (lost, left) = if has_certificate { (key, certificate) } else { (certificate, key) };
                Err(format!(
                    "{} is missing, and client certificates were issued by it: restore it from a backup, or remove \
                     {} and admin.kubeconfig too, to make a new authority which believes none of the old certificates",
                    lost.display(),
                    left.display()
                ))
            }
        }
    }

    fn load(certificate: &Path, key: &Path) -> Result<Self> {
        let certificate_pem = read(certificate)?;
        let key_pem = read(key)?;
        let parsed = KeyPair::from_pem(&key_pem).map_err(|error| format!("{}: {error}", key.display()))?;
        let failed = |why: &dyn std::fmt::Display| format!("{}: {why}", certificate.display());
        let der =
            CertificateDer::from_pem_slice(certificate_pem.as_bytes()).map_err(|error| failed(&error))?;
        let (_, x509) = X509Certificate::from_der(&der).map_err(|error| failed(&error))?;
        if x509.public_key().subject_public_key.data.as_ref() != parsed.public_key_raw() {
            return Err(failed(&format!("is not the certificate of the key in {}", key.display())));
        }
        if !x509.is_ca() {
            return Err(failed(&"is not the certificate of an authority"));
        }
        let (validity, now) = (x509.validity(), crate::clock::wall_now().seconds());
        if validity.not_after.timestamp() < now {
            return Err(failed(&format!(
                "the authority has expired on {}: remove it, its key and admin.kubeconfig, to make a new one which \
                 believes none of the old certificates",
                validity.not_after
            )));
        }
        if validity.not_before.timestamp() > now {
            return Err(failed(&format!(
                "is valid from {} on only: is the clock right?",
                validity.not_before
            )));
        }
        let issuer = Issuer::from_ca_cert_der(&der, parsed).map_err(|error| failed(&error))?;
        Ok(Self { issuer, certificate: der, certificate_pem, key_pem })
    }

    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    pub fn issue_client(&self, common_name: &str, organization: &str) -> Result<Issued> {
        let mut params = params(common_name, ISSUED_VALIDITY)?;
        params.distinguished_name.push(DnType::OrganizationName, organization);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.issue(params)
    }

    pub fn issue_server(&self, common_name: &str, names: &[String], addresses: &[IpAddr]) -> Result<Issued> {
        let mut params = params(common_name, ISSUED_VALIDITY)?;
        for name in names {
            params.subject_alt_names.push(SanType::DnsName(name.as_str().try_into().map_err(text)?));
        }
        params.subject_alt_names.extend(addresses.iter().copied().map(SanType::IpAddress));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.issue(params)
    }

    fn issue(&self, params: CertificateParams) -> Result<Issued> {
        let key = KeyPair::generate().map_err(text)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(text)?;
        Ok(Issued {
            chain_pem: certificate.pem() + &self.certificate_pem,
            chain: vec![certificate.der().clone(), self.certificate.clone()],
            key_pem: key.serialize_pem(),
            key: PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        })
    }
}

fn params(common_name: &str, validity: Duration) -> Result<CertificateParams> {
    let mut params = CertificateParams::new(Vec::new()).map_err(text)?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    let now = std::time::SystemTime::now();
    params.not_before = (now - BACKDATED).into();
    params.not_after = (now + validity).into();
    Ok(params)
}

/// The self-signed serving certificate of `--cert-dir` (`apiserver.crt`, `apiserver.key`). The existing one is used
/// if it is valid for another day and has all names; otherwise a new one is made. A certificate without its key, or
/// one that cannot be read, is an error, because clients may trust it.
/// k8s: staging/src/k8s.io/apiserver/pkg/server/options/serving.go MaybeDefaultWithSelfSignedCerts
pub fn self_signed(
    directory: &Path,
    host: &str,
    names: &[String],
    addresses: &[IpAddr],
    certificate_mode: u32,
    missing: Missing,
) -> Result<Issued> {
    let issue = || Authority::create(&format!("{host}-ca"))?.issue_server(host, names, addresses);
    let (chain_file, key_file) = (directory.join("apiserver.crt"), directory.join("apiserver.key"));
    if is_there(&chain_file)? {
        if !is_there(&key_file)? {
            return Err(format!(
                "{} is missing: a certificate and its key must be supplied as a pair. Restore it, or remove {} to make \
                 new ones, which clients have to be told of",
                key_file.display(),
                chain_file.display()
            ));
        }
        let kept = load(&chain_file, &key_file)?;
        if kept.chain.first().is_some_and(|certificate| serves(certificate, names, addresses)) {
            return Ok(kept);
        }
        if missing == Missing::Forgotten {
            return issue();
        }
        tracing::info!(
            "{} expires or lacks a name of this server: a new certificate is made",
            chain_file.display()
        );
        // The old certificate is removed first, so that a crash cannot leave it beside the new key.
        private::remove(&chain_file).map_err(|error| format!("{}: {error}", chain_file.display()))?;
    }
    if missing == Missing::Forgotten {
        return issue();
    }
    private::create_directory(directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    let issued = issue()?;
    write(&key_file, &issued.key_pem, private::FILE_MODE)?;
    write(&chain_file, &issued.chain_pem, certificate_mode)?;
    Ok(issued)
}

/// Reads a certificate chain and its key, both PEM.
pub fn load(chain_file: &Path, key_file: &Path) -> Result<Issued> {
    let chain_pem = read(chain_file)?;
    let key_pem = read(key_file)?;
    let chain = certificates(&chain_pem).map_err(|error| format!("{}: {error}", chain_file.display()))?;
    let key = PrivateKeyDer::from_pem_slice(key_pem.as_bytes())
        .map_err(|error| format!("{}: {error}", key_file.display()))?;
    Ok(Issued { chain, key, chain_pem, key_pem })
}

/// A certificate chain and its key, from their PEM texts.
pub fn of_pem(chain_pem: String, key_pem: String) -> Result<Issued> {
    let chain = certificates(&chain_pem)?;
    let key = PrivateKeyDer::from_pem_slice(key_pem.as_bytes()).map_err(text)?;
    Ok(Issued { chain, key, chain_pem, key_pem })
}

/// The authorities that this host trusts, as PEM: those of `SSL_CERT_FILE`, or else of the first of the usual files.
/// Go: crypto/x509 root_linux.go, root_bsd.go
pub fn host_authorities() -> Result<String> {
    const FILES: [&str; 6] = [
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/ca-bundle.pem",
        "/etc/pki/tls/cacert.pem",
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
        "/etc/ssl/cert.pem",
    ];
    let chosen = std::env::var("SSL_CERT_FILE").ok();
    let files = chosen.iter().map(String::as_str).chain(FILES);
    let found = files.filter_map(|file| fs::read_to_string(file).ok()).next();
    found.ok_or_else(|| "this host trusts no authorities: none of the usual files is there".into())
}

/// All certificates of a PEM text; at least one.
pub fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>> {
    let found: std::result::Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match found.map_err(text)? {
        none if none.is_empty() => Err("no certificates found".into()),
        found => Ok(found),
    }
}

/// The host names of a certificate: its alternative names, or its common name if it has none.
pub fn host_names(certificate: &CertificateDer<'_>) -> Vec<String> {
    let Ok((_, parsed)) = X509Certificate::from_der(certificate) else { return Vec::new() };
    let mut names = Vec::new();
    if let Ok(Some(alternatives)) = parsed.subject_alternative_name() {
        for name in &alternatives.value.general_names {
            if let GeneralName::DNSName(name) = name {
                names.push((*name).to_owned());
            }
        }
    }
    if names.is_empty() {
        names.extend(
            parsed.subject().iter_common_name().filter_map(|name| name.as_str().ok()).map(String::from),
        );
    }
    names
}

fn serves(certificate: &CertificateDer<'_>, names: &[String], addresses: &[IpAddr]) -> bool {
    let Ok((_, parsed)) = X509Certificate::from_der(certificate) else { return false };
    let tomorrow = crate::clock::wall_now().seconds() + 86_400;
    if parsed.validity().not_after.timestamp() < tomorrow {
        return false;
    }
    let Ok(Some(alternatives)) = parsed.subject_alternative_name() else { return false };
    let held = &alternatives.value.general_names;
    let has_name = |wanted: &String| {
        held.iter().any(|name| matches!(name, GeneralName::DNSName(name) if name == wanted))
    };
    let has_address = |wanted: &IpAddr| {
        let octets = match wanted {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        };
        held.iter()
            .any(|name| matches!(name, GeneralName::IPAddress(address) if *address == octets.as_slice()))
    };
    names.iter().all(has_name) && addresses.iter().all(has_address)
}

/// Makes a private ECDSA key in a file that only the owner may read, unless the file is there. Returns whether it was
/// made.
pub fn create_key(path: &Path) -> Result<bool> {
    if is_there(path)? {
        return Ok(false);
    }
    let key = KeyPair::generate().map_err(|error| error.to_string())?;
    if let Some(directory) = path.parent() {
        private::create_directory(directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    }
    write_private(path, &key.serialize_pem())?;
    Ok(true)
}

/// Writes a file that only the owner may read. After a crash it is either complete or unchanged.
pub fn write_private(path: &Path, text: &str) -> Result<()> {
    write(path, text, private::FILE_MODE)
}

fn write(path: &Path, text: &str, mode: u32) -> Result<()> {
    private::replace(path, text.as_bytes(), mode).map_err(|error| format!("{}: {error}", path.display()))
}

/// Whether a file exists. It is an error if that cannot be determined.
fn is_there(path: &Path) -> Result<bool> {
    path.try_exists().map_err(|error| format!("{}: {error}", path.display()))
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keep(directory: &Path, has_issued: bool) -> Result<Authority> {
        let (certificate, key) = (directory.join("ca.crt"), directory.join("ca.key"));
        Authority::load_or_create(&certificate, &key, "test", has_issued, Missing::Written)
    }

    /// Each kind of damage to an authority, with the error at the start; no new one is made.
    #[test]
    fn a_lost_authority_is_not_replaced() {
        type Harm = fn(&Path);
        let other = |directory: &Path| {
            let other = Authority::create("other").expect("an authority");
            write(&directory.join("ca.key"), &other.key_pem, 0o600).expect("written");
        };
        let no_authority = |directory: &Path| {
            let server = Authority::create("x").expect("made").issue_server("x", &[], &[]).expect("issued");
            write(&directory.join("ca.key"), &server.key_pem, 0o600).expect("written");
            write(&directory.join("ca.crt"), &server.chain_pem, 0o600).expect("written");
        };
        let expired = |directory: &Path| {
            let mut authority = params("old", Duration::ZERO).expect("parameters");
            authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            authority.not_after = (std::time::SystemTime::now() - Duration::from_secs(60)).into();
            let key = KeyPair::generate().expect("a key");
            let certificate = authority.self_signed(&key).expect("signed");
            write(&directory.join("ca.key"), &key.serialize_pem(), 0o600).expect("written");
            write(&directory.join("ca.crt"), &certificate.pem(), 0o600).expect("written");
        };
        let cases: [(Harm, &str); 7] = [
            (|directory| fs::remove_file(directory.join("ca.key")).expect("removed"), "ca.key is missing"),
            (|directory| fs::remove_file(directory.join("ca.crt")).expect("removed"), "ca.crt is missing"),
            (
                |directory| {
                    fs::remove_file(directory.join("ca.crt")).expect("removed");
                    fs::remove_file(directory.join("ca.key")).expect("removed");
                },
                "ca.crt is missing",
            ),
            (|directory| fs::write(directory.join("ca.key"), "x").expect("written"), "ca.key: "),
            (other, "is not the certificate of the key in "),
            (no_authority, "is not the certificate of an authority"),
            (expired, "the authority has expired on "),
        ];
        for (harm, expected) in cases {
            let place = tempfile::tempdir().expect("a directory");
            keep(place.path(), false).expect("made");
            harm(place.path());
            let files = || {
                let names = ["ca.crt", "ca.key"];
                names.map(|name| fs::read(place.path().join(name)).ok())
            };
            let before = files();
            let error = keep(place.path(), true).err().expect(expected);
            assert!(error.contains(expected), "{error}");
            assert_eq!(files(), before, "{expected}");
        }
        // An interrupted first start can leave only the key, never only the certificate.
        let place = tempfile::tempdir().expect("a directory");
        keep(place.path(), false).expect("made");
        fs::remove_file(place.path().join("ca.crt")).expect("removed");
        keep(place.path(), false).expect("made anew");
        fs::remove_file(place.path().join("ca.key")).expect("removed");
        keep(place.path(), false).err().expect("the key is lost");
    }

    #[test]
    fn a_serving_certificate_without_its_key_is_not_replaced() {
        let place = tempfile::tempdir().expect("a directory");
        let make =
            |name: &str| self_signed(place.path(), "host", &[name.to_owned()], &[], 0o644, Missing::Written);
        let first = make("a").expect("made").chain_pem;
        assert_eq!(make("a").expect("kept").chain_pem, first);
        let second = make("b").expect("made for another name").chain_pem;
        assert_ne!(second, first);
        fs::remove_file(place.path().join("apiserver.key")).expect("removed");
        let error = make("b").err().expect("the key is lost");
        assert!(error.contains("apiserver.key is missing: a certificate and its key must be"), "{error}");
        // The state after a crash before the certificate was written.
        fs::remove_file(place.path().join("apiserver.crt")).expect("removed");
        make("b").expect("made");
    }

    #[test]
    fn what_is_only_tried_leaves_no_trace() {
        let place = tempfile::tempdir().expect("a directory");
        let (certificate, key) = (place.path().join("ca.crt"), place.path().join("ca.key"));
        let try_authority =
            || Authority::load_or_create(&certificate, &key, "test", false, Missing::Forgotten);
        let sign = |name: &str, missing| {
            self_signed(&place.path().join("pki"), "host", &[name.to_owned()], &[], 0o644, missing)
        };
        try_authority().expect("made");
        sign("a", Missing::Forgotten).expect("made");
        assert_eq!(fs::read_dir(place.path()).expect("a directory").count(), 0);
        let kept = keep(place.path(), false).expect("made");
        assert_eq!(try_authority().expect("found").certificate(), kept.certificate());
        let kept = sign("a", Missing::Written).expect("made").chain_pem;
        let tried = sign("b", Missing::Forgotten).expect("made for another name").chain_pem;
        assert_ne!(tried, kept);
        assert_eq!(sign("a", Missing::Forgotten).expect("still there").chain_pem, kept);
        fs::remove_file(&key).expect("removed");
        try_authority().err().expect("the key is lost");
    }
}
