//! A token of a service account stops working when its server has heard that the account is gone, or the pod that it is
//! bound to.

use super::{CheckedAnswer, Guarantee, Violation};
use crate::client_request::Identity;
use crate::directory::Place;
use steersman_core::codec::{base64, json};
use steersman_core::value::{Value, object};

/// Statuses that come instead of authentication: the server ends, and no answer in time.
const UNDECIDED: [u16; 2] = [503, 504];

/// Whether the request was refused since its token was not good, which no further guarantee is about.
pub(super) fn check(answer: &CheckedAnswer<'_>) -> Result<bool, Violation> {
    let status = answer.reply.status;
    if answer.ask.identity != Identity::Account {
        return Ok(false);
    }
    let turned_away = answer.is_ending && status == 429;
    if status == 401 || turned_away || UNDECIDED.contains(&status) {
        return Ok(status == 401);
    }
    let claims = claims(answer).unwrap_or_default();
    let namespace = claims.text_at(&["namespace"]);
    for (member, plural) in [("serviceaccount", "serviceaccounts"), ("pod", "pods")] {
        let (name, uid) = (claims.text_at(&[member, "name"]), claims.text_at(&[member, "uid"]));
        let kind = answer.directory.find("", "v1", plural);
        let key = answer.directory.key(&Place::collection(kind, namespace).named(name));
        let Some(key) = key.filter(|_| !name.is_empty()) else { continue };
        let mut states = answer.truth.states(&key, answer.known_at, answer.now());
        if !states.any(|held| held.is_some_and(|held| object::uid(&held.object) == uid)) {
            let known = answer.known_at.0;
            let detail = format!("{plural} {name} with uid {uid} was gone, as the server knew at {known}");
            return Err(answer.broken(Guarantee::TokensEndWithTheirObjects, detail));
        }
    }
    Ok(false)
}

/// What the token of a request says of its account.
fn claims(answer: &CheckedAnswer<'_>) -> Option<Value> {
    let request = answer.ask.original.as_ref()?;
    let token = request.header("authorization")?.strip_prefix("Bearer ")?;
    let payload = base64::decode_url(token.split('.').nth(1)?)?;
    json::parse(&payload).ok()?.value.field("kubernetes.io").cloned()
}
