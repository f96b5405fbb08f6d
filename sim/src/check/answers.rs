//! Every error is a Status that names its own code; and who is not known is told 401, and nothing follows from the
//! request.

use super::{Answer, Guarantee, Violation};
use crate::ask::Identity;

pub(super) fn check(answer: &Answer<'_>) -> Result<(), Violation> {
    let status = answer.reply.status;
    if answer.ask.identity == Identity::Stranger {
        if let Some((revision, _)) = answer.commits.first() {
            let detail = format!("it wrote at revision {}", revision.0);
            return Err(answer.broken(Guarantee::StrangersGetNothing, detail));
        }
        // A server that is slow may say so before it knows who is there.
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

/// Errors about paths that belong to no API have a line of text, and to HEAD nothing is sent.
fn is_plain(answer: &Answer<'_>) -> bool {
    let text = answer.reply.header("content-type").is_some_and(|media| media.starts_with("text/plain"));
    text || answer.reply.body.is_empty()
        || answer.reply.header("content-type").is_some_and(|media| media.contains("yaml"))
}
