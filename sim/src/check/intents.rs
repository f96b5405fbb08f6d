//! A request changes only what it asks to change: a dry run nothing, the deletion of a collection only what it selects.

use super::selection::Selection;
use super::{Guarantee, Violation, shown};
use crate::client_request::{Action, ClientRequest};
use crate::directory::Directory;
use crate::truth::CommittedChange;

pub(super) fn check(
    change: &CommittedChange,
    by: Option<&ClientRequest>,
    directory: &Directory,
) -> Result<(), Violation> {
    let Some(by) = by else { return Ok(()) };
    let broken = |guarantee, why: &str| {
        let detail = format!("{} at {}: {why}", shown(&change.key), change.revision.0);
        Err(Violation::new(guarantee, detail))
    };
    let tries_only = match &by.action {
        Action::Raw(_, target) => target.contains("dryRun=All"),
        _ => by.options.dry_run,
    };
    if tries_only {
        return broken(Guarantee::DryRunsChangeNothing, "it was written by a dry run");
    }
    if by.action != Action::DeleteCollection {
        return Ok(());
    }
    // What such a deletion frees, as a service's addresses, lies elsewhere.
    let Some(selection) = Selection::of(by, directory) else { return Ok(()) };
    if !change.key.starts_with(selection.prefix()) || selection.of_change(change).0 {
        return Ok(());
    }
    broken(Guarantee::CollectionsAreDeletedAsSelected, "it was deleted with others, and is not selected")
}
