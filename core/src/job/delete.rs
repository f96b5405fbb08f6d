//! DELETE of one object: preconditions, the grace period, finalizers, then the removal.
//! k8s: staging/src/k8s.io/apiserver/pkg/registry/rest/delete.go, registry/generic/registry/store.go

use super::body::{self, Expected};
use super::existing::{Existing, read_key};
use super::write::{Charges, Draft, StoreProgress, Storing, Write, released};
use super::{Answer, Ask, Next, Notes, Scene, State, fail, view};
use crate::admission::{
    AdmissionAttributes, AdmissionOperation, AdmissionProgress, Admitting, OperationOptions, Said,
};
use crate::answer::form::{Endpoint, Form};
use crate::answer::{self, Warnings};
use crate::authorization::Target;
use crate::kinds::Rules;
use crate::museum::Mutant;
use crate::now::Wall;
use crate::question::Reply;
use crate::schema::decode;
use crate::status::{Details, Failure, Qualified};
use crate::store::Rev;
use crate::value::quoted;
use crate::value::{Text, Value, object};
use crate::wire::media::body_media;
use crate::wire::options::{DeleteOptions, Propagation};
use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;
use bytes::Bytes;

const ORPHAN: &str = "orphan";
const FOREGROUND: &str = "foregroundDeletion";

/// The deletion of one object, requested alone or as part of a collection.
#[derive(Clone, Debug)]
pub(super) struct Deletion {
    pub(super) target: Target,
    pub(super) options: DeleteOptions,
    /// It is part of the deletion of a collection: those who are asked about it are not told a name.
    pub(super) is_of_collection: bool,
}

/// What a deletion does to an object.
#[derive(Clone, Debug)]
pub(super) enum Verdict {
    /// The object is removed now. The value is its last state.
    Remove { last: Value },
    /// The object is marked for deletion, and removed when its grace period is over and its finalizers are gone.
    Mark(Draft),
    /// The object is marked for deletion already, and nothing has to be written.
    Wait,
}

/// The state of a DELETE.
#[derive(Clone, Debug)]
pub(crate) struct Delete {
    pub(super) deletion: Deletion,
    form: Form,
    tries: u32,
    phase: Phase,
}

#[derive(Clone, Debug)]
enum Phase {
    /// A plugin waits before it admits the deletion of this object. If only the cache has shown it, a refusal is to be
    /// confirmed.
    Admission {
        existing: Existing,
        verdict: Verdict,
        confirmed: bool,
        admitting: Admitting,
    },
    /// The store is asked for the object. It was refused to delete the one that the cache has shown, if there is a
    /// failure.
    Read(Option<(Rev, Failure)>),
    /// The cache is catching up with what a commit lost to; the key is read then.
    Behind,
    Write {
        verdict: Verdict,
        storing: Storing,
    },
    /// The mark of a kind that has a phase before removal is written, and the cache is to know of it.
    Known {
        verdict: Verdict,
        revision: Rev,
    },
}

pub(super) fn begin(scene: &Scene<'_>, target: Target, warnings: &mut Warnings) -> Result<Next, Failure> {
    let form = Form::negotiate(&scene.call.request, Endpoint::Object)?;
    let options = options(scene)?;
    warnings.add(warning(&target, &options));
    let deletion = Deletion { target, options, is_of_collection: false };
    Delete { deletion, form, tries: 0, phase: Phase::Read(None) }.start(scene, warnings)
}

/// The warning of a kind for a request that names no propagation policy; empty for none.
pub(super) fn warning(target: &Target, options: &DeleteOptions) -> &'static str {
    let chosen = options.orphan_dependents.is_some() || options.propagation_policy.is_some();
    if chosen { "" } else { target.resource().rules().deletion_warning }
}

