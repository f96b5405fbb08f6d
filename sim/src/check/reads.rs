//! A read without a resource version shows the object as it was at some time between the request and its answer. A
//! read with one shows it at that revision or a later one.

use super::selection::is_stored;
use super::{CheckedAnswer, Guarantee, Violation, shown};
use crate::client_request::VersionChoice;
use crate::truth::StoredObject;
use std::sync::Arc;
use steersman_core::store::Rev;

pub(super) fn check(answer: &CheckedAnswer<'_>) -> Result<(), Violation> {
    let Some(key) = answer.key() else { return Ok(()) };
    if answer.ask.place.as_ref().is_some_and(|place| !place.subresource.is_empty()) {
        return Ok(());
    }
    let (guarantee, after) = match answer.ask.options.version {
        VersionChoice::Unset => (Guarantee::ReadsAreLinearizable, answer.asked_at),
        VersionChoice::Any => (Guarantee::ReadsAreAsNewAsAsked, Rev(0)),
        VersionChoice::NotOlderThan(revision) | VersionChoice::Exact(revision) => {
            (Guarantee::ReadsAreAsNewAsAsked, revision)
        }
    };
    let explains = |state: Option<&Arc<StoredObject>>| match (answer.reply.status, state) {
        (200, Some(stored)) => is_stored(&answer.body, stored),
        (404, None) => true,
        (200 | 404, _) => false,
        // Other failures do not depend on the object.
        (_, _) => true,
    };
    let mut states = answer.truth.states(&key, after, answer.now());
    if states.any(explains) {
        return Ok(());
    }
    let seen = match answer.reply.status {
        200 => format!("revision {}", answer.body.text_at(&["metadata", "resourceVersion"])),
        _ => "nothing".to_owned(),
    };
    let held: Vec<String> = answer
        .truth
        .states(&key, after, answer.now())
        .map(|state| state.map_or("nothing".to_owned(), |stored| stored.revision.0.to_string()))
        .collect();
    let detail = format!(
        "{seen} was read; from revision {} to {} {} held {}",
        after.0,
        answer.now().0,
        shown(&key),
        held.join(", then ")
    );
    Err(answer.broken(guarantee, detail))
}
