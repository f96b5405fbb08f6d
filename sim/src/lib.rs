//! Drives the core against a fake etcd: one server for tests, many with clients and faults from a seed;
//! and replays what a production server was given.
//!
//! Reading order: `etcd` (what is modelled of the store), `driver` (one server, no faults), `choose`
//! (where every choice comes from), `run` (a run from a seed), `client`, `truth` and `check`, `replay`.

pub mod check;
pub mod choose;
pub mod client;
pub mod driver;
pub mod etcd;
pub mod faults;
pub mod replay;
pub mod run;
pub mod truth;
