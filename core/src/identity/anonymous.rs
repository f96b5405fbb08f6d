//! Who carries no credential at all.
//! k8s: staging/src/k8s.io/apiserver/pkg/authentication/request/anonymous/anonymous.go

use super::finding::{Finding, Presented};
use crate::caller::Caller;
use crate::value::Text;
use alloc::vec::Vec;

pub(super) fn identify(presented: &Presented<'_>) -> Finding {
    if !presented.world.config.authentication.anonymous {
        return Finding::Nobody;
    }
    Finding::somebody(Caller {
        name: Caller::ANONYMOUS.into(),
        uid: Text::default(),
        groups: alloc::vec![Text::from(Caller::UNAUTHENTICATED)],
        extra: Vec::new(),
    })
}
