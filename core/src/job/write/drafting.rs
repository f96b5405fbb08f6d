//! The way from the object that a client wants to the one that may be stored: defaults, mutating admission,
//! preparation, validation, validating admission. Admission may wait for the store.

use super::claims::{self, Charges};
use super::conditions;
use super::default::Defaulted;
use super::draft::Draft;
use super::escalation::{Grant, RolesProgress, RolesRead};
use super::prepare::{self, Prepared};
use super::record;
use super::validate::Validated;
use crate::admission::{
    AdmissionAttributes, AdmissionOperation, AdmissionProgress, Admitting, OperationOptions, Said, sees_all,
};
use crate::answer::Warnings;
use crate::authorization::{Decided, Deciding, Target};
use crate::job::existing::Existing;
use crate::job::list::newest_revision;
use crate::job::{Answer, Ask, Scene, fail};
use crate::kinds::{Claims, Facts, Kind};
use crate::museum::Mutant;
use crate::question::Reply;
use crate::rng::Rng;
use crate::status::Failure;
use crate::value::{Text, Value, object};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

/// What an object is to be stored in place of.
#[derive(Clone, Debug)]
pub(in crate::job) enum Base {
    /// Nothing. If its name is generated, so many names were tried before.
    Absent {
        names_tried: u32,
    },
    Held(Existing),
}

impl Base {
    fn existing(&self) -> Option<&Existing> {
        match self {
            Self::Absent { .. } => None,
            Self::Held(existing) => Some(existing),
        }
    }
}

/// An object on its way.
#[derive(Clone, Debug)]
pub(in crate::job) struct Drafting {
    course: Course,
    stage: Stage,
}

/// What stays the same on the way.
#[derive(Clone, Debug)]
struct Course {
    base: Base,
    dry_run: bool,
}

#[derive(Clone, Debug)]
enum Stage {
    Mutating(Value, Admitting),
    /// The authorizers are asked whether the caller may give away rights.
    Granting(Value, Grant, Box<Deciding>),
    /// They do not allow it. What the caller has is being read.
    Reading(Value, Grant, RolesRead),
    /// What the cache shows refuses the object's claims. The store is asked for its newest revision.
    Doubted(Value),
    /// The cache is catching up with that revision.
    Behind(Value),
    Validating(Draft, Admitting),
}

/// How far an object has come.
#[derive(Debug)]
pub(in crate::job) enum Drafted {
    Waits(Drafting, Ask),
    Ready(Draft, Base),
}

impl Drafting {
    /// Begins with a decoded object in the version of the request. What it changes is counted as written by the
    /// manager; without one, its managed fields are already those of the change.
    ///
    /// # Errors
    /// The object's own, or a plugin's refusal.
    pub(in crate::job) fn begin(
        scene: &Scene<'_>,
        target: &Target,
        mut value: Value,
        base: Base,
        manager: Option<&str>,
        dry_run: bool,
        warnings: &mut Warnings,
    ) -> Result<Drafted, Failure> {
        if matches!(base, Base::Absent { .. }) {
            conditions::check_definition(scene, target)?;
        }
        let registry = &scene.world.registry;
        let whole = target.is_status() && scene.flaw().is(Mutant::StatusWritesSpec);
        let rules = target.resource().rules();
        let strategy = rules.strategy(target.subresource());
        if matches!(base, Base::Held(_))
            && !rules.status_defaults_need_spec
            && strategy.is_some_and(|held| held.reset_fields.resets("spec"))
            && !whole
            && !sees_all(scene.world, scene.caller, target.resource())
        {
            // Without what will be reset, defaulting has less to do.
            value.remove_at(&["spec"]);
        }
        // A Scale was already applied to the object in its stored version.
        let resource = target.resource();
        let written_as = if target.is_scale() { registry.working_kind(resource) } else { resource };
        let Defaulted { mut value } = Defaulted::of(scene.world, written_as, value);
        if let Some(manager) = manager {
            record::record(scene, target, &base, &mut value, manager)?;
        }
        let course = Course { base, dry_run };
        course.mutate(scene, target, value, Admitting::default(), None, warnings)
    }

    /// Counts a draft again whose commit was lost to another write that was counted. The job is to be resumed when the
    /// cache knows of that one. Nothing else of the draft is decided anew.
    pub(in crate::job) fn count_again(draft: Draft, base: Base) -> Self {
        let draft = Draft { charges: Charges::default(), ..draft };
        let course = Course { base, dry_run: false };
        Self { course, stage: Stage::Validating(draft, Admitting::counting()) }
    }

