//! HTTP as the core uses it: a parsed request in, a response with shared bytes out.

pub mod discovery;
mod document;
pub mod health;
pub mod openapi;
pub mod openid;
pub mod options;
mod outcall;
pub(crate) mod percent;
pub mod query;
mod request;
mod response;
pub mod route;

pub use outcall::{CallError, Called, Outcall, Trust};
pub use request::{BodyError, Method, Peer, Request};
pub use response::{Body, Header, Response};
