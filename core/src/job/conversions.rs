//! Conversions by webhooks that the steps of a job need.
//!
//! A step does not wait in the middle. It looks up what it needs converted; what is not known yet is noted, and the
//! step goes on with something of no meaning. When it ends, its outcome is thrown away, the converter is asked for all
//! that was missing, and the same step is run again with the answers. So the verbs need no states for conversions, and
//! several objects are one review. A step has no effect before it has ended, so running it twice does no harm.
//! k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/customresource_handler.go
//! crdConversionRESTOptionsGetter

use super::{Answer, Known, Scene, State};
use crate::admission;
use crate::answer::Warnings;
use crate::codec::json;
use crate::conversion::{self, ConverterServer, ObjectConverter, Review};
use crate::kinds::{Converter, Kind, KindId};
use crate::limits;
use crate::rng::Rng;
use crate::schema::{decode, encode};
use crate::status::Failure;
use crate::store::{KeyValue, Rev};
use crate::value::Value;
use crate::wire::{CallOutcome, Outcall};
use crate::world::World;
use crate::world::cache::{Entry, set_version};
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;
use core::cell::Cell;
use core::fmt;

/// An object that is wanted in another version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Matter {
    to: KindId,
    /// As JSON, without a resource version.
    object: Bytes,
}

/// What a job knows of conversions, and what the step that is running misses.
#[derive(Debug, Default)]
pub(super) struct Conversions {
    /// Objects as they were converted, or why they were not.
    known: BTreeMap<Matter, Result<Value, String>>,
    /// Objects of the store in another version, by that, their key and their revision.
    entries: BTreeMap<(KindId, Bytes, Rev), Arc<Entry>>,
    /// Those of them that this step has made.
    fresh: Vec<Arc<Entry>>,
    missing: BTreeMap<Matter, Value>,
    missing_bytes: usize,
    /// Why something cannot be converted that the step needs.
    failed: Option<String>,
    rounds: u32,
}

/// The conversions of a job while a step of it runs. What a step calls sees the scene only, so it notes here what it
/// misses.
#[derive(Default)]
pub(super) struct ConversionNotes(Cell<Conversions>);

impl ConversionNotes {
    pub(super) fn new(conversions: Conversions) -> Self {
        Self(Cell::new(conversions))
    }

    pub(super) fn with<R>(&self, look: impl FnOnce(&mut Conversions) -> R) -> R {
        let mut held = self.0.take();
        let seen = look(&mut held);
        self.0.set(held);
        seen
    }

    pub(super) fn into_inner(self) -> Conversions {
        self.0.into_inner()
    }
}

impl fmt::Debug for ConversionNotes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("ConversionNotes")
    }
}

/// A job that waits for converters.
#[derive(Debug)]
pub(super) struct Converting {
    /// The job before the step, and what the step was resumed with.
    pub(super) known: Known,
    pub(super) answer: Answer,
    pub(super) warnings: Warnings,
    asked: Vec<Asked>,
}

/// One review.
#[derive(Debug)]
struct Asked {
    to: KindId,
    review: Review,
    matters: Vec<Matter>,
    server: ConverterServer,
}

/// What became of a step as far as conversions are concerned.
pub(super) enum ConversionNeed {
    /// It has all that it needed.
    Complete,
    /// It needs something that cannot be converted.
    Failed(Failure),
    /// It is to be run again, at once.
    Again,
    /// It is to be run again when these calls have an outcome.
    Ask(Vec<Outcall>, AwaitedReviews),
}

/// The reviews of a step.
#[derive(Debug)]
pub(super) struct AwaitedReviews(Vec<Asked>);

impl Conversions {
    /// What the step has made of objects of the store, for others to use it too.
    pub(super) fn take_fresh(&mut self) -> Vec<Arc<Entry>> {
        core::mem::take(&mut self.fresh)
    }

