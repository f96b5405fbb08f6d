//! Formats in the schemas of custom resources that the server does not know.
//! k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/registry/customresourcedefinition/strategy.go,
//! pkg/apiserver/validation/formats.go

use super::items;
use crate::limits;
use crate::value::quoted;
use crate::value::{Map, Value};
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// What a text may be, without the dashes that do not count.
const FORMATS: &[&str] = &[
    "bsonobjectid",
    "byte",
    "cidr",
    "creditcard",
    "date",
    "datetime",
    "duration",
    "email",
    "hexcolor",
    "hostname",
    "ipv4",
    "ipv6",
    "isbn",
    "isbn10",
    "isbn13",
    "k8slongname",
    "k8sshortname",
    "mac",
    "password",
    "rgbcolor",
    "ssn",
    "uri",
    "uuid",
    "uuid3",
    "uuid4",
    "uuid5",
];

/// Members of a schema that are a schema, lists of schemas, and maps of schemas; a member may be one of several.
const SCHEMAS: &[&str] = &["items", "not", "additionalProperties", "additionalItems"];
const LISTS: &[&str] = &["items", "allOf", "anyOf", "oneOf"];
const MAPS: &[&str] = &["properties", "patternProperties", "definitions", "dependencies"];

/// Of an update only what is new is told.
pub(in crate::kinds) fn warn(definition: &Value, old: Option<&Value>) -> Vec<String> {
    let held: BTreeSet<&str> = old.map(unknown_formats).unwrap_or_default().into_iter().collect();
    let new = unknown_formats(definition).into_iter().filter(|format| !held.contains(format));
    new.take(limits::WARNINGS).map(|format| format!("unrecognized format {}", quoted(format))).collect()
}

fn unknown_formats(definition: &Value) -> Vec<&str> {
    let mut found = Vec::new();
    for version in items(definition, &["spec", "versions"]) {
        if let Some(schema) = version.at(&["schema", "openAPIV3Schema"]) {
            collect(schema, &mut found);
        }
    }
    found
}

/// Goes through a schema in upstream's order; the parser has bounded how deep it is.
fn collect<'a>(schema: &'a Value, found: &mut Vec<&'a str>) {
    let (kind, format) = (schema.text_at(&["type"]), schema.text_at(&["format"]));
    let known = match kind {
        "" | "string" => FORMATS.contains(&format.replace('-', "").as_str()),
        "integer" => matches!(format, "int32" | "int64"),
        "number" => matches!(format, "float" | "double"),
        _ => false,
    };
    if !format.is_empty() && !known {
        found.push(format);
    }
    let one = SCHEMAS.iter().filter_map(|name| schema.field(name)).filter(|held| held.as_map().is_some());
    let listed = LISTS.iter().flat_map(|name| items(schema, &[name]));
    let mapped = MAPS.iter().filter_map(|name| schema.field(name)?.as_map()).flat_map(Map::iter);
    for inner in one.chain(listed).chain(mapped.map(|(_, inner)| inner)) {
        collect(inner, found);
    }
}
