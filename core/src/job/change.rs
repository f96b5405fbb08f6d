//! What a PUT or PATCH does to the object it finds.

use super::Scene;
use super::body::{self, Expected};
use super::call::Target;
use super::draft::{check_name, drop_repeated_owners, nameless};
use super::existing::Existing;
use super::scale;
use crate::codec::form::PatchMedia;
use crate::codec::json::{self, Parsed, RawPaths};
use crate::codec::yaml;
use crate::http::options::FieldValidation;
use crate::museum::Mutant;
use crate::patch::{go_text, json_patch, merge, strategic};
use crate::schema::decode::DecodeError;
use crate::schema::{self, Catalogue, TypeId, decode, encode};
use crate::status::{Causes, Failure, Path, Qualified};
use crate::value::{Map, Value, object};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// The wanted change.
#[derive(Debug)]
pub(super) enum Change {
    Replace { value: Value, warnings: Vec<String> },
    Patch(Patch),
}

/// A parsed patch.
#[derive(Debug)]
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
            // Its numbers are those of Go's generic values: whole ones of 64 bits, or floats.
            PatchMedia::Strategic => json::parse(text),
            PatchMedia::Apply => {
                yaml::parse(text)
                    .map_err(|error| Failure::bad_request(format!("error decoding YAML: {}", error.0)))?;
                return Err(Failure::not_implemented(
                    "server-side apply is not implemented by this server yet",
                ));
            }
        };
        let body = body.map_err(|error| undecodable(error.0))?;
        Ok(Self { media, body })
    }
}

impl Change {
    pub(super) fn is_patch(&self) -> bool {
        matches!(self, Self::Patch(_))
    }

    /// The object that is wanted in the place of the existing one, and warnings. Of a scale, the Scale.
    pub(super) fn apply(
        &self,
        scene: &Scene<'_>,
        target: &Target,
        existing: &Existing,
        validation: FieldValidation,
    ) -> Result<(Value, Vec<String>), Failure> {
        let patch = match self {
            Self::Replace { value, warnings } => return Ok((value.clone(), warnings.clone())),
            Self::Patch(patch) => patch,
        };
        let (current, expected) = if target.is_scale() {
            (scale::of_object(scene, target, &existing.value)?, scale::expected(scene)?)
        } else {
            (existing.value.clone(), Expected::of(scene.resource(target)))
        };
        let (mut value, mut warnings) = patch.applied(scene, target, current, expected, validation)?;
        scene.place(target, &mut value)?;
        check_name(target, &value)?;
        drop_repeated_owners(&mut value, true, &mut warnings);
        Ok((value, warnings))
    }
}

/// Strict errors as warnings, or as the failure they are in strict mode.
fn judged(strict_errors: Vec<String>, validation: FieldValidation) -> Result<Vec<String>, Failure> {
    match validation {
        FieldValidation::Ignore => Ok(Vec::new()),
        FieldValidation::Warn => Ok(strict_errors),
        FieldValidation::Strict if strict_errors.is_empty() => Ok(Vec::new()),
        FieldValidation::Strict => {
            let why = format!("strict decoding error: {}", strict_errors.join(", "));
            Err(Failure::bad_request(why))
        }
    }
}

