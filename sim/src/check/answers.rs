//! Every error is a Status with its own code, and a request with an unknown token gets 401 and has no effect.

use super::{Answer, Guarantee, Violation};
use crate::ask::Identity;

pub(super) fn check(answer: &Answer<'_>) -> Result<(), Violation> {
    let status = answer.reply.status;
    if answer.ask.identity == Identity::Stranger {
        if let Some((revision, _)) = answer.commits.first() {
            let detail = format!("it wrote at revision {}", revision.0);
            return Err(answer.broken(Guarantee::StrangersGetNothing, detail));
        }
        // A slow server may answer with a timeout before it has authenticated the caller.
        if !matches!(status, 401 | 504) {
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

/// Errors for paths outside of any API are plain text, and an answer to HEAD has no body.
fn is_plain(answer: &Answer<'_>) -> bool {
    let text = answer.reply.header("content-type").is_some_and(|media| media.starts_with("text/plain"));
    text || answer.reply.body.is_empty()
        || answer.reply.header("content-type").is_some_and(|media| media.contains("yaml"))
}
