//! Tests of the package from outside, in one binary.

mod recording;
mod serving;
mod store_kill;
