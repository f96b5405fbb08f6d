//! GET of a collection: lists, and the start of watches.
//! k8s: staging/src/k8s.io/apiserver/pkg/endpoints/handlers/get.go, storage/cacher/cacher.go

use super::collection::DeleteCollection;
use super::{Answer, Ask, Next, Opening, Scene, State, fail, view};
use crate::answer::Items;
use crate::answer::Subscription;
use crate::answer::form::{Endpoint, Form};
use crate::answer::{self, EventForm, InitialEvents, ListMeta, Renderer};
use crate::answer::{Body, Response};
use crate::authorization::Target;
use crate::kinds::Verb;
use crate::museum::Mutant;
use crate::status::Failure;
use crate::store::key::{KeySpace, after, prefix_end};
use crate::store::{Feed, Op, Range, Ranged, Rev, StoreError, Stored, token};
use crate::value::Text;
use crate::wire::options::{
    DeleteOptions, IncludeObject, ListOptions, ListStart, VersionMatch, parse_resource_version,
};
use crate::world::cache::{Cache, Entry};
use crate::world::selection::Filter;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;

/// The state of a list, or of a watch that has not begun.
#[derive(Clone, Debug)]
pub(crate) struct List {
    pub(super) target: Target,
    form: Form,
    include: IncludeObject,
    options: ListOptions,
    filter: Filter,
    purpose: Purpose,
    phase: Phase,
}

/// What a list is made for.
#[derive(Clone, Debug)]
enum Purpose {
    /// The client gets it.
    Answer,
    /// What it holds is deleted, with these options.
    Deletion(Box<DeleteOptions>),
}

#[derive(Clone, Debug)]
enum Phase {
    /// The store was asked for its newest revision.
    Newest,
    /// The cache must reach the revision.
    Fresh(Rev),
    /// A past revision is being read from the store, page by page, until enough entries match.
    Past {
        revision: Rev,
        found: Vec<Arc<Entry>>,
        start: Bytes,
    },
    /// A watch that starts with the existing objects waits for the newest revision.
    WatchNewest,
    WatchFresh(Rev),
}

pub(super) fn begin(scene: &Scene<'_>, target: Target) -> Result<Next, Failure> {
    let form = Form::negotiate(&scene.call.request, Endpoint::List)?;
    let mut options = ListOptions::from_query(&scene.call.query)?;
    if !target.name().is_empty() {
        options.restrict_to_name(target.name())?;
    }
    let include = scene.call.include()?;
    let watch = target.verb() == Verb::Watch;
    let list = List::new(scene, target, form, options, include, Purpose::Answer)?;
    if watch { list.begin_watch(scene) } else { list.begin_list(scene) }
}

/// The list whose items a deletion of a collection deletes: a page, or as of a revision, where the client says so.
pub(super) fn begin_deletion(
    scene: &Scene<'_>,
    target: Target,
    form: Form,
    options: ListOptions,
    deletion: DeleteOptions,
) -> Result<Next, Failure> {
    let purpose = Purpose::Deletion(Box::new(deletion));
    List::new(scene, target, form, options, IncludeObject::Metadata, purpose)?.begin_list(scene)
}

/// The key-values of a resource at the newest revision are asked for by this: it reads nothing.
pub(super) fn newest_revision(prefix: &Bytes) -> Op {
    Op::Range(Range { key: prefix.clone(), count_only: true, ..Range::default() })
}

impl List {
    fn new(
        scene: &Scene<'_>,
        target: Target,
        form: Form,
        options: ListOptions,
        include: IncludeObject,
        purpose: Purpose,
    ) -> Result<Self, Failure> {
        let resource = target.resource();
        let cache = scene.cache(resource)?;
        let labels = options.label_selector.clone();
        let filter =
            Filter::new(resource, cache, target.namespace(), target.name(), labels, &options.field_selector)
                .map_err(Failure::bad_request)?;
        Ok(Self { form, include, options, filter, target, purpose, phase: Phase::Newest })
    }