/// DeleteOptions from the body, or from the query when the body is empty. A body makes the query count for nothing,
/// even if it sets no option. Unknown fields are ignored.
/// k8s: staging/src/k8s.io/apiserver/pkg/endpoints/handlers/delete.go
pub(super) fn options(scene: &Scene<'_>) -> Result<DeleteOptions, Failure> {
    if scene.body.is_empty() {
        return DeleteOptions::from_query(&scene.call.query);
    }
    let media = body_media(scene.call.request.header("content-type"))?;
    let catalogue = &*scene.world.registry.catalogue;
    let type_id = catalogue.type_named("meta.v1.DeleteOptions");
    let type_id = type_id.ok_or_else(|| Failure::internal("the catalogue has no DeleteOptions"))?;
    let expected = Expected { group: "", version: "v1", kind: "DeleteOptions", catalogue, type_id };
    let parsed = body::read(scene, media, expected).map_err(Failure::bad_request)?;
    // Every API group once had a DeleteOptions of its own, so the kind is accepted with any group.
    let (kind, api_version) = (parsed.value.text_at(&["kind"]), parsed.value.text_at(&["apiVersion"]));
    if !matches!(kind, "" | "DeleteOptions") {
        let version = if api_version.is_empty() { "meta.k8s.io/v1" } else { api_version };
        if matches!(version, "v1" | "meta.k8s.io/v1") && META_KINDS.contains(&kind) {
            let why = format!("converting (v1.{kind}) to (v1.DeleteOptions): unknown conversion");
            return Err(Failure::bad_request(why));
        }
        const SCHEME: &str = "k8s.io/apimachinery/pkg/apis/meta/internalversion/scheme/register.go:27";
        let (kind, version, scheme) = (quoted(kind), quoted(version), quoted(SCHEME));
        let why = format!("no kind {kind} is registered for version {version} in scheme {scheme}");
        return Err(Failure::bad_request(why));
    }
    let decoded =
        decode::decode(catalogue, type_id, parsed).map_err(|error| Failure::bad_request(error.0))?;
    DeleteOptions::from_body(&decoded.value)
}

/// The kinds beside DeleteOptions that the decoder of options knows.
/// k8s: staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/register.go
const META_KINDS: &[&str] = &[
    "APIGroup",
    "APIGroupList",
    "APIResourceList",
    "APIVersions",
    "CreateOptions",
    "GetOptions",
    "ListOptions",
    "PatchOptions",
    "Status",
    "UpdateOptions",
    "WatchEvent",
];

impl Deletion {
    /// Asks the plugins of admission about the deletion of an object.
    pub(super) fn admit(
        &self,
        scene: &Scene<'_>,
        old: &Value,
        admitting: Admitting,
        found: Option<Reply>,
        warnings: &mut Warnings,
    ) -> Result<AdmissionProgress, Failure> {
        let target = &self.target;
        let attributes = AdmissionAttributes {
            operation: AdmissionOperation::Delete,
            resource: target.resource(),
            subresource: "",
            namespace: target.namespace(),
            name: if self.is_of_collection { "" } else { target.name() },
            old,
            caller: scene.caller,
            now: scene.now.wall,
            dry_run: self.options.dry_run,
            options: OperationOptions::Delete(&self.options),
            rng: &scene.call.rng,
            converter: scene,
        };
        let mut said = Said::default();
        let progress = admitting.delete(scene.world, &attributes, found, &mut said);
        warnings.extend(said.warnings);
        progress
    }

    pub(super) fn key(&self, scene: &Scene<'_>) -> Result<Bytes, Failure> {
        let collection = scene.collection(self.target.resource())?;
        Ok(collection.keys.key(self.target.namespace(), self.target.name()))
    }

    /// Decides what happens to an existing object.
    pub(super) fn judge(&self, scene: &Scene<'_>, existing: &Existing) -> Result<Verdict, Failure> {
        self.check_preconditions(&existing.value)?;
        let rules = self.target.resource().rules();
        let old = &existing.value;
        let mut new = old.clone();
        self.set_propagation(rules, &mut new);
        if let Some(termination) = rules.termination {
            if !object::is_being_deleted(old) {
                return self.terminate(scene, new, termination.mark);
            }
            if (termination.held)(old) {
                return Ok(Verdict::Wait);
            }
        }
        let asked = match scene.flaw().is(Mutant::GraceForgotten) {
            true => Some(0),
            false => self.options.grace_period_seconds,
        };
        let grace = (rules.grace_seconds)(old, asked);
        let held = object::finalizers(&new).next().is_some();
        match grace {
            Some(seconds) => self.gracefully(scene, existing, new, seconds, held),
            None if held => self.mark(scene, existing, new, 0),
            None => Ok(Verdict::Remove { last: new }),
        }
    }

