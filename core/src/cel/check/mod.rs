//! Types: whether an expression can be meant, and what it results in.

mod checker;
mod declarations;
mod types;
mod unify;

pub(crate) use checker::{Checked, check};
pub use declarations::{Declarations, Overload};
pub use types::CelType;
