//! Tests every kind of client with one healthy server: each must make progress and come to rest.

use super::{
    Client, ClientClass, ClientContext, ClientKind, Next, WatchEvent, WatchEventKind, reading, selection,
};
use crate::choose::Chooser;
use crate::client_request::{Action, ClientRequest, VersionChoice};
use crate::directory::Directory;
use crate::driver::{Driver, Reply, open_config};
use crate::marks::{Mark, Marks};
use crate::truth::Truth;
use crate::users;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use steersman_core::codec::json;
use steersman_core::config::{Authorizer, JobId, Note};
use steersman_core::kinds::Registry;
use steersman_core::machine::Input;
use steersman_core::now::Mono;
use steersman_core::store::{Op, Rev};
use steersman_core::world::World;

/// One server, its store and what clients share. A request takes a few milliseconds, an answer none.
struct Place {
    driver: Driver,
    directory: Directory,
    truth: Truth,
    chooser: Chooser,
    marks: Marks,
    calm: bool,
    last_job: u64,
}

struct Actor {
    client: Box<dyn Client>,
    kind: ClientKind,
    number: u64,
    turn: u64,
    due: Option<(Mono, Due)>,
    open: Option<JobId>,
    partial: Vec<u8>,
    /// How often each status came, by verb.
    statuses: BTreeMap<(String, u16), u64>,
}

#[derive(Debug)]
enum Due {
    Wake,
    Ask(Box<ClientRequest>),
}

impl Place {
    fn new(seed: u64) -> Self {
        let mut config = open_config(seed);
        config.event_ttl_seconds = 8;
        config.authentication.tokens = users::tokens();
        config.authorization = vec![Authorizer::Rbac, Authorizer::AlwaysAllow];
        config.denials = users::denials(false);
        let world = World::new(Arc::new(config.clone()), Arc::new(Registry::builtin()));
        let mut place = Self {
            driver: Driver::start(config),
            directory: Directory::new(&Arc::new(world)),
            truth: Truth::default(),
            chooser: Chooser::from_seed(seed),
            marks: Marks::default(),
            calm: false,
            last_job: 1 << 32,
        };
        place.note();
        place
    }

    fn now(&self) -> Mono {
        self.driver.now().mono
    }

    fn note(&mut self) {
        let (from, to) = (self.truth.revision(), self.driver.etcd().mvcc().revision());
        if from < to {
            let mvcc = self.driver.etcd().mvcc();
            let events = mvcc.events_between(from, to, &"/".into(), Some(&"0".into()));
            let events = events.expect("nothing unseen is compacted");
            self.truth.note(&events, to);
        }
    }

    /// Lets a client react to an answer or event.
    fn with(&mut self, actor: &mut Actor, act: impl FnOnce(&mut dyn Client, &mut ClientContext<'_>) -> Next) {
        let now = self.now();
        let mut context = ClientContext {
            chooser: &mut self.chooser,
            marks: &mut self.marks,
            directory: &self.directory,
            truth: &self.truth,
            now,
            client: actor.number,
            turn: actor.turn,
            calm: self.calm,
        };
        let next = act(&mut *actor.client, &mut context);
        let gone = match next {
            Next::Listen => None,
            Next::Sleep(millis) => {
                actor.due = Some((now.plus_millis(millis.max(1)), Due::Wake));
                actor.open.take()
            }
            Next::Ask(ask) => {
                actor.due = Some((now.plus_millis(1 + actor.number % 4), Due::Ask(ask)));
                actor.open.take()
            }
        };
        if let Some(id) = gone {
            self.driver.give(Input::Gone(id));
        }
    }

    fn ask(&mut self, actor: &mut Actor, ask: &ClientRequest) {
        self.last_job += 1;
        let id = JobId(self.last_job);
        self.driver.request(id, ask.to_request(&self.directory), ask.body.clone());
        let mut reply = self.driver.take(id);
        if reply.is_none() {
            self.driver.pass(3_000);
            reply = self.driver.take(id);
        }
        self.note();
        let mut reply = reply.unwrap_or_else(|| panic!("{ask:?} is answered"));
        let mut is_open = self.driver.is_open(id);
        if self.forgets(ask) {
            self.driver.give(Input::Gone(id));
            is_open = false;
            reply = Reply::new(410, Vec::new(), Vec::new());
        }
        let verb = match &ask.action {
            Action::Raw(method, _) => method.clone(),
            verb => format!("{verb:?}"),
        };
        *actor.statuses.entry((verb, reply.status)).or_default() += 1;
        let begin = if is_open { reply.clone().split().0 } else { reply.clone() };
        if is_open {
            actor.open = Some(id);
            actor.partial.clear();
        }
        self.with(actor, |client, context| client.answered(&begin, context));
        if is_open {
            self.events(actor, &reply.body);
        }
    }

    /// Whether the answer to a resumed watch, or to a page after the first, is replaced by a 410, since a healthy
    /// server does not forget history so soon.
    fn forgets(&mut self, ask: &ClientRequest) -> bool {
        let goes_on =
            ask.is_watch() && ask.options.version != VersionChoice::Unset && !ask.options.send_initial_events
                || !ask.options.continue_token.is_empty();
        goes_on && !self.calm && self.last_job.is_multiple_of(5)
    }

    fn events(&mut self, actor: &mut Actor, bytes: &[u8]) {
        actor.partial.extend_from_slice(bytes);
        while let Some(end) = actor.partial.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = actor.partial.drain(..=end).collect();
            if actor.open.is_none() {
                return;
            }
            let event = event(&line);
            self.with(actor, |client, context| client.event(&event, context));
            compare(actor, &self.truth, &self.directory);
        }
    }

