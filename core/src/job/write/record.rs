//! The stage after defaults: who manages which fields of the object. Upstream counts what the client wrote, so plugins
//! and the kind's strategy come later.
//! k8s: staging/src/k8s.io/apiserver/pkg/endpoints/handlers/{create,update,patch}.go

use super::drafting::Base;
use crate::authorization::Target;
use crate::conversion::ObjectConverter;
use crate::job::Scene;
use crate::kinds::{Kind, KindVersions, Registry};
use crate::now::Wall;
use crate::ownership::{self, FieldFilter, Ownership};
use crate::schema::decode;
use crate::status::Failure;
use crate::value::{Value, object};
use alloc::string::String;

/// As whom the server's own writes are counted.
pub(super) const SERVER: &str = "kube-apiserver";

/// An object of a type whose fields have not been set.
pub(in crate::job) fn unset(kind: &Kind) -> Result<Value, Failure> {
    let unset = decode::normalize(&kind.catalogue, kind.type_id, Value::Null);
    unset.map_err(|error| Failure::internal(error.0))
}

/// How a request writes a kind through a subresource, or the object itself if that has no name.
pub(in crate::job) fn ownership<'a>(
    versions: &'a KindVersions<'a>,
    api_version: &'a str,
    subresource: &'a str,
    now: Wall,
) -> Ownership<'a> {
    let strategy = versions.kind.rules().strategy(subresource);
    let filter = strategy.map_or(FieldFilter::NONE, |strategy| strategy.reset_fields.into());
    Ownership { versions, api_version, kind: &versions.kind.kind, subresource, filter, now }
}

/// Records who has written the fields in which a defaulted object of the stored version differs from what it replaces.
pub(super) fn record(
    scene: &Scene<'_>,
    target: &Target,
    base: &Base,
    value: &mut Value,
    manager: &str,
) -> Result<(), Failure> {
    let registry = &scene.world.registry;
    let kind = target.resource();
    let subresource = target.subresource();
    let old = match base {
        Base::Held(existing) => Some(&existing.value),
        Base::Absent { .. } => {
            object::set_deletion_timestamp(value, None);
            object::set_deletion_grace_period_seconds(value, None);
            None
        }
    };
    let convert = |value, to: &Kind| scene.object(value, to);
    let versions = KindVersions { registry, kind, converter: Some(&convert) };
    record_as(&versions, subresource, old, value, manager, scene.now.wall)
}

/// Records the writer of an object that the server itself makes, or changes through a subresource.
pub(super) fn record_own(
    registry: &Registry,
    kind: &Kind,
    (subresource, old): (&str, Option<&Value>),
    value: &mut Value,
    manager: &str,
    now: Wall,
) -> Result<(), Failure> {
    let versions = KindVersions { registry, kind, converter: None };
    record_as(&versions, subresource, old, value, manager, now)
}

/// Records the server as the writer of an object's status.
pub(super) fn record_own_status(
    registry: &Registry,
    kind: &Kind,
    old: &Value,
    value: &mut Value,
    now: Wall,
) -> Result<(), Failure> {
    let versions = KindVersions { registry, kind, converter: None };
    record_as(&versions, "status", Some(old), value, SERVER, now)
}

fn record_as(
    versions: &KindVersions<'_>,
    subresource: &str,
    old: Option<&Value>,
    value: &mut Value,
    manager: &str,
    now: Wall,
) -> Result<(), Failure> {
    let KindVersions { registry, kind, .. } = *versions;
    let api_version: String = kind.group_version();
    let ownership = ownership(versions, &api_version, subresource, now);
    let unset = if old.is_none() { unset(kind)? } else { Value::Null };
    // Custom objects are in the version of the request already.
    let is_converted = kind.conversion.is_some() && !kind.is_custom();
    let entries = match (old, is_converted) {
        (Some(old), false) if value.field("spec").is_none() && old.field("spec").is_some() => {
            // What was left out because it will be reset need not be compared.
            let mut old = old.clone();
            let is_reset = ownership.filter.hides("spec");
            if is_reset {
                old.remove_at(&["spec"]);
            }
            ownership::recorded(&ownership, &old, value, manager)
        }
        (Some(old), false) => ownership::recorded(&ownership, old, value, manager),
        (Some(old), true) => {
            let old = registry.from_stored(kind, old.clone());
            let new = registry.from_stored(kind, value.clone());
            ownership::recorded(&ownership, &old, &new, manager)
        }
        (None, false) => ownership::recorded(&ownership, &unset, value, manager),
        (None, true) => {
            let new = registry.from_stored(kind, value.clone());
            ownership::recorded(&ownership, &unset, &new, manager)
        }
    };
    object::set_managed_fields(value, entries);
    Ok(())
}
