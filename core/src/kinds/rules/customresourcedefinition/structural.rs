//! Structural schemas: those that say of every field what it is outside of logical branches.
//! k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/schema/{convert,validation,complete}.go

use crate::kinds::validation::{Errors, Located};
use crate::status::Cause;
use crate::value::Value;
use crate::value::regex::Regex;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

const EMBEDDED: &str = "x-kubernetes-embedded-resource";
const PRESERVES: &str = "x-kubernetes-preserve-unknown-fields";
const INT_OR_STRING: &str = "x-kubernetes-int-or-string";
const BRANCHES: [&str; 3] = ["anyOf", "allOf", "oneOf"];

/// Where a schema stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Root,
    Item,
    Field,
}

/// Why no structural schema can be made of a schema, in the order in which upstream makes it.
pub(super) fn unsupported(schema: &Located<'_, '_>) -> Option<&'static str> {
    if schema.value().is_none_or(|value| value.as_map().is_none()) {
        return None;
    }
    const SENTENCES: [(&str, &str); 7] = [
        ("id", "OpenAPIV3Schema 'id' is not supported"),
        ("$schema", "OpenAPIV3Schema 'schema' is not supported"),
        ("$ref", "OpenAPIV3Schema '$ref' is not supported"),
        ("patternProperties", "OpenAPIV3Schema 'patternProperties' is not supported"),
        ("dependencies", "OpenAPIV3Schema 'dependencies' is not supported"),
        ("additionalItems", "OpenAPIV3Schema 'additionalItems' is not supported"),
        ("definitions", "OpenAPIV3Schema 'definitions' is not supported"),
    ];
    let used = |field: &'static str| {
        let member = schema.member(field);
        !member.is_empty() || (field == "additionalItems" && member.is_set())
    };
    if let Some((_, sentence)) = SENTENCES.iter().find(|(field, _)| used(field)) {
        return Some(sentence);
    }
    let branch = |field: &'static str| schema.member(field).items().find_map(|inner| unsupported(&inner));
    let found = unsupported(&schema.member("not"))
        .or_else(|| branch("allOf"))
        .or_else(|| branch("anyOf"))
        .or_else(|| branch("oneOf"));
    if found.is_some() {
        return found;
    }
    if schema.member(PRESERVES).bool_if_set() == Some(false) {
        return Some("internal error: 'x-kubernetes-preserve-unknown-fields' must be true or undefined");
    }
    let items = schema.member("items");
    if items.value().is_some_and(|value| value.as_list().is_some_and(|list| !list.is_empty())) {
        return Some("OpenAPIV3Schema 'items' must be a schema, but is an array");
    }
    unsupported(&items)
        .or_else(|| schema.member("properties").entries().find_map(|(_, property)| unsupported(&property)))
        .or_else(|| unsupported(&schema.member("additionalProperties")))
}

/// The errors of a schema as a structural one, sorted as upstream sorts them.
pub(super) fn validate_structural(schema: &Located<'_, '_>, errors: &mut Errors) {
    let mut found = Errors::new();
    validate_invariants(schema, Level::Root, &mut found);
    validate_completeness(schema, &mut found);
    let found = found.into_causes();
    let mut sorted: Vec<(String, &Cause)> =
        found.iter().map(|cause| (format!("{}: {}", cause.field, cause.message), cause)).collect();
    sorted.sort_by(|one, other| one.0.cmp(&other.0));
    for (_, cause) in sorted {
        errors.causes().push(cause.reason, &cause.field, cause.message.clone());
    }
}

fn validate_invariants(schema: &Located<'_, '_>, level: Level, errors: &mut Errors) {
    if errors.is_full() {
        return;
    }
    let (kind, items) = (schema.member("type"), schema.member("items"));
    if kind.text() == "array" && !items.is_set() {
        errors.required(&items, "must be specified");
    }
    if items.is_set() {
        validate_invariants(&items, Level::Item, errors);
    }
    let (properties, additional) = (schema.member("properties"), schema.member("additionalProperties"));
    for (_, property) in properties.entries() {
        validate_invariants(&property, Level::Field, errors);
    }
    if additional.is_set() && level == Level::Root {
        errors.forbidden(&additional, "must not be used at the root");
    }
    if additional.value().is_some_and(|value| value.as_map().is_some()) {
        validate_invariants(&additional, Level::Field, errors);
    }
    validate_extensions(schema, errors);
    validate_branches(schema, errors);
    validate_type(schema, level, errors);
    validate_metadata(schema, level, errors);
    let bare = schema.member(EMBEDDED).bool() && !schema.member(PRESERVES).bool();
    if bare && properties.is_empty() {
        let detail = "must not be empty if x-kubernetes-embedded-resource is true without \
                      x-kubernetes-preserve-unknown-fields";
        errors.required(&properties, detail);
    }
}

