//! Finds the type of every part of an expression, and which overloads of a function a call can be of.
//! cel-go: checker/checker.go, checker/env.go

use super::declarations::{Declarations, Overload};
use super::types::CelType;
use super::unify::{Mapping, most_general};
use crate::cel::ast::{Comprehension, Expr, ExprId, ExprKind, ListElement, Literal, MapEntry, operators};
use crate::cel::source::{Issues, Offset};
use crate::value::Text;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// An expression with what is known of its parts.
#[derive(Clone, Debug)]
pub(crate) struct Checked {
    pub(crate) expr: Expr,
    pub(crate) types: BTreeMap<ExprId, CelType>,
    /// The overloads that a call can be of, by the id of the call.
    #[allow(dead_code, reason = "the estimate of costs, which comes next, depends on it")]
    pub(crate) overloads: BTreeMap<ExprId, Vec<Text>>,
    /// The declared variables that are named.
    pub(crate) names: BTreeSet<Text>,
}

impl Checked {
    pub(crate) fn type_of(&self, expr: &Expr) -> &CelType {
        self.types.get(&expr.id).unwrap_or(&CelType::Dyn)
    }
}

/// Checks an expression.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn check(mut expr: Expr, declarations: &Declarations) -> Result<Checked, Issues> {
    let mut checker = Checker {
        declarations,
        mapping: Mapping::default(),
        scopes: Vec::new(),
        types: BTreeMap::new(),
        overloads: BTreeMap::new(),
        names: BTreeSet::new(),
        issues: Issues::default(),
    };
    checker.check(&mut expr);
    let Checker { mapping, mut types, overloads, names, issues, .. } = checker;
    if !issues.is_empty() {
        return Err(issues);
    }
    types.values_mut().for_each(|held| *held = mapping.substitute(held, true));
    Ok(Checked { expr, types, overloads, names })
}

struct Checker<'d> {
    declarations: &'d Declarations,
    mapping: Mapping,
    /// The variables of the loops around this place, the innermost last.
    scopes: Vec<(Text, CelType)>,
    types: BTreeMap<ExprId, CelType>,
    overloads: BTreeMap<ExprId, Vec<Text>>,
    names: BTreeSet<Text>,
    issues: Issues,
}

/// How a function is called, and where its arguments are.
#[derive(Clone, Copy)]
struct Style<'a> {
    is_member: bool,
    places: &'a [Offset],
}

