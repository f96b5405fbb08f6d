//! Server-side apply: what a configuration makes of an object, or of none.
//! k8s: staging/src/k8s.io/apiserver/pkg/endpoints/handlers/patch.go applyPatcher

use super::Scene;
use super::existing::Existing;
use super::scale;
use super::write::place::{check_name, drop_repeated_owners, place};
use super::write::record;
use crate::answer::Warnings;
use crate::authorization::Target;
use crate::codec::json::{Duplicates, Parsed};
use crate::codec::yaml;
use crate::conversion::ObjectConverter;
use crate::kinds::{Kind, KindVersions};
use crate::museum::Mutant;
use crate::ownership::{self, Ownership};
use crate::schema::strict::StrictError;
use crate::schema::{self, decode};
use crate::status::Failure;
use crate::value::{Type, Value, object};
use crate::wire::options::{FieldValidation, WriteOptions};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// A configuration: the fields that its manager wants to own, and their values.
#[derive(Clone, Debug)]
pub(super) struct Configuration {
    value: Value,
    /// What its reader says of repeated members.
    repeated: Vec<String>,
}

impl Configuration {
    pub(super) fn parse(text: &[u8]) -> Result<Self, Failure> {
        let undecodable = |why: &str| Failure::bad_request(format!("error decoding YAML: {why}"));
        let parsed = yaml::parse(text)
            .map_err(|error| undecodable(&format!("error converting YAML to JSON: {}", error.0)))?;
        let found = parsed.value.type_of();
        if !matches!(found, Type::Object | Type::Null) {
            let word = found.word();
            return Err(undecodable(&format!(
                "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {word} into Go value of type \
                 map[string]interface {{}}"
            )));
        }
        let repeated = match parsed.duplicates {
            Duplicates::Lines(lines) | Duplicates::Paths(lines) => lines,
        };
        Ok(Self { value: parsed.value, repeated })
    }

    /// The object in the version of the request, with its managed fields. For the scale subresource, it is the Scale.
    pub(super) fn apply(
        &self,
        scene: &Scene<'_>,
        target: &Target,
        existing: Option<&Existing>,
        options: &WriteOptions,
        warnings: &mut Warnings,
    ) -> Result<Value, Failure> {
        let mut value = match existing {
            Some(existing) if target.is_scale() => self.apply_to_scale(scene, target, existing, options)?,
            Some(_) | None => self.apply_to_object(scene, target, existing, options)?,
        };
        self.judge(options.field_validation, warnings)?;
        if existing.is_none() && !object::uid(&value).is_empty() {
            let uid = object::uid(&value);
            let why = format!(
                "uid mismatch: the provided object specified uid {uid}, and no existing object was found"
            );
            return Err(Failure::conflict(target.qualified(), target.name(), &why));
        }
        place(target, &mut value)?;
        check_name(target, &value)?;
        drop_repeated_owners(&mut value, true, warnings);
        Ok(value)
    }

    fn apply_to_object(
        &self,
        scene: &Scene<'_>,
        target: &Target,
        existing: Option<&Existing>,
        options: &WriteOptions,
    ) -> Result<Value, Failure> {
        let registry = &scene.world.registry;
        let kind = target.resource();
        let live = match existing {
            Some(existing) => registry.from_stored(kind, existing.value.clone()),
            None => record::unset(kind)?,
        };
        let convert = |value, to: &Kind| scene.object(value, to);
        let versions = KindVersions { registry, kind, converter: Some(&convert) };
        let (api_version, subresource) = (kind.group_version(), target.subresource());
        let ownership = record::ownership(&versions, &api_version, subresource, scene.now.wall);
        self.merged(scene, &ownership, live, options)
    }

    fn apply_to_scale(
        &self,
        scene: &Scene<'_>,
        target: &Target,
        existing: &Existing,
        options: &WriteOptions,
    ) -> Result<Value, Failure> {
        let live = scale::tracked(target, &existing.value)?;
        let versions = scale::versions(scene)?;
        self.merged(scene, &scale::ownership(&versions, target, scene.now.wall), live, options)
    }

    fn merged(
        &self,
        scene: &Scene<'_>,
        ownership: &Ownership<'_>,
        live: Value,
        options: &WriteOptions,
    ) -> Result<Value, Failure> {
        let manager = &options.field_manager;
        let force = options.force || scene.flaw().is(Mutant::ConflictsOverlooked);
        let applied = ownership::applied(ownership, &live, &self.value, manager, force)?;
        let mut value = match applied.object {
            Some(merged) => self.shaped(ownership, merged, &live)?,
            None => live,
        };
        object::set_api_version_and_kind(&mut value, ownership.api_version, ownership.kind);
        object::set_managed_fields(&mut value, applied.entries);
        Ok(value)
    }

    /// A merged object in the shape of its type.
    fn shaped(&self, ownership: &Ownership<'_>, merged: Value, live: &Value) -> Result<Value, Failure> {
        let unfit = |why: String| {
            let (named, group_version, kind) =
                (ownership.named(&self.value), ownership.api_version, ownership.kind);
            Failure::unclassified(format!(
                "failed to convert new object ({named}) to proper version: unable to convert unstructured object to \
                 {group_version}, Kind={kind}: {why}"
            ))
        };
        let found = ownership.versions.type_of(ownership.api_version);
        let (catalogue, id) = found.ok_or_else(|| Failure::internal("the kind has no type"))?;
        let value = schema::from_unstructured(catalogue, id, merged, live).map_err(unfit)?;
        let parsed = Parsed { value, duplicates: Duplicates::NONE };
        let decoded = decode::decode(catalogue, id, parsed).map_err(|error| unfit(error.0))?;
        Ok(decoded.value)
    }

    fn judge(&self, validation: FieldValidation, warnings: &mut Warnings) -> Result<(), Failure> {
        if self.repeated.is_empty() {
            return Ok(());
        }
        let error = StrictError::Repeated(self.repeated.clone());
        match validation {
            FieldValidation::Ignore => Ok(()),
            FieldValidation::Warn => {
                warnings.extend(error.warnings());
                Ok(())
            }
            FieldValidation::Strict => Err(Failure::bad_request(format!(
                "error strict decoding YAML: error converting YAML to JSON: {error}"
            ))),
        }
    }
}
