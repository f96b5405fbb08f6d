//! From a checked expression to instructions: names are places, calls are functions, and what is constant is computed.
//! cel-go: interpreter/planner.go, decorators.go

use super::code::{CelCode, CelStep, LoopSlot, LoopSlots, StepPlace, TakenRoot};
use super::value::{CelMap, CelValue, EvalError};
use crate::cel::ast::{
    ACCUMULATOR, Comprehension, Expr, ExprKind, FieldInit, ListElement, Literal, MapEntry, operators,
};
use crate::cel::check::{CelType, Checked};
use crate::cel::cost::{CallPrice, LIST_COST, MAP_COST, STRUCT_COST};
use crate::cel::lib;
use crate::cel::variables::Given;
use crate::value::Text;
use crate::value::regex::Regex;
use alloc::sync::Arc;
use alloc::vec::Vec;

type Result<T> = core::result::Result<T, EvalError>;

/// Plans the evaluation of an expression.
///
/// # Errors
/// Why a part that is constant has no value.
pub(crate) fn plan(checked: &Checked) -> Result<CelCode> {
    let mut planner = CelPlanner { checked, scopes: Vec::new(), code: CelCode::default() };
    planner.plan(&checked.expr)?;
    Ok(planner.code)
}

pub(super) struct CelPlanner<'c> {
    pub(super) checked: &'c Checked,
    scopes: Vec<(Text, Variable)>,
    code: CelCode,
}

/// How a variable of a loop is read.
#[derive(Clone, Copy)]
enum Variable {
    Slot(LoopSlot),
    /// It is computed at this place when it is first read.
    Bound(LoopSlot, StepPlace),
}

