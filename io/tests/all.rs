//! Tests of the package from outside, in one binary.

mod serving;
mod store_kill;
