//! The schema of a version: what of OpenAPI it may use, and how its lists and maps are merged.
//! k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation/validation.go
//! ValidateCustomResourceDefinitionOpenAPISchema

use super::defaults::validate_defaults;
use super::listing::{validate_list_type, validate_map_keys, validate_map_type};
use super::rules::{RuledSchema, TotalCost, validate_expressions, validate_texts};
use super::structural::{unsupported, validate_structural};
use crate::kinds::validation::{Errors, Located};
use crate::schema::structural::Structural;
use crate::value::Value;
use alloc::string::ToString;

const TYPES: &[&str] = &["array", "boolean", "integer", "number", "object", "string"];
/// The fields that every object has.
const OF_EVERY_OBJECT: &[&str] = &["metadata", "kind", "apiVersion"];
/// What a schema may say of the whole object when its status is written through a subresource.
const AT_ROOT: &[&str] = &[
    "description",
    "type",
    "format",
    "title",
    "maximum",
    "exclusiveMaximum",
    "minimum",
    "exclusiveMinimum",
    "maxLength",
    "minLength",
    "pattern",
    "maxItems",
    "minItems",
    "uniqueItems",
    "multipleOf",
    "required",
    "items",
    "properties",
    "externalDocs",
    "example",
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-validations",
];
/// The same fields by the names that upstream's message gives them.
const AT_ROOT_SHOWN: &str = "[Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum MaxLength \
    MinLength Pattern MaxItems MinItems UniqueItems MultipleOf Required Items Properties ExternalDocs Example \
    XPreserveUnknownFields XValidations]";

/// The rules that a stored schema may break.
#[derive(Clone, Copy, Debug)]
pub(super) struct Options {
    pub(super) types: bool,
    pub(super) atomic_sets: bool,
    pub(super) map_keys: bool,
    pub(super) structural: bool,
    pub(super) pruned_defaults: bool,
    /// The schema has not changed, so that its rules may cost what they cost.
    pub(super) is_unchanged: bool,
}

impl Options {
    pub(super) const STRICT: Self = Self {
        types: true,
        atomic_sets: true,
        map_keys: true,
        structural: true,
        pruned_defaults: true,
        is_unchanged: false,
    };
}

/// Where in an object a schema applies.
#[derive(Clone, Copy)]
struct Place<'p> {
    root: bool,
    /// In the metadata of an object, or in its type.
    inside_metadata: bool,
    /// Why nothing can have a default here; empty where it can.
    no_defaults: &'static str,
    /// The place around it from which on it cannot be told which value an old one was; empty for none.
    uncorrelated: &'p str,
    /// None where no expressions are compiled: in branches, and in schemas that are wrong.
    ruled: Option<RuledSchema<'p>>,
}

/// What is found out about the rules of a schema, which upstream tells after everything else.
#[derive(Default)]
struct RulesFound {
    errors: Errors,
    total: TotalCost,
}

/// `holder` has the schema.
pub(super) fn validate_schema(
    holder: &Located<'_, '_>,
    has_status: bool,
    options: &Options,
    errors: &mut Errors,
) {
    let schema = holder.member("openAPIV3Schema");
    if !schema.is_set() {
        return;
    }
    let before = errors.len();
    if has_status {
        validate_root_members(&schema, errors);
    }
    if schema.member("nullable").bool() {
        errors.forbidden(&schema.member("nullable"), "nullable cannot be true at the root");
    }
    let reason = unsupported(&schema).filter(|_| options.structural);
    let mut read = None;
    if options.structural && reason.is_none() {
        let before = errors.len();
        validate_structural(&schema, errors);
        if errors.len() == before {
            let held = Structural::read(schema.value().unwrap_or(&Value::Null));
            validate_defaults(&schema, &held, options.pruned_defaults, errors);
            read = Some(held).filter(|held| held.has_rules && errors.len() == before);
        }
    }
    let values = read.as_ref().map(|schema| schema.to_value_schema(true));
    let ruled = read.as_ref().zip(values.as_ref());
    let ruled = ruled.map(|(schema, values)| RuledSchema { schema, values, cardinality: Some(1) });
    let place = Place { root: true, inside_metadata: false, no_defaults: "", uncorrelated: "", ruled };
    let mut rules = RulesFound::default();
    validate_open_api(&schema, place, options, &mut rules, errors);
    rules.total.tell(&schema, &mut rules.errors);
    for cause in rules.errors.into_causes().into_causes() {
        errors.causes().push(cause.reason, &cause.field, cause.message);
    }
    if let Some(reason) = reason.filter(|_| errors.len() == before) {
        errors.invalid_value(&schema, "", reason);
    }
}