    /// k8s: staging/src/k8s.io/apiserver/pkg/registry/rest/delete.go BeforeDelete; of kinds with a phase of their own
    /// before removal pkg/registry/core/namespace/storage/storage.go
    fn check_preconditions(&self, value: &Value) -> Result<(), Failure> {
        let wanted = [
            ("UID", &self.options.precondition_uid, object::uid(value)),
            ("ResourceVersion", &self.options.precondition_resource_version, object::resource_version(value)),
        ];
        for (field, wanted, held) in wanted {
            let Some(wanted) = wanted.as_ref().filter(|wanted| *wanted != held) else { continue };
            let name = self.target.name();
            if self.target.resource().rules().termination.is_some() {
                let why = format!(
                    "Precondition failed: {field} in precondition: {wanted}, {field} in object meta: {held}"
                );
                return Err(Failure::conflict(self.target.qualified(), name, &why));
            }
            let guess = if field == "UID" { "deleted and then recreated" } else { "modified" };
            let why = format!(
                "the {field} in the precondition ({wanted}) does not match the {field} in record ({held}). The object \
                 might have been {guess}"
            );
            return Err(Failure::conflict(self.target.qualified_kind(), name, &why));
        }
        Ok(())
    }

    /// Adds or removes the finalizers by which the garbage collector orphans dependents or deletes them first.
    /// k8s: staging/src/k8s.io/apiserver/pkg/registry/generic/registry/store.go
    /// deletionFinalizersForGarbageCollection
    fn set_propagation(&self, rules: &Rules, value: &mut Value) {
        let has = |name: &str| object::has_finalizer(value, name);
        let (orphan, foreground) = match (self.options.orphan_dependents, self.options.propagation_policy) {
            _ if !rules.owns => (false, false),
            (Some(orphan), _) => (orphan, false),
            (None, Some(Propagation::Orphan)) => (true, false),
            (None, Some(Propagation::Foreground)) => (false, true),
            (None, Some(Propagation::Background)) => (false, false),
            (None, None) if has(ORPHAN) => (true, false),
            (None, None) if has(FOREGROUND) => (false, true),
            (None, None) => (rules.orphans, false),
        };
        for (name, wanted) in [(ORPHAN, orphan), (FOREGROUND, foreground)] {
            if wanted {
                object::add_finalizer(value, name);
            } else {
                object::remove_finalizer(value, name);
            }
        }
    }

    /// Deletes an object of a kind that has graceful deletion.
    /// k8s: staging/src/k8s.io/apiserver/pkg/registry/rest/delete.go BeforeDelete
    fn gracefully(
        &self,
        scene: &Scene<'_>,
        existing: &Existing,
        new: Value,
        seconds: i64,
        held: bool,
    ) -> Result<Verdict, Failure> {
        if object::is_being_deleted(&existing.value) {
            return self.hurry(scene, existing, new, held);
        }
        if seconds > 0 || held {
            return self.mark(scene, existing, new, seconds);
        }
        let mut last = new;
        mark(&mut last, scene.now.wall, 0);
        Ok(Verdict::Remove { last })
    }

    /// Handles a second deletion of a marked object. It may shorten the grace period but not lengthen it, and the
    /// first deletion's propagation policy stays.
    fn hurry(
        &self,
        scene: &Scene<'_>,
        existing: &Existing,
        mut new: Value,
        held: bool,
    ) -> Result<Verdict, Failure> {
        let left = not_negative(object::deletion_grace_period_seconds(&existing.value).unwrap_or(0));
        if left == 0 {
            return self.at_once(scene, existing, new, held);
        }
        let asked = self.options.grace_period_seconds.map(not_negative);
        let Some(asked) = asked.filter(|asked| *asked < left) else { return Ok(Verdict::Wait) };
        let now = scene.now.wall;
        let end = object::deletion_timestamp(&existing.value).and_then(Wall::parse_rfc3339).unwrap_or(now);
        let end = end.plus_seconds(-left).plus_seconds(asked);
        // A grace that is over already is as short as one can be that is still told to the object's keeper.
        let (end, grace) = if end.seconds() < now.seconds() { (now, asked.min(1)) } else { (end, asked) };
        object::set_deletion_timestamp(&mut new, Some(end));
        object::set_deletion_grace_period_seconds(&mut new, Some(grace));
        if asked == 0 && !held {
            return Ok(Verdict::Remove { last: new });
        }
        self.sealed(scene, new).map(Verdict::Mark)
    }

