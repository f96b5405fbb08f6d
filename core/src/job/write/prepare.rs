//! The stage after mutating admission: what the server sets or keeps, whatever the client has sent.
//! k8s: staging/src/k8s.io/apiserver/pkg/registry/rest/{create,update}.go

use crate::kinds::{Facts, Generation, Kind, Strategy};
use crate::museum::{Flaw, Mutant};
use crate::rng::Rng;
use crate::schema::changed::normalize_changed;
use crate::schema::decode;
use crate::status::Failure;
use crate::value::{Text, Value, object};
use crate::world::World;
use alloc::format;

/// An object that has its name and all that its kind's strategy prepares, in the shape of its type.
#[derive(Debug)]
pub(in crate::job) struct Prepared {
    pub(super) value: Value,
}

impl Prepared {
    /// A new object of a stored resource, which gets this uid. Its name is set, unless it has none at all.
    ///
    /// # Errors
    /// 500 when the kind's strategy made something of it that its type cannot hold.
    pub(in crate::job) fn created(
        resource: &Kind,
        mut value: Value,
        uid: &Text,
        facts: &Facts<'_>,
    ) -> Result<Self, Failure> {
        let rules = resource.rules();
        fill_system_fields(&mut value, uid, facts);
        (rules.prepare_for_create)(&mut value, facts);
        match rules.generation {
            Generation::None | Generation::OnChange => {}
            Generation::AtCreation
            | Generation::Spec
            | Generation::SpecAsSent
            | Generation::SpecAndAnnotations
            | Generation::SpecAndLabels => object::set_generation(&mut value, 1),
        }
        let value = shaped(resource, value)?;
        assert_eq!(object::uid(&value), uid.as_str(), "no rule changes the uid of a new object");
        Ok(Self { value })
    }

    /// A changed object of a stored resource; the facts have the object that it replaces. `strategy` is that of the
    /// subresource through which it is written.
    ///
    /// # Errors
    /// 500 when the kind's strategy made something of it that its type cannot hold.
    pub(in crate::job) fn updated(
        world: &World,
        resource: &Kind,
        strategy: &Strategy,
        mut value: Value,
        facts: &Facts<'_>,
    ) -> Result<Self, Failure> {
        let (old, flaw) = (facts.old, world.config.flaw);
        let is_status = facts.subresource == "status";
        let policy = resource.rules().generation;
        let sent = policy == Generation::SpecAsSent && grows(policy, &value, old);
        if !(is_status && flaw.is(Mutant::StatusWritesSpec)) {
            (strategy.prepare_for_update)(&mut value, facts);
        }
        keep_system_fields(&mut value, old);
        let shaped = normalize_changed(&resource.catalogue, resource.type_id, value, old);
        let mut value = shaped.map_err(|error| Failure::internal(error.0))?;
        let grown = !is_status && (sent || grows(policy, &value, old));
        object::set_generation(&mut value, next_generation(old, grown, flaw));
        if object::resource_version(&value).is_empty() {
            object::set_resource_version(&mut value, object::resource_version(old));
        }
        Ok(Self { value })
    }
}

/// The object as decoding it into upstream's Go type would leave it.
fn shaped(resource: &Kind, value: Value) -> Result<Value, Failure> {
    let shaped = decode::normalize(&resource.catalogue, resource.type_id, value);
    shaped.map_err(|error| Failure::internal(error.0))
}

/// Names an object that asks for a generated name. `attempt` counts the names that were tried before.
pub(super) fn name(value: &mut Value, rng: &Rng, attempt: u32) {
    let prefix = object::generate_name(value);
    if object::name(value).is_empty() && !prefix.is_empty() {
        let name = generated(prefix, &rng.fork("name", u64::from(attempt)).name_suffix(SUFFIX_LEN));
        object::set_name(value, &name);
    }
}

/// The length of a generated suffix, and the longest prefix that is kept before it.
/// k8s: staging/src/k8s.io/apiserver/pkg/storage/names/generate.go
const SUFFIX_LEN: usize = 5;
const PREFIX_LEN_MAX: usize = 58;

fn generated(prefix: &str, suffix: &str) -> Text {
    let end =
        (0..=prefix.len().min(PREFIX_LEN_MAX)).rev().find(|at| prefix.is_char_boundary(*at)).unwrap_or(0);
    format!("{}{suffix}", &prefix[..end]).into()
}

/// k8s: staging/src/k8s.io/apiserver/pkg/registry/rest/meta.go FillObjectMetaSystemFields
fn fill_system_fields(value: &mut Value, uid: &Text, facts: &Facts<'_>) {
    object::set_deletion_timestamp(value, None);
    object::set_deletion_grace_period_seconds(value, None);
    object::set_creation_timestamp(value, Some(facts.now));
    object::set_uid(value, uid);
    object::clear_self_link(value);
}

/// Restores fields that an update cannot change. The creation and deletion timestamps always stay; uid and grace
/// period stay when the update leaves them out, and other changes of them are refused by validation.
/// k8s: staging/src/k8s.io/apiserver/pkg/registry/rest/update.go BeforeUpdate
fn keep_system_fields(new: &mut Value, old: &Value) {
    if object::uid(new).is_empty() {
        object::set_uid(new, object::uid(old));
    }
    let left_out = object::deletion_grace_period_seconds(new).is_none();
    let kept =
        [("creationTimestamp", true), ("deletionTimestamp", true), ("deletionGracePeriodSeconds", left_out)];
    for (field, _) in kept.into_iter().filter(|(_, kept)| *kept) {
        let path = ["metadata", field];
        if let Some(held) = old.at(&path) {
            new.set_at(&path, held.clone());
        }
    }
}

fn next_generation(old: &Value, grown: bool, flaw: Flaw) -> i64 {
    let held = object::generation(old);
    if grown && !flaw.is(Mutant::GenerationNotRaised) { held.saturating_add(1) } else { held }
}

/// Whether the change increments the generation.
fn grows(policy: Generation, new: &Value, old: &Value) -> bool {
    let differs = |field: &str| new.field(field) != old.field(field);
    let keys =
        [new, old].into_iter().filter_map(Value::as_map).flat_map(|map| map.iter().map(|(key, _)| key));
    let mut members =
        keys.filter(|key| !matches!(key.as_str(), "metadata" | "status" | "kind" | "apiVersion"));
    match policy {
        Generation::None | Generation::AtCreation => false,
        Generation::OnChange | Generation::Spec | Generation::SpecAsSent => members.any(|key| differs(key)),
        Generation::SpecAndAnnotations => {
            members.any(|key| differs(key)) || object::annotations(new) != object::annotations(old)
        }
        Generation::SpecAndLabels => {
            members.any(|key| differs(key)) || object::labels(new) != object::labels(old)
        }
    }
}
