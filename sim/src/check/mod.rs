//! What clients may rely on. Each guarantee has its sentence; each checker is a file that sees every answer, every
//! event and every change of the store.

mod guarantee;

pub use guarantee::{Guarantee, Severity, Violation};
