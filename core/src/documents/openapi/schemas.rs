//! The schemas of types, as OpenAPI shows them, with Kubernetes' extensions.
//! k8s: k8s.io/kube-openapi/pkg/builder, pkg/builder3

use super::Edition;
use crate::codec::json;
use crate::documents::document::{Member, list, object, optional_text, text, texts};
use crate::kinds::Describe;
use crate::schema::{Catalogue, Field, ListType, MapType, PatchStrategy, Shape, TypeDef, TypeId};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// The published name of a type: `io.k8s.api.apps.v1.Deployment`.
pub(super) fn published(name: &str) -> String {
    // The release's own types have three labels. Others begin with a whole group.
    if name.split('.').count() > 3 {
        return name.to_string();
    }
    let package = match name.split('.').next().unwrap_or("") {
        "meta" => "io.k8s.apimachinery.pkg.apis.",
        "runtime" | "version" | "api" | "util" => "io.k8s.apimachinery.pkg.",
        "apiextensions" => "io.k8s.apiextensions-apiserver.pkg.apis.",
        "apiregistration" => "io.k8s.kube-aggregator.pkg.apis.",
        _ => "io.k8s.api.",
    };
    format!("{package}{name}")
}

/// Scalars that have a named schema.
const QUANTITY: &str = "api.resource.Quantity";
const INT_OR_STRING: &str = "util.intstr.IntOrString";
const TIME: &str = "meta.v1.Time";
const MICRO_TIME: &str = "meta.v1.MicroTime";
const DURATION: &str = "meta.v1.Duration";

/// Types of one catalogue that requests and answers name.
pub(super) struct Roots<'a> {
    pub(super) catalogue: &'a Catalogue,
    pub(super) types: BTreeSet<TypeId>,
}

/// How the types of a document are shown.
#[derive(Clone, Copy)]
pub(super) struct Look<'a> {
    pub(super) edition: Edition,
    /// The group versions of the document, for the kinds that belong to every group.
    pub(super) groups: &'a [(&'a str, &'a str)],
    pub(super) describe: Option<Describe>,
}

impl Look<'_> {
    /// What a type is for, or a field of it, as JSON; empty if nothing is known.
    fn description(&self, published: &str, field: &str) -> String {
        self.describe.and_then(|describe| describe(published, field)).map_or_else(String::new, text)
    }

    /// A schema of a named scalar, with its description.
    fn described(&self, published: &str, schema: &str) -> String {
        match self.description(published, "") {
            empty if empty.is_empty() => schema.to_string(),
            description => joined(&object(&[("description", description)]), schema),
        }
    }
}

/// Two encoded objects as one.
fn joined(one: &str, other: &str) -> String {
    let (start, rest) = (one.strip_suffix('}').unwrap_or(one), other.strip_prefix('{').unwrap_or(other));
    let comma = if rest == "}" { "" } else { "," };
    format!("{start}{comma}{rest}")
}

/// The schemas of the roots and of all types that they refer to, by published name. `others` are schemas that were made
/// elsewhere.
pub(super) fn schemas(look: &Look<'_>, roots: &[Roots<'_>], others: Vec<(String, String)>) -> String {
    let formless = |(name, schema): &(&str, &str)| {
        let name = published(name);
        let schema = look.described(&name, schema);
        (name, schema)
    };
    let patch = FORMLESS.iter().take(1).map(formless);
    let mut found: BTreeMap<String, String> = patch.chain(others).collect();
    for Roots { catalogue, types } in roots {
        add(&mut found, catalogue, look, types);
    }
    let members: Vec<Member<'_>> =
        found.iter().map(|(name, schema)| (name.as_str(), schema.clone())).collect();
    object(&members)
}

/// Adds the schemas of the roots of one catalogue, and of the types that they refer to.
fn add(
    found: &mut BTreeMap<String, String>,
    catalogue: &Catalogue,
    look: &Look<'_>,
    roots: &BTreeSet<TypeId>,
) {
    let (mut seen, mut waiting) = (roots.clone(), roots.iter().copied().collect::<Vec<_>>());
    while let Some(id) = waiting.pop() {
        let definition = catalogue.get(id);
        for field in &definition.fields {
            match innermost(&field.shape) {
                Shape::Struct(id) => {
                    if seen.insert(*id) {
                        waiting.push(*id);
                    }
                }
                scalar => {
                    if *scalar == Shape::Any {
                        let name = form_of_any(definition, field);
                        let schema = FORMLESS.iter().find(|(known, _)| *known == name);
                        let name = published(name);
                        found.extend(schema.map(|(_, schema)| (name.clone(), look.described(&name, schema))));
                    } else if let Some((name, schema)) = named_scalar(scalar, look.edition) {
                        let name = published(name);
                        let schema = || look.described(&name, &schema);
                        found.entry(name.clone()).or_insert_with(schema);
                    }
                }
            }
        }
        found.insert(published(&definition.name), type_schema(catalogue, look, definition));
    }
}

fn innermost(shape: &Shape) -> &Shape {
    match shape {
        Shape::List(inner) | Shape::Map(inner) => innermost(inner),
        other => other,
    }
}

