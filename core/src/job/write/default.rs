//! The first stage: an object in the version in which it is worked on, with defaults.

use crate::kinds::Kind;
use crate::schema::decode;
use crate::value::Value;
use crate::world::World;

/// A client's object with defaults: a built-in one in the stored version, with those of both versions; a custom one in
/// the version of its request.
#[derive(Debug)]
pub(in crate::job) struct Defaulted {
    pub(super) value: Value,
}

impl Defaulted {
    /// Sets the defaults of an object in the version of a resource, and converts it.
    pub(in crate::job) fn of(world: &World, resource: &Kind, mut value: Value) -> Self {
        set(resource, &mut value);
        let stored = world.registry.working_kind(resource);
        if stored.id == resource.id {
            return Self { value };
        }
        let mut value = world.registry.to_stored(resource, value);
        set(stored, &mut value);
        Self { value }
    }
}

fn set(resource: &Kind, value: &mut Value) {
    decode::apply_defaults(&resource.catalogue, resource.type_id, value);
    (resource.rules().default)(value);
}
