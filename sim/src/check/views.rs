//! A list and the events after it add up to the content of the store, after every event.

use super::selection::is_stored;
use super::{Guarantee, Selection, Violation, shown};
use crate::client::ClientView;
use crate::directory::Directory;
use crate::truth::Truth;

/// Compares a client's view with the truth at the view's revision.
///
/// # Errors
/// When they differ.
pub fn view(view: &ClientView<'_>, truth: &Truth, directory: &Directory) -> Result<(), Violation> {
    let Some(selection) = Selection::of(view.ask, directory) else { return Ok(()) };
    let broken = |why: String| {
        let detail =
            format!("what a client gathered of {}, at {}: {why}", shown(selection.prefix()), view.at.0);
        Err(Violation::new(Guarantee::ListAndEventsAreTheStore, detail))
    };
    let mut found = 0;
    for stored in selection.at(truth, view.at) {
        let metadata = |field: &str| stored.object.text_at(&["metadata", field]).into();
        match view.objects.get(&(metadata("namespace"), metadata("name"))) {
            None => return broken(format!("{} of {} is missing", shown(&stored.key), stored.revision.0)),
            Some(object) if !is_stored(object, stored) => {
                let seen = object.text_at(&["metadata", "resourceVersion"]);
                return broken(format!(
                    "{} is of {seen} and should be of {}",
                    shown(&stored.key),
                    stored.revision.0
                ));
            }
            Some(_) => found += 1,
        }
    }
    if found == view.objects.len() {
        return Ok(());
    }
    let names: Vec<&str> = view.objects.keys().map(|(_, name)| name.as_str()).collect();
    broken(format!("of {} only {found} should be there", names.join(", ")))
}
