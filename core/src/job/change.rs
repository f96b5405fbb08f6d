//! What a PUT or PATCH does to the object it finds.

use super::Scene;
use super::body::{self, Expected};
use super::call::Target;
use super::draft::{check_name, drop_repeated_owners};
use super::existing::Existing;
use super::scale;
use crate::codec::form::PatchMedia;
use crate::codec::json::{self, Parsed};
use crate::codec::yaml;
use crate::http::options::FieldValidation;
use crate::museum::Mutant;
use crate::patch::{self, go_text, json_patch, merge, strategic};
use crate::respond::Warnings;
use crate::schema::decode;
use crate::status::{Causes, Failure, Path, Qualified};
use crate::value::{Value, object};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// The wanted change.
#[derive(Debug)]
pub(super) enum Change {
    Replace(Value),
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
            PatchMedia::Json | PatchMedia::Merge | PatchMedia::Strategic => {
                json::parse(text).map_err(|error| undecodable(error.0))?
            }
            PatchMedia::Apply => {
                yaml::parse(text)
                    .map_err(|error| Failure::bad_request(format!("error decoding YAML: {}", error.0)))?;
                return Err(Failure::not_implemented(
                    "server-side apply is not implemented by this server yet",
                ));
            }
        };
        Ok(Self { media, body })
    }
}

impl Change {
    pub(super) fn is_patch(&self) -> bool {
        matches!(self, Self::Patch(_))
    }

    /// The object that is wanted in the place of the existing one. Of a scale, the Scale.
    pub(super) fn apply(
        &self,
        scene: &Scene<'_>,
        target: &Target,
        existing: &Existing,
        validation: FieldValidation,
        warnings: &mut Warnings,
    ) -> Result<Value, Failure> {
        let patch = match self {
            Self::Replace(value) => return Ok(value.clone()),
            Self::Patch(patch) => patch,
        };
        let (current, expected) = if target.is_scale() {
            (scale::of_object(scene, target, &existing.value)?, scale::expected(scene)?)
        } else {
            (existing.value.clone(), Expected::of(scene.resource(target)))
        };
        let (mut value, strict) = patch.applied(scene, target, current, expected, validation)?;
        warnings.extend(strict);
        scene.place(target, &mut value)?;
        check_name(target, &value)?;
        drop_repeated_owners(&mut value, true, warnings);
        Ok(value)
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
        let before = current.clone();
        let patched = match self.media {
            PatchMedia::Json => json_patch::apply(current, patch)?,
            PatchMedia::Merge => merge::apply(current, patch)?,
            PatchMedia::Strategic | PatchMedia::Apply => {
                strategic::apply(catalogue, expected.type_id, current, patch)?
            }
        };
        let after = patched.clone();
        let shown = || match self.media {
            PatchMedia::Json | PatchMedia::Merge => {
                patch::shown(catalogue, expected.type_id, &before, &after)
            }
            PatchMedia::Strategic | PatchMedia::Apply => go_text(patch),
        };
        let duplicates = self.body.duplicates.clone();
        let (duplicates, mut strict_errors) = match self.media {
            PatchMedia::Json => (Vec::new(), json_patch::strict_errors(patch, &duplicates)),
            PatchMedia::Merge | PatchMedia::Strategic | PatchMedia::Apply => (duplicates, Vec::new()),
        };
        let strategic = matches!(self.media, PatchMedia::Strategic);
        let misfit = |why: &str| {
            let why = if strategic { strategic_words(why) } else { why.to_string() };
            let mut causes = Causes::new();
            causes.invalid(&Path::new("patch"), &Value::from(shown()), &why);
            Failure::invalid(Qualified { group: "", name: "" }, "", causes)
        };
        if !matches!(patched, Value::Map(_)) {
            return Err(misfit("json: cannot unmarshal into a Go struct"));
        }
        let parsed = Parsed { value: patched, duplicates };
        let kind = parsed.value.text_at(&["kind"]).to_string();
        if !kind.is_empty() && kind != expected.kind {
            return Err(other_kind(scene, target, parsed, expected, misfit));
        }
        let held = parsed.value.text_at(&["apiVersion"]).to_string();
        if !held.is_empty() && held != expected.api_version() {
            let wanted = body::typed(scene, parsed, expected, FieldValidation::Ignore);
            // What a body is told, without the words that only a body is told.
            let why = wanted.err().map_or("another version".to_string(), |failure| failure.message);
            return Err(misfit(why.split_once(": ").map_or(why.as_str(), |(_, why)| why)));
        }
        let decoded =
            decode::decode(catalogue, expected.type_id, parsed).map_err(|error| misfit(&error.0))?;
        strict_errors.extend(decoded.strict_errors);
        let warnings = judged(strict_errors, validation).map_err(|failure| misfit(&failure.message))?;
        let mut value = decoded.value;
        // A patch may take away what the object is; it stays that all the same.
        if !scene.flaw().is(Mutant::KindPatchedAway) {
            object::set_api_version_and_kind(&mut value, &expected.api_version(), expected.kind);
        }
        Ok((value, warnings))
    }
}

/// A patch made another kind of the object.
fn other_kind(
    scene: &Scene<'_>,
    _target: &Target,
    parsed: Parsed,
    expected: Expected<'_>,
    misfit: impl Fn(&str) -> Failure,
) -> Failure {
    let kind = parsed.value.text_at(&["kind"]).to_string();
    let registry = &scene.world.registry;
    let known = registry.iter().find(|resource| {
        (resource.row.group, resource.row.version, resource.row.kind)
            == (expected.group, expected.version, &*kind)
    });
    let Some(known) = known else {
        let wanted = body::typed(scene, parsed, expected, FieldValidation::Ignore);
        return wanted.err().unwrap_or_else(|| misfit("another kind"));
    };
    match decode::decode(&registry.catalogue, known.type_id, parsed) {
        Err(error) => misfit(&error.0),
        Ok(_) => misfit(&format!("unable to convert a {kind} into a {}", expected.kind)),
    }
}

/// The unstructured converter's sentence for what the JSON decoder says otherwise.
/// k8s: staging/src/k8s.io/apimachinery/pkg/runtime/converter.go
fn strategic_words(why: &str) -> String {
    match why.rsplit_once(" of type ") {
        Some((head, go_type)) if head.starts_with("json: cannot unmarshal") => {
            format!("unrecognized type: {go_type}")
        }
        Some(_) | None => why.to_string(),
    }
}