    pub(super) fn step(self: Box<Self>, scene: &Scene<'_>, answer: Answer) -> Result<Next, Failure> {
        let mut this = *self;
        let phase = core::mem::replace(&mut this.phase, Phase::Newest);
        match (phase, answer) {
            (Phase::Newest, answer) => {
                let revision = fail::ranged(answer)?.revision;
                this.when_fresh(scene, revision, Phase::Fresh(revision))
            }
            (Phase::WatchNewest, answer) => {
                let revision = fail::ranged(answer)?.revision;
                this.when_fresh(scene, revision, Phase::WatchFresh(revision))
            }
            (Phase::Fresh(_), Answer::Fresh) => this.answer_cached(scene, &[]),
            (Phase::WatchFresh(_), Answer::Fresh) => this.watch_existing(scene),
            (Phase::Fresh(revision) | Phase::WatchFresh(revision), _) => {
                Err(fail::too_large(revision, scene.world.revision(this.feed(scene)?)))
            }
            (Phase::Past { revision, found, start }, answer) => {
                this.past_read(scene, revision, found, &start, answer)
            }
        }
    }

    fn feed(&self, scene: &Scene<'_>) -> Result<Feed, Failure> {
        Ok(scene.collection(self.target.resource())?.feed)
    }

    fn prefix(&self, scene: &Scene<'_>) -> Result<Bytes, Failure> {
        Ok(scene.collection(self.target.resource())?.keys.namespace_prefix(self.target.namespace()))
    }

    fn wait(self, phase: Phase, ask: Ask) -> Result<Next, Failure> {
        Ok(Next::Wait(State::List(Box::new(Self { phase, ..self })), ask))
    }

    fn when_fresh(self, scene: &Scene<'_>, revision: Rev, phase: Phase) -> Result<Next, Failure> {
        let feed = self.feed(scene)?;
        if scene.world.revision(feed) < revision {
            return self.wait(phase, Ask::Fresh(feed, revision));
        }
        match phase {
            Phase::WatchNewest | Phase::WatchFresh(_) => self.watch_existing(scene),
            Phase::Newest | Phase::Fresh(_) | Phase::Past { .. } => self.answer_cached(scene, &[]),
        }
    }

    fn begin_list(self, scene: &Scene<'_>) -> Result<Next, Failure> {
        let prefix = self.prefix(scene)?;
        let feed = self.feed(scene)?;
        match self.options.list_start(&prefix)? {
            ListStart::Latest => self.wait(Phase::Newest, Ask::Store(feed, newest_revision(&prefix))),
            ListStart::Any => {
                let options = ListOptions { limit: 0, ..self.options };
                Self { options, ..self }.answer_cached(scene, &[])
            }
            ListStart::NotOlderThan(_) if scene.flaw().is(Mutant::StaleNotOlderThan) => {
                self.answer_cached(scene, &[])
            }
            ListStart::NotOlderThan(revision) => self.when_fresh(scene, revision, Phase::Fresh(revision)),
            ListStart::Exact(revision) => self.at_revision(scene, revision, prefix),
            ListStart::Continue { start, revision: Some(revision) }
                if scene.flaw().is(Mutant::PageOfNewest) =>
            {
                self.answer_at(scene, revision, &start)
            }
            ListStart::Continue { start, revision: Some(revision) } => {
                self.at_revision(scene, revision, start)
            }
            ListStart::Continue { start, revision: None } => self.answer_cached(scene, &start),
        }
    }

    /// Lists at a past revision. The cache can answer as long as the collection has not changed since.
    fn at_revision(self, scene: &Scene<'_>, revision: Rev, start: Bytes) -> Result<Next, Failure> {
        let resource = self.target.resource();
        let reached = scene.world.revision(self.feed(scene)?);
        if revision <= reached && scene.cache(resource)?.revision() <= revision {
            return self.answer_at(scene, revision, &start);
        }
        self.read_past(scene, revision, Vec::new(), start)
    }

    fn answer_cached(self, scene: &Scene<'_>, start: &[u8]) -> Result<Next, Failure> {
        let revision = scene.world.revision(self.feed(scene)?);
        self.answer_at(scene, revision, start)
    }

    fn limit(&self) -> usize {
        usize::try_from(self.options.limit).unwrap_or(0)
    }

