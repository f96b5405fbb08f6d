//! The answer to a write: the object as it was stored.

use super::draft::Draft;
use crate::answer::{self, Response, View};
use crate::job::Scene;
use crate::store::Rev;
use crate::value::object;

/// The answer with an object as written at a revision; without one for a dry run. It shares the cache's bytes if the
/// write is in the cache by now.
pub(in crate::job) fn respond(
    scene: &Scene<'_>,
    view: &View<'_>,
    status: u16,
    key: &[u8],
    mut draft: Draft,
    revision: Option<Rev>,
) -> Response {
    let cached = scene.cached(view.resource, key).filter(|entry| Some(entry.revision()) == revision);
    match cached {
        Some(entry) if view.is_stored_json() => answer::object(view, status, &entry),
        Some(_) | None if revision.is_some() => {
            object::clear_self_link(&mut draft.value);
            view.respond(status, answer::versioned(draft.value, revision))
        }
        Some(_) | None => view.respond(status, draft.value),
    }
}
