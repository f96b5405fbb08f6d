//! PUT and PATCH of an object or a subresource: read, change, and write if the object has not changed meanwhile.
//! k8s: staging/src/k8s.io/apiserver/pkg/endpoints/handlers/{update,patch}.go, storage/etcd3/store.go

use super::body;
use super::call::Target;
use super::change::{Change, Patch};
use super::draft::{Draft, check_name, check_uid, drop_repeated_owners, insisted_revision, version_demanded};
use super::existing::{Existing, read_key};
use super::{Answer, Ask, Committing, Next, Outcome, Progress, Scene, State, create, fail, lease, scale};
use crate::codec::form::{Endpoint, Form, PatchMedia, patch_media};
use crate::http::options::WriteOptions;
use crate::museum::Mutant;
use crate::respond::{self, Warnings};
use crate::status::Failure;
use crate::store::{Commit, LeaseId, Op, Rev};
use crate::value::{Value, object};
use alloc::boxed::Box;
use bytes::Bytes;

/// The state of a PUT or PATCH.
#[derive(Debug)]
pub(crate) struct Update {
    target: Target,
    form: Form,
    options: WriteOptions,
    change: Change,
    tries: u32,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    /// The key is being read, because it was not in the cache or the cached object led to an error.
    Read,
    /// An object that expires needs a lease for this write; the store was asked for one.
    Lease {
        draft: Draft,
        revision: Rev,
    },
    Write {
        draft: Draft,
        key: Bytes,
        committing: Committing,
    },
}

/// The result of applying a change.
enum Applied {
    /// Nothing differs; this is the object as it is.
    Same(Existing),
    Write(Draft, Rev),
    /// The object is removed, because its last finalizer is gone.
    Remove(Draft, Rev),
}

pub(super) fn begin_put(scene: &Scene<'_>, target: Target, warnings: &mut Warnings) -> Result<Next, Failure> {
    let form = Form::negotiate(&scene.call.request, Endpoint::Object)?;
    let options = WriteOptions::for_update(&scene.call.query)?;
    let body = if target.is_scale() {
        scale::body(scene, options.field_validation)?
    } else {
        body::object(scene, &target, options.field_validation)?
    };
    warnings.extend(body.warnings);
    let mut value = body.value;
    scene.place(&target, &mut value)?;
    check_name(&target, &value)?;
    drop_repeated_owners(&mut value, false, warnings);
    start(scene, target, form, options, Change::Replace(value), warnings)
}

pub(super) fn begin_patch(
    scene: &Scene<'_>,
    target: Target,
    warnings: &mut Warnings,
) -> Result<Next, Failure> {
    let media = patch_media(scene.call.request.header("content-type"), false)?;
    let form = Form::negotiate(&scene.call.request, Endpoint::Object)?;
    let options = WriteOptions::for_patch(&scene.call.query, media == PatchMedia::Apply)?;
    let patch = Patch::parse(media, &scene.call.request.body)?;
    start(scene, target, form, options, Change::Patch(patch), warnings)
}

fn start(
    scene: &Scene<'_>,
    target: Target,
    form: Form,
    options: WriteOptions,
    change: Change,
    warnings: &mut Warnings,
) -> Result<Next, Failure> {
    let update = Update { target, form, options, change, tries: 0, phase: Phase::Read };
    let key = update.key(scene)?;
    let resource = scene.resource(&update.target);
    match scene.cached(resource, &key) {
        Some(entry) => update.attempt(scene, Some(Existing::new(entry)), false, warnings),
        None => update.read(scene),
    }
}

impl Update {
    pub(super) fn step(
        self: Box<Self>,
        scene: &Scene<'_>,
        answer: Answer,
        warnings: &mut Warnings,
    ) -> Result<Next, Failure> {
        let mut this = *self;
        match core::mem::replace(&mut this.phase, Phase::Read) {
            Phase::Read => this.read_done(scene, answer, warnings),
            Phase::Lease { draft, revision } => {
                let lease = lease::granted(answer)?;
                this.put(scene, draft, revision, lease)
            }
            Phase::Write { draft, key, committing } => {
                match committing.replied(scene.world, fail::stored(answer)?) {
                    Progress::Wait(committing, op) => {
                        this.wait(scene, Phase::Write { draft, key, committing }, op)
                    }
                    Progress::Ended(outcome) => this.written(scene, draft, &key, outcome, warnings),
                }
            }
        }
    }

