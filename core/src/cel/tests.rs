//! Expressions, and what kube-apiserver's engine makes of them: `cases.jsonl` holds, for each, its value or what is
//! wrong with it.

use super::cost::VariableSizes;
use super::{CelType, CelValue, CompileError, Env};
use crate::codec::json;
use crate::value::{Value, quoted};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use proptest::prelude::*;

static CASES: &str = include_str!("cases.jsonl");

const BUDGET: u64 = 1_000_000;

/// The variables that the cases name.
fn variables(name: &str) -> Option<CelValue> {
    let text = match name {
        "self" => r#"{"a":1,"b":"x","c":[1,2.5,"z"],"n":null}"#,
        "s" => r#""hello wörld""#,
        "i" => "42",
        "l" => "[3,1,2]",
        "m" => r#"{"a":1,"b":2}"#,
        _ => return None,
    };
    Some(CelValue::from(&json::parse(text.as_bytes()).expect(text).value))
}

fn env() -> Env {
    Env::new()
        .with_variable("self", CelType::Dyn)
        .with_variable("s", CelType::Str)
        .with_variable("i", CelType::Int)
        .with_variable("l", CelType::list(CelType::Int))
        .with_variable("m", CelType::map(CelType::Str, CelType::Int))
}

/// A value with its type, as the cases show it.
fn shown(value: &CelValue) -> String {
    match value {
        CelValue::Uint(number) => format!("{number}u"),
        CelValue::Double(_) => format!("{}d", value.shown()),
        CelValue::Str(text) => quoted(text),
        CelValue::Bytes(bytes) => bytes.iter().fold("b".into(), |text, byte| format!("{text}{byte:02x}")),
        CelValue::Timestamp(_) | CelValue::Duration(_) => format!("{} {}", value.type_name(), value.shown()),
        CelValue::Optional(Some(held)) => format!("optional({})", shown(held)),
        CelValue::Optional(None) => "none".into(),
        CelValue::Type(name) => format!("type {name}"),
        CelValue::Native(_) | CelValue::Object(_) => value.type_name().into(),
        CelValue::Preserved(_) | CelValue::Failed(_) => value.shown(),
        CelValue::List(_)
        | CelValue::Map(_)
        | CelValue::Data(_)
        | CelValue::Identified(_)
        | CelValue::TypedList(_)
        | CelValue::TypedMap(_) => match (value.elements(), value.entries()) {
            (Some(items), _) => {
                format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(", "))
            }
            (None, entries) => {
                let mut parts: Vec<String> = Vec::new();
                for (key, value) in entries.unwrap_or_default() {
                    parts.push(format!("{}: {}", shown(&key), shown(&value)));
                }
                parts.sort();
                format!("{{{}}}", parts.join(", "))
            }
        },
        CelValue::Null | CelValue::Bool(_) | CelValue::Int(_) => value.shown(),
    }
}

/// What comes of an expression, in the words of the cases.
pub(super) fn outcome(
    env: &Env,
    expr: &str,
    sizes: Option<VariableSizes<'_>>,
    variables: &dyn Fn(&str) -> Option<CelValue>,
) -> Vec<(&'static str, String)> {
    let (program, cost) = match env.compile_estimated(expr, sizes) {
        Err(CompileError::Issues(issues)) => return Vec::from([("issues", issues)]),
        Err(CompileError::Constant(error)) => return Vec::from([("constant", error.to_string())]),
        Ok(compiled) => compiled,
    };
    let evaluated = program.eval(variables, BUDGET);
    let result = match evaluated.value {
        Ok(value) => ("value", shown(&value)),
        Err(error) => ("error", error.to_string()),
    };
    Vec::from([
        result,
        ("type", program.result_type().to_string()),
        ("min", cost.min.to_string()),
        ("max", cost.max.to_string()),
        ("cost", (BUDGET - evaluated.left).to_string()),
    ])
}

/// The same for an expression over the variables of the cases, whose sizes nobody knows.
pub(super) fn found(expr: &str) -> Vec<(&'static str, String)> {
    outcome(&env(), expr, None, &variables)
}