fn validate_extensions(schema: &Located<'_, '_>, errors: &mut Errors) {
    if !schema.member(INT_OR_STRING).bool() {
        return;
    }
    for field in [PRESERVES, EMBEDDED] {
        let member = schema.member(field);
        if member.bool() {
            errors.invalid(&member, "must be false if x-kubernetes-int-or-string is true");
        }
    }
}

fn validate_type(schema: &Located<'_, '_>, level: Level, errors: &mut Errors) {
    let (kind, additional) = (schema.member("type"), schema.member("additionalProperties"));
    let embedded = schema.member(EMBEDDED).bool();
    let free = schema.member(INT_OR_STRING).bool() || schema.member(PRESERVES).bool();
    if embedded && kind.text() != "object" {
        let detail = "must be object if x-kubernetes-embedded-resource is true";
        if kind.is_empty() {
            errors.required(&kind, detail);
        } else {
            errors.invalid(&kind, detail);
        }
    } else if kind.is_empty() && !free {
        let detail = match level {
            Level::Root => "must not be empty at the root",
            Level::Item => "must not be empty for specified array items",
            Level::Field => "must not be empty for specified object fields",
        };
        errors.required(&kind, detail);
    }
    if embedded && additional.is_set() {
        errors.forbidden(&additional, "must not be used if x-kubernetes-embedded-resource is set");
    }
    if level == Level::Root && !kind.is_empty() && kind.text() != "object" {
        errors.invalid(&kind, "must be object at the root");
    }
}

/// What a schema may say of the fields that every object has.
fn validate_metadata(schema: &Located<'_, '_>, level: Level, errors: &mut Errors) {
    let whole = level == Level::Root || schema.member(EMBEDDED).bool();
    let properties = schema.member("properties");
    if whole {
        for name in ["kind", "apiVersion"] {
            let property = properties.key(name);
            let kind = property.member("type");
            if property.is_set() && kind.text() != "string" {
                errors.invalid_value(&kind, kind.text(), "must be string");
            }
        }
    }
    let metadata = properties.key("metadata");
    if !metadata.is_set() {
        return;
    }
    let kind = metadata.member("type");
    if whole && kind.text() != "object" {
        errors.invalid_value(&kind, kind.text(), "must be object");
    }
    if level == Level::Root && says_more_than_names(&metadata) {
        let detail = "must not specify anything other than name and generateName, but metadata is implicitly specified";
        errors.forbidden(&metadata, detail);
    }
}

fn says_more_than_names(metadata: &Located<'_, '_>) -> bool {
    let names = |properties: &Located<'_, '_>| {
        properties.entries().all(|(name, _)| matches!(name, "name" | "generateName"))
    };
    metadata.entries().any(|(field, member)| match field {
        "type" | "default" => false,
        "properties" => !names(&member),
        _ => member.is_set() && (member.bool_if_set() != Some(false)) && !is_zero(&member),
    })
}

fn is_zero(member: &Located<'_, '_>) -> bool {
    let list_or_text = matches!(member.value(), Some(Value::Str(_) | Value::List(_) | Value::Map(_)));
    list_or_text && member.is_empty()
}

/// The two branches by which a schema says that a value is a number or a text.
fn is_int_or_string(branches: &Located<'_, '_>) -> bool {
    let only_type = |index: usize, wanted: &str| {
        let branch = branches.index(index);
        branch.len() == 1 && branch.member("type").text() == wanted
    };
    branches.len() == 2 && only_type(0, "integer") && only_type(1, "string")
}

/// The logical branches of a schema, but for those that say that a value is a number or a text.
fn validate_branches(schema: &Located<'_, '_>, errors: &mut Errors) {
    let (any, all) = (schema.member("anyOf"), schema.member("allOf"));
    let first_all = all.index(0);
    let skips_first = is_int_or_string(&first_all.member("anyOf"));
    validate_values(schema, is_int_or_string(&any), skips_first, errors);
}

