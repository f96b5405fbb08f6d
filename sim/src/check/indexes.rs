//! What a server keeps beside its objects, so that requests need not look for it, is what these objects say.

use super::{Guarantee, Violation};
use steersman_core::config::Authorizer;
use steersman_core::world::World;
use steersman_core::world::cache::Held;
use steersman_core::world::cache::tree::Tree;
use steersman_core::world::indexes::Indexes;

/// The objects of which one server's indexes were made when they were last compared.
#[derive(Debug, Default)]
pub struct IndexCheck {
    objects: Vec<Tree<Held>>,
}

impl IndexCheck {
    /// Compares the indexes that are kept with those that the objects make, if the objects have changed.
    ///
    /// # Errors
    /// When they differ.
    pub fn compare(&mut self, world: &World) -> Result<(), Violation> {
        let of_nodes =
            if world.config.authorization.contains(&Authorizer::Node) { Indexes::NODE_KINDS } else { &[] };
        let held = Indexes::KINDS.iter().chain(of_nodes).filter_map(|(group, version, plural)| {
            let kind = world.registry.find(group, version, plural)?;
            Some(world.cache(kind.storage?)?.entries())
        });
        let held: Vec<&Tree<Held>> = held.collect();
        let are_same = |(now, before): (&&Tree<Held>, &Tree<Held>)| now.same(before);
        if held.len() == self.objects.len() && held.iter().zip(&self.objects).all(are_same) {
            return Ok(());
        }
        self.objects = held.into_iter().cloned().collect();
        let rebuilt = Indexes::rebuild(world);
        if *world.indexes() == rebuilt {
            return Ok(());
        }
        let detail = format!("{:?} is kept of what makes {rebuilt:?}", world.indexes());
        Err(Violation::new(Guarantee::IndexesFollowObjects, detail))
    }
}
