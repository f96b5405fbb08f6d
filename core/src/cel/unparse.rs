//! Trees as texts again. A loop is printed as a call of its parts, which no text can make.
//! cel-go: parser/unparser.go

use super::ast::{Comprehension, Expr, ExprKind, Literal, operators};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Write;

/// The text of a tree that the parser made. Parsed, it is the same tree, unless there is a loop in it.
pub fn unparse(expr: &Expr) -> String {
    print(expr, 0)
}

/// Operators between two operands, with how tightly they bind.
const BINARY: &[(&str, &str, u8)] = &[
    (operators::OR, "||", 2),
    (operators::AND, "&&", 3),
    (operators::EQUALS, "==", 4),
    (operators::NOT_EQUALS, "!=", 4),
    (operators::LESS, "<", 4),
    (operators::LESS_EQUALS, "<=", 4),
    (operators::GREATER, ">", 4),
    (operators::GREATER_EQUALS, ">=", 4),
    (operators::IN, "in", 4),
    (operators::ADD, "+", 5),
    (operators::SUBTRACT, "-", 5),
    (operators::MULTIPLY, "*", 6),
    (operators::DIVIDE, "/", 6),
    (operators::MODULO, "%", 6),
];

const UNARY: u8 = 7;
const MEMBER: u8 = 8;

/// The text of a part, in brackets if what is around it binds more tightly.
fn print(expr: &Expr, around: u8) -> String {
    let (text, binds) = match &expr.kind {
        ExprKind::Unspecified => (String::from("<unspecified>"), MEMBER),
        ExprKind::Literal(literal) => (print_literal(literal), MEMBER),
        ExprKind::Ident(name) => (name.to_string(), MEMBER),
        ExprKind::Select { operand, field, test_only } => {
            let select = format!("{}.{field}", print(operand, MEMBER));
            (if *test_only { format!("has({select})") } else { select }, MEMBER)
        }
        ExprKind::Call { target, function, args } => print_call(target.as_deref(), function, args),
        ExprKind::List(elements) => {
            let shown =
                elements.iter().map(|held| format!("{}{}", mark(held.optional), print(&held.value, 0)));
            (format!("[{}]", shown.collect::<Vec<_>>().join(", ")), MEMBER)
        }
        ExprKind::Map(entries) => {
            let entry = |key: &Expr, value: &Expr| format!("{}: {}", print(key, 0), print(value, 0));
            let shown =
                entries.iter().map(|held| mark(held.optional).to_string() + &entry(&held.key, &held.value));
            (format!("{{{}}}", shown.collect::<Vec<_>>().join(", ")), MEMBER)
        }
        ExprKind::Struct { name, fields } => {
            let shown = fields
                .iter()
                .map(|held| format!("{}{}: {}", mark(held.optional), held.name, print(&held.value, 0)));
            (format!("{name}{{{}}}", shown.collect::<Vec<_>>().join(", ")), MEMBER)
        }
        ExprKind::Comprehension(held) => (print_loop(held), MEMBER),
    };
    if binds < around { format!("({text})") } else { text }
}

fn mark(optional: bool) -> &'static str {
    if optional { "?" } else { "" }
}

fn print_call(target: Option<&Expr>, function: &str, args: &[Expr]) -> (String, u8) {
    let list = |args: &[Expr]| args.iter().map(|arg| print(arg, 0)).collect::<Vec<_>>().join(", ");
    if let Some(target) = target {
        return (format!("{}.{function}({})", print(target, MEMBER), list(args)), MEMBER);
    }
    match (function, args) {
        (operators::CONDITIONAL, [test, then, other]) => {
            (format!("{} ? {} : {}", print(test, 2), print(then, 2), print(other, 1)), 1)
        }
        (operators::NOT, [operand]) => (format!("!{}", print(operand, MEMBER)), UNARY),
        (operators::NEGATE, [operand]) => {
            // A number directly behind the sign would be a literal with it.
            let is_number = matches!(operand.kind, ExprKind::Literal(Literal::Int(_) | Literal::Double(_)));
            let shown = print(operand, MEMBER);
            (if is_number { format!("-({shown})") } else { format!("-{shown}") }, UNARY)
        }
        (operators::INDEX, [operand, index]) => {
            (format!("{}[{}]", print(operand, MEMBER), print(index, 0)), MEMBER)
        }
        (operators::OPT_INDEX, [operand, index]) => {
            (format!("{}[?{}]", print(operand, MEMBER), print(index, 0)), MEMBER)
        }
        (operators::OPT_SELECT, [operand, Expr { kind: ExprKind::Literal(Literal::Str(field)), .. }]) => {
            (format!("{}.?{field}", print(operand, MEMBER)), MEMBER)
        }
        (_, [left, right]) => match BINARY.iter().find(|(name, ..)| *name == function) {
            // The parser balances chains of these two, so brackets say where the terms of this one are.
            Some((_, sign, binds)) if *binds < 4 => {
                (format!("{} {sign} {}", print(left, *binds + 1), print(right, *binds + 1)), *binds)
            }
            Some((_, sign, binds)) => {
                (format!("{} {sign} {}", print(left, *binds), print(right, *binds + 1)), *binds)
            }
            None => (format!("{function}({})", list(args)), MEMBER),
        },
        (_, _) => (format!("{function}({})", list(args)), MEMBER),
    }
}

/// A loop, as a call that no text can be: it names its parts.
fn print_loop(held: &Comprehension) -> String {
    let Comprehension { range, iter_var, iter_var2, accu_var, accu_init, condition, step, result } = held;
    let variables = match iter_var2 {
        Some(second) => format!("{iter_var}, {second}"),
        None => iter_var.to_string(),
    };
    let [range, init, condition, step, result] =
        [range, accu_init, condition, step, result].map(|part| print(part, 0));
    format!("__loop__({range}, {variables}, {accu_var}, {init}, {condition}, {step}, {result})")
}

fn print_literal(literal: &Literal) -> String {
    match literal {
        Literal::Null => "null".into(),
        Literal::Bool(held) => held.to_string(),
        Literal::Int(number) => number.to_string(),
        Literal::Uint(number) => format!("{number}u"),
        Literal::Double(number) => format!("{number:?}"),
        Literal::Str(text) => quoted(text),
        Literal::Bytes(bytes) => {
            let mut text = String::from("b\"");
            for byte in bytes {
                let _ = write!(text, "\\x{byte:02x}");
            }
            text + "\""
        }
    }
}

/// A text as a literal.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            character => out.push(character),
        }
    }
    out.push('"');
    out
}
