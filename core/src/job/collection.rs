//! DELETE of a collection: deletes every selected object, one after the other. Unlike upstream's, it leaves an object
//! that has lost its selection, or was made anew without it, before its turn came.
//! k8s: staging/src/k8s.io/apiserver/pkg/registry/generic/registry/store.go DeleteCollection

use super::delete::{self, Deletion};
use super::existing::{Existing, read_key};
use super::list;
use super::write::{StoreProgress, Storing};
use super::{Answer, Ask, Next, Notes, Scene, State, fail, view};
use crate::admission::{AdmissionProgress, Admitting};
use crate::answer::Items;
use crate::answer::form::{Endpoint, Form};
use crate::answer::{self, ListMeta, Warnings};
use crate::authorization::Target;
use crate::museum::Mutant;
use crate::question::Reply;
use crate::status::Failure;
use crate::wire::options::{DeleteOptions, IncludeObject, ListOptions};
use crate::world::cache::Entry;
use crate::world::selection::Filter;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::{self, Vec};
use bytes::Bytes;

/// The state of a DELETE of a collection.
#[derive(Clone, Debug)]
pub(crate) struct DeleteCollection {
    pub(super) target: Target,
    form: Form,
    /// What the request selects. An object that is read again may not be selected any more.
    filter: Filter,
    options: DeleteOptions,
    /// What was listed, as it was then; the answer shows it.
    listed: ListMeta,
    chosen: Vec<Arc<Entry>>,
    left: vec::IntoIter<Arc<Entry>>,
    tries: u32,
    /// What plugins have said about the deletions so far.
    warnings: Warnings,
    phase: Phase,
}

#[derive(Clone, Debug)]
enum Phase {
    /// The next object's turn has not come.
    Idle,
    /// A plugin of admission waits for the store before it admits the deletion of one object.
    Admission {
        existing: Existing,
        target: Target,
        admitting: Admitting,
    },
    /// One object is read again after its write lost a race.
    Read(Target),
    /// The cache is catching up with what a commit lost to; the object is read then.
    Behind(Target, Bytes),
    Write {
        target: Target,
        key: Bytes,
        storing: Storing,
    },
}

/// How the deletion of one object goes on.
enum One {
    /// Nothing is left to do about it.
    Over(Box<DeleteCollection>),
    Wait(Next),
}

impl One {
    /// Goes on with the objects after it.
    fn go_on(self, scene: &Scene<'_>) -> Result<Next, Failure> {
        match self {
            Self::Over(deletion) => deletion.next(scene),
            Self::Wait(next) => Ok(next),
        }
    }
}

pub(super) fn begin(scene: &Scene<'_>, target: Target, warnings: &mut Warnings) -> Result<Next, Failure> {
    let form = Form::negotiate(&scene.call.request, Endpoint::Object)?;
    let list = ListOptions::from_query(&scene.call.query)?;
    let options = delete::options(scene)?;
    warnings.add(delete::warning(&target, &options));
    list::begin_deletion(scene, target, form, list, options)
}

impl DeleteCollection {
    /// A deletion of what was listed.
    pub(super) fn new(
        target: Target,
        form: Form,
        filter: Filter,
        options: DeleteOptions,
        listed: ListMeta,
        chosen: Vec<Arc<Entry>>,
    ) -> Self {
        let left = chosen.clone().into_iter();
        let (warnings, phase) = (Warnings::default(), Phase::Idle);
        Self { target, form, filter, options, listed, chosen, left, tries: 0, warnings, phase }
    }

