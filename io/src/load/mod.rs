//! The two counterparts that a measurement needs: a client that makes requests, and a server that only sends bytes
//! (`static_server`), whose cost is a lower bound for any server.

mod client;
mod static_server;

pub use client::{Connection, Events, LoadAnswer, LoadBody, LoadTarget};
pub use http::Method;
pub use static_server::serve_directory;
