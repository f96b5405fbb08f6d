//! Expressions over values that schemas type, and what kube-apiserver's engine makes of them: `typed_cases.jsonl` holds
//! for each its schema, its value or what is wrong with it, what it may cost and what it costs.

use super::cost::VariableSizes;
use super::tests::outcome;
use super::{CelType, CelValue, DeclType, Env, ListSemantics, TypedText, ValueKind, ValueSchema};
use crate::codec::json;
use crate::value::{Text, Value};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

static CASES: &str = include_str!("typed_cases.jsonl");

/// What a schema in JSON says.
pub(super) fn schema(props: &Value) -> ValueSchema {
    let flag = |name: &str| props.field(name).and_then(Value::as_bool).unwrap_or(false);
    let number = |name: &str| props.field(name).and_then(Value::as_int);
    let is_int_or_string = flag("x-kubernetes-int-or-string");
    let texts = |name: &str| -> Vec<Text> {
        let listed = props.field(name).and_then(Value::as_list).unwrap_or_default();
        listed.iter().filter_map(Value::as_str).map(Text::from).collect()
    };
    let properties = props.field("properties").and_then(Value::as_map);
    let choices = texts("enum");
    let read = ValueSchema {
        kind: match props.text_at(&["type"]) {
            "object" => Some(ValueKind::Object),
            "array" => Some(ValueKind::Array),
            "string" => Some(ValueKind::Text),
            "integer" => Some(ValueKind::Integer),
            "number" => Some(ValueKind::Number),
            "boolean" => Some(ValueKind::Boolean),
            _ => None,
        },
        text: TypedText::of(props.text_at(&["format"])),
        nullable: flag("nullable"),
        is_int_or_string,
        preserves_unknown: flag("x-kubernetes-preserve-unknown-fields"),
        has_default: props.field("default").is_some(),
        properties: properties
            .into_iter()
            .flat_map(|map| map.iter())
            .map(|(name, held)| (name.clone(), Arc::new(schema(held))))
            .collect(),
        required: texts("required"),
        additional: props.field("additionalProperties").map(|held| Arc::new(schema(held))),
        items: props.field("items").map(|held| Arc::new(schema(held))),
        list: match props.text_at(&["x-kubernetes-list-type"]) {
            "set" => ListSemantics::Set,
            "map" => ListSemantics::Map(texts("x-kubernetes-list-map-keys")),
            _ => ListSemantics::Atomic,
        },
        length_max: number("maxLength"),
        items_max: number("maxItems"),
        properties_max: number("maxProperties"),
        longest_choice: choices.iter().map(|choice| i64::try_from(choice.len()).unwrap_or(0)).max(),
    };
    if flag("x-kubernetes-embedded-resource") { read.with_type_and_object_meta() } else { read }
}

/// What comes of an expression over objects of a schema.
pub(super) fn found(expr: &str, props: &Value, object: &Value, old: &Value) -> Vec<(&'static str, String)> {
    let schema = Arc::new(schema(props));
    let decl = DeclType::of(&schema, "selfType1").expect("a type that expressions can see");
    let of = decl.cel_type().clone();
    let env = Env::new().with_decl(&decl).with_variable("self", of.clone()).with_variable("oldSelf", of);
    let typed = |value: &Value| CelValue::typed(value, &schema).expect("a valid object");
    let variables = |name: &str| match name {
        "self" => Some(typed(object)),
        "oldSelf" => Some(typed(old)),
        _ => None,
    };
    outcome(&env, expr, Some(VariableSizes { of: &decl, variable: None }), &variables)
}

/// The first lines are schemas with a name and objects. A case has the name of one, and the numbers of its objects.
#[test]
fn typed_expressions_result_in_what_upstream_makes_of_them() {
    let lines: Vec<Value> =
        CASES.lines().map(|line| json::parse(line.as_bytes()).expect(line).value).collect();
    let of = |name: &str| lines.iter().find(|line| line.text_at(&["name"]) == name).expect(name);
    let mut wrong: Vec<String> = Vec::new();
    for case in lines.iter().filter(|line| line.field("expr").is_some()) {
        let schema = of(case.text_at(&["of"]));
        let objects = schema.field("objects").and_then(Value::as_list).unwrap_or_default();
        let object = |name: &str| {
            let number = case.field(name).or_else(|| case.field("self")).and_then(Value::as_int);
            objects.get(usize::try_from(number.unwrap_or(0)).unwrap_or(0)).expect("an object")
        };
        let props = schema.field("schema").expect("a schema");
        let found = found(case.text_at(&["expr"]), props, object("self"), object("old"));
        wrong.extend(super::tests::differences(case, &found));
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), lines.len(), wrong.join("\n"));
}

#[test]
fn a_schema_that_expressions_cannot_see_declares_nothing() {
    let of = |text: &str| {
        let props = json::parse(text.as_bytes()).expect(text).value;
        DeclType::of(&schema(&props), "selfType1")
    };
    assert_eq!(of("{}"), None);
    assert_eq!(of(r#"{"type":"array"}"#), None);
    let root = schema(&json::parse(br#"{"type":"object"}"#).expect("a schema").value);
    let whole = DeclType::of(&root.with_type_and_object_meta(), "selfType1").expect("a type");
    let env = Env::new().with_decl(&whole).with_variable("self", whole.cel_type().clone());
    let program = env.compile("self.metadata.name").expect("every object has a name");
    assert_eq!(program.result_type(), &CelType::Str);
    assert!(program.uses("self") && !program.uses("oldSelf"));
    let (_, cost) = env.compile_sized("self.kind == 'a'", &whole).expect("an expression");
    assert_eq!(format!("{} {}", cost.min, cost.max), "3 3");
}
