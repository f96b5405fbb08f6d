//! Every error is a Status with its own code, and a request with an unknown token gets 401 and has no effect.

use super::{CheckedAnswer, Guarantee, Violation};
use crate::client_request::{Action, ClientRequest, Identity};

pub(super) fn check(answer: &CheckedAnswer<'_>) -> Result<(), Violation> {
    let status = answer.reply.status;
    if answer.ask.identity == Identity::Stranger {
        if let Some((revision, _)) = answer.commits.first() {
            let detail = format!("it wrote at revision {}", revision.0);
            return Err(answer.broken(Guarantee::StrangersGetNothing, detail));
        }
        // A slow server may answer with a timeout before it has authenticated the caller.
        let turned_away = answer.is_ending && matches!(status, 429 | 503);
        if !matches!(status, 401 | 504) && !turned_away && unroutable(answer.ask) != Some(status) {
            return Err(answer.broken(Guarantee::StrangersGetNothing, "a stranger must be told 401"));
        }
    }
    if status < 400 {
        return Ok(());
    }
    let code = answer.body.field("code").and_then(|code| code.as_int());
    let is_status = answer.body.text_at(&["kind"]) == "Status" && code == Some(i64::from(status));
    if is_status || is_plain(answer) {
        return Ok(());
    }
    let body = String::from_utf8_lossy(&answer.reply.body);
    let shown: String = body.chars().take(200).collect();
    Err(answer.broken(Guarantee::ErrorsAreStatuses, format!("its body is {shown:?}")))
}

/// The status of a request whose path cannot be interpreted, which is found out before authentication: 400 for a path
/// that is not percent-encoded correctly, 500 for one that ends after a verb.
fn unroutable(ask: &ClientRequest) -> Option<u16> {
    let Action::Raw(_, target) = &ask.action else { return None };
    let path = target.split_once('?').map_or(target.as_str(), |(path, _)| path);
    let is_escape = |rest: &str| rest.len() >= 2 && rest.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
    if path.split('%').skip(1).any(|rest| !is_escape(rest)) {
        return Some(400);
    }
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    matches!(last, "watch" | "proxy").then_some(500)
}

/// Errors for paths outside of any API are plain text, and an answer to HEAD has no body.
fn is_plain(answer: &CheckedAnswer<'_>) -> bool {
    let text = answer.reply.header("content-type").is_some_and(|media| media.starts_with("text/plain"));
    text || answer.reply.body.is_empty()
        || answer.reply.header("content-type").is_some_and(|media| media.contains("yaml"))
}
