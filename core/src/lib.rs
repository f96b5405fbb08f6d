//! The Kubernetes API server as a pure state machine.
//!
//! Reading order: `machine` (inputs and outputs), `job` (one request, step by step), `world` (the state that answers
//! depend on), `store` and `mvcc` (etcd's data model), `cache` (the watch cache), `schema` and `kinds` (types of
//! objects and their rules), `codec`, `patch` and `http` (formats and protocols).
//!
//! Absent on purpose: I/O, clocks, threads, operating-system randomness, hash-ordered iteration. The crate is
//! `no_std`, so the compiler enforces most of this.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod boot;
pub mod cache;
pub mod codec;
pub mod http;
pub mod indexes;
pub mod job;
pub mod kinds;
pub mod limits;
pub mod machine;
pub mod museum;
pub mod mvcc;
pub mod now;
pub mod patch;
pub mod respond;
pub mod rng;
pub mod schema;
pub mod status;
pub mod store;
pub mod value;
mod watch;
pub mod world;
