//! EventRateLimit: no more events are written in a while than the configuration allows, for the server, for each
//! namespace, user, or source and object.
//! k8s: plugin/pkg/admission/eventratelimit/{admission,limitenforcer}.go

use super::chain::{AdmissionPlugin, Opinion, Said};
use super::{AdmissionAttributes, AdmissionOperation};
use crate::config::{EventLimit, EventLimitType};
use crate::question::{Question, Reply};
use crate::status::Failure;
use crate::value::{Text, Value};
use crate::world::World;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

pub(super) const PLUGIN: AdmissionPlugin = AdmissionPlugin { validate, ..AdmissionPlugin::IDLE };

fn validate(
    world: &World,
    attributes: &AdmissionAttributes<'_>,
    object: &Value,
    found: Option<Reply>,
    _said: &mut Said,
) -> Result<Opinion, Failure> {
    let is_write = attributes.operation != AdmissionOperation::Delete;
    let kind = attributes.resource;
    if !is_write || kind.kind != "Event" || !kind.group.is_empty() || attributes.dry_run {
        return Ok(Opinion::Admitted);
    }
    let limits = &world.config.admission.plugins.event_limits;
    let keys = limits.iter().map(|limit| key(limit.kind, attributes, object));
    let Some(Reply::Taken(taken)) = found else {
        return Ok(Opinion::Needs(Question::Take(keys.collect())));
    };
    let exhausted = limits.iter().zip(keys).zip(taken).filter(|(_, taken)| !taken);
    let said = |((limit, key), _): ((&EventLimit, Text), bool)| {
        format!("limit reached on type {} for key {key}", limit.kind.word())
    };
    let said: Vec<String> = exhausted.map(said).collect();
    match said.as_slice() {
        [] => Ok(Opinion::Admitted),
        [one] => Err(Failure::rate_limited(&format!("Too many requests: {one}"))),
        several => Err(Failure::rate_limited(&format!("Too many requests: [{}]", several.join(", ")))),
    }
}

/// Under which name an event is counted for a limit.
fn key(kind: EventLimitType, attributes: &AdmissionAttributes<'_>, event: &Value) -> Text {
    match kind {
        EventLimitType::Server => Text::default(),
        EventLimitType::Namespace => attributes.namespace.into(),
        EventLimitType::User => attributes.caller.name.as_str().into(),
        EventLimitType::SourceAndObject => {
            const PARTS: [[&str; 2]; 7] = [
                ["source", "component"],
                ["source", "host"],
                ["involvedObject", "kind"],
                ["involvedObject", "namespace"],
                ["involvedObject", "name"],
                ["involvedObject", "uid"],
                ["involvedObject", "apiVersion"],
            ];
            let mut key = String::new();
            for path in &PARTS {
                key.push_str(event.text_at(path));
            }
            key.into()
        }
    }
}
