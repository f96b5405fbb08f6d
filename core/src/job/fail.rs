//! The errors of steps: those of the store, and those of what a client asks of it.
//! k8s: staging/src/k8s.io/apiserver/pkg/storage/errors/storage.go, pkg/storage/etcd3/errors.go

use super::Answer;
use crate::limits;
use crate::question::Reply;
use crate::status::Failure;
use crate::store::{Ranged, Rev, Stored, failure};
use crate::wire::BodyError;
use alloc::format;
use alloc::string::ToString;

pub(super) use failure::{expired_list, misfit, of as store_failure, too_large};

/// The result of a read, or the error for it.
pub(super) fn ranged(answer: Answer) -> Result<Ranged, Failure> {
    failure::ranged(stored(answer)?)
}

/// The store's reply.
pub(super) fn stored(answer: Answer) -> Result<Stored, Failure> {
    match answer {
        Answer::Stored(stored) => Ok(stored),
        Answer::Begin
        | Answer::Seated
        | Answer::Body(_)
        | Answer::Called(_)
        | Answer::Signed(_)
        | Answer::Verified(_)
        | Answer::Turn
        | Answer::Taken(_)
        | Answer::Fresh
        | Answer::Stale => Err(misfit()),
    }
}

/// The reply to a question.
pub(super) fn reply(answer: Answer) -> Result<Reply, Failure> {
    match answer {
        Answer::Stored(stored) => Ok(Reply::Stored(stored)),
        Answer::Called(outcomes) => Ok(Reply::Called(outcomes)),
        Answer::Verified(is_good) => Ok(Reply::Verified(is_good)),
        Answer::Turn => Ok(Reply::Turn),
        Answer::Taken(taken) => Ok(Reply::Taken(taken)),
        Answer::Fresh => Ok(Reply::Fresh),
        Answer::Stale => Ok(Reply::Stale),
        Answer::Begin | Answer::Seated | Answer::Body(_) | Answer::Signed(_) => Err(misfit()),
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

/// The error for a write whose reply was lost, and of which it cannot be found out whether it happened.
pub(super) fn unknown_outcome(why: &str) -> Failure {
    Failure::timeout(format!("the outcome of the request is not known: {why}"), 0)
}

/// The error for a watch that starts before the oldest known change.
pub(super) fn too_old(asked: Rev, oldest: Rev) -> Failure {
    Failure::expired(format!("too old resource version: {} ({})", asked.0, oldest.0))
}
