//! Who may not do something is refused, learns nothing of what is stored, and changes nothing.

use super::{CheckedAnswer, Guarantee, Violation, shown};
use crate::client_request::{ClientRequest, Identity, verb_of};
use crate::truth::CommittedChange;
use steersman_core::kinds::Verb;

/// Statuses that come before or instead of the decision: no seat, the server ends, no answer in time, and an authorizer
/// that could not tell.
const UNDECIDED: [u16; 4] = [429, 500, 503, 504];

pub(super) fn check(answer: &CheckedAnswer<'_>) -> Result<(), Violation> {
    let Identity::Without(denied) = answer.ask.identity else { return Ok(()) };
    let status = answer.reply.status;
    if status == 201 && denied == Verb::Create {
        return Err(answer.broken(Guarantee::DeniedMeansNothingFollows, "it says that an object was made"));
    }
    if verb_of(&answer.ask.action) != Some(denied) {
        return Ok(());
    }
    if let Some((revision, _)) = answer.commits.first() {
        let detail = format!("it wrote at revision {}", revision.0);
        return Err(answer.broken(Guarantee::DeniedMeansNothingFollows, detail));
    }
    if status != 403 && !UNDECIDED.contains(&status) {
        let detail = format!("its user may not {}", denied.word());
        return Err(answer.broken(Guarantee::DeniedMeansNothingFollows, detail));
    }
    Ok(())
}

/// An object that is made by a request of a user who may not make any, whatever its verb.
pub(super) fn check_change(change: &CommittedChange, by: Option<&ClientRequest>) -> Result<(), Violation> {
    let is_denied = by.is_some_and(|ask| ask.identity == Identity::Without(Verb::Create));
    if !is_denied || change.old.is_some() || change.new.is_none() {
        return Ok(());
    }
    let detail = format!("{} was made at {} by a user who may not", shown(&change.key), change.revision.0);
    Err(Violation::new(Guarantee::DeniedMeansNothingFollows, detail))
}
