//! Runs the instructions of an expression, within a budget.
//! cel-go: interpreter/interpretable.go, attributes.go, runtimecost.go

use super::code::{CelCode, CelStep, LoopSlot, LoopSlots, StepPlace, TakenRoot, Taking};
use super::equality::equal;
use super::object::CelObject;
use super::qualify::{find, qualify};
use super::value::{CelMap, CelValue, EvalError};
use crate::cel::cost::{CallCost, CallPrice};
use crate::cel::lib::Function;
use crate::cel::variables::Variables;
use crate::value::Text;
use crate::value::regex::Regex;
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;

type Result<T> = core::result::Result<T, EvalError>;

/// A value, or why there is none. Errors are values: what comes later may make one irrelevant.
type Outcome = Result<CelValue>;

/// Upstream computes the cost of what compares all elements of a list with each other without asking whether there is
/// one, and its evaluation ends with what Go says of that.
const NO_LIST: &str =
    "internal error: interface conversion: *types.Err is not traits.Lister: missing method Add";

/// One evaluation.
pub(crate) struct CelMachine<'a> {
    variables: &'a mut dyn Variables,
    left: u64,
    values: Vec<Outcome>,
    /// What fields and elements are being taken from.
    taken: Vec<Taken>,
    slots: Vec<Option<Outcome>>,
    loops: Vec<Loop>,
    /// Where to go on when the value of a variable was computed.
    returns: Vec<StepPlace>,
}

/// What fields and elements are being taken from.
enum Taken {
    Plain(CelValue),
    /// Of an optional value: what is not there is no error.
    Optional(CelValue),
    Absent,
    Failed(EvalError),
}

/// What a loop goes over.
struct Loop {
    items: Items,
    next: usize,
}

enum Items {
    List(CelValue, usize),
    Pairs(Vec<(CelValue, CelValue)>),
}

impl<'a> CelMachine<'a> {
    pub(crate) fn new(variables: &'a mut dyn Variables, budget: u64) -> Self {
        Self {
            variables,
            left: budget,
            values: Vec::new(),
            taken: Vec::new(),
            slots: Vec::new(),
            loops: Vec::new(),
            returns: Vec::new(),
        }
    }

    /// What of the budget is left.
    pub(crate) fn left(&self) -> u64 {
        self.left
    }

    /// The value of an expression.
    pub(crate) fn run(&mut self, code: &CelCode) -> Outcome {
        self.slots.resize(code.slots as usize, None);
        let mut at: StepPlace = 0;
        while let Some(step) = code.steps.get(at as usize) {
            at = self.step(step, at)?;
        }
        self.pop()
    }

