//! Evaluates a plan, within a budget.
//! cel-go: interpreter/interpretable.go, attributes.go, runtimecost.go

use super::equality::equal;
use super::plan::{EvalStep, LoopPlan};
use super::value::{CelMap, CelValue, EvalError};
use crate::cel::lib::{self, Function};
use crate::value::Text;
use crate::value::regex::Regex;
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// One evaluation.
pub(crate) struct Evaluation<'a> {
    /// The variables, by name.
    pub(crate) variables: &'a dyn Fn(&str) -> Option<CelValue>,
    /// Those of loops, by place. An accumulator can be an error, which a later element may make irrelevant.
    locals: Vec<Result<CelValue>>,
    /// What may still be spent.
    left: u64,
}

type Result<T> = core::result::Result<T, EvalError>;

const EXCEEDED: &str = "operation cancelled: actual cost limit exceeded";

/// What makes a list or a map costs.
/// cel-go: common/cost.go
const LIST_COST: u64 = 10;
const MAP_COST: u64 = 30;

impl<'a> Evaluation<'a> {
    pub(crate) fn new(variables: &'a dyn Fn(&str) -> Option<CelValue>, budget: u64) -> Self {
        Self { variables, locals: Vec::new(), left: budget }
    }

    /// What of the budget is left.
    pub(crate) fn left(&self) -> u64 {
        self.left
    }

