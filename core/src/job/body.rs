//! Decodes a request body into an object of the expected kind.
//! k8s: staging/src/k8s.io/apiserver/pkg/endpoints/handlers/create.go transformDecodeError

use super::Scene;
use crate::authorization::Target;
use crate::codec::json::{Duplicates, Parsed};
use crate::codec::{proto, yaml};
use crate::kinds::Kind;
use crate::kinds::scheme::Scheme;
use crate::schema::decode::{self, DecodeError, Decoded};
use crate::schema::strict::{self, StrictError};
use crate::schema::{self, Catalogue, TypeId, protobuf};
use crate::status::{Causes, Failure, Qualified};
use crate::value::quoted;
use crate::value::{Type, Value, object};
use crate::wire::media::{BodyMedia, body_media};
use crate::wire::options::FieldValidation;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Write;

/// A decoded object, and the warnings for the client.
#[derive(Clone, Debug)]
pub(super) struct DecodedBody {
    pub(super) value: Value,
    pub(super) warnings: Vec<String>,
}

/// The kind that a body must be of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected<'a> {
    pub(super) group: &'a str,
    pub(super) version: &'a str,
    pub(super) kind: &'a str,
    pub(super) catalogue: &'a Catalogue,
    /// In the catalogue.
    pub(super) type_id: TypeId,
}

impl<'a> Expected<'a> {
    pub(super) fn of(resource: &'a Kind) -> Self {
        Self {
            group: &resource.group,
            version: &resource.version,
            kind: &resource.kind,
            catalogue: &resource.catalogue,
            type_id: resource.type_id,
        }
    }

    /// `group/version`, or only the version for the core group.
    pub(super) fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_string()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }
}

/// The body as an object of the target's kind.
pub(super) fn object(
    scene: &Scene<'_>,
    target: &Target,
    validation: FieldValidation,
) -> Result<DecodedBody, Failure> {
    let media = body_media(scene.call.request.header("content-type"))?;
    let expected = Expected::of(target.resource());
    typed(scene, parsed(scene, media, expected)?, expected, validation)
}

/// The body as a tree, without a check of its kind.
pub(super) fn parsed(scene: &Scene<'_>, media: BodyMedia, expected: Expected<'_>) -> Result<Parsed, Failure> {
    let kind = expected.kind;
    read(scene, media, expected).map_err(|why| unrecognized(scene, kind, &why))
}

fn unrecognized(scene: &Scene<'_>, kind: &str, why: &str) -> Failure {
    let shown = summary(scene.body);
    let sentence = format!("the object provided is unrecognized (must be of type {kind}): {why} ({shown})");
    Failure::bad_request(sentence)
}

/// A custom object names its kind and version itself, and no other kind is known to its server.
/// k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/registry/customresource/validator.go ValidateTypeMeta,
/// staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/unstructured/helpers.go Decode
fn check_custom(scene: &Scene<'_>, value: &Value, expected: Expected<'_>) -> Result<(), Failure> {
    let (held, kind) = (object::api_version(value), object::kind(value));
    let api_version = expected.api_version();
    if kind.is_empty() {
        let body = String::from_utf8_lossy(scene.body);
        let why = format!("Object 'Kind' is missing in '{body}'");
        return Err(unrecognized(scene, expected.kind, &why));
    }
    if held != api_version {
        return Err(Failure::bad_request(format!(
            "the API version in the data ({held}) does not match the expected API version ({api_version})"
        )));
    }
    if kind != expected.kind {
        let mut causes = Causes::new();
        causes.invalid(&"kind", &kind.into(), &format!("must be {}", expected.kind));
        let what = Qualified { group: expected.group, name: kind };
        return Err(Failure::invalid(what, object::name(value), causes));
    }
    Ok(())
}