/// The first thing that a schema may not say of the whole object.
fn validate_root_members(schema: &Located<'_, '_>, errors: &mut Errors) {
    let kind = schema.member("type");
    let allowed = |name: &str| AT_ROOT.contains(&name);
    let foreign = schema.entries().any(|(name, member)| member.is_set() && !allowed(name));
    if !kind.is_empty() && kind.text() != "object" {
        let detail = "only \"object\" is allowed as the type at the root of the schema if the status subresource is enabled";
        errors.invalid(&kind, detail);
    } else if foreign {
        let detail = format_args!(
            "only {AT_ROOT_SHOWN} fields are allowed at the root of the schema if the status subresource is enabled"
        );
        errors.invalid(schema, detail);
    }
}

fn validate_open_api(
    schema: &Located<'_, '_>,
    place: Place<'_>,
    options: &Options,
    rules: &mut RulesFound,
    errors: &mut Errors,
) {
    if !schema.is_set() || errors.is_full() {
        return;
    }
    let before = errors.len();
    validate_unsupported(schema, place, options, errors);
    let unique = schema.member("uniqueItems");
    if unique.bool() {
        let detail = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic";
        errors.forbidden(&unique, detail);
    }
    validate_members(schema, place, options, rules, errors);
    let preserves = schema.member("x-kubernetes-preserve-unknown-fields");
    if preserves.bool_if_set() == Some(false) {
        errors.invalid(&preserves, "must be true or undefined");
    }
    validate_map_type(schema, errors);
    validate_list_type(schema, options.atomic_sets, errors);
    if options.map_keys {
        validate_map_keys(schema, errors);
    }
    let own = schema.member("x-kubernetes-validations");
    validate_texts(&own, schema, errors);
    // A schema that is wrong, here or inside, may not be one that expressions can see.
    if let Some(ruled) = place.ruled.filter(|_| errors.len() == before && !own.is_empty()) {
        let RulesFound { errors, total } = rules;
        validate_expressions(&own, ruled, place.uncorrelated, options.is_unchanged, total, errors);
    }
}

/// The schemas that a schema has inside.
fn validate_members(
    schema: &Located<'_, '_>,
    place: Place<'_>,
    options: &Options,
    rules: &mut RulesFound,
    errors: &mut Errors,
) {
    let inner = Place { root: false, ruled: None, ..place };
    let (additional, properties) = (schema.member("additionalProperties"), schema.member("properties"));
    if additional.is_set() {
        let is_true = additional.bool();
        if !properties.is_empty() && !is_true {
            errors.forbidden(&additional, "additionalProperties and properties are mutual exclusive");
        }
        let why = "inside additionalProperties applying to object metadata";
        let no_defaults = if place.inside_metadata { why } else { place.no_defaults };
        if additional.value().is_some_and(|value| value.as_map().is_some()) {
            let ruled = place.ruled.and_then(|ruled| ruled.additional());
            validate_open_api(&additional, Place { no_defaults, ruled, ..inner }, options, rules, errors);
        }
    }
    let embedded = schema.member("x-kubernetes-embedded-resource").bool();
    for (name, property) in properties.entries() {
        let mut at = Place { ruled: place.ruled.and_then(|ruled| ruled.property(name)), ..inner };
        if (place.root || embedded) && OF_EVERY_OBJECT.contains(&name) {
            at.inside_metadata = true;
            if place.root {
                at.no_defaults = match name {
                    "metadata" => "in top-level metadata",
                    "kind" => "in top-level kind",
                    _ => "in top-level apiVersion",
                };
            }
        }
        validate_open_api(&property, at, options, rules, errors);
    }
    validate_open_api(&schema.member("not"), inner, options, rules, errors);
    for field in ["allOf", "oneOf", "anyOf"] {
        for branch in schema.member(field).items() {
            validate_open_api(&branch, inner, options, rules, errors);
        }
    }
    for (_, definition) in schema.member("definitions").entries() {
        validate_open_api(&definition, inner, options, rules, errors);
    }
    let items = schema.member("items");
    // Only items that have keys can be told from each other.
    let of_list = schema.to_string();
    let is_correlated =
        !place.uncorrelated.is_empty() || schema.member("x-kubernetes-list-type").text() == "map";
    let uncorrelated = if is_correlated { place.uncorrelated } else { &of_list };
    let of_items = Place { uncorrelated, ..inner };
    if items.value().is_some_and(|value| value.as_list().is_some()) {
        for item in items.items() {
            validate_open_api(&item, of_items, options, rules, errors);
        }
    } else if items.is_set() {
        let ruled = place.ruled.and_then(|ruled| ruled.items());
        validate_open_api(&items, Place { ruled, ..of_items }, options, rules, errors);
    }
    for (_, dependency) in schema.member("dependencies").entries() {
        if dependency.value().is_some_and(|value| value.as_map().is_some()) {
            validate_open_api(&dependency, inner, options, rules, errors);
        }
    }
}

