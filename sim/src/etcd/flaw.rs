//! Historical bugs of etcd that a cluster can have, for the museum. Without the feature `museum` no cluster can have
//! one, and nothing of them is compiled.

/// A bug that etcd had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EtcdFlaw {
    ProgressAhead,
    LostUnderStarvation,
    DeleteDroppedAtCompaction,
    StaleReadOfPausedMember,
}

impl EtcdFlaw {
    pub const ALL: [Self; 4] = [
        Self::ProgressAhead,
        Self::LostUnderStarvation,
        Self::DeleteDroppedAtCompaction,
        Self::StaleReadOfPausedMember,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::ProgressAhead => "etcd-progress-ahead",
            Self::LostUnderStarvation => "etcd-lost-under-starvation",
            Self::DeleteDroppedAtCompaction => "etcd-delete-dropped-at-compaction",
            Self::StaleReadOfPausedMember => "etcd-stale-read-of-paused-member",
        }
    }

    /// Where it was reported.
    pub const fn issue(self) -> &'static str {
        match self {
            Self::ProgressAhead => "etcd#15220",
            Self::LostUnderStarvation => "etcd#17529",
            Self::DeleteDroppedAtCompaction => "etcd#18089, etcd#19179",
            Self::StaleReadOfPausedMember => "etcd#20418",
        }
    }

    pub const fn sentence(self) -> &'static str {
        match self {
            Self::ProgressAhead => {
                "A progress report runs ahead of events that the stream has not delivered yet."
            }
            Self::LostUnderStarvation => {
                "A slow watch that compaction overtakes goes on after the gap, instead of being cancelled."
            }
            Self::DeleteDroppedAtCompaction => {
                "A deletion at the compacted revision is not delivered to a watch that resumes from it."
            }
            Self::StaleReadOfPausedMember => {
                "A linearizable read on a member that lags after a pause answers with what it has applied."
            }
        }
    }
}

/// Which flaw a cluster has, if any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Flawed {
    #[cfg(feature = "museum")]
    flaw: Option<EtcdFlaw>,
}

impl Flawed {
    pub const NEVER: Self = Self {
        #[cfg(feature = "museum")]
        flaw: None,
    };

    #[cfg(feature = "museum")]
    pub const fn with(flaw: EtcdFlaw) -> Self {
        Self { flaw: Some(flaw) }
    }

    #[cfg(feature = "museum")]
    pub(super) const fn is(self, flaw: EtcdFlaw) -> bool {
        matches!(self.flaw, Some(held) if held as u8 == flaw as u8)
    }

    #[cfg(not(feature = "museum"))]
    pub(super) const fn is(self, _flaw: EtcdFlaw) -> bool {
        false
    }
}
