//! A client that creates, reads, changes and deletes, and holds every answer against the truth.

use super::{Ask, NAMESPACE, Next, PLACE, PREFIX, Sight};
use crate::check::{Guarantee, Violation, content, split};
use crate::driver::Reply;
use std::collections::BTreeSet;
use steersman_core::codec::json;
use steersman_core::store::Rev;
use steersman_core::value::Value;

/// Few names, so that writers meet.
const NAMES: u64 = 5;
const PAUSE_MILLIS_MAX: u64 = 400;

#[derive(Clone, Debug)]
pub struct Writer {
    stream: String,
    /// Writes so far; each puts its number into the object.
    count: u64,
    doing: Doing,
    /// Every uid that this writer saw made.
    uids: BTreeSet<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Doing {
    Nothing,
    Create(String),
    Read(String),
    Patch(String),
    /// A PUT with the resource version that was read.
    Put(String),
    Delete(String),
}

impl Writer {
    pub fn new(number: u64) -> Self {
        Self { stream: format!("writer{number}"), count: 0, doing: Doing::Nothing, uids: BTreeSet::new() }
    }

    pub(super) fn wake(&mut self, sight: &mut Sight<'_>) -> Next {
        if sight.calm {
            self.doing = Doing::Nothing;
            return Next::Listen;
        }
        let name = format!("c{}", sight.chooser.pick(&self.stream, NAMES));
        self.count += 1;
        let (doing, ask) = match sight.chooser.pick(&self.stream, 8) {
            0 | 1 => (Doing::Create(name.clone()), self.create(&name)),
            2 | 3 => (Doing::Patch(name.clone()), self.patch(&name, sight)),
            4 => (Doing::Delete(name.clone()), ask("DELETE", &format!("{PLACE}/{name}"), String::new())),
            5 => (Doing::Put(name.clone()), self.put(&name, sight)),
            _ => (Doing::Read(name.clone()), ask("GET", &format!("{PLACE}/{name}"), String::new())),
        };
        self.doing = doing;
        Next::Ask(ask)
    }

    fn object(&self, name: &str, version: &str) -> String {
        let labels = format!(r#"{{"parity":"{}"}}"#, self.count % 2);
        let by = &self.stream;
        format!(
            r#"{{"metadata":{{"name":"{name}","namespace":"{NAMESPACE}","labels":{labels}{version}}},"data":{{"by":"{by}-{}"}}}}"#,
            self.count
        )
    }

    fn create(&self, name: &str) -> Ask {
        ask("POST", PLACE, self.object(name, ""))
    }

    fn patch(&self, name: &str, sight: &mut Sight<'_>) -> Ask {
        let parity = sight.chooser.pick(&self.stream, 2);
        let body = format!(
            r#"{{"metadata":{{"labels":{{"parity":"{parity}"}}}},"data":{{"p":"{}"}}}}"#,
            self.count % 3
        );
        Ask { content_type: "application/merge-patch+json", ..ask("PATCH", &format!("{PLACE}/{name}"), body) }
    }

    /// Insists on the version that the store holds now; by the time it arrives it may be an old one.
    fn put(&self, name: &str, sight: &mut Sight<'_>) -> Ask {
        let key = [PREFIX, name.as_bytes()].concat();
        let held = sight.truth.at(&key, sight.truth.revision());
        let version = held.map_or(String::new(), |(since, _)| format!(r#","resourceVersion":"{}""#, since.0));
        ask("PUT", &format!("{PLACE}/{name}"), self.object(name, &version))
    }

    pub(super) fn answered(&mut self, reply: &Reply, sight: &mut Sight<'_>) -> Result<Next, Violation> {
        let doing = std::mem::replace(&mut self.doing, Doing::Nothing);
        let window = (sight.asked_at, sight.truth.revision());
        let object = json::parse(&reply.body).map_or(Value::Null, |parsed| parsed.value);
        match (&doing, reply.status) {
            (Doing::Create(name) | Doing::Patch(name) | Doing::Put(name), 200 | 201) => {
                written(sight, name, &object)?;
                let uid = object.text_at(&["metadata", "uid"]).to_owned();
                if matches!(doing, Doing::Create(_)) && !self.uids.insert(uid.clone()) {
                    return Err(Violation::new(
                        Guarantee::UidsAreUnique,
                        format!("{name}: {uid} was made twice"),
                    ));
                }
            }
            (Doing::Read(name), 200) => read(sight, name, Some(&object), window)?,
            (Doing::Read(name), 404) => read(sight, name, None, window)?,
            (Doing::Delete(name), 200) => deleted(sight, name, window)?,
            _ => {}
        }
        Ok(self.pause(sight))
    }

    pub(super) fn broken(&mut self, sight: &mut Sight<'_>) -> Next {
        self.doing = Doing::Nothing;
        self.pause(sight)
    }

    fn pause(&self, sight: &mut Sight<'_>) -> Next {
        Next::Sleep(1 + sight.chooser.pick(&self.stream, PAUSE_MILLIS_MAX))
    }
}

fn ask(method: &'static str, target: &str, body: String) -> Ask {
    Ask {
        method,
        target: target.to_owned(),
        content_type: "application/json",
        body: body.into_bytes(),
        watch: false,
    }
}

fn key(name: &str) -> Vec<u8> {
    [PREFIX, name.as_bytes()].concat()
}

/// The object of a write's answer is what the store got at its revision.
fn written(sight: &Sight<'_>, name: &str, object: &Value) -> Result<(), Violation> {
    let (_, revision, rest) = split(object);
    let stored = sight.truth.at(&key(name), revision);
    let same = stored.is_some_and(|(since, value)| since == revision && content(value) == rest);
    if same {
        return Ok(());
    }
    let detail =
        format!("{name}@{} was answered, the store held {:?}", revision.0, stored.map(|(since, _)| since.0));
    Err(Violation::new(Guarantee::WritesAreWhatIsStored, detail))
}

/// At some revision of the window the key held what was read, or nothing where nothing was.
fn read(sight: &Sight<'_>, name: &str, object: Option<&Value>, window: (Rev, Rev)) -> Result<(), Violation> {
    let key = key(name);
    let wanted = object.map(split);
    let explained =
        (window.0.0..=window.1.0).any(|revision| match (sight.truth.at(&key, Rev(revision)), &wanted) {
            (None, None) => true,
            (Some((since, value)), Some((_, at, rest))) => since == *at && content(value) == *rest,
            (Some(_), None) | (None, Some(_)) => false,
        });
    if explained {
        return Ok(());
    }
    let seen = wanted.map_or("nothing".to_owned(), |(_, at, _)| format!("{}", at.0));
    let detail = format!("{name}: {seen} was read, between revisions {} and {}", window.0.0, window.1.0);
    Err(Violation::new(Guarantee::ReadsAreLinearizable, detail))
}

/// The key was written or deleted while the deletion was under way.
fn deleted(sight: &Sight<'_>, name: &str, window: (Rev, Rev)) -> Result<(), Violation> {
    if sight.truth.changes(&key(name), window.0, window.1) > 0 {
        return Ok(());
    }
    let detail = format!("{name} was told to be deleted between {} and {}", window.0.0, window.1.0);
    Err(Violation::new(Guarantee::WritesAreWhatIsStored, detail))
}
