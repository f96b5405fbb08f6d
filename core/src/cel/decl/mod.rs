//! What schemas of objects say to expressions: the names and types that an expression can use (`DeclType`), and how
//! values are read (`ValueSchema`, `CelValue::typed`).
//!
//! Whoever has a schema makes a `ValueSchema` of it once. A `DeclType` of that is given to `Env::with_decl` when an
//! expression is compiled; the same schema types the values when it is evaluated.

mod decl_type;
mod escape;
mod schema;
mod texts;
mod typing;

pub use decl_type::{DeclParts, DeclType};
pub(crate) use escape::is_reserved;
pub use escape::{escape, unescape};
pub use schema::{ListSemantics, TypedText, ValueKind, ValueSchema};
pub use typing::{TypedList, TypedMap};