    /// Answers from the cache, whose content is the collection as of the revision.
    fn answer_at(self, scene: &Scene<'_>, revision: Rev, start: &[u8]) -> Result<Next, Failure> {
        let resource = self.target.resource();
        let cache = scene.cache(resource)?;
        let keys = &scene.collection(resource)?.keys;
        let limit = self.limit();
        let is_as_of = cache.revision() <= revision || scene.flaw().is(Mutant::PageOfNewest);
        assert!(is_as_of, "the collection has not changed since the revision that the answer is of");
        scene.check_readable(resource, &self.filter.prefix(keys))?;
        if resource.converter.is_some() {
            return self.answer_converted(scene, revision, start);
        }
        let entries = cache.entries();
        if self.filter.is_run() {
            let ranks = entries.prefix_ranks(&self.filter.prefix(keys));
            let from = ranks.start.max(entries.rank(start)).min(ranks.end);
            let to = if limit == 0 { ranks.end } else { ranks.end.min(from.saturating_add(limit)) };
            let last =
                if to < ranks.end { to.checked_sub(1).and_then(|rank| entries.nth(rank)) } else { None };
            let next = last.map(|(key, _)| self.token(scene, key, revision)).transpose()?.unwrap_or_default();
            let remaining = (to < ranks.end).then_some((ranks.end - to) as u64);
            let meta = ListMeta { revision, next, remaining };
            return self.respond(scene, &meta, Items::Run(entries.cursor(from..to)));
        }
        let picked = self.filter.pick(cache, keys, start);
        let mut found: Vec<Arc<Entry>> = Vec::new();
        for entry in picked {
            found.push(entry.clone());
            if limit > 0 && found.len() == limit {
                break;
            }
        }
        let more = limit > 0 && found.len() == limit && self.goes_on_after(found.last(), keys, cache);
        let next = match found.last().filter(|_| more) {
            Some(last) => self.token(scene, last.key(), revision)?,
            None => Text::default(),
        };
        let meta = ListMeta { revision, next, remaining: None };
        self.respond(scene, &meta, Items::Picked(found.into_iter()))
    }

    /// As `answer_at`, of a kind whose objects a webhook converts: what they are selected by is theirs in the version
    /// of the request.
    fn answer_converted(self, scene: &Scene<'_>, revision: Rev, start: &[u8]) -> Result<Next, Failure> {
        let resource = self.target.resource();
        let cache = scene.cache(resource)?;
        let keys = &scene.collection(resource)?.keys;
        let (entries, limit) = (cache.entries(), self.limit());
        let ranks = entries.prefix_ranks(&self.filter.prefix(keys));
        let from = ranks.start.max(entries.rank(start)).min(ranks.end);
        let mut found: Vec<Arc<Entry>> = Vec::new();
        let mut looked_at = from;
        for (_, held) in entries.at_ranks(from..ranks.end) {
            if limit > 0 && found.len() == limit || scene.misses_enough() {
                break;
            }
            looked_at += 1;
            if !self.filter.may_match(held.entry()) {
                continue;
            }
            let entry = scene.in_version(held.entry(), resource)?;
            if self.filter.matches(&entry) {
                found.push(entry);
            }
        }
        let more = limit > 0 && found.len() == limit && looked_at < ranks.end;
        let next = match found.last().filter(|_| more) {
            Some(last) => self.token(scene, last.key(), revision)?,
            None => Text::default(),
        };
        let remaining = (more && self.filter.is_run()).then_some((ranks.end - looked_at) as u64);
        let meta = ListMeta { revision, next, remaining };
        self.respond(scene, &meta, Items::Picked(found.into_iter()))
    }

    /// Whether the collection has entries after this one, whether or not they match: upstream's pages have a continue
    /// token in that case too.
    fn goes_on_after(&self, last: Option<&Arc<Entry>>, keys: &KeySpace, cache: &Cache) -> bool {
        let ranks = cache.entries().prefix_ranks(&self.filter.prefix(keys));
        last.is_some_and(|last| cache.entries().rank(&after(last.key())) < ranks.end)
    }

    fn token(&self, scene: &Scene<'_>, last: &[u8], revision: Rev) -> Result<Text, Failure> {
        let token = token::encode(&after(last), &self.prefix(scene)?, revision.0 as i64);
        token.map(Text::from).ok_or_else(|| Failure::internal("a key outside of its list"))
    }

