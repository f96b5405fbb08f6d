//! Who applies without force takes no field from another manager, and is told of conflicts that exist.

use super::{CheckedAnswer, Guarantee, Violation, shown};
use crate::client_request::{Action, ClientRequest};
use crate::truth::CommittedChange;
use std::collections::BTreeSet;
use steersman_core::value::{Value, object};

/// Fields by their managers: the entry's manager, operation, version and subresource, and the path in FieldsV1.
type Owned = BTreeSet<([String; 4], String)>;

pub(super) fn check(change: &CommittedChange, by: Option<&ClientRequest>) -> Result<(), Violation> {
    let (Some(old), Some(new), Some(by)) = (&change.old, &change.new, by) else { return Ok(()) };
    if by.action != Action::Patch || by.media != ClientRequest::APPLY || by.options.force {
        return Ok(());
    }
    let (before, after) = (owned(&old.object), owned(&new.object));
    let is_others = |(entry, _): &&([String; 4], String)| {
        let [manager, operation, ..] = entry;
        *manager != by.options.manager || operation != "Apply"
    };
    let Some((entry, path)) = before.iter().filter(is_others).find(|field| !after.contains(field)) else {
        return Ok(());
    };
    let detail = format!(
        "{} at {}: {} took {path} from {}",
        shown(&change.key),
        change.revision.0,
        by.options.manager,
        entry.join(" ")
    );
    Err(Violation::new(Guarantee::FieldsAreNotTaken, detail))
}

/// Whether a conflict is one of field managers.
pub(super) fn is_conflict(answer: &CheckedAnswer<'_>) -> bool {
    let causes = answer.body.at(&["details", "causes"]).and_then(Value::as_list).unwrap_or_default();
    causes.iter().any(|cause| cause.text_at(&["reason"]) == "FieldManagerConflict")
}

/// Checks that each conflict is with somebody who managed fields during the request.
pub(super) fn check_conflict(answer: &CheckedAnswer<'_>) -> Result<(), Violation> {
    let Some(key) = answer.ask.place.as_ref().and_then(|place| answer.directory.key(&place.sub(""))) else {
        return Ok(());
    };
    let message = answer.body.text_at(&["message"]);
    let is_named = |entry: &Value| message.contains(&format!("{:?}", entry.text_at(&["manager"])));
    let mut states = answer.truth.states(&key, answer.asked_at, answer.now()).flatten();
    if states.any(|stored| object::managed_fields(&stored.object).iter().any(is_named)) {
        return Ok(());
    }
    let detail = format!("nobody managed {}: {message}", shown(&key));
    Err(answer.broken(Guarantee::RefusalsAreTrue, detail))
}

fn owned(value: &Value) -> Owned {
    let mut owned = Owned::new();
    for entry in object::managed_fields(value) {
        let names = ["manager", "operation", "apiVersion", "subresource"];
        let names = names.map(|name| entry.text_at(&[name]).to_owned());
        collect(entry.field("fieldsV1").unwrap_or(&Value::Null), "", &names, &mut owned);
    }
    owned
}

fn collect(fields: &Value, path: &str, entry: &[String; 4], owned: &mut Owned) {
    for (name, below) in fields.as_map().into_iter().flat_map(steersman_core::value::Map::iter) {
        let path = format!("{path}/{name}");
        if below.as_map().is_none_or(|map| map.is_empty() || map.contains_key(".")) {
            owned.insert((entry.clone(), path.clone()));
        }
        collect(below, &path, entry, owned);
    }
}