    /// Handles an object without a grace period, or whose period is over: only finalizers keep it.
    /// k8s: staging/src/k8s.io/apiserver/pkg/registry/generic/registry/store.go markAsDeleting
    fn at_once(
        &self,
        scene: &Scene<'_>,
        existing: &Existing,
        mut new: Value,
        held: bool,
    ) -> Result<Verdict, Failure> {
        if !held {
            return Ok(Verdict::Remove { last: new });
        }
        let end = object::deletion_timestamp(&existing.value).and_then(Wall::parse_rfc3339);
        if end.is_none_or(|end| end > scene.now.wall) {
            object::set_deletion_timestamp(&mut new, Some(scene.now.wall));
        }
        object::set_deletion_grace_period_seconds(&mut new, Some(0));
        if new == existing.value { Ok(Verdict::Wait) } else { self.sealed(scene, new).map(Verdict::Mark) }
    }

    /// Marks an object that is removed later, after its grace period or its finalizers.
    fn mark(
        &self,
        scene: &Scene<'_>,
        existing: &Existing,
        mut new: Value,
        seconds: i64,
    ) -> Result<Verdict, Failure> {
        if object::is_being_deleted(&existing.value) {
            return self.at_once(scene, existing, new, true);
        }
        mark(&mut new, scene.now.wall, seconds);
        self.sealed(scene, new).map(Verdict::Mark)
    }

    /// Begins the phase before removal of a kind that has one, as namespaces do. For those the old
    /// `orphanDependents: false` means that the dependents go first.
    /// k8s: pkg/registry/core/namespace/storage/storage.go Delete
    fn terminate(
        &self,
        scene: &Scene<'_>,
        mut new: Value,
        set_phase: fn(&mut Value),
    ) -> Result<Verdict, Failure> {
        if self.options.orphan_dependents == Some(false) {
            object::add_finalizer(&mut new, FOREGROUND);
        }
        object::set_deletion_timestamp(&mut new, Some(scene.now.wall));
        set_phase(&mut new);
        self.sealed(scene, new).map(Verdict::Mark)
    }

    fn sealed(&self, scene: &Scene<'_>, value: Value) -> Result<Draft, Failure> {
        Draft::of_scene(scene, self.target.resource(), value, None)
    }
}

impl Verdict {
    /// The write that carries it out; None when there is nothing to write.
    ///
    /// # Errors
    /// What is to go with a removed object cannot be written.
    pub(super) fn write(
        &self,
        scene: &Scene<'_>,
        target: &Target,
        existing: &Existing,
        confirmed: bool,
    ) -> Result<Option<Write>, Failure> {
        let (value, claims) = match self {
            Self::Remove { .. } => (None, released(scene, target, &existing.value)?),
            Self::Mark(draft) => (Some(draft.bytes.clone()), Vec::new()),
            Self::Wait => return Ok(None),
        };
        let key = existing.entry.key().clone();
        Ok(Some(Write {
            key,
            revision: existing.revision(),
            value,
            confirmed,
            claims,
            charges: Charges::default(),
        }))
    }
}

fn mark(value: &mut Value, now: Wall, seconds: i64) {
    object::set_deletion_timestamp(value, Some(now.plus_seconds(seconds)));
    object::set_deletion_grace_period_seconds(value, Some(seconds));
    object::raise_generation(value);
}

/// Treats a negative grace period as the shortest one.
fn not_negative(seconds: i64) -> i64 {
    if seconds < 0 { 1 } else { seconds }
}

