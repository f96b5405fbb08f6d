//! A job of the machine's own: it converts objects of the store for the watchers of a version.

use super::{Answer, Next, Scene};
use crate::kinds::KindId;
use crate::status::Failure;
use crate::world::cache::Entry;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// What is to be converted.
#[derive(Clone, Debug)]
pub(crate) struct ConvertObjects {
    /// The kind in whose version the objects are wanted.
    pub(super) kind: KindId,
    pub(super) entries: Vec<Arc<Entry>>,
}

impl ConvertObjects {
    /// The only step. It is run again when the converter has answered.
    pub(super) fn step(self, scene: &Scene<'_>, _: Answer) -> Result<Next, Failure> {
        let kind = scene.world.registry.kind(self.kind).ok_or_else(Failure::no_such_resource)?;
        let converted = self.entries.iter().map(|entry| scene.in_version(entry, kind));
        Ok(Next::Converted(converted.collect::<Result<_, _>>()?))
    }
}
