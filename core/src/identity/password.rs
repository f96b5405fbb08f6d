//! Users with a password of a file, as in the first releases of Kubernetes.
//! k8s: release 1.1, plugin/pkg/auth/authenticator/password/passwordfile/passwordfile.go

use super::constant_time;
use super::finding::{Finding, Presented};
use crate::caller::Caller;
use crate::codec::base64;
use alloc::string::String;
use alloc::vec::Vec;

pub(super) fn identify(presented: &Presented<'_>) -> Finding {
    let lines = &presented.world.config.authentication.federation.passwords;
    if lines.is_empty() {
        return Finding::Nobody;
    }
    let header = presented.request.header("authorization").unwrap_or_default();
    let Some((scheme, encoded)) = header.trim().split_once(' ') else { return Finding::Nobody };
    if !scheme.eq_ignore_ascii_case("basic") {
        return Finding::Nobody;
    }
    let decoded = base64::decode(encoded.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let Some((user, password)) = decoded.as_deref().and_then(|text| text.split_once(':')) else {
        return Finding::Invalid("malformed basic auth header".into());
    };
    let found = lines
        .iter()
        .find(|line| line.user == user && constant_time::is_same(line.token.as_bytes(), password.as_bytes()));
    match found {
        None => Finding::Invalid("invalid username/password combination".into()),
        Some(line) => super::chain::for_any_audience(presented, || {
            Finding::somebody(Caller {
                name: line.user.clone(),
                uid: line.uid.clone(),
                groups: line.groups.clone(),
                extra: Vec::new(),
            })
        }),
    }
}
