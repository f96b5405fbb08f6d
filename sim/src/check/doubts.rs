//! A write is answered with an unknown outcome only where what its server has read does not prove what became of it.

use super::{CheckedAnswer, Guarantee, Violation, shown};
use crate::client_request::Action;
use steersman_core::store::Rev;
use steersman_core::value::object;

/// What stands in the message before the revision at which the server looked for its write in vain.
const LOOKED_AT: &str = "; not found at revision ";

pub(super) fn check(answer: &CheckedAnswer<'_>) -> Result<(), Violation> {
    // The message is about one of a collection's objects, and does not say which.
    if answer.reply.status != 504 || answer.ask.action == Action::DeleteCollection {
        return Ok(());
    }
    let looked_at = answer.body.text_at(&["message"]).split_once(LOOKED_AT);
    let Some(looked_at) = looked_at.and_then(|(_, revision)| revision.parse().ok()).map(Rev) else {
        return Ok(());
    };
    let uid_at = |key: &[u8], revision: Rev| {
        answer.truth.at(key, revision).map(|stored| object::uid(&stored.object).to_owned())
    };
    for (revision, key) in answer.commits.iter().filter(|(revision, _)| *revision <= looked_at) {
        let was_there = uid_at(key, looked_at).is_some_and(|uid| Some(uid) == uid_at(key, *revision));
        if was_there {
            let detail = format!("{} was written at revision {}", shown(key), revision.0);
            return Err(answer.broken(Guarantee::DoubtsAreReal, detail));
        }
    }
    Ok(())
}
