//! Prepares, validates and encodes an object for the store.
//! k8s: staging/src/k8s.io/apiserver/pkg/registry/rest/{create,update}.go

use super::Scene;
use super::existing::Existing;
use crate::answer::Response;
use crate::answer::{self, View, Warnings};
use crate::authorization::Target;
use crate::kinds::metadata;
use crate::kinds::owners;
use crate::kinds::validation::{Errors, Located};
use crate::kinds::{Facts, Generation, Resource};
use crate::limits;
use crate::museum::Mutant;
use crate::rng::Rng;
use crate::schema::{decode, encode};
use crate::status::{Causes, Failure, Path};
use crate::store::Rev;
use crate::value::names;
use crate::value::object;
use crate::value::{Text, Value};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;

/// An object that may be stored.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    /// The object in the stored version, without a resource version.
    pub(super) value: Value,
    /// The encoded object, as it is written to the store.
    pub(super) bytes: Bytes,
    pub(super) warnings: Vec<String>,
}

impl Scene<'_> {
    /// Checks that the namespace in a body is the path's, and sets it when the body has none.
    /// k8s: staging/src/k8s.io/apiserver/pkg/registry/rest/meta.go EnsureObjectNamespaceMatchesRequestNamespace
    pub(super) fn place(&self, target: &Target, value: &mut Value) -> Result<(), Failure> {
        let namespaced = target.resource().namespaced();
        let held = object::namespace(value);
        if held.is_empty() {
            if namespaced {
                object::set_namespace(value, target.namespace());
            }
            return Ok(());
        }
        let wanted = if namespaced { target.namespace() } else { "" };
        if held != wanted {
            let why = "the namespace of the provided object does not match the namespace sent on the request";
            return Err(Failure::bad_request(why));
        }
        Ok(())
    }

    /// Drafts a new object from a client's body, which has its name by now.
    pub(super) fn draft_new(&self, target: &Target, value: Value) -> Result<Draft, Failure> {
        let resource = target.resource();
        let rules = resource.row.rules;
        let (resource, mut value) = self.stored_form(resource, value);
        let uid = if self.flaw().is(Mutant::UidReused) {
            Rng::new(0).fork(object::name(&value), 0).uuid()
        } else {
            self.call.uid()
        };
        fill_system_fields(&mut value, uid, self.now.wall);
        let facts = self.facts();
        (rules.prepare_for_create)(&mut value, &facts);
        match rules.generation {
            Generation::None | Generation::OnChange => {}
            Generation::AtCreation
            | Generation::Spec
            | Generation::SpecAndAnnotations
            | Generation::SpecAndLabels => object::set_generation(&mut value, 1),
        }
        let mut value = self.shape(resource, value)?;
        let object = Located::root(&value);
        let mut errors = Errors::new();
        metadata::validate_built_in(&object, resource.namespaced(), rules.name, &mut errors);
        (rules.validate)(&object, &facts, &mut errors);
        self.checked(target, &value, errors)?;
        // Even a kind that takes any name needs one that can stand in a path and in a key.
        let mut errors = Errors::new();
        metadata::validate(&object, resource.namespaced(), names::path_segment, &mut errors);
        self.checked(target, &value, errors)?;
        let mut warnings = Vec::new();
        (rules.warnings_on_create)(&object, &facts, &mut warnings);
        (rules.canonicalize)(&mut value);
        self.sealed(resource, value, warnings)
    }

    /// Drafts a changed object: `new` is what the client wants, in the version of the request, `old` what exists.
    pub(super) fn draft_update(
        &self,
        target: &Target,
        mut new: Value,
        old: &Existing,
    ) -> Result<Draft, Failure> {
        let registry = &self.world.registry;
        let resource = target.resource();
        let rules = resource.row.rules;
        let subresource = target.sub().map_or("", |sub| sub.name);
        let whole = target.is_status() && self.flaw().is(Mutant::StatusWritesSpec);
        let strategy = rules.strategy(subresource);
        let strategy = strategy.ok_or_else(|| Failure::internal("the subresource cannot be updated"))?;
        if strategy.reset_fields.resets("spec") && !whole {
            // Without what will be reset, defaulting has less to do.
            new.remove_at(&["spec"]);
        }
        // A Scale was already applied to the object in its stored version.
        let written_as = if target.is_scale() { registry.stored_resource(resource) } else { resource };
        let (resource, mut new) = self.stored_form(written_as, new);
        let facts = self.facts().of_update(subresource, &old.value);
        if !whole {
            (strategy.prepare_for_update)(&mut new, &facts);
        }
        keep_system_fields(&mut new, &old.value);
        let mut new = self.shape(resource, new)?;
        let grown = !target.is_status() && grows(rules.generation, &new, &old.value);
        object::set_generation(&mut new, object::generation(&old.value));
        if grown && !self.flaw().is(Mutant::GenerationNotRaised) {
            object::set_generation(&mut new, object::generation(&old.value).saturating_add(1));
        }
        if object::resource_version(&new).is_empty() {
            object::set_resource_version(&mut new, object::resource_version(&old.value));
        }
        let object = Located::root(&new);
        let mut errors = Errors::new();
        metadata::validate_common_update(&object, &old.value, resource.namespaced(), &mut errors);
        metadata::validate_built_in_update(&object, &old.value, &mut errors);
        (strategy.validate_update)(&object, &facts, &mut errors);
        self.checked(target, &new, errors)?;
        let mut warnings = Vec::new();
        (strategy.warnings_on_update)(&object, &facts, &mut warnings);
        (rules.canonicalize)(&mut new);
        self.sealed(resource, new, warnings)
    }

    /// The answer with the object as written at a revision. It shares the cache's bytes if the write is in the cache
    /// by now.
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
            Some(entry) if view.is_stored_json() => answer::object(view, status, &entry),
            Some(_) | None if revision.is_some() => {
                view.respond(status, answer::versioned(draft.value, revision))
            }
            Some(_) | None => view.respond(status, draft.value),
        }
    }

    /// Converts an object to its stored version, with defaults, and returns the resource of that version too.
    fn stored_form<'a>(&'a self, resource: &'a Resource, mut value: Value) -> (&'a Resource, Value) {
        self.set_defaults(resource, &mut value);
        let registry = &self.world.registry;
        let stored = registry.stored_resource(resource);
        if stored.id == resource.id {
            return (resource, value);
        }
        let mut value = registry.to_stored(resource, value);
        self.set_defaults(stored, &mut value);
        (stored, value)
    }

    fn set_defaults(&self, resource: &Resource, value: &mut Value) {
        decode::apply_defaults(&self.world.registry.catalogue, resource.type_id, value);
        (resource.row.rules.default)(value);
    }

    /// The object as decoding it into upstream's Go type would leave it.
    fn shape(&self, resource: &Resource, value: Value) -> Result<Value, Failure> {
        let shaped = decode::normalize(&self.world.registry.catalogue, resource.type_id, value);
        shaped.map_err(|error| Failure::internal(error.0))
    }

    fn checked(&self, target: &Target, value: &Value, errors: Errors) -> Result<(), Failure> {
        if errors.is_empty() {
            return Ok(());
        }
        Err(Failure::invalid(target.qualified_kind(), object::name(value), errors.into_causes()))
    }

    /// What the rules of a create may know.
    fn facts(&self) -> Facts<'_> {
        Facts::of_create(self.caller, self.now.wall, &self.world.config, self.world)
    }

    /// Encodes an object of the stored version for the store.
    pub(super) fn sealed(
        &self,
        resource: &Resource,
        mut value: Value,
        warnings: Vec<String>,
    ) -> Result<Draft, Failure> {
        value.remove_at(&["metadata", "resourceVersion"]);
        let registry = &self.world.registry;
        let mut out = Vec::with_capacity(limits::OBJECT_BYTES_USUAL);
        encode::to_json(&registry.catalogue, registry.stored_resource(resource).type_id, &value, &mut out);
        if out.len() > limits::OBJECT_BYTES {
            return Err(super::fail::store_failure(&crate::store::StoreError::TooLarge));
        }
        // The copy has exactly the needed capacity: the cache keeps these bytes for long.
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

/// Restores fields that an update cannot change. The creation and deletion timestamps always stay; uid and grace
/// period stay when the update leaves them out, and other changes of them are refused by validation.
/// k8s: staging/src/k8s.io/apiserver/pkg/registry/rest/update.go BeforeUpdate
fn keep_system_fields(new: &mut Value, old: &Value) {
    if object::uid(new).is_empty() {
        object::set_uid(new, object::uid(old));
    }
    let left_out = object::deletion_grace_period_seconds(new).is_none();
    let kept =
        [("creationTimestamp", true), ("deletionTimestamp", true), ("deletionGracePeriodSeconds", left_out)];
    for (field, _) in kept.into_iter().filter(|(_, kept)| *kept) {
        let path = ["metadata", field];
        if let Some(held) = old.at(&path) {
            new.set_at(&path, held.clone());
        }
    }
    if object::managed_fields(new).is_empty() && !object::managed_fields(old).is_empty() {
        object::set_managed_fields(new, object::managed_fields(old).to_vec());
    }
    object::clear_self_link(new);
}

/// Whether the change increments the generation.
fn grows(policy: Generation, new: &Value, old: &Value) -> bool {
    let differs = |field: &str| new.field(field) != old.field(field);
    let keys =
        [new, old].into_iter().filter_map(Value::as_map).flat_map(|map| map.iter().map(|(key, _)| key));
    let mut members =
        keys.filter(|key| !matches!(key.as_str(), "metadata" | "status" | "kind" | "apiVersion"));
    match policy {
        Generation::None | Generation::AtCreation => false,
        Generation::OnChange | Generation::Spec => members.any(|key| differs(key)),
        Generation::SpecAndAnnotations => {
            members.any(|key| differs(key)) || object::annotations(new) != object::annotations(old)
        }
        Generation::SpecAndLabels => {
            members.any(|key| differs(key)) || object::labels(new) != object::labels(old)
        }
    }
}

/// Removes repeated owner references and adds a warning about them. For a patch this is done after the patch was
/// applied, which upstream does after mutating admission.
pub(super) fn drop_repeated_owners(value: &mut Value, of_patch: bool, warnings: &mut Warnings) {
    let repeated = owners::remove_repeated_owner_references(value);
    if !repeated.is_empty() {
        warnings.add(&owners::repeated_owner_references_warning(&repeated, of_patch));
    }
}

/// Checks that the name in a body is the path's.
/// k8s: staging/src/k8s.io/apiserver/pkg/endpoints/handlers/rest.go checkName
pub(super) fn check_name(target: &Target, value: &Value) -> Result<(), Failure> {
    let (name, url) = (object::name(value), target.name());
    if name == url {
        return Ok(());
    }
    if name.is_empty() {
        return Err(nameless(url));
    }
    let why = format!("the name of the object ({name}) does not match the name on the URL ({url})");
    Err(Failure::bad_request(why))
}

/// The error for an object without a name.
pub(super) fn nameless(url: &str) -> Failure {
    Failure::bad_request(format!(
        "the name of the object ({url} based on URL) was undeterminable: name must be provided"
    ))
}

/// The resource version that an update's body requires the object to have; None when it names none.
pub(super) fn insisted_revision(value: &Value) -> Result<Option<Rev>, Failure> {
    let text = object::resource_version(value);
    if matches!(text, "" | "0") {
        return Ok(None);
    }
    let parsed = crate::wire::query::parse_uint(text).map_err(Failure::unclassified)?;
    Ok(Some(Rev(parsed)))
}

/// The error for a PUT without a resource version, for kinds that require one.
pub(super) fn version_demanded(target: &Target) -> Failure {
    let mut causes = Causes::new();
    let path = Path::new("metadata").child("resourceVersion");
    causes.invalid(&path, &Value::Int(0), "must be specified for an update");
    Failure::invalid(target.qualified_kind(), target.name(), causes)
}

/// Checks the uid in a body against the existing object's (empty when there is no object).
/// k8s: staging/src/k8s.io/apiserver/pkg/storage/interfaces.go Preconditions.Check
pub(super) fn check_uid(target: &Target, value: &Value, held: &str, key: &[u8]) -> Result<(), Failure> {
    let wanted = object::uid(value);
    if wanted.is_empty() || wanted == held {
        return Ok(());
    }
    let key = String::from_utf8_lossy(key);
    let why = format!(
        "StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition \
         failed: UID in precondition: {wanted}, UID in object meta: {held}"
    );
    Err(Failure::conflict(target.qualified(), target.name(), &why))
}

/// The error after too many generated names were taken already.
pub(super) fn name_taken(target: &Target, name: &str, generated_from: &str) -> Failure {
    let what = target.qualified();
    match generated_from {
        "" => Failure::already_exists(what, name),
        prefix => Failure::no_unique_name(what, name, prefix),
    }
}
