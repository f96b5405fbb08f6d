//! Authentication through other parties and files, as the flags say it.
//! k8s: pkg/kubeapiserver/options/authentication.go, staging/src/k8s.io/apiserver/pkg/server/options/authentication.go

use std::path::Path;

use steersman_core::config::{Federation, FrontProxy, ReviewVersion, TokenReviewWebhook};
use steersman_core::value::{Text, quoted};

use super::issuers::{Issuers, issuers_from_flags};
use super::{ClientCertificates, kubeconfig};
use crate::flags::Flags;

/// What the flags say, and what it needs.
#[derive(Debug, Default)]
pub(crate) struct Federated {
    pub(crate) federation: Federation,
    pub(crate) issuers: Issuers,
    pub(crate) certificates: ClientCertificates,
}

pub(crate) fn federated(flags: &Flags) -> Result<Federated, String> {
    let mut found = Federated { issuers: issuers_from_flags(flags)?, ..Federated::default() };
    found.federation.jwt_issuers = found.issuers.list.clone();
    found.federation.front_proxy = front_proxy(flags)?;
    let file = flags.text("authentication-token-webhook-config-file");
    if !file.is_empty() {
        let read = kubeconfig::load(Path::new(file))?;
        let version = flags.text("authentication-token-webhook-version");
        found.federation.token_review = Some(TokenReviewWebhook {
            server: read.server,
            version: ReviewVersion::from_word(version).ok_or_else(|| {
                format!(
                    "unsupported authentication webhook version {}, supported versions are \"v1\", \"v1beta1\"",
                    quoted(version)
                )
            })?,
            kept_millis: u64::try_from(flags.duration("authentication-token-webhook-cache-ttl").as_millis())
                .unwrap_or(u64::MAX),
        });
        found.certificates.0.extend(read.certificate);
    }
    Ok(found)
}

/// Without an authority of proxies, nobody is believed who sends their headers.
fn front_proxy(flags: &Flags) -> Result<Option<FrontProxy>, String> {
    let lower = |name: &str| -> Result<Vec<Text>, String> {
        let given = flags.list(name);
        match given.iter().any(|value| value.trim().is_empty()) {
            true => Err(format!("empty value in {}", quoted(name))),
            false => Ok(given.iter().map(|value| value.trim().to_ascii_lowercase().into()).collect()),
        }
    };
    let proxy = FrontProxy {
        allowed_names: flags.list("requestheader-allowed-names").into_iter().map(Text::from).collect(),
        username_headers: lower("requestheader-username-headers")?,
        uid_headers: lower("requestheader-uid-headers")?,
        group_headers: lower("requestheader-group-headers")?,
        extra_prefixes: lower("requestheader-extra-headers-prefix")?,
    };
    Ok((!flags.text("requestheader-client-ca-file").is_empty()).then_some(proxy))
}