    /// Delivers the events that an open watch has received.
    fn deliver(&mut self, actor: &mut Actor) {
        let Some(id) = actor.open else { return };
        let reply = self.driver.take(id).unwrap_or_default();
        self.events(actor, &reply.body);
        if actor.open.is_some() && !self.driver.is_open(id) {
            actor.open = None;
            self.with(actor, |client, context| client.broken(context));
        }
    }

    fn run(&mut self, actors: &mut [Actor], millis: u64) {
        let until = self.now().plus_millis(millis);
        for step in 0_u64.. {
            let next =
                actors.iter().enumerate().filter_map(|(index, actor)| Some((actor.due.as_ref()?.0, index)));
            let Some((at, index)) = next.min().filter(|(at, _)| *at < until) else { break };
            self.driver.pass(at.micros_since(self.now()) / 1000);
            self.note();
            let actor = &mut actors[index];
            match actor.due.take() {
                Some((_, Due::Wake)) => {
                    actor.turn += 1;
                    self.with(actor, |client, context| client.wake(context));
                }
                Some((_, Due::Ask(ask))) => self.ask(actor, &ask),
                None => {}
            }
            for actor in &mut *actors {
                self.deliver(actor);
            }
            if !self.calm && step % 101 == 100 {
                let (now, revision) = (self.now(), self.truth.revision());
                self.driver.etcd_mut().perform(now, &Op::Compact(revision));
            }
            let unlucky = actors.get_mut((step % 23) as usize).filter(|_| !self.calm && step % 7 == 6);
            if let Some((actor, id)) = unlucky.and_then(|actor| actor.open.take().map(|id| (actor, id))) {
                self.driver.give(Input::Gone(id));
                self.with(actor, |client, context| client.broken(context));
            }
        }
        self.driver.pass(until.micros_since(self.now()) / 1000);
        self.note();
        for actor in actors {
            self.deliver(actor);
        }
    }
}

fn event(line: &[u8]) -> WatchEvent {
    let parsed = json::parse(line).expect("a frame is JSON").value;
    let kind = match parsed.text_at(&["type"]) {
        "ADDED" => WatchEventKind::Added,
        "MODIFIED" => WatchEventKind::Modified,
        "DELETED" => WatchEventKind::Deleted,
        "BOOKMARK" => WatchEventKind::Bookmark,
        "ERROR" => WatchEventKind::Error,
        other => panic!("{other} is no event"),
    };
    let object = parsed.field("object").cloned().unwrap_or_default();
    let (namespace, name) = reading::key(&object);
    let bytes = bytes::Bytes::copy_from_slice(line);
    WatchEvent { kind, revision: reading::revision(&object), object, namespace, name, bytes }
}

/// Compares a client's copy with the store. If one revision changed several keys, as when a lease expires, some of
/// its events may still be to come; those keys are as before it.
fn compare(actor: &Actor, truth: &Truth, directory: &Directory) {
    let Some(view) = actor.client.view() else { return };
    let held: BTreeMap<_, _> =
        view.objects.iter().map(|(key, object)| (key.clone(), reading::revision(object))).collect();
    let wanted = |at: Rev| -> BTreeMap<_, _> {
        let selected = selection::selected(truth, directory, view.ask, at);
        selected.into_iter().map(|(key, stored)| (key, stored.revision)).collect()
    };
    let now = wanted(view.at);
    if held == now {
        return;
    }
    let before = wanted(Rev(view.at.0 - 1));
    let keys: BTreeSet<_> = held.keys().chain(now.keys()).chain(before.keys()).collect();
    for key in keys {
        let fits = held.get(key) == now.get(key) || held.get(key) == before.get(key);
        let number = actor.number;
        assert!(fits, "{} {number} at {:?}, {key:?}: {held:?}, {now:?}", actor.kind.name(), view.at);
    }
}

fn actors(place: &Place, kinds: impl Iterator<Item = ClientKind>) -> Vec<Actor> {
    kinds
        .zip(0_u64..)
        .map(|(kind, number)| Actor {
            client: kind.make(&place.directory, number),
            kind,
            number,
            turn: 0,
            due: Some((place.now().plus_millis(1 + number), Due::Wake)),
            open: None,
            partial: Vec::new(),
            statuses: BTreeMap::new(),
        })
        .collect()
}

