//! How the server reaches kubelets and the servers of aggregated APIs, from flags.
//! k8s: pkg/controlplane/apiserver/options/options.go, cmd/kube-apiserver/app/options/options.go

use std::path::Path;

use steersman_core::config::{Aggregation, KubeletClient};
use steersman_core::value::Text;
use steersman_io::certificates::{self, Issued};

use crate::flags::Flags;

/// Flags that name client certificates and their keys, under the names that calls use for them.
const CERTIFICATE_FLAGS: [(&str, &str, &str); 2] = [
    (KubeletClient::CERTIFICATE, "kubelet-client-certificate", "kubelet-client-key"),
    (Aggregation::CERTIFICATE, "proxy-client-cert-file", "proxy-client-key-file"),
];

/// The flags among them that name files, which may change while the server runs.
pub(super) const FILE_FLAGS: [&str; 4] =
    ["kubelet-client-certificate", "kubelet-client-key", "proxy-client-cert-file", "proxy-client-key-file"];

pub(super) fn kubelet(flags: &Flags) -> Result<KubeletClient, String> {
    let authorities = match flags.text("kubelet-certificate-authority") {
        "" => Vec::new(),
        path => {
            let failed =
                |error: &dyn std::fmt::Display| format!("--kubelet-certificate-authority: {path}: {error}");
            let pem = std::fs::read_to_string(path).map_err(|error| failed(&error))?;
            certificates::certificates(&pem).map_err(|error| failed(&error))?;
            pem.into_bytes()
        }
    };
    Ok(KubeletClient {
        preferred_address_types: flags
            .list("kubelet-preferred-address-types")
            .into_iter()
            .map(Text::from)
            .collect(),
        authorities: authorities.into(),
        client_certificate: name_of(flags, KubeletClient::CERTIFICATE),
        ..KubeletClient::default()
    })
}

pub(super) fn aggregation(flags: &Flags) -> Aggregation {
    Aggregation {
        client_certificate: name_of(flags, Aggregation::CERTIFICATE),
        routes_to_endpoints: flags.bool("enable-aggregator-routing"),
    }
}

/// The name of a client certificate, if the flags name one.
fn name_of(flags: &Flags, name: &str) -> Text {
    let is_given =
        CERTIFICATE_FLAGS.iter().any(|(held, flag, _)| *held == name && !flags.text(flag).is_empty());
    if is_given { name.into() } else { Text::default() }
}

/// The client certificates that the flags name.
pub(super) fn client_certificates(flags: &Flags) -> Result<Vec<(Text, Issued)>, String> {
    let mut loaded = Vec::new();
    for (name, certificate, key) in CERTIFICATE_FLAGS {
        match (flags.text(certificate), flags.text(key)) {
            ("", "") => {}
            (chain, private) if !chain.is_empty() && !private.is_empty() => {
                let issued = certificates::load(Path::new(chain), Path::new(private))
                    .map_err(|error| format!("--{certificate}: {error}"))?;
                loaded.push((name.into(), issued));
            }
            _ => return Err(format!("--{certificate} and --{key} go together")),
        }
    }
    Ok(loaded)
}
