//! Formats in the schemas of custom resources that the server does not know.
//! k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/registry/customresourcedefinition/strategy.go,
//! pkg/apiserver/validation/formats.go

use crate::kinds::Facts;
use crate::kinds::validation::Located;
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
pub(super) fn warn(object: &Located<'_, '_>, facts: &Facts<'_>, warnings: &mut Vec<String>) {
    let held: BTreeSet<&str> = unknown_formats(&Located::root(facts.old)).into_iter().collect();
    let new = unknown_formats(object).into_iter().filter(|format| !held.contains(format));
    warnings
        .extend(new.take(limits::WARNINGS).map(|format| format!("unrecognized format {}", quoted(format))));
}

fn unknown_formats<'v>(definition: &Located<'v, '_>) -> Vec<&'v str> {
    let mut found = Vec::new();
    for version in definition.at(&["spec", "versions"]).items() {
        if let Some(schema) = version.at(&["schema", "openAPIV3Schema"]).value() {
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
    let listed = LISTS.iter().filter_map(|name| schema.field(name)?.as_list()).flatten();
    let mapped = MAPS.iter().filter_map(|name| schema.field(name)?.as_map()).flat_map(Map::iter);
    for inner in one.chain(listed).chain(mapped.map(|(_, inner)| inner)) {
        collect(inner, found);
    }
}