    /// Continues with what admission, or a claim, has waited for.
    ///
    /// # Errors
    /// The object's own, or a plugin's refusal.
    pub(in crate::job) fn resume(
        self,
        scene: &Scene<'_>,
        target: &Target,
        answer: Answer,
        warnings: &mut Warnings,
    ) -> Result<Drafted, Failure> {
        let course = self.course;
        match self.stage {
            Stage::Mutating(value, admitting) => {
                let found = Some(fail::reply(answer)?);
                course.mutate(scene, target, value, admitting, found, warnings)
            }
            Stage::Granting(value, grant, deciding) => {
                let found = Some(fail::reply(answer)?);
                course.grant(scene, target, value, (grant, deciding, found), warnings)
            }
            Stage::Reading(value, grant, roles) => {
                let found = Some(fail::reply(answer)?);
                course.confirm(scene, target, value, (grant, roles, found), warnings)
            }
            Stage::Doubted(value) => {
                let revision = fail::ranged(answer)?.revision;
                let feed = scene.collection(target.resource())?.feed;
                if scene.world.revision(feed) >= revision {
                    return course.claim(scene, target, value, true, warnings);
                }
                let drafting = Self { course, stage: Stage::Behind(value) };
                Ok(Drafted::Waits(drafting, Ask::Fresh(feed, revision)))
            }
            Stage::Behind(value) => match answer {
                Answer::Fresh => course.claim(scene, target, value, true, warnings),
                Answer::Stale => {
                    let why = "it is not known in time which addresses and ports are taken";
                    Err(Failure::timeout(why, 1))
                }
                Answer::Stored(_)
                | Answer::Begin
                | Answer::Seated
                | Answer::Body(_)
                | Answer::Called(_)
                | Answer::Signed(_)
                | Answer::Verified(_)
                | Answer::Turn
                | Answer::Taken(_) => Err(fail::misfit()),
            },
            Stage::Validating(draft, admitting) => {
                let found = Some(fail::reply(answer)?);
                course.validate(scene, target, draft, admitting, found, warnings)
            }
        }
    }
}

impl Course {
    fn mutate(
        self,
        scene: &Scene<'_>,
        target: &Target,
        mut value: Value,
        admitting: Admitting,
        found: Option<Reply>,
        warnings: &mut Warnings,
    ) -> Result<Drafted, Failure> {
        let attributes = self.attributes(scene, target);
        let mut said = Said::default();
        let progress = admitting.mutate(scene.world, &attributes, &mut value, found, &mut said);
        warnings.extend(said.warnings);
        match progress? {
            AdmissionProgress::Wait(admitting, question) => {
                let stage = Stage::Mutating(value, admitting);
                Ok(Drafted::Waits(Drafting { course: self, stage }, question.into()))
            }
            AdmissionProgress::Admitted => {
                let held = self.base.existing().map(|existing| &existing.value);
                let Some(grant) = Grant::of(scene, target, &value, held) else {
                    return self.claim(scene, target, value, false, warnings);
                };
                let deciding = Box::new(Deciding::new(grant.questions(scene, target, &value)));
                self.grant(scene, target, value, (grant, deciding, None), warnings)
            }
        }
    }

    /// Continues with a role or binding, if the caller may give away rights or has them all.
    fn grant(
        self,
        scene: &Scene<'_>,
        target: &Target,
        value: Value,
        (grant, deciding, found): (Grant, Box<Deciding>, Option<Reply>),
        warnings: &mut Warnings,
    ) -> Result<Drafted, Failure> {
        match deciding.go_on(scene.world, found.as_ref()) {
            Decided::Wait(deciding, question) => {
                let stage = Stage::Granting(value, grant, deciding);
                Ok(Drafted::Waits(Drafting { course: self, stage }, question.into()))
            }
            Decided::All(rulings) if rulings.iter().any(|ruling| ruling.is_allowed) => {
                self.claim(scene, target, value, false, warnings)
            }
            Decided::All(_) => {
                let roles = RolesRead::of(scene);
                self.confirm(scene, target, value, (grant, roles, None), warnings)
            }
        }
    }

    /// Continues with a role or binding whose rights the caller has all, when it is known what they have.
    fn confirm(
        self,
        scene: &Scene<'_>,
        target: &Target,
        value: Value,
        (grant, roles, found): (Grant, RolesRead, Option<Reply>),
        warnings: &mut Warnings,
    ) -> Result<Drafted, Failure> {
        if let RolesProgress::Wait(roles, question) = roles.go_on(scene, found)? {
            let stage = Stage::Reading(value, grant, roles);
            return Ok(Drafted::Waits(Drafting { course: self, stage }, question.into()));
        }
        let held = self.base.existing().map(|existing| &existing.value);
        grant.confirm(scene, target, &value, held)?;
        self.claim(scene, target, value, false, warnings)
    }

