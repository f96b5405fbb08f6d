//! What a write demands of the object that exists, and the errors when it is another one.

use crate::authorization::Target;
use crate::job::Scene;
use crate::kinds::has_condition;
use crate::status::{Causes, Failure, Path, Qualified};
use crate::store::Rev;
use crate::value::{Value, object};
use alloc::format;
use alloc::string::String;

/// The resource version that an update's body requires the object to have; None when it names none.
pub(in crate::job) fn insisted_revision(value: &Value) -> Result<Option<Rev>, Failure> {
    let text = object::resource_version(value);
    if matches!(text, "" | "0") {
        return Ok(None);
    }
    let parsed = crate::wire::query::parse_uint(text).map_err(Failure::unclassified)?;
    Ok(Some(Rev(parsed)))
}

/// The error for a PUT without a resource version, for kinds that require one. It names the resource as its kind, as
/// upstream's does.
/// k8s: staging/src/k8s.io/apiserver/pkg/registry/generic/registry/store.go Update
pub(in crate::job) fn version_demanded(target: &Target) -> Failure {
    let mut causes = Causes::new();
    let path = Path::new("metadata").child("resourceVersion");
    causes.invalid(&path, &Value::Int(0), "must be specified for an update");
    Failure::invalid(target.qualified(), target.name(), causes)
}

/// Nothing is created of a kind whose definition is being deleted.
/// k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/customresource_handler.go forbidCreateAdmission
pub(super) fn check_definition(scene: &Scene<'_>, target: &Target) -> Result<(), Failure> {
    let resource = target.resource();
    let name = resource.resource();
    if !resource.is_custom() || !scene.world.indexes().unsettled_definitions().contains(&name) {
        return Ok(());
    }
    let definitions = scene.world.registry.find("apiextensions.k8s.io", "v1", "customresourcedefinitions");
    let collection = definitions.and_then(|kind| scene.world.collection(kind.storage?));
    let key = collection.map(|collection| collection.keys.key("", &name)).unwrap_or_default();
    let held = definitions.and_then(|kind| scene.world.entry(kind.id, &key));
    if held.is_none_or(|entry| !has_condition(&entry.to_value(), "Terminating")) {
        return Ok(());
    }
    let why = "create not allowed while custom resource definition is terminating";
    Err(Failure::forbidden(target.qualified(), target.name(), why))
}

/// Checks the uid in a body against the existing object's (empty when there is no object).
/// k8s: staging/src/k8s.io/apiserver/pkg/storage/interfaces.go Preconditions.Check
pub(in crate::job) fn check_uid(
    target: &Target,
    value: &Value,
    held: &str,
    key: &[u8],
) -> Result<(), Failure> {
    let wanted = object::uid(value);
    if wanted.is_empty() || wanted == held {
        return Ok(());
    }
    Err(Failure::conflict(target.qualified(), target.name(), &differs("UID", wanted, held, key)))
}

/// Checks the uid and the resource version that an object names, if it does, against those of another one, which it
/// is to be applied to.
/// k8s: staging/src/k8s.io/apiserver/pkg/storage/interfaces.go Preconditions.Check
pub(in crate::job) fn check_same(
    what: Qualified<'_>,
    name: &str,
    wanted: &Value,
    held: &Value,
    key: &[u8],
) -> Result<(), Failure> {
    let fields = [
        ("UID", object::uid(wanted), object::uid(held)),
        ("ResourceVersion", object::resource_version(wanted), object::resource_version(held)),
    ];
    match fields.into_iter().find(|(_, wanted, held)| !wanted.is_empty() && wanted != held) {
        Some((field, wanted, held)) => Err(Failure::conflict(what, name, &differs(field, wanted, held, key))),
        None => Ok(()),
    }
}

/// The sentence about a precondition that does not hold.
fn differs(field: &str, wanted: &str, held: &str, key: &[u8]) -> String {
    let key = String::from_utf8_lossy(key);
    format!(
        "StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition \
         failed: {field} in precondition: {wanted}, {field} in object meta: {held}"
    )
}

/// The error after too many generated names were taken already.
pub(in crate::job) fn name_taken(target: &Target, name: &str, generated_from: &str) -> Failure {
    match generated_from {
        "" => Failure::already_exists(target.qualified(), name),
        prefix => Failure::no_unique_name(target.qualified(), name, prefix),
    }
}
