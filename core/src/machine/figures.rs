//! What the machine keeps for watchers, as numbers for operators.

use super::Machine;
use crate::kinds::Kind;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// What is kept of one collection.
#[derive(Clone, Debug)]
pub struct CollectionFigures {
    /// Recent changes that are kept for watches that start late or have fallen behind.
    pub window_changes: usize,
    /// How many bytes are in memory only because of these changes.
    pub window_bytes: usize,
    /// Watches that are open.
    pub watchers: usize,
    /// Those of them that are too far behind: they are sent nothing until their clients have taken what was sent.
    pub watchers_behind: usize,
    /// Frames that were sent to all of them and that their clients have not taken yet; one holds the changes of a
    /// revision.
    pub frames_untaken: usize,
}

impl Machine {
    /// The figures of all collections, each with the kind whose objects it holds. It takes a time that is proportional
    /// to the number of watches.
    pub fn collection_figures(&self) -> Vec<(Arc<Kind>, CollectionFigures)> {
        let registry = &self.world().registry;
        let figures = self.hub.figures();
        figures
            .filter_map(|(storage, figures)| Some((Arc::clone(registry.stored(storage)?), figures)))
            .collect()
    }
}
