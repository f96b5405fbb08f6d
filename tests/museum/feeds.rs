//! Exhibits of what a store sends.

use super::{KEYS, PLACE, make, relabel, server, stored};
use crate::conditions::{fetch, json, version};
use steersman_core::config::Note;
use steersman_core::machine::Input;
use steersman_core::museum::Flaw;
use steersman_core::store::{Batch, Event, EventType, Feed, KeyValue, Rev};

pub(super) fn old_events_applied(flaw: Flaw) -> bool {
    let mut driver = server(flaw);
    let first = Rev(version(&make(&mut driver, "a", "old")));
    let value = stored(&driver, "a").into();
    relabel(&mut driver, "a", "new");
    let kv = KeyValue { key: format!("{KEYS}a").into(), value, mod_revision: first, ..KeyValue::default() };
    let event = Event { kind: EventType::Put, kv, previous: None };
    driver.give(Input::Changed(Batch { feed: Feed(0), events: vec![event], revision: first }.into()));
    let told = driver.notes.iter().any(|note| matches!(note, Note::OldEvents { events: 1, .. }));
    assert!(told, "operators are told: {:?}", driver.notes);
    let held = json(&fetch(&mut driver, &format!("{PLACE}/a?resourceVersion=0")));
    held["metadata"]["labels"]["l"] == "old"
}
