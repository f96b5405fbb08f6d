//! Answers: objects, lists, statuses and watch events in the form that was negotiated.

mod events;
mod list;
mod object;
mod status;

pub use events::{EventForm, EventKind, InitialEvents, Renderer};
pub(crate) use list::{ListMeta, list};
pub(crate) use object::{View, object, versioned};
pub(crate) use status::{deleted, failure, too_many_requests, with_warnings};
