//! Drafts the objects that the server itself makes and keeps: they pass the stages of a client's, except admission.

use super::default::Defaulted;
use super::draft::Draft;
use super::prepare::Prepared;
use super::record;
use super::validate::Validated;
use crate::caller::Caller;
use crate::job::existing::Existing;
use crate::kinds::{Facts, Kind, KindVersions};
use crate::now::Now;
use crate::ownership;
use crate::schema::decode::normalize;
use crate::status::Failure;
use crate::value::{Text, Value, object};
use crate::world::World;
use crate::world::cache::Entry;
use alloc::sync::Arc;
use bytes::Bytes;

/// As whom the server writes, and through which subresource; empty for the object itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OwnWriter<'w> {
    pub(crate) manager: &'w str,
    pub(crate) subresource: &'w str,
}

impl OwnWriter<'_> {
    /// As a client without a name of its own, which writes whole objects.
    pub(crate) const SERVER: OwnWriter<'static> = OwnWriter { manager: record::SERVER, subresource: "" };
    pub(crate) const STATUS: OwnWriter<'static> =
        OwnWriter { manager: record::SERVER, subresource: "status" };
}

/// What the server makes of an object that exists.
#[derive(Debug)]
pub(crate) enum OwnChange {
    /// The whole object in the stored version, with the resource version of the existing one.
    Replace(Value),
    /// The fields that the writer wants to own, whoever owns them.
    Apply(Value),
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
    manager: &str,
    now: Now,
) -> Result<Bytes, Failure> {
    let server = Caller::server();
    let facts = Facts::of_create(&server, now.wall, &world.config, world);
    let Defaulted { mut value } = Defaulted::of(world, resource, value);
    record::record_own(&world.registry, resource, ("", None), &mut value, manager, now.wall)?;
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

/// The encoded object as it is given.
///
/// # Errors
/// It is too large.
pub(crate) fn draft_stored(world: &World, resource: &Kind, value: Value) -> Result<Bytes, Failure> {
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
    writer: OwnWriter<'_>,
    change: OwnChange,
    now: Now,
) -> Result<Option<Bytes>, Failure> {
    let OwnWriter { manager, subresource } = writer;
    let existing = Existing::new(entry.clone());
    let server = Caller::server();
    let facts = Facts::of_create(&server, now.wall, &world.config, world);
    let facts = facts.of_group(&resource.group).of_update(subresource, &existing.value);
    let value = match change {
        OwnChange::Replace(value) => {
            let Defaulted { mut value } = Defaulted::of(world, resource, value);
            let old = (subresource, Some(&existing.value));
            record::record_own(&world.registry, resource, old, &mut value, manager, now.wall)?;
            value
        }
        OwnChange::Apply(configuration) => {
            let value = apply(world, resource, &existing.value, writer, configuration, now)?;
            Defaulted::of(world, resource, value).value
        }
    };
    let resource = world.registry.stored_kind(resource);
    let strategy = resource.rules().strategy(subresource);
    let strategy = strategy.ok_or_else(|| Failure::internal("the subresource cannot be updated"))?;
    let prepared = Prepared::updated(world, resource, strategy, value, &facts)?;
    let Validated { value, .. } =
        Validated::updated(resource, strategy, prepared, &facts, &mut alloc::vec::Vec::new())?;
    let draft = Draft::of(world, resource, value, Some(&existing))?;
    Ok((!draft.changes_nothing(world, resource, &existing)).then_some(draft.bytes))
}

/// What applying a configuration makes of an object in its stored version, with its managed fields.
fn apply(
    world: &World,
    resource: &Kind,
    live: &Value,
    writer: OwnWriter<'_>,
    mut configuration: Value,
    now: Now,
) -> Result<Value, Failure> {
    let versions = KindVersions { registry: &world.registry, kind: resource, converter: None };
    let api_version = resource.group_version();
    object::set_api_version_and_kind(&mut configuration, &api_version, &resource.kind);
    let ownership = record::ownership(&versions, &api_version, writer.subresource, now.wall);
    let applied = ownership::applied(&ownership, live, &configuration, writer.manager, true)?;
    let shaped = applied.object.map(|merged| normalize(&resource.catalogue, resource.type_id, merged));
    let shaped = shaped.transpose().map_err(|error| Failure::internal(error.0))?;
    let mut value = shaped.unwrap_or_else(|| live.clone());
    object::set_api_version_and_kind(&mut value, &api_version, &resource.kind);
    object::set_managed_fields(&mut value, applied.entries);
    Ok(value)
}