impl Checker<'_> {
    fn check(&mut self, expr: &mut Expr) -> CelType {
        let at = expr.at;
        let found = match &mut expr.kind {
            ExprKind::Unspecified => CelType::Error,
            ExprKind::Literal(literal) => of_literal(literal),
            ExprKind::Ident(name) => self.ident(name, at),
            ExprKind::Select { .. } => self.select(expr),
            ExprKind::Call { .. } => self.call(expr),
            ExprKind::List(elements) => self.list(elements),
            ExprKind::Map(entries) => self.map(entries),
            ExprKind::Struct { .. } => self.structure(expr),
            ExprKind::Comprehension(held) => self.comprehension(held),
        };
        self.types.insert(expr.id, found.clone());
        found
    }

    fn list(&mut self, elements: &mut [ListElement]) -> CelType {
        let mut joined = None;
        for element in elements {
            let of = self.check(&mut element.value);
            let of = self.optional_part(element.optional, of, element.value.at);
            joined = Some(self.join(joined, of));
        }
        CelType::list(joined.unwrap_or_else(|| self.mapping.fresh()))
    }

    fn map(&mut self, entries: &mut [MapEntry]) -> CelType {
        let (mut keys, mut values) = (None, None);
        for entry in entries {
            let key = self.check(&mut entry.key);
            keys = Some(self.join(keys, key));
            let value = self.check(&mut entry.value);
            let value = self.optional_part(entry.optional, value, entry.value.at);
            values = Some(self.join(values, value));
        }
        let key = keys.unwrap_or_else(|| self.mapping.fresh());
        let value = values.unwrap_or_else(|| self.mapping.fresh());
        CelType::map(key, value)
    }

    fn ident(&mut self, name: &mut Text, at: Offset) -> CelType {
        if let Some(found) = self.resolve(name) {
            if let Some(rest) = name.strip_prefix('.') {
                // A local variable of the same name would hide it otherwise.
                let is_hidden = self.scopes.iter().any(|(local, _)| local == rest);
                *name = if is_hidden { name.clone() } else { rest.into() };
            }
            if !self.scopes.iter().any(|(local, _)| *local == *name) {
                self.names.insert(name.trim_start_matches('.').into());
            }
            return found;
        }
        self.undeclared(name, at);
        CelType::Error
    }

    fn resolve(&self, name: &str) -> Option<CelType> {
        if let Some(global) = name.strip_prefix('.') {
            return self.declarations.ident(global);
        }
        let local = self.scopes.iter().rev().find(|(local, _)| local == name);
        local.map(|(_, of)| of.clone()).or_else(|| self.declarations.ident(name))
    }

    fn undeclared(&mut self, name: &str, at: Offset) {
        self.issues.add(at, format!("undeclared reference to '{name}' (in container '')"));
    }

    /// Whether two lists of types agree; what that says of types is kept if they do.
    fn agree(&mut self, one: &CelType, other: &CelType) -> bool {
        self.mapping.all_assignable([(one, other)])
    }

    fn mismatch(&mut self, expected: &CelType, found: &CelType, at: Offset) {
        let (expected, found) = (self.shown(expected), self.shown(found));
        self.issues.add(at, format!("expected type '{expected}' but found '{found}'"));
    }

    fn shown(&self, held: &CelType) -> String {
        held.to_string()
    }

    /// The type of what is of both types. Literals of several types are told later, since `format` takes them.
    fn join(&mut self, before: Option<CelType>, now: CelType) -> CelType {
        let Some(before) = before else { return now };
        if self.agree(&before, &now) { most_general(&before, &now).clone() } else { CelType::Dyn }
    }

    /// The type of a part, which has to be optional where it is marked so.
    fn optional_part(&mut self, is_marked: bool, of: CelType, at: Offset) -> CelType {
        if !is_marked {
            return of;
        }
        if let Some(held) = of.unwrap_optional() {
            return held.clone();
        }
        if !of.is_dyn() {
            self.mismatch(&CelType::optional(of.clone()), &of, at);
        }
        of
    }

    fn select(&mut self, expr: &mut Expr) -> CelType {
        if let Some(name) = qualified(expr) {
            let first = name.trim_start_matches('.').split('.').next().unwrap_or_default();
            let is_local = !name.starts_with('.') && self.scopes.iter().any(|(local, _)| local == first);
            if !is_local && let Some(found) = self.declarations.ident(name.trim_start_matches('.')) {
                let name = Text::from(name.trim_start_matches('.'));
                self.names.insert(name.clone());
                expr.kind = ExprKind::Ident(name);
                return found;
            }
        }
        let at = expr.at;
        let ExprKind::Select { operand, field, test_only } = &mut expr.kind else { return CelType::Error };
        let result = self.field(operand, field, at, false);
        let result = if *test_only { CelType::Bool } else { result };
        self.mapping.substitute(&result, false)
    }

    fn field(&mut self, operand: &mut Expr, field: &str, at: Offset, optional: bool) -> CelType {
        let of = self.check(operand);
        let of = self.mapping.substitute(&of, false);
        let inner = of.unwrap_optional();
        let result = match inner.unwrap_or(&of) {
            CelType::Map(_, value) => (**value).clone(),
            CelType::Object(name) => match self.declarations.field(name, field) {
                Some(found) => found.clone(),
                None => {
                    self.issues.add(at, format!("undefined field '{field}'"));
                    CelType::Error
                }
            },
            variable @ CelType::Var(_) => {
                self.agree(&CelType::Dyn, variable);
                CelType::Dyn
            }
            other => {
                if !other.is_dyn_or_error() {
                    let shown = self.shown(other);
                    self.issues.add(at, format!("type '{shown}' does not support field selection"));
                }
                CelType::Dyn
            }
        };
        if inner.is_some() || optional { CelType::optional(result) } else { result }
    }

    fn call(&mut self, expr: &mut Expr) -> CelType {
        let (id, at) = (expr.id, expr.at);
        let ExprKind::Call { target, function, args } = &mut expr.kind else { return CelType::Error };
        if function == operators::OPT_SELECT {
            return self.optional_select(id, at, args);
        }
        let mut types: Vec<CelType> = args.iter_mut().map(|arg| self.check(arg)).collect();
        let places: Vec<Offset> = args.iter().map(|arg| arg.at).collect();
        let Some(held) = target else {
            let name = function.trim_start_matches('.');
            let Some(overloads) = self.declarations.function(name) else {
                let name = function.clone();
                self.undeclared(&name, at);
                return CelType::Error;
            };
            *function = name.into();
            return self.overload(
                id,
                at,
                function,
                overloads,
                &types,
                &Style { is_member: false, places: &places },
            );
        };
        // What stands before the dot is an object, or the first part of the function's name.
        if let Some(prefix) = qualified(held) {
            let name = format!("{}.{function}", prefix.trim_start_matches('.'));
            if let Some(overloads) = self.declarations.function(&name) {
                *function = name.into();
                *target = None;
                return self.overload(
                    id,
                    at,
                    function,
                    overloads,
                    &types,
                    &Style { is_member: false, places: &places },
                );
            }
        }
        types.insert(0, self.check(held));
        match self.declarations.function(function) {
            Some(overloads) => self.overload(
                id,
                at,
                function,
                overloads,
                &types,
                &Style { is_member: true, places: &places },
            ),
            None => {
                let name = function.clone();
                self.undeclared(&name, at);
                CelType::Error
            }
        }
    }

    fn optional_select(&mut self, id: ExprId, at: Offset, args: &mut [Expr]) -> CelType {
        let [operand, field] = args else { return CelType::Error };
        let ExprKind::Literal(Literal::Str(name)) = &field.kind else { return CelType::Error };
        let result = self.field(operand, &name.clone(), at, true);
        self.types.insert(field.id, CelType::Str);
        self.overloads.insert(id, Vec::from(["select_optional_field".into()]));
        self.mapping.substitute(&result, false)
    }

    fn overload(
        &mut self,
        id: ExprId,
        at: Offset,
        function: &str,
        overloads: &[Overload],
        types: &[CelType],
        style: &Style<'_>,
    ) -> CelType {
        let Style { is_member, places } = *style;
        let (mut result, mut ids) = (None, Vec::new());
        for overload in overloads.iter().filter(|held| held.is_member == is_member) {
            if matches!(function, operators::AND | operators::OR) {
                self.overloads.insert(id, Vec::from([overload.id.clone()]));
                return self.logical(types, places);
            }
            if overload.args.len() != types.len() {
                continue;
            }
            let mut fresh: Vec<(Text, CelType)> = Vec::new();
            let args: Vec<CelType> = overload.args.iter().map(|arg| self.instance(arg, &mut fresh)).collect();
            if !self.mapping.all_assignable(types.iter().zip(&args)) {
                continue;
            }
            ids.push(overload.id.clone());
            let of = self.instance(&overload.result, &mut fresh);
            let of = self.mapping.substitute(&of, false);
            result = Some(match result {
                None => of,
                Some(before) if before == CelType::Dyn || before == of => before,
                Some(_) => CelType::Dyn,
            });
        }
        if let Some(result) = result {
            self.overloads.insert(id, ids);
            return result;
        }
        let shown: Vec<String> =
            types.iter().map(|held| self.mapping.substitute(held, true).to_string()).collect();
        let signature = match (is_member, shown.split_first()) {
            (true, Some((target, args))) => format!("{target}.({})", args.join(", ")),
            (_, _) => format!("({})", shown.join(", ")),
        };
        self.issues.add(at, format!("found no matching overload for '{function}' applied to '{signature}'"));
        CelType::Error
    }

    /// The operands of `&&` and `||`, which both have to be of the type bool.
    fn logical(&mut self, types: &[CelType], places: &[Offset]) -> CelType {
        let mut result = CelType::Bool;
        for (held, at) in types.iter().zip(places) {
            if !self.agree(held, &CelType::Bool) {
                self.mismatch(&CelType::Bool, held, *at);
                result = CelType::Error;
            }
        }
        result
    }

    /// A declared type with types to be found out in place of its letters.
    fn instance(&mut self, declared: &CelType, fresh: &mut Vec<(Text, CelType)>) -> CelType {
        if let CelType::Param(letter) = declared {
            if let Some((_, held)) = fresh.iter().find(|(known, _)| known == letter) {
                return held.clone();
            }
            let held = self.mapping.fresh();
            fresh.push((letter.clone(), held.clone()));
            return held;
        }
        declared.with(|part| self.instance(part, fresh))
    }

    fn structure(&mut self, expr: &mut Expr) -> CelType {
        let at = expr.at;
        let ExprKind::Struct { name, fields } = &mut expr.kind else { return CelType::Error };
        let plain = name.trim_start_matches('.').to_string();
        let of = match self.declarations.named_type(&plain) {
            Some(object @ CelType::Object(_)) => object,
            Some(_) => {
                self.issues.add(at, format!("'{plain}' is not a message type"));
                return CelType::Error;
            }
            None => {
                let name = name.clone();
                self.undeclared(&name, at);
                return CelType::Error;
            }
        };
        *name = plain.as_str().into();
        for field in fields {
            let value = self.check(&mut field.value);
            let value = self.optional_part(field.optional, value, field.value.at);
            let Some(declared) = self.declarations.field(&plain, &field.name).cloned() else {
                self.issues.add(field.at, format!("undefined field '{}'", field.name));
                continue;
            };
            if !self.agree(&declared, &value) {
                let (name, value) = (&field.name, self.shown(&value));
                self.issues.add(
                    field.at,
                    format!("expected type of field '{name}' is '{declared}' but provided type is '{value}'"),
                );
            }
        }
        of
    }

    fn comprehension(&mut self, held: &mut Comprehension) -> CelType {
        let range = self.check(&mut held.range);
        let accumulator = self.check(&mut held.accu_init);
        let range = self.mapping.substitute(&range, false);
        let (first, second) = match &range {
            CelType::List(of) if held.iter_var2.is_some() => (CelType::Int, (**of).clone()),
            CelType::List(of) => ((**of).clone(), CelType::Dyn),
            CelType::Map(key, value) => ((**key).clone(), (**value).clone()),
            CelType::Dyn | CelType::Error | CelType::Var(_) => {
                self.agree(&CelType::Dyn, &range);
                (CelType::Dyn, CelType::Dyn)
            }
            _ => {
                let shown = self.shown(&range);
                self.issues.add(
                    held.range.at,
                    format!(
                        "expression of type '{shown}' cannot be range of a comprehension (must be list, map, or \
                         dynamic)"
                    ),
                );
                (CelType::Error, CelType::Error)
            }
        };
        let outer = self.scopes.len();
        self.scopes.push((held.accu_var.clone(), accumulator.clone()));
        self.scopes.push((held.iter_var.clone(), first));
        if let Some(name) = &held.iter_var2 {
            self.scopes.push((name.clone(), second));
        }
        let condition = self.check(&mut held.condition);
        self.assert(&CelType::Bool, &condition, held.condition.at);
        let step = self.check(&mut held.step);
        self.assert(&accumulator, &step, held.step.at);
        self.scopes.truncate(outer + 1);
        let result = self.check(&mut held.result);
        self.scopes.truncate(outer);
        self.mapping.substitute(&result, false)
    }

    fn assert(&mut self, expected: &CelType, found: &CelType, at: Offset) {
        if !self.agree(expected, found) {
            self.mismatch(expected, found, at);
        }
    }
}

fn of_literal(literal: &Literal) -> CelType {
    match literal {
        Literal::Null => CelType::Null,
        Literal::Bool(_) => CelType::Bool,
        Literal::Int(_) => CelType::Int,
        Literal::Uint(_) => CelType::Uint,
        Literal::Double(_) => CelType::Double,
        Literal::Str(_) => CelType::Str,
        Literal::Bytes(_) => CelType::Bytes,
    }
}

/// The name that selections of a name are when they are read together.
fn qualified(expr: &Expr) -> Option<String> {
    match &expr.kind {
        ExprKind::Ident(name) => Some(name.to_string()),
        ExprKind::Select { operand, field, test_only: false } => {
            qualified(operand).map(|prefix| format!("{prefix}.{field}"))
        }
        _ => None,
    }
}
