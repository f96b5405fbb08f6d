//! Kinds that come and go while the server runs. A kind is served from the moment on at which all objects that its
//! prefix holds are known. When it goes, its watches end, and all that was kept for it is given back.
//! k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/customresource_handler.go

use super::handle::Own;
use super::pages::{PageRead, Pages};
use super::timers::Timer;
use super::{Effect, Machine};
use crate::config::{JobId, Note};
use crate::kinds::Definition;
use crate::limits;
use crate::museum::Mutant;
use crate::now::Now;
use crate::store::{Batch, EventType, Feed, KeyValue, Rev, Stored};
use crate::value::Text;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;

/// Why a watch ended, as its note says.
pub const KIND_GONE: &str = "the kind is no longer served";

/// A kind whose objects are being listed, so that it is not served yet.
#[derive(Debug)]
pub(super) struct Arriving {
    definition: Definition,
    feed: Feed,
    pages: Pages,
    /// The operation that reads the next page. None while the feed itself is being listed, and until the next attempt
    /// after a failed one.
    reading: Option<JobId>,
    /// What the feed had reached when the listing began. Changes after it are in `latest`.
    begun_at: Rev,
    /// The objects of the prefix as of a revision, once all pages were read.
    listed: Option<(Rev, Vec<KeyValue>)>,
    /// The last change of each key below the prefix since the listing began: the listing may be older than it.
    latest: BTreeMap<Bytes, (Rev, Option<KeyValue>)>,
}

impl Machine {
    /// Begins to serve a kind, as soon as its objects are known.
    pub(super) fn serve(&mut self, definition: Definition, out: &mut Vec<Effect>) {
        if let Err(why) = self.check_definition(&definition) {
            out.push(Effect::Note(Note::NotServed { resource: resource_of(&definition), why: why.into() }));
            return;
        }
        self.forget_arriving(&definition.group, &definition.plural);
        let (keys, feed) = self.world.place_of(&definition);
        let pages = Pages::new(feed, keys.prefix().clone(), self.config.bounds.relist_page);
        let arriving = Arriving {
            definition,
            feed,
            pages,
            reading: None,
            begun_at: Rev(0),
            listed: None,
            latest: BTreeMap::new(),
        };
        self.arriving.push(arriving);
        self.read_arriving(out);
    }

    fn check_definition(&self, definition: &Definition) -> Result<(), String> {
        let served = self.world.registry.len() + self.arriving.len();
        if served >= limits::SERVED_KINDS {
            return Err(alloc::format!("more than {} kinds", limits::SERVED_KINDS));
        }
        self.world.registry.check_names(definition)
    }

    /// Begins the listings that have not begun.
    pub(super) fn read_arriving(&mut self, out: &mut Vec<Effect>) {
        for index in 0..self.arriving.len() {
            let held = &self.arriving[index];
            let follows = self.feeds[usize::from(held.feed.0)].is_following();
            if held.has_begun() || !follows {
                continue;
            }
            let id = self.own_id(Own::Arrival);
            let held = &mut self.arriving[index];
            held.reading = Some(id);
            held.latest.clear();
            held.begun_at = self.world.revision(held.feed);
            held.pages.begin(id, out);
        }
    }

    /// Takes a page of the listing of a kind that arrives.
    pub(super) fn arrival_stored(&mut self, id: JobId, stored: Stored, now: Now, out: &mut Vec<Effect>) {
        let Some(held) = self.arriving.iter_mut().find(|held| held.reading == Some(id)) else {
            self.own.remove(&id);
            return;
        };
        match held.pages.take(id, stored, out) {
            PageRead::More => {}
            PageRead::Complete { revision, found } if revision >= held.begun_at => {
                self.own.remove(&id);
                held.reading = None;
                held.listed = Some((revision, found));
                self.settle_arriving(now, out);
            }
            // A listing from before it was asked for leaves a gap to the changes that were noted.
            incomplete @ (PageRead::Complete { .. } | PageRead::Failed(_)) => {
                self.own.remove(&id);
                held.reading = None;
                if let PageRead::Failed(why) = incomplete {
                    out.push(Effect::Note(Note::FeedLost { feed: held.feed, why }));
                }
                let at = now.mono.plus_millis(self.config.bounds.relist_pause_millis);
                self.timers.set(at, Timer::Arrival);
            }
        }
    }

    /// Notes what a batch changes below the prefixes of kinds that arrive.
    pub(super) fn note_arriving(&mut self, batch: &Batch) {
        for held in self.arriving.iter_mut().filter(|held| held.feed == batch.feed && held.has_begun()) {
            let below = batch.events.iter().filter(|event| event.kv.key.starts_with(held.pages.prefix()));
            for event in below {
                let new = match event.kind {
                    EventType::Put => Some(event.kv.clone()),
                    EventType::Delete => None,
                };
                held.latest.insert(event.kv.key.clone(), (event.kv.mod_revision, new));
            }
        }
    }

