//! Binds the core to sockets, clocks, keys and stores.
//!
//! Reading order: `shell` (drives the machine), `conversation` and `mailbox` (one request, and the mail of the
//! machine for it), `serve`, `connection`, `upload` and `exchange` (HTTP), `tunnel`, `budget` (memory for requests),
//! `long_steps` (threads for large ones), `tls`, `peer`, `certificates`, `issuer` and `verifier` (certificates, keys
//! and signatures), `store` (the engines behind the core's data model).
//! `in_process` is the server without sockets, for tests of other programs. `load` measures a server from outside.

mod authorities;
mod budget;
pub mod certificates;
pub mod clock;
mod connection;
pub mod conversation;
pub mod descriptors;
mod driven;
mod exchange;
mod frame;
mod gzip;
mod httplog;
pub mod in_process;
pub mod issuer;
pub mod load;
mod long_steps;
mod mailbox;
pub mod metrics;
mod note_log;
mod outcall;
pub mod peer;
mod pieces;
pub mod private;
pub mod record;
mod relay;
pub mod serve;
pub mod server_id;
mod settings;
pub mod shell;
pub mod store;
mod throttle;
pub mod tls;
mod tunnel;
mod turn;
mod upload;
mod verifier;
