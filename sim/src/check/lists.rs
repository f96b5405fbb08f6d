//! The items of a list, over all its pages, are the objects of the one revision that it names, and that revision is
//! as new as the client asked for.

use super::selection::is_stored;
use super::{CheckedAnswer, Guarantee, Selection, Violation, shown};
use crate::client_request::VersionChoice;
use bytes::Bytes;
use steersman_core::store::{Rev, token};
use steersman_core::value::Value;

pub(super) fn check(answer: &CheckedAnswer<'_>) -> Result<(), Violation> {
    if answer.reply.status != 200 {
        return Ok(());
    }
    let Some(selection) = Selection::of(answer.ask, answer.directory) else { return Ok(()) };
    let revision = answer.body.text_at(&["metadata", "resourceVersion"]).parse().map_or(Rev(0), Rev);
    let start = check_revision(answer, &selection, revision)?;
    let items = answer.body.field("items").and_then(Value::as_list).unwrap_or_default();
    let more = !answer.body.text_at(&["metadata", "continue"]).is_empty();
    let mut wanted = selection.at(answer.truth, revision).filter(|stored| stored.key >= start);
    let broken =
        |why: String| answer.broken(Guarantee::ListsAreOfOneRevision, format!("at {}: {why}", revision.0));
    for item in items {
        let name = item.text_at(&["metadata", "name"]);
        let Some(stored) = wanted.next() else { return Err(broken(format!("{name} should not be there"))) };
        if !is_stored(item, stored) {
            let seen = item.text_at(&["metadata", "resourceVersion"]);
            let (key, held) = (shown(&stored.key), stored.revision.0);
            return Err(broken(format!("{name} of revision {seen} stands where {key} of {held} should")));
        }
    }
    let limit = answer.ask.options.limit;
    match wanted.next() {
        Some(missing) if !more => Err(broken(format!("{} is missing", shown(&missing.key)))),
        Some(_) if items.len() as u64 != limit => Err(broken(format!("a page has {} items", items.len()))),
        Some(_) | None => Ok(()),
    }
}

/// Checks the list's revision against the one asked for, and returns the key that the page begins with.
fn check_revision(
    answer: &CheckedAnswer<'_>,
    selection: &Selection,
    revision: Rev,
) -> Result<Bytes, Violation> {
    let query = &answer.ask.options;
    let broken = |why: &str| {
        answer.broken(Guarantee::ListsAreAsNewAsAsked, format!("its revision is {}, {why}", revision.0))
    };
    if revision > answer.now() {
        return Err(broken("which has not been yet"));
    }
    if !query.continue_token.is_empty() {
        let Ok(token) = token::decode(&query.continue_token, selection.prefix()) else {
            return Ok(Bytes::new());
        };
        if token.revision > 0 && token.revision as u64 != revision.0 {
            return Err(answer.broken(
                Guarantee::ListsAreOfOneRevision,
                format!("a page of revision {} goes on with one of {}", token.revision, revision.0),
            ));
        }
        return Ok(token.start);
    }
    let right = match query.version {
        VersionChoice::Unset => revision >= answer.asked_at,
        VersionChoice::Any => true,
        VersionChoice::NotOlderThan(least) => revision >= least,
        VersionChoice::Exact(exact) => revision == exact,
    };
    if right { Ok(Bytes::new()) } else { Err(broken("which is not what was asked for")) }
}
