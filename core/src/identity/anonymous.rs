//! Who carries no credential at all.
//! k8s: staging/src/k8s.io/apiserver/pkg/authentication/request/anonymous/anonymous.go

use super::finding::{Finding, Presented};
use crate::caller::Caller;
use crate::value::Text;
use crate::wire::percent;
use alloc::vec::Vec;

pub(super) fn identify(presented: &Presented<'_>) -> Finding {
    let authentication = &presented.world.config.authentication;
    let path = percent::decode(&presented.request.path, false);
    let is_let_in = |allowed: &Text| path.as_deref() == Some(allowed.as_str());
    let paths = &authentication.anonymous_paths;
    if !authentication.anonymous || !paths.is_empty() && !paths.iter().any(is_let_in) {
        return Finding::Nobody;
    }
    Finding::somebody(Caller {
        name: Caller::ANONYMOUS.into(),
        uid: Text::default(),
        groups: alloc::vec![Text::from(Caller::UNAUTHENTICATED)],
        extra: Vec::new(),
    })
}