    fn spend(&mut self, cost: u64) -> Result<()> {
        match self.left.checked_sub(cost) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => {
                self.left = 0;
                Err(EvalError::cost_exceeded())
            }
        }
    }

    fn push(&mut self, outcome: Outcome) {
        self.values.push(outcome);
    }

    fn pop(&mut self) -> Outcome {
        self.values.pop().unwrap_or_else(|| Err(EvalError::no_overload()))
    }

    fn pop_many(&mut self, count: u32) -> Vec<Outcome> {
        let from = self.values.len().saturating_sub(count as usize);
        self.values.split_off(from)
    }

    /// Runs a step, and tells which one is next.
    ///
    /// # Errors
    /// Why the evaluation ends here, whatever would have come.
    fn step(&mut self, step: &CelStep, at: StepPlace) -> Result<StepPlace> {
        let next = at + 1;
        match step {
            CelStep::Const(value) => self.push(Ok(value.clone())),
            CelStep::Load(root) => {
                if let Some(init) = self.unbound(root) {
                    self.returns.push(at);
                    return Ok(init);
                }
                let outcome = self.root(root)?;
                self.spend(1)?;
                self.push(outcome);
            }
            CelStep::Open(root) => {
                if let Some(init) = self.unbound(root) {
                    self.returns.push(at);
                    return Ok(init);
                }
                let outcome = self.root(root)?;
                self.taken.push(opened(outcome));
            }
            CelStep::OpenTop => {
                let outcome = self.pop();
                self.taken.push(opened(outcome));
            }
            CelStep::OpenMember(variable, member, taking) => self.open_member(variable, member, *taking)?,
            CelStep::Take(key, taking) => self.take(Ok(key), *taking)?,
            CelStep::TakeTop(taking) => {
                let key = self.pop();
                self.take(key.as_ref(), *taking)?;
            }
            CelStep::Close(cost, is_test) => {
                let outcome = closed(self.taken.pop(), *is_test);
                self.spend(*cost)?;
                self.push(outcome);
            }
            CelStep::UnlessOpen(place) => {
                if matches!(self.taken.last(), Some(Taken::Absent | Taken::Failed(_)) | None) {
                    return Ok(*place);
                }
            }
            CelStep::Jump(place) => return Ok(*place),
            CelStep::IfDecided(decisive, place) => {
                if matches!(self.values.last(), Some(Ok(CelValue::Bool(held))) if held == decisive) {
                    return Ok(*place);
                }
            }
            CelStep::Logical(decisive) => {
                let (right, left) = (self.pop(), self.pop());
                self.push(logical(left, right, *decisive));
            }
            CelStep::Branch(otherwise, failed) => match self.pop() {
                Ok(CelValue::Bool(true)) => {}
                Ok(CelValue::Bool(false)) => return Ok(*otherwise),
                Ok(_) => {
                    self.taken.push(Taken::Failed(EvalError::no_overload()));
                    return Ok(*failed);
                }
                Err(error) => {
                    self.taken.push(Taken::Failed(error));
                    return Ok(*failed);
                }
            },
            CelStep::NotStrictlyFalse => {
                let held = matches!(self.pop(), Ok(CelValue::Bool(false)));
                self.spend(1)?;
                self.push(Ok(CelValue::Bool(!held)));
            }
            CelStep::IfPresent(unwraps, place) => match self.pop() {
                Ok(CelValue::Optional(None)) => {}
                Ok(CelValue::Optional(Some(held))) => {
                    let value = if *unwraps { (*held).clone() } else { CelValue::Optional(Some(held)) };
                    self.push(Ok(value));
                    return Ok(*place);
                }
                Ok(_) => {
                    self.push(Err(EvalError::no_overload()));
                    return Ok(*place);
                }
                failed @ Err(_) => {
                    self.push(failed);
                    return Ok(*place);
                }
            },
            CelStep::IfError(below, place) => {
                if matches!(self.values.last(), Some(Err(_))) {
                    let failed = self.pop();
                    self.pop_many(*below);
                    self.push(failed);
                    return Ok(*place);
                }
            }
            CelStep::Charge(cost) => self.spend(*cost)?,
            CelStep::List(count, optionals) => {
                let parts = self.pop_many(*count);
                self.push(list(parts, optionals));
            }
            CelStep::Map(count, optionals) => {
                let parts = self.pop_many(count.saturating_mul(2));
                self.push(map(parts, optionals));
            }
            CelStep::Object(name, fields, optionals) => {
                let parts = self.pop_many(u32::try_from(fields.len()).unwrap_or(u32::MAX));
                let object = entries(parts, fields, optionals);
                self.push(object.map(|map| CelValue::Object(Arc::new(CelObject::new(name.clone(), map)))));
            }
            CelStep::Call(function, count, price) => self.call(*function, *count, *price)?,
            CelStep::InConstants(items) => {
                let element = self.pop();
                let found = |element: CelValue| items.iter().any(|item| equal(item, &element));
                self.push(element.map(|element| CelValue::Bool(found(element))));
            }
            CelStep::Matches(regex, price, length) => self.matches(regex, *price, *length)?,
            CelStep::Bind(slot) => {
                let outcome = self.pop();
                self.set(*slot, Some(outcome));
                return Ok(self.returns.pop().unwrap_or(next));
            }
            CelStep::Unbind(slot) => self.set(*slot, None),
            CelStep::Loop(slots) => return Ok(self.begin(slots, next)),
            CelStep::Next(slots) => {
                if !self.advance(slots) {
                    return Ok(slots.result);
                }
            }
            CelStep::Check(result) => {
                if matches!(self.pop(), Ok(CelValue::Bool(false))) {
                    return Ok(*result);
                }
            }
            CelStep::Store(slot, loop_start) => {
                let outcome = self.pop();
                self.set(*slot, Some(outcome));
                return Ok(*loop_start);
            }
            CelStep::EndLoop => {
                self.loops.pop();
            }
        }
        Ok(next)
    }

    fn set(&mut self, slot: LoopSlot, to: Option<Outcome>) {
        if let Some(held) = self.slots.get_mut(slot as usize) {
            *held = to;
        }
    }

    /// Where the value of a variable has to be computed first; None if there is no need.
    fn unbound(&self, root: &TakenRoot) -> Option<StepPlace> {
        match root {
            TakenRoot::Bound(slot, init) if matches!(self.slots.get(*slot as usize), Some(None)) => {
                Some(*init)
            }
            TakenRoot::Bound(..) | TakenRoot::Variable(_) | TakenRoot::Slot(_) | TakenRoot::Take(_) => None,
        }
    }

    fn root(&mut self, root: &TakenRoot) -> Result<Outcome> {
        Ok(match root {
            TakenRoot::Variable(name) => match self.variables.variable(name) {
                Some(value) => value.checked(),
                None => Err(EvalError::new(format!("no such attribute(s): {name}"))),
            },
            TakenRoot::Slot(slot) | TakenRoot::Bound(slot, _) => match self.slots.get(*slot as usize) {
                Some(Some(outcome)) => outcome.clone().and_then(CelValue::checked),
                Some(None) | None => Err(EvalError::no_overload()),
            },
            TakenRoot::Take(slot) => match self.slots.get_mut(*slot as usize).and_then(Option::take) {
                Some(outcome) => outcome,
                None => Err(EvalError::no_overload()),
            },
        })
    }

    fn open_member(&mut self, variable: &str, member: &Text, taking: Taking) -> Result<()> {
        let Some(found) = self.variables.member(variable, member) else {
            let value = self.variables.variable(variable);
            let value = value.ok_or_else(|| EvalError::new(format!("no such attribute(s): {variable}")));
            self.taken.push(opened(value.and_then(CelValue::checked)));
            return self.take(Ok(&CelValue::Str(member.clone())), taking);
        };
        self.spend(1)?;
        if let Err(error) = &found
            && error.ends_evaluation()
        {
            return Err(error.clone());
        }
        self.taken.push(match (found, taking) {
            (Err(error), _) => Taken::Failed(error),
            (Ok(value), Taking::Plain) => Taken::Plain(value),
            (Ok(value), Taking::Optional) => Taken::Optional(value),
            (Ok(_), Taking::Test) => Taken::Plain(CelValue::Bool(true)),
        });
        Ok(())
    }

    /// Takes a field or an element. What there is nothing to take from costs nothing, nor does what an optional value
    /// does not have.
    fn take(&mut self, key: core::result::Result<&CelValue, &EvalError>, taking: Taking) -> Result<()> {
        let (of, is_optional) = match self.taken.pop() {
            Some(Taken::Plain(value)) => (value, taking == Taking::Optional),
            Some(Taken::Optional(value)) => (value, true),
            Some(held @ (Taken::Absent | Taken::Failed(_))) => {
                self.taken.push(held);
                return Ok(());
            }
            None => return Ok(()),
        };
        let found = match key {
            Ok(key) if is_optional || taking == Taking::Test => find(&of, key),
            Ok(key) => qualify(&of, key).map(Some),
            Err(error) => Err(error.clone()),
        };
        let (taken, cost) = match (found, is_optional) {
            (Ok(Some(value)), true) => (Taken::Optional(value), 1),
            (Ok(None), true) => (Taken::Absent, 0),
            (Err(error), true) => (Taken::Failed(error), 0),
            (Ok(found), false) if taking == Taking::Test => {
                (Taken::Plain(CelValue::Bool(found.is_some())), 1)
            }
            (Ok(Some(value)), false) => (Taken::Plain(value), 1),
            (Ok(None), false) => (Taken::Absent, 1),
            (Err(error), false) => (Taken::Failed(error), 1),
        };
        self.taken.push(taken);
        self.spend(cost)
    }

    fn call(&mut self, function: Function, count: u32, price: CallPrice) -> Result<()> {
        let args = self.pop_many(count);
        if price.needs_list(&args) {
            return Err(EvalError::unrecovered(NO_LIST));
        }
        let cost = price.cost(&args);
        if let CallCost::Known(cost) = cost {
            self.spend(cost)?;
        }
        let outcome = match args.into_iter().collect::<Result<Vec<CelValue>>>() {
            Ok(args) => function.call(args, self.variables),
            Err(error) => Err(error),
        };
        if let Err(error) = &outcome
            && error.ends_evaluation()
        {
            return Err(error.clone());
        }
        if let CallCost::OfResult(price) = cost {
            self.spend(price.cost_of_result(&outcome))?;
        }
        self.push(outcome);
        Ok(())
    }

    fn matches(&mut self, regex: &Regex, price: CallPrice, length: u64) -> Result<()> {
        let outcome = match self.pop() {
            Ok(CelValue::Str(text)) => {
                let count = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
                self.spend(price.of_search(count, length))?;
                Ok(CelValue::Bool(regex.is_match(&text)))
            }
            Ok(_) => Err(EvalError::no_overload()),
            failed => failed,
        };
        self.push(outcome);
        Ok(())
    }

    /// Begins a loop over the value on the stack.
    fn begin(&mut self, slots: &LoopSlots, next: StepPlace) -> StepPlace {
        let range = match self.pop() {
            // With one variable, upstream goes over what lies below the names.
            Ok(CelValue::Identified(held)) if slots.second.is_none() => Ok(held.plain()),
            other => other,
        };
        let items = match range {
            Ok(range) => match (range.len(), range.is_list()) {
                (Some(count), true) => Ok(Items::List(range, count)),
                (_, _) => range.entries().map(Items::Pairs).ok_or_else(EvalError::no_overload),
            },
            Err(error) => Err(error),
        };
        match items {
            Ok(items) => {
                self.loops.push(Loop { items, next: 0 });
                self.set(slots.accumulator, Some(Ok(slots.init.clone())));
                next
            }
            Err(error) => {
                self.push(Err(error));
                slots.end
            }
        }
    }

    /// Sets the variables of a loop to the next element; false if there is none.
    fn advance(&mut self, slots: &LoopSlots) -> bool {
        let Some(held) = self.loops.last_mut() else { return false };
        let index = held.next;
        held.next += 1;
        let (first, second) = match &held.items {
            Items::List(list, count) if index < *count => {
                let element = list.nth(index).unwrap_or(CelValue::Null);
                match slots.second {
                    Some(_) => (CelValue::Int(i64::try_from(index).unwrap_or(i64::MAX)), element),
                    None => (element, CelValue::Null),
                }
            }
            Items::List(..) => return false,
            Items::Pairs(pairs) => match pairs.get(index) {
                Some(pair) => pair.clone(),
                None => return false,
            },
        };
        self.set(slots.first, Some(Ok(first)));
        if let Some(slot) = slots.second {
            self.set(slot, Some(Ok(second)));
        }
        true
    }
}

