//! PUT and PATCH of an object or a subresource: read, change, and write if the object has not changed meanwhile.
//! k8s: staging/src/k8s.io/apiserver/pkg/endpoints/handlers/{update,patch}.go, storage/etcd3/store.go

use super::apply::Configuration;
use super::body;
use super::change::{Patch, RequestedChange};
use super::create::{self, Origin};
use super::existing::{Existing, read_key};
use super::write::conditions::{check_uid, insisted_revision, version_demanded};
use super::write::place::{check_name, drop_repeated_owners, place};
use super::write::{self, Base, Charges, Draft, Drafted, Drafting, StoreProgress, Storing, Write, released};
use super::{Answer, Ask, Next, Notes, Scene, State, fail, scale, view};
use crate::answer::form::{Endpoint, Form};
use crate::answer::{self, Warnings};
use crate::authorization::Target;
use crate::museum::Mutant;
use crate::status::Failure;
use crate::store::{Loss, Rev};
use crate::value::{Value, object};
use crate::wire::media::{PatchMedia, patch_media};
use crate::wire::options::WriteOptions;
use alloc::boxed::Box;
use bytes::Bytes;

/// The state of a PUT or PATCH.
#[derive(Clone, Debug)]
pub(crate) struct Update {
    pub(super) target: Target,
    form: Form,
    options: WriteOptions,
    change: RequestedChange,
    tries: u32,
    phase: Phase,
}

#[derive(Clone, Debug)]
enum Phase {
    /// The key is being read, because it was not in the cache or the cached object led to an error.
    Read,
    /// The cache is catching up with what a commit lost to; the key is read then.
    Behind,
    Draft {
        drafting: Drafting,
        confirmed: bool,
    },
    Write {
        draft: Draft,
        key: Bytes,
        storing: Storing,
    },
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
    place(&target, &mut value)?;
    check_name(&target, &value)?;
    drop_repeated_owners(&mut value, false, warnings);
    start(scene, target, form, options, RequestedChange::Replace(value), warnings)
}

pub(super) fn begin_patch(
    scene: &Scene<'_>,
    target: Target,
    warnings: &mut Warnings,
) -> Result<Next, Failure> {
    let media = patch_media(scene.call.request.header("content-type"), target.resource().is_custom())?;
    let form = Form::negotiate(&scene.call.request, Endpoint::Object)?;
    let options = WriteOptions::for_patch(&scene.call.query, media == PatchMedia::Apply)?;
    let change = match media {
        PatchMedia::Apply => RequestedChange::Apply(Configuration::parse(scene.body)?),
        PatchMedia::Json | PatchMedia::Merge | PatchMedia::Strategic => {
            RequestedChange::Patch(Patch::parse(media, scene.body)?)
        }
    };
    start(scene, target, form, options, change, warnings)
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
        Some(entry) => {
            let existing = scene.existing(update.target.resource(), entry);
            update.attempt(scene, Some(existing), false, warnings)
        }
        None => update.read(scene),
    }
}

