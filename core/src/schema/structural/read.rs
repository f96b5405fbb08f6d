//! From the text of a definition to its schema.
//! k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/schema/convert.go

use super::{
    Additional, Format, Limit, Logic, SchemaType, Structural, ValidationRule, ValueBounds, ValuePattern,
};
use crate::schema::{ListType, MapType};
use crate::value::{Text, Value};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

impl Structural {
    /// The schema of a JSONSchemaProps that was validated. What structural schemas do not have is not read.
    pub fn read(props: &Value) -> Self {
        let flag = |name: &str| props.field(name).and_then(Value::as_bool).unwrap_or(false);
        let word = props.text_at(&["type"]);
        let kind = SchemaType::ALL.into_iter().find(|kind| kind.word() == word);
        let is_int_or_string = flag("x-kubernetes-int-or-string");
        let properties = props.field("properties").and_then(Value::as_map).into_iter();
        let properties = properties.flat_map(|map| map.iter());
        let properties: BTreeMap<Text, Self> =
            properties.map(|(name, schema)| (name.clone(), Self::read(schema))).collect();
        let additional = additional(props);
        let items = props.field("items").filter(|items| items.as_map().is_some()).map(read_boxed);
        let is_embedded = flag("x-kubernetes-embedded-resource");
        let of_members = if let Additional::Schema(inner) = &additional { Some(&**inner) } else { None };
        let rules = rules(props);
        let inside = || properties.values().chain(items.as_deref()).chain(of_members);
        let has_embedded = is_embedded || inside().any(|schema| schema.has_embedded);
        let has_rules = !rules.is_empty() || inside().any(|schema| schema.has_rules);
        Self {
            kind: kind.filter(|_| !is_int_or_string),
            nullable: flag("nullable"),
            default: props.field("default").filter(|value| !value.is_null()).cloned(),
            properties,
            additional,
            items,
            preserves_unknown: flag("x-kubernetes-preserve-unknown-fields"),
            is_embedded,
            has_embedded,
            is_int_or_string,
            list: list_type(props),
            map: match props.text_at(&["x-kubernetes-map-type"]) {
                "atomic" => MapType::Atomic,
                "granular" => MapType::Granular,
                _ => MapType::Undeclared,
            },
            bounds: bounds(props, kind, is_int_or_string),
            logic: Logic {
                all_of: branches(props, "allOf"),
                any_of: branches(props, "anyOf"),
                one_of: branches(props, "oneOf"),
                not: props.field("not").filter(|not| not.as_map().is_some()).map(read_boxed),
            },
            rules,
            has_rules,
        }
    }
}

fn rules(props: &Value) -> Vec<ValidationRule> {
    let listed = props.field("x-kubernetes-validations").and_then(Value::as_list).unwrap_or_default();
    let read = |rule: &Value| {
        let text = |name: &str| rule.text_at(&[name]).into();
        ValidationRule {
            rule: text("rule"),
            message: text("message"),
            message_expression: text("messageExpression"),
            reason: text("reason"),
            field_path: text("fieldPath"),
            optional_old_self: rule.field("optionalOldSelf").and_then(Value::as_bool),
        }
    };
    listed.iter().map(read).collect()
}

fn read_boxed(props: &Value) -> Box<Structural> {
    Box::new(Structural::read(props))
}

fn branches(props: &Value, name: &str) -> Vec<Structural> {
    props.field(name).and_then(Value::as_list).unwrap_or_default().iter().map(Structural::read).collect()
}

fn additional(props: &Value) -> Additional {
    match props.field("additionalProperties") {
        Some(Value::Bool(true)) => Additional::Any,
        Some(Value::Bool(false)) => Additional::Denied,
        Some(schema @ Value::Map(_)) => Additional::Schema(read_boxed(schema)),
        Some(
            Value::Null | Value::Int(_) | Value::Float(_) | Value::Str(_) | Value::List(_) | Value::Json(_),
        )
        | None => Additional::Absent,
    }
}

fn list_type(props: &Value) -> ListType {
    match props.text_at(&["x-kubernetes-list-type"]) {
        "set" => ListType::Set,
        "map" => ListType::Map(texts(props, "x-kubernetes-list-map-keys")),
        "atomic" => ListType::Atomic,
        _ => ListType::Undeclared,
    }
}

fn texts(props: &Value, name: &str) -> Vec<Text> {
    let listed = props.field(name).and_then(Value::as_list).unwrap_or_default();
    listed.iter().filter_map(Value::as_str).map(Into::into).collect()
}

fn bounds(props: &Value, kind: Option<SchemaType>, is_int_or_string: bool) -> ValueBounds {
    let flag = |name: &str| props.field(name).and_then(Value::as_bool).unwrap_or(false);
    let whole = |name: &str| props.field(name).and_then(Value::as_int);
    let limit =
        |name: &str, exclusive: &str| number(props, name).map(|at| Limit { at, exclusive: flag(exclusive) });
    let format = props.text_at(&["format"]);
    ValueBounds {
        format: if is_int_or_string { None } else { Format::of(format, kind) },
        maximum: limit("maximum", "exclusiveMaximum"),
        minimum: limit("minimum", "exclusiveMinimum"),
        multiple_of: number(props, "multipleOf"),
        length_max: whole("maxLength"),
        length_min: whole("minLength"),
        pattern: Some(props.text_at(&["pattern"])).filter(|text| !text.is_empty()).map(ValuePattern::new),
        items_max: whole("maxItems"),
        items_min: whole("minItems"),
        unique_items: flag("uniqueItems"),
        properties_max: whole("maxProperties"),
        properties_min: whole("minProperties"),
        required: texts(props, "required"),
        choices: props.field("enum").and_then(Value::as_list).unwrap_or_default().to_vec(),
    }
}

fn number(props: &Value, name: &str) -> Option<f64> {
    props.field(name)?.as_f64()
}
