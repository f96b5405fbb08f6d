//! How a checked expression is evaluated: names are places, calls are functions, and what is constant is computed.
//! cel-go: interpreter/planner.go, decorators.go

use super::value::{CelMap, CelValue, EvalError};
use crate::cel::ast::{
    ACCUMULATOR, Comprehension, Expr, ExprKind, FieldInit, ListElement, Literal, MapEntry, operators,
};
use crate::cel::check::{CelType, Checked};
use crate::cel::lib::{self, Function};
use crate::value::Text;
use crate::value::regex::Regex;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// A step of an evaluation.
#[derive(Clone, Debug)]
pub(crate) enum EvalStep {
    Const(CelValue),
    /// A variable of the one who asks.
    Variable(Text),
    /// A variable of a loop, by its place.
    Local(usize),
    /// The same, when nobody needs it afterwards: its list or map can be changed in place.
    Take(usize),
    Field(Box<Self>, Text),
    Has(Box<Self>, Text),
    OptionalField(Box<Self>, Text),
    Index(Box<[Self; 2]>),
    OptionalIndex(Box<[Self; 2]>),
    And(Box<[Self; 2]>),
    Or(Box<[Self; 2]>),
    NotStrictlyFalse(Box<Self>),
    Conditional(Box<[Self; 3]>),
    /// The value of the first that has one.
    OptionalOr(Box<[Self; 2]>),
    OptionalOrValue(Box<[Self; 2]>),
    /// Whether a constant list has an element.
    InConstants(Box<Self>, Arc<Vec<CelValue>>),
    /// Whether a text matches a constant pattern, of so many characters.
    Matches(Box<Self>, Arc<Regex>, u64),
    Call(Function, Vec<Self>),
    /// The elements, and whether each is optional.
    List(Vec<(Self, bool)>),
    Map(Vec<(Self, Self, bool)>),
    Loop(Box<LoopPlan>),
}

#[derive(Clone, Debug)]
pub(crate) struct LoopPlan {
    pub(crate) range: EvalStep,
    /// The place of the accumulator; those of the variables follow it.
    pub(crate) slot: usize,
    pub(crate) has_second: bool,
    pub(crate) init: EvalStep,
    pub(crate) condition: EvalStep,
    pub(crate) step: EvalStep,
    pub(crate) result: EvalStep,
}

/// Plans the evaluation of an expression.
///
/// # Errors
/// Why a part that is constant has no value.
pub(crate) fn plan(checked: &Checked) -> Result<EvalStep, EvalError> {
    Planner { checked, scopes: Vec::new() }.plan(&checked.expr)
}

struct Planner<'c> {
    checked: &'c Checked,
    scopes: Vec<Text>,
}

