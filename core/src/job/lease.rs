//! The lease of an object that expires. Each write of such an object asks for a lease, because a write without one
//! would detach the lease that the object has, and it would never expire.
//! k8s: staging/src/k8s.io/apiserver/pkg/registry/generic/registry/store.go calculateTTL,
//! storage/etcd3/lease_manager.go

use super::{Answer, Scene, fail};
use crate::authorization::Target;
use crate::limits;
use crate::status::Failure;
use crate::store::{LeaseId, Op, Stored};
use alloc::string::String;

/// The request for the lease of an object that is about to be written; None for a kind that does not expire.
pub(super) fn op(scene: &Scene<'_>, target: &Target) -> Option<Op> {
    let ttl_seconds = limits::lease_seconds(scene.world.config.event_ttl_seconds);
    target.resource().rules().expires.then_some(Op::LeaseGrant { ttl_seconds })
}

/// The lease that the store granted.
pub(super) fn granted(answer: Answer) -> Result<LeaseId, Failure> {
    match answer {
        Answer::Stored(Stored::Leased { id, .. }) => Ok(id),
        Answer::Stored(Stored::Failed(error)) => Err(fail::store_failure(&error)),
        Answer::Stored(Stored::Unknown(why)) => Err(Failure::timeout(String::from(why.as_str()), 0)),
        Answer::Stored(Stored::Ranged(_) | Stored::Txn(_) | Stored::Compacted | Stored::Revoked)
        | Answer::Begin
        | Answer::Seated
        | Answer::Body(_)
        | Answer::Called(_)
        | Answer::Signed(_)
        | Answer::Verified(_)
        | Answer::Turn
        | Answer::Taken(_)
        | Answer::Fresh
        | Answer::Stale => Err(fail::misfit()),
    }
}
