//! An object on its way into the store: prepared, validated, encoded.
//! k8s: staging/src/k8s.io/apiserver/pkg/registry/rest/{create,update}.go

use super::Scene;
use super::call::Target;
use super::existing::Existing;
use crate::http::Response;
use crate::kinds::{Generation, Resource, SubKind, names};
use crate::limits;
use crate::museum::Mutant;
use crate::respond::{self, View, Warnings};
use crate::rng::Rng;
use crate::schema::{decode, encode};
use crate::status::{Causes, Failure, Path, quoted};
use crate::store::Rev;
use crate::value::metadata;
use crate::value::object;
use crate::value::{Text, Value};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;

/// An object that may be stored.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    /// In the version of the resource, without a resource version.
    pub(super) value: Value,
    /// What the store gets.
    pub(super) bytes: Bytes,
    pub(super) warnings: Vec<String>,
}

impl Scene<'_> {
    /// Checks that a body's namespace is the path's, and sets it where it is missing.
    /// k8s: staging/src/k8s.io/apiserver/pkg/registry/rest/meta.go EnsureObjectNamespaceMatchesRequestNamespace
    pub(super) fn place(&self, target: &Target, value: &mut Value) -> Result<(), Failure> {
        let namespaced = self.resource(target).namespaced();
        let held = object::namespace(value);
        if held.is_empty() {
            if namespaced {
                object::set_namespace(value, &target.namespace);
            }
            return Ok(());
        }
        let wanted = if namespaced { target.namespace.as_str() } else { "" };
        if held != wanted {
            let why = "the namespace of the provided object does not match the namespace sent on the request";
            return Err(Failure::bad_request(why));
        }
        Ok(())
    }

    /// A new object from a client's body, whose name is known by now.
    pub(super) fn draft_new(&self, target: &Target, mut value: Value) -> Result<Draft, Failure> {
        let resource = self.resource(target);
        let rules = resource.row.rules;
        self.set_defaults(resource, &mut value);
        let uid = if self.flaw().is(Mutant::UidReused) {
            Rng::new(0).fork(object::name(&value), 0).uuid()
        } else {
            self.call.uid()
        };
        fill_system_fields(&mut value, uid, self.now.wall);
        (rules.prepare_create)(&mut value);
        match rules.generation {
            Generation::None => {}
            Generation::AtCreation
            | Generation::Spec
            | Generation::SpecAndAnnotations
            | Generation::SpecAndLabels => object::set_generation(&mut value, 1),
        }
        let value = self.shape(resource, value)?;
        let mut causes = Causes::new();
        metadata::validate_built_in(&value, resource.namespaced(), rules.name, &mut causes);
        (rules.validate)(&value, &mut causes);
        self.checked(target, &value, causes)?;
        // Also a kind that takes any name must have one that a path and a key can hold.
        let mut causes = Causes::new();
        metadata::validate(&value, resource.namespaced(), names::path_segment, &mut causes);
        self.checked(target, &value, causes)?;
        let warnings = (rules.warnings)(&value, None);
        self.sealed(resource, value, warnings)
    }

    /// A changed object: `new` is what the client wants, `old` what there is.
    pub(super) fn draft_update(
        &self,
        target: &Target,
        mut new: Value,
        old: &Existing,
    ) -> Result<Draft, Failure> {
        let resource = self.resource(target);
        let rules = resource.row.rules;
        let whole = target.is_status() && self.flaw().is(Mutant::StatusWritesSpec);
        if target.is_status() && !whole {
            // Only the status and metadata will be taken: the rest needs no defaults, and so no copy.
            new.remove_at(&["spec"]);
        }
        self.set_defaults(resource, &mut new);
        keep_system_fields(&mut new, &old.value);
        match target.sub.map(|sub| (sub.action, sub.name)) {
            Some(_) if whole => {}
            None | Some((SubKind::Scale, _)) => (rules.prepare_update)(&mut new, &old.value),
            Some((SubKind::Status | SubKind::Window | SubKind::Action | SubKind::Connect, name)) => {
                new = part_of(name, new, &old.value);
            }
        }
        let mut new = self.shape(resource, new)?;
        let grown = grows(rules.generation, &new, &old.value);
        object::set_generation(
            &mut new,
            object::generation(&old.value) + i64::from(grown && !self.flaw().is(Mutant::GenerationNotRaised)),
        );
        if object::resource_version(&new).is_empty() {
            object::set_resource_version(&mut new, object::resource_version(&old.value));
        }
        let mut causes = Causes::new();
        metadata::validate_common_update(&new, &old.value, resource.namespaced(), &mut causes);
        metadata::validate_built_in_update(&new, &old.value, &mut causes);
        if !target.is_status() {
            (rules.validate_update)(&new, &old.value, &mut causes);
        }
        self.checked(target, &new, causes)?;
        let warnings =
            if target.sub.is_none() { (rules.warnings)(&new, Some(&old.value)) } else { Vec::new() };
        self.sealed(resource, new, warnings)
    }

    /// The answer with what was written at a revision: the cache's bytes, where it has them already.
    pub(super) fn respond_written(
        &self,
        view: &View<'_>,
        status: u16,
        key: &[u8],
        draft: Draft,
        revision: Option<Rev>,
    ) -> Response {
        let cached = self.cached(view.resource, key).filter(|entry| Some(entry.revision()) == revision);
        match cached {
            Some(entry) if view.is_stored_json() => respond::object(view, status, &entry),
            Some(_) | None => view.respond(status, respond::versioned(draft.value, revision)),
        }
    }

    fn set_defaults(&self, resource: &Resource, value: &mut Value) {
        decode::apply_defaults(&self.world.registry.catalogue, resource.type_id, value);
        (resource.row.rules.default)(value);
    }

    /// The shape that Go's types would leave.
    fn shape(&self, resource: &Resource, value: Value) -> Result<Value, Failure> {
        let shaped = decode::normalize(&self.world.registry.catalogue, resource.type_id, value);
        shaped.map_err(|error| Failure::internal(error.0))
    }

    fn checked(&self, target: &Target, value: &Value, causes: Causes) -> Result<(), Failure> {
        if causes.is_empty() {
            return Ok(());
        }
        Err(Failure::invalid(self.qualified_kind(target), object::name(value), causes))
    }

    /// Encodes an object for the store.
    pub(super) fn sealed(
        &self,
        resource: &Resource,
        mut value: Value,
        warnings: Vec<String>,
    ) -> Result<Draft, Failure> {
        value.remove_at(&["metadata", "resourceVersion"]);
        let registry = &self.world.registry;
        let mut out = Vec::with_capacity(limits::OBJECT_BYTES_USUAL);
        match resource.storage.map(|storage| registry.stored(storage)) {
            Some(stored) if stored.id != resource.id => {
                let converted = resource.row.to_stored(value.clone());
                encode::to_json(&registry.catalogue, stored.type_id, &converted, &mut out);
            }
            Some(_) | None => encode::to_json(&registry.catalogue, resource.type_id, &value, &mut out),
        }
        if out.len() > limits::OBJECT_BYTES {
            return Err(super::fail::store_failure(&crate::store::StoreError::TooLarge));
        }
        // A copy of the very length: what the cache keeps for long has no room to grow.
        Ok(Draft { value, bytes: Bytes::copy_from_slice(&out), warnings })
    }
}