/// Where what was found is not what a case expects.
pub(super) fn differences(case: &Value, found: &[(&'static str, String)]) -> Option<String> {
    let is_expected = found.iter().all(|(name, found)| {
        let expected = match case.field(name) {
            Some(Value::Str(text)) => text.to_string(),
            Some(other) => json::to_string(other),
            None => String::new(),
        };
        expected == *found
    });
    let shown = || format!("{}\n  found {found:?}\n  {}", case.text_at(&["expr"]), json::to_string(case));
    (!is_expected).then(shown)
}

#[test]
fn expressions_result_in_what_upstream_makes_of_them() {
    let mut wrong: Vec<String> = Vec::new();
    for line in CASES.lines() {
        let case = json::parse(line.as_bytes()).expect(line).value;
        wrong.extend(differences(&case, &found(case.text_at(&["expr"]))));
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), CASES.lines().count(), wrong.join("\n"));
}

/// Parts of expressions, which are joined in any way.
fn expressions() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(alloc::vec![
        "1",
        "2u",
        "1.5",
        "'a'",
        "b'a'",
        "true",
        "null",
        "[1, 2]",
        "{'a': 1}",
        "self",
        "self.c",
        "s",
        "i",
        "l",
        "m",
        "duration('1s')",
        "timestamp(0)",
        "optional.of(1)",
        "self.?a",
        "type(1)",
        "x",
    ])
    .prop_map(String::from);
    leaf.prop_recursive(4, 32, 3, |inner| {
        let names = prop::sample::select(alloc::vec![
            "size", "string", "int", "type", "dyn", "first", "sort", "sum", "min", "reverse", "distinct",
            "trim", "value", "hasValue", "flatten", "double", "duration", "getHours",
        ]);
        let signs = prop::sample::select(alloc::vec![
            "+", "-", "*", "/", "%", "==", "!=", "<", ">=", "in", "&&", "||",
        ]);
        let loops =
            prop::sample::select(alloc::vec!["map", "filter", "all", "exists", "exists_one", "sortBy"]);
        prop_oneof![
            (inner.clone(), signs, inner.clone()).prop_map(|(a, sign, b)| format!("({a} {sign} {b})")),
            (names.clone(), inner.clone()).prop_map(|(name, a)| format!("{name}({a})")),
            (inner.clone(), names).prop_map(|(a, name)| format!("{a}.{name}()")),
            (inner.clone(), loops, inner.clone()).prop_map(|(a, name, b)| format!("{a}.{name}(x, {b})")),
            (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| format!("({a} ? {b} : {c})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a}[{b}]")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("[{a}, dyn({b})]")),
            (inner.clone(), inner).prop_map(|(a, b)| format!("{a}.orValue({b})")),
        ]
    })
}

proptest! {
    #[test]
    fn every_expression_comes_to_an_end(expr in expressions()) {
        let env = env();
        if let Ok(program) = env.compile(&expr) {
            let all = program.eval(&variables, BUDGET);
            let spent = BUDGET - all.left;
            // With less than it costs there is no result but the error of the budget; with as much it is the same.
            let again = program.eval(&variables, spent);
            prop_assert_eq!(again.value.map(|value| shown(&value)), all.value.clone().map(|value| shown(&value)));
            if spent > 0 {
                let short = program.eval(&variables, spent - 1);
                prop_assert_eq!(short.left, 0);
                let exceeded = "operation cancelled: actual cost limit exceeded";
                prop_assert_eq!(short.value.err().map(|error| error.to_string()), Some(exceeded.to_string()));
            }
        }
    }
}

#[test]
fn every_declared_function_is_there() {
    let planned = ["_&&_", "_||_", "_[_]", "_[?_]", "_?._", "_?_:_", "@not_strictly_false", "or", "orValue"];
    for (name, overloads) in super::lib::declarations().functions() {
        assert!(planned.contains(&name) || super::lib::function_of(name).is_some(), "{name} {overloads:?}");
    }
    let count: usize = super::lib::declarations().functions().map(|(_, overloads)| overloads.len()).sum();
    assert_eq!(count, include_str!("lib/functions.txt").lines().count(), "every line can be read");
}

#[test]
fn deep_expressions_do_not_exhaust_the_stack() {
    let deep = std::thread::Builder::new().stack_size(2 << 20).spawn(deep).expect("a thread");
    deep.join().expect("no overflow");
}

fn deep() {
    let env = env();
    let nested = format!("{}1{}", "[".repeat(240), "]".repeat(240));
    assert!(env.compile(&nested).is_ok());
    let loops = format!("{}1{}", "[1].map(x, ".repeat(100), ")".repeat(100));
    let program = env.compile(&loops).expect("loops");
    assert!(program.eval(&variables, BUDGET).value.is_ok());
    let sum = alloc::vec!["1"; 240].join(" + ");
    assert!(env.compile(&sum).is_ok());
}

#[test]
fn a_loop_adds_to_its_list_in_place() {
    let env = env();
    let program = env.compile("lists.range(20000).map(x, x).size()").expect("a loop");
    let result = program.eval(&variables, BUDGET);
    assert_eq!(result.value.map(|value| shown(&value)), Ok("20000".to_string()));
}
