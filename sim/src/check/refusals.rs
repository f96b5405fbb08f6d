//! A write that is answered with an error has changed nothing, unless its outcome is reported as unknown. An answer
//! that an object exists, does not exist or has changed was true at some time between the request and its answer.

use super::writes::named_version;
use super::{CheckedAnswer, Guarantee, Violation, owners, shown};
use crate::client_request::{Action, VersionChoice};
use crate::truth::StoredObject;
use bytes::Bytes;
use std::sync::Arc;
use steersman_core::codec::json;
use steersman_core::store::Rev;
use steersman_core::value::object;

pub(super) fn check(answer: &CheckedAnswer<'_>) -> Result<(), Violation> {
    changed_nothing(answer)?;
    if !answer.ask.action.is_write() || answer.ask.options.dry_run {
        return Ok(());
    }
    match (answer.reply.status, answer.body.text_at(&["reason"])) {
        (404, "NotFound") => is_absent(answer),
        (409, "AlreadyExists") => exists(answer),
        (409, "Conflict") if owners::is_conflict(answer) => owners::check_conflict(answer),
        (409, "Conflict") => has_changed(answer),
        (_, _) => Ok(()),
    }
}

fn changed_nothing(answer: &CheckedAnswer<'_>) -> Result<(), Violation> {
    let refused = answer.reply.status >= 400;
    // After a timeout the outcome is open, and a deletion of a collection may stop half way.
    let open = answer.reply.status == 504 || answer.ask.action == Action::DeleteCollection;
    let raw_open = matches!(answer.ask.action, Action::Raw(..));
    match answer.commits.first() {
        Some((revision, key)) if refused && !open && !raw_open => {
            let why = format!("it wrote {} at revision {}", shown(key), revision.0);
            let message = answer.body.text_at(&["message"]);
            Err(answer.broken(Guarantee::RefusedWritesChangeNothing, format!("{why} ({message})")))
        }
        Some(_) | None => Ok(()),
    }
}

/// The object that the answer names, if it is the one that was asked for.
fn named(answer: &CheckedAnswer<'_>) -> Option<Bytes> {
    let place = answer.ask.place.as_ref()?;
    let name = answer.body.text_at(&["details", "name"]);
    let kind = answer.body.text_at(&["details", "kind"]);
    let plural = answer.directory.resource(place.resource).plural.as_str();
    if name.is_empty() || kind != plural || (!place.name.is_empty() && place.name != name) {
        return None;
    }
    answer.directory.key(&place.named(name).sub(""))
}

fn some_state(
    answer: &CheckedAnswer<'_>,
    key: &[u8],
    holds: impl Fn(Option<&Arc<StoredObject>>) -> bool,
) -> bool {
    answer.truth.states(key, answer.asked_at, answer.now()).any(holds)
}

fn is_absent(answer: &CheckedAnswer<'_>) -> Result<(), Violation> {
    let Some(key) = named(answer) else { return Ok(()) };
    if some_state(answer, &key, |state| state.is_none()) {
        return Ok(());
    }
    Err(answer.broken(Guarantee::RefusalsAreTrue, format!("{} was there all the time", shown(&key))))
}

/// The object existed, and it was not made by this request itself.
fn exists(answer: &CheckedAnswer<'_>) -> Result<(), Violation> {
    let Some(key) = named(answer) else { return Ok(()) };
    let own = |stored: &Arc<StoredObject>| {
        answer.commits.iter().any(|(at, held)| *at == stored.revision && *held == key)
    };
    if some_state(answer, &key, |state| state.is_some_and(|stored| !own(stored))) {
        return Ok(());
    }
    Err(answer.broken(Guarantee::RefusalsAreTrue, format!("{} was not there", shown(&key))))
}

/// The object was not the one that the request named, or other writers changed it again and again.
fn has_changed(answer: &CheckedAnswer<'_>) -> Result<(), Violation> {
    let Some(key) = named_anyhow(answer) else { return Ok(()) };
    let body = json::parse(&answer.ask.body).map_or_else(|_| Default::default(), |parsed| parsed.value);
    let uid = [&["metadata", "uid"][..], &["preconditions", "uid"]]
        .into_iter()
        .map(|path| body.text_at(path).to_owned())
        .find(|uid| !uid.is_empty());
    let precondition = body.text_at(&["preconditions", "resourceVersion"]).parse().ok().map(Rev);
    let version = named_version(answer).or(precondition);
    let differs = |state: Option<&Arc<StoredObject>>| match state {
        None => true,
        Some(stored) => {
            version.is_some_and(|version| version != stored.revision)
                || uid.as_ref().is_some_and(|uid| object::uid(&stored.object) != uid)
        }
    };
    let races = answer.truth.states(&key, answer.asked_at, answer.now()).count() as u64 - 1;
    // The first race may have been lost to a write before the request, because the server's cache was stale.
    let raced = races + 1 >= u64::from(answer.conflict_retries);
    if raced || some_state(answer, &key, differs) || answer.ask.options.version != VersionChoice::Unset {
        return Ok(());
    }
    let detail = format!("{} was what was named, and changed {races} times", shown(&key));
    Err(answer.broken(Guarantee::RefusalsAreTrue, detail))
}

/// Like `named`; conflicts may name the kind instead of the resource.
fn named_anyhow(answer: &CheckedAnswer<'_>) -> Option<Bytes> {
    let place = answer.ask.place.as_ref().filter(|place| !place.name.is_empty())?;
    answer.directory.key(&place.sub(""))
}