fn validate_values(schema: &Located<'_, '_>, skips_any: bool, skips_first_all: bool, errors: &mut Errors) {
    if errors.is_full() {
        return;
    }
    for field in BRANCHES {
        if field == "anyOf" && skips_any {
            continue;
        }
        for (index, branch) in schema.member(field).items().enumerate() {
            validate_nested(&branch, field == "allOf" && skips_first_all && index == 0, errors);
        }
    }
    let not = schema.member("not");
    if not.is_set() {
        validate_nested(&not, false, errors);
    }
    let pattern = schema.member("pattern");
    if !pattern.is_empty()
        && let Err(why) = Regex::new(pattern.text())
    {
        errors.invalid(&pattern, format_args!("must be a valid regular expression, but isn't: {why}"));
    }
}

/// A schema inside a branch restricts values, and says nothing of what they are.
fn validate_nested(schema: &Located<'_, '_>, skips_any: bool, errors: &mut Errors) {
    validate_values(schema, skips_any, false, errors);
    let (items, properties) = (schema.member("items"), schema.member("properties"));
    if items.is_set() {
        validate_nested(&items, false, errors);
    }
    for (_, property) in properties.entries() {
        validate_nested(&property, false, errors);
    }
    const EMPTY: &str = "must be empty to be structural";
    const UNDEFINED: &str = "must be undefined to be structural";
    const FALSE: &str = "must be false to be structural";
    let forbid = |field: &'static str, wrong: bool, detail: &str, errors: &mut Errors| {
        if wrong {
            errors.forbidden(&schema.member(field), detail);
        }
    };
    let some = |field: &'static str| !schema.member(field).is_empty();
    let set = |field: &'static str| schema.member(field).is_set();
    let truth = |field: &'static str| schema.member(field).bool();
    forbid("type", some("type"), EMPTY, errors);
    let additional = schema.member("additionalProperties");
    let closed = additional.bool_if_set() == Some(false);
    forbid("additionalProperties", additional.is_set() && !closed, UNDEFINED, errors);
    forbid("default", set("default"), UNDEFINED, errors);
    forbid("title", some("title"), EMPTY, errors);
    forbid("description", some("description"), EMPTY, errors);
    forbid("nullable", truth("nullable"), FALSE, errors);
    for field in [PRESERVES, EMBEDDED, INT_OR_STRING] {
        // The branches of a number or a text are made of this mark.
        forbid(field, truth(field), FALSE, errors);
    }
    forbid("x-kubernetes-list-map-keys", some("x-kubernetes-list-map-keys"), EMPTY, errors);
    for field in ["x-kubernetes-list-type", "x-kubernetes-map-type"] {
        forbid(field, set(field), UNDEFINED, errors);
    }
    forbid("x-kubernetes-validations", some("x-kubernetes-validations"), EMPTY, errors);
    let metadata = properties.key("metadata");
    if metadata.is_set() {
        errors.forbidden(&metadata, "must not be specified in a nested context");
    }
}

/// What a branch speaks of must be specified outside of it. Upstream asks this of the branches of the whole object
/// alone.
fn validate_completeness(schema: &Located<'_, '_>, errors: &mut Errors) {
    for field in BRANCHES {
        for branch in schema.member(field).items() {
            validate_nested_completeness(&branch, schema, schema, errors);
        }
    }
    let not = schema.member("not");
    if not.is_set() {
        validate_nested_completeness(&not, schema, schema, errors);
    }
}

/// `outside` is the schema that the branch restricts, and `shown` its place.
fn validate_nested_completeness(
    branch: &Located<'_, '_>,
    outside: &Located<'_, '_>,
    shown: &Located<'_, '_>,
    errors: &mut Errors,
) {
    if errors.is_full() {
        return;
    }
    for field in BRANCHES {
        for inner in branch.member(field).items() {
            validate_nested_completeness(&inner, outside, shown, errors);
        }
    }
    let not = branch.member("not");
    if not.is_set() {
        validate_nested_completeness(&not, outside, shown, errors);
    }
    let (items, outer_items) = (branch.member("items"), outside.member("items"));
    let place = shown.member("items");
    if items.is_set() && !outer_items.is_set() {
        errors.required(&place, format_args!("because it is defined in {items}"));
    } else if items.is_set() {
        validate_nested_completeness(&items, &outer_items, &place, errors);
    }
    let (outer, place) = (outside.member("properties"), shown.member("properties"));
    for (name, property) in branch.member("properties").entries() {
        let (held, place) = (outer.key(name), place.key(name));
        if held.is_set() {
            validate_nested_completeness(&property, &held, &place, errors);
        } else {
            errors.required(&place, format_args!("because it is defined in {property}"));
        }
    }
}
