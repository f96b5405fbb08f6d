//! Random expressions, which this engine of the Common Expression Language must give the same values as a published
//! one. What the other does not support is not drawn.

use std::collections::BTreeMap;

use cel::objects::Key;
use cel::{Context, Program};
use steersman_core::cel::{CelType, CelValue, CompileError, Env};
use steersman_core::rng::Rng;
use steersman_core::value::Value;

/// How many expressions are drawn, each from a seed of its own.
const EXPRESSIONS: u64 = 1_000;
/// How deep an expression is nested.
const DEPTH: u32 = 4;
const BUDGET: u64 = 1_000_000;

/// The types of the expressions that are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Drawn {
    Bool,
    Int,
    Uint,
    Double,
    Str,
    Ints,
    Strs,
    Map,
}

use Drawn::{Bool, Double, Int, Ints, Map, Str, Strs, Uint};

/// Draws expressions that are well typed, over the variables of `env`.
struct Drawing {
    rng: Rng,
    /// Variables of macros around what is drawn, with their types.
    bound: Vec<(String, Drawn)>,
}

impl Drawing {
    fn one_of<'a>(&mut self, texts: &[&'a str]) -> &'a str {
        texts[self.rng.below(texts.len() as u64) as usize]
    }

    fn expr(&mut self, of: Drawn, depth: u32) -> String {
        let names: Vec<String> =
            self.bound.iter().filter(|(_, held)| *held == of).map(|(name, _)| name.clone()).collect();
        if !names.is_empty() && self.rng.below(3) == 0 {
            return names[self.rng.below(names.len() as u64) as usize].clone();
        }
        if depth == 0 {
            return self.leaf(of).to_owned();
        }
        let depth = depth - 1;
        if self.rng.below(10) == 0 {
            let (condition, yes, no) = (self.expr(Bool, depth), self.expr(of, depth), self.expr(of, depth));
            return format!("({condition} ? {yes} : {no})");
        }
        match of {
            Bool => self.condition(depth),
            Int => self.int(depth),
            Uint => self.uint(depth),
            Double => self.double(depth),
            Str => self.text(depth),
            Ints => self.list(Ints, Int, depth),
            Strs => self.list(Strs, Str, depth),
            Map => self.map(depth),
        }
    }

    fn leaf(&mut self, of: Drawn) -> &'static str {
        let texts: &[&str] = match of {
            Bool => &["true", "false", "b"],
            Int => &["0", "1", "-1", "2", "7", "10", "-9223372036854775808", "9223372036854775807", "i", "i"],
            Uint => &["0u", "1u", "5u", "18446744073709551615u", "u"],
            Double => &["0.0", "1.0", "-2.5", "0.1", "1e100", "d"],
            Str => &["''", "'a'", "'b'", "'ab'", "'é'", "'日本'", "'12'", "'x y'", "s", "s"],
            // The type of `[]` is found out by how it is used, which may be as another one than is drawn.
            Ints => &["l.filter(e, false)", "[1]", "[1, 2, 3]", "[-1, 0, 1, 1]", "l", "l"],
            Strs => &["['a']", "['a', 'b', 'a']", "['', 'é']", "t", "t"],
            Map => &["{'a': 1}", "{'a': 1, 'b': 2}", "{'': 0}", "m", "m"],
        };
        self.one_of(texts)
    }

    fn binary(&mut self, operators: &[&str], of: Drawn, depth: u32) -> String {
        let operator = self.one_of(operators);
        format!("({} {operator} {})", self.expr(of, depth), self.expr(of, depth))
    }

    fn condition(&mut self, depth: u32) -> String {
        const COMPARED: [&str; 6] = ["==", "!=", "<", "<=", ">", ">="];
        match self.rng.below(14) {
            0 => self.binary(&["&&", "||"], Bool, depth),
            1 => format!("!({})", self.expr(Bool, depth)),
            2 => self.binary(&COMPARED, Int, depth),
            3 => self.binary(&COMPARED, Uint, depth),
            4 => self.binary(&COMPARED, Double, depth),
            5 => self.binary(&COMPARED, Str, depth),
            6 => {
                let of = [Bool, Ints, Strs, Map][self.rng.below(4) as usize];
                self.binary(&["==", "!="], of, depth)
            }
            7 => format!("({} in {})", self.expr(Int, depth), self.expr(Ints, depth)),
            8 => format!("({} in {})", self.expr(Str, depth), self.expr(Strs, depth)),
            9 => format!("({} in {})", self.expr(Str, depth), self.expr(Map, depth)),
            10 => format!("has({}.a)", self.expr(Map, depth)),
            11 => {
                let (text, part) = (self.expr(Str, depth), self.expr(Str, depth));
                let function = self.one_of(&["startsWith", "endsWith", "contains"]);
                format!("{text}.{function}({part})")
            }
            12 => self.quantified(Ints, Int, depth),
            _ => {
                let of = if self.rng.below(2) == 0 { Strs } else { Map };
                self.quantified(of, Str, depth)
            }
        }
    }

    fn quantified(&mut self, of: Drawn, item: Drawn, depth: u32) -> String {
        let list = self.expr(of, depth);
        let quantifier = self.one_of(&["all", "exists", "exists_one"]);
        let (name, condition) = self.inside(item, Bool, depth);
        format!("{list}.{quantifier}({name}, {condition})")
    }

    /// An expression that can name a variable of a macro, and the variable's name.
    fn inside(&mut self, item: Drawn, of: Drawn, depth: u32) -> (String, String) {
        let name = format!("v{}", self.bound.len());
        self.bound.push((name.clone(), item));
        let drawn = self.expr(of, depth);
        self.bound.pop();
        (name, drawn)
    }

    fn int(&mut self, depth: u32) -> String {
        match self.rng.below(8) {
            0 | 1 => self.binary(&["+", "-", "*", "/", "%"], Int, depth),
            2 => format!("-({})", self.expr(Int, depth)),
            3 => {
                let of = [Str, Ints, Strs, Map][self.rng.below(4) as usize];
                format!("size({})", self.expr(of, depth))
            }
            4 => format!("{}[{}]", self.expr(Ints, depth), self.expr(Int, depth)),
            5 => format!("{}[{}]", self.expr(Map, depth), self.expr(Str, depth)),
            6 => {
                let of = [Uint, Double, Str, Int][self.rng.below(4) as usize];
                format!("int({})", self.expr(of, depth))
            }
            _ => format!("{}.a", self.expr(Map, depth)),
        }
    }

    fn uint(&mut self, depth: u32) -> String {
        match self.rng.below(3) {
            0 | 1 => self.binary(&["+", "-", "*", "/", "%"], Uint, depth),
            _ => {
                let of = [Int, Double, Str][self.rng.below(3) as usize];
                format!("uint({})", self.expr(of, depth))
            }
        }
    }

    fn double(&mut self, depth: u32) -> String {
        match self.rng.below(4) {
            0 | 1 => self.binary(&["+", "-", "*", "/"], Double, depth),
            2 => format!("-({})", self.expr(Double, depth)),
            _ => {
                let of = [Int, Uint, Str][self.rng.below(3) as usize];
                format!("double({})", self.expr(of, depth))
            }
        }
    }

    fn text(&mut self, depth: u32) -> String {
        match self.rng.below(4) {
            0 | 1 => self.binary(&["+"], Str, depth),
            2 => {
                let of = [Int, Uint, Bool, Str][self.rng.below(4) as usize];
                format!("string({})", self.expr(of, depth))
            }
            _ => format!("{}[{}]", self.expr(Strs, depth), self.expr(Int, depth)),
        }
    }

    fn list(&mut self, of: Drawn, item: Drawn, depth: u32) -> String {
        match self.rng.below(5) {
            0 => self.binary(&["+"], of, depth),
            1 => {
                let items: Vec<String> = (0..=self.rng.below(3)).map(|_| self.expr(item, depth)).collect();
                format!("[{}]", items.join(", "))
            }
            2 => {
                let list = self.expr(of, depth);
                let (name, condition) = self.inside(item, Bool, depth);
                format!("{list}.filter({name}, {condition})")
            }
            3 => {
                let (from, item_of_from) = if self.rng.below(2) == 0 { (Ints, Int) } else { (Strs, Str) };
                let list = self.expr(from, depth);
                let (name, made) = self.inside(item_of_from, item, depth);
                format!("{list}.map({name}, {made})")
            }
            _ => {
                let list = self.expr(of, depth);
                let (name, condition) = self.inside(item, Bool, depth);
                let (_, made) = self.inside(item, item, depth);
                format!("{list}.map({name}, {condition}, {made})")
            }
        }
    }

    fn map(&mut self, depth: u32) -> String {
        let keys = ["'a'", "'b'", "'c'"];
        let items = keys[..1 + self.rng.below(3) as usize].iter();
        let items: Vec<String> = items.map(|key| format!("{key}: {}", self.expr(Int, depth))).collect();
        format!("{{{}}}", items.join(", "))
    }
}

