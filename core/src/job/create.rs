//! POST of a new object.
//! k8s: staging/src/k8s.io/apiserver/pkg/endpoints/handlers/create.go, registry/generic/registry/store.go

use super::apply::Configuration;
use super::authorize::{self, Again};
use super::body;
use super::write::conditions::name_taken;
use super::write::place::{drop_repeated_owners, place};
use super::write::{self, Base, Charges, Draft, Drafted, Drafting, StoreProgress, Storing, Write};
use super::{Answer, Ask, Next, Notes, Scene, State, fail, update, view};
use crate::answer::Warnings;
use crate::answer::form::{Endpoint, Form};
use crate::authorization::{Target, Undecided};
use crate::kinds::Verb;
use crate::museum::Mutant;
use crate::status::Failure;
use crate::store::{Feed, Loss, Rev};
use crate::value::{Text, Value, object};
use crate::wire::options::WriteOptions;
use crate::wire::query::parse_uint;
use alloc::boxed::Box;
use bytes::Bytes;

/// The state of a POST.
#[derive(Clone, Debug)]
pub(crate) struct Create {
    pub(super) target: Target,
    form: Form,
    options: WriteOptions,
    /// The client's object, with its namespace set. It is kept only while there may be another attempt: with another
    /// generated name, or with other claims.
    value: Value,
    /// The resource version in the client's body.
    resource_version: Text,
    origin: Origin,
    generates: bool,
    /// How many names were generated so far.
    tries: u32,
    /// How many commits lost because of what they write with the object.
    claims_lost: u32,
    phase: Phase,
}

/// What a creation comes from.
#[derive(Clone, Debug)]
pub(super) enum Origin {
    Post,
    /// A PUT to an absent name; the resource version in its body does not matter.
    Put,
    /// An apply to an absent name. The managed fields of the object are already told. If somebody else creates the
    /// object first, the configuration is applied to that.
    Apply {
        configuration: Configuration,
        tries: u32,
    },
}

#[derive(Clone, Debug)]
enum Phase {
    /// The object is to be drafted, or to be drafted again under another name.
    Begun,
    /// The cache is catching up with what a commit lost to; the object is drafted again then.
    Behind,
    Draft(Drafting),
    /// The request began as an update. Authorization waits for an answer before it can tell whether the caller may
    /// create objects.
    Permission {
        draft: Draft,
        key: Bytes,
        undecided: Undecided,
    },
    Write {
        draft: Draft,
        key: Bytes,
        storing: Storing,
    },
}

pub(super) fn begin(scene: &Scene<'_>, target: Target, warnings: &mut Warnings) -> Result<Next, Failure> {
    let form = Form::negotiate(&scene.call.request, Endpoint::Object)?;
    let options = WriteOptions::for_create(&scene.call.query)?;
    let body = body::object(scene, &target, options.field_validation)?;
    warnings.extend(body.warnings);
    from_value(scene, target, form, options, body.value, Origin::Post, warnings)
}

/// Continues with a decoded object, either of a POST, or of a PUT to an absent name.
pub(super) fn from_value(
    scene: &Scene<'_>,
    target: Target,
    form: Form,
    options: WriteOptions,
    mut value: Value,
    origin: Origin,
    warnings: &mut Warnings,
) -> Result<Next, Failure> {
    drop_repeated_owners(&mut value, false, warnings);
    place(&target, &mut value)?;
    let resource_version = object::resource_version(&value).into();
    let target = target.named(object::name(&value));
    let generates = target.name().is_empty();
    let create = Create {
        target,
        form,
        options,
        value,
        resource_version,
        origin,
        generates,
        tries: 0,
        claims_lost: 0,
        phase: Phase::Begun,
    };
    create.draft(scene, warnings)
}