impl Delete {
    fn start(self, scene: &Scene<'_>, warnings: &mut Warnings) -> Result<Next, Failure> {
        let resource = self.deletion.target.resource();
        match scene.cached(resource, &self.deletion.key(scene)?) {
            Some(entry) => {
                let existing = scene.existing(resource, entry);
                self.attempt(scene, Some(existing), false, warnings)
            }
            None => self.read(scene, None),
        }
    }

    pub(super) fn step(
        self: Box<Self>,
        scene: &Scene<'_>,
        answer: Answer,
        warnings: &mut Warnings,
        notes: &mut Notes,
    ) -> Result<Next, Failure> {
        let mut this = *self;
        match core::mem::replace(&mut this.phase, Phase::Read(None)) {
            Phase::Admission { existing, verdict, confirmed, admitting } => {
                let found = fail::reply(answer)?;
                this.admit(scene, (existing, verdict, confirmed), (admitting, Some(found)), warnings)
            }
            Phase::Read(refused) => {
                let existing = scene.read_existing(&this.deletion.target, answer)?;
                match (refused, &existing) {
                    (Some((revision, failure)), Some(held)) if held.revision() == revision => Err(failure),
                    (Some(_) | None, _) => this.attempt(scene, existing, true, warnings),
                }
            }
            Phase::Known { verdict, revision } => this.written(scene, verdict, revision),
            Phase::Behind => this.read(scene, None),
            Phase::Write { verdict, storing } => {
                let key = this.deletion.key(scene)?;
                match storing.resume(scene, &this.deletion.target, answer, notes)? {
                    StoreProgress::Wait(storing, ask) => {
                        Ok(this.wait(Phase::Write { verdict, storing }, ask))
                    }
                    StoreProgress::Committed(revision) => this.committed(scene, verdict, revision),
                    StoreProgress::Lost(loss) if loss.guard.key != key => {
                        let ask = scene.lost_claim(&this.deletion.target, &loss, this.tries)?;
                        let this = Self { tries: this.tries + 1, ..this };
                        match ask {
                            Some(ask) => Ok(this.wait(Phase::Behind, ask)),
                            None => this.read(scene, None),
                        }
                    }
                    StoreProgress::Lost(loss) => {
                        let existing = scene.lost_race(&this.deletion.target, loss, this.tries)?;
                        Self { tries: this.tries + 1, ..this }.attempt(scene, existing, true, warnings)
                    }
                    StoreProgress::Uncounted(..) => Err(fail::misfit()),
                }
            }
        }
    }

    fn wait(self, phase: Phase, ask: Ask) -> Next {
        Next::Wait(State::Delete(Box::new(Self { phase, ..self })), ask)
    }

    fn read(self, scene: &Scene<'_>, refused: Option<(Rev, Failure)>) -> Result<Next, Failure> {
        let key = self.deletion.key(scene)?;
        let feed = scene.collection(self.deletion.target.resource())?.feed;
        Ok(self.wait(Phase::Read(refused), Ask::Store(feed, read_key(&key))))
    }

    /// Finds out what the deletion does to an object, and asks the plugins about it. An error that came from the
    /// cache's object is reported only after the store's object confirms it.
    fn attempt(
        self,
        scene: &Scene<'_>,
        existing: Option<Existing>,
        confirmed: bool,
        warnings: &mut Warnings,
    ) -> Result<Next, Failure> {
        let Some(existing) = existing else { return Err(self.deletion.target.not_found()) };
        match self.deletion.judge(scene, &existing) {
            Ok(Verdict::Wait) | Err(_) if !confirmed => self.read(scene, None),
            // Nothing happens that anybody would have to admit.
            Ok(Verdict::Wait) => self.carry_out(scene, existing, Verdict::Wait, confirmed),
            Ok(verdict) => {
                let begun = (Admitting::default(), None);
                self.admit(scene, (existing, verdict, confirmed), begun, warnings)
            }
            Err(failure) => Err(failure),
        }
    }

