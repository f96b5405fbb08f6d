//! The schemas of a kind that a definition brings, as OpenAPI shows them: that of the definition, with what every
//! object has, and that of its lists. Version 2 leaves out what it cannot say, and what older clients misunderstand.
//! k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/controller/openapi/builder/builder.go,
//! pkg/controller/openapi/v2/conversion.go, pkg/apiserver/schema/kubeopenapi.go, unfold.go

use super::Edition;
use super::schemas::published;
use crate::codec::json;
use crate::kinds::{Describe, Kind};
use crate::value::{Map, Value};
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

/// What OpenAPI shows of a schema as the definition has it. Values that say nothing are left out: of these words only
/// `default` and `example` may be false or empty.
const KEPT: &[&str] = &[
    "description",
    "enum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "externalDocs",
    "format",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "pattern",
    "required",
    "title",
    "type",
    "uniqueItems",
    "x-kubernetes-embedded-resource",
    "x-kubernetes-int-or-string",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-list-type",
    "x-kubernetes-map-type",
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-validations",
];

const PRESERVES: &str = "x-kubernetes-preserve-unknown-fields";
const EMBEDDED: &str = "x-kubernetes-embedded-resource";
const META: &str = "meta.v1.ObjectMeta";
const LIST_META: &str = "meta.v1.ListMeta";

/// The published name of the type of a kind's lists.
pub(super) fn list_name(kind: &Kind) -> String {
    let package = kind.type_name.rsplit_once('.').map_or("", |(package, _)| package);
    published(&format!("{package}.{}", kind.list_kind))
}

/// The schemas of a kind and of its lists, each with its published name. `schema` is that of the definition, null if
/// it has none.
pub(super) fn schemas(
    kind: &Kind,
    schema: &Value,
    edition: Edition,
    describe: Option<Describe>,
) -> [(String, String); 2] {
    let look = Metadata { edition, describe };
    let mut object = if schema.is_null() || edition == Edition::V2 && is_set(schema, PRESERVES) {
        // With properties, clients would take all other fields for mistakes.
        plain("object")
    } else {
        let mut object = converted(schema, &look);
        look.add(META, &mut object);
        object
    };
    let name = published(&kind.type_name);
    let mut items = plain("array");
    items.insert("items", reference_to(edition, &name));
    items.insert("description", Value::from(format!("List of {}.", kind.plural)));
    let mut list = plain("object");
    list.insert("description", Value::from(format!("{} is a list of {}", kind.list_kind, kind.kind)));
    list.insert("required", Value::list(vec!["items".into()]));
    set_property(&mut list, "items", items.into());
    look.add(LIST_META, &mut list);
    let selectable: Vec<Value> = kind.fields.iter().map(|field| one("fieldPath", &field.name)).collect();
    for (schema, word) in [(&mut object, kind.kind.as_str()), (&mut list, kind.list_kind.as_str())] {
        let mut of = Map::new();
        of.insert("group", kind.group.as_str().into());
        of.insert("kind", word.into());
        of.insert("version", kind.version.as_str().into());
        schema.insert("x-kubernetes-group-version-kind", Value::list(vec![of.into()]));
        if !selectable.is_empty() {
            schema.insert("x-kubernetes-selectable-fields", Value::list(selectable.clone()));
        }
    }
    [(name, object), (list_name(kind), list)].map(|(name, schema)| (name, json::to_string(&schema.into())))
}

fn plain(kind: &str) -> Map {
    let mut schema = Map::new();
    schema.insert("type", kind.into());
    schema
}

fn one(name: &str, text: &str) -> Value {
    let mut map = Map::new();
    map.insert(name, text.into());
    map.into()
}

fn reference_to(edition: Edition, name: &str) -> Value {
    let place = match edition {
        Edition::V2 => "#/definitions/",
        Edition::V3 => "#/components/schemas/",
    };
    one("$ref", &format!("{place}{name}"))
}

/// How the fields are shown that every object has.
struct Metadata {
    edition: Edition,
    describe: Option<Describe>,
}

