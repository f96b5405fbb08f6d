//! What expressions cost: how much an evaluation costs at least and at most, before there are values (`estimate`), and
//! what a call costs when it is made (`calls`). A unit is about the time of one simple operation.

mod calls;
mod estimate;
mod estimated_calls;
mod range;

pub(crate) use calls::{CallCost, CallPrice};
pub(crate) use estimate::{VariableSizes, estimate};
pub use range::CostRange;

/// What the parts of an expression cost.
/// cel-go: common/cost.go
pub(crate) const LIST_COST: u64 = 10;
pub(crate) const MAP_COST: u64 = 30;
pub(crate) const STRUCT_COST: u64 = 40;
/// The part of a unit that one character of a text costs when the text is read.
const TEXT_FACTOR: f64 = 0.1;
/// The part of a unit that one character of a pattern multiplies the cost of a text by.
const PATTERN_FACTOR: f64 = 0.25;
/// What a decision of the authorizers costs, so that an expression can ask for two of them.
const CHECK_COST: u64 = 350_000;