    /// Judges a step that has ended.
    pub(super) fn judge(&mut self, world: &World, rng: &Rng) -> ConversionNeed {
        let missing = core::mem::take(&mut self.missing);
        self.missing_bytes = 0;
        if let Some(why) = self.failed.take() {
            return ConversionNeed::Failed(Failure::unclassified(why));
        }
        if missing.is_empty() {
            return ConversionNeed::Complete;
        }
        if self.rounds >= limits::CONVERSION_ROUNDS {
            return ConversionNeed::Failed(Failure::internal("the request needs too many conversions"));
        }
        self.rounds += 1;
        let (mut calls, mut asked) = (Vec::new(), Vec::new());
        let rng = rng.fork("conversion", u64::from(self.rounds));
        for part in parts(missing).into_iter().take(limits::CALLS_OF_JOB) {
            let Some(to) = part.first().and_then(|(matter, _)| world.registry.kind(matter.to)) else {
                continue;
            };
            let (matters, objects): (Vec<Matter>, Vec<Value>) = part.into_iter().unzip();
            let uid = rng.fork("review", calls.len() as u64).uuid();
            let review = Review { uid, desired: to.group_version().into(), objects };
            match question(world, to, &review) {
                Ok((call, server)) => {
                    calls.push(call);
                    asked.push(Asked { to: to.id, review, matters, server });
                }
                Err(why) => {
                    let known = matters.into_iter().map(|matter| (matter, Err(why.clone())));
                    self.known.extend(known);
                }
            }
        }
        if calls.is_empty() {
            ConversionNeed::Again
        } else {
            ConversionNeed::Ask(calls, AwaitedReviews(asked))
        }
    }

    /// Takes the outcomes of the calls that were asked for.
    fn learn(&mut self, world: &World, asked: Vec<Asked>, outcomes: &[CallOutcome]) {
        let flaw = world.config.flaw;
        for (asked, outcome) in asked.into_iter().zip(outcomes) {
            let Some(to) = world.registry.kind(asked.to) else { continue };
            let Some(converter) = &to.converter else { continue };
            let no_answer = |error: &_| asked.server.no_answer(error);
            let found = conversion::outcome(&asked.review, (converter, to), (outcome, flaw), no_answer);
            // What a version has no field for is dropped.
            let fitted = found.into_iter().map(|found| found.map(|value| world.registry.fitted(to, value)));
            self.known.extend(asked.matters.into_iter().zip(fitted));
        }
    }

    /// An object in the version of a kind, or why it cannot be converted; None when that is not known, and noted.
    fn look_up(&mut self, mut value: Value, to: &Kind) -> Option<Result<Value, String>> {
        let revision = value.remove_at(&["metadata", "resourceVersion"]);
        let matter = Matter { to: to.id, object: json::to_vec(&value).into() };
        match self.known.get(&matter) {
            Some(Ok(converted)) => {
                let mut converted = converted.clone();
                if let Some(revision) = revision {
                    converted.set_at(&["metadata", "resourceVersion"], revision);
                }
                Some(Ok(converted))
            }
            Some(Err(why)) => Some(Err(why.clone())),
            None => {
                if !self.is_full() {
                    self.missing_bytes += matter.object.len();
                    self.missing.insert(matter, value);
                }
                None
            }
        }
    }

    /// Whether the step misses as much as one round can bring.
    fn is_full(&self) -> bool {
        self.missing.len() >= limits::CALLS_OF_JOB * limits::CONVERSION_OBJECTS / 2
            || self.missing_bytes >= limits::CALLS_OF_JOB * limits::CONVERSION_BYTES / 2
    }
}

impl Converting {
    pub(super) fn new(known: Known, answer: Answer, warnings: Warnings, waiting: AwaitedReviews) -> Self {
        Self { known, answer, warnings, asked: waiting.0 }
    }

    /// The step to run again, when the converters have answered.
    pub(super) fn resume(
        self,
        world: &World,
        conversions: &mut Conversions,
        answer: &Answer,
    ) -> (Known, Answer, Warnings) {
        if let Answer::Called(outcomes) = answer {
            conversions.learn(world, self.asked, outcomes);
        }
        (self.known, self.answer, self.warnings)
    }
}

