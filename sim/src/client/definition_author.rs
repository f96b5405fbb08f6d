//! A client that writes a definition, changes its schema, its rules and its versions, deletes it, and writes objects on
//! which the schema decides.

use super::{Client, ClientContext, IDLE_MILLIS, Next};
use crate::check::{DEFINITION, Guarantee, ServedLevels, Violation};
use crate::client_request::ClientRequest;
use crate::directory::{Directory, Place};
use crate::driver::Reply;
use crate::generate;
use crate::marks::Mark;
use std::collections::BTreeSet;
use steersman_core::kinds::KindId;
use steersman_core::now::Mono;

/// Levels are below this.
const LEVELS: u64 = 4;
/// How many objects there are.
const OBJECTS: u64 = 2;
/// How many changes of the definition `change` knows, and how many writes `write`.
const CHANGES: u64 = 4;
const WRITES: u64 = 7;
/// The longest time until every server decides by a definition, once faults have ended, milliseconds: a server serves
/// it when it has listed its objects, and the reply may have been lost once, which takes 5 s to be noticed and the
/// longest pause before the next attempt.
const SETTLED_MILLIS: u64 = 11_000;

/// A client that writes the definition, and objects of it.
#[derive(Clone, Debug)]
pub(super) struct DefinitionAuthor {
    definitions: KindId,
    /// The level of the write that is under way.
    asked: Option<u64>,
    /// Levels that were refused, and those that were stored.
    refused: BTreeSet<u64>,
    stored: BTreeSet<u64>,
    /// In the calm: the status of the last dry run that every author makes then.
    last: Option<u16>,
    /// What the definition was when this author looked last, and since when.
    wanted: Option<(ServedLevels, Mono)>,
}

impl DefinitionAuthor {
    pub(super) fn new(directory: &Directory) -> Self {
        Self {
            definitions: directory.find("apiextensions.k8s.io", "v1", "customresourcedefinitions"),
            asked: None,
            refused: BTreeSet::new(),
            stored: BTreeSet::new(),
            last: None,
            wanted: None,
        }
    }

