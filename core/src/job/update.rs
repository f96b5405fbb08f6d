//! PUT and PATCH of an object or a subresource: read, change, and write if the object has not changed meanwhile.
//! k8s: staging/src/k8s.io/apiserver/pkg/endpoints/handlers/{update,patch}.go, storage/etcd3/store.go

use super::body;
use super::change::{Patch, RequestedChange};
use super::draft::{Draft, check_name, check_uid, drop_repeated_owners, insisted_revision, version_demanded};
use super::existing::{Existing, read_key, write_if};
use super::fail::Written;
use super::{Answer, Ask, Next, Notes, Scene, State, create, fail, lease, scale, view};
use crate::answer::form::{Endpoint, Form};
use crate::answer::{self, Warnings};
use crate::authorization::Target;
use crate::museum::Mutant;
use crate::status::Failure;
use crate::store::{LeaseId, Op, Put, Rev, TxnOp};
use crate::value::{Value, object};
use crate::wire::media::{PatchMedia, patch_media};
use crate::wire::options::WriteOptions;
use alloc::boxed::Box;
use alloc::string::String;
use bytes::Bytes;

/// The state of a PUT or PATCH.
#[derive(Debug)]
pub(crate) struct Update {
    target: Target,
    form: Form,
    options: WriteOptions,
    change: RequestedChange,
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
    Write(Writing),
    /// The outcome of the write is unknown; the key is being read to find out.
    Verify {
        writing: Writing,
        why: String,
    },
}

/// A write that was sent.
#[derive(Debug)]
struct Writing {
    draft: Draft,
    key: Bytes,
    /// The write removes the object, because its last finalizer is gone.
    removes: bool,
}

/// The result of applying a change.
enum Outcome {
    /// Nothing differs; this is the object as it is.
    Same(Existing),
    Write(Draft, Rev),
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
    start(scene, target, form, options, RequestedChange::Replace(value), warnings)
}

pub(super) fn begin_patch(
    scene: &Scene<'_>,
    target: Target,
    warnings: &mut Warnings,
) -> Result<Next, Failure> {
    let media = patch_media(scene.call.request.header("content-type"), false)?;
    let form = Form::negotiate(&scene.call.request, Endpoint::Object)?;
    let options = WriteOptions::for_patch(&scene.call.query, media == PatchMedia::Apply)?;
    let patch = Patch::parse(media, scene.body)?;
    start(scene, target, form, options, RequestedChange::Patch(patch), warnings)
}