impl CelPlanner<'_> {
    /// Where the next instruction will be.
    pub(super) fn here(&self) -> StepPlace {
        StepPlace::try_from(self.code.steps.len()).unwrap_or(StepPlace::MAX)
    }

    pub(super) fn emit(&mut self, step: CelStep) {
        self.code.steps.push(step);
    }

    /// Emits an instruction that goes on at a place that is not known yet, and returns where it is.
    pub(super) fn emit_open(&mut self, step: CelStep) -> StepPlace {
        let at = self.here();
        self.emit(step);
        at
    }

    /// Lets an instruction go on at the next place.
    pub(super) fn close(&mut self, at: StepPlace) {
        let here = self.here();
        match self.code.steps.get_mut(at as usize) {
            Some(
                CelStep::Jump(to)
                | CelStep::UnlessOpen(to)
                | CelStep::IfDecided(_, to)
                | CelStep::IfPresent(_, to)
                | CelStep::IfError(_, to)
                | CelStep::Check(to),
            ) => *to = here,
            Some(CelStep::Branch(to, _)) if *to == 0 => *to = here,
            Some(CelStep::Branch(_, to)) => *to = here,
            _ => {}
        }
    }

    /// The constant that was planned since a place, if it is one.
    pub(super) fn constant(&self, since: StepPlace) -> Option<&CelValue> {
        match self.code.steps.get(since as usize..) {
            Some([CelStep::Const(value)]) => Some(value),
            _ => None,
        }
    }

    /// Takes back what was planned since a place, which no instruction before it goes on at.
    pub(super) fn take_back(&mut self, since: StepPlace) {
        self.code.steps.truncate(since as usize);
    }

    pub(super) fn plan(&mut self, expr: &Expr) -> Result<()> {
        match &expr.kind {
            ExprKind::Unspecified => return Err(EvalError::new("unsupported expr")),
            ExprKind::Literal(literal) => self.emit(CelStep::Const(constant(literal))),
            ExprKind::Ident(_) | ExprKind::Select { .. } => self.attribute(expr)?,
            ExprKind::Call { target, function, args } => {
                self.call(expr, target.as_deref(), function, args)?;
            }
            ExprKind::List(elements) => self.list(elements)?,
            ExprKind::Map(entries) => self.map(entries)?,
            ExprKind::Struct { name, fields } => self.structure(name, fields)?,
            ExprKind::Comprehension(held) => self.comprehension(held)?,
        }
        Ok(())
    }

    /// The type that a name is the name of.
    pub(super) fn type_value(&self, expr: &Expr, name: &str) -> Option<CelValue> {
        let name = name.trim_start_matches('.');
        match self.checked.type_of(expr) {
            CelType::Type(Some(_)) if lib::is_type_name(name) => Some(CelValue::Type(name.into())),
            _ => None,
        }
    }

    /// Where a variable is.
    pub(super) fn root(&self, name: &str) -> TakenRoot {
        match self.scopes.iter().rev().find(|(held, _)| held == name) {
            Some((_, Variable::Slot(slot))) => TakenRoot::Slot(*slot),
            Some((_, Variable::Bound(slot, init))) => TakenRoot::Bound(*slot, *init),
            None => TakenRoot::Variable(name.trim_start_matches('.').into()),
        }
    }

    fn list(&mut self, elements: &[ListElement]) -> Result<()> {
        let start = self.here();
        let mut constants = Some(Vec::with_capacity(elements.len()));
        let mut failing = Vec::with_capacity(elements.len());
        for (index, element) in (0..).zip(elements) {
            let before = self.here();
            self.plan(&element.value)?;
            let value = self.constant(before).filter(|_| !element.optional).cloned();
            constants = constants.zip(value).map(|(mut held, value)| {
                held.push(value);
                held
            });
            if constants.is_none() {
                failing.push(self.emit_open(CelStep::IfError(index, 0)));
            }
        }
        if let Some(items) = constants {
            self.take_back(start);
            self.emit(CelStep::Const(CelValue::list(items)));
            return Ok(());
        }
        let optionals = elements.iter().map(|element| element.optional).collect();
        self.emit(CelStep::List(count(elements.len()), optionals));
        failing.into_iter().for_each(|at| self.close(at));
        self.emit(CelStep::Charge(LIST_COST));
        Ok(())
    }

    fn map(&mut self, entries: &[MapEntry]) -> Result<()> {
        let start = self.here();
        let mut constants = Some(CelMap::default());
        let mut failing = Vec::with_capacity(entries.len());
        for (index, entry) in (0..).zip(entries) {
            let before = self.here();
            self.plan(&entry.key)?;
            let key = self.constant(before).filter(|_| !entry.optional).cloned();
            failing.push(self.emit_open(CelStep::IfError(2 * index, 0)));
            let before = self.here();
            self.plan(&entry.value)?;
            let value = self.constant(before).cloned();
            failing.push(self.emit_open(CelStep::IfError(2 * index + 1, 0)));
            constants = constants.zip(key.zip(value)).map(|(mut held, (key, value))| {
                held.insert(key, value);
                held
            });
        }
        if let Some(map) = constants {
            self.take_back(start);
            self.emit(CelStep::Const(CelValue::Map(Arc::new(map))));
            return Ok(());
        }
        let optionals = entries.iter().map(|entry| entry.optional).collect();
        self.emit(CelStep::Map(count(entries.len()), optionals));
        failing.into_iter().for_each(|at| self.close(at));
        self.emit(CelStep::Charge(MAP_COST));
        Ok(())
    }

    fn structure(&mut self, name: &Text, fields: &[FieldInit]) -> Result<()> {
        let mut failing = Vec::with_capacity(fields.len());
        for (index, field) in (0..).zip(fields) {
            self.plan(&field.value)?;
            failing.push(self.emit_open(CelStep::IfError(index, 0)));
        }
        let names = fields.iter().map(|field| field.name.clone()).collect();
        let optionals = fields.iter().map(|field| field.optional).collect();
        self.emit(CelStep::Object(name.clone(), names, optionals));
        failing.into_iter().for_each(|at| self.close(at));
        self.emit(CelStep::Charge(STRUCT_COST));
        Ok(())
    }

    fn call(&mut self, expr: &Expr, target: Option<&Expr>, name: &str, args: &[Expr]) -> Result<()> {
        match (name, target, args) {
            (operators::AND, None, [left, right]) => return self.logical(left, right, false),
            (operators::OR, None, [left, right]) => return self.logical(left, right, true),
            (operators::INDEX | operators::OPT_INDEX | operators::OPT_SELECT, None, [_, _])
            | (operators::CONDITIONAL, None, [_, _, _]) => return self.attribute(expr),
            (operators::NOT_STRICTLY_FALSE, None, [operand]) => {
                self.plan(operand)?;
                self.emit(CelStep::NotStrictlyFalse);
                return Ok(());
            }
            ("or", Some(target), [other]) => return self.or(target, other, false),
            ("orValue", Some(target), [other]) => return self.or(target, other, true),
            (_, _, _) => {}
        }
        self.function(expr, target, name, args)
    }

    fn logical(&mut self, left: &Expr, right: &Expr, decisive: bool) -> Result<()> {
        self.plan(left)?;
        let decided = self.emit_open(CelStep::IfDecided(decisive, 0));
        self.plan(right)?;
        self.emit(CelStep::Logical(decisive));
        self.close(decided);
        Ok(())
    }

    fn or(&mut self, target: &Expr, other: &Expr, unwraps: bool) -> Result<()> {
        self.plan(target)?;
        let present = self.emit_open(CelStep::IfPresent(unwraps, 0));
        self.plan(other)?;
        self.close(present);
        Ok(())
    }

    fn function(&mut self, expr: &Expr, target: Option<&Expr>, name: &str, args: &[Expr]) -> Result<()> {
        let function = lib::function_of(name).ok_or_else(EvalError::no_overload)?;
        let overload = match self.checked.overloads.get(&expr.id).map(Vec::as_slice) {
            Some([one]) => one.as_str(),
            _ => "",
        };
        let price = CallPrice::of(name, overload);
        let start = self.here();
        let mut places = Vec::with_capacity(args.len() + 1);
        let mut failing = Vec::new();
        let total = args.len() + usize::from(target.is_some());
        for (index, arg) in (0..).zip(target.into_iter().chain(args)) {
            places.push(self.here());
            self.plan(arg)?;
            // Upstream evaluates both of two arguments, and those of others up to one that fails.
            if total > 2 && index + 1 < count(total) {
                failing.push(self.emit_open(CelStep::IfError(index, 0)));
            }
        }
        if matches!(name, operators::ADD | "cel.@mapInsert") {
            self.take_accumulator(start, target.or(args.first()));
        }
        if total <= 2 && self.optimized(name, overload, price, &places)? {
            return Ok(());
        }
        self.emit(CelStep::Call(function, count(total), price));
        failing.into_iter().for_each(|at| self.close(at));
        Ok(())
    }

    /// What a loop adds to is not read by what it adds, so that it can be changed in place.
    fn take_accumulator(&mut self, start: StepPlace, first: Option<&Expr>) {
        let is_accumulator =
            matches!(first, Some(Expr { kind: ExprKind::Ident(name), .. }) if name == ACCUMULATOR);
        if is_accumulator
            && let Some(CelStep::Load(root)) = self.code.steps.get_mut(start as usize)
            && let TakenRoot::Slot(slot) = root
        {
            *root = TakenRoot::Take(*slot);
        }
    }

    /// Plans a call of which an argument is constant in another way; false if there is none.
    fn optimized(
        &mut self,
        name: &str,
        overload: &str,
        price: CallPrice,
        places: &[StepPlace],
    ) -> Result<bool> {
        let Some((last, before)) = places.split_last() else { return Ok(false) };
        let Some(value) = self.constant(*last).cloned() else { return Ok(false) };
        match (name, &value, before) {
            ("matches", CelValue::Str(pattern), [_]) => {
                let regex = Regex::new(pattern).map_err(EvalError::new)?;
                let length = u64::try_from(pattern.chars().count()).unwrap_or(u64::MAX);
                self.take_back(*last);
                self.emit(CelStep::Matches(Arc::new(regex), price, length));
                Ok(true)
            }
            ("find" | "findAll", CelValue::Str(pattern), [_]) => {
                Regex::new(pattern).map_err(EvalError::new)?;
                // Upstream's call with a constant pattern is not made for a text that there is not.
                let function = lib::function_of(name).ok_or_else(EvalError::no_overload)?;
                self.take_back(*last);
                let failed = self.emit_open(CelStep::IfError(0, 0));
                self.emit(CelStep::Const(value));
                self.emit(CelStep::Call(function, 2, price));
                self.close(failed);
                Ok(true)
            }
            (operators::IN, CelValue::List(items), [first]) if overload == "in_list" => {
                let is_simple = |item: &CelValue| {
                    use CelValue as V;
                    matches!(item, V::Bool(_) | V::Int(_) | V::Uint(_) | V::Double(_) | V::Str(_) | V::Null)
                };
                if items.is_empty() {
                    self.take_back(*first);
                    self.emit(CelStep::Const(CelValue::Bool(false)));
                    return Ok(true);
                }
                if !items.iter().all(is_simple) {
                    return Ok(false);
                }
                let items = items.clone();
                self.take_back(*last);
                self.emit(CelStep::InConstants(items));
                Ok(true)
            }
            (_, _, []) if lib::is_conversion(name) => {
                let function = lib::function_of(name).ok_or_else(EvalError::no_overload)?;
                let converted = function.call(Vec::from([value.clone()]), &mut Given(&|_| None))?;
                self.take_back(*last);
                self.emit(CelStep::Const(converted));
                Ok(true)
            }
            (_, _, _) => Ok(false),
        }
    }

    fn slot(&mut self) -> LoopSlot {
        let slot = self.code.slots;
        self.code.slots += 1;
        slot
    }

    fn comprehension(&mut self, held: &Comprehension) -> Result<()> {
        if matches!(held.condition.kind, ExprKind::Literal(Literal::Bool(false))) {
            return self.bind(held);
        }
        self.plan(&held.range)?;
        let before = self.here();
        self.plan(&held.accu_init)?;
        let init = self.constant(before).cloned().ok_or_else(EvalError::no_overload)?;
        self.take_back(before);
        let loop_at = self.here();
        let mut slots = LoopSlots {
            accumulator: self.slot(),
            init,
            first: self.slot(),
            second: held.iter_var2.as_ref().map(|_| self.slot()),
            result: 0,
            end: 0,
        };
        // These two are set again when it is known where the loop ends.
        self.emit(CelStep::EndLoop);
        self.emit(CelStep::EndLoop);
        let outer = self.scopes.len();
        self.scopes.push((held.accu_var.clone(), Variable::Slot(slots.accumulator)));
        self.scopes.push((held.iter_var.clone(), Variable::Slot(slots.first)));
        if let (Some(name), Some(slot)) = (&held.iter_var2, slots.second) {
            self.scopes.push((name.clone(), Variable::Slot(slot)));
        }
        let before = self.here();
        self.plan(&held.condition)?;
        let check = match self.constant(before) {
            Some(CelValue::Bool(true)) => {
                self.take_back(before);
                None
            }
            _ => Some(self.emit_open(CelStep::Check(0))),
        };
        self.plan(&held.step)?;
        self.emit(CelStep::Store(slots.accumulator, loop_at + 1));
        if let Some(check) = check {
            self.close(check);
        }
        slots.result = self.here();
        self.scopes.truncate(outer + 1);
        self.plan(&held.result)?;
        self.scopes.truncate(outer);
        self.emit(CelStep::EndLoop);
        slots.end = self.here();
        let slots = Arc::new(slots);
        let starts = [CelStep::Loop(slots.clone()), CelStep::Next(slots)];
        for (at, step) in (loop_at as usize..).zip(starts) {
            if let Some(held) = self.code.steps.get_mut(at) {
                *held = step;
            }
        }
        Ok(())
    }

    /// A variable with a value: a loop over nothing, whose accumulator is the variable.
    fn bind(&mut self, held: &Comprehension) -> Result<()> {
        let over = self.emit_open(CelStep::Jump(0));
        let init = self.here();
        self.plan(&held.accu_init)?;
        let slot = self.slot();
        self.emit(CelStep::Bind(slot));
        self.close(over);
        self.emit(CelStep::Unbind(slot));
        self.scopes.push((held.accu_var.clone(), Variable::Bound(slot, init)));
        self.plan(&held.result)?;
        self.scopes.pop();
        Ok(())
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
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
