//! DELETE of a collection: deletes every selected object, one after the other.
//! k8s: staging/src/k8s.io/apiserver/pkg/registry/generic/registry/store.go DeleteCollection

use super::call::Target;
use super::delete::{self, Deletion, Verdict};
use super::existing::{Existing, read_key};
use super::list;
use super::{Answer, Ask, Committing, Next, Outcome, Progress, Scene, State, fail, lease};
use crate::cache::{Entry, Items};
use crate::codec::form::{Endpoint, Form};
use crate::http::options::{DeleteOptions, IncludeObject, ListOptions};
use crate::respond::{self, ListMeta, Warnings};
use crate::status::Failure;
use crate::store::{Commit, LeaseId, Op, Rev};
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::{self, Vec};
use bytes::Bytes;

/// The state of a DELETE of a collection.
#[derive(Debug)]
pub(crate) struct Collection {
    target: Target,
    form: Form,
    options: DeleteOptions,
    /// What was listed, as it was then; the answer shows it.
    listed: ListMeta,
    chosen: Vec<Arc<Entry>>,
    left: vec::IntoIter<Arc<Entry>>,
    tries: u32,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    /// The next object's turn has not come.
    Idle,
    /// One object is read again after its write lost a race.
    Read(Target),
    /// An expiring object that stays until its finalizers are gone must be written with a lease; the store was asked
    /// for one.
    Lease {
        target: Target,
        verdict: Verdict,
        key: Bytes,
        revision: Rev,
    },
    Write {
        target: Target,
        key: Bytes,
        committing: Committing,
    },
}

pub(super) fn begin(scene: &Scene<'_>, target: Target, warnings: &mut Warnings) -> Result<Next, Failure> {
    let form = Form::negotiate(&scene.call.request, Endpoint::Object)?;
    let list = ListOptions::from_query(&scene.call.query)?;
    let options = delete::options(scene)?;
    warnings.add(delete::warning(scene, &target, &options));
    list::begin_deletion(scene, target, form, list, options)
}

impl Collection {
    /// A deletion of what was listed.
    pub(super) fn new(
        target: Target,
        form: Form,
        options: DeleteOptions,
        listed: ListMeta,
        chosen: Vec<Arc<Entry>>,
    ) -> Self {
        let left = chosen.clone().into_iter();
        Self { target, form, options, listed, chosen, left, tries: 0, phase: Phase::Idle }
    }

    pub(super) fn step(self: Box<Self>, scene: &Scene<'_>, answer: Answer) -> Result<Next, Failure> {
        let mut this = *self;
        match (core::mem::replace(&mut this.phase, Phase::Idle), answer) {
            (Phase::Idle, _) => Err(fail::misfit()),
            (Phase::Read(target), answer) => {
                let resource = scene.resource(&target);
                match fail::ranged(answer)?.kvs.pop() {
                    Some(kv) => this.delete_one(scene, scene.entry_of(resource, kv)?, target),
                    None => this.next(scene),
                }
            }
            (Phase::Lease { target, verdict, key, revision }, answer) => {
                let lease = lease::granted(answer)?;
                let deletion = this.deletion(target);
                match deletion.commit(&verdict, &key, revision, lease) {
                    Some(commit) => this.send(scene, deletion, &verdict, key, commit),
                    None => Err(fail::misfit()),
                }
            }
            (Phase::Write { target, key, committing }, answer) => {
                match committing.replied(scene.world, fail::stored(answer)?) {
                    Progress::Wait(committing, op) => {
                        this.wait(scene, Phase::Write { target, key, committing }, op)
                    }
                    Progress::Ended(outcome) => this.written(scene, target, &key, outcome),
                }
            }
        }
    }

    fn wait(self, scene: &Scene<'_>, phase: Phase, op: Op) -> Result<Next, Failure> {
        let feed = scene.collection(scene.resource(&self.target))?.feed;
        Ok(Next::Wait(State::Collection(Box::new(Self { phase, ..self })), Ask::Store(feed, op)))
    }

    /// Tries one object again, unless it was tried too often already.
    fn again(self, scene: &Scene<'_>, phase: Phase, op: Op) -> Result<Next, Failure> {
        if self.tries >= scene.world.config.bounds.conflict_retries {
            return Err(Failure::modified(scene.qualified(&self.target), &self.target.name));
        }
        Self { tries: self.tries + 1, ..self }.wait(scene, phase, op)
    }

    fn deletion(&self, target: Target) -> Deletion {
        Deletion { target, options: self.options.clone() }
    }

    pub(super) fn next(mut self, scene: &Scene<'_>) -> Result<Next, Failure> {
        self.tries = 0;
        let Some(entry) = self.left.next() else { return self.respond(scene) };
        let target =
            Target { namespace: entry.namespace().into(), name: entry.name().into(), ..self.target.clone() };
        self.delete_one(scene, entry, target)
    }

    fn delete_one(self, scene: &Scene<'_>, entry: Arc<Entry>, target: Target) -> Result<Next, Failure> {
        let existing = Existing::new(entry);
        let deletion = self.deletion(target);
        let verdict = deletion.judge(scene, &existing)?;
        let key = existing.entry.key().clone();
        let revision = existing.revision();
        if let Some(op) = deletion.lease(scene, &verdict).filter(|_| !self.options.dry_run) {
            let target = deletion.target;
            return self.wait(scene, Phase::Lease { target, verdict, key, revision }, op);
        }
        match deletion.commit(&verdict, &key, revision, LeaseId(0)) {
            Some(commit) if !self.options.dry_run => self.send(scene, deletion, &verdict, key, commit),
            Some(_) | None => self.next(scene),
        }
    }

    /// Sends the write for one object. What was listed is no older than the request, so its absence proves a removal.
    fn send(
        self,
        scene: &Scene<'_>,
        deletion: Deletion,
        verdict: &Verdict,
        key: Bytes,
        commit: Commit,
    ) -> Result<Next, Failure> {
        let (committing, op) = Committing::begin(commit, true);
        let op = deletion.sent(scene, verdict, op);
        self.wait(scene, Phase::Write { target: deletion.target, key, committing }, op)
    }

    fn written(
        self,
        scene: &Scene<'_>,
        target: Target,
        key: &Bytes,
        outcome: Outcome,
    ) -> Result<Next, Failure> {
        match outcome {
            Outcome::Committed(_) => self.next(scene),
            Outcome::Lost(loss) if loss.held.is_none() => self.next(scene),
            Outcome::Lost(_) => self.again(scene, Phase::Read(target), read_key(key)),
            Outcome::Failed(failure) => Err(failure),
            Outcome::Unknown(why) => Err(fail::unknown_outcome(&why)),
        }
    }

    fn respond(self, scene: &Scene<'_>) -> Result<Next, Failure> {
        let view = scene.list_view(&self.target, self.form, IncludeObject::Metadata)?;
        Ok(Next::Done(respond::list(&view, &self.listed, Items::Picked(self.chosen.into_iter()))))
    }
}