/// k8s: staging/src/k8s.io/apiserver/pkg/registry/rest/meta.go FillObjectMetaSystemFields
fn fill_system_fields(value: &mut Value, uid: Text, now: crate::now::Wall) {
    object::set_deletion_timestamp(value, None);
    object::set_deletion_grace_period_seconds(value, None);
    object::set_creation_timestamp(value, Some(now));
    object::set_uid(value, &uid);
    object::clear_self_link(value);
}

/// What an update cannot change, whatever it says.
/// k8s: staging/src/k8s.io/apiserver/pkg/registry/rest/update.go BeforeUpdate
fn keep_system_fields(new: &mut Value, old: &Value) {
    if object::uid(new).is_empty() {
        object::set_uid(new, object::uid(old));
    }
    for field in ["creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"] {
        let path = ["metadata", field];
        match old.at(&path) {
            Some(held) => new.set_at(&path, held.clone()),
            None => {
                new.remove_at(&path);
            }
        }
    }
    if object::managed_fields(new).is_empty() && !object::managed_fields(old).is_empty() {
        object::set_managed_fields(new, object::managed_fields(old).to_vec());
    }
    object::clear_self_link(new);
}

/// Whether the change makes a new generation.
fn grows(policy: Generation, new: &Value, old: &Value) -> bool {
    let differs = |field: &str| new.field(field) != old.field(field);
    let keys =
        [new, old].into_iter().filter_map(Value::as_map).flat_map(|map| map.iter().map(|(key, _)| key));
    let mut members =
        keys.filter(|key| !matches!(key.as_str(), "metadata" | "status" | "kind" | "apiVersion"));
    match policy {
        Generation::None | Generation::AtCreation => false,
        Generation::Spec => members.any(|key| differs(key)),
        Generation::SpecAndAnnotations => {
            members.any(|key| differs(key)) || object::annotations(new) != object::annotations(old)
        }
        Generation::SpecAndLabels => {
            members.any(|key| differs(key)) || object::labels(new) != object::labels(old)
        }
    }
}