/// The body as a tree, or the decoder's error text.
pub(super) fn read(scene: &Scene<'_>, media: BodyMedia, expected: Expected<'_>) -> Result<Parsed, String> {
    let body = scene.body;
    let parsed = match media {
        BodyMedia::Json => schema::read(expected.catalogue, expected.type_id, body).map_err(|error| error.0),
        BodyMedia::Yaml => yaml::parse(body).map_err(|error| error.0),
        BodyMedia::Protobuf => from_protobuf(body, expected),
    };
    let no_kind = |why: String| format!("couldn't get version/kind; json parse error: {why}");
    let parsed = parsed.map_err(|why| if media == BodyMedia::Json { no_kind(why) } else { why })?;
    check_named(&parsed.value)?;
    let held = object::api_version(&parsed.value);
    if held.matches('/').count() > 1 {
        return Err(format!("unexpected GroupVersion string: {held}"));
    }
    Ok(parsed)
}

/// Whether a tree names its kind and version. The error text is that of upstream's decoder, which looks for both.
/// k8s: staging/src/k8s.io/apimachinery/pkg/runtime/serializer/json/meta.go
pub(super) fn check_named(value: &Value) -> Result<(), String> {
    let no_kind = |why: String| {
        Err(format!("couldn't get version/kind; json parse error: json: cannot unmarshal {why}"))
    };
    match value.type_of() {
        Type::Null => Ok(()),
        Type::Object => {
            for name in ["apiVersion", "kind"] {
                let Some(member) = value.field(name) else { continue };
                if !matches!(member.type_of(), Type::String | Type::Null) {
                    let found = member.type_of().word();
                    return no_kind(format!("{found} into Go struct field .{name} of type string"));
                }
            }
            Ok(())
        }
        found @ (Type::Bool | Type::Number | Type::String | Type::Array) => no_kind(format!(
            "{} into Go value of type struct {{ APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; \
             Kind string \"json:\\\"kind,omitempty\\\"\" }}",
            found.word()
        )),
    }
}

/// A protobuf body as a tree. When it is of another kind than the expected one, the tree holds nothing but the kind
/// and the version.
fn from_protobuf(body: &[u8], expected: Expected<'_>) -> Result<Parsed, String> {
    let envelope = proto::Envelope::open(body).map_err(|error| error.text().to_string())?;
    let is_expected = envelope.kind.is_empty() || envelope.kind == expected.kind;
    let mut value = if is_expected {
        protobuf::message(expected.catalogue, expected.type_id, envelope.raw)
            .map_err(|error| error.to_string())?
    } else {
        Value::empty_map()
    };
    if !envelope.kind.is_empty() {
        object::set_api_version_and_kind(&mut value, &envelope.api_version, &envelope.kind);
    }
    Ok(Parsed { value, duplicates: Duplicates::NONE })
}

/// Turns a tree into an object of the expected kind.
pub(super) fn typed(
    scene: &Scene<'_>,
    parsed: Parsed,
    expected: Expected<'_>,
    validation: FieldValidation,
) -> Result<DecodedBody, Failure> {
    let Expected { kind, catalogue, type_id, .. } = expected;
    let api_version = expected.api_version();
    // What is unknown of a custom object is told in the order of its paths.
    let is_custom = catalogue.get(type_id).custom.is_some();
    if is_custom {
        check_custom(scene, &parsed.value, expected)?;
    }
    let named = Named::of(&parsed.value, &api_version, kind);
    let unusable = |why: &str| {
        let version = quoted(&named.version);
        Failure::bad_request(format!(
            "{} in version {version} cannot be handled as a {kind}: {why}",
            named.kind
        ))
    };
    if (named.api_version.as_str(), named.kind.as_str()) != (&*api_version, kind) {
        return Err(named.misfit(parsed, expected, validation, unusable));
    }
    let several = parsed.duplicates.len() > 1;
    let text = scene.body;
    let decoded = decode::decode_as_written(catalogue, type_id, parsed, text);
    let decoded = decoded.map_err(|error| unusable(&error.0))?;
    let mut value = decoded.value;
    object::set_api_version_and_kind(&mut value, &api_version, kind);
    let mut errors = decoded.strict_errors;
    let is_json = matches!(body_media(scene.call.request.header("content-type")), Ok(BodyMedia::Json));
    if validation != FieldValidation::Ignore && is_json && !is_custom && (several || errors.len() > 1) {
        errors = strict::errors(catalogue, type_id, scene.body);
    }
    match validation {
        FieldValidation::Strict if !errors.is_empty() => Err(unusable(&StrictError::sentence(&errors))),
        FieldValidation::Warn => {
            let warnings = errors.into_iter().flat_map(StrictError::warnings).collect();
            Ok(DecodedBody { value, warnings })
        }
        FieldValidation::Strict | FieldValidation::Ignore => Ok(DecodedBody { value, warnings: Vec::new() }),
    }
}

