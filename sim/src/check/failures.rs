//! A server answers 500 only if its store failed, never because of its own earlier actions.

use super::{CheckedAnswer, Guarantee, Violation};
use crate::client_request::Identity;

/// The store's error for a write with a lease that does not exist. A server should not cause it.
const LEASE_NOT_FOUND: &str = "etcdserver: requested lease not found";
const DUPLICATE_KEY: &str = "etcdserver: duplicate key given in txn request";

pub(super) fn check(answer: &CheckedAnswer<'_>) -> Result<(), Violation> {
    // Authorization answers otherwise than the store when it needs the store or a webhook to decide, and that fails.
    let is_undecided = matches!(answer.ask.identity, Identity::Without(_) | Identity::Judged(_));
    if answer.reply.status != 500 || is_undecided {
        return Ok(());
    }
    let message = answer.body.text_at(&["message"]);
    let why = match message {
        LEASE_NOT_FOUND if !lease_may_have_run_out(answer) => "the lease was handed out when it had run out",
        DUPLICATE_KEY => "it wrote a key twice",
        _ if message.contains("failed calling webhook ") => return Ok(()),
        _ if message.contains("failed to allocate") && message.contains("is full") => return Ok(()),
        _ if message.contains("failed to allocate requested HealthCheck NodePort") => return Ok(()),
        _ if answer.body.text_at(&["reason"]) == "InternalError" => "it is no failure of the store",
        _ => return Ok(()),
    };
    Err(answer.broken(Guarantee::FailuresAreTheStores, format!("{message:?}: {why}")))
}

/// A request that was under way for this long may have got a lease that has expired since. The store's answer may
/// have been on its way for as long again.
fn lease_may_have_run_out(answer: &CheckedAnswer<'_>) -> bool {
    let lives_millis = u64::try_from(answer.event_ttl_seconds).unwrap_or(0).saturating_mul(1000);
    answer.waited_millis >= lives_millis / 2
}