fn opened(outcome: Outcome) -> Taken {
    match outcome {
        Ok(CelValue::Optional(Some(held))) => Taken::Optional((*held).clone()),
        Ok(CelValue::Optional(None)) => Taken::Absent,
        Ok(value) => Taken::Plain(value),
        Err(error) => Taken::Failed(error),
    }
}

fn closed(taken: Option<Taken>, is_test: bool) -> Outcome {
    match taken {
        Some(Taken::Plain(value)) => Ok(value),
        Some(Taken::Optional(_)) if is_test => Ok(CelValue::Bool(true)),
        Some(Taken::Absent) if is_test => Ok(CelValue::Bool(false)),
        Some(Taken::Optional(value)) => Ok(CelValue::Optional(Some(Arc::new(value)))),
        Some(Taken::Absent) => Ok(CelValue::Optional(None)),
        Some(Taken::Failed(error)) => Err(error),
        None => Err(EvalError::no_overload()),
    }
}

/// The operand that decides makes the other one's error irrelevant. The left one does not.
fn logical(left: Outcome, right: Outcome, decisive: bool) -> Outcome {
    if matches!(right, Ok(CelValue::Bool(held)) if held == decisive) {
        return right;
    }
    for operand in [left, right] {
        match operand {
            Ok(CelValue::Bool(_)) => {}
            Ok(_) => return Err(EvalError::no_overload()),
            Err(error) => return Err(error),
        }
    }
    Ok(CelValue::Bool(!decisive))
}