impl Create {
    pub(super) fn step(
        self: Box<Self>,
        scene: &Scene<'_>,
        answer: Answer,
        warnings: &mut Warnings,
        notes: &mut Notes,
    ) -> Result<Next, Failure> {
        let mut this = *self;
        match core::mem::replace(&mut this.phase, Phase::Begun) {
            Phase::Begun => Err(fail::misfit()),
            Phase::Behind => this.draft(scene, warnings),
            Phase::Draft(drafting) => {
                let drafted = drafting.resume(scene, &this.target, answer, warnings)?;
                this.drafted(scene, drafted)
            }
            Phase::Permission { draft, key, undecided } => {
                this.ask_permission(scene, draft, key, Some((undecided, answer)))
            }
            Phase::Write { draft, key, storing } => {
                match storing.resume(scene, &this.target, answer, notes)? {
                    StoreProgress::Wait(storing, ask) => {
                        Ok(this.wait(Phase::Write { draft, key, storing }, ask))
                    }
                    StoreProgress::Committed(revision) => this.respond(scene, draft, &key, Some(revision)),
                    StoreProgress::Lost(loss) if loss.guard.key != key => {
                        let ask = scene.lost_claim(&this.target, &loss, this.claims_lost)?;
                        let this = Self { claims_lost: this.claims_lost + 1, ..this };
                        match ask {
                            Some(ask) => Ok(this.wait(Phase::Behind, ask)),
                            None => this.draft(scene, warnings),
                        }
                    }
                    StoreProgress::Uncounted(feed, loss) => this.count_again(scene, draft, key, (feed, loss)),
                    StoreProgress::Lost(loss) => this.taken(scene, loss, warnings),
                }
            }
        }
    }

    fn wait(self, phase: Phase, ask: Ask) -> Next {
        Next::Wait(State::Create(Box::new(Self { phase, ..self })), ask)
    }

    fn draft(mut self, scene: &Scene<'_>, warnings: &mut Warnings) -> Result<Next, Failure> {
        // The tree is moved, not cloned, whenever no further attempt can need it: it is then changed in place.
        let is_kept = self.generates || self.target.resource().rules().claims.is_some();
        let value = if is_kept { self.value.clone() } else { core::mem::take(&mut self.value) };
        let base = Base::Absent { names_tried: self.tries };
        let is_told = matches!(self.origin, Origin::Apply { .. });
        let manager = (!is_told).then(|| scene.manager(&self.options));
        let (manager, dry_run) = (manager.as_deref(), self.options.dry_run);
        let drafted = Drafting::begin(scene, &self.target, value, base, manager, dry_run, warnings)?;
        self.drafted(scene, drafted)
    }

    /// Counts the object again, after a commit lost to another one that was counted.
    fn count_again(
        self,
        scene: &Scene<'_>,
        draft: Draft,
        key: Bytes,
        (feed, loss): (Feed, Loss),
    ) -> Result<Next, Failure> {
        scene.check_counted(&loss, self.claims_lost)?;
        if scene.flaw().is(Mutant::QuotaCountedOnce) {
            return self.send(scene, Draft { charges: Charges::default(), ..draft }, key);
        }
        let base = Base::Absent { names_tried: self.tries };
        let phase = Phase::Draft(Drafting::count_again(draft, base));
        Ok(Self { claims_lost: self.claims_lost + 1, ..self }.wait(phase, Ask::Fresh(feed, loss.at)))
    }

    fn drafted(mut self, scene: &Scene<'_>, drafted: Drafted) -> Result<Next, Failure> {
        let draft = match drafted {
            Drafted::Waits(drafting, ask) => return Ok(self.wait(Phase::Draft(drafting), ask)),
            Drafted::Ready(draft, _) => draft,
        };
        self.target = self.target.named(object::name(&draft.value));
        let collection = scene.collection(self.target.resource())?;
        let key = collection.keys.key(self.target.namespace(), self.target.name());
        if self.target.verb() == Verb::Create {
            return self.permitted(scene, draft, key);
        }
        self.ask_permission(scene, draft, key, None)
    }