    /// A change of the definition. Tapes name changes by these numbers, so new ones come last.
    fn change(&self, number: u64, context: &mut ClientContext<'_>) -> ClientRequest {
        let collection = Place::collection(self.definitions, "");
        let place = collection.named(DEFINITION);
        if number == 3 {
            return ClientRequest::delete(&place, "");
        }
        let versions = versions(context);
        match context.held(&place) {
            Some(_) => ClientRequest::merge_patch(&place, format!(r#"{{"spec":{{"versions":{versions}}}}}"#)),
            None => ClientRequest::create(&collection, definition(&versions)),
        }
    }

    /// A write on which the schema decides. Tapes name writes by these numbers, so new ones come last.
    fn write(&mut self, number: u64, context: &mut ClientContext<'_>) -> ClientRequest {
        let name = context.pick(OBJECTS);
        let level = context.pick(LEVELS);
        let version = context.one_of(&["v1", "v1", "v2"]);
        self.asked = (number < 6).then_some(level);
        match number {
            0 | 1 => create(version, &format!("level-{name}"), level, ""),
            2..6 => {
                let body = format!(r#"{{"spec":{{"level":{level}}}}}"#);
                let media = "application/merge-patch+json";
                ClientRequest { media, ..raw("PATCH", version, &format!("/level-{name}"), body) }
            }
            _ => raw("DELETE", version, &format!("/level-{name}"), String::new()),
        }
    }
}

fn raw(method: &str, version: &str, rest: &str, body: String) -> ClientRequest {
    let target = format!("/apis/author.example.com/{version}/levels{rest}");
    ClientRequest { body: body.into(), ..generate::raw(method, target) }
}

fn create(version: &str, name: &str, level: u64, query: &str) -> ClientRequest {
    let body = format!(
        r#"{{"apiVersion":"author.example.com/{version}","kind":"Level","metadata":{{"name":"{name}"}},"spec":{{"level":{level}}}}}"#
    );
    raw("POST", version, query, body)
}

/// The versions of the definition, as JSON: the second one is not always served. Each has a bound, or a rule.
fn versions(context: &mut ClientContext<'_>) -> String {
    let is_served = context.pick(2) == 1;
    let mut version = |name: &str, is_served: bool| {
        let most = context.pick(LEVELS);
        let bound = match context.pick(3) {
            0 => format!(r#""maximum":{most}"#),
            1 => format!(r#""x-kubernetes-validations":[{{"rule":"self <= {most}"}}]"#),
            _ => format!(r#""maximum":{LEVELS},"x-kubernetes-validations":[{{"rule":"self <= {most}"}}]"#),
        };
        let is_stored = name == "v1";
        format!(
            r#"{{"name":"{name}","served":{is_served},"storage":{is_stored},"schema":{{"openAPIV3Schema":{{"type":"object","properties":{{"spec":{{"type":"object","properties":{{"level":{{"type":"integer",{bound}}}}}}}}}}}}}}}"#
        )
    };
    format!("[{},{}]", version("v1", true), version("v2", is_served))
}

fn definition(versions: &str) -> String {
    format!(
        r#"{{"metadata":{{"name":"{DEFINITION}"}},"spec":{{"group":"author.example.com","scope":"Cluster","names":{{"plural":"levels","singular":"level","kind":"Level","listKind":"LevelList"}},"versions":{versions}}}}}"#
    )
}

impl Client for DefinitionAuthor {
    fn kind(&self) -> &'static str {
        "definition-author"
    }

    fn wake(&mut self, context: &mut ClientContext<'_>) -> Next {
        self.asked = None;
        let wanted = ServedLevels::wanted(context.truth);
        if self.wanted.as_ref().map(|(held, _)| held) != wanted.as_ref() {
            self.wanted = wanted.map(|wanted| (wanted, context.now));
        }
        if context.calm {
            return create("v1", "calm", LEVELS - 1, "?dryRun=All").into();
        }
        let number = match context.pick(1 + CHANGES + WRITES) {
            0 => return Next::Sleep(IDLE_MILLIS),
            drawn => drawn - 1,
        };
        match number.checked_sub(CHANGES) {
            None => self.change(number, context).into(),
            Some(write) => self.write(write, context).into(),
        }
    }

    fn answered(&mut self, reply: &Reply, context: &mut ClientContext<'_>) -> Next {
        if context.calm {
            self.last = Some(reply.status);
            return Next::Sleep(IDLE_MILLIS);
        }
        if let Some(level) = self.asked.take() {
            match reply.status {
                200..300 => {
                    if self.refused.remove(&level) {
                        context.mark(Mark::SchemaLoosened);
                    }
                    self.stored.insert(level);
                }
                422 => {
                    if self.stored.remove(&level) {
                        context.mark(Mark::SchemaTightened);
                    }
                    self.refused.insert(level);
                }
                _ => {}
            }
        }
        context.pause()
    }

    fn broken(&mut self, context: &mut ClientContext<'_>) -> Next {
        context.pause()
    }

    /// Long after the last change of the definition every server decides by the newest one.
    fn settled(&self, context: &ClientContext<'_>) -> Result<(), Violation> {
        let (Some(status), Some((wanted, since))) = (self.last, &self.wanted) else { return Ok(()) };
        if context.now.micros_since(*since) < SETTLED_MILLIS * 1000 {
            return Ok(());
        }
        let is_allowed = wanted.allows("v1", LEVELS - 1);
        if [201, 422].contains(&status) && is_allowed != (status == 201) {
            let detail = format!("a write that the schema allows ({is_allowed}) is answered with {status}");
            return Err(Violation::new(Guarantee::SchemasDecide, detail));
        }
        Ok(())
    }
}
