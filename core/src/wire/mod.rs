//! A request on the wire: its head, query and path, and the options in them.

pub mod field_manager;
pub mod media;
pub mod options;
mod outcall;
pub(crate) mod path;
pub(crate) mod percent;
pub mod query;
mod request;
pub mod route;
mod tunnel;
pub(crate) mod verb;
mod web_address;

pub use outcall::{CallError, CallOutcome, Called, Outcall, Trust, authority};
pub use request::{BodyError, Method, Peer, Request};
pub use tunnel::{TunnelEnd, TunnelStop};
pub use verb::normalized_verb;
pub use web_address::WebAddress;