    /// Takes what the object needs of what all share, then prepares and validates it. A refusal is told only when the
    /// snapshot is known to be newer than the request (`is_fresh`).
    fn claim(
        self,
        scene: &Scene<'_>,
        target: &Target,
        value: Value,
        is_fresh: bool,
        warnings: &mut Warnings,
    ) -> Result<Drafted, Failure> {
        let resource = scene.world.registry.working_kind(target.resource());
        let rules = resource.rules().claims.filter(|_| target.sub().is_none());
        let (mut claimed, mut claims) = (value, Claims::default());
        if let Base::Absent { names_tried } = &self.base {
            prepare::name(&mut claimed, &scene.call.rng, *names_tried);
        }
        if let Some(rules) = rules {
            let unclaimed = claimed.clone();
            let facts = self.facts(scene, target);
            match (rules.take)(&mut claimed, &facts, &scene.call.rng) {
                Ok(taken) => claims = taken,
                Err(failure) if is_fresh => return Err(failure),
                Err(_) => {
                    let collection = scene.collection(resource)?;
                    let ask = Ask::Store(collection.feed, newest_revision(collection.keys.prefix()));
                    let stage = Stage::Doubted(unclaimed);
                    return Ok(Drafted::Waits(Drafting { course: self, stage }, ask));
                }
            }
        }
        let mut told = Vec::new();
        let checked = self.checked(scene, target, resource, claimed, &mut told);
        warnings.extend(told);
        let Validated { value, warnings: told } = checked?;
        warnings.extend(told);
        let mut draft = Draft::of_request(scene, resource, value, self.base.existing())?;
        if !self.dry_run {
            draft.claims = claims::keys(scene, target, &claims)?;
        }
        self.validate(scene, target, draft, Admitting::default(), None, warnings)
    }

    fn facts<'a>(&'a self, scene: &Scene<'a>, target: &'a Target) -> Facts<'a> {
        let facts = Facts::of_create(scene.caller, scene.now.wall, &scene.world.config, scene.world);
        let facts = Facts { dry_run: self.dry_run, ..facts }.of_group(&target.resource().group);
        match &self.base {
            Base::Absent { .. } => facts,
            Base::Held(existing) => facts.of_update(target.subresource(), &existing.value),
        }
    }

    /// Prepares and validates a new or changed object.
    fn checked(
        &self,
        scene: &Scene<'_>,
        target: &Target,
        resource: &Kind,
        value: Value,
        told: &mut Vec<String>,
    ) -> Result<Validated, Failure> {
        let facts = self.facts(scene, target);
        if matches!(self.base, Base::Absent { .. }) {
            let uid = uid(scene, object::name(&value));
            let prepared = Prepared::created(resource, value, &uid, &facts)?;
            return Validated::created(resource, target.resource().rules().name, prepared, &facts);
        }
        let strategy = resource.rules().strategy(facts.subresource);
        let strategy = strategy.ok_or_else(|| Failure::internal("the subresource cannot be updated"))?;
        let prepared = Prepared::updated(scene.world, resource, strategy, value, &facts)?;
        Validated::updated(resource, strategy, prepared, &facts, told)
    }

    fn validate(
        self,
        scene: &Scene<'_>,
        target: &Target,
        mut draft: Draft,
        admitting: Admitting,
        found: Option<Reply>,
        warnings: &mut Warnings,
    ) -> Result<Drafted, Failure> {
        let attributes = self.attributes(scene, target);
        let mut said = Said::default();
        let progress = admitting.validate(scene.world, &attributes, &draft.value, found, &mut said);
        warnings.extend(said.warnings);
        match progress? {
            AdmissionProgress::Wait(admitting, question) => {
                let stage = Stage::Validating(draft, admitting);
                Ok(Drafted::Waits(Drafting { course: self, stage }, question.into()))
            }
            AdmissionProgress::Admitted => {
                if !self.dry_run {
                    draft.charges = claims::charges(scene, &said.claims)?;
                }
                Ok(Drafted::Ready(draft, self.base))
            }
        }
    }

    fn attributes<'a>(&'a self, scene: &'a Scene<'a>, target: &'a Target) -> AdmissionAttributes<'a> {
        let (operation, old) = match &self.base {
            Base::Absent { .. } => (AdmissionOperation::Create, &Value::Null),
            Base::Held(existing) => (AdmissionOperation::Update, &existing.value),
        };
        AdmissionAttributes {
            operation,
            resource: target.resource(),
            subresource: target.subresource(),
            namespace: target.namespace(),
            name: target.name(),
            old,
            caller: scene.caller,
            now: scene.now.wall,
            dry_run: self.dry_run,
            options: OperationOptions::Write(&scene.call.query),
            rng: &scene.call.rng,
            converter: scene,
        }
    }
}

fn uid(scene: &Scene<'_>, name: &str) -> Text {
    if scene.flaw().is(Mutant::UidReused) { Rng::new(0).fork(name, 0).uuid() } else { scene.call.uid() }
}
