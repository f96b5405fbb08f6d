//! Events of watches, read from the bytes that servers send.

use crate::client::{WatchEvent, WatchEventKind};
use crate::driver::Reply;
use bytes::Bytes;
use steersman_core::codec::json;
use steersman_core::store::Rev;
use steersman_core::value::{Text, Value};

/// The status of a watch's answer. If its first event reports a failure, it is the failure's status.
pub(super) fn watch_status(reply: &Reply) -> u16 {
    if reply.status != 200 || !reply.body.starts_with(b"{\"type\":\"ERROR\"") {
        return reply.status;
    }
    let failure =
        parse(&Bytes::copy_from_slice(&reply.body)).pop().map(|event| event.object).unwrap_or_default();
    failure.field("code").and_then(Value::as_int).and_then(|code| u16::try_from(code).ok()).unwrap_or(500)
}

/// The events of a frame.
pub(super) fn parse(bytes: &Bytes) -> Vec<WatchEvent> {
    let lines = bytes.split_inclusive(|byte| *byte == b'\n').filter(|line| *line != b"\n");
    lines.map(|line| event(line, bytes.slice_ref(line))).collect()
}

fn event(line: &[u8], bytes: Bytes) -> WatchEvent {
    let mut value = json::parse(line).map_or(Value::Null, |parsed| parsed.value);
    let kind = match value.text_at(&["type"]) {
        "ADDED" => WatchEventKind::Added,
        "MODIFIED" => WatchEventKind::Modified,
        "DELETED" => WatchEventKind::Deleted,
        "BOOKMARK" => WatchEventKind::Bookmark,
        _ => WatchEventKind::Error,
    };
    let object = value.remove_at(&["object"]).unwrap_or_default();
    let text = |field: &str| Text::from(object.text_at(&["metadata", field]));
    let revision = text("resourceVersion").parse().map_or(Rev(0), Rev);
    WatchEvent { kind, namespace: text("namespace"), name: text("name"), revision, object, bytes }
}
