//! The answer to a client for each failure of the store.
//! k8s: staging/src/k8s.io/apiserver/pkg/storage/errors/storage.go, pkg/storage/etcd3/errors.go

use super::{Ranged, Rev, StoreError, Stored};
use crate::status::{Cause, CauseType, Details, Failure, Reason};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;

/// The result of a read, or the error for it.
///
/// # Errors
/// The failure of the store.
pub(crate) fn ranged(stored: Stored) -> Result<Ranged, Failure> {
    match stored {
        Stored::Ranged(ranged) => Ok(ranged),
        Stored::Failed(error) => Err(of(&error)),
        Stored::Unknown(why) => Err(Failure::timeout(why.to_string(), 0)),
        Stored::Txn(_) | Stored::Compacted | Stored::Leased { .. } | Stored::Revoked => Err(misfit()),
    }
}

/// The error for a failure.
pub(crate) fn of(error: &StoreError) -> Failure {
    match error {
        StoreError::Compacted { .. } => expired_list(),
        StoreError::FutureRevision { current } => too_large(Rev(0), *current),
        StoreError::TooLarge => {
            Failure::new(Reason::RequestEntityTooLarge, "etcdserver: request is too large")
        }
        StoreError::NoSpace => Failure::unclassified("etcdserver: mvcc: database space exceeded"),
        StoreError::TooManyRequests => Failure::too_many_requests("etcdserver: too many requests", 1),
        StoreError::LeaseNotFound => Failure::unclassified("etcdserver: requested lease not found"),
        StoreError::DuplicateKey => Failure::unclassified("etcdserver: duplicate key given in txn request"),
        StoreError::Unavailable(why) => Failure::unclassified(format!("etcdserver: {why}")),
        StoreError::Internal(why) => Failure::unclassified(why.to_string()),
    }
}

/// The error for a list whose revision has been compacted.
pub(crate) fn expired_list() -> Failure {
    Failure::expired("The resourceVersion for the provided list is too old.")
}

/// The error for an answer that does not belong to the operation, which only a bug of the driver can cause.
pub(crate) fn misfit() -> Failure {
    Failure::internal("the store answered another question")
}

/// The error for a resource version that is newer than the store's.
/// k8s: staging/src/k8s.io/apiserver/pkg/storage/errors.go NewTooLargeResourceVersionError
pub(crate) fn too_large(asked: Rev, current: Rev) -> Failure {
    let message = format!("Timeout: Too large resource version: {}, current: {}", asked.0, current.0);
    let cause = Cause {
        reason: CauseType::ResourceVersionTooLarge,
        message: "Too large resource version".to_string(),
        field: String::new(),
    };
    let details = Details { causes: vec![cause], retry_after_seconds: 1, ..Details::default() };
    Failure::new(Reason::Timeout, message).with_details(details)
}
