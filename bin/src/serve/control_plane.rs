//! What the server tells others about itself, from flags and from its host.
//! k8s: pkg/controlplane/apiserver/{config,server}.go, pkg/controlplane/instance.go

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use steersman_core::config::{ControlPlane, EndpointReconciler, IssuerKey, TrustedClients};
use steersman_core::value::Text;
use steersman_io::certificates::{self, Missing};
use steersman_io::issuer::{TokenSigner, signing_key};
use steersman_io::server_id::server_id;

use super::admin;
use super::options::ServerSettings;
use crate::flags::Flags;

/// The issuer of the tokens of a server that was not told its name.
const ISSUER: &str = "https://kubernetes.default.svc.cluster.local";

/// Flags about service accounts. Without any of them, and of those about clients, the server makes a key of its own.
const ISSUER_FLAGS: [&str; 3] =
    ["service-account-issuer", "service-account-signing-key-file", "service-account-key-file"];

pub(super) fn from_flags(flags: &Flags, advertised: SocketAddr) -> Result<ControlPlane, String> {
    let host_name = host_name();
    Ok(ControlPlane {
        id: server_id(&host_name).into(),
        peer_address: peer_address(flags, advertised)?.to_string().into(),
        host_name: host_name.into(),
        endpoints: endpoints(flags)?,
        trusted: trusted_clients(flags)?,
    })
}

/// Whom the flags and the files that they name say to trust.
pub(super) fn trusted_clients(flags: &Flags) -> Result<TrustedClients, String> {
    Ok(TrustedClients {
        client_ca: content(flags, "client-ca-file")?,
        proxy_ca: content(flags, "requestheader-client-ca-file")?,
        user_headers: texts(flags, "requestheader-username-headers"),
        uid_headers: texts(flags, "requestheader-uid-headers"),
        group_headers: texts(flags, "requestheader-group-headers"),
        extra_prefixes: texts(flags, "requestheader-extra-headers-prefix"),
        allowed_names: texts(flags, "requestheader-allowed-names"),
    })
}

/// As the Go runtime reads it.
fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match name.trim() {
        "" => "localhost".to_owned(),
        name => name.to_owned(),
    }
}

/// Where other servers reach this one, if it is elsewhere than where clients do.
fn peer_address(flags: &Flags, mut advertised: SocketAddr) -> Result<SocketAddr, String> {
    let (address, port) = (flags.text("peer-advertise-ip"), flags.text("peer-advertise-port"));
    if !address.is_empty() {
        advertised.set_ip(address.parse::<IpAddr>().map_err(|_| format!("invalid peer ip {address:?}"))?);
    }
    if !port.is_empty() {
        advertised.set_port(port.parse::<u16>().map_err(|_| format!("invalid peer port {port:?}"))?);
    }
    Ok(advertised)
}

/// k8s: pkg/controlplane/reconcilers/reconcilers.go, cmd/kube-apiserver/app/options/validation.go
fn endpoints(flags: &Flags) -> Result<EndpointReconciler, String> {
    let given = Some(flags.text("apiserver-count")).filter(|count| !count.is_empty()).unwrap_or("1");
    let count =
        given.parse::<i64>().ok().filter(|count| *count > 0).and_then(|count| u32::try_from(count).ok());
    let count = count.ok_or_else(|| {
        format!("--apiserver-count should be a positive number, but value '{given}' provided")
    })?;
    match flags.text("endpoint-reconciler-type") {
        "lease" => Ok(EndpointReconciler::Lease),
        "master-count" => Ok(EndpointReconciler::MasterCount(count)),
        "none" => Ok(EndpointReconciler::None),
        other => Err(format!(
            "--endpoint-reconciler-type: {other:?} is none of \"master-count\", \"lease\" and \"none\""
        )),
    }
}

fn content(flags: &Flags, name: &str) -> Result<Text, String> {
    match flags.text(name) {
        "" => Ok(Text::default()),
        path => std::fs::read_to_string(path)
            .map(Text::from)
            .map_err(|error| format!("--{name}: {path}: {error}")),
    }
}

fn texts(flags: &Flags, name: &str) -> Vec<Text> {
    flags.list(name).into_iter().map(Text::from).collect()
}