/// The value of a variable, for this engine.
fn variable(name: &str) -> Option<CelValue> {
    Some(match name {
        "b" => CelValue::Bool(true),
        "i" => CelValue::Int(42),
        "u" => CelValue::Uint(3),
        "d" => CelValue::Double(1.5),
        "s" => CelValue::Str("hello wörld".into()),
        "l" => CelValue::from(&parsed("[3, 1, 2]")),
        "t" => CelValue::from(&parsed(r#"["a", "hello", ""]"#)),
        "m" => CelValue::from(&parsed(r#"{"a": 1, "b": -2, "hello": 3}"#)),
        _ => return None,
    })
}

fn parsed(json: &str) -> Value {
    steersman_core::codec::json::parse(json.as_bytes()).expect("valid JSON").value
}

fn env() -> Env {
    Env::new()
        .with_variable("b", CelType::Bool)
        .with_variable("i", CelType::Int)
        .with_variable("u", CelType::Uint)
        .with_variable("d", CelType::Double)
        .with_variable("s", CelType::Str)
        .with_variable("l", CelType::list(CelType::Int))
        .with_variable("t", CelType::list(CelType::Str))
        .with_variable("m", CelType::map(CelType::Str, CelType::Int))
}

/// The same variables for the other engine.
fn context() -> Context<'static, 'static> {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<String>>();
    let mut context = Context::default();
    context.add_variable_from_value("b", true);
    context.add_variable_from_value("i", 42_i64);
    context.add_variable_from_value("u", 3_u64);
    context.add_variable_from_value("d", 1.5_f64);
    context.add_variable_from_value("s", "hello wörld");
    context.add_variable_from_value("l", vec![3_i64, 1, 2]);
    context.add_variable_from_value("t", texts(&["a", "hello", ""]));
    let map: std::collections::HashMap<String, i64> =
        [("a", 1), ("b", -2), ("hello", 3)].map(|(key, value)| (key.to_owned(), value)).into();
    context.add_variable_from_value("m", map);
    context
}

/// What this engine makes of an expression. Errors are not told apart. None if a constant in it cannot be converted: as
/// kube-apiserver's engine does, this one then refuses the whole, where the other evaluates what else there is.
///
/// # Errors
/// The expression is refused although it is well typed.
fn own(env: &Env, expr: &str) -> Result<Option<String>, String> {
    let program = match env.compile(expr) {
        Ok(program) => program,
        Err(CompileError::Constant(_)) => return Ok(None),
        Err(CompileError::Issues(issues)) => return Err(issues),
    };
    let result = program.eval(&variable, BUDGET).value;
    Ok(Some(result.map_or_else(|_| "error".into(), |value| shown(&value))))
}

fn shown(value: &CelValue) -> String {
    match value {
        CelValue::Uint(number) => format!("{number}u"),
        CelValue::Double(number) => format!("{number:?}d"),
        CelValue::List(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(", ")),
        other => other.to_data().map_or_else(|| format!("{other:?}"), |data| shown_data(&data)),
    }
}

fn shown_data(value: &Value) -> String {
    match value {
        Value::List(items) => format!("[{}]", items.iter().map(shown_data).collect::<Vec<_>>().join(", ")),
        Value::Map(map) => {
            let sorted: BTreeMap<String, String> =
                map.iter().map(|(key, value)| (format!("{key:?}"), shown_data(value))).collect();
            format!("{sorted:?}")
        }
        Value::Str(text) => format!("{:?}", text.as_str()),
        other => steersman_core::codec::json::to_string(other),
    }
}

/// What the other engine makes of it.
fn others(context: &Context<'_, '_>, expr: &str) -> String {
    let Ok(program) = Program::compile(expr) else { return "refused".into() };
    program.execute(context).map_or_else(|_| "error".into(), |value| shown_others(&value))
}

fn shown_others(value: &cel::Value) -> String {
    match value {
        cel::Value::Int(number) => number.to_string(),
        cel::Value::UInt(number) => format!("{number}u"),
        cel::Value::Float(number) => format!("{number:?}d"),
        cel::Value::Bool(held) => held.to_string(),
        cel::Value::String(text) => format!("{text:?}"),
        cel::Value::List(items) => {
            format!("[{}]", items.iter().map(shown_others).collect::<Vec<_>>().join(", "))
        }
        cel::Value::Map(map) => {
            let sorted: BTreeMap<String, String> = map
                .map
                .iter()
                .map(|(key, value)| {
                    let Key::String(key) = key else { panic!("only texts are keys: {key:?}") };
                    (format!("{key:?}"), shown_others(value))
                })
                .collect();
            format!("{sorted:?}")
        }
        other => format!("{other:?}"),
    }
}

#[test]
fn expressions_have_the_values_that_a_published_engine_finds() {
    let (env, context) = (env(), context());
    let (mut compared, mut with_value) = (0_u64, 0_u64);
    let mut different = Vec::new();
    for seed in 0..EXPRESSIONS {
        let mut drawing = Drawing { rng: Rng::new(seed).fork("expression", 0), bound: Vec::new() };
        let of = [Bool, Int, Uint, Double, Str, Ints, Strs, Map][drawing.rng.below(8) as usize];
        let expr = drawing.expr(of, DEPTH);
        let own = own(&env, &expr).unwrap_or_else(|issues| panic!("seed {seed} is well typed: {issues}"));
        let Some(own) = own else { continue };
        let others = others(&context, &expr);
        compared += 1;
        with_value += u64::from(own != "error");
        if own != others {
            different.push(format!("seed {seed}: {expr}\n  is {own} here and {others} there"));
        }
    }
    let some = different.iter().take(20).cloned().collect::<Vec<_>>().join("\n");
    assert!(different.is_empty(), "{} of {compared} differ, for instance\n{some}", different.len());
    assert!(with_value * 3 > compared && compared * 3 > EXPRESSIONS * 2, "{with_value} of {compared}");
}
