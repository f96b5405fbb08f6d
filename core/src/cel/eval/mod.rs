//! The results of expressions.

mod equality;
mod interpreter;
mod number;
mod plan;
mod time;
mod value;

pub(crate) use equality::{compare, equal, equal_or_error};
pub(crate) use interpreter::Evaluation;
pub(crate) use number::{convert_double, go_double};
pub(crate) use plan::{EvalStep, plan};
pub use time::Timestamp;
pub(crate) use time::{Civil, duration_text, fixed_offset, parse_duration};
pub use value::{CelMap, CelValue, EvalError, Native};
