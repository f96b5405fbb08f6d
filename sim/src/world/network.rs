//! Links that carry nothing for a while, each in one direction: what is sent waits, as TCP would send it again.

use crate::trace::Lane;
use std::collections::BTreeMap;
use steersman_core::now::Mono;

/// The links that are blocked, and until when.
#[derive(Clone, Debug, Default)]
pub(super) struct Network {
    blocked: BTreeMap<(Lane, Lane), Mono>,
}

impl Network {
    /// Nothing goes from one to the other until a time.
    pub(super) fn block(&mut self, from: Lane, to: Lane, until: Mono) {
        let held = self.blocked.entry((from, to)).or_insert(until);
        *held = (*held).max(until);
    }

    /// When what would arrive at a time arrives.
    pub(super) fn arrival(&self, from: Lane, to: Lane, at: Mono) -> Mono {
        if self.blocked.is_empty() {
            return at;
        }
        self.blocked.get(&(from, to)).map_or(at, |until| at.max(*until))
    }

    /// Everything goes again.
    pub(super) fn heal(&mut self) {
        self.blocked.clear();
    }
}
