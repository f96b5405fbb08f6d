//! What a server keeps beside its objects, so that requests need not look for it, is what these objects say.

use super::{Guarantee, Violation};
use steersman_core::world::World;
use steersman_core::world::cache::Held;
use steersman_core::world::cache::tree::Tree;
use steersman_core::world::indexes::Indexes;

/// The objects of which one server's indexes were made when they were last compared.
#[derive(Debug, Default)]
pub struct IndexCheck {
    namespaces: Tree<Held>,
}

impl IndexCheck {
    /// Compares the indexes that are kept with those that the objects make, if the objects have changed.
    ///
    /// # Errors
    /// When they differ.
    pub fn compare(&mut self, world: &World) -> Result<(), Violation> {
        let kind = world.registry.find("", "v1", "namespaces");
        let cache = kind.and_then(|kind| world.cache(kind.storage?));
        let Some(held) = cache.map(|cache| cache.entries()).filter(|held| !held.same(&self.namespaces))
        else {
            return Ok(());
        };
        self.namespaces = held.clone();
        let rebuilt = Indexes::rebuild(world);
        if *world.indexes() == rebuilt {
            return Ok(());
        }
        let detail = format!("{:?} is kept of what makes {rebuilt:?}", world.indexes());
        Err(Violation::new(Guarantee::IndexesFollowObjects, detail))
    }
}