/// The kind and version that a body names. What it leaves out is taken from the expected kind.
struct Named {
    api_version: String,
    version: String,
    kind: String,
}

impl Named {
    fn of(value: &Value, api_version: &str, kind: &str) -> Self {
        let or = |text: &str, default: &str| {
            if matches!(text, "" | "/") { default.to_string() } else { text.to_string() }
        };
        let api_version = or(object::api_version(value), api_version);
        let version = api_version.rsplit('/').next().unwrap_or_default().to_string();
        // The group may be empty and still have its slash.
        let api_version = match api_version.strip_prefix('/') {
            Some(rest) if !rest.contains('/') => rest.to_string(),
            Some(_) | None => api_version,
        };
        Self { api_version, version, kind: or(object::kind(value), kind) }
    }

    /// The error for an object of another kind or version. Upstream first reads the object as the kind that it names,
    /// then converts it, and looks at its version last; errors come in that order.
    /// k8s: staging/src/k8s.io/apimachinery/pkg/runtime/serializer/versioning/versioning.go Decode
    fn misfit(
        &self,
        parsed: Parsed,
        expected: Expected<'_>,
        validation: FieldValidation,
        unusable: impl Fn(&str) -> Failure,
    ) -> Failure {
        let scheme = Scheme::of_group(expected.group);
        let Some(go_type) = scheme.go_type(&self.api_version, &self.kind) else {
            return unusable(&scheme.unregistered(&self.api_version, &self.kind));
        };
        let strict = match self.decoded(expected.catalogue, parsed) {
            Some(Err(why)) => return unusable(&why.0),
            Some(Ok(decoded)) => decoded.strict_errors,
            None => Vec::new(),
        };
        if self.kind != expected.kind {
            return unusable(&Scheme::no_conversion(&go_type, expected.group, expected.kind));
        }
        if validation == FieldValidation::Strict && !strict.is_empty() {
            return unusable(&StrictError::sentence(&strict));
        }
        Failure::bad_request(format!(
            "the API version in the data ({}) does not match the expected API version ({})",
            self.api_version,
            expected.api_version()
        ))
    }

    /// The body decoded as the kind that it names; None when the catalogue does not have that kind.
    fn decoded(&self, catalogue: &Catalogue, parsed: Parsed) -> Option<Result<Decoded, DecodeError>> {
        let type_id = type_of(catalogue, &self.api_version, &self.kind)?;
        Some(decode::decode(catalogue, type_id, parsed))
    }
}

/// The type of a kind, if the catalogue has it.
pub(super) fn type_of(catalogue: &Catalogue, api_version: &str, kind: &str) -> Option<TypeId> {
    let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
    catalogue.iter().find(|(_, def)| def.is_kind(group, version, kind)).map(|(id, _)| id)
}

/// The beginning of a body, as error texts quote it.
fn summary(body: &[u8]) -> String {
    const SHOWN_BYTES_MAX: usize = 30;
    let head = &body[..body.len().min(SHOWN_BYTES_MAX)];
    let mut out = match body.first() {
        None => "<empty>".to_string(),
        Some(b'{') => String::from_utf8_lossy(head).into_owned(),
        Some(_) => head.iter().fold(String::new(), |mut out, byte| {
            write!(out, "{byte:02x}").expect("writing to a string");
            out
        }),
    };
    if body.len() > SHOWN_BYTES_MAX {
        out.push_str(" ...");
    }
    out
}
