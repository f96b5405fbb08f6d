//! The scale subresource: autoscaling/v1 Scale as a view of an object's replicas.
//! k8s: pkg/registry/apps/deployment/storage/storage.go ScaleREST, and the same in other kinds' storages

use super::Scene;
use super::body::{self, DecodedBody, Expected};
use super::existing::Existing;
use super::write::conditions::check_uid;
use crate::answer::Response;
use crate::answer::View;
use crate::answer::form::{Media, Representation};
use crate::authorization::Target;
use crate::kinds::ScalePaths;
use crate::kinds::columns::{self, ColumnSet};
use crate::kinds::scale::{SCALE_API_VERSION, SCALE_KIND, scale_of, set_replicas};
use crate::kinds::validation::{Errors, Located, validate_nonnegative_field};
use crate::now::Wall;
use crate::ownership::{self, FieldFilter, Ownership, Versions};
use crate::schema::{Catalogue, TypeId, encode};
use crate::status::{Failure, Qualified};
use crate::value::{Value, object};
use crate::wire::media::body_media;
use crate::wire::options::FieldValidation;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

const GROUP: &str = "autoscaling";
const VERSION: &str = "v1";
const API_VERSION: &str = SCALE_API_VERSION;
const KIND: &str = SCALE_KIND;

fn scale_type(scene: &Scene<'_>) -> Result<TypeId, Failure> {
    let found = scene.world.registry.catalogue.type_named("autoscaling.v1.Scale");
    found.ok_or_else(|| Failure::internal("the catalogue has no Scale"))
}

pub(super) fn expected<'a>(scene: &Scene<'a>) -> Result<Expected<'a>, Failure> {
    let catalogue = &scene.world.registry.catalogue;
    Ok(Expected { group: GROUP, version: VERSION, kind: KIND, catalogue, type_id: scale_type(scene)? })
}

/// The Scale in the body of a PUT.
pub(super) fn body(scene: &Scene<'_>, validation: FieldValidation) -> Result<DecodedBody, Failure> {
    let media = body_media(scene.call.request.header("content-type"))?;
    let expected = expected(scene)?;
    body::typed(scene, body::parsed(scene, media, expected)?, expected, validation)
}

/// The only version of a Scale.
pub(super) struct ScaleVersions<'a> {
    catalogue: &'a Catalogue,
    type_id: TypeId,
}

impl Versions for ScaleVersions<'_> {
    fn type_of(&self, api_version: &str) -> Option<(&Catalogue, TypeId)> {
        (api_version == API_VERSION).then_some((self.catalogue, self.type_id))
    }

    fn converted(&self, _object: &Value, _from: &str, _to: &str) -> Result<Option<Value>, String> {
        Ok(None)
    }
}

pub(super) fn versions<'a>(scene: &Scene<'a>) -> Result<ScaleVersions<'a>, Failure> {
    Ok(ScaleVersions { catalogue: &scene.world.registry.catalogue, type_id: scale_type(scene)? })
}

/// How a request writes a Scale.
pub(super) fn ownership<'a>(versions: &'a ScaleVersions<'a>, target: &'a Target, now: Wall) -> Ownership<'a> {
    let subresource = target.subresource();
    Ownership { versions, api_version: API_VERSION, kind: KIND, subresource, filter: FieldFilter::NONE, now }
}

/// The Scale of an object, with who manages its replicas.
pub(super) fn tracked(target: &Target, value: &Value) -> Result<Value, Failure> {
    let mut scale = of_object(target, value)?;
    let entries = object::managed_fields(value);
    let held_at = &paths(target)?.replicas;
    let entries = ownership::to_scale(entries, &target.resource().group_version(), held_at);
    let entries = entries.ok_or_else(|| Failure::unclassified("failed to decode managed fields"))?;
    object::set_managed_fields(&mut scale, entries);
    Ok(scale)
}

/// Records who has changed the replicas.
pub(super) fn record(
    scene: &Scene<'_>,
    target: &Target,
    scale: &mut Value,
    existing: &Existing,
    manager: &str,
) -> Result<(), Failure> {
    let old = tracked(target, &existing.value)?;
    let versions = versions(scene)?;
    let ownership = ownership(&versions, target, scene.now.wall);
    let entries = ownership::recorded(&ownership, &old, scale, manager);
    object::set_managed_fields(scale, entries);
    Ok(())
}

/// Where the object has what its Scale shows.
fn paths(target: &Target) -> Result<&ScalePaths, Failure> {
    let paths = target.sub().and_then(|sub| sub.scale.as_deref());
    paths.ok_or_else(|| Failure::internal("the subresource is no Scale"))
}

/// The Scale of an object.
pub(super) fn of_object(target: &Target, value: &Value) -> Result<Value, Failure> {
    scale_of(target.resource(), paths(target)?, value)
}

/// Puts the replicas of a Scale into the object, and the resource version that the Scale names.
pub(super) fn into_object(target: &Target, scale: &Value, existing: &Existing) -> Result<Value, Failure> {
    let replicas = Located::root(scale);
    let replicas = replicas.at(&["spec", "replicas"]);
    let mut errors = Errors::new();
    validate_nonnegative_field(&replicas, &mut errors);
    if !errors.is_empty() {
        let kind = Qualified { group: GROUP, name: KIND };
        return Err(Failure::invalid(kind, target.name(), errors.into_causes()));
    }
    // This storage knows its keys without the prefix that all keys of the store have.
    let key = format!("/{}/{}/{}", target.resource().plural, target.namespace(), target.name());
    check_uid(target, scale, object::uid(&existing.value), key.as_bytes())?;
    let mut value = existing.value.clone();
    let paths = paths(target)?;
    set_replicas(paths, &mut value, replicas.int());
    let (held, of_scale) = (object::managed_fields(&existing.value), object::managed_fields(scale));
    let entries = ownership::to_parent(held, of_scale, &target.resource().group_version(), &paths.replicas);
    let entries = entries.ok_or_else(|| Failure::unclassified("failed to decode managed fields"))?;
    object::set_managed_fields(&mut value, entries);
    Ok(value)
}

/// The answer with the Scale of an object.
pub(super) fn respond(
    scene: &Scene<'_>,
    view: &View<'_>,
    target: &Target,
    value: Value,
) -> Result<Response, Failure> {
    let scale = of_object(target, &value)?;
    let type_id = scale_type(scene)?;
    let form = view.form;
    if form.representation != Representation::Full || form.media == Media::Yaml {
        let shaped = view.shaped_by(&ColumnSet::Builtin(&columns::SCALE), scale);
        let bytes = form.encode(&shaped, || crate::codec::json::to_vec(&shaped));
        return Ok(Response::new(200, form.content_type(), bytes));
    }
    let bytes = form.encode(&scale, || {
        let mut out = Vec::new();
        encode::to_json(&scene.world.registry.catalogue, type_id, &scale, &mut out);
        out
    });
    Ok(Response::new(200, form.content_type(), bytes))
}
