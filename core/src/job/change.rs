//! Computes the object that a PUT or PATCH asks for from the object that exists.

use super::Scene;
use super::apply::Configuration;
use super::body::{self, Expected};
use super::existing::Existing;
use super::scale;
use super::write::place::{check_name, drop_repeated_owners, nameless, place};
use crate::answer::Warnings;
use crate::authorization::Target;
use crate::codec::json::{self, Duplicates, Parsed, RawPaths};
use crate::kinds::scheme::{INTERNAL, Scheme};
use crate::museum::Mutant;
use crate::patch::{go_text, json_patch, merge, strategic};
use crate::schema::changed::decode_changed;
use crate::schema::decode::{self, DecodeError, Decoded};
use crate::schema::strict::StrictError;
use crate::schema::{self, encode};
use crate::status::{Causes, Failure, Path, Qualified};
use crate::value::{Map, Value, object};
use crate::wire::media::PatchMedia;
use crate::wire::options::{FieldValidation, WriteOptions};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// The change that the request asks for.
#[derive(Clone, Debug)]
pub(super) enum RequestedChange {
    Replace(Value),
    Patch(Patch),
    Apply(Configuration),
}

/// A parsed patch.
#[derive(Clone, Debug)]
pub(super) struct Patch {
    media: PatchMedia,
    body: Parsed,
}

impl Patch {
    /// k8s: staging/src/k8s.io/apiserver/pkg/endpoints/handlers/patch.go
    pub(super) fn parse(media: PatchMedia, text: &[u8]) -> Result<Self, Failure> {
        let undecodable = |why: String| match media {
            PatchMedia::Strategic => Failure::bad_request(why),
            PatchMedia::Json | PatchMedia::Merge | PatchMedia::Apply => {
                Failure::bad_request(format!("error decoding patch: {why}"))
            }
        };
        let body = match media {
            PatchMedia::Json => json::parse_exact(text, &json_patch::raw_paths()),
            PatchMedia::Merge => json::parse_exact(text, &RawPaths::NONE),
            // Upstream parses a strategic patch into Go's generic values, so its numbers are 64-bit integers or
            // floats.
            PatchMedia::Strategic => json::parse(text),
            PatchMedia::Apply => return Err(Failure::internal("an applied configuration is no patch")),
        };
        let body = body.map_err(|error| undecodable(error.0))?;
        Ok(Self { media, body })
    }
}

impl RequestedChange {
    pub(super) fn is_patch(&self) -> bool {
        match self {
            Self::Patch(_) | Self::Apply(_) => true,
            Self::Replace(_) => false,
        }
    }

    /// The object that is to replace the existing one, in the version of the request. For the scale subresource, it
    /// is the Scale.
    pub(super) fn apply(
        &self,
        scene: &Scene<'_>,
        target: &Target,
        existing: &Existing,
        options: &WriteOptions,
        warnings: &mut Warnings,
    ) -> Result<Value, Failure> {
        let validation = options.field_validation;
        let patch = match self {
            Self::Replace(value) => return Ok(value.clone()),
            Self::Apply(configuration) => {
                return configuration.apply(scene, target, Some(existing), options, warnings);
            }
            Self::Patch(patch) => patch,
        };
        let (current, expected) = if target.is_scale() {
            (scale::of_object(target, &existing.value)?, scale::expected(scene)?)
        } else {
            let resource = target.resource();
            let current = scene.world.registry.from_stored(resource, existing.value.clone());
            (current, Expected::of(resource))
        };
        let (mut value, strict) = patch.applied(scene, target, current, expected, validation)?;
        warnings.extend(strict);
        place(target, &mut value)?;
        check_name(target, &value)?;
        drop_repeated_owners(&mut value, true, warnings);
        Ok(value)
    }
}

/// Strict decoding errors: ignored, warnings, or the sentence that refuses the patch, as the field validation mode
/// says.
fn judged(strict_errors: &[StrictError], validation: FieldValidation) -> Result<Vec<String>, String> {
    match validation {
        FieldValidation::Ignore => Ok(Vec::new()),
        FieldValidation::Warn => Ok(strict_errors.iter().map(StrictError::to_string).collect()),
        FieldValidation::Strict if strict_errors.is_empty() => Ok(Vec::new()),
        FieldValidation::Strict => Err(StrictError::sentence(strict_errors)),
    }
}

