//! A client that lists and watches, as informers do, and compares itself with the truth after every event.

use super::{Ask, Next, PLACE, PREFIX, Sight};
use crate::check::{Guarantee, Objects, Violation, collection_at, difference, split};
use crate::driver::Reply;
use crate::truth::Truth;
use steersman_core::codec::json;
use steersman_core::store::Rev;
use steersman_core::value::Value;

const PAGE: u64 = 2;

#[derive(Clone, Debug)]
pub struct Reflector {
    stream: String,
    /// Only objects with this label value, where there is one.
    parity: Option<u64>,
    state: State,
    objects: Objects,
    /// The revision that `objects` is of.
    at: Rev,
    /// A line of the watch that has not come whole.
    partial: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Start,
    /// A list is under way: how it was asked for, its pages so far, and since when.
    Listing {
        form: ListForm,
        pages: Vec<Value>,
        began_at: Rev,
    },
    Opening,
    Watching,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ListForm {
    Newest,
    Paged,
    /// `resourceVersion=0`.
    Any,
}

impl Reflector {
    pub fn new(number: u64, parity: Option<u64>) -> Self {
        Self {
            stream: format!("reflector{number}"),
            parity,
            state: State::Start,
            objects: Objects::new(),
            at: Rev(0),
            partial: Vec::new(),
        }
    }

    pub(super) fn wake(&mut self, sight: &mut Sight<'_>) -> Next {
        self.list(sight)
    }

    fn selector(&self) -> String {
        self.parity.map_or(String::new(), |parity| format!("&labelSelector=parity%3D{parity}"))
    }

    fn list(&mut self, sight: &mut Sight<'_>) -> Next {
        let form = match sight.chooser.pick(&self.stream, 4) {
            0 | 1 => ListForm::Newest,
            2 => ListForm::Paged,
            _ => ListForm::Any,
        };
        self.state = State::Listing { form, pages: Vec::new(), began_at: sight.truth.revision() };
        let query = match form {
            ListForm::Newest => "x=1".to_owned(),
            ListForm::Paged => format!("limit={PAGE}"),
            ListForm::Any => "resourceVersion=0".to_owned(),
        };
        Next::Ask(self.get(&query, false))
    }

    fn get(&self, query: &str, watch: bool) -> Ask {
        let target = format!("{PLACE}?{query}{}", self.selector());
        Ask { method: "GET", target, content_type: "application/json", body: Vec::new(), watch }
    }

    fn watch(&mut self) -> Next {
        self.state = State::Opening;
        self.partial.clear();
        Next::Ask(self.get(&format!("watch=1&allowWatchBookmarks=true&resourceVersion={}", self.at.0), true))
    }

    pub(super) fn answered(&mut self, reply: &Reply, sight: &mut Sight<'_>) -> Result<Next, Violation> {
        match std::mem::replace(&mut self.state, State::Start) {
            State::Listing { form, pages, began_at } if reply.status == 200 => {
                self.page(reply, form, pages, began_at, sight)
            }
            State::Opening if reply.status == 200 => {
                self.state = State::Watching;
                self.events(&reply.body, sight)
            }
            State::Start | State::Listing { .. } | State::Opening | State::Watching => Ok(self.pause(sight)),
        }
    }

    fn page(
        &mut self,
        reply: &Reply,
        form: ListForm,
        mut pages: Vec<Value>,
        began_at: Rev,
        sight: &mut Sight<'_>,
    ) -> Result<Next, Violation> {
        let page = json::parse(&reply.body).map_or(Value::Null, |parsed| parsed.value);
        let next = page.text_at(&["metadata", "continue"]).to_owned();
        pages.push(page);
        if !next.is_empty() {
            self.state = State::Listing { form, pages, began_at };
            return Ok(Next::Ask(self.get(&format!("limit={PAGE}&continue={next}"), false)));
        }
        let revision =
            |page: &Value| page.text_at(&["metadata", "resourceVersion"]).parse().map_or(Rev(0), Rev);
        self.at = pages.first().map_or(Rev(0), revision);
        if let Some(other) = pages.iter().map(revision).find(|other| *other != self.at) {
            let detail = format!("pages of revisions {} and {}", self.at.0, other.0);
            return Err(Violation::new(Guarantee::ListsAreOfOneRevision, detail));
        }
        let items = pages.iter().filter_map(|page| page.field("items")?.as_list()).flatten();
        self.objects = items.map(split).map(|(name, at, rest)| (name, (at, rest))).collect();
        if form != ListForm::Any && self.at < began_at {
            let detail = format!("a list of revision {}, asked for at {}", self.at.0, began_at.0);
            return Err(Violation::new(Guarantee::ListsAreNotStale, detail));
        }
        self.compare(Guarantee::ListsAreOfOneRevision, sight.truth)?;
        Ok(self.watch())
    }

    /// Holds what the client has against the truth at its revision.
    fn compare(&self, guarantee: Guarantee, truth: &Truth) -> Result<(), Violation> {
        let mut wanted = collection_at(truth, PREFIX, self.at);
        if let Some(parity) = self.parity {
            let parity = parity.to_string();
            wanted.retain(|_, (_, value)| value.text_at(&["metadata", "labels", "parity"]) == parity);
        }
        match difference(&self.objects, &wanted) {
            None => Ok(()),
            Some(why) => Err(Violation::new(guarantee, format!("{} at {}: {why}", self.stream, self.at.0))),
        }
    }

    pub(super) fn events(&mut self, bytes: &[u8], sight: &mut Sight<'_>) -> Result<Next, Violation> {
        self.partial.extend_from_slice(bytes);
        while let Some(end) = self.partial.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.partial.drain(..=end).collect();
            let event = json::parse(&line).map_or(Value::Null, |parsed| parsed.value);
            let object = event.field("object").cloned().unwrap_or_default();
            let (name, revision, rest) = split(&object);
            match event.text_at(&["type"]) {
                "ADDED" | "MODIFIED" => {
                    self.objects.insert(name, (revision, rest));
                }
                "DELETED" => {
                    self.objects.remove(&name);
                }
                "BOOKMARK" => {}
                // 410, or whatever else: start over.
                _ => {
                    self.state = State::Start;
                    return Ok(self.pause(sight));
                }
            }
            if revision < self.at {
                let detail = format!("{}: an event of {} after {}", self.stream, revision.0, self.at.0);
                return Err(Violation::new(Guarantee::ListAndEventsAreTheStore, detail));
            }
            self.at = revision;
            self.compare(Guarantee::ListAndEventsAreTheStore, sight.truth)?;
        }
        Ok(Next::Listen)
    }

    /// Goes on from where it was, or lists anew.
    pub(super) fn broken(&mut self, sight: &mut Sight<'_>) -> Next {
        let resumes = matches!(self.state, State::Watching | State::Opening) && self.at > Rev(0);
        if resumes && sight.chooser.pick(&self.stream, 4) != 3 {
            return self.watch();
        }
        self.state = State::Start;
        self.pause(sight)
    }

    fn pause(&self, sight: &mut Sight<'_>) -> Next {
        Next::Sleep(1 + sight.chooser.pick(&self.stream, 200))
    }

    pub(super) fn settled(&self, truth: &Truth) -> Result<(), Violation> {
        if self.state != State::Watching {
            let detail = format!("{} does not watch", self.stream);
            return Err(Violation::new(Guarantee::EverybodyConverges, detail));
        }
        let newest = Self { at: truth.revision(), ..self.clone() };
        newest.compare(Guarantee::EverybodyConverges, truth)
    }
}
