//! Responses: objects, lists, statuses and watch events in the negotiated form.

mod events;
mod filter;
pub mod form;
mod list;
mod list_body;
mod object;
mod response;
mod status;
mod subscription;
pub mod table;
mod warnings;

pub use events::{EventForm, Frame, InitialEvents};
pub(crate) use events::{EventKind, Renderer, Seen};
pub(crate) use filter::{internal_error, unroutable};
pub(crate) use list::{ListMeta, list};
pub use list_body::{Items, ListBody};
pub(crate) use object::{View, object, versioned};
pub use response::{Body, Header, HealthResults, MetricsPage, Response};
pub use status::failure;
pub(crate) use status::{deleted, too_many_requests};
pub(crate) use subscription::Subscription;
pub(crate) use warnings::Warnings;