/// Continues an apply whose object has come into being before it could be created.
pub(super) fn after_creation(
    scene: &Scene<'_>,
    (target, form, options): (Target, Form, WriteOptions),
    (configuration, tries): (Configuration, u32),
    loss: Loss,
    warnings: &mut Warnings,
) -> Result<Next, Failure> {
    let existing = scene.lost_race(&target, loss, tries)?;
    let change = RequestedChange::Apply(configuration);
    let update = Update { target, form, options, change, tries: tries + 1, phase: Phase::Read };
    update.attempt(scene, existing, true, warnings)
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
            Phase::Behind => this.read(scene),
            Phase::Draft { drafting, confirmed } => {
                let drafted = drafting.resume(scene, &this.target, answer, warnings);
                this.drafted(scene, drafted, confirmed)
            }
            Phase::Write { draft, key, storing } => {
                match storing.resume(scene, &this.target, answer, notes)? {
                    StoreProgress::Wait(storing, ask) => {
                        Ok(this.wait(Phase::Write { draft, key, storing }, ask))
                    }
                    StoreProgress::Committed(revision) => this.respond_written(scene, draft, &key, revision),
                    StoreProgress::Lost(loss) if loss.guard.key != key => {
                        let ask = scene.lost_claim(&this.target, &loss, this.tries)?;
                        let this = Self { tries: this.tries + 1, ..this };
                        match ask {
                            Some(ask) => Ok(this.wait(Phase::Behind, ask)),
                            None => this.read(scene),
                        }
                    }
                    StoreProgress::Uncounted(feed, loss) => {
                        scene.check_counted(&loss, this.tries)?;
                        let ask = Ask::Fresh(feed, loss.at);
                        Ok(Self { tries: this.tries + 1, ..this }.wait(Phase::Behind, ask))
                    }
                    StoreProgress::Lost(loss) => {
                        let existing = scene.lost_race(&this.target, loss, this.tries)?;
                        Self { tries: this.tries + 1, ..this }.attempt(scene, existing, true, warnings)
                    }
                }
            }
        }
    }

    fn key(&self, scene: &Scene<'_>) -> Result<Bytes, Failure> {
        let collection = scene.collection(self.target.resource())?;
        Ok(collection.keys.key(self.target.namespace(), self.target.name()))
    }

    fn wait(self, phase: Phase, ask: Ask) -> Next {
        Next::Wait(State::Update(Box::new(Self { phase, ..self })), ask)
    }

    fn read(self, scene: &Scene<'_>) -> Result<Next, Failure> {
        let key = self.key(scene)?;
        let feed = scene.collection(self.target.resource())?.feed;
        Ok(self.wait(Phase::Read, Ask::Store(feed, read_key(&key))))
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
        let is_told = self.target.is_scale() || matches!(self.change, RequestedChange::Apply(_));
        let manager = (!is_told).then(|| scene.manager(&self.options));
        let drafted = self.wanted(scene, &existing, warnings).and_then(|value| {
            let (base, manager) = (Base::Held(existing), manager.as_deref());
            Drafting::begin(scene, &self.target, value, base, manager, self.options.dry_run, warnings)
        });
        self.drafted(scene, drafted, confirmed)
    }

    fn drafted(
        self,
        scene: &Scene<'_>,
        drafted: Result<Drafted, Failure>,
        confirmed: bool,
    ) -> Result<Next, Failure> {
        let (draft, existing) = match drafted {
            Ok(Drafted::Waits(drafting, ask)) => {
                return Ok(self.wait(Phase::Draft { drafting, confirmed }, ask));
            }
            Ok(Drafted::Ready(draft, Base::Held(existing))) => (draft, existing),
            Ok(Drafted::Ready(_, Base::Absent { .. })) => return Err(fail::misfit()),
            Err(failure) if confirmed => return Err(failure),
            Err(_) => return self.read(scene),
        };
        let revision = existing.revision();
        let key = existing.entry.key().clone();
        if is_finished(&self.target, &draft.value) {
            let claims = released(scene, &self.target, &existing.value)?;
            let write = Write { key, revision, value: None, confirmed, claims, charges: Charges::default() };
            return self.write(scene, draft, write);
        }
        if draft.changes_nothing(scene.world, self.target.resource(), &existing) {
            return if confirmed { self.respond(scene, existing.value) } else { self.read(scene) };
        }
        let (value, claims) = (Some(draft.bytes.clone()), draft.claims.clone());
        let write = Write { key, revision, value, confirmed, claims, charges: draft.charges.clone() };
        self.write(scene, draft, write)
    }

    fn absent(self, scene: &Scene<'_>, warnings: &mut Warnings) -> Result<Next, Failure> {
        let rules = self.target.resource().rules();
        let key = self.key(scene)?;
        match self.change {
            RequestedChange::Replace(value)
                if rules.allow_create_on_update && self.target.sub().is_none() =>
            {
                check_uid(&self.target, &value, "", &key)?;
                insisted_revision(&value)?;
                create::from_value(scene, self.target, self.form, self.options, value, Origin::Put, warnings)
            }
            RequestedChange::Apply(configuration) if self.target.sub().is_none() => {
                let value = configuration.apply(scene, &self.target, None, &self.options, warnings)?;
                insisted_revision(&value)?;
                let origin = Origin::Apply { configuration, tries: self.tries };
                create::from_value(scene, self.target, self.form, self.options, value, origin, warnings)
            }
            RequestedChange::Apply(_) | RequestedChange::Replace(_) | RequestedChange::Patch(_) => {
                Err(self.target.not_found())
            }
        }
    }

    /// The object that the client wants in place of an existing one.
    fn wanted(
        &self,
        scene: &Scene<'_>,
        existing: &Existing,
        warnings: &mut Warnings,
    ) -> Result<Value, Failure> {
        let target = &self.target;
        let mut new = self.change.apply(scene, target, existing, &self.options, warnings)?;
        let insisted = insisted_revision(&new)?;
        if target.is_scale() {
            if !matches!(self.change, RequestedChange::Apply(_)) {
                scale::record(scene, target, &mut new, existing, &scene.manager(&self.options))?;
            }
            new = scale::into_object(target, &new, existing)?;
        }
        if matches!(self.change, RequestedChange::Replace(_)) {
            check_uid(target, &new, object::uid(&existing.value), existing.entry.key())?;
        }
        match insisted {
            Some(revision) if revision != existing.revision() => {
                return Err(Failure::modified(target.qualified(), target.name()));
            }
            None if !target.resource().rules().allow_unconditional_update && !self.change.is_patch() => {
                return Err(version_demanded(target));
            }
            Some(_) | None => {}
        }
        Ok(new)
    }

    fn write(self, scene: &Scene<'_>, draft: Draft, put: Write) -> Result<Next, Failure> {
        if self.options.dry_run && !scene.flaw().is(Mutant::DryRunStored) {
            let shown = write::answer::shown(scene, self.target.resource(), draft);
            return self.respond(scene, answer::versioned(shown, Some(put.revision)));
        }
        let key = put.key.clone();
        let (storing, ask) = Storing::begin(scene, &self.target, put)?;
        Ok(self.wait(Phase::Write { draft, key, storing }, ask))
    }

    fn respond_written(
        self,
        scene: &Scene<'_>,
        draft: Draft,
        key: &[u8],
        revision: Rev,
    ) -> Result<Next, Failure> {
        if self.target.is_scale() {
            return self.respond(scene, answer::versioned(draft.value, Some(revision)));
        }
        let view = view::of_object(scene, &self.target, self.form, scene.call.include()?)?;
        Ok(Next::Done(write::answer::respond(scene, &view, 200, key, draft, Some(revision))?))
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
    let termination = target.resource().rules().termination;
    let held_otherwise = termination.is_some_and(|termination| (termination.held)(value));
    object::is_being_deleted(value) && !waits && !held && !held_otherwise
}
