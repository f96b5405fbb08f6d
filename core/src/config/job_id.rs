//! The number of a request.

/// Names one request for its whole life. The driver numbers requests from 1 upwards and never reuses
/// a number; numbers from `JobId::OWN` up belong to the machine itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct JobId(pub u64);

impl JobId {
    /// The first number of the machine's own operations (listing a feed, compaction).
    pub const OWN: Self = Self(1 << 63);

    pub fn is_own(self) -> bool {
        self >= Self::OWN
    }
}
