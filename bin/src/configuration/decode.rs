//! Reads a file that holds an object of a configuration API, as upstream reads it: YAML or JSON, and no field that its
//! type does not have.
//! k8s: staging/src/k8s.io/apiserver/pkg/apis/apiserver/load/load.go

use std::sync::LazyLock;

use steersman_core::codec::yaml;
use steersman_core::schema::decode::decode_as_written;
use steersman_core::schema::strict::StrictError;
use steersman_core::schema::{Catalogue, catalogue};
use steersman_core::value::{Value, object};

const TYPES: &str = include_str!("types.txt");

static CATALOGUE: LazyLock<Catalogue> =
    LazyLock::new(|| Catalogue::with(&catalogue(), TYPES).unwrap_or_else(|why| panic!("types.txt: {why}")));

/// A kind of configuration file.
pub(super) struct ConfigurationKind {
    pub(super) kind: &'static str,
    pub(super) group: &'static str,
    /// All of them are read as `type_name`.
    pub(super) versions: &'static [&'static str],
    pub(super) type_name: &'static str,
}

/// Whether a field that the type does not have is an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strictness {
    Strict,
    Lenient,
}

/// The object in a text.
pub(super) fn read(text: &str, what: &ConfigurationKind) -> Result<Value, String> {
    let parsed = yaml::parse(text.as_bytes()).map_err(|error| error.0)?;
    let (kind, api_version) = (object::kind(&parsed.value), object::api_version(&parsed.value));
    let shown = text.trim();
    if kind.is_empty() {
        return Err(format!("Object 'Kind' is missing in '{shown}'"));
    }
    if api_version.is_empty() {
        return Err(format!("Object 'apiVersion' is missing in '{shown}'"));
    }
    let version = api_version.strip_prefix(what.group).and_then(|rest| rest.strip_prefix('/'));
    let is_known = version.is_some_and(|version| what.versions.contains(&version));
    if kind != what.kind || !is_known {
        return Err(format!("no kind \"{kind}\" is registered for version \"{api_version}\""));
    }
    typed(text, parsed, what, Strictness::Strict)
}

/// A parsed text as an object of the kind, whatever kind and version it names.
pub(super) fn typed(
    text: &str,
    parsed: steersman_core::codec::json::Parsed,
    what: &ConfigurationKind,
    strictness: Strictness,
) -> Result<Value, String> {
    let root = CATALOGUE.type_named(what.type_name).expect("the kinds of files are in types.txt");
    let kind = what.kind;
    let api_version = object::api_version(&parsed.value).to_owned();
    let decoded = decode_as_written(&CATALOGUE, root, parsed, text.as_bytes()).map_err(|error| {
        let version = api_version.rsplit('/').next().unwrap_or_default();
        format!("{kind} in version \"{version}\" cannot be handled as a {kind}: {}", error.0)
    })?;
    if strictness == Strictness::Strict && !decoded.strict_errors.is_empty() {
        return Err(StrictError::sentence(&decoded.strict_errors));
    }
    Ok(decoded.value)
}

/// The items of a list.
pub(super) fn items<'v>(object: &'v Value, field: &str) -> &'v [Value] {
    object.field(field).and_then(Value::as_list).unwrap_or_default()
}
