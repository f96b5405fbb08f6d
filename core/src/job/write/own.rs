//! Drafts the objects that the server itself makes and keeps: they pass the stages of a client's, except admission.

use super::default::Defaulted;
use super::draft::Draft;
use super::prepare::Prepared;
use super::record;
use super::validate::Validated;
use crate::caller::Caller;
use crate::job::existing::Existing;
use crate::kinds::{Facts, Kind};
use crate::now::Now;
use crate::status::Failure;
use crate::value::{Text, Value};
use crate::world::World;
use crate::world::cache::Entry;
use alloc::sync::Arc;
use bytes::Bytes;

/// What the server makes of an object that exists.
#[derive(Debug)]
pub(crate) struct OwnChange<'c> {
    /// The whole object in the stored version, with the resource version of the existing one.
    pub(crate) value: Value,
    /// The subresource through which it is written; empty for the object itself.
    pub(crate) subresource: &'c str,
}

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
    record::record_own(&world.registry, resource, ("", None), &mut value, record::SERVER, now.wall)?;
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

/// The encoded object after a change; None if that changes nothing.
///
/// # Errors
/// What a client would be answered.
pub(crate) fn draft_own_change(
    world: &World,
    resource: &Kind,
    entry: &Arc<Entry>,
    change: OwnChange<'_>,
    now: Now,
) -> Result<Option<Bytes>, Failure> {
    let OwnChange { value, subresource } = change;
    let existing = Existing::new(entry.clone());
    let server = Caller::server();
    let facts = Facts::of_create(&server, now.wall, &world.config, world);
    let facts = facts.of_group(&resource.group).of_update(subresource, &existing.value);
    let Defaulted { mut value } = Defaulted::of(world, resource, value);
    let old = (subresource, Some(&existing.value));
    record::record_own(&world.registry, resource, old, &mut value, record::SERVER, now.wall)?;
    let resource = world.registry.stored_kind(resource);
    let strategy = resource.rules().strategy(subresource);
    let strategy = strategy.ok_or_else(|| Failure::internal("the subresource cannot be updated"))?;
    let prepared = Prepared::updated(world, resource, strategy, value, &facts)?;
    let Validated { value, .. } = Validated::updated(resource, strategy, prepared, &facts)?;
    let draft = Draft::of(world, resource, value, Some(&existing))?;
    Ok((!draft.changes_nothing(world, resource, &existing)).then_some(draft.bytes))
}
