//! The Kubernetes API server as a pure state machine.
//!
//! Reading order: `machine` (inputs and outputs), `job` (one request, step by step), `world` (the state that answers
//! depend on), `store` and `mvcc` (etcd's data model), `schema` and `kinds` (types of objects and their rules), `wire`
//! and `answer` (requests and responses).
//!
//! Absent on purpose: I/O, clocks, threads, operating-system randomness, hash-ordered iteration. The crate is
//! `no_std`, so the compiler enforces most of this.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

// The floors, from the lowest up: a floor imports only from those before it. A house rule checks this order.
// Bounds of queues, loops, retries and bodies.
pub mod limits;

// Points in time.
pub mod now;

// The dynamic object: a tree, and what is read from its scalars.
pub mod value;

// Randomness from a seed.
pub mod rng;

// JSON, YAML, protobuf's wire format.
pub mod codec;

// Errors: metav1.Status.
pub mod status;

// Selectors by labels and by fields.
pub mod selector;

// The Common Expression Language.
pub mod cel;

// Expressions on requests: what those of admission and authorization can name.
pub mod expressions;

// Types of objects, as data.
pub mod schema;

// JSON patch, merge patch, strategic merge patch.
pub mod patch;

// Who manages which fields of an object; server-side apply.
pub mod ownership;

// etcd's data model: operations and their results.
pub mod store;

// The machine that implements it.
pub mod mvcc;

// Historical bugs that can be put back.
pub mod museum;

// Requests.
pub mod wire;

// Who makes a request.
pub mod caller;

// What the server is told at its start, and what it tells its operators.
pub mod config;

// What a step may have to know first.
mod question;

// Reviews that other servers are asked for.
mod review;

// Resources and their rules.
pub mod kinds;

// The state that answers depend on.
pub mod world;

// Conversion of custom objects by webhooks.
mod conversion;

// Authentication: who makes a request.
mod identity;

// Authorization: what they may do, and what a verb works on.
mod authorization;

// Admission: what may change a write or refuse it.
pub mod admission;

// Responses.
pub mod answer;

// Discovery, OpenAPI, OpenID configuration, health.
pub mod documents;

// Requests, step by step.
pub mod job;

// What the server does by itself.
mod controllers;

// The state machine.
pub mod machine;