impl Planner<'_> {
    fn plan(&mut self, expr: &Expr) -> Result<EvalStep, EvalError> {
        Ok(match &expr.kind {
            ExprKind::Unspecified => return Err(EvalError::new("unsupported expr")),
            ExprKind::Literal(literal) => EvalStep::Const(constant(literal)),
            ExprKind::Ident(name) => self.ident(expr, name),
            ExprKind::Select { operand, field, test_only } => self.select(operand, field, *test_only)?,
            ExprKind::Call { target, function, args } => self.call(target.as_deref(), function, args)?,
            ExprKind::List(elements) => self.list(elements)?,
            ExprKind::Map(entries) => self.map(entries)?,
            ExprKind::Struct { fields, .. } => self.structure(fields)?,
            ExprKind::Comprehension(held) => self.comprehension(held)?,
        })
    }

    fn select(&mut self, operand: &Expr, field: &Text, test_only: bool) -> Result<EvalStep, EvalError> {
        let operand = Box::new(self.plan(operand)?);
        Ok(if test_only {
            EvalStep::Has(operand, field.clone())
        } else {
            EvalStep::Field(operand, field.clone())
        })
    }

    fn list(&mut self, elements: &[ListElement]) -> Result<EvalStep, EvalError> {
        let mut planned = Vec::with_capacity(elements.len());
        for element in elements {
            planned.push((self.plan(&element.value)?, element.optional));
        }
        Ok(constant_list(&planned).map_or(EvalStep::List(planned), EvalStep::Const))
    }

    fn map(&mut self, entries: &[MapEntry]) -> Result<EvalStep, EvalError> {
        let mut planned = Vec::with_capacity(entries.len());
        for entry in entries {
            planned.push((self.plan(&entry.key)?, self.plan(&entry.value)?, entry.optional));
        }
        Ok(constant_map(&planned).map_or(EvalStep::Map(planned), EvalStep::Const))
    }

    fn structure(&mut self, fields: &[FieldInit]) -> Result<EvalStep, EvalError> {
        let mut planned = Vec::with_capacity(fields.len());
        for field in fields {
            let name = EvalStep::Const(CelValue::Str(field.name.clone()));
            planned.push((name, self.plan(&field.value)?, field.optional));
        }
        Ok(EvalStep::Map(planned))
    }

    fn ident(&self, expr: &Expr, name: &Text) -> EvalStep {
        if let Some(slot) = self.scopes.iter().rposition(|held| held == name) {
            return EvalStep::Local(slot);
        }
        let name = name.trim_start_matches('.');
        match self.checked.type_of(expr) {
            CelType::Type(Some(_)) if lib::is_type_name(name) => EvalStep::Const(CelValue::Type(name.into())),
            _ => EvalStep::Variable(name.into()),
        }
    }

    fn pair(&mut self, args: &[Expr]) -> Result<Box<[EvalStep; 2]>, EvalError> {
        let [left, right] = args else { return Err(EvalError::no_overload()) };
        Ok(Box::new([self.plan(left)?, self.plan(right)?]))
    }

    fn call(&mut self, target: Option<&Expr>, name: &str, args: &[Expr]) -> Result<EvalStep, EvalError> {
        match (name, target, args) {
            (operators::AND, None, _) => return self.pair(args).map(EvalStep::And),
            (operators::OR, None, _) => return self.pair(args).map(EvalStep::Or),
            (operators::INDEX, None, _) => return self.pair(args).map(EvalStep::Index),
            (operators::OPT_INDEX, None, _) => return self.pair(args).map(EvalStep::OptionalIndex),
            (operators::NOT_STRICTLY_FALSE, None, [operand]) => {
                return Ok(EvalStep::NotStrictlyFalse(Box::new(self.plan(operand)?)));
            }
            (operators::CONDITIONAL, None, [test, then, other]) => {
                let parts = [self.plan(test)?, self.plan(then)?, self.plan(other)?];
                return Ok(EvalStep::Conditional(Box::new(parts)));
            }
            (
                operators::OPT_SELECT,
                None,
                [operand, Expr { kind: ExprKind::Literal(Literal::Str(field)), .. }],
            ) => return Ok(EvalStep::OptionalField(Box::new(self.plan(operand)?), field.clone())),
            ("or", Some(target), [other]) => {
                let parts = [self.plan(target)?, self.plan(other)?];
                return Ok(EvalStep::OptionalOr(Box::new(parts)));
            }
            ("orValue", Some(target), [other]) => {
                let parts = [self.plan(target)?, self.plan(other)?];
                return Ok(EvalStep::OptionalOrValue(Box::new(parts)));
            }
            (_, _, _) => {}
        }
        let function = lib::function_of(name).ok_or_else(EvalError::no_overload)?;
        let mut planned = Vec::with_capacity(args.len() + 1);
        for arg in target.into_iter().chain(args) {
            planned.push(self.plan(arg)?);
        }
        if matches!(name, operators::ADD | "cel.@mapInsert")
            && let Some(first) = planned.first_mut()
            && let EvalStep::Local(slot) = first
            && self.scopes.get(*slot).is_some_and(|held| held == ACCUMULATOR)
        {
            // What a loop adds to is not read by what it adds.
            *first = EvalStep::Take(*slot);
        }
        if name == "matches"
            && let [_, EvalStep::Const(CelValue::Str(pattern))] = planned.as_slice()
        {
            let regex = Regex::new(pattern).map_err(EvalError::new)?;
            let length = u64::try_from(pattern.chars().count()).unwrap_or(u64::MAX);
            return Ok(EvalStep::Matches(Box::new(planned.swap_remove(0)), Arc::new(regex), length));
        }
        if matches!(name, "find" | "findAll")
            && let [_, EvalStep::Const(CelValue::Str(pattern)), ..] = planned.as_slice()
        {
            Regex::new(pattern).map_err(EvalError::new)?;
        }
        if name == operators::IN
            && let [_, EvalStep::Const(CelValue::List(items))] = planned.as_slice()
        {
            let items = items.clone();
            let element = planned.swap_remove(0);
            return Ok(EvalStep::InConstants(Box::new(element), items));
        }
        if lib::is_conversion(name)
            && let [EvalStep::Const(value)] = planned.as_slice()
        {
            return function.call(Vec::from([value.clone()])).map(EvalStep::Const);
        }
        Ok(EvalStep::Call(function, planned))
    }

    fn comprehension(&mut self, held: &Comprehension) -> Result<EvalStep, EvalError> {
        let range = self.plan(&held.range)?;
        let init = self.plan(&held.accu_init)?;
        let slot = self.scopes.len();
        self.scopes.push(held.accu_var.clone());
        self.scopes.push(held.iter_var.clone());
        self.scopes.extend(held.iter_var2.clone());
        let condition = self.plan(&held.condition)?;
        let step = self.plan(&held.step)?;
        self.scopes.truncate(slot + 1);
        let result = self.plan(&held.result)?;
        self.scopes.truncate(slot);
        let has_second = held.iter_var2.is_some();
        Ok(EvalStep::Loop(Box::new(LoopPlan { range, slot, has_second, init, condition, step, result })))
    }
}

pub(crate) fn constant(literal: &Literal) -> CelValue {
    match literal {
        Literal::Null => CelValue::Null,
        Literal::Bool(held) => CelValue::Bool(*held),
        Literal::Int(number) => CelValue::Int(*number),
        Literal::Uint(number) => CelValue::Uint(*number),
        Literal::Double(number) => CelValue::Double(*number),
        Literal::Str(text) => CelValue::Str(text.clone()),
        Literal::Bytes(bytes) => CelValue::Bytes(bytes.as_slice().into()),
    }
}

fn constant_of(plan: &EvalStep) -> Option<CelValue> {
    match plan {
        EvalStep::Const(value) => Some(value.clone()),
        _ => None,
    }
}

fn constant_list(planned: &[(EvalStep, bool)]) -> Option<CelValue> {
    let items = planned.iter().map(|(plan, optional)| constant_of(plan).filter(|_| !optional));
    items.collect::<Option<Vec<_>>>().map(CelValue::list)
}

fn constant_map(planned: &[(EvalStep, EvalStep, bool)]) -> Option<CelValue> {
    let mut map = CelMap::default();
    for (key, value, optional) in planned {
        let (key, value) = (constant_of(key)?, constant_of(value)?);
        if *optional {
            return None;
        }
        map.insert(key, value);
    }
    Some(CelValue::Map(Arc::new(map)))
}
