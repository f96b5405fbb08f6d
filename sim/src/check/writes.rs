//! A write is answered with the object that it stored, and a write that names a resource version is stored only in
//! place of that version.

use super::selection::{is_same, is_stored, revision_of};
use super::{CheckedAnswer, Guarantee, Violation, shown};
use crate::client_request::Action;
use crate::truth::StoredObject;
use std::sync::Arc;
use steersman_core::codec::json;
use steersman_core::store::Rev;
use steersman_core::value::{Value, object};

pub(super) fn check(answer: &CheckedAnswer<'_>) -> Result<(), Violation> {
    if !matches!(answer.reply.status, 200 | 201) || answer.ask.options.dry_run {
        return Ok(());
    }
    let Some(place) = answer.ask.place.as_ref().filter(|place| matches!(place.subresource, "" | "status"))
    else {
        return Ok(());
    };
    // A name that is generated, or given only in the body, is taken from the answer.
    let name = if place.name.is_empty() { answer.body.text_at(&["metadata", "name"]) } else { &place.name };
    let Some(key) = answer.directory.key(&place.named(name).sub("")) else { return Ok(()) };
    match answer.ask.action {
        Action::Create => created(answer, &key),
        Action::Update | Action::Patch => updated(answer, &key),
        Action::Delete => deleted(answer, &key),
        Action::Get | Action::List | Action::Watch | Action::DeleteCollection | Action::Raw(..) => Ok(()),
    }
}

fn created(answer: &CheckedAnswer<'_>, key: &[u8]) -> Result<(), Violation> {
    let revision = revision_of(&answer.body);
    let own = answer.commits.iter().any(|(at, held)| *at == revision && *held == key);
    let stored = answer.truth.at(key, revision).filter(|stored| stored.revision == revision);
    if own && stored.is_some_and(|stored| is_stored(&answer.body, stored)) {
        return Ok(());
    }
    let detail = format!("{} of revision {} is not what it stored", shown(key), revision.0);
    Err(answer.broken(Guarantee::WritesAreWhatIsStored, detail))
}

/// Checks the answer to an update: the object that it wrote, or the existing object if nothing had to be written.
fn updated(answer: &CheckedAnswer<'_>, key: &[u8]) -> Result<(), Violation> {
    let revision = revision_of(&answer.body);
    if removed(answer, key, &answer.body) {
        return Ok(());
    }
    let is_this =
        |state: Option<&Arc<StoredObject>>| state.is_some_and(|stored| is_stored(&answer.body, stored));
    if !answer.truth.states(key, answer.asked_at, answer.now()).any(is_this) {
        let detail = format!("{} of revision {} was not there meanwhile", shown(key), revision.0);
        return Err(answer.broken(Guarantee::WritesAreWhatIsStored, detail));
    }
    if answer.ask.action != Action::Update {
        return Ok(());
    }
    let Some(named) = named_version(answer) else { return Ok(()) };
    let in_its_place = answer.truth.log()[answer.truth.place_after(Rev(revision.0.saturating_sub(1)))..]
        .iter()
        .find(|change| change.revision == revision && change.key == key)
        .and_then(|change| change.old.as_ref())
        .map(|old| old.revision);
    // A write that changes nothing keeps the version that it named.
    if revision == named || in_its_place == Some(named) {
        return Ok(());
    }
    let held = in_its_place.map_or("nothing".to_owned(), |held| held.0.to_string());
    let detail = format!("{} was made from {} and took the place of {held}", shown(key), named.0);
    Err(answer.broken(Guarantee::NoUpdateIsLost, detail))
}

/// Whether the update removed the last finalizer of an object that was being deleted, and so the object itself.
fn removed(answer: &CheckedAnswer<'_>, key: &[u8], shown: &Value) -> bool {
    object::is_being_deleted(shown)
        && answer.commits.iter().any(|(at, held)| *held == key && answer.truth.at(key, *at).is_none())
}

/// The resource version in the body of a write.
pub(super) fn named_version(answer: &CheckedAnswer<'_>) -> Option<Rev> {
    let body = json::parse(&answer.ask.body).ok()?.value;
    let version = body.text_at(&["metadata", "resourceVersion"]);
    version.parse().ok().filter(|version| *version > 0).map(Rev)
}

/// Checks that the object was deleted or marked during the request, or was marked before.
fn deleted(answer: &CheckedAnswer<'_>, key: &[u8]) -> Result<(), Violation> {
    let mut states = answer.truth.states(key, answer.asked_at, answer.now());
    let before = states.next().flatten();
    let marked = |state: Option<&Arc<StoredObject>>| {
        state.is_some_and(|stored| object::is_being_deleted(&stored.object))
    };
    if marked(before) || states.any(|state| state.is_none() || marked(state)) {
        return check_mark(answer, key);
    }
    let detail = format!("nothing was done to {}", shown(key));
    Err(answer.broken(Guarantee::WritesAreWhatIsStored, detail))
}

/// Checks that the object in the answer, if it stays for a while, is the stored one.
fn check_mark(answer: &CheckedAnswer<'_>, key: &[u8]) -> Result<(), Violation> {
    let revision = revision_of(&answer.body);
    let stored = answer.truth.at(key, revision).filter(|stored| stored.revision == revision);
    match stored {
        Some(stored) if revision > Rev(0) && !is_same(&answer.body, &stored.object) => {
            let detail = format!("{} of revision {} is not what is stored", shown(key), revision.0);
            Err(answer.broken(Guarantee::WritesAreWhatIsStored, detail))
        }
        Some(_) | None => Ok(()),
    }
}
