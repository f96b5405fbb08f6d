//! Blocked links, each in one direction. Messages on them are delayed, as TCP would send them again.

use crate::trace::Lane;
use std::collections::BTreeMap;
use steersman_core::now::Mono;

/// The links that are blocked, and until when.
#[derive(Clone, Debug, Default)]
pub(super) struct Network {
    blocked: BTreeMap<(Lane, Lane), Mono>,
}

impl Network {
    /// Blocks a link from one lane to another until a time.
    pub(super) fn block(&mut self, from: Lane, to: Lane, until: Mono) {
        let held = self.blocked.entry((from, to)).or_insert(until);
        *held = (*held).max(until);
    }

    /// When a message that would arrive at `at` arrives.
    pub(super) fn arrival(&self, from: Lane, to: Lane, at: Mono) -> Mono {
        if self.blocked.is_empty() {
            return at;
        }
        self.blocked.get(&(from, to)).map_or(at, |until| at.max(*until))
    }

    /// Unblocks all links.
    pub(super) fn heal(&mut self) {
        self.blocked.clear();
    }
}
