//! The way from the object that a client wants to the one that may be stored: defaults, mutating admission,
//! preparation, validation, validating admission. Admission may wait for the store.

use super::default::Defaulted;
use super::draft::Draft;
use super::prepare::{self, Prepared};
use super::record;
use super::validate::Validated;
use crate::admission::{self, AdmissionAttributes, AdmissionOperation, Admitting};
use crate::answer::Warnings;
use crate::authorization::Target;
use crate::job::existing::Existing;
use crate::job::{Answer, Ask, Scene, fail};
use crate::kinds::{Facts, Kind};
use crate::museum::Mutant;
use crate::rng::Rng;
use crate::status::Failure;
use crate::store::Stored;
use crate::value::{Text, Value, object};

/// What an object is to be stored in place of.
#[derive(Debug)]
pub(in crate::job) enum Base {
    /// Nothing. If its name is generated, so many names were tried before.
    Absent {
        names_tried: u32,
    },
    Held(Existing),
}

/// An object on its way.
#[derive(Debug)]
pub(in crate::job) struct Drafting {
    base: Base,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Mutating(Value, Admitting),
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
        warnings: &mut Warnings,
    ) -> Result<Drafted, Failure> {
        let registry = &scene.world.registry;
        let whole = target.is_status() && scene.flaw().is(Mutant::StatusWritesSpec);
        let strategy = target.resource().rules().strategy(subresource(target));
        if matches!(base, Base::Held(_))
            && strategy.is_some_and(|held| held.reset_fields.resets("spec"))
            && !whole
        {
            // Without what will be reset, defaulting has less to do.
            value.remove_at(&["spec"]);
        }
        // A Scale was already applied to the object in its stored version.
        let resource = target.resource();
        let written_as = if target.is_scale() { registry.stored_kind(resource) } else { resource };
        let Defaulted { mut value } = Defaulted::of(scene.world, written_as, value);
        if let Some(manager) = manager {
            record::record(scene, target, &base, &mut value, manager)?;
        }
        mutate(scene, target, base, value, Admitting::default(), None, warnings)
    }

    /// Continues with what admission has waited for.
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
        let found = Some(fail::stored(answer)?);
        match self.stage {
            Stage::Mutating(value, admitting) => {
                mutate(scene, target, self.base, value, admitting, found, warnings)
            }
            Stage::Validating(draft, admitting) => {
                validate(scene, target, self.base, draft, admitting, found)
            }
        }
    }
}

fn mutate(
    scene: &Scene<'_>,
    target: &Target,
    base: Base,
    mut value: Value,
    admitting: Admitting,
    found: Option<Stored>,
    warnings: &mut Warnings,
) -> Result<Drafted, Failure> {
    match admitting.mutate(scene.world, &attributes(scene, target, &base), &mut value, found)? {
        admission::AdmissionProgress::Wait(admitting, feed, op) => {
            let stage = Stage::Mutating(value, admitting);
            Ok(Drafted::Waits(Drafting { base, stage }, Ask::Store(feed, op)))
        }
        admission::AdmissionProgress::Admitted => {
            let resource = scene.world.registry.stored_kind(target.resource());
            let checked = match &base {
                Base::Absent { names_tried } => created(scene, target, resource, value, *names_tried),
                Base::Held(existing) => updated(scene, target, resource, value, existing),
            };
            let Validated { value, warnings: told } = checked?;
            warnings.extend(told);
            let existing = match &base {
                Base::Absent { .. } => None,
                Base::Held(existing) => Some(existing),
            };
            let draft = Draft::of(scene.world, resource, value, existing)?;
            validate(scene, target, base, draft, Admitting::default(), None)
        }
    }
}

/// Prepares and validates a new object.
fn created(
    scene: &Scene<'_>,
    target: &Target,
    resource: &Kind,
    mut value: Value,
    names_tried: u32,
) -> Result<Validated, Failure> {
    prepare::name(&mut value, &scene.call.rng, names_tried);
    let uid = uid(scene, object::name(&value));
    let facts = facts(scene, target);
    let prepared = Prepared::created(resource, value, &uid, &facts)?;
    Validated::created(resource, target.resource().rules().name, prepared, &facts)
}

/// Prepares and validates a changed object.
fn updated(
    scene: &Scene<'_>,
    target: &Target,
    resource: &Kind,
    value: Value,
    existing: &Existing,
) -> Result<Validated, Failure> {
    let subresource = subresource(target);
    let strategy = resource.rules().strategy(subresource);
    let strategy = strategy.ok_or_else(|| Failure::internal("the subresource cannot be updated"))?;
    let facts = facts(scene, target).of_update(subresource, &existing.value);
    let prepared = Prepared::updated(scene.world, resource, strategy, value, &facts)?;
    Validated::updated(resource, strategy, prepared, &facts)
}

fn validate(
    scene: &Scene<'_>,
    target: &Target,
    base: Base,
    draft: Draft,
    admitting: Admitting,
    found: Option<Stored>,
) -> Result<Drafted, Failure> {
    match admitting.validate(scene.world, &attributes(scene, target, &base), &draft.value, found)? {
        admission::AdmissionProgress::Wait(admitting, feed, op) => {
            let stage = Stage::Validating(draft, admitting);
            Ok(Drafted::Waits(Drafting { base, stage }, Ask::Store(feed, op)))
        }
        admission::AdmissionProgress::Admitted => Ok(Drafted::Ready(draft, base)),
    }
}

fn attributes<'a>(scene: &Scene<'a>, target: &'a Target, base: &'a Base) -> AdmissionAttributes<'a> {
    let (operation, old) = match base {
        Base::Absent { .. } => (AdmissionOperation::Create, &Value::Null),
        Base::Held(existing) => (AdmissionOperation::Update, &existing.value),
    };
    AdmissionAttributes {
        operation,
        resource: target.resource(),
        subresource: subresource(target),
        namespace: target.namespace(),
        name: target.name(),
        old,
        rng: &scene.call.rng,
    }
}

fn subresource(target: &Target) -> &str {
    target.sub().map_or("", |sub| sub.name.as_str())
}

fn facts<'a>(scene: &Scene<'a>, target: &'a Target) -> Facts<'a> {
    Facts::of_create(scene.caller, scene.now.wall, &scene.world.config, scene.world)
        .of_group(&target.resource().group)
}

fn uid(scene: &Scene<'_>, name: &str) -> Text {
    if scene.flaw().is(Mutant::UidReused) { Rng::new(0).fork(name, 0).uuid() } else { scene.call.uid() }
}