impl Metadata {
    /// Adds apiVersion, kind, and metadata of a built-in type.
    fn add(&self, metadata: &str, schema: &mut Map) {
        // These fields are described alike in all kinds.
        let like = if metadata == META { "core.v1.ConfigMap" } else { "core.v1.ConfigMapList" };
        let like = published(like);
        let fields = [
            ("apiVersion", plain("string")),
            ("kind", plain("string")),
            ("metadata", self.reference(metadata)),
        ];
        for (name, mut field) in fields {
            if let Some(description) = self.describe.and_then(|describe| describe(&like, name)) {
                field.insert("description", description.into());
            }
            set_property(schema, name, field.into());
        }
    }

    fn reference(&self, name: &str) -> Map {
        let reference = reference_to(self.edition, &published(name));
        let mut property = Map::new();
        match self.edition {
            Edition::V2 => drop(property.insert("$ref", reference.text_at(&["$ref"]).into())),
            // Nothing may stand beside a reference here, as descriptions do.
            Edition::V3 => drop(property.insert("allOf", Value::list(vec![reference]))),
        }
        property
    }
}

fn set_property(schema: &mut Map, name: &str, property: Value) {
    let mut properties = match schema.remove("properties") {
        Some(Value::Map(properties)) => alloc::sync::Arc::unwrap_or_clone(properties),
        _ => Map::new(),
    };
    properties.insert(name, property);
    schema.insert("properties", properties.into());
}

fn is_set(schema: &Value, flag: &str) -> bool {
    schema.field(flag).and_then(Value::as_bool).unwrap_or(false)
}

/// The recursion is bounded by the depth of the definition, which its parser bounds.
fn converted(schema: &Value, look: &Metadata) -> Map {
    let edition = look.edition;
    let (preserves, nullable) = (is_set(schema, PRESERVES), is_set(schema, "nullable"));
    let mut out = kept(schema);
    for word in ["default", "example"] {
        let value = schema.field(word).filter(|value| !value.is_null());
        if let Some(value) = value.filter(|_| word == "example" || edition == Edition::V3) {
            out.insert(word, value.clone());
        }
    }
    match schema.field("additionalProperties") {
        Some(any @ Value::Bool(_)) => drop(out.insert("additionalProperties", any.clone())),
        Some(inner @ Value::Map(_)) => {
            out.insert("additionalProperties", converted(inner, look).into());
        }
        _ => {}
    }
    // What is null, and what holds unknown fields, has no type for clients of version 2.
    if edition == Edition::V3 || !(preserves || nullable) {
        if let Some(items) = schema.field("items").filter(|items| items.as_map().is_some()) {
            out.insert("items", converted(items, look).into());
        }
        let properties = schema.field("properties").and_then(Value::as_map).filter(|map| !map.is_empty());
        if let Some(properties) = properties {
            let mut inner = Map::new();
            for (name, schema) in properties.iter() {
                inner.insert(name.clone(), converted(schema, look).into());
            }
            out.insert("properties", inner.into());
        }
    }
    match edition {
        Edition::V2 => {
            let kind = schema.text_at(&["type"]);
            if nullable || kind == "array" && out.get("items").is_none() || kind == "object" && preserves {
                out.remove("type");
            }
            drop_nullable_from_required(schema, &mut out);
        }
        Edition::V3 => {
            if nullable {
                out.insert("nullable", Value::Bool(true));
            }
            add_logic(schema, &mut out);
            if is_set(schema, "x-kubernetes-int-or-string") {
                unfold(&mut out);
            }
        }
    }
    if is_set(schema, EMBEDDED) && !(preserves && edition == Edition::V2) {
        embed(&mut out, look);
    }
    out
}

/// The words that are shown as they are, unless they say nothing.
fn kept(schema: &Value) -> Map {
    let mut out = Map::new();
    for word in KEPT {
        match schema.field(word) {
            None | Some(Value::Null | Value::Bool(false)) => {}
            Some(Value::Str(text)) if text.is_empty() => {}
            Some(Value::List(items)) if items.is_empty() => {}
            Some(value) => drop(out.insert(*word, value.clone())),
        }
    }
    out
}

