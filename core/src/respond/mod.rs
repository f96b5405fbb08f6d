//! Responses: objects, lists, statuses and watch events in the negotiated form.

mod events;
mod list;
mod object;
mod status;
mod warnings;

pub(crate) use events::{EventKind, Renderer, Seen};
pub use events::{EventForm, Frame, InitialEvents};
pub(crate) use list::{ListMeta, list};
pub(crate) use object::{View, object, versioned};
pub use status::failure;
pub(crate) use status::{deleted, too_many_requests};
pub(crate) use warnings::Warnings;