    fn key(&self, scene: &Scene<'_>) -> Result<Bytes, Failure> {
        let collection = scene.collection(scene.resource(&self.target))?;
        Ok(collection.keys.key(&self.target.namespace, &self.target.name))
    }

    fn wait(self, scene: &Scene<'_>, phase: Phase, op: Op) -> Result<Next, Failure> {
        let feed = scene.collection(scene.resource(&self.target))?.feed;
        Ok(Next::Wait(State::Update(Box::new(Self { phase, ..self })), Ask::Store(feed, op)))
    }

    fn read(self, scene: &Scene<'_>) -> Result<Next, Failure> {
        let key = self.key(scene)?;
        self.wait(scene, Phase::Read, read_key(&key))
    }

    fn read_done(self, scene: &Scene<'_>, answer: Answer, warnings: &mut Warnings) -> Result<Next, Failure> {
        let existing = scene.read_existing(&self.target, answer)?;
        self.attempt(scene, existing, true, warnings)
    }

    /// Tries the change on an object. The cached object may be stale, so an error or an empty change is reported only
    /// after the store's object (`confirmed`) led to it too.
    fn attempt(
        self,
        scene: &Scene<'_>,
        existing: Option<Existing>,
        confirmed: bool,
        warnings: &mut Warnings,
    ) -> Result<Next, Failure> {
        let Some(existing) = existing else { return self.absent(scene, warnings) };
        match self.apply(scene, existing, warnings) {
            Ok(Applied::Write(draft, revision)) => self.write(scene, draft, revision),
            Ok(Applied::Remove(draft, revision)) => self.remove(scene, draft, revision, confirmed),
            Ok(Applied::Same(existing)) if confirmed => self.respond(scene, existing.value),
            Err(failure) if confirmed => Err(failure),
            Ok(Applied::Same(_)) | Err(_) => self.read(scene),
        }
    }

    fn absent(self, scene: &Scene<'_>, warnings: &mut Warnings) -> Result<Next, Failure> {
        let rules = scene.resource(&self.target).row.rules;
        let key = self.key(scene)?;
        match self.change {
            Change::Replace(value) if rules.create_on_update && self.target.sub.is_none() => {
                check_uid(scene, &self.target, &value, "", &key)?;
                insisted_revision(&value)?;
                create::from_value(scene, self.target, self.form, self.options, value, true, warnings)
            }
            Change::Replace(_) | Change::Patch(_) => Err(scene.not_found(&self.target)),
        }
    }

    fn apply(
        &self,
        scene: &Scene<'_>,
        existing: Existing,
        warnings: &mut Warnings,
    ) -> Result<Applied, Failure> {
        let target = &self.target;
        let new = self.change.apply(scene, target, &existing, self.options.field_validation, warnings)?;
        let insisted = insisted_revision(&new)?;
        let new = if target.is_scale() { scale::into_object(scene, target, &new, &existing)? } else { new };
        if matches!(self.change, Change::Replace(_)) {
            check_uid(scene, target, &new, object::uid(&existing.value), existing.entry.key())?;
        }
        match insisted {
            Some(revision) if revision != existing.revision() => {
                return Err(Failure::modified(scene.qualified(target), &target.name));
            }
            None if !scene.resource(target).row.rules.unconditional_update && !self.change.is_patch() => {
                return Err(version_demanded(scene, target));
            }
            Some(_) | None => {}
        }
        let mut draft = scene.draft_update(target, new, &existing)?;
        warnings.extend(core::mem::take(&mut draft.warnings));
        if is_finished(scene, target, &draft.value) {
            return Ok(Applied::Remove(draft, existing.revision()));
        }
        if draft.bytes == *existing.entry.value() {
            return Ok(Applied::Same(existing));
        }
        Ok(Applied::Write(draft, existing.revision()))
    }