impl Patch {
    /// The typed object after the patch, and its warnings.
    fn applied(
        &self,
        scene: &Scene<'_>,
        target: &Target,
        current: Value,
        expected: Expected<'_>,
        validation: FieldValidation,
    ) -> Result<(Value, Vec<String>), Failure> {
        let catalogue = expected.catalogue;
        let patch = &self.body.value;
        let is_checked = !matches!(validation, FieldValidation::Ignore);
        let before = current.clone();
        // Upstream's merge removes directives from the patch while it works, and error texts show what is left of the
        // patch.
        let mut left = patch.clone();
        let patched = match self.media {
            PatchMedia::Json => json_patch::apply(current, patch, is_checked)?,
            PatchMedia::Merge => merge::apply(current, patch, is_checked)?,
            PatchMedia::Strategic | PatchMedia::Apply => {
                strategic::apply(catalogue, expected.type_id, json::plain(&current), &mut left)?
            }
        };
        let shown = || match self.media {
            PatchMedia::Json | PatchMedia::Merge => self.shown(expected, &before, is_checked),
            PatchMedia::Strategic | PatchMedia::Apply => go_text(&left),
        };
        let duplicates = self.body.duplicates.clone();
        let (duplicates, mut strict_errors) = match self.media {
            PatchMedia::Json => (Duplicates::NONE, json_patch::strict_errors(patch, duplicates.paths())),
            PatchMedia::Merge | PatchMedia::Strategic | PatchMedia::Apply => (duplicates, Vec::new()),
        };
        let misfit = |why: &str| {
            let mut causes = Causes::new();
            causes.invalid(&Path::new("patch"), &Value::from(shown()), why);
            Failure::invalid(Qualified { group: "", name: "" }, "", causes)
        };
        let is_strategic = matches!(self.media, PatchMedia::Strategic);
        let patched = if is_strategic {
            schema::from_unstructured(catalogue, expected.type_id, patched, &before)
                .map_err(|why| misfit(&why))?
        } else {
            body::check_named(&patched).map_err(|why| misfit(&why))?;
            patched
        };
        let mut parsed = Parsed { value: patched, duplicates };
        if is_strategic {
            // Upstream converts to the expected Go type without a look at the kind that the patch names.
            object::set_api_version_and_kind(&mut parsed.value, &expected.api_version(), expected.kind);
        } else if object::api_version(&parsed.value).is_empty()
            && matches!(object::kind(&parsed.value), kind if kind.is_empty() || kind == expected.kind)
        {
            strict_errors.extend(unknown_to_internal_type(&parsed.value));
            judged(&strict_errors, validation).map_err(|why| misfit(&why))?;
            return Err(nameless(target.name()));
        }
        let text = || if is_strategic { String::new() } else { shown() };
        let decoded =
            decoded_as(scene, target, parsed, expected, &before, text)?.map_err(|why| misfit(&why))?;
        let mut found = decoded.strict_errors;
        if is_strategic {
            // Upstream's converter reports duplicate fields first, then unknown fields in sorted order, as the variants
            // stand.
            found.sort();
        }
        strict_errors.extend(found);
        let warnings = judged(&strict_errors, validation).map_err(|why| misfit(&why))?;
        let mut value = decoded.value;
        // A patch may remove kind and apiVersion; the object keeps them nevertheless.
        if !scene.flaw().is(Mutant::KindPatchedAway) {
            object::set_api_version_and_kind(&mut value, &expected.api_version(), expected.kind);
        }
        Ok((value, warnings))
    }

    /// The patched object as error texts show it. Upstream's JSON patch library keeps untouched parts as bytes, in
    /// the order of the Go type, and writes the members of parts that it touched in sorted order.
    fn shown(&self, expected: Expected<'_>, before: &Value, is_checked: bool) -> String {
        let mut text = Vec::new();
        encode::to_json(expected.catalogue, expected.type_id, before, &mut text);
        let document = json::kept(&text).unwrap_or_default();
        let shown = match self.media {
            PatchMedia::Json => json_patch::apply(document, &self.body.value, is_checked),
            PatchMedia::Merge | PatchMedia::Strategic | PatchMedia::Apply => {
                merge::apply(document, &self.body.value, is_checked)
            }
        };
        shown.map(|value| json::to_string(&value)).unwrap_or_default()
    }
}

