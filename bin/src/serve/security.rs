//! Certificates and keys: those of the server, the authorities that it trusts, and the administrator's.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls_pki_types::CertificateDer;
use steersman_io::certificates::{self, Issued, Missing};
use steersman_io::peer::ClientCas;
use steersman_io::serve::Secured;
use steersman_io::tls::{self, TlsOptions};

use super::admin;
use super::backends;
use super::options::ServerSettings;
use crate::flags::Flags;

/// Flags that name certificate and key files, which may change while the server runs.
const FILE_FLAGS: [&str; 5] = [
    "tls-cert-file",
    "tls-private-key-file",
    "tls-sni-cert-key",
    "client-ca-file",
    "requestheader-client-ca-file",
];

/// The server's certificates, the authorities that it trusts, and the administrator's kubeconfig, if one is made. The
/// caller must hold the lock of the data directory if missing keys are written there.
pub(super) fn secure(
    flags: &Flags,
    options: &ServerSettings,
    missing: Missing,
) -> Result<(Secured, Option<String>), String> {
    let serving = serving_certificate(flags, options, missing)?;
    let (client_certificates, kubeconfig) = if options.makes_admin {
        let authority = admin::authority(&options.data_directory, missing)?;
        let server = format!("https://{}", reachable(options));
        let kubeconfig = admin::kubeconfig(&authority, &server, &serving.chain_pem)?;
        (vec![authority.certificate().clone()], Some(kubeconfig))
    } else {
        (authorities(flags, "client-ca-file")?, None)
    };
    let proxies = authorities(flags, "requestheader-client-ca-file")?;
    let client_cas = client_cas(flags, &client_certificates, &proxies)?;
    let suites: Result<_, _> =
        flags.list("tls-cipher-suites").iter().map(|name| tls::cipher_suite(name)).collect();
    let tls_options = TlsOptions {
        default: serving,
        by_name: sni_certificates(flags)?,
        oldest: tls::version(flags.text("tls-min-version"))
            .map_err(|error| format!("--tls-min-version: {error}"))?,
        cipher_suites: suites.map_err(|error| format!("--tls-cipher-suites: {error}"))?,
        client_cas: client_cas.clone(),
        disable_http2: flags.bool("disable-http2-serving"),
    };
    Ok((Secured { tls: tls::server_config(tls_options)?, client_cas }, kubeconfig))
}

/// The contents of all files that flags name, to see whether one has changed. A file that cannot be read
/// is empty.
pub(super) fn contents(flags: &Flags) -> Vec<Vec<u8>> {
    let given = FILE_FLAGS.iter().chain(&backends::FILE_FLAGS).flat_map(|name| flags.list(name));
    let paths = given.flat_map(|value| {
        let files = value.split_once(':').map_or(value.as_str(), |(files, _)| files);
        files.split(',').map(PathBuf::from).collect::<Vec<_>>()
    });
    paths.map(|path| std::fs::read(path).unwrap_or_default()).collect()
}

/// The address that the administrator's kubeconfig names.
fn reachable(options: &ServerSettings) -> std::net::SocketAddr {
    let mut address = options.listen;
    if address.ip().is_unspecified() {
        address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    address
}

fn serving_certificate(flags: &Flags, options: &ServerSettings, missing: Missing) -> Result<Issued, String> {
    match (flags.text("tls-cert-file"), flags.text("tls-private-key-file")) {
        ("", "") => self_signed(options, missing),
        (chain, key) if !chain.is_empty() && !key.is_empty() => {
            certificates::load(Path::new(chain), Path::new(key))
        }
        _ => Err("--tls-cert-file and --tls-private-key-file go together".into()),
    }
}

/// k8s: pkg/controlplane/apiserver/options/options.go, the names of the self-signed certificate
fn self_signed(options: &ServerSettings, missing: Missing) -> Result<Issued, String> {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = match host.trim() {
        "" => "localhost",
        name => name,
    };
    let services = [
        "kubernetes.default.svc.cluster.local",
        "kubernetes.default.svc",
        "kubernetes.default",
        "kubernetes",
    ];
    let mut names: Vec<String> = services.into_iter().chain(["localhost", host]).map(String::from).collect();
    names.dedup();
    let mut addresses = vec![options.service_ip, IpAddr::V4(Ipv4Addr::LOCALHOST)];
    for address in [options.advertise_address, options.listen.ip()] {
        if !address.is_unspecified() && !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    // A directory that was given by a flag may be there so that clients can read the certificate.
    let mode = if options.certificate_directory_is_own { 0o600 } else { 0o644 };
    certificates::self_signed(&options.certificate_directory, host, &names, &addresses, mode, missing)
}

/// The authorities of clients, and those of front proxies; None without any.
fn client_cas(
    flags: &Flags,
    clients: &[CertificateDer<'static>],
    proxies: &[CertificateDer<'static>],
) -> Result<Option<Arc<ClientCas>>, String> {
    let provider = Arc::new(tls::provider());
    if proxies.is_empty() {
        if clients.is_empty() {
            return Ok(None);
        }
        let cas = ClientCas::new(provider, clients);
        return cas.map(|cas| Some(Arc::new(cas))).map_err(|error| format!("--client-ca-file: {error}"));
    }
    if flags.list("requestheader-allowed-names").is_empty() && clients.iter().any(|one| proxies.contains(one))
    {
        return Err("--requestheader-client-ca-file and --client-ca-file contain overlapping certificates; \
                    --requestheader-allowed-names must be specified to ensure regular client certificates cannot set \
                    authenticating proxy headers for arbitrary users"
            .into());
    }
    let cas = ClientCas::with_proxies(provider, clients, proxies);
    cas.map(|cas| Some(Arc::new(cas)))
        .map_err(|error| format!("--client-ca-file or --requestheader-client-ca-file: {error}"))
}

/// The certificates of the file that a flag names; none without a file.
fn authorities(flags: &Flags, flag: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let path = flags.text(flag);
    if path.is_empty() {
        return Ok(Vec::new());
    }
    let pem = std::fs::read_to_string(path).map_err(|error| format!("--{flag}: {path}: {error}"))?;
    certificates::certificates(&pem).map_err(|error| format!("--{flag}: {path}: {error}"))
}

/// `cert,key` or `cert,key:name,*.name`, several times.
/// k8s: staging/src/k8s.io/component-base/cli/flag/namedcertkey_flag.go
fn sni_certificates(flags: &Flags) -> Result<Vec<(Vec<String>, Issued)>, String> {
    let mut found = Vec::new();
    for given in flags.list("tls-sni-cert-key") {
        let (files, names) = given.split_once(':').unwrap_or((given.as_str(), ""));
        let (chain, key) = files.split_once(',').ok_or_else(|| format!("--tls-sni-cert-key: {given}"))?;
        let issued = certificates::load(Path::new(chain), Path::new(key))
            .map_err(|error| format!("--tls-sni-cert-key: {error}"))?;
        let names = names.split(',').filter(|name| !name.is_empty()).map(String::from).collect();
        found.push((names, issued));
    }
    Ok(found)
}