    fn write(self, scene: &Scene<'_>, draft: Draft, revision: Rev) -> Result<Next, Failure> {
        if self.options.dry_run {
            return self.respond(scene, respond::versioned(draft.value, Some(revision)));
        }
        match lease::op(scene, &self.target) {
            Some(op) if !scene.flaw().is(Mutant::LeaseDropped) => {
                self.wait(scene, Phase::Lease { draft, revision }, op)
            }
            Some(_) | None => self.put(scene, draft, revision, LeaseId(0)),
        }
    }

    fn put(self, scene: &Scene<'_>, draft: Draft, revision: Rev, lease: LeaseId) -> Result<Next, Failure> {
        let key = self.key(scene)?;
        let commit = Commit::default().put(&key, revision, draft.bytes.clone(), lease);
        self.send(scene, draft, key, commit, true)
    }

    fn remove(
        self,
        scene: &Scene<'_>,
        draft: Draft,
        revision: Rev,
        confirmed: bool,
    ) -> Result<Next, Failure> {
        if self.options.dry_run {
            return self.respond(scene, respond::versioned(draft.value, Some(revision)));
        }
        let key = self.key(scene)?;
        let commit = Commit::default().delete(&key, revision);
        self.send(scene, draft, key, commit, confirmed)
    }

    fn send(
        self,
        scene: &Scene<'_>,
        draft: Draft,
        key: Bytes,
        commit: Commit,
        confirmed: bool,
    ) -> Result<Next, Failure> {
        let (committing, op) = Committing::begin(commit, confirmed);
        let op = scene.flaw().unguarded(Mutant::LostUpdate, op);
        self.wait(scene, Phase::Write { draft, key, committing }, op)
    }

    fn written(
        self,
        scene: &Scene<'_>,
        draft: Draft,
        key: &[u8],
        outcome: Outcome,
        warnings: &mut Warnings,
    ) -> Result<Next, Failure> {
        match outcome {
            Outcome::Committed(revision) => self.respond_written(scene, draft, key, revision),
            Outcome::Lost(loss) => {
                let existing = scene.lost_race(&self.target, loss, self.tries)?;
                Self { tries: self.tries + 1, ..self }.attempt(scene, existing, true, warnings)
            }
            Outcome::Failed(failure) => Err(failure),
            Outcome::Unknown(why) => Err(fail::unknown_outcome(&why)),
        }
    }

    fn respond_written(
        self,
        scene: &Scene<'_>,
        draft: Draft,
        key: &[u8],
        revision: Rev,
    ) -> Result<Next, Failure> {
        if self.target.is_scale() {
            return self.respond(scene, respond::versioned(draft.value, Some(revision)));
        }
        let view = scene.view(&self.target, self.form, scene.call.include()?)?;
        Ok(Next::Done(scene.respond_written(&view, 200, key, draft, Some(revision))))
    }

    fn respond(self, scene: &Scene<'_>, value: Value) -> Result<Next, Failure> {
        let view = scene.view(&self.target, self.form, scene.call.include()?)?;
        let response = if self.target.is_scale() {
            scale::respond(scene, &view, &self.target, value)?
        } else {
            view.respond(200, value)
        };
        Ok(Next::Done(response))
    }
}

/// Whether the object is marked for deletion and nothing keeps it any longer, so that the update must remove it.
/// k8s: staging/src/k8s.io/apiserver/pkg/registry/generic/registry/store.go ShouldDeleteDuringUpdate
fn is_finished(scene: &Scene<'_>, target: &Target, value: &Value) -> bool {
    let waits = object::deletion_grace_period_seconds(value).unwrap_or(0) > 0;
    let held = object::finalizers(value).next().is_some();
    let termination = scene.resource(target).row.rules.termination;
    let held_otherwise = termination.is_some_and(|termination| (termination.held)(value));
    object::is_being_deleted(value) && !waits && !held && !held_otherwise
}