    /// Asks whether the caller, who may update objects, may also create them.
    /// k8s: staging/src/k8s.io/apiserver/pkg/endpoints/handlers/update.go withAuthorization
    fn ask_permission(
        self,
        scene: &Scene<'_>,
        draft: Draft,
        key: Bytes,
        asked: Option<(Undecided, Answer)>,
    ) -> Result<Next, Failure> {
        match authorize::again(scene, &self.target, Verb::Create, asked)? {
            Again::Allowed(target) => Self { target, ..self }.permitted(scene, draft, key),
            Again::Wait(undecided, ask) => {
                let phase = Phase::Permission { draft, key, undecided };
                Ok(Next::Wait(State::Create(Box::new(Self { phase, ..self })), ask))
            }
        }
    }

    /// Continues with an object that the caller may create.
    fn permitted(self, scene: &Scene<'_>, draft: Draft, key: Bytes) -> Result<Next, Failure> {
        assert!(self.target.verb() == Verb::Create, "only a permit to create leads here");
        if self.options.dry_run {
            return self.dry_run(scene, draft, &key);
        }
        self.check_resource_version()?;
        self.send(scene, draft, key)
    }

    /// A new object must not name a resource version, since the store assigns it. A text that is not a number is
    /// ignored.
    /// k8s: staging/src/k8s.io/apiserver/pkg/storage/etcd3/store.go Create
    fn check_resource_version(&self) -> Result<(), Failure> {
        let sent = parse_uint(&self.resource_version).unwrap_or(0);
        if sent == 0 || !matches!(self.origin, Origin::Post) {
            return Ok(());
        }
        Err(Failure::unclassified("resourceVersion should not be set on objects to be created"))
    }

    fn send(self, scene: &Scene<'_>, draft: Draft, key: Bytes) -> Result<Next, Failure> {
        let value = Some(draft.bytes.clone());
        let (claims, charges) = (draft.claims.clone(), draft.charges.clone());
        let write = Write { key: key.clone(), revision: Rev(0), value, confirmed: true, claims, charges };
        let (storing, ask) = Storing::begin(scene, &self.target, write)?;
        Ok(self.wait(Phase::Write { draft, key, storing }, ask))
    }

    /// Answers a dry run. Nothing is written, so the answer has the resource version that the client sent.
    /// k8s: staging/src/k8s.io/apiserver/pkg/registry/generic/registry/dryrun.go
    fn dry_run(self, scene: &Scene<'_>, mut draft: Draft, key: &[u8]) -> Result<Next, Failure> {
        let resource = self.target.resource();
        if scene.cached(resource, key).is_some() {
            return Err(name_taken(&self.target, self.target.name(), ""));
        }
        object::set_resource_version(&mut draft.value, &self.resource_version);
        self.respond(scene, draft, key, None)
    }

    /// Tries another generated name, if the name was generated.
    fn taken(self, scene: &Scene<'_>, loss: Loss, warnings: &mut Warnings) -> Result<Next, Failure> {
        if let Origin::Apply { configuration, tries } = self.origin {
            let request = (self.target, self.form, self.options);
            return update::after_creation(scene, request, (configuration, tries), loss, warnings);
        }
        let tries_max = scene.world.config.bounds.generated_name_tries;
        if self.generates && self.tries + 1 < tries_max {
            return Self { tries: self.tries + 1, ..self }.draft(scene, warnings);
        }
        let prefix = if self.generates { object::generate_name(&self.value) } else { "" };
        Err(name_taken(&self.target, self.target.name(), prefix))
    }

    fn respond(
        self,
        scene: &Scene<'_>,
        draft: Draft,
        key: &[u8],
        revision: Option<Rev>,
    ) -> Result<Next, Failure> {
        let view = view::of_object(scene, &self.target, self.form, scene.call.include()?)?;
        Ok(Next::Done(write::answer::respond(scene, &view, 201, key, draft, revision)?))
    }
}
