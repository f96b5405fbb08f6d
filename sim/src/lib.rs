//! Drives the core against a fake etcd: one server for tests, or many with clients and faults from a seed. It also
//! replays the recorded inputs of a production server.
//!
//! Reading order: `etcd` (what is modelled of the store), `driver` (one server, no faults), `choose` (where every
//! choice comes from), `swarm` (what a seed switches on), `testbed` and `run` (what happens), `client`,
//! `client_request` and `generate` (clients and their requests), `truth` and `check` (what answers are compared with),
//! `marks`, `tally` (sums over many runs), `shrink`, `museum`, `trace` and `timeline` (what people see of a run),
//! `replay`, and `service` (a simulated cluster for tests of other programs).

pub mod check;
pub mod choose;
pub mod client;
pub mod client_request;
pub mod directory;
pub mod driver;
pub mod etcd;
pub mod generate;
pub mod marks;
#[cfg(feature = "museum")]
pub mod museum;
pub mod replay;
pub mod run;
#[cfg(feature = "service")]
pub mod service;
pub mod shrink;
pub mod swarm;
pub mod tally;
mod testbed;
pub mod timeline;
pub mod trace;
pub mod truth;
mod users;