/// Decodes a patched object as the expected kind and version. The patch may have changed the version: the object is
/// then converted if that version is served, and refused otherwise.
/// k8s: staging/src/k8s.io/apiserver/pkg/endpoints/handlers/patch.go applyPatchToCurrentObject
fn decoded_as(
    scene: &Scene<'_>,
    target: &Target,
    parsed: Parsed,
    expected: Expected<'_>,
    before: &Value,
    text: impl Fn() -> String,
) -> Result<Result<Decoded, String>, Failure> {
    let registry = &scene.world.registry;
    let catalogue = expected.catalogue;
    let or = |text: &str, default: &str| if text.is_empty() { default.to_string() } else { text.to_string() };
    let api_version = or(object::api_version(&parsed.value), &internal_version(expected));
    let kind = or(object::kind(&parsed.value), expected.kind);
    let told = |error: DecodeError| error.0;
    if api_version == expected.api_version() && kind == expected.kind {
        let decoded = decode_changed(catalogue, expected.type_id, parsed, before);
        return Ok(decoded.map_err(|error| {
            // Which of several errors is reported depends on the text that upstream decodes.
            let text = text();
            let parsed = schema::read(catalogue, expected.type_id, text.as_bytes());
            let again = parsed.map(|parsed| {
                decode::decode_as_written(catalogue, expected.type_id, parsed, text.as_bytes())
            });
            if let Ok(Err(written)) = again { written.0 } else { error.0 }
        }));
    }
    if target.resource().is_custom() && !target.is_scale() {
        return Err(misnamed(target, expected, &api_version, &kind));
    }
    let scheme = Scheme::of_group(expected.group);
    let Some(go_type) = scheme.go_type(&api_version, &kind) else {
        return Ok(Err(scheme.unregistered(&api_version, &kind)));
    };
    let (_, version) = api_version.rsplit_once('/').unwrap_or(("", &api_version));
    if kind != expected.kind {
        let own = body::type_of(catalogue, &api_version, &kind);
        let decoded = own.map(|own| decode::decode(catalogue, own, parsed));
        let why = match decoded {
            Some(Err(why)) => why.0,
            Some(Ok(_)) | None => Scheme::no_conversion(&go_type, expected.group, expected.kind),
        };
        return Ok(Err(why));
    }
    if version == INTERNAL {
        // Upstream's internal types have no JSON field names, so the decoded object is empty and without a name.
        return Err(nameless(target.name()));
    }
    let resource = target.resource();
    let other = registry.iter().find(|other| {
        other.storage == resource.storage && other.group_version() == api_version && other.kind == kind
    });
    // A version that is not served is taken to have the fields of the served one, which is all that this server
    // knows.
    let Some(other) = other else {
        return Ok(decode::decode(catalogue, expected.type_id, parsed).map_err(told));
    };
    Ok(decode::decode(&other.catalogue, other.type_id, parsed).map_err(told).map(|decoded| {
        let value = registry.from_stored(resource, registry.to_stored(other, decoded.value));
        Decoded { value, ..decoded }
    }))
}

/// The error for a custom object whose kind or version a patch has changed.
/// k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/registry/customresource/validator.go ValidateTypeMeta
fn misnamed(target: &Target, expected: Expected<'_>, api_version: &str, kind: &str) -> Failure {
    let mut causes = Causes::new();
    for (name, held, wanted) in
        [("kind", kind, expected.kind), ("apiVersion", api_version, &expected.api_version())]
    {
        if held != wanted {
            causes.invalid(&Path::new(name), &Value::from(held), &format!("must be {wanted}"));
        }
    }
    let kind = Qualified { group: expected.group, name: expected.kind };
    Failure::invalid(kind, target.name(), causes)
}

/// The version that upstream assumes for an object that names none.
fn internal_version(expected: Expected<'_>) -> String {
    match expected.group {
        "" => INTERNAL.to_string(),
        group => format!("{group}/{INTERNAL}"),
    }
}

/// The unknown fields of an object that does not name its version. Upstream decodes it into its internal type, whose
/// fields have no JSON names, so every field is unknown, the name too.
fn unknown_to_internal_type(value: &Value) -> Vec<StrictError> {
    let members = value.as_map().into_iter().flat_map(Map::iter);
    let members = members.filter(|(name, _)| !matches!(name.as_str(), "kind" | "apiVersion"));
    members.map(|(name, _)| StrictError::Unknown(name.as_str().into())).collect()
}