    /// Serves the kinds whose listing the feed has reached.
    pub(super) fn settle_arriving(&mut self, now: Now, out: &mut Vec<Effect>) {
        let is_known = |held: &Arriving, reached: Rev| {
            held.listed.as_ref().is_some_and(|(revision, _)| *revision <= reached)
        };
        let mut index = 0;
        while let Some(held) = self.arriving.get(index) {
            let reached = self.world.revision(held.feed);
            if !is_known(held, reached) {
                index += 1;
                continue;
            }
            let Arriving { definition, feed, listed, latest, .. } = self.arriving.remove(index);
            let (revision, found) = listed.unwrap_or_default();
            let found = newest(found, revision, latest);
            self.install(&definition, reached, now, out);
            let mut notes = Vec::new();
            Arc::make_mut(&mut self.world).apply(Batch::of_listing(feed, reached, found).into(), &mut notes);
            out.extend(notes.into_iter().map(Effect::Note));
            self.wake_fresh(feed, now, out);
        }
    }

    /// Begins the listings of the kinds of a feed anew that arrive: the feed has been listed from the start, so changes
    /// of their objects may have been missed.
    pub(super) fn restart_arriving(&mut self, feed: Feed, out: &mut Vec<Effect>) {
        for held in self.arriving.iter_mut().filter(|held| held.feed == feed) {
            if let Some(id) = held.reading.take() {
                self.own.remove(&id);
            }
            held.listed = None;
        }
        self.read_arriving(out);
    }

    /// Exchanges kinds for those of their changed definition, or serves new ones. If that cannot be, nothing changes.
    fn install(&mut self, definition: &Definition, since: Rev, now: Now, out: &mut Vec<Effect>) {
        let resource = resource_of(definition);
        match self.world.registry.prepare(definition) {
            Ok(new) => {
                self.withdraw_served(&definition.group, &definition.plural, now, out);
                let storage = Arc::make_mut(&mut self.world).serve(new, since);
                self.hub.add(storage, since);
                out.push(Effect::Note(Note::Served { resource, revision: since }));
            }
            Err(why) => out.push(Effect::Note(Note::NotServed { resource, why: why.into() })),
        }
    }

    /// Stops to serve a kind that came at run time, and ends its watches. Requests that are under way find it gone at
    /// their next step.
    pub(super) fn withdraw(&mut self, group: &str, plural: &str, now: Now, out: &mut Vec<Effect>) {
        if let Some(definition) = self.forget_arriving(group, plural) {
            out.push(Effect::Note(Note::Withdrawn { resource: resource_of(&definition) }));
        }
        self.withdraw_served(group, plural, now, out);
    }

    /// Gives up the listing of a kind that arrives.
    fn forget_arriving(&mut self, group: &str, plural: &str) -> Option<Definition> {
        let index = self.arriving.iter().position(|held| held.is_of(group, plural))?;
        let held = self.arriving.remove(index);
        if let Some(id) = held.reading {
            self.own.remove(&id);
        }
        Some(held.definition)
    }

    fn withdraw_served(&mut self, group: &str, plural: &str, now: Now, out: &mut Vec<Effect>) {
        let Some(kind) = self.world.registry.custom(group, plural).cloned() else { return };
        let Some(storage) = kind.storage else { return };
        if !self.config.flaw.is(Mutant::WatchSurvivesItsKind) {
            for id in self.hub.ids_of(storage) {
                self.end_watch(id, KIND_GONE, now, out);
            }
            self.hub.drop_group(storage);
        }
        Arc::make_mut(&mut self.world).withdraw(storage);
        out.push(Effect::Note(Note::Withdrawn { resource: kind.resource() }));
    }
}

impl Arriving {
    fn has_begun(&self) -> bool {
        self.reading.is_some() || self.listed.is_some()
    }

    fn is_of(&self, group: &str, plural: &str) -> bool {
        self.definition.group == group && self.definition.plural == plural
    }
}

/// The objects of a listing, with the changes that came after it.
fn newest(
    found: Vec<KeyValue>,
    listed: Rev,
    latest: BTreeMap<Bytes, (Rev, Option<KeyValue>)>,
) -> Vec<KeyValue> {
    let mut objects: BTreeMap<Bytes, KeyValue> = found.into_iter().map(|kv| (kv.key.clone(), kv)).collect();
    for (key, (_, change)) in latest.into_iter().filter(|(_, (revision, _))| *revision > listed) {
        match change {
            Some(kv) => objects.insert(key, kv),
            None => objects.remove(&key),
        };
    }
    objects.into_values().collect()
}

fn resource_of(definition: &Definition) -> Text {
    alloc::format!("{}.{}", definition.plural, definition.group).into()
}
