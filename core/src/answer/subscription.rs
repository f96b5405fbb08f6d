//! What a watch wants: which changes, in which form, from when and until when.

use super::EventForm;
use crate::kinds::StorageId;
use crate::now::Mono;
use crate::store::Rev;
use crate::world::selection::Filter;

/// A watch as its job opened it.
#[derive(Clone, Debug)]
pub(crate) struct Subscription {
    pub(crate) storage: StorageId,
    pub(crate) filter: Filter,
    pub(crate) form: EventForm,
    /// The watcher wants events after this revision; its initial events cover everything up to it.
    pub(crate) after: Rev,
    pub(crate) bookmarks: bool,
    /// True while the watcher has received nothing: a Table watch sends its column definitions with the first event
    /// only.
    pub(crate) nothing_sent: bool,
    pub(crate) ends_at: Mono,
    /// A webhook converts the objects that it is sent.
    pub(crate) is_converted: bool,
}