fn type_schema(catalogue: &Catalogue, look: &Look<'_>, definition: &TypeDef) -> String {
    let name = published(&definition.name);
    let properties: Vec<Member<'_>> = definition
        .fields
        .iter()
        .map(|field| (field.name.as_str(), property(catalogue, look, definition, field)))
        .collect();
    let required: Vec<&str> =
        definition.fields.iter().filter(|field| field.required).map(|field| field.name.as_str()).collect();
    object(&[
        ("description", look.description(&name, "")),
        ("type", text("object")),
        ("required", texts(&required)),
        ("properties", if properties.is_empty() { String::new() } else { object(&properties) }),
        ("x-kubernetes-group-version-kind", kinds(definition, look.groups)),
        ("x-kubernetes-map-type", if definition.atomic { text("atomic") } else { String::new() }),
        ("x-kubernetes-unions", union(definition)),
    ])
}

/// Types that may hold any JSON, or whose schema only says that they are objects.
const FORMLESS: &[(&str, &str)] = &[
    ("meta.v1.Patch", OBJECT),
    (FIELDS, OBJECT),
    (RAW_EXTENSION, OBJECT),
    ("apiextensions.v1.JSON", "{}"),
    ("apiextensions.v1.JSONSchemaPropsOrArray", "{}"),
    ("apiextensions.v1.JSONSchemaPropsOrBool", "{}"),
    ("apiextensions.v1.JSONSchemaPropsOrStringArray", "{}"),
];
const OBJECT: &str = r#"{"type":"object"}"#;
const FIELDS: &str = "meta.v1.FieldsV1";
const RAW_EXTENSION: &str = "runtime.RawExtension";

/// The formless type of a field that holds any JSON.
fn form_of_any(owner: &TypeDef, field: &Field) -> &'static str {
    match (owner.name.as_str(), field.name.as_str()) {
        ("meta.v1.ManagedFieldsEntry", _) => FIELDS,
        ("apiextensions.v1.JSONSchemaProps", "items") => "apiextensions.v1.JSONSchemaPropsOrArray",
        ("apiextensions.v1.JSONSchemaProps", "additionalItems" | "additionalProperties") => {
            "apiextensions.v1.JSONSchemaPropsOrBool"
        }
        ("apiextensions.v1.JSONSchemaProps", "dependencies") => {
            "apiextensions.v1.JSONSchemaPropsOrStringArray"
        }
        ("apiextensions.v1.JSONSchemaProps", _) => "apiextensions.v1.JSON",
        _ => RAW_EXTENSION,
    }
}

/// A type, its discriminator member if it has one, and the member names with their discriminator values.
type Union = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

/// Types of which exactly one member is set.
const UNIONS: &[Union] = &[
    ("core.v1.AppArmorProfile", "type", &[("localhostProfile", "LocalhostProfile")]),
    ("core.v1.PodSchedulingGroup", "", &[("podGroupName", "PodGroupName")]),
    ("core.v1.SeccompProfile", "type", &[("localhostProfile", "LocalhostProfile")]),
    ("flowcontrol.v1.LimitResponse", "type", &[("queuing", "Queuing")]),
    (
        "flowcontrol.v1.PriorityLevelConfigurationSpec",
        "type",
        &[("exempt", "Exempt"), ("limited", "Limited")],
    ),
    (
        "flowcontrol.v1.Subject",
        "kind",
        &[("group", "Group"), ("serviceAccount", "ServiceAccount"), ("user", "User")],
    ),
];

fn union(definition: &TypeDef) -> String {
    let Some((_, discriminator, members)) = UNIONS.iter().find(|(name, _, _)| definition.name == *name)
    else {
        return String::new();
    };
    let members: Vec<Member<'_>> = members.iter().map(|(field, value)| (*field, text(value))).collect();
    list([object(&[
        ("discriminator", optional_text(discriminator)),
        ("fields-to-discriminateBy", object(&members)),
    ])])
}

/// The group, version and kind of a type. Types that all groups share have several.
fn kinds(definition: &TypeDef, groups: &[(&str, &str)]) -> String {
    let entry = |group: &str, version: &str, kind: &str| {
        object(&[("group", text(group)), ("kind", text(kind)), ("version", text(version))])
    };
    match definition.name.as_str() {
        "meta.v1.DeleteOptions" | "meta.v1.WatchEvent" => {
            let mut all: BTreeSet<(&str, &str)> = groups.iter().copied().collect();
            all.insert(("", "v1"));
            list(all.into_iter().map(|(group, version)| entry(group, version, definition.go_name())))
        }
        "meta.v1.Status" | "meta.v1.APIResourceList" => list([entry("", "v1", definition.go_name())]),
        _ => match &definition.kind {
            Some((group, version, kind)) => list([entry(group, version, kind)]),
            None => String::new(),
        },
    }
}

