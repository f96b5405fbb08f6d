//! The search for the first change of a key after a revision, in reads at past revisions.

use crate::limits;
use crate::store::{Guard, KeyValue, Op, Range, Rev};

/// A search in the history of a key that has left its guarded revision.
#[derive(Clone, Debug)]
pub(super) struct Search {
    guard: Guard,
    /// What the key held when the search began.
    held: Option<KeyValue>,
    /// The newest revision at which the key is known to be unchanged.
    unchanged_at: Rev,
    /// The oldest changed state that is known.
    first: HeldState,
    /// The revision that is being read.
    asked: Rev,
    reads: u32,
}

/// What a key held at a revision after its guarded one.
#[derive(Clone, Debug)]
pub(super) struct HeldState {
    /// The revision of the change that led to it, or, of an absent key, one at which it was absent.
    pub(super) revision: Rev,
    pub(super) held: Option<KeyValue>,
}

/// How a search goes on.
pub(super) enum SearchStep {
    Read(Op),
    /// The state that the first change led to, and its revision.
    Found(HeldState),
    /// The history makes no sense, or takes too long to read.
    Endless,
}

impl HeldState {
    /// The oldest changed state that follows from what the key held at a revision.
    fn of(guard: &Guard, held: Option<KeyValue>, at: Rev) -> Self {
        match held {
            // A key that was created anew was absent right before.
            Some(kv) if kv.create_revision > guard.revision => {
                Self { revision: Rev(kv.create_revision.0 - 1), held: None }
            }
            Some(kv) => Self { revision: kv.mod_revision, held: Some(kv) },
            None => Self { revision: at, held: None },
        }
    }
}

impl Search {
    /// A search in the history of a key that held this at a revision, which is not what the guard asks for.
    pub(super) fn new(guard: Guard, held: Option<KeyValue>, at: Rev) -> Self {
        let first = HeldState::of(&guard, held.clone(), at);
        Self { unchanged_at: guard.revision, guard, held, first, asked: at, reads: 0 }
    }

    /// What is still to be read. Usually the first change is also the last, so the revision before it is read first,
    /// and then in turns with the middle of what is left, which bounds the number of reads.
    pub(super) fn next(&mut self) -> SearchStep {
        let left = self.first.revision.0.saturating_sub(self.unchanged_at.0);
        if left == 1 {
            return SearchStep::Found(self.first.clone());
        }
        if left == 0 || self.reads >= limits::HISTORY_READS {
            return SearchStep::Endless;
        }
        let back = if self.reads.is_multiple_of(2) { 1 } else { left / 2 };
        self.asked = Rev(self.first.revision.0 - back);
        self.reads += 1;
        SearchStep::Read(Op::Range(Range {
            key: self.guard.key.clone(),
            revision: self.asked,
            ..Range::default()
        }))
    }

    /// The search after what was asked for has been read.
    #[must_use]
    pub(super) fn narrowed(self, held: Option<KeyValue>) -> Self {
        if self.guard.holds(held.as_ref()) {
            return Self { unchanged_at: self.asked, ..self };
        }
        let first = HeldState::of(&self.guard, held, self.asked);
        Self { first, ..self }
    }

    /// The guard, and what its key held when the search began.
    pub(super) fn into_parts(self) -> (Guard, Option<KeyValue>) {
        (self.guard, self.held)
    }
}