/// The call with a review.
fn question(world: &World, to: &Kind, review: &Review) -> Result<(Outcall, ConverterServer), String> {
    let converter: &Converter = to.converter.as_deref().ok_or("the kind has no converter")?;
    let body = review.body(converter)?;
    let failed = |why: String| match review.objects.first() {
        Some(first) => conversion::unanswered(first, &why),
        None => why,
    };
    let server = conversion::called_at(converter, world).map_err(failed)?;
    let call = server.call(body).map_err(failed)?;
    Ok((call, server))
}

/// The objects of each review: of one kind, and not too many. They keep their order, which is that of their texts.
fn parts(missing: BTreeMap<Matter, Value>) -> Vec<Vec<(Matter, Value)>> {
    let mut parts: Vec<Vec<(Matter, Value)>> = Vec::new();
    let mut bytes = 0;
    for (matter, value) in missing {
        let len = matter.object.len();
        let fits =
            parts.last().and_then(|part| Some((part.len(), part.first()?.0.to))).is_some_and(|(held, to)| {
                to == matter.to
                    && held < limits::CONVERSION_OBJECTS
                    && bytes + len <= limits::CONVERSION_BYTES
            });
        match parts.last_mut().filter(|_| fits) {
            Some(part) => {
                bytes += len;
                part.push((matter, value));
            }
            None => {
                bytes = len;
                parts.push(alloc::vec![(matter, value)]);
            }
        }
    }
    parts
}

impl State {
    /// The state, if a step of it may need a converter: for its own object, or for the parameters of a policy.
    pub(super) fn kept_for_conversion(&self, world: &World) -> Option<Self> {
        let is_converted = self.target().is_none_or(|target| target.resource().converter.is_some());
        let may_ask = || is_converted || admission::converts_params(world);
        match self {
            Self::Seat => Some(Self::Seat),
            Self::Undecided(undecided) => Some(Self::Undecided(undecided.clone())),
            Self::Permitted(target) if may_ask() => Some(Self::Permitted(target.clone())),
            Self::Read(read) if is_converted => Some(Self::Read(read.clone())),
            Self::List(list) if is_converted => Some(Self::List(list.clone())),
            Self::Create(create) if may_ask() => Some(Self::Create(create.clone())),
            Self::Update(update) if may_ask() => Some(Self::Update(update.clone())),
            Self::Delete(delete) if may_ask() => Some(Self::Delete(delete.clone())),
            Self::Collection(collection) if may_ask() => Some(Self::Collection(collection.clone())),
            Self::Bind(bind) if may_ask() => Some(Self::Bind(bind.clone())),
            Self::Evict(evict) if may_ask() => Some(Self::Evict(evict.clone())),
            Self::Token(token) if may_ask() => Some(Self::Token(token.clone())),
            Self::AdmitConnection(connection) if may_ask() => Some(Self::AdmitConnection(connection.clone())),
            Self::Convert(objects) => Some(Self::Convert(objects.clone())),
            Self::Permitted(_)
            | Self::Read(_)
            | Self::List(_)
            | Self::Create(_)
            | Self::Update(_)
            | Self::Delete(_)
            | Self::Collection(_)
            | Self::Bind(_)
            | Self::Evict(_)
            | Self::Components(_)
            | Self::AdmitConnection(_)
            | Self::Connect(_)
            | Self::Aggregate(_)
            | Self::Token(_)
            // No policy is asked about these.
            | Self::Review(_)
            | Self::IdentityReview(_)
            | Self::Probe(_) => None,
        }
    }
}