/// Completes the settings of a server that was told nothing about clients and accounts: it trusts its own authority,
/// and signs tokens with a key of its own, which it keeps. The caller must hold the lock of the data directory.
pub(super) fn complete(flags: &Flags, settings: &mut ServerSettings) -> Result<(), String> {
    if !settings.makes_admin {
        return Ok(());
    }
    let is_used = is_used(&settings.data_directory);
    let authority = admin::authority(&settings.data_directory, Missing::Written)?;
    settings.config.control_plane.trusted.client_ca = authority.certificate_pem().into();
    let Some(path) = own_key_path(flags, settings) else { return Ok(()) };
    let (key, signer, is_new) = own_key(&path)?;
    if is_new && is_used {
        // It is no reason not to start: kubelets and controllers ask for new tokens by themselves.
        tracing::error!(
            path = %path.display(),
            "the key that signs tokens of service accounts was missing, and a new one was made: tokens that were \
             issued before are refused from now on. If there is a backup of the key, restore it and start again"
        );
    }
    let config = &mut settings.config;
    config.issuer = ISSUER.into();
    config.authentication.issuers = vec![ISSUER.into()];
    config.issuer_keys = vec![key.clone()];
    if config.audiences.is_empty() {
        config.audiences = vec![ISSUER.into()];
    }
    config.signing_key = Some(key);
    settings.signer = Some(signer);
    Ok(())
}

/// Where a server keeps the key that it signs tokens with; None if flags name the issuer, or whom to trust.
pub(super) fn own_key_path(flags: &Flags, settings: &ServerSettings) -> Option<PathBuf> {
    let is_told = !settings.makes_admin || ISSUER_FLAGS.iter().any(|name| flags.is_given(name));
    (!is_told).then(|| settings.data_directory.join("pki").join("sa.key"))
}

/// Whether a server has run with this data directory, so that it may have issued tokens.
fn is_used(data_directory: &Path) -> bool {
    ["store", admin::KUBECONFIG].iter().any(|name| data_directory.join(name).exists())
}

/// The key of a file, and whether it is a new one.
fn own_key(path: &Path) -> Result<(IssuerKey, TokenSigner, bool), String> {
    let is_new = certificates::create_key(path)?;
    let (key, signer) = signing_key(path)?;
    Ok((key, signer, is_new))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flags;

    fn given(line: &str) -> Flags {
        let arguments: Vec<String> = line.split_ascii_whitespace().map(String::from).collect();
        flags::parse(&arguments).unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    #[test]
    fn endpoints_are_kept_as_the_flags_say() {
        let cases = [
            ("", Ok(EndpointReconciler::Lease)),
            ("--endpoint-reconciler-type=none", Ok(EndpointReconciler::None)),
            (
                "--endpoint-reconciler-type=master-count --apiserver-count=3",
                Ok(EndpointReconciler::MasterCount(3)),
            ),
            (
                "--apiserver-count=0",
                Err("--apiserver-count should be a positive number, but value '0' provided".to_owned()),
            ),
        ];
        for (line, expected) in cases {
            assert_eq!(endpoints(&given(line)), expected, "{line}");
        }
        assert!(endpoints(&given("--endpoint-reconciler-type=x")).is_err());
    }

    #[test]
    fn a_peer_may_be_elsewhere() {
        let here = SocketAddr::from(([192, 0, 2, 1], 6443));
        let line = "--peer-advertise-ip=::1 --peer-advertise-port=1";
        assert_eq!(
            peer_address(&given(line), here).map(|address| address.to_string()),
            Ok("[::1]:1".to_owned())
        );
        assert_eq!(peer_address(&given(""), here), Ok(here));
        assert!(peer_address(&given("--peer-advertise-port=x"), here).is_err());
    }

    #[test]
    fn a_key_is_made_once_and_only_its_owner_may_read_it() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("pki/sa.key");
        assert!(!is_used(directory.path()));
        let (first, _, is_new) = own_key(&path).expect("a key");
        let (second, _, is_new_again) = own_key(&path).expect("the same key");
        assert_eq!((is_new, is_new_again), (true, false));
        std::fs::create_dir(directory.path().join("store")).expect("a directory");
        assert!(is_used(directory.path()), "its tokens may be in use");
        assert_eq!(format!("{first:?}"), format!("{second:?}"));
        let mode = std::os::unix::fs::PermissionsExt::mode(&path.metadata().expect("a file").permissions());
        assert_eq!(mode & 0o777, 0o600);
        std::fs::write(&path, "no key").expect("written");
        assert!(own_key(&path).is_err());
    }
}
