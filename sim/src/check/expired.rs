//! 410 is answered if and only if the server no longer knows the requested state or changes.

use super::{CheckedAnswer, Guarantee, Selection, Violation};
use crate::client_request::{Action, ClientRequest, VersionChoice};
use steersman_core::store::{Rev, token};

/// Checks a list at a past revision: 410 requires that the store has compacted it.
pub(super) fn check_list(answer: &CheckedAnswer<'_>) -> Result<(), Violation> {
    if answer.reply.status != 410 || answer.ask.action != Action::List {
        return Ok(());
    }
    let asked = match (answer.ask.options.continue_token.as_str(), answer.ask.options.version) {
        ("", VersionChoice::Exact(revision)) => Some(revision),
        ("", VersionChoice::Unset | VersionChoice::Any | VersionChoice::NotOlderThan(_)) => None,
        (text, _) => {
            let prefix =
                Selection::of(answer.ask, answer.directory).map(|selection| selection.prefix().clone());
            let token = prefix.and_then(|prefix| token::decode(text, &prefix).ok());
            token.map(|token| Rev(token.revision.max(0) as u64))
        }
    };
    if asked.is_some_and(|asked| asked < answer.compacted) {
        return Ok(());
    }
    let asked = asked.map_or("the newest".to_owned(), |asked| asked.0.to_string());
    let detail = format!("revision {asked} can be read, only what lies before {} cannot", answer.compacted.0);
    Err(answer.broken(Guarantee::ExpiredOnlyWhatIsForgotten, detail))
}

/// Checks a watch that starts at a revision. Its server knows every change after `known_after`.
///
/// # Errors
/// When the watch was opened although changes may be missing, or refused although none is.
pub fn check_watch(ask: &ClientRequest, status: u16, known_after: Rev) -> Result<(), Violation> {
    let VersionChoice::NotOlderThan(from) = ask.options.version else { return Ok(()) };
    if ask.options.send_initial_events {
        return Ok(());
    }
    let known = from >= known_after;
    match status {
        200 if !known => Err(wrong("opened", from, known_after)),
        410 if known => Err(wrong("refused", from, known_after)),
        _ => Ok(()),
    }
}

fn wrong(what: &str, from: Rev, known_after: Rev) -> Violation {
    let detail = format!(
        "a watch from {} was {what} by a server that knows what came after {}",
        from.0, known_after.0
    );
    Violation::new(Guarantee::ExpiredOnlyWhatIsForgotten, detail)
}
