//! Expressions as instructions for a machine with a stack of values, so that no expression nests the evaluation.

use super::value::CelValue;
use crate::cel::cost::CallPrice;
use crate::cel::lib::Function;
use crate::value::Text;
use crate::value::regex::Regex;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Where an instruction is.
pub(crate) type StepPlace = u32;

/// The place of a variable of a loop. Each loop of an expression has its own.
pub(crate) type LoopSlot = u32;

/// What a machine runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct CelCode {
    pub(crate) steps: Vec<CelStep>,
    pub(crate) slots: LoopSlot,
}

/// Where the value comes from that fields and elements are taken of.
#[derive(Clone, Debug)]
pub(crate) enum TakenRoot {
    /// A variable of the one who asks.
    Variable(Text),
    Slot(LoopSlot),
    /// The same, when nobody needs it afterwards: its list or map can be changed in place.
    Take(LoopSlot),
    /// A variable whose value is computed at this place when it is first needed.
    Bound(LoopSlot, StepPlace),
}

/// How a field or an element is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taking {
    Plain,
    /// The result is an optional value.
    Optional,
    /// Only whether it is there.
    Test,
}

/// An instruction. Costs are charged where upstream charges them.
#[derive(Clone, Debug)]
pub(crate) enum CelStep {
    Const(CelValue),
    /// The value of a variable, of which nothing is taken.
    Load(TakenRoot),
    /// Begins to take fields and elements of a variable.
    Open(TakenRoot),
    /// The same with the value on the stack.
    OpenTop,
    /// Begins with a member of a variable that may come about when it is asked for.
    OpenMember(Text, Text, Taking),
    /// Takes a field or an element that is known.
    Take(CelValue, Taking),
    /// Takes what the value on the stack names.
    TakeTop(Taking),
    /// Ends the taking, which costs so much; for a test, the result is whether it is there.
    Close(u64, bool),
    /// Goes on elsewhere if there is nothing to take from.
    UnlessOpen(StepPlace),
    Jump(StepPlace),
    /// Goes on elsewhere, with the value, if it decides what `&&` or `||` results in.
    IfDecided(bool, StepPlace),
    /// The result of `||` for true and of `&&` for false.
    Logical(bool),
    /// Goes on with the next step for true, at the first place for false and at the second for an error, which is what
    /// is taken from then.
    Branch(StepPlace, StepPlace),
    NotStrictlyFalse,
    /// Goes on elsewhere with an optional that has a value, or with that value if so.
    IfPresent(bool, StepPlace),
    /// Drops so many values below an error and goes on elsewhere.
    IfError(u32, StepPlace),
    Charge(u64),
    /// A list of so many values, of which these are optional.
    List(u32, Box<[bool]>),
    Map(u32, Box<[bool]>),
    Object(Text, Box<[Text]>, Box<[bool]>),
    Call(Function, u32, CallPrice),
    /// Whether a list of constants has the value.
    InConstants(Arc<Vec<CelValue>>),
    /// Whether the text matches a pattern of so many characters.
    Matches(Arc<Regex>, CallPrice, u64),
    /// Keeps the value of a variable, and goes on where it was needed.
    Bind(LoopSlot),
    /// From here on the value of a variable is not known.
    Unbind(LoopSlot),
    Loop(Arc<LoopSlots>),
    Next(Arc<LoopSlots>),
    Check(StepPlace),
    /// Keeps what a loop has added up, and goes on with the next element.
    Store(LoopSlot, StepPlace),
    EndLoop,
}

/// The variables of a loop.
#[derive(Clone, Debug)]
pub(crate) struct LoopSlots {
    pub(crate) accumulator: LoopSlot,
    pub(crate) init: CelValue,
    pub(crate) first: LoopSlot,
    pub(crate) second: Option<LoopSlot>,
    /// Where the result is computed.
    pub(crate) result: StepPlace,
    /// Where it goes on if there is nothing to loop over.
    pub(crate) end: StepPlace,
}