fn list(parts: Vec<Outcome>, optionals: &[bool]) -> Outcome {
    let mut items = Vec::with_capacity(parts.len());
    for (index, part) in parts.into_iter().enumerate() {
        match (part?, optionals.get(index).copied().unwrap_or(false)) {
            (CelValue::Optional(held), true) => items.extend(held.map(|held| (*held).clone())),
            (value, true) => {
                let shown = value.shown();
                return Err(EvalError::new(format!(
                    "cannot initialize optional list element from non-optional value {shown}"
                )));
            }
            (value, false) => items.push(value),
        }
    }
    Ok(CelValue::list(items))
}

fn map(parts: Vec<Outcome>, optionals: &[bool]) -> Outcome {
    let mut map = CelMap::default();
    let mut parts = parts.into_iter();
    let mut index = 0;
    while let (Some(key), Some(value)) = (parts.next(), parts.next()) {
        let is_optional = optionals.get(index).copied().unwrap_or(false);
        entry(&mut map, key?, value?, is_optional)?;
        index += 1;
    }
    Ok(CelValue::Map(Arc::new(map)))
}

fn entries(parts: Vec<Outcome>, fields: &[Text], optionals: &[bool]) -> Result<CelMap> {
    let mut map = CelMap::default();
    for (index, (part, field)) in parts.into_iter().zip(fields).enumerate() {
        let is_optional = optionals.get(index).copied().unwrap_or(false);
        entry(&mut map, CelValue::Str(field.clone()), part?, is_optional)?;
    }
    Ok(map)
}

fn entry(map: &mut CelMap, key: CelValue, value: CelValue, is_optional: bool) -> Result<()> {
    match value {
        CelValue::Optional(held) if is_optional => match held {
            Some(held) => map.insert(key, (*held).clone()),
            None => map.entries.retain(|(known, _)| !equal(known, &key)),
        },
        value if is_optional => {
            let (key, shown) = (key.shown(), value.shown());
            return Err(EvalError::new(format!(
                "cannot initialize optional entry '{key}' from non-optional value {shown}"
            )));
        }
        value => map.insert(key, value),
    }
    Ok(())
}
