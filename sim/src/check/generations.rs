//! The generation grows by one with each change of the desired state, and never otherwise.

use super::{Guarantee, Violation, shown};
use crate::client_request::{Action, ClientRequest};
use crate::directory::Directory;
use crate::truth::CommittedChange;
use steersman_core::kinds::Generation;
use steersman_core::value::object;

pub(super) fn check(
    change: &CommittedChange,
    by: Option<&ClientRequest>,
    directory: &Directory,
) -> Result<(), Violation> {
    let (Some(old), Some(new), Some(by)) = (&change.old, &change.new, by) else { return Ok(()) };
    let Some(place) = &by.place else { return Ok(()) };
    let counted = match directory.resource(place.resource).rules().generation {
        Generation::Spec
        | Generation::SpecAsSent
        | Generation::SpecAndAnnotations
        | Generation::SpecAndLabels => true,
        Generation::None | Generation::AtCreation | Generation::OnChange => false,
    };
    if !counted || !matches!(by.action, Action::Update | Action::Patch) {
        return Ok(());
    }
    let (before, after) = (object::generation(&old.object), object::generation(&new.object));
    let wants_other = old.object.field("spec") != new.object.field("spec");
    let grown = after - before;
    // For some kinds, changes of labels and annotations count too.
    let right = if wants_other { grown == 1 } else { (0..=1).contains(&grown) };
    if right {
        return Ok(());
    }
    let detail = format!("{} at {}: from {before} to {after}", shown(&change.key), change.revision.0);
    Err(Violation::new(Guarantee::GenerationCountsSpecs, detail))
}
