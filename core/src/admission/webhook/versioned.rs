//! The objects of a write in the version that a webhook wants, and back.
//! k8s: staging/src/k8s.io/apiserver/pkg/admission/conversion.go

use crate::admission::AdmissionAttributes;
use crate::admission::matching::kind_of;
use crate::codec::json;
use crate::kinds::scale::{scale_of, set_replicas};
use crate::kinds::{Kind, ScalePaths, Sub, SubKind};
use crate::schema::{Catalogue, TypeId, decode, encode};
use crate::status::Failure;
use crate::value::{Text, Value, object, quoted};
use crate::world::World;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// What stands for an object in a write of a subresource.
enum View<'a> {
    /// The object itself.
    Whole,
    Scale(&'a ScalePaths),
    /// Another kind, which is not stored.
    Posted,
}

fn sub<'a>(attributes: &AdmissionAttributes<'a>) -> Option<&'a Sub> {
    let named = |sub: &&alloc::sync::Arc<Sub>| sub.name == attributes.subresource;
    attributes.resource.subs.iter().find(named).map(|sub| &**sub)
}

fn view<'a>(attributes: &AdmissionAttributes<'a>) -> View<'a> {
    match sub(attributes) {
        Some(sub) => match (sub.action, &sub.scale) {
            (SubKind::Scale, Some(paths)) => View::Scale(paths),
            (SubKind::Scale | SubKind::Status | SubKind::Window, _) => View::Whole,
            (SubKind::Action | SubKind::Connect, _) => View::Posted,
        },
        None => View::Whole,
    }
}

/// The type of what is written.
pub(in crate::admission) fn type_of<'w>(
    world: &'w World,
    attributes: &AdmissionAttributes<'_>,
    resource: &'w Kind,
) -> Option<(&'w Catalogue, TypeId)> {
    if matches!(view(attributes), View::Whole) {
        return Some((&resource.catalogue, resource.type_id));
    }
    let (group, version, kind) = kind_of(resource, attributes.subresource);
    let group = if group.is_empty() { "core" } else { group.split('.').next().unwrap_or_default() };
    let catalogue = &*world.registry.catalogue;
    Some((catalogue, catalogue.type_named(&format!("{group}.{version}.{kind}"))?))
}

/// An object as it is seen in the version of `resource`; Null stays what it is.
///
/// # Errors
/// The webhook that converts it has not done so.
pub(crate) fn seen(
    world: &World,
    attributes: &AdmissionAttributes<'_>,
    resource: &Kind,
    value: &Value,
) -> Result<Value, Failure> {
    if value.is_null() {
        return Ok(Value::Null);
    }
    match view(attributes) {
        View::Posted => Ok(value.clone()),
        View::Scale(paths) => scale_of(attributes.resource, paths, value),
        View::Whole if resource.is_custom() => {
            attributes.converter.object(value.clone(), resource).map_err(Failure::internal)
        }
        View::Whole => Ok(world.registry.from_stored(resource, value.clone())),
    }
}

/// The text of a seen object, with its members in their order.
pub(super) fn text(
    world: &World,
    attributes: &AdmissionAttributes<'_>,
    resource: &Kind,
    seen: &Value,
) -> Value {
    if seen.is_null() {
        return Value::Null;
    }
    let mut out = Vec::new();
    match type_of(world, attributes, resource) {
        Some((catalogue, type_id)) => encode::to_json(catalogue, type_id, seen, &mut out),
        None => out = json::to_vec(seen),
    }
    Value::Json(Text::from(String::from_utf8_lossy(&out)))
}

/// Takes a changed object, of the version of `resource`, for the one that it was made of. Returns whether it differs
/// from what was seen.
///
/// # Errors
/// It is none of its kind, or the webhook that converts it has not done so.
pub(crate) fn adopt(
    world: &World,
    attributes: &AdmissionAttributes<'_>,
    resource: &Kind,
    value: &mut Value,
    (seen, mut changed): (&Value, Value),
) -> Result<bool, Failure> {
    named_as(&mut changed, seen)?;
    if let Some((catalogue, type_id)) = type_of(world, attributes, resource) {
        changed =
            decode::normalize(catalogue, type_id, changed).map_err(|error| Failure::internal(error.0))?;
    }
    let differs = changed != *seen;
    match view(attributes) {
        View::Posted => *value = changed,
        View::Scale(paths) => {
            let replicas = changed.at(&["spec", "replicas"]).and_then(Value::as_int).unwrap_or(0);
            set_replicas(paths, value, replicas);
        }
        View::Whole => {
            set_defaults_of(resource, &mut changed);
            let (registry, working) = (&world.registry, world.registry.working_kind(attributes.resource));
            if resource.is_custom() {
                // Nothing is filled in after a conversion.
                *value = attributes.converter.object(changed, working).map_err(Failure::unclassified)?;
                return Ok(differs);
            }
            *value = registry.to_stored(resource, changed);
            if working.id != resource.id {
                set_defaults_of(working, value);
            }
        }
    }
    Ok(differs)
}

/// The defaults of a seen object. What is no object of its own has none.
pub(in crate::admission) fn set_defaults(
    attributes: &AdmissionAttributes<'_>,
    resource: &Kind,
    value: &mut Value,
) {
    if matches!(view(attributes), View::Whole) {
        set_defaults_of(resource, value);
    }
}

fn set_defaults_of(resource: &Kind, value: &mut Value) {
    decode::apply_defaults(&resource.catalogue, resource.type_id, value);
    (resource.rules().default)(value);
}

/// A changed object keeps its kind. One without is of that of the object that it was made of.
fn named_as(changed: &mut Value, seen: &Value) -> Result<(), Failure> {
    let (api_version, kind) = (object::api_version(seen), object::kind(seen));
    let told = (object::api_version(changed), object::kind(changed));
    let is_same = |told: &str, own: &str| told.is_empty() || told == own;
    if !(is_same(told.0, api_version) && is_same(told.1, kind)) {
        let (kind, version) = (quoted(told.1), quoted(told.0));
        return Err(Failure::internal(format!("no kind {kind} is registered for version {version}")));
    }
    object::set_api_version_and_kind(changed, api_version, kind);
    Ok(())
}