    /// Asks the plugins, from where admission stands, and goes on when they have admitted the deletion.
    /// k8s: staging/src/k8s.io/apiserver/pkg/storage/etcd3/store.go conditionalDelete
    fn admit(
        self,
        scene: &Scene<'_>,
        (existing, verdict, confirmed): (Existing, Verdict, bool),
        (admitting, found): (Admitting, Option<Reply>),
        warnings: &mut Warnings,
    ) -> Result<Next, Failure> {
        match self.deletion.admit(scene, &existing.value, admitting, found, warnings) {
            Ok(AdmissionProgress::Admitted) => self.carry_out(scene, existing, verdict, confirmed),
            Ok(AdmissionProgress::Wait(admitting, question)) => {
                let phase = Phase::Admission { existing, verdict, confirmed, admitting };
                Ok(self.wait(phase, question.into()))
            }
            Err(failure) if !confirmed => self.read(scene, Some((existing.revision(), failure))),
            Err(failure) => Err(failure),
        }
    }

    fn carry_out(
        self,
        scene: &Scene<'_>,
        existing: Existing,
        verdict: Verdict,
        confirmed: bool,
    ) -> Result<Next, Failure> {
        let tries_only = self.deletion.options.dry_run || scene.flaw().is(Mutant::Canary);
        match verdict.write(scene, &self.deletion.target, &existing, confirmed)? {
            Some(write) if !tries_only => {
                let (storing, ask) = Storing::begin(scene, &self.deletion.target, write)?;
                Ok(self.wait(Phase::Write { verdict, storing }, ask))
            }
            Some(_) | None => {
                let revision = existing.revision();
                self.respond(scene, verdict, existing.value, revision)
            }
        }
    }

    /// Waits for the cache if others depend on the mark: once a client knows that its namespace is being deleted, this
    /// server creates nothing in it any more. If the cache does not follow in time, the client is told nevertheless.
    /// k8s: staging/src/k8s.io/apiserver/pkg/admission/plugin/namespace/lifecycle/admission.go forceLiveLookupCache
    fn committed(self, scene: &Scene<'_>, verdict: Verdict, revision: Rev) -> Result<Next, Failure> {
        let resource = self.deletion.target.resource();
        let feed = scene.collection(resource)?.feed;
        let is_awaited = matches!(verdict, Verdict::Mark(_)) && resource.rules().termination.is_some();
        if is_awaited && scene.world.revision(feed) < revision {
            return Ok(self.wait(Phase::Known { verdict, revision }, Ask::Fresh(feed, revision)));
        }
        self.written(scene, verdict, revision)
    }

    fn written(self, scene: &Scene<'_>, verdict: Verdict, revision: Rev) -> Result<Next, Failure> {
        if let Verdict::Mark(draft) = &verdict
            && scene.flaw().is(Mutant::PreconditionOnOwnChange)
        {
            let now = answer::versioned(draft.value.clone(), Some(revision));
            self.deletion.check_preconditions(&now)?;
        }
        self.respond(scene, verdict, Value::Null, revision)
    }

    fn respond(
        self,
        scene: &Scene<'_>,
        verdict: Verdict,
        current: Value,
        revision: Rev,
    ) -> Result<Next, Failure> {
        let target = &self.deletion.target;
        let kind = target.resource();
        // The old `orphanDependents: false` is answered with the object as long as it is not removed.
        let pending = matches!(verdict, Verdict::Mark(_) | Verdict::Wait);
        let status =
            if pending && self.deletion.options.orphan_dependents == Some(false) { 202 } else { 200 };
        let value = match verdict {
            Verdict::Remove { last } if !kind.rules().returns_deleted => {
                let details = details(target.qualified(), object::name(&last), object::uid(&last));
                let form = Form { representation: crate::answer::form::Representation::Full, ..self.form };
                return Ok(Next::Done(answer::deleted(&scene.world.registry, form, &details)));
            }
            Verdict::Remove { last } => answer::versioned(last, Some(revision)),
            Verdict::Mark(draft) => answer::versioned(draft.value, Some(revision)),
            Verdict::Wait => current,
        };
        let view = view::of_object(scene, target, self.form, scene.call.include()?)?;
        Ok(Next::Done(view.respond(status, value)))
    }
}

fn details(what: Qualified<'_>, name: &str, uid: &str) -> Details {
    Details {
        name: Text::from(name),
        group: what.group.into(),
        kind: what.name.into(),
        uid: uid.into(),
        ..Details::default()
    }
}
