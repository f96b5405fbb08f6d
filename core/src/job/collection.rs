//! DELETE of a collection: deletes every selected object, one after the other.
//! k8s: staging/src/k8s.io/apiserver/pkg/registry/generic/registry/store.go DeleteCollection

use super::delete::{self, Deletion, Verdict};
use super::existing::{Existing, found_instead, read_key};
use super::fail::Written;
use super::list;
use super::{Answer, Ask, Next, Notes, Scene, State, fail, lease, view};
use crate::answer::Items;
use crate::answer::form::{Endpoint, Form};
use crate::answer::{self, ListMeta, Warnings};
use crate::authorization::Target;
use crate::status::Failure;
use crate::store::{LeaseId, Op, Rev};
use crate::wire::options::{DeleteOptions, IncludeObject, ListOptions};
use crate::world::cache::Entry;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::{self, Vec};
use bytes::Bytes;

/// The state of a DELETE of a collection.
#[derive(Debug)]
pub(crate) struct DeleteCollection {
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
    },
    /// The outcome of one write is unknown; the key is being read to find out.
    Verify {
        target: Target,
        why: alloc::string::String,
    },
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
        options: DeleteOptions,
        listed: ListMeta,
        chosen: Vec<Arc<Entry>>,
    ) -> Self {
        let left = chosen.clone().into_iter();
        Self { target, form, options, listed, chosen, left, tries: 0, phase: Phase::Idle }
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
            (Phase::Read(target), answer) => {
                let resource = target.resource();
                match fail::ranged(answer)?.kvs.pop() {
                    Some(kv) => this.delete_one(scene, scene.entry_of(resource, kv)?, target),
                    None => this.next(scene),
                }
            }
            (Phase::Lease { target, verdict, key, revision }, answer) => {
                let lease = lease::granted(answer)?;
                let deletion = this.deletion(target);
                match deletion.op(scene, &verdict, &key, revision, lease) {
                    Some(op) => this.wait(scene, Phase::Write { target: deletion.target, key }, op),
                    None => Err(fail::misfit()),
                }
            }
            (Phase::Write { target, key }, answer) => this.written(scene, target, &key, answer, notes),
            (Phase::Verify { target, why }, answer) => {
                let kv = fail::read_back(answer, &why)?;
                match kv {
                    Some(_) => {
                        let op = read_key(&this.deletion(target.clone()).key(scene)?);
                        this.again(scene, Phase::Read(target), op)
                    }
                    None => this.next(scene),
                }
            }
        }
    }

    fn wait(self, scene: &Scene<'_>, phase: Phase, op: Op) -> Result<Next, Failure> {
        let feed = scene.collection(self.target.resource())?.feed;
        Ok(Next::Wait(State::Collection(Box::new(Self { phase, ..self })), Ask::Store(feed, op)))
    }

    /// Tries one object again, unless it was tried too often already.
    fn again(self, scene: &Scene<'_>, phase: Phase, op: Op) -> Result<Next, Failure> {
        if self.tries >= scene.world.config.bounds.conflict_retries {
            return Err(Failure::modified(self.target.qualified(), self.target.name()));
        }
        Self { tries: self.tries + 1, ..self }.wait(scene, phase, op)
    }

    fn deletion(&self, target: Target) -> Deletion {
        Deletion { target, options: self.options.clone() }
    }

    pub(super) fn next(mut self, scene: &Scene<'_>) -> Result<Next, Failure> {
        self.tries = 0;
        let Some(entry) = self.left.next() else { return self.respond(scene) };
        let target = self.target.item(entry.namespace(), entry.name());
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
        match deletion.op(scene, &verdict, &key, revision, LeaseId(0)) {
            Some(op) if !self.options.dry_run => {
                self.wait(scene, Phase::Write { target: deletion.target, key }, op)
            }
            Some(_) | None => self.next(scene),
        }
    }

    fn written(
        self,
        scene: &Scene<'_>,
        target: Target,
        key: &Bytes,
        answer: Answer,
        notes: &mut Notes,
    ) -> Result<Next, Failure> {
        let reply = match fail::written(answer, &target, notes)? {
            Written::Txn(reply) => reply,
            Written::Unknown(why) => return self.again(scene, Phase::Verify { target, why }, read_key(key)),
        };
        if reply.succeeded || found_instead(reply).is_none() {
            return self.next(scene);
        }
        self.again(scene, Phase::Read(target), read_key(key))
    }

    fn respond(self, scene: &Scene<'_>) -> Result<Next, Failure> {
        let view = view::of_list(scene, &self.target, self.form, IncludeObject::Metadata)?;
        Ok(Next::Done(answer::list(&view, &self.listed, Items::Picked(self.chosen.into_iter()))))
    }
}
