//! The Common Expression Language, as Kubernetes uses it: expressions over objects that clients write, so everything
//! about them is bounded.
//!
//! Reading order: `program` (the public interface), `parse` (from a text to a tree; macros), `check` (types, and which
//! functions are called), `decl` (what schemas declare), `cost` (what
//! an evaluation may take), `eval` (values, and how they come about), `lib` (the functions). An expression is compiled
//! once (`Env::compile`), and the program is shared.

mod access;
pub mod ast;
mod check;
mod cost;
mod decl;
mod eval;
mod lib;
mod parse;
mod program;
mod source;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod typed_tests;
mod unparse;
mod validate;
mod variables;

pub use access::{AccessCheck, AccessRuling, AccessTarget, AccessUser, authorizer, request_resource};
pub use check::{CelType, Declarations, Overload};
pub use cost::CostRange;
pub use decl::{
    DeclParts, DeclType, ListSemantics, TypedList, TypedMap, TypedText, ValueKind, ValueSchema, escape,
    unescape,
};
pub use eval::{CelMap, CelObject, CelValue, EvalError, Identified, Native, Timestamp};
pub use parse::parse;
pub use program::{CompileError, Env, Evaluated, Program};
pub use source::{ExprSource, Issue, Issues, Offset};
pub use unparse::unparse;
pub use variables::Variables;