/// The old object with the part that a subresource writes taken from the new one. Metadata comes from the
/// new one too: labels, annotations and finalizers may be changed through a subresource.
fn part_of(sub: &str, new: Value, old: &Value) -> Value {
    let paths: &[&[&str]] = match sub {
        "status" => &[&["status"]],
        "finalize" => &[&["spec", "finalizers"]],
        "approval" => &[&["status", "conditions"]],
        "ephemeralcontainers" => &[&["spec", "ephemeralContainers"]],
        "resize" => &[&["spec", "containers"], &["spec", "initContainers"]],
        _ => &[],
    };
    let mut out = old.clone();
    for path in paths.iter().chain(&[&["metadata"][..]]) {
        match new.at(path) {
            Some(value) => out.set_at(path, value.clone()),
            None => {
                out.remove_at(path);
            }
        }
    }
    out
}

/// Removes owner references that a client repeats, and warns of them. A patch is looked at once it is applied,
/// which is after mutating admission.
pub(super) fn drop_repeated_owners(value: &mut Value, of_patch: bool, warnings: &mut Warnings) {
    let repeated = object::remove_repeated_owner_references(value);
    if !repeated.is_empty() {
        warnings.add(&object::repeated_owner_references_warning(&repeated, of_patch));
    }
}

/// The name in a body must be the path's.
/// k8s: staging/src/k8s.io/apiserver/pkg/endpoints/handlers/rest.go checkName
pub(super) fn check_name(target: &Target, value: &Value) -> Result<(), Failure> {
    let (name, url) = (object::name(value), &target.name);
    if name == url {
        return Ok(());
    }
    if name.is_empty() {
        let why =
            format!("the name of the object ({url} based on URL) was undeterminable: name must be provided");
        return Err(Failure::bad_request(why));
    }
    let why = format!("the name of the object ({name}) does not match the name on the URL ({url})");
    Err(Failure::bad_request(why))
}

/// The revision that a body insists on; None when it names none.
pub(super) fn insisted_revision(value: &Value) -> Result<Option<Rev>, Failure> {
    let text = object::resource_version(value);
    if matches!(text, "" | "0") {
        return Ok(None);
    }
    let parsed = crate::http::query::parse_uint(text).map_err(Failure::unclassified)?;
    Ok(Some(Rev(parsed)))
}

/// The problem of a PUT without a resource version, of a kind that demands one.
pub(super) fn version_demanded(scene: &Scene<'_>, target: &Target) -> Failure {
    let mut causes = Causes::new();
    let path = Path::new("metadata").child("resourceVersion");
    causes.invalid(&path, &Value::Int(0), "must be specified for an update");
    Failure::invalid(scene.qualified_kind(target), &target.name, causes)
}

/// The body's uid is another object's.
/// k8s: staging/src/k8s.io/apiserver/pkg/storage/interfaces.go Preconditions.Check
pub(super) fn check_uid(
    scene: &Scene<'_>,
    target: &Target,
    value: &Value,
    old: &Existing,
) -> Result<(), Failure> {
    let (wanted, held) = (object::uid(value), object::uid(&old.value));
    if wanted.is_empty() || wanted == held {
        return Ok(());
    }
    let key = String::from_utf8_lossy(old.entry.key());
    let why = format!(
        "StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition \
         failed: UID in precondition: {wanted}, UID in object meta: {held}"
    );
    Err(Failure::conflict(scene.qualified(target), &target.name, &why))
}

/// A name of a generated kind was taken too often.
pub(super) fn name_taken(scene: &Scene<'_>, target: &Target, name: &str, generated_from: &str) -> Failure {
    let failure = Failure::already_exists(scene.qualified(target), name);
    if generated_from.is_empty() {
        return failure;
    }
    let message = format!(
        "{} {} already exists, the server was not able to generate a unique name for the object",
        scene.qualified(target),
        quoted(generated_from)
    );
    Failure { message, ..failure }
}
