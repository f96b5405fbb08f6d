//! What the machine keeps for watchers, as numbers for operators.

use super::Machine;
use crate::kinds::Kind;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// What is kept of one collection.
#[derive(Clone, Debug)]
pub struct CollectionFigures {
    /// The kind whose objects it holds.
    pub kind: Arc<Kind>,
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
    /// The figures of all collections. It takes a time that is proportional to the number of watches.
    pub fn collection_figures(&self) -> Vec<CollectionFigures> {
        let registry = &self.world().registry;
        let of = |figures: super::hub::GroupFigures| {
            let kind = registry.stored(figures.storage)?;
            Some(CollectionFigures {
                kind: Arc::clone(kind),
                window_changes: figures.window_changes,
                window_bytes: figures.window_bytes,
                watchers: figures.watchers,
                watchers_behind: figures.watchers_behind,
                frames_untaken: figures.frames_untaken,
            })
        };
        self.hub.figures().filter_map(of).collect()
    }
}