    fn respond(self, scene: &Scene<'_>, meta: &ListMeta, items: Items) -> Result<Next, Failure> {
        if let Purpose::Deletion(options) = self.purpose {
            let (listed, chosen) = (meta.clone(), items.collect());
            return DeleteCollection::new(self.target, self.form, self.filter, *options, listed, chosen)
                .next(scene);
        }
        let view = view::of_list(scene, &self.target, self.form, self.include)?;
        Ok(Next::Done(answer::list(&view, meta, items)))
    }

    fn read_past(
        self,
        scene: &Scene<'_>,
        revision: Rev,
        found: Vec<Arc<Entry>>,
        start: Bytes,
    ) -> Result<Next, Failure> {
        let feed = self.feed(scene)?;
        let most = scene.world.config.bounds.relist_page;
        let limit = if self.limit() == 0 { most } else { most.min(self.limit() as u64) };
        let range = Range {
            key: start.clone(),
            end: prefix_end(&self.prefix(scene)?),
            revision,
            limit,
            ..Range::default()
        };
        self.wait(Phase::Past { revision, found, start }, Ask::Store(feed, Op::Range(range)))
    }

    fn past_read(
        self,
        scene: &Scene<'_>,
        revision: Rev,
        mut found: Vec<Arc<Entry>>,
        start: &Bytes,
        answer: Answer,
    ) -> Result<Next, Failure> {
        let ranged = match answer {
            Answer::Stored(Stored::Failed(StoreError::Compacted { .. })) => {
                return Err(self.compacted(scene, start));
            }
            Answer::Stored(Stored::Failed(StoreError::FutureRevision { current })) => {
                return Err(fail::too_large(revision, current));
            }
            other => fail::ranged(other)?,
        };
        let Ranged { kvs, count, .. } = ranged;
        let more = count > kvs.len() as u64;
        let limit = self.limit();
        let mut last = None;
        for (index, kv) in kvs.into_iter().enumerate() {
            let key = kv.key.clone();
            let entry = scene.entry_of(self.target.resource(), kv)?;
            let entry = scene.in_version(&entry, self.target.resource())?;
            if self.filter.matches(&entry) {
                found.push(entry);
            }
            last = Some((key, index as u64 + 1));
            if limit > 0 && found.len() == limit {
                break;
            }
        }
        let full = limit > 0 && found.len() == limit;
        let Some((last, used)) = last else { return self.past_done(scene, revision, found, None, 0) };
        if !full && more {
            return self.read_past(scene, revision, found, after(&last));
        }
        let rest = count - used;
        self.past_done(scene, revision, found, (full && rest > 0).then_some(last), rest)
    }

    fn past_done(
        self,
        scene: &Scene<'_>,
        revision: Rev,
        found: Vec<Arc<Entry>>,
        last: Option<Bytes>,
        rest: u64,
    ) -> Result<Next, Failure> {
        let next = last.as_ref().map(|key| self.token(scene, key, revision)).transpose()?.unwrap_or_default();
        let remaining = (last.is_some() && self.filter.is_run()).then_some(rest);
        let meta = ListMeta { revision, next, remaining };
        self.respond(scene, &meta, Items::Picked(found.into_iter()))
    }

    /// The error for a page whose revision was compacted. The client may start over, or continue at the newest
    /// revision with the token in the error.
    /// k8s: staging/src/k8s.io/apiserver/pkg/storage/etcd3/errors.go
    fn compacted(&self, scene: &Scene<'_>, start: &[u8]) -> Failure {
        if self.options.continue_token.is_empty() {
            return fail::expired_list();
        }
        let token = self.prefix(scene).ok().and_then(|prefix| token::encode(start, &prefix, -1));
        let failure = Failure::expired(token::EXPIRED_MESSAGE);
        match token {
            Some(token) => failure.with_continue(token),
            None => failure,
        }
    }

    fn begin_watch(mut self, scene: &Scene<'_>) -> Result<Next, Failure> {
        let prefix = self.prefix(scene)?;
        let feed = self.feed(scene)?;
        let text = &self.options.resource_version;
        let revision = parse_resource_version(text).map_err(Failure::unclassified)?;
        self.form = self.form.streamed()?;
        let existing = match self.options.send_initial_events {
            Some(wanted) => wanted,
            None => revision == Rev(0),
        };
        match (existing, revision) {
            (true, Rev(0)) if text.is_empty() => {
                self.wait(Phase::WatchNewest, Ask::Store(feed, newest_revision(&prefix)))
            }
            (true, Rev(0)) => self.watch_existing(scene),
            (true, revision) => self.when_fresh(scene, revision, Phase::WatchFresh(revision)),
            (false, Rev(0)) => {
                let reached = scene.world.revision(feed);
                self.open(scene, reached, None)
            }
            (false, revision) => self.open(scene, revision, None),
        }
    }

