//! The two ends that a measurement puts a server between: a client that makes requests, and a server
//! that does nothing but send bytes (`static_server`), which no server that does more can be cheaper than.

mod client;
mod static_server;

pub use client::{Answer, Connection, Events, Target, Upload};
pub use http::Method;
pub use static_server::serve_directory;