    pub(super) fn step(
        self: Box<Self>,
        scene: &Scene<'_>,
        answer: Answer,
        notes: &mut Notes,
    ) -> Result<Next, Failure> {
        let mut this = *self;
        match (core::mem::replace(&mut this.phase, Phase::Idle), answer) {
            (Phase::Idle, _) => Err(fail::misfit()),
            (Phase::Admission { existing, target, admitting }, answer) => {
                let found = fail::reply(answer)?;
                this.admit(scene, existing, target, admitting, Some(found))?.go_on(scene)
            }
            (Phase::Read(target), answer) => {
                let resource = target.resource();
                match fail::ranged(answer)?.kvs.pop() {
                    Some(kv) => {
                        let entry = scene.entry_of(resource, kv)?;
                        if !this.filter.matches(&entry) && !scene.flaw().is(Mutant::SelectionForgotten) {
                            return this.next(scene);
                        }
                        this.delete_one(scene, entry, target)?.go_on(scene)
                    }
                    None => this.next(scene),
                }
            }
            (Phase::Behind(target, key), _) => this.again(scene, target, &key),
            (Phase::Write { target, key, storing }, answer) => {
                match storing.resume(scene, &target, answer, notes)? {
                    StoreProgress::Wait(storing, ask) => {
                        Ok(this.wait(Phase::Write { target, key, storing }, ask))
                    }
                    StoreProgress::Committed(_) => this.next(scene),
                    StoreProgress::Lost(loss) if loss.guard.key != key => {
                        match scene.lost_claim(&target, &loss, this.tries)? {
                            Some(ask) => Ok(this.wait(Phase::Behind(target, key), ask)),
                            None => this.again(scene, target, &key),
                        }
                    }
                    StoreProgress::Lost(loss) if loss.held.is_none() => this.next(scene),
                    StoreProgress::Lost(_) => this.again(scene, target, &key),
                    StoreProgress::Uncounted(..) => Err(fail::misfit()),
                }
            }
        }
    }

    fn wait(self, phase: Phase, ask: Ask) -> Next {
        Next::Wait(State::Collection(Box::new(Self { phase, ..self })), ask)
    }

    /// Reads one object again to try once more, unless it was tried too often already.
    fn again(self, scene: &Scene<'_>, target: Target, key: &Bytes) -> Result<Next, Failure> {
        if self.tries >= scene.world.config.bounds.conflict_retries {
            return Err(Failure::modified(self.target.qualified(), self.target.name()));
        }
        let feed = scene.collection(self.target.resource())?.feed;
        let this = Self { tries: self.tries + 1, ..self };
        Ok(this.wait(Phase::Read(target), Ask::Store(feed, read_key(key))))
    }

    /// Deletes what is left, until something has to be waited for.
    pub(super) fn next(self, scene: &Scene<'_>) -> Result<Next, Failure> {
        let mut this = self;
        loop {
            this.tries = 0;
            let Some(entry) = this.left.next() else { return this.respond(scene) };
            let target = this.target.item(entry.namespace(), entry.name());
            match this.delete_one(scene, entry, target)? {
                One::Over(after) => this = *after,
                One::Wait(next) => return Ok(next),
            }
        }
    }

    fn delete_one(self, scene: &Scene<'_>, entry: Arc<Entry>, target: Target) -> Result<One, Failure> {
        self.admit(scene, scene.existing(target.resource(), entry), target, Admitting::default(), None)
    }

    fn admit(
        mut self,
        scene: &Scene<'_>,
        existing: Existing,
        target: Target,
        admitting: Admitting,
        found: Option<Reply>,
    ) -> Result<One, Failure> {
        let deletion = Deletion { target, options: self.options.clone(), is_of_collection: true };
        match deletion.admit(scene, &existing.value, admitting, found, &mut self.warnings)? {
            AdmissionProgress::Admitted => self.remove(scene, existing, deletion),
            AdmissionProgress::Wait(admitting, question) => {
                let target = deletion.target;
                let phase = Phase::Admission { existing, target, admitting };
                Ok(One::Wait(self.wait(phase, question.into())))
            }
        }
    }

    fn remove(self, scene: &Scene<'_>, existing: Existing, deletion: Deletion) -> Result<One, Failure> {
        let verdict = deletion.judge(scene, &existing)?;
        // What was listed is no older than the request, so its absence proves a removal.
        let write = verdict.write(scene, &deletion.target, &existing, true)?;
        match write.filter(|_| !self.options.dry_run) {
            Some(write) => {
                let key = write.key.clone();
                let (storing, ask) = Storing::begin(scene, &deletion.target, write)?;
                let phase = Phase::Write { target: deletion.target, key, storing };
                Ok(One::Wait(self.wait(phase, ask)))
            }
            None => Ok(One::Over(Box::new(self))),
        }
    }

    fn respond(self, scene: &Scene<'_>) -> Result<Next, Failure> {
        let view = view::of_list(scene, &self.target, self.form, IncludeObject::Metadata)?;
        let response = answer::list(&view, &self.listed, Items::Picked(self.chosen.into_iter()));
        Ok(Next::Done(self.warnings.on(response)))
    }
}
