//! Tests of the package from outside, in one binary.

mod store_kill;
