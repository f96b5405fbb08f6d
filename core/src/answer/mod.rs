//! Responses: objects, lists, statuses and watch events in the negotiated form.

mod dial;
mod entry;
mod events;
mod filter;
pub mod form;
mod list;
mod list_body;
mod object;
mod renderer;
mod response;
mod status;
mod subscription;
pub mod table;
mod warnings;

pub(crate) use dial::asks_for_upgrade;
pub use dial::{ADDRESS_NOT_ALLOWED, Dial, DialGoal, Relay, Tunnel};
pub(crate) use events::{EventKind, Seen, error_event};
pub use events::{Frame, InitialEvents};
pub(crate) use filter::{internal_error, unroutable};
pub(crate) use list::{ListMeta, list, list_of};
pub use list_body::{Items, ListBody};
pub(crate) use object::{View, object, versioned};
pub use renderer::EventForm;
pub(crate) use renderer::Renderer;
pub use response::{Body, Header, HealthResults, MetricsPage, Response};
pub use status::failure;
pub(crate) use status::{created, deleted, too_many_requests};
pub(crate) use subscription::Subscription;

pub(crate) use warnings::Warnings;
