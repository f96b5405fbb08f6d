//! The limits that a request counts against.

/// Which of the two limits a request counts against. A watch counts as a read until it has begun, and against neither
/// afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seat {
    ReadOnly,
    Mutating,
}
