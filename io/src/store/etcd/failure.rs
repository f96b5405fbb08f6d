//! Classifies etcd's errors by what they say about the operation: refused, without effect, or of unknown outcome.

use etcd_client::Error;
use steersman_core::store::{Rev, StoreError};
use steersman_core::value::Text;
use tonic::{Code, ConnectError, Status};

/// How an operation failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum EtcdFailure {
    /// It had no effect, and another attempt would be refused too.
    Refused(StoreError),
    /// It had no effect, and another attempt, or another member, may succeed.
    NoEffect(Text),
    /// It was sent and may have taken effect.
    Unknown(Text),
}

/// What an error text of etcd means for the operation.
enum Meaning {
    Compacted,
    FutureRevision,
    DuplicateKey,
    LeaseNotFound,
    TooLarge,
    TooManyRequests,
    NoEffect,
}

/// Texts that say more than the status code of the error. They may stand anywhere in the message.
/// etcd: api/v3rpc/rpctypes/error.go; raft: ErrProposalDropped; grpc-go: rpc_util.go
const TEXTS: [(&str, Meaning); 12] = [
    ("required revision has been compacted", Meaning::Compacted),
    ("required revision is a future revision", Meaning::FutureRevision),
    ("duplicate key given in txn request", Meaning::DuplicateKey),
    ("requested lease not found", Meaning::LeaseNotFound),
    ("etcdserver: request is too large", Meaning::TooLarge),
    ("grpc: received message larger than max", Meaning::TooLarge),
    ("too many operations in txn request", Meaning::TooLarge),
    ("etcdserver: too many requests", Meaning::TooManyRequests),
    // The operation was refused before it was proposed, because the member knows no leader.
    ("etcdserver: no leader", Meaning::NoEffect),
    ("raft proposal dropped", Meaning::NoEffect),
    ("etcdserver: not capable", Meaning::NoEffect),
    ("etcdserver: rpc not supported for learner", Meaning::NoEffect),
];

impl EtcdFailure {
    pub(super) fn of(error: &Error) -> Self {
        match error {
            Error::GRpcStatus(status) => Self::of_status(status),
            Error::TransportError(error) => Self::Unknown(Text::from(error.to_string())),
            // The client library refused before it sent anything.
            other => Self::Refused(StoreError::Internal(Text::from(other.to_string()))),
        }
    }

    fn of_status(status: &Status) -> Self {
        let message = status.message();
        let meaning = TEXTS.iter().find(|(text, _)| message.contains(text)).map(|(_, meaning)| meaning);
        match meaning {
            // etcd does not report the revisions.
            Some(Meaning::Compacted) => Self::Refused(StoreError::Compacted { compact_revision: Rev(0) }),
            Some(Meaning::FutureRevision) => Self::Refused(StoreError::FutureRevision { current: Rev(0) }),
            Some(Meaning::DuplicateKey) => Self::Refused(StoreError::DuplicateKey),
            Some(Meaning::LeaseNotFound) => Self::Refused(StoreError::LeaseNotFound),
            Some(Meaning::TooLarge) => Self::Refused(StoreError::TooLarge),
            Some(Meaning::TooManyRequests) => Self::Refused(StoreError::TooManyRequests),
            Some(Meaning::NoEffect) => Self::NoEffect(text_of(status)),
            None if was_not_sent(status) => Self::NoEffect(text_of(status)),
            None => Self::of_code(status),
        }
    }

    /// Classifies errors whose text is not known. "Request timed out", "leader changed" and "server stopped" say
    /// nothing about a write that was under way. Neither does "database space exceeded", which etcd also answers
    /// after it has applied the write that crossed its quota.
    /// etcd: server/etcdserver/apply/apply.go quotaApplierV3
    fn of_code(status: &Status) -> Self {
        match status.code() {
            Code::InvalidArgument
            | Code::NotFound
            | Code::AlreadyExists
            | Code::PermissionDenied
            | Code::FailedPrecondition
            | Code::Unimplemented
            | Code::Unauthenticated => Self::Refused(StoreError::Internal(status.message().into())),
            // etcd itself refuses a lease's duration with it; from the decoder it means that an answer is too large.
            Code::OutOfRange if status.message().starts_with("etcdserver: ") => {
                Self::Refused(StoreError::Internal(status.message().into()))
            }
            Code::Ok
            | Code::Cancelled
            | Code::Unknown
            | Code::DeadlineExceeded
            | Code::ResourceExhausted
            | Code::Aborted
            | Code::OutOfRange
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss => Self::Unknown(text_of(status)),
        }
    }
}

