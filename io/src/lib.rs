//! Binds the core to sockets, clocks, keys and stores.
//!
//! Reading order: `shell` (drives the machine), `conversation` and `mailbox` (one request and what the
//! machine wants for it), `serve` and `exchange` (HTTP), `tls`, `peer`, `certificates` and `issuer` (who is
//! who), `store` (the engines behind the core's data model).
//! `in_process` is the server for tests of other programs, without sockets.
//! `load` measures the whole from outside.

pub mod certificates;
pub mod clock;
pub mod conversation;
pub mod descriptors;
mod exchange;
mod gzip;
pub mod in_process;
pub mod issuer;
pub mod load;
mod mailbox;
pub mod metrics;
pub mod peer;
mod pieces;
pub mod record;
pub mod serve;
pub mod shell;
pub mod store;
mod throttle;
pub mod tls;