/// What of OpenAPI is not supported, or not here.
fn validate_unsupported(schema: &Located<'_, '_>, place: Place<'_>, options: &Options, errors: &mut Errors) {
    let kind = schema.member("type");
    if options.types && !kind.is_empty() && !TYPES.contains(&kind.text()) {
        errors.not_supported(&kind, TYPES);
    }
    let default = schema.member("default");
    if default.is_set() && !place.no_defaults.is_empty() {
        errors.forbidden(&default, format_args!("must not be set {}", place.no_defaults));
    }
    for field in ["id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref"] {
        let member = schema.member(field);
        let empty = matches!(field, "id" | "patternProperties" | "definitions") && member.is_empty();
        if member.is_set() && !empty {
            errors.forbidden(&member, format_args!("{field} is not supported"));
        }
    }
    if kind.text() == "null" {
        errors.forbidden(&kind, "type cannot be set to null, use nullable as an alternative");
    }
    let items = schema.member("items");
    if items.value().is_some_and(|value| value.as_list().is_some_and(|list| !list.is_empty())) {
        errors.forbidden(&items, "items must be a schema object and not an array");
    }
    let embedded = schema.member("x-kubernetes-embedded-resource");
    if place.inside_metadata && embedded.bool() {
        errors.forbidden(&embedded, "must not be used inside of resource meta");
    }
}

/// Whether a schema, or one inside it, is of some sort.
fn any_inside(schema: &Located<'_, '_>, is: &dyn Fn(&Located<'_, '_>) -> bool) -> bool {
    if schema.value().is_none_or(|value| value.as_map().is_none()) {
        return false;
    }
    is(schema)
        || ["items", "not", "additionalProperties", "additionalItems"]
            .iter()
            .any(|field| any_inside(&schema.member(field), is))
        || ["items", "allOf", "anyOf", "oneOf"]
            .iter()
            .any(|field| schema.member(field).items().any(|inner| any_inside(&inner, is)))
        || ["properties", "patternProperties", "definitions", "dependencies"]
            .iter()
            .any(|field| schema.member(field).entries().any(|(_, inner)| any_inside(&inner, is)))
}

pub(super) fn has_defaults(schema: &Located<'_, '_>) -> bool {
    any_inside(schema, &|schema| schema.member("default").is_set())
}

pub(super) fn has_bad_types(schema: &Located<'_, '_>) -> bool {
    any_inside(schema, &|schema| {
        let kind = schema.member("type");
        !kind.is_empty() && !TYPES.contains(&kind.text())
    })
}

pub(super) fn has_bad_sets(schema: &Located<'_, '_>) -> bool {
    any_inside(schema, &|schema| {
        let mut found = Errors::new();
        let items = schema.member("items");
        let is_set = schema.member("x-kubernetes-list-type").text() == "set";
        if is_set && schema.member("type").text() == "array" {
            super::listing::validate_set_items(&items, &mut found);
        }
        !found.is_empty()
    })
}

pub(super) fn has_bad_map_keys(schema: &Located<'_, '_>) -> bool {
    any_inside(schema, &|schema| {
        let mut found = Errors::new();
        validate_map_keys(schema, &mut found);
        !found.is_empty()
    })
}