fn start(
    scene: &Scene<'_>,
    target: Target,
    form: Form,
    options: WriteOptions,
    change: RequestedChange,
    warnings: &mut Warnings,
) -> Result<Next, Failure> {
    let update = Update { target, form, options, change, tries: 0, phase: Phase::Read };
    let key = update.key(scene)?;
    let resource = update.target.resource();
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
        notes: &mut Notes,
    ) -> Result<Next, Failure> {
        let mut this = *self;
        match core::mem::replace(&mut this.phase, Phase::Read) {
            Phase::Read => this.read_done(scene, answer, warnings),
            Phase::Lease { draft, revision } => {
                let lease = lease::granted(answer)?;
                this.put(scene, draft, revision, lease)
            }
            Phase::Write(writing) => this.written(scene, writing, answer, warnings, notes),
            Phase::Verify { writing, why } => this.verified(scene, writing, &why, answer),
        }
    }

    fn key(&self, scene: &Scene<'_>) -> Result<Bytes, Failure> {
        let collection = scene.collection(self.target.resource())?;
        Ok(collection.keys.key(self.target.namespace(), self.target.name()))
    }

    fn wait(self, scene: &Scene<'_>, phase: Phase, op: Op) -> Result<Next, Failure> {
        let feed = scene.collection(self.target.resource())?.feed;
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
        match self.outcome(scene, existing, warnings) {
            Ok(Outcome::Write(draft, revision)) => self.write(scene, draft, revision, false),
            Ok(Outcome::Remove(draft, revision)) => self.write(scene, draft, revision, true),
            Ok(Outcome::Same(existing)) if confirmed => self.respond_same(scene, existing),
            Err(failure) if confirmed => Err(failure),
            Ok(Outcome::Same(_)) | Err(_) => self.read(scene),
        }
    }

    fn absent(self, scene: &Scene<'_>, warnings: &mut Warnings) -> Result<Next, Failure> {
        let rules = self.target.resource().row.rules;
        let key = self.key(scene)?;
        match self.change {
            RequestedChange::Replace(value)
                if rules.allow_create_on_update && self.target.sub().is_none() =>
            {
                check_uid(&self.target, &value, "", &key)?;
                insisted_revision(&value)?;
                create::from_value(scene, self.target, self.form, self.options, value, true, warnings)
            }
            RequestedChange::Replace(_) | RequestedChange::Patch(_) => Err(self.target.not_found()),
        }
    }

    fn outcome(
        &self,
        scene: &Scene<'_>,
        existing: Existing,
        warnings: &mut Warnings,
    ) -> Result<Outcome, Failure> {
        let target = &self.target;
        let new = self.change.apply(scene, target, &existing, self.options.field_validation, warnings)?;
        let insisted = insisted_revision(&new)?;
        let new = if target.is_scale() { scale::into_object(target, &new, &existing)? } else { new };
        if matches!(self.change, RequestedChange::Replace(_)) {
            check_uid(target, &new, object::uid(&existing.value), existing.entry.key())?;
        }
        match insisted {
            Some(revision) if revision != existing.revision() => {
                return Err(Failure::modified(target.qualified(), target.name()));
            }
            None if !target.resource().row.rules.allow_unconditional_update && !self.change.is_patch() => {
                return Err(version_demanded(target));
            }
            Some(_) | None => {}
        }
        let mut draft = scene.draft_update(target, new, &existing)?;
        warnings.extend(core::mem::take(&mut draft.warnings));
        if is_finished(target, &draft.value) {
            return Ok(Outcome::Remove(draft, existing.revision()));
        }
        if draft.bytes == *existing.entry.value() {
            return Ok(Outcome::Same(existing));
        }
        Ok(Outcome::Write(draft, existing.revision()))
    }

    fn write(self, scene: &Scene<'_>, draft: Draft, revision: Rev, removes: bool) -> Result<Next, Failure> {
        if self.options.dry_run {
            let value = answer::versioned(draft.value, Some(revision));
            return self.respond(scene, value);
        }
        if removes {
            let key = self.key(scene)?;
            let op = write_if(&key, revision, TxnOp::Delete { key: key.clone(), end: None });
            let op = scene.flaw().unguarded(Mutant::LostUpdate, op);
            return self.wait(scene, Phase::Write(Writing { draft, key, removes }), op);
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
        let put = Put { key: key.clone(), value: draft.bytes.clone(), lease };
        let op = scene.flaw().unguarded(Mutant::LostUpdate, write_if(&key, revision, TxnOp::Put(put)));
        self.wait(scene, Phase::Write(Writing { draft, key, removes: false }), op)
    }

    fn written(
        self,
        scene: &Scene<'_>,
        writing: Writing,
        answer: Answer,
        warnings: &mut Warnings,
        notes: &mut Notes,
    ) -> Result<Next, Failure> {
        let reply = match fail::written(answer, &self.target, notes)? {
            Written::Txn(reply) => reply,
            Written::Unknown(why) => {
                let op = read_key(&writing.key);
                return self.wait(scene, Phase::Verify { writing, why }, op);
            }
        };
        if reply.succeeded {
            return self.respond_written(scene, writing, reply.revision);
        }
        let existing = scene.lost_race(&self.target, reply, self.tries)?;
        Self { tries: self.tries + 1, ..self }.attempt(scene, existing, true, warnings)
    }

    /// Decides the outcome of a write whose reply was lost. If the key holds the written bytes, the write happened,
    /// or another writer wrote the same bytes, which makes no difference. Otherwise the outcome stays unknown.
    fn verified(
        self,
        scene: &Scene<'_>,
        writing: Writing,
        why: &str,
        answer: Answer,
    ) -> Result<Next, Failure> {
        let kv = fail::read_back(answer, why)?;
        match kv.filter(|kv| !writing.removes && kv.value == writing.draft.bytes) {
            Some(kv) => self.respond_written(scene, writing, kv.mod_revision),
            None => Err(fail::unknown_outcome(why)),
        }
    }

    fn respond_written(self, scene: &Scene<'_>, writing: Writing, revision: Rev) -> Result<Next, Failure> {
        let Writing { draft, key, .. } = writing;
        if self.target.is_scale() {
            return self.respond(scene, answer::versioned(draft.value, Some(revision)));
        }
        let view = view::of_object(scene, &self.target, self.form, scene.call.include()?)?;
        Ok(Next::Done(scene.respond_written(&view, 200, &key, draft, Some(revision))))
    }

    fn respond_same(self, scene: &Scene<'_>, existing: Existing) -> Result<Next, Failure> {
        self.respond(scene, existing.value)
    }

    fn respond(self, scene: &Scene<'_>, value: Value) -> Result<Next, Failure> {
        let view = view::of_object(scene, &self.target, self.form, scene.call.include()?)?;
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
fn is_finished(target: &Target, value: &Value) -> bool {
    let waits = object::deletion_grace_period_seconds(value).unwrap_or(0) > 0;
    let held = object::finalizers(value).next().is_some();
    let termination = target.resource().row.rules.termination;
    let held_otherwise = termination.is_some_and(|termination| (termination.held)(value));
    object::is_being_deleted(value) && !waits && !held && !held_otherwise
}
