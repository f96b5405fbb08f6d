//! Drafts the objects that the server itself makes: they pass the stages of a client's, except admission.

use super::default::Defaulted;
use super::draft::Draft;
use super::prepare::Prepared;
use super::record;
use super::validate::Validated;
use crate::caller::Caller;
use crate::kinds::{Facts, Kind};
use crate::now::Now;
use crate::status::Failure;
use crate::value::{Text, Value};
use crate::world::World;
use bytes::Bytes;

/// The encoded object. It keeps its status, which a client could not set.
///
/// # Errors
/// What a client would be answered.
pub(crate) fn draft_own(
    world: &World,
    resource: &Kind,
    value: Value,
    uid: &Text,
    now: Now,
) -> Result<Bytes, Failure> {
    let server = Caller::server();
    let facts = Facts::of_create(&server, now.wall, &world.config, world);
    let Defaulted { mut value } = Defaulted::of(world, resource, value);
    record::record_own(&world.registry, resource, &mut value, now.wall)?;
    let status = value.field("status").cloned();
    let name = resource.rules().name;
    let resource = world.registry.stored_kind(resource);
    let prepared = Prepared::created(resource, value, uid, &facts)?;
    let Validated { mut value, .. } = Validated::created(resource, name, prepared, &facts)?;
    if let Some(status) = status {
        value.set("status", status);
    }
    Ok(Draft::of(world, resource, value, None)?.bytes)
}
