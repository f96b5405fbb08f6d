//! The results of expressions.

mod attributes;
mod code;
mod equality;
mod identified;
mod machine;
mod number;
mod object;
mod plan;
mod qualify;
mod time;
mod value;

pub(crate) use code::CelCode;
pub(crate) use equality::{compare, equal, equal_or_error};
pub use identified::Identified;
pub(crate) use machine::CelMachine;
pub(crate) use number::{convert_double, go_double};
pub use object::CelObject;
pub(crate) use plan::plan;
pub use time::Timestamp;
pub(crate) use time::{Civil, duration_text, fixed_offset, parse_duration};
pub use value::{CelMap, CelValue, EvalError, Native};