fn settled(place: &mut Place, actors: &[Actor]) {
    for actor in actors {
        let mut marks = Marks::default();
        let context = ClientContext {
            chooser: &mut place.chooser,
            marks: &mut marks,
            directory: &place.directory,
            truth: &place.truth,
            now: place.driver.now().mono,
            client: actor.number,
            turn: actor.turn,
            calm: true,
        };
        if let Err(violation) = actor.client.settled(&context) {
            panic!("{} {}: {violation}", actor.kind.name(), actor.number);
        }
    }
}

#[test]
fn every_kind_makes_progress_and_comes_to_rest() {
    let mut marks = Marks::default();
    let mut statuses: BTreeMap<(ClientKind, String, u16), u64> = BTreeMap::new();
    for seed in 1..=2 {
        let mut place = Place::new(seed);
        let kinds = ClientKind::ALL.iter().flat_map(|kind| [*kind; 3]);
        let mut actors = actors(&place, kinds);
        place.run(&mut actors, 50_000);
        place.calm = true;
        place.run(&mut actors, 20_000);
        settled(&mut place, &actors);
        let terms: Vec<_> = actors.iter().filter_map(|actor| actor.client.leads()).collect();
        assert_eq!(terms.iter().collect::<BTreeSet<_>>().len(), terms.len(), "{terms:?}");
        let panicked = place.driver.notes.iter().any(|note| matches!(note, Note::Panicked { .. }));
        assert!(!panicked, "no step panics");
        marks.add(&place.marks);
        for actor in &actors {
            for ((verb, status), count) in &actor.statuses {
                *statuses.entry((actor.kind, verb.clone(), *status)).or_default() += count;
            }
        }
    }
    let mut told = String::new();
    for ((kind, verb, status), count) in &statuses {
        told += &format!("{:<18} {verb:<16} {status} {count}\n", kind.name());
    }
    let wanted = [
        Mark::ExpiredOnResume,
        Mark::CompactionDuringPagination,
        Mark::FiveConflicts,
        Mark::FinalizerReleased,
        Mark::LeadershipTaken,
        Mark::NamespaceGone,
        Mark::OrphanCollected,
        Mark::InitialEventsEnd,
        Mark::StrangerRefused,
        Mark::VerbDenied,
        Mark::CreationDeniedMidway,
        Mark::RightGiven,
    ];
    for mark in wanted {
        assert!(marks.count(mark) > 0, "{} is not reached:\n{told}", mark.name());
    }
    for kind in ClientKind::ALL {
        let succeeded: u64 = statuses
            .iter()
            .filter(|((held, _, status), _)| held == kind && (200..300).contains(status))
            .map(|(_, count)| count)
            .sum();
        // Strangers are refused, no server of this test serves the kind of customers, and there is no quota here, nor
        // anybody who allows petitioners anything.
        let is_let_in = !matches!(
            kind,
            ClientKind::Stranger | ClientKind::Customer | ClientKind::Accountant | ClientKind::Petitioner
        );
        assert_eq!(succeeded > 20, is_let_in, "{}: {succeeded}\n{told}", kind.name());
    }
    // Some malformed requests are answered with 500, as upstream answers them; a checker looks at their reasons.
    let internal: Vec<_> =
        statuses.keys().filter(|(kind, _, status)| *status == 500 && *kind != ClientKind::Raw).collect();
    assert!(internal.is_empty(), "nothing fails inside: {internal:?}");
}

#[test]
fn an_empty_tape_is_clients_that_do_nothing() {
    let mut place = Place::new(1);
    place.chooser = Chooser::from_tape(&crate::choose::Tape::default());
    let mut actors = actors(&place, ClientKind::ALL.iter().copied());
    let before = place.truth.revision();
    place.run(&mut actors, 20_000);
    let written: Vec<_> = place.truth.log()[place.truth.place_after(before)..].to_vec();
    assert!(written.is_empty(), "{written:?}");
}

/// Bookmarks advance a watch past changes that it does not select.
#[test]
fn bookmarks_run_ahead_of_what_is_selected() {
    let mut place = Place::new(1);
    place.chooser = Chooser::from_tape(&crate::choose::Tape::default());
    place.calm = true;
    let kinds = [ClientKind::Reflector, ClientKind::WatchList, ClientKind::Elector];
    let mut actors = actors(&place, kinds.into_iter());
    place.run(&mut actors, 150_000);
    settled(&mut place, &actors);
    assert!(place.marks.count(Mark::BookmarkAhead) >= 2, "{}", place.marks);
    let at = |actor: &Actor| actor.client.view().map(|view| view.at);
    assert!(actors[..2].iter().all(|actor| at(actor) > Some(Rev(20))), "both have come on");
}

#[test]
fn kinds_have_names_of_their_own() {
    let names: BTreeSet<&str> = ClientKind::ALL.iter().map(|kind| kind.name()).collect();
    assert_eq!(names.len(), ClientKind::ALL.len());
    let place = Place::new(1);
    for kind in ClientKind::ALL {
        assert_eq!(kind.make(&place.directory, 0).kind(), kind.name());
    }
    assert!(ClientKind::ALL.iter().any(|kind| kind.class() == ClientClass::Mandatory));
}