fn add_logic(schema: &Value, out: &mut Map) {
    for word in ["allOf", "anyOf", "oneOf"] {
        let branches = schema.field(word).and_then(Value::as_list).filter(|branches| !branches.is_empty());
        if let Some(branches) = branches {
            let branches = branches.iter().map(|inner| branch(inner).into()).collect();
            out.insert(word, Value::list(branches));
        }
    }
    if let Some(not) = schema.field("not").filter(|not| not.as_map().is_some()) {
        out.insert("not", branch(not).into());
    }
}

/// A branch of the logic of a schema, which says nothing about types.
fn branch(schema: &Value) -> Map {
    let mut out = kept(schema);
    for word in ["description", "title", "externalDocs"] {
        out.remove(word);
    }
    if let Some(items) = schema.field("items").filter(|items| items.as_map().is_some()) {
        out.insert("items", branch(items).into());
    }
    let properties = schema.field("properties").and_then(Value::as_map).filter(|map| !map.is_empty());
    if let Some(properties) = properties {
        let mut inner = Map::new();
        for (name, schema) in properties.iter() {
            inner.insert(name.clone(), branch(schema).into());
        }
        out.insert("properties", inner.into());
    }
    add_logic(schema, &mut out);
    out
}

/// Says in words of OpenAPI that a value is a number or a text, unless the schema does.
fn unfold(out: &mut Map) {
    let either = || Value::list(vec![one("type", "integer"), one("type", "string")]);
    let all_of = out.get("allOf").and_then(Value::as_list).unwrap_or_default();
    let said_first = all_of.first().and_then(|first| first.field("anyOf")) == Some(&either());
    if out.get("anyOf") == Some(&either()) || said_first {
        return;
    }
    if out.get("anyOf").is_none() {
        out.insert("anyOf", either());
        return;
    }
    let mut first = Map::new();
    first.insert("anyOf", either());
    let all_of = [Value::from(first)].into_iter().chain(all_of.iter().cloned()).collect();
    out.insert("allOf", Value::list(all_of));
}

/// Fields that may be null, which version 2 cannot say, are not required there.
fn drop_nullable_from_required(schema: &Value, out: &mut Map) {
    let Some(required) = out.get("required").and_then(Value::as_list) else { return };
    let of_all = schema.field("additionalProperties").is_some_and(|inner| is_set(inner, "nullable"));
    let properties = out.get("properties").is_some().then(|| schema.field("properties")).flatten();
    let stays = |name: &&Value| {
        let property = properties.and_then(|properties| properties.field(name.as_str().unwrap_or("")));
        !of_all && !property.is_some_and(|property| is_set(property, "nullable"))
    };
    let required: Vec<Value> = required.iter().filter(stays).cloned().collect();
    if required.is_empty() {
        out.remove("required");
    } else {
        out.insert("required", Value::list(required));
    }
}