    /// Opens a watch whose first events are the objects in the cache.
    fn watch_existing(self, scene: &Scene<'_>) -> Result<Next, Failure> {
        let resource = self.target.resource();
        let cache = scene.cache(resource)?;
        let keys = &scene.collection(resource)?.keys;
        scene.check_readable(resource, keys.prefix())?;
        let items = if resource.converter.is_some() {
            Items::Picked(self.existing_converted(scene, cache, keys)?.into_iter())
        } else if self.filter.is_run() {
            Items::Run(cache.entries().cursor(cache.entries().prefix_ranks(&self.filter.prefix(keys))))
        } else {
            Items::Picked(self.filter.pick(cache, keys, &[]).cloned().collect::<Vec<_>>().into_iter())
        };
        let reached = scene.world.revision(self.feed(scene)?);
        self.open(scene, reached, Some(items))
    }

    /// The selected objects in the version of the request, if a webhook converts them.
    fn existing_converted(
        &self,
        scene: &Scene<'_>,
        cache: &Cache,
        keys: &KeySpace,
    ) -> Result<Vec<Arc<Entry>>, Failure> {
        let resource = self.target.resource();
        let mut found = Vec::new();
        for (_, held) in cache.entries().prefix(&self.filter.prefix(keys)) {
            if scene.misses_enough() {
                break;
            }
            if self.filter.may_match(held.entry()) {
                found.push(scene.in_version(held.entry(), resource)?);
            }
        }
        found.retain(|entry| self.filter.matches(entry));
        Ok(found)
    }

    fn open(self, scene: &Scene<'_>, after: Rev, items: Option<Items>) -> Result<Next, Failure> {
        let resource = self.target.resource();
        let storage = resource.storage.ok_or_else(Failure::method_not_allowed)?;
        let form =
            EventForm { resource: resource.id, shape: self.form.representation, include: self.include };
        let bookmarks = self.options.allow_watch_bookmarks;
        let asked = scene.call.query.contains("sendInitialEvents");
        let ends_with_bookmark = items.is_some()
            && bookmarks
            && asked
            && self.options.resource_version_match == Some(VersionMatch::NotOlderThan);
        let renderer = Renderer::new(scene.world, scene.now.wall);
        let requested = parse_resource_version(&self.options.resource_version).unwrap_or_default();
        let bookmark_is_wrong = scene.flaw().is(Mutant::BookmarkOfRequestedRevision) && requested > Rev(0);
        let named = if bookmark_is_wrong { requested } else { after };
        let last = ends_with_bookmark.then(|| renderer.bookmark(form, named, true));
        let nothing_sent = items.as_ref().is_none_or(Items::is_empty);
        let items = items.unwrap_or_else(|| Items::Picked(Vec::new().into_iter()));
        let initial = InitialEvents::new(renderer, form, items, last);
        let response = Response {
            status: 200,
            headers: alloc::vec![("content-type".into(), self.form.content_type().into())],
            body: Body::Stream(initial),
        };
        let ends_at = scene.now.mono.plus_millis(self.watch_seconds(scene).saturating_mul(1000));
        let filter = self.filter;
        let is_converted = resource.converter.is_some();
        let subscription =
            Subscription { storage, filter, form, after, bookmarks, nothing_sent, ends_at, is_converted };
        Ok(Next::Stream(Box::new(Opening { response, subscription })))
    }

    /// How long the watch may last: as long as the client asked, or a random time from the minimum to twice that.
    fn watch_seconds(&self, scene: &Scene<'_>) -> u64 {
        match self
            .options
            .timeout_seconds
            .and_then(|seconds| u64::try_from(seconds).ok())
            .filter(|asked| *asked > 0)
        {
            Some(asked) => asked,
            None => {
                let least = scene.world.config.min_watch_seconds.max(1);
                least + scene.call.rng.fork("watch", 0).below(least)
            }
        }
    }
}
