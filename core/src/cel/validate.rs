//! What is wrong with literals although their types agree.
//! cel-go: cel/validator.go

use super::ast::{Expr, ExprKind, Literal};
use super::check::{CelType, Checked};
use super::eval::{Timestamp, parse_duration};
use super::lib;
use super::source::Issues;
use crate::value::regex::Regex;
use alloc::vec::Vec;

/// Checks the literals of an expression.
///
/// # Errors
/// What is wrong with them: texts that are no durations or times, and lists and maps of several types.
pub(super) fn validate(checked: Checked) -> Result<Checked, Issues> {
    let mut issues = Issues::default();
    // Upstream has a pass for each of these.
    let passes: [fn(&Checked, &Expr, &mut Issues); 5] = [
        |_, expr, issues| {
            literal(expr, "duration", "duration", issues, |text| parse_duration(text).is_some())
        },
        |_, expr, issues| {
            literal(expr, "timestamp", "timestamp", issues, |text| Timestamp::parse(text).is_some())
        },
        patterns,
        aggregates,
        formats,
    ];
    for pass in passes {
        walk(&checked.expr, false, &mut |expr, exempt| {
            if !(exempt && matches!(expr.kind, ExprKind::List(_) | ExprKind::Map(_))) {
                pass(&checked, expr, &mut issues);
            }
        });
    }
    if issues.is_empty() { Ok(checked) } else { Err(issues) }
}

/// The texts that a function gets as its only argument.
fn literal(expr: &Expr, function: &str, what: &str, issues: &mut Issues, is_valid: fn(&str) -> bool) {
    if let ExprKind::Call { target: None, function: name, args } = &expr.kind
        && name == function
        && let [Expr { at, kind: ExprKind::Literal(Literal::Str(text)), .. }] = args.as_slice()
        && !is_valid(text)
    {
        issues.add(*at, alloc::format!("invalid {what} argument"));
    }
}

/// The patterns that texts are matched with.
fn patterns(_checked: &Checked, expr: &Expr, issues: &mut Issues) {
    if let ExprKind::Call { function, args, .. } = &expr.kind
        && function == "matches"
        && let Some(Expr { at, kind: ExprKind::Literal(Literal::Str(pattern)), .. }) = args.last()
        && Regex::new(pattern).is_err()
    {
        issues.add(*at, "invalid matches argument");
    }
}

/// Texts with clauses, and the values that they show.
fn formats(checked: &Checked, expr: &Expr, issues: &mut Issues) {
    if let ExprKind::Call { target: Some(target), function, args } = &expr.kind
        && function == "format"
        && let ExprKind::Literal(Literal::Str(text)) = &target.kind
        && let [Expr { kind: ExprKind::List(values), .. }] = args.as_slice()
    {
        let types: Vec<&CelType> = values.iter().map(|held| checked.type_of(&held.value)).collect();
        if let Err((index, why)) = lib::check_format(text, &types) {
            let place = index.and_then(|index| values.get(index));
            issues.add(place.map_or(expr.at, |held| held.value.at), why);
        }
    }
}

/// Lists and maps whose parts are of several types, of which one may be dynamic.
fn aggregates(checked: &Checked, expr: &Expr, issues: &mut Issues) {
    let mut same = |parts: &mut dyn Iterator<Item = (&Expr, bool)>| {
        let mut first: Option<CelType> = None;
        for (part, optional) in parts {
            let of = checked.type_of(part);
            let of = if optional { of.unwrap_optional().unwrap_or(of) } else { of };
            match &first {
                None => first = Some(of.clone()),
                Some(first) if first == of => {}
                Some(first) => {
                    issues.add(part.at, alloc::format!("expected type '{first}' but found '{of}'"));
                    return;
                }
            }
        }
    };
    match &expr.kind {
        ExprKind::List(elements) => same(&mut elements.iter().map(|held| (&held.value, held.optional))),
        ExprKind::Map(entries) => {
            same(&mut entries.iter().map(|entry| (&entry.key, false)));
            same(&mut entries.iter().map(|entry| (&entry.value, entry.optional)));
        }
        _ => {}
    }
}

/// Visits all parts. Those in the arguments of `format` are exempt, since these may be of any types.
fn walk(expr: &Expr, exempt: bool, visit: &mut dyn FnMut(&Expr, bool)) {
    visit(expr, exempt);
    match &expr.kind {
        ExprKind::Unspecified | ExprKind::Literal(_) | ExprKind::Ident(_) => {}
        ExprKind::Select { operand, .. } => walk(operand, exempt, visit),
        ExprKind::Call { target, function, args } => {
            if let Some(target) = target {
                walk(target, exempt, visit);
            }
            let exempt = exempt || function == "format";
            args.iter().for_each(|arg| walk(arg, exempt, visit));
        }
        ExprKind::List(elements) => elements.iter().for_each(|held| walk(&held.value, exempt, visit)),
        ExprKind::Map(entries) => {
            for entry in entries {
                walk(&entry.key, exempt, visit);
                walk(&entry.value, exempt, visit);
            }
        }
        ExprKind::Struct { fields, .. } => fields.iter().for_each(|field| walk(&field.value, exempt, visit)),
        ExprKind::Comprehension(held) => {
            for part in [&held.range, &held.accu_init, &held.condition, &held.step, &held.result] {
                walk(part, exempt, visit);
            }
        }
    }
}