    fn spend(&mut self, cost: u64) -> Result<()> {
        match self.left.checked_sub(cost) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => {
                self.left = 0;
                Err(EvalError::new(EXCEEDED))
            }
        }
    }

    /// The value of a plan. Each kind of step has a function of its own, so that nested ones take little of the stack.
    pub(crate) fn eval(&mut self, plan: &EvalStep) -> Result<CelValue> {
        match plan {
            EvalStep::Const(value) => Ok(value.clone()),
            EvalStep::Variable(name) => self.variable(name),
            EvalStep::Local(slot) => self.local(*slot),
            EvalStep::Take(slot) => self.take(*slot),
            EvalStep::Field(operand, field) => self.field(operand, field),
            EvalStep::Has(operand, field) => self.presence(operand, field),
            EvalStep::OptionalField(operand, field) => self.optional_field(operand, field),
            EvalStep::Index(parts) => self.indexed(parts),
            EvalStep::OptionalIndex(parts) => self.optional_index(parts),
            EvalStep::And(parts) => self.logical(parts, false),
            EvalStep::Or(parts) => self.logical(parts, true),
            EvalStep::NotStrictlyFalse(operand) => self.not_strictly_false(operand),
            EvalStep::Conditional(parts) => self.conditional(parts),
            EvalStep::OptionalOr(parts) => self.optional_or(parts),
            EvalStep::OptionalOrValue(parts) => self.optional_or_value(parts),
            EvalStep::InConstants(element, items) => self.in_constants(element, items),
            EvalStep::Matches(text, regex, length) => self.matches(text, regex, *length),
            EvalStep::Call(function, args) => self.call(*function, args),
            EvalStep::List(elements) => self.list(elements),
            EvalStep::Map(entries) => self.map(entries),
            EvalStep::Loop(held) => self.fold(held),
        }
    }

    fn variable(&mut self, name: &Text) -> Result<CelValue> {
        self.spend(1)?;
        (self.variables)(name).ok_or_else(|| EvalError::new(format!("no such attribute(s): {name}")))
    }

    fn local(&mut self, slot: usize) -> Result<CelValue> {
        self.spend(1)?;
        self.locals.get(slot).cloned().ok_or_else(EvalError::no_overload)??.checked()
    }

    fn take(&mut self, slot: usize) -> Result<CelValue> {
        self.spend(1)?;
        let held = self.locals.get_mut(slot).ok_or_else(EvalError::no_overload)?;
        core::mem::replace(held, Ok(CelValue::Null))
    }

    fn field(&mut self, operand: &EvalStep, field: &Text) -> Result<CelValue> {
        let operand = self.eval(operand)?;
        self.spend(1)?;
        select(&operand, field)
    }

    fn presence(&mut self, operand: &EvalStep, field: &Text) -> Result<CelValue> {
        let operand = self.eval(operand)?;
        Ok(CelValue::Bool(has(&operand, field)))
    }

    fn optional_field(&mut self, operand: &EvalStep, field: &Text) -> Result<CelValue> {
        let operand = self.eval(operand)?;
        self.spend(1)?;
        Ok(optional_find(&operand, &CelValue::Str(field.clone())))
    }

    fn indexed(&mut self, parts: &[EvalStep; 2]) -> Result<CelValue> {
        let (operand, index) = self.both(parts)?;
        self.spend(1)?;
        at(&operand, &index)
    }

    fn optional_index(&mut self, parts: &[EvalStep; 2]) -> Result<CelValue> {
        let (operand, index) = self.both(parts)?;
        self.spend(1)?;
        Ok(optional_find(&operand, &index))
    }

    fn not_strictly_false(&mut self, operand: &EvalStep) -> Result<CelValue> {
        match self.eval(operand) {
            Ok(CelValue::Bool(held)) => Ok(CelValue::Bool(held)),
            Err(error) if error.0 == EXCEEDED => Err(error),
            Ok(_) | Err(_) => Ok(CelValue::Bool(true)),
        }
    }

    fn conditional(&mut self, parts: &[EvalStep; 3]) -> Result<CelValue> {
        let [test, then, other] = parts;
        match self.eval(test)? {
            CelValue::Bool(true) => self.eval(then),
            CelValue::Bool(false) => self.eval(other),
            _ => Err(EvalError::no_overload()),
        }
    }

    fn optional_or(&mut self, parts: &[EvalStep; 2]) -> Result<CelValue> {
        match self.eval(&parts[0])? {
            CelValue::Optional(None) => self.eval(&parts[1]),
            found @ CelValue::Optional(Some(_)) => Ok(found),
            _ => Err(EvalError::no_overload()),
        }
    }

    fn optional_or_value(&mut self, parts: &[EvalStep; 2]) -> Result<CelValue> {
        match self.eval(&parts[0])? {
            CelValue::Optional(None) => self.eval(&parts[1]),
            CelValue::Optional(Some(held)) => Ok((*held).clone()),
            _ => Err(EvalError::no_overload()),
        }
    }

    fn in_constants(&mut self, element: &EvalStep, items: &[CelValue]) -> Result<CelValue> {
        let element = self.eval(element)?;
        Ok(CelValue::Bool(items.iter().any(|item| equal(item, &element))))
    }

    fn matches(&mut self, text: &EvalStep, regex: &Regex, length: u64) -> Result<CelValue> {
        let CelValue::Str(text) = self.eval(text)? else { return Err(EvalError::no_overload()) };
        self.spend(lib::cost_of_match(text.chars().count(), length))?;
        Ok(CelValue::Bool(regex.is_match(&text)))
    }

    fn call(&mut self, function: Function, args: &[EvalStep]) -> Result<CelValue> {
        let mut values = Vec::with_capacity(args.len());
        for arg in args {
            values.push(self.eval(arg)?);
        }
        self.spend(function.cost(&values))?;
        function.call(values)
    }

    fn both(&mut self, parts: &[EvalStep; 2]) -> Result<(CelValue, CelValue)> {
        Ok((self.eval(&parts[0])?, self.eval(&parts[1])?))
    }

    /// `||` with `decisive` true and `&&` with false: the operand that decides makes the other one's error irrelevant.
    fn logical(&mut self, parts: &[EvalStep; 2], decisive: bool) -> Result<CelValue> {
        let left = self.eval(&parts[0]);
        if let Ok(CelValue::Bool(held)) = &left
            && *held == decisive
        {
            return left;
        }
        if let Err(error) = &left
            && error.0 == EXCEEDED
        {
            return left;
        }
        let right = self.eval(&parts[1]);
        match (left, right) {
            (_, Ok(CelValue::Bool(held))) if held == decisive => Ok(CelValue::Bool(decisive)),
            (Ok(CelValue::Bool(_)), Ok(CelValue::Bool(_))) => Ok(CelValue::Bool(!decisive)),
            (_, Err(error)) if error.0 == EXCEEDED => Err(error),
            (Err(error), _) => Err(error),
            (Ok(CelValue::Bool(_)), Err(error)) => Err(error),
            (_, _) => Err(EvalError::no_overload()),
        }
    }

    fn list(&mut self, elements: &[(EvalStep, bool)]) -> Result<CelValue> {
        let mut items = Vec::with_capacity(elements.len());
        for (plan, optional) in elements {
            match self.eval(plan)? {
                CelValue::Optional(held) if *optional => items.extend(held.map(|held| (*held).clone())),
                value if *optional => {
                    let shown = value.shown();
                    return Err(EvalError::new(format!(
                        "cannot initialize optional list element from non-optional value {shown}"
                    )));
                }
                value => items.push(value),
            }
        }
        self.spend(LIST_COST)?;
        Ok(CelValue::list(items))
    }

    fn map(&mut self, entries: &[(EvalStep, EvalStep, bool)]) -> Result<CelValue> {
        let mut map = CelMap::default();
        for (key, value, optional) in entries {
            let key = self.eval(key)?;
            match self.eval(value)? {
                CelValue::Optional(held) if *optional => {
                    if let Some(held) = held {
                        map.insert(key, (*held).clone());
                    }
                }
                value if *optional => {
                    let (key, shown) = (key.shown(), value.shown());
                    return Err(EvalError::new(format!(
                        "cannot initialize optional entry '{key}' from non-optional value {shown}"
                    )));
                }
                value => map.insert(key, value),
            }
        }
        self.spend(MAP_COST)?;
        Ok(CelValue::Map(Arc::new(map)))
    }

    fn fold(&mut self, held: &LoopPlan) -> Result<CelValue> {
        let range = self.eval(&held.range)?;
        let init = self.eval(&held.init)?;
        let pairs = pairs(&range, held.has_second)?;
        self.locals.truncate(held.slot);
        self.locals.push(Ok(init));
        for (first, second) in pairs {
            self.locals.truncate(held.slot + 1);
            self.locals.push(Ok(first));
            if held.has_second {
                self.locals.push(Ok(second));
            }
            match self.eval(&held.condition)? {
                CelValue::Bool(true) => {}
                CelValue::Bool(false) => break,
                _ => return Err(EvalError::no_overload()),
            }
            let next = self.eval(&held.step);
            if let Err(error) = &next
                && error.0 == EXCEEDED
            {
                return next;
            }
            if let Some(accumulator) = self.locals.get_mut(held.slot) {
                *accumulator = next;
            }
        }
        self.locals.truncate(held.slot + 1);
        let result = self.eval(&held.result);
        self.locals.truncate(held.slot);
        result
    }
}

