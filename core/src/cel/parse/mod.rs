//! From the text of an expression to its tree.

mod lexer;
mod literals;
mod macros;
mod parser;
#[cfg(test)]
mod tests;

pub(super) use parser::RESERVED;
pub use parser::parse;
pub(super) use parser::parse_with;