impl Patch {
    /// The typed object after the patch, and warnings.
    fn applied(
        &self,
        scene: &Scene<'_>,
        target: &Target,
        current: Value,
        expected: Expected<'_>,
        validation: FieldValidation,
    ) -> Result<(Value, Vec<String>), Failure> {
        let catalogue = &scene.world.registry.catalogue;
        let patch = &self.body.value;
        let is_checked = !matches!(validation, FieldValidation::Ignore);
        let before = current.clone();
        // Upstream's merge takes directives from the patch, and error texts show what it leaves.
        let mut left = patch.clone();
        let patched = match self.media {
            PatchMedia::Json => json_patch::apply(current, patch, is_checked)?,
            PatchMedia::Merge => merge::apply(current, patch, is_checked)?,
            PatchMedia::Strategic | PatchMedia::Apply => {
                strategic::apply(catalogue, expected.type_id, json::plain(&current), &mut left)?
            }
        };
        let shown = || match self.media {
            PatchMedia::Json | PatchMedia::Merge => self.shown(scene, expected, &before, is_checked),
            PatchMedia::Strategic | PatchMedia::Apply => go_text(&left),
        };
        let duplicates = self.body.duplicates.clone();
        let (duplicates, mut strict_errors) = match self.media {
            PatchMedia::Json => (Vec::new(), json_patch::strict_errors(patch, &duplicates)),
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
            // Upstream converts to the Go type without asking what the patch calls it.
            object::set_api_version_and_kind(&mut parsed.value, &expected.api_version(), expected.kind);
        } else {
            check_type(scene, &parsed, expected, misfit)?;
            if parsed.value.text_at(&["apiVersion"]).is_empty() {
                strict_errors.extend(unknown_to_internal_type(&parsed.value));
                judged(strict_errors, validation).map_err(|failure| misfit(&failure.message))?;
                return Err(nameless(&target.name));
            }
        }
        let decoded = decode::decode(catalogue, expected.type_id, parsed).map_err(|error| {
            let text = if is_strategic { String::new() } else { shown() };
            misfit(&as_written(catalogue, expected.type_id, &text, error).0)
        })?;
        let mut found = decoded.strict_errors;
        if is_strategic {
            // Upstream's converter sorts what it does not know, after what occurs twice in the patch.
            found.sort_by_key(|error| (error.starts_with("unknown"), error.clone()));
        }
        strict_errors.extend(found);
        let warnings = judged(strict_errors, validation).map_err(|failure| misfit(&failure.message))?;
        let mut value = decoded.value;
        // A patch may take away what the object is; it stays that all the same.
        if !scene.flaw().is(Mutant::KindPatchedAway) {
            object::set_api_version_and_kind(&mut value, &expected.api_version(), expected.kind);
        }
        Ok((value, warnings))
    }

    /// The patched object as error texts show it. Upstream's library leaves what it does not touch as bytes, in the
    /// order of the type, and writes the members of what it touches in their own order.
    fn shown(&self, scene: &Scene<'_>, expected: Expected<'_>, before: &Value, is_checked: bool) -> String {
        let mut text = Vec::new();
        encode::to_json(&scene.world.registry.catalogue, expected.type_id, before, &mut text);
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

/// What upstream's decoder tells of a patched object, which it reads from this text.
fn as_written(catalogue: &Catalogue, type_id: TypeId, text: &str, error: DecodeError) -> DecodeError {
    let Ok(parsed) = schema::read(catalogue, type_id, text.as_bytes()) else { return error };
    decode::decode_as_written(catalogue, type_id, parsed, text.as_bytes()).err().unwrap_or(error)
}

/// Checks that a patch left the object what it is.
fn check_type(
    scene: &Scene<'_>,
    parsed: &Parsed,
    expected: Expected<'_>,
    misfit: impl Fn(&str) -> Failure,
) -> Result<(), Failure> {
    let (kind, api_version) = (parsed.value.text_at(&["kind"]), parsed.value.text_at(&["apiVersion"]));
    let is = |text: &str, wanted: &str| text.is_empty() || text == wanted;
    if api_version.is_empty() && !is(kind, expected.kind) {
        return Err(misfit(&body::no_internal_kind(scene, kind, expected)));
    }
    if is(kind, expected.kind) && is(api_version, &expected.api_version()) {
        return Ok(());
    }
    let registry = &scene.world.registry;
    let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
    let known = registry.iter().find(|resource| {
        let row = resource.row;
        (row.group, row.version, row.kind) == (group, version, kind)
    });
    if let Some(known) = known {
        // It must be one of its own kind before it is found to be no other.
        let other = decode::decode(&registry.catalogue, known.type_id, parsed.clone());
        other.map_err(|error| misfit(&error.0))?;
    }
    let wanted = body::typed(scene, parsed.clone(), expected, FieldValidation::Ignore);
    // What a body is told, without the words that only a body is told.
    let why = wanted.err().map_or("another type".to_string(), |failure| failure.message);
    Err(misfit(why.split_once(": ").map_or(why.as_str(), |(_, why)| why)))
}

/// Upstream reads an object that does not say its version into its internal type, whose fields have no names in
/// JSON. So all of it is unknown, and the name with it.
fn unknown_to_internal_type(value: &Value) -> Vec<String> {
    let members = value.as_map().into_iter().flat_map(Map::iter);
    let members = members.filter(|(name, _)| !matches!(name.as_str(), "kind" | "apiVersion"));
    members.map(|(name, _)| format!("unknown field \"{name}\"")).collect()
}