fn property(catalogue: &Catalogue, look: &Look<'_>, owner: &TypeDef, field: &Field) -> String {
    let edition = look.edition;
    let any = edition.reference(&published(form_of_any(owner, field)));
    let schema = shape_schema(catalogue, edition, &field.shape, &any);
    let description = look.description(&published(&owner.name), &field.name);
    let mut extra: Vec<Member<'_>> = alloc::vec![("description", description)];
    if edition == Edition::V3 {
        extra.push(("default", default(field)));
    }
    extra.extend(extensions(field));
    extra.retain(|(_, value)| !value.is_empty());
    if edition == Edition::V3 && schema.starts_with(r#"{"$ref""#) {
        // OpenAPI 3.0 does not allow other members beside a reference.
        extra.insert(0, ("allOf", list([schema])));
        return object(&extra);
    }
    if extra.is_empty() {
        return schema;
    }
    joined(&schema, &object(&extra))
}

fn default(field: &Field) -> String {
    match (&field.default, &field.shape) {
        (Some(value), _) => json::to_string(value),
        (None, Shape::Struct(_)) if !field.pointer => "{}".into(),
        (None, _) => String::new(),
    }
}

fn extensions(field: &Field) -> Vec<Member<'static>> {
    let (mut keys, mut list_type) = (String::new(), "");
    match &field.list {
        ListType::Undeclared => {}
        ListType::Atomic => list_type = "atomic",
        ListType::Set => list_type = "set",
        ListType::Map(names) => {
            keys = texts(names);
            list_type = "map";
        }
    }
    let map_type = match field.map {
        MapType::Undeclared => "",
        MapType::Atomic => "atomic",
        MapType::Granular => "granular",
    };
    alloc::vec![
        ("x-kubernetes-list-map-keys", keys),
        ("x-kubernetes-list-type", optional_text(list_type)),
        ("x-kubernetes-map-type", optional_text(map_type)),
        ("x-kubernetes-patch-merge-key", optional_text(field.patch.merge_key.as_deref().unwrap_or(""))),
        ("x-kubernetes-patch-strategy", optional_text(&patch_strategy(&field.patch))),
    ]
}

fn patch_strategy(patch: &PatchStrategy) -> String {
    let words = [("merge", patch.merge), ("replace", patch.replace), ("retainKeys", patch.retain_keys)];
    words.iter().filter(|(_, said)| *said).map(|(word, _)| *word).collect::<Vec<_>>().join(",")
}

/// The schema of a shape; `any` is the schema of a value that may be any JSON.
fn shape_schema(catalogue: &Catalogue, edition: Edition, shape: &Shape, any: &str) -> String {
    let simple =
        |kind: &str, format: &str| object(&[("type", text(kind)), ("format", optional_text(format))]);
    match shape {
        Shape::String => simple("string", ""),
        Shape::Int32 => simple("integer", "int32"),
        Shape::Int64 => simple("integer", "int64"),
        Shape::Bool => simple("boolean", ""),
        Shape::Double => simple("number", "double"),
        Shape::Bytes => simple("string", "byte"),
        Shape::Quantity => edition.reference(&published(QUANTITY)),
        Shape::IntOrString => edition.reference(&published(INT_OR_STRING)),
        Shape::Time => edition.reference(&published(TIME)),
        Shape::MicroTime => edition.reference(&published(MICRO_TIME)),
        Shape::Duration => edition.reference(&published(DURATION)),
        Shape::Any | Shape::Custom(_) => any.to_string(),
        Shape::Struct(id) => edition.reference(&published(&catalogue.get(*id).name)),
        Shape::List(inner) => {
            let items = shape_schema(catalogue, edition, inner, any);
            object(&[("type", text("array")), ("items", items)])
        }
        Shape::Map(inner) => {
            let values = shape_schema(catalogue, edition, inner, any);
            object(&[("type", text("object")), ("additionalProperties", values)])
        }
    }
}

/// The scalars that are schemas of their own.
fn named_scalar(shape: &Shape, edition: Edition) -> Option<(&'static str, String)> {
    let v3 = edition == Edition::V3;
    let (name, schema) = match shape {
        Shape::Quantity if v3 => (QUANTITY, r#"{"oneOf":[{"type":"string"},{"type":"number"}]}"#),
        Shape::Quantity => (QUANTITY, r#"{"type":"string"}"#),
        Shape::IntOrString if v3 => {
            (INT_OR_STRING, r#"{"format":"int-or-string","oneOf":[{"type":"integer"},{"type":"string"}]}"#)
        }
        Shape::IntOrString => (INT_OR_STRING, r#"{"type":"string","format":"int-or-string"}"#),
        Shape::Time => (TIME, r#"{"type":"string","format":"date-time"}"#),
        Shape::MicroTime => (MICRO_TIME, r#"{"type":"string","format":"date-time"}"#),
        Shape::Duration => (DURATION, r#"{"type":"string"}"#),
        Shape::String
        | Shape::Int32
        | Shape::Int64
        | Shape::Bool
        | Shape::Double
        | Shape::Bytes
        | Shape::Any
        | Shape::Custom(_)
        | Shape::Struct(_)
        | Shape::List(_)
        | Shape::Map(_) => return None,
    };
    Some((name, schema.into()))
}
