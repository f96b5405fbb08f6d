//! Objects in the version that a converter makes, and what its failures do.

use super::{CheckedAnswer, Guarantee, Violation};
use crate::client::{WatchEvent, WatchEventKind};
use crate::client_request::{Action, ClientRequest};
use crate::testbed::{KIND_PLACE, OTHER_KIND_PLACE};
use crate::truth::Truth;
use steersman_core::store::Rev;
use steersman_core::value::{Value, object};

/// How upstream's sentences about converters begin.
pub const FAILED: &str = "conversion webhook for ";

/// Checks an answer of the kind that has two versions.
pub(super) fn check(answer: &CheckedAnswer<'_>) -> Result<(), Violation> {
    let Some(is_other) = version(answer.ask) else { return Ok(()) };
    if answer.reply.status >= 300 {
        let is_failure = answer.body.text_at(&["message"]).starts_with(FAILED);
        return match is_failure && !is_other {
            true => Err(answer.broken(Guarantee::ConvertersStopNobodyElse, "it is the stored version")),
            false => Ok(()),
        };
    }
    let items = answer.body.field("items").and_then(Value::as_list);
    let objects = items.unwrap_or(core::slice::from_ref(&answer.body));
    for held in objects.iter().filter(|_| is_other) {
        is_of_stored(held, answer.truth)
            .map_err(|why| answer.broken(Guarantee::VersionsAreOfOneObject, why))?;
    }
    Ok(())
}

/// Checks an event of a watch of the kind.
pub fn watched(ask: &ClientRequest, event: &WatchEvent, truth: &Truth) -> Result<(), Violation> {
    let Some(is_other) = version(ask) else { return Ok(()) };
    let broken = |guarantee, why: String| Err(Violation::new(guarantee, why));
    match event.kind {
        WatchEventKind::Error if event.object.text_at(&["message"]).starts_with(FAILED) => match is_other {
            true => Ok(()),
            false => {
                broken(Guarantee::ConvertersStopNobodyElse, "a watch of the stored version ends".to_owned())
            }
        },
        WatchEventKind::Added | WatchEventKind::Modified if is_other => {
            match is_of_stored(&event.object, truth) {
                Ok(()) => Ok(()),
                Err(why) => broken(Guarantee::VersionsAreOfOneObject, why),
            }
        }
        WatchEventKind::Added
        | WatchEventKind::Modified
        | WatchEventKind::Deleted
        | WatchEventKind::Bookmark
        | WatchEventKind::Error => Ok(()),
    }
}

/// Whether a request is of the version that is converted; None if it is not of the kind.
fn version(ask: &ClientRequest) -> Option<bool> {
    let Action::Raw(_, target) = &ask.action else { return None };
    if target.starts_with(OTHER_KIND_PLACE) {
        return Some(true);
    }
    target.starts_with(KIND_PLACE).then_some(false)
}

/// Compares an object of the other version with the stored one of its revision.
fn is_of_stored(shown: &Value, truth: &Truth) -> Result<(), String> {
    if object::kind(shown) != "Widget" {
        return Ok(());
    }
    let (name, version) = (object::name(shown), object::resource_version(shown));
    let key = format!("/registry/example.com/widgets/default/{name}");
    let revision =
        Rev(version.parse().map_err(|_| format!("{name} has the resource version {version:?}"))?);
    let stored = truth.at(key.as_bytes(), revision).filter(|stored| stored.revision == revision);
    let stored = stored.ok_or_else(|| format!("nothing was stored as {name} at {version}"))?;
    if object::api_version(shown) != "example.com/v2" || shown.at(&["spec", "color"]).is_some() {
        return Err(format!("{name} at {version} is not of its version"));
    }
    if object::uid(shown) != object::uid(&stored.object) {
        return Err(format!("{name} at {version} is another object"));
    }
    // A schema may have no such field, or a default for it.
    let shade = shown.text_at(&["spec", "shade"]);
    let color = stored.object.text_at(&["spec", "color"]);
    let fits = shade.is_empty() || shade == color || color.is_empty() && shade == "red";
    if fits {
        Ok(())
    } else {
        Err(format!("{name} at {version} has the shade {shade:?} and the color {color:?}"))
    }
}
