//! The issuer of service account tokens: its name and its keys, from flags.
//! k8s: pkg/kubeapiserver/options/authentication.go, pkg/controlplane/apiserver/options/options.go

use std::path::Path;

use steersman_core::config::IssuerKey;
use steersman_core::value::Text;
use steersman_io::issuer::{public_keys, signing_key};

use crate::flags::Flags;

/// What the flags say.
#[derive(Debug)]
pub(super) struct TokenIssuer {
    /// Empty when there is none.
    pub(super) name: Text,
    /// What tokens are verified with: the keys of `--service-account-key-file`, or when that is not given,
    /// the one that tokens are signed with.
    pub(super) keys: Vec<IssuerKey>,
    /// `--service-account-jwks-uri`.
    pub(super) keys_address: Text,
}

impl TokenIssuer {
    pub(super) fn from_flags(flags: &Flags) -> Result<Self, String> {
        let issuers = flags.list("service-account-issuer");
        if issuers.iter().any(String::is_empty) {
            return Err("service-account-issuer should not be an empty string".into());
        }
        let keys_address = flags.text("service-account-jwks-uri");
        let scheme = keys_address.split_once(':').map_or("", |(scheme, _)| scheme);
        if !keys_address.is_empty() && !scheme.eq_ignore_ascii_case("https") {
            return Err(format!("service-account-jwks-uri requires https scheme, parsed as: {keys_address}"));
        }
        Ok(Self {
            name: issuers.first().map(|issuer| issuer.as_str().into()).unwrap_or_default(),
            keys: keys(flags)?,
            keys_address: keys_address.into(),
        })
    }
}

fn keys(flags: &Flags) -> Result<Vec<IssuerKey>, String> {
    let signing = match flags.text("service-account-signing-key-file") {
        "" => None,
        path => Some(
            signing_key(Path::new(path))
                .map_err(|error| format!("failed to parse service-account-issuer-key-file: {error}"))?,
        ),
    };
    let mut keys: Vec<IssuerKey> = Vec::new();
    for path in flags.list("service-account-key-file") {
        let found = public_keys(Path::new(&path));
        keys.extend(found.map_err(|error| format!("--service-account-key-file: {error}"))?);
    }
    if keys.is_empty() {
        keys.extend(signing);
    }
    Ok(keys)
}