/// Whether no connection existed over which the request could have been sent.
fn was_not_sent(status: &Status) -> bool {
    let mut source = std::error::Error::source(status);
    while let Some(error) = source {
        if error.is::<ConnectError>() {
            return true;
        }
        source = error.source();
    }
    false
}

/// An error in one line: etcd's message, or why the connection failed.
pub(super) fn text(error: &Error) -> Text {
    match error {
        Error::GRpcStatus(status) => text_of(status),
        other => Text::from(other.to_string()),
    }
}

fn text_of(status: &Status) -> Text {
    // etcd's texts begin with its name, and callers add the name again.
    let message = status.message();
    let message = message.strip_prefix("etcdserver: ").unwrap_or(message);
    let mut cause = std::error::Error::source(status);
    while let Some(below) = cause.and_then(std::error::Error::source) {
        cause = Some(below);
    }
    match cause.map(ToString::to_string) {
        Some(cause) if !message.contains(&cause) => Text::from(format!("{message}: {cause}")),
        Some(_) | None => Text::from(message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_mean_what_etcd_means_by_them() {
        let refused = |error| EtcdFailure::Refused(error);
        let cases = [
            (
                Code::OutOfRange,
                "etcdserver: mvcc: required revision has been compacted",
                refused(StoreError::Compacted { compact_revision: Rev(0) }),
            ),
            (
                Code::OutOfRange,
                "etcdserver: mvcc: required revision is a future revision",
                refused(StoreError::FutureRevision { current: Rev(0) }),
            ),
            (Code::NotFound, "etcdserver: requested lease not found", refused(StoreError::LeaseNotFound)),
            (
                Code::InvalidArgument,
                "etcdserver: duplicate key given in txn request",
                refused(StoreError::DuplicateKey),
            ),
            (Code::InvalidArgument, "etcdserver: request is too large", refused(StoreError::TooLarge)),
            (
                Code::ResourceExhausted,
                "grpc: received message larger than max (3000000 vs. 2097152)",
                refused(StoreError::TooLarge),
            ),
            (
                Code::ResourceExhausted,
                "etcdserver: mvcc: database space exceeded",
                EtcdFailure::Unknown("mvcc: database space exceeded".into()),
            ),
            (Code::ResourceExhausted, "etcdserver: too many requests", refused(StoreError::TooManyRequests)),
            (
                Code::InvalidArgument,
                "etcdserver: key is not provided",
                refused(StoreError::Internal("etcdserver: key is not provided".into())),
            ),
            (
                Code::OutOfRange,
                "etcdserver: too large lease TTL",
                refused(StoreError::Internal("etcdserver: too large lease TTL".into())),
            ),
            (Code::Unavailable, "etcdserver: no leader", EtcdFailure::NoEffect("no leader".into())),
            (
                Code::Unavailable,
                "etcdserver: request timed out",
                EtcdFailure::Unknown("request timed out".into()),
            ),
            (Code::Unavailable, "etcdserver: server stopped", EtcdFailure::Unknown("server stopped".into())),
            (Code::Unavailable, "etcdserver: leader changed", EtcdFailure::Unknown("leader changed".into())),
            (
                Code::OutOfRange,
                "Error, decoded message length too large: found 5 bytes",
                EtcdFailure::Unknown("Error, decoded message length too large: found 5 bytes".into()),
            ),
        ];
        for (code, message, expected) in cases {
            assert_eq!(
                EtcdFailure::of(&Error::GRpcStatus(Status::new(code, message))),
                expected,
                "{message}"
            );
        }
    }
}
