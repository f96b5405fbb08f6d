//! The tokens of `--token-auth-file`.
//! k8s: staging/src/k8s.io/apiserver/pkg/authentication/token/tokenfile/tokenfile.go

use super::chain;
use super::finding::{Finding, Presented, Resumed};
use crate::caller::Caller;
use alloc::vec::Vec;

/// A line without a user name is nobody's.
pub(super) fn identify(presented: &Presented<'_>, token: &str, _: Option<Resumed>) -> Finding {
    let line = presented.world.config.authentication.line(token);
    let Some(line) = line.filter(|line| !line.user.is_empty()) else { return Finding::Nobody };
    chain::for_any_audience(presented, || {
        Finding::somebody(Caller {
            name: line.user.clone(),
            uid: line.uid.clone(),
            groups: line.groups.clone(),
            extra: Vec::new(),
        })
    })
}
