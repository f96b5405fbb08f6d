//! A write to an object does not change its status, and a write to its status changes nothing else.

use super::{Guarantee, Violation, shown};
use crate::client_request::{Action, ClientRequest};
use crate::directory::Directory;
use crate::truth::CommittedChange;

pub(super) fn check(
    change: &CommittedChange,
    by: Option<&ClientRequest>,
    directory: &Directory,
) -> Result<(), Violation> {
    let (Some(old), Some(new), Some(by)) = (&change.old, &change.new, by) else { return Ok(()) };
    let Some(place) = &by.place else { return Ok(()) };
    let has_status = directory.resource(place.resource).subs.iter().any(|sub| sub.name == "status");
    if !has_status || !matches!(by.action, Action::Update | Action::Patch) {
        return Ok(());
    }
    let kept = match place.subresource {
        "" => "status",
        "status" => "spec",
        _ => return Ok(()),
    };
    if old.object.field(kept) == new.object.field(kept) {
        return Ok(());
    }
    let through = if kept == "spec" { "status" } else { "the object" };
    let detail = format!(
        "{} at {}: a write through {through} changed the {kept}",
        shown(&change.key),
        change.revision.0
    );
    Err(Violation::new(Guarantee::StatusIsApart, detail))
}
