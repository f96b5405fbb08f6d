//! Certificates that the server makes for itself: an authority, serving and client certificates.

use std::fs;
use std::io::Write;
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt;
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

/// How long the authority is valid.
const AUTHORITY_VALIDITY: Duration = Duration::from_secs(10 * 365 * 86_400);
/// How long what it issues is valid, as upstream's self-signed certificates.
const ISSUED_VALIDITY: Duration = Duration::from_secs(365 * 86_400);
/// Certificates are valid from a little in the past, for clients whose clock is behind.
const BACKDATED: Duration = Duration::from_secs(3600);

/// A certificate authority with its key.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    certificate_pem: String,
    key_pem: String,
}

/// A certificate, those above it, and its key.
pub struct Issued {
    pub chain: Vec<CertificateDer<'static>>,
    pub key: PrivateKeyDer<'static>,
    pub chain_pem: String,
    pub key_pem: String,
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

    /// The authority kept in two files, made and written when either is missing.
    pub fn load_or_create(certificate: &Path, key: &Path, common_name: &str) -> Result<Self> {
        if !(certificate.exists() && key.exists()) {
            let created = Self::create(common_name)?;
            write_private(key, &created.key_pem)?;
            write_public(certificate, &created.certificate_pem)?;
            return Ok(created);
        }
        let certificate_pem = read(certificate)?;
        let key_pem = read(key)?;
        let parsed = KeyPair::from_pem(&key_pem).map_err(|error| format!("{}: {error}", key.display()))?;
        let der = CertificateDer::from_pem_slice(certificate_pem.as_bytes())
            .map_err(|error| format!("{}: {error}", certificate.display()))?;
        let issuer = Issuer::from_ca_cert_der(&der, parsed)
            .map_err(|error| format!("{}: {error}", certificate.display()))?;
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

/// The self-signed serving certificate of `--cert-dir` (`apiserver.crt`, `apiserver.key`): the one that
/// is there while it is valid for a day and has all names, else a new one.
/// k8s: staging/src/k8s.io/apiserver/pkg/server/options/serving.go MaybeDefaultWithSelfSignedCerts
pub fn self_signed(directory: &Path, host: &str, names: &[String], addresses: &[IpAddr]) -> Result<Issued> {
    let (chain_file, key_file) = (directory.join("apiserver.crt"), directory.join("apiserver.key"));
    if let Ok(kept) = load(&chain_file, &key_file)
        && kept.chain.first().is_some_and(|certificate| serves(certificate, names, addresses))
    {
        return Ok(kept);
    }
    fs::create_dir_all(directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    let issued = Authority::create(&format!("{host}-ca"))?.issue_server(host, names, addresses)?;
    write_private(&key_file, &issued.key_pem)?;
    write_public(&chain_file, &issued.chain_pem)?;
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

/// All certificates of a PEM text; at least one.
pub fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>> {
    let found: std::result::Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match found.map_err(text)? {
        none if none.is_empty() => Err("no certificates found".into()),
        found => Ok(found),
    }
}

/// The host names that a certificate is for: its alternative names, or else its common name.
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

/// Writes a file that only the owner may read, whole or not at all.
pub fn write_private(path: &Path, text: &str) -> Result<()> {
    write(path, text, 0o600)
}

fn write_public(path: &Path, text: &str) -> Result<()> {
    write(path, text, 0o644)
}

fn write(path: &Path, text: &str, mode: u32) -> Result<()> {
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let new = Path::new(&name);
    match fs::remove_file(new) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
        Ok(()) | Err(_) => {}
    }
    let mut file =
        fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(new).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    fs::rename(new, path).map_err(failed)
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