/// An element of a list or a value of a map.
fn at(operand: &CelValue, index: &CelValue) -> Result<CelValue> {
    if let CelValue::Optional(held) = operand {
        return Ok(match held {
            None => CelValue::Optional(None),
            Some(held) => optional_find(held, index),
        });
    }
    if operand.is_list() {
        let Some(number) = whole(index) else {
            let (kind, shown) = (index.type_name(), index.shown());
            return Err(EvalError::new(match index {
                CelValue::Uint(_) | CelValue::Double(_) => {
                    format!("unsupported index value {shown} in list")
                }
                _ => format!("unsupported index type '{kind}' in list"),
            }));
        };
        let found = usize::try_from(number).ok().and_then(|index| operand.nth(index));
        return found.ok_or_else(|| EvalError::new(format!("index out of bounds: {number}")))?.checked();
    }
    let found = operand.find(index);
    found.ok_or_else(|| EvalError::new(format!("no such key: {}", index.shown())))?.checked()
}

/// What a loop sees of each element: the element or key, or the index or key, and the element or value.
fn pairs(range: &CelValue, has_second: bool) -> Result<Vec<(CelValue, CelValue)>> {
    if let Some(entries) = range.entries() {
        return Ok(entries);
    }
    let elements = range.elements().ok_or_else(EvalError::no_overload)?;
    Ok((0_i64..)
        .zip(elements)
        .map(|(index, element)| match has_second {
            true => (CelValue::Int(index), element),
            false => (element, CelValue::Null),
        })
        .collect())
}

/// A number that is whole, of any type.
fn whole(value: &CelValue) -> Option<i64> {
    match value {
        CelValue::Int(number) => Some(*number),
        CelValue::Uint(number) => i64::try_from(*number).ok(),
        #[allow(clippy::cast_possible_truncation, clippy::float_cmp, reason = "checked by the comparison")]
        #[allow(clippy::cast_precision_loss, reason = "checked by the comparison")]
        CelValue::Double(number) => {
            let whole = *number as i64;
            (whole as f64 == *number).then_some(whole)
        }
        _ => None,
    }
}

/// A field of an object or of an optional one.
fn select(operand: &CelValue, field: &Text) -> Result<CelValue> {
    let key = CelValue::Str(field.clone());
    if let CelValue::Optional(held) = operand {
        return Ok(held.as_ref().map_or(CelValue::Optional(None), |held| optional_find(held, &key)));
    }
    operand.find(&key).ok_or_else(|| EvalError::new(format!("no such key: {field}")))?.checked()
}

fn has(operand: &CelValue, field: &Text) -> bool {
    match operand {
        CelValue::Optional(held) => held.as_ref().is_some_and(|held| has(held, field)),
        other => other.find(&CelValue::Str(field.clone())).is_some(),
    }
}

/// An optional with what is found in a map or a list, or in an optional one.
fn optional_find(operand: &CelValue, key: &CelValue) -> CelValue {
    let found = match operand {
        CelValue::Optional(None) => None,
        CelValue::Optional(Some(held)) => return optional_find(held, key),
        list if list.is_list() => {
            whole(key).and_then(|index| usize::try_from(index).ok()).and_then(|index| list.nth(index))
        }
        map => map.find(key),
    };
    CelValue::Optional(found.map(Arc::new))
}
