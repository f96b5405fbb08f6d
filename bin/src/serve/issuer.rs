//! The issuer of service account tokens: its name and its keys, from flags.
//! k8s: pkg/kubeapiserver/options/authentication.go, pkg/controlplane/apiserver/options/options.go

use std::path::Path;

use steersman_core::config::IssuerKey;
use steersman_core::value::Text;
use steersman_io::issuer::{TokenSigner, public_keys, signing_key};

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
    /// What tokens are signed with, if they are.
    pub(super) signing: Option<(IssuerKey, TokenSigner)>,
    /// The audiences of tokens that ask for none.
    pub(super) audiences: Vec<Text>,
    /// The longest time that a token may ask for, seconds; 0 for no limit.
    pub(super) token_seconds_max: i64,
}

/// The bounds of `--service-account-max-token-expiration`, seconds.
const MAX_EXPIRATION: std::ops::RangeInclusive<u64> = 3600..=1 << 32;

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
        let signing = match flags.text("service-account-signing-key-file") {
            "" => None,
            path => Some(
                signing_key(Path::new(path))
                    .map_err(|error| format!("failed to parse service-account-issuer-key-file: {error}"))?,
            ),
        };
        let audiences = match flags.list("api-audiences") {
            given if given.is_empty() => issuers.clone(),
            given => given,
        };
        let longest = flags.duration("service-account-max-token-expiration");
        if !longest.is_zero()
            && (longest.subsec_nanos() > 0 && longest.as_secs() == *MAX_EXPIRATION.end()
                || !MAX_EXPIRATION.contains(&longest.as_secs()))
        {
            return Err(
                "the service-account-max-token-expiration must be between 1 hour and 2^32 seconds".into()
            );
        }
        Ok(Self {
            keys: keys(flags, signing.as_ref().map(|(key, _)| key))?,
            // Without a name upstream makes no tokens.
            signing: signing.filter(|_| !issuers.is_empty()),
            audiences: audiences.iter().map(|audience| audience.as_str().into()).collect(),
            token_seconds_max: i64::try_from(longest.as_secs()).unwrap_or(i64::MAX),
            name: issuers.first().map(|issuer| issuer.as_str().into()).unwrap_or_default(),
            keys_address: keys_address.into(),
        })
    }
}

fn keys(flags: &Flags, signing: Option<&IssuerKey>) -> Result<Vec<IssuerKey>, String> {
    let mut keys: Vec<IssuerKey> = Vec::new();
    for path in flags.list("service-account-key-file") {
        let found = public_keys(Path::new(&path));
        keys.extend(found.map_err(|error| format!("--service-account-key-file: {error}"))?);
    }
    if keys.is_empty() {
        keys.extend(signing.cloned());
    }
    Ok(keys)
}
