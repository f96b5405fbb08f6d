//! The error for each failure of the store, and the cases in which the outcome of a write is unknown.
//! k8s: staging/src/k8s.io/apiserver/pkg/storage/errors/storage.go, pkg/storage/etcd3/errors.go

use super::{Answer, Notes};
use crate::authorization::Target;
use crate::config::Note;
use crate::limits;
use crate::status::{Cause, CauseType, Details, Failure, Reason};
use crate::store::{KeyValue, Ranged, Rev, StoreError, Stored, TxnReply};
use crate::wire::BodyError;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;

/// The result of a read, or the error for it.
pub(super) fn ranged(answer: Answer) -> Result<Ranged, Failure> {
    match answer {
        Answer::Stored(Stored::Ranged(ranged)) => Ok(ranged),
        Answer::Stored(Stored::Failed(error)) => Err(store_failure(&error)),
        Answer::Stored(Stored::Unknown(why)) => Err(Failure::timeout(why.to_string(), 0)),
        Answer::Stored(Stored::Txn(_) | Stored::Compacted | Stored::Leased { .. } | Stored::Revoked)
        | Answer::Begin
        | Answer::Seated
        | Answer::Body(_)
        | Answer::Called(_)
        | Answer::Fresh
        | Answer::Stale => Err(misfit()),
    }
}

/// What the store answered, whatever it was.
pub(super) fn stored(answer: Answer) -> Result<Stored, Failure> {
    match answer {
        Answer::Stored(stored) => Ok(stored),
        Answer::Begin
        | Answer::Seated
        | Answer::Body(_)
        | Answer::Called(_)
        | Answer::Fresh
        | Answer::Stale => Err(misfit()),
    }
}

/// The error for a body that did not arrive.
/// k8s: staging/src/k8s.io/apiserver/pkg/endpoints/handlers/rest.go limitedReadBody
pub(super) fn body_failure(error: &BodyError) -> Failure {
    match error {
        BodyError::TooLarge => Failure::request_entity_too_large(limits::REQUEST_BODY_BYTES),
        BodyError::TooSlow => Failure::timeout("request body did not arrive in time", 0),
        BodyError::NoRoom => Failure::too_many_requests("Too many requests, please try again later.", 1),
        BodyError::Broken(why) => Failure::unclassified(why.to_string()),
    }
}

/// How a write ended, as far as the store can tell.
pub(super) enum Written {
    Txn(TxnReply),
    /// The write may or may not have happened.
    Unknown(String),
}

/// The result of a write. Failures that are known to have had no effect are errors. Operators are told of a reply that
/// was lost, whatever the outcome turns out to be.
pub(super) fn written(answer: Answer, target: &Target, notes: &mut Notes) -> Result<Written, Failure> {
    match answer {
        Answer::Stored(Stored::Txn(reply)) => Ok(Written::Txn(reply)),
        Answer::Stored(Stored::Unknown(why)) => {
            notes.add(Note::UnknownOutcome { resource: target.resource().row.plural.into() });
            Ok(Written::Unknown(why.to_string()))
        }
        Answer::Stored(Stored::Failed(error)) => Err(store_failure(&error)),
        Answer::Stored(Stored::Ranged(_) | Stored::Compacted | Stored::Leased { .. } | Stored::Revoked)
        | Answer::Begin
        | Answer::Seated
        | Answer::Body(_)
        | Answer::Called(_)
        | Answer::Fresh
        | Answer::Stale => Err(misfit()),
    }
}

/// What a key holds after a write whose reply was lost. If this read fails too, the outcome stays unknown.
pub(super) fn read_back(answer: Answer, why: &str) -> Result<Option<KeyValue>, Failure> {
    let mut ranged = ranged(answer).map_err(|_| unknown_outcome(why))?;
    Ok(ranged.kvs.pop())
}

/// The error for an answer that does not belong to the operation, which only a bug of the driver can cause.
pub(super) fn misfit() -> Failure {
    Failure::internal("the store answered another question")
}

pub(super) fn store_failure(error: &StoreError) -> Failure {
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
pub(super) fn expired_list() -> Failure {
    Failure::expired("The resourceVersion for the provided list is too old.")
}

/// The error for a write whose reply was lost.
pub(super) fn unknown_outcome(why: &str) -> Failure {
    Failure::timeout(format!("the outcome of the request is not known: {why}"), 0)
}

/// The error for a resource version that is newer than the store's.
/// k8s: staging/src/k8s.io/apiserver/pkg/storage/errors.go NewTooLargeResourceVersionError
pub(super) fn too_large(asked: Rev, current: Rev) -> Failure {
    let message = format!("Timeout: Too large resource version: {}, current: {}", asked.0, current.0);
    let cause = Cause {
        reason: CauseType::ResourceVersionTooLarge,
        message: "Too large resource version".to_string(),
        field: String::new(),
    };
    let details = Details { causes: vec![cause], retry_after_seconds: 1, ..Details::default() };
    Failure::new(Reason::Timeout, message).with_details(details)
}

/// The error for a watch that starts before the oldest known change.
pub(super) fn too_old(asked: Rev, oldest: Rev) -> Failure {
    Failure::expired(format!("too old resource version: {} ({})", asked.0, oldest.0))
}