impl Scene<'_> {
    /// A custom object in the version of a kind, which the step cannot do without. If only a webhook knows it and has
    /// not said it yet, or has failed, the object that is returned is thrown away with the outcome of the step.
    pub(super) fn converted(&self, value: Value, to: &Kind) -> Value {
        if to.is_version_of(&value) {
            return value;
        }
        if to.converter.is_none() {
            return self.world.registry.renamed(to, value);
        }
        self.object(value.clone(), to).unwrap_or_else(|why| {
            self.conversions.with(|known| {
                known.failed.get_or_insert(why);
            });
            self.world.registry.renamed(to, value)
        })
    }

    /// An object of the store in the version of a kind, if a webhook converts it; others are converted when they are
    /// sent.
    pub(super) fn in_version(&self, entry: &Arc<Entry>, to: &Kind) -> Result<Arc<Entry>, Failure> {
        if to.converter.is_none() || entry.version() == to.id {
            return Ok(entry.clone());
        }
        if let Some(held) = self.world.converted(to.id, entry) {
            return Ok(held.clone());
        }
        let name = (to.id, entry.key().clone(), entry.revision());
        if let Some(held) = self.conversions.with(|known| known.entries.get(&name).cloned()) {
            return Ok(held);
        }
        let mut value = entry.to_value();
        if let Some(from) = self.world.registry.kind(entry.version()) {
            decode::apply_defaults(&from.catalogue, from.type_id, &mut value);
        }
        let known = self.conversions.with(|known| known.look_up(value, to)).transpose();
        let Some(mut converted) = known.map_err(Failure::unclassified)? else { return Ok(entry.clone()) };
        converted.remove_at(&["metadata", "resourceVersion"]);
        let mut bytes = Vec::with_capacity(entry.len_bytes());
        encode::to_json(&to.catalogue, to.type_id, &converted, &mut bytes);
        let kv = KeyValue {
            key: entry.key().clone(),
            value: bytes.into(),
            mod_revision: entry.revision(),
            ..KeyValue::default()
        };
        let prefix = self.collection(to)?.keys.prefix();
        let made = Entry::converted(to, prefix.len(), kv).map_err(|why| Failure::unreadable(&why.0))?;
        let made = Arc::new(made);
        self.conversions.with(|known| {
            known.entries.insert(name, made.clone());
            known.fresh.push(made.clone());
        });
        Ok(made)
    }

    /// An object of the store as a request for a kind works with it: custom objects in the version of the kind, others
    /// in the one that is stored.
    pub(super) fn worked_on(&self, entry: &Entry, kind: &Kind) -> Value {
        let mut value = entry.to_value();
        if !kind.is_custom() || entry.version() == kind.id {
            return value;
        }
        if let Some(held) = self.world.converted(kind.id, entry) {
            return held.to_value();
        }
        if kind.converter.is_some()
            && let Some(from) = self.world.registry.kind(entry.version())
        {
            decode::apply_defaults(&from.catalogue, from.type_id, &mut value);
        }
        let mut value = self.converted(value, kind);
        set_version(&mut value, entry.revision());
        value
    }

    /// A custom object in the version that is stored; None when it is in that version, or is none.
    pub(super) fn stored_form(&self, kind: &Kind, value: &Value) -> Option<Value> {
        if !kind.is_custom() {
            return None;
        }
        let stored = self.world.registry.stored_kind(kind);
        if stored.id == kind.id {
            return None;
        }
        let mut value = value.clone();
        value.remove_at(&["metadata", "resourceVersion"]);
        value.remove_at(&["metadata", "selfLink"]);
        Some(self.converted(value, stored))
    }

    /// Whether this step misses as many conversions as can be asked for at once.
    pub(super) fn misses_enough(&self) -> bool {
        self.conversions.with(|known| known.is_full())
    }
}

impl ObjectConverter for Scene<'_> {
    fn object(&self, value: Value, to: &Kind) -> Result<Value, String> {
        if to.converter.is_none() || to.is_version_of(&value) {
            return Ok(self.converted(value, to));
        }
        let known = self.conversions.with(|known| known.look_up(value.clone(), to));
        known.unwrap_or_else(|| Ok(self.world.registry.renamed(to, value)))
    }

    fn entry(&self, entry: &Arc<Entry>, to: &Kind) -> Result<Arc<Entry>, String> {
        self.in_version(entry, to).map_err(|failure| failure.message().into())
    }
}