/// Adds the fields of a whole object inside of another one.
fn embed(out: &mut Map, look: &Metadata) {
    look.add(META, out);
    let mut required = out.get("required").and_then(Value::as_list).unwrap_or_default().to_vec();
    for word in ["kind", "apiVersion"] {
        if !required.iter().any(|held| held.as_str() == Some(word)) {
            required.push(word.into());
        }
    }
    out.insert("required", Value::list(required));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(schema: &str, edition: Edition) -> String {
        let schema = json::parse(schema.as_bytes()).expect("JSON").value;
        json::to_string(&converted(&schema, &Metadata { edition, describe: None }).into())
    }

    #[test]
    fn a_schema_is_shown_in_both_versions() {
        const META_V3: &str = r##"{"allOf":[{"$ref":"#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"}]}"##;
        let whole = format!(
            r#"{{"properties":{{"apiVersion":{{"type":"string"}},"kind":{{"type":"string"}},"metadata":{META_V3}}},"required":["kind","apiVersion"],"type":"object","x-kubernetes-embedded-resource":true,"x-kubernetes-preserve-unknown-fields":true}}"#
        );
        // A schema, and what versions 2 and 3 show of it.
        let table: &[(&str, &str, &str)] = &[
            (
                r#"{"type":"string","default":"red","enum":["red"],"minLength":0,"format":"","uniqueItems":false}"#,
                r#"{"enum":["red"],"minLength":0,"type":"string"}"#,
                r#"{"default":"red","enum":["red"],"minLength":0,"type":"string"}"#,
            ),
            (
                r#"{"type":"boolean","default":false}"#,
                r#"{"type":"boolean"}"#,
                r#"{"default":false,"type":"boolean"}"#,
            ),
            (
                r#"{"x-kubernetes-int-or-string":true}"#,
                r#"{"x-kubernetes-int-or-string":true}"#,
                r#"{"anyOf":[{"type":"integer"},{"type":"string"}],"x-kubernetes-int-or-string":true}"#,
            ),
            (
                r#"{"x-kubernetes-int-or-string":true,"anyOf":[{"pattern":"a"}],"allOf":[{"minimum":2}]}"#,
                r#"{"x-kubernetes-int-or-string":true}"#,
                r#"{"allOf":[{"anyOf":[{"type":"integer"},{"type":"string"}]},{"minimum":2}],"anyOf":[{"pattern":"a"}],"x-kubernetes-int-or-string":true}"#,
            ),
            (
                r#"{"x-kubernetes-int-or-string":true,"allOf":[{"anyOf":[{"type":"integer"},{"type":"string"}]}]}"#,
                r#"{"x-kubernetes-int-or-string":true}"#,
                r#"{"allOf":[{"anyOf":[{"type":"integer"},{"type":"string"}]}],"x-kubernetes-int-or-string":true}"#,
            ),
            (
                r#"{"type":"object","x-kubernetes-preserve-unknown-fields":true,"properties":{"a":{"type":"string"}}}"#,
                r#"{"x-kubernetes-preserve-unknown-fields":true}"#,
                r#"{"properties":{"a":{"type":"string"}},"type":"object","x-kubernetes-preserve-unknown-fields":true}"#,
            ),
            (
                r#"{"type":"array","x-kubernetes-preserve-unknown-fields":true,"items":{"type":"object"}}"#,
                r#"{"x-kubernetes-preserve-unknown-fields":true}"#,
                r#"{"items":{"type":"object"},"type":"array","x-kubernetes-preserve-unknown-fields":true}"#,
            ),
            (
                r#"{"type":"object","nullable":true,"properties":{"a":{"type":"integer"}}}"#,
                "{}",
                r#"{"nullable":true,"properties":{"a":{"type":"integer"}},"type":"object"}"#,
            ),
            (
                r#"{"type":"object","required":["a","b"],"properties":{"a":{"type":"string","nullable":true},"b":{"type":"string"}}}"#,
                r#"{"properties":{"a":{},"b":{"type":"string"}},"required":["b"],"type":"object"}"#,
                r#"{"properties":{"a":{"nullable":true,"type":"string"},"b":{"type":"string"}},"required":["a","b"],"type":"object"}"#,
            ),
            (
                r#"{"type":"object","required":["q"],"additionalProperties":{"type":"string","nullable":true}}"#,
                r#"{"additionalProperties":{},"type":"object"}"#,
                r#"{"additionalProperties":{"nullable":true,"type":"string"},"required":["q"],"type":"object"}"#,
            ),
            (
                r#"{"type":"object","properties":{"a":{"type":"string"}},"oneOf":[{"required":["a"]},{"not":{"required":["a"]}}],"x-kubernetes-validations":[{"rule":"true"}]}"#,
                r#"{"properties":{"a":{"type":"string"}},"type":"object","x-kubernetes-validations":[{"rule":"true"}]}"#,
                r#"{"oneOf":[{"required":["a"]},{"not":{"required":["a"]}}],"properties":{"a":{"type":"string"}},"type":"object","x-kubernetes-validations":[{"rule":"true"}]}"#,
            ),
            (
                r#"{"type":"object","x-kubernetes-embedded-resource":true,"x-kubernetes-preserve-unknown-fields":true}"#,
                r#"{"x-kubernetes-embedded-resource":true,"x-kubernetes-preserve-unknown-fields":true}"#,
                &whole,
            ),
        ];
        for (schema, v2, v3) in table {
            assert_eq!(shown(schema, Edition::V2), *v2, "{schema}");
            assert_eq!(shown(schema, Edition::V3), *v3, "{schema}");
        }
    }
}
