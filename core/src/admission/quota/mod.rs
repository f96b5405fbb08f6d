//! ResourceQuota: what is created or grows in a namespace is counted, and has to keep to the namespace's quotas.
//!
//! Quotas are charged in the commit of the object itself, guarded by the revisions of them that were seen: no number of
//! servers can together exceed a quota, and nothing is counted that was not stored. Writers of one server take turns by
//! namespace, since each of them changes the same quota.
//! k8s: staging/src/k8s.io/apiserver/pkg/admission/plugin/resourcequota/admission.go

mod amounts;
mod check;
mod device_claim;
mod evaluator;
mod pod;
mod pod_amounts;
mod scope;
mod service;
mod volume_claim;

use super::chain::{AdmissionPlugin, Opinion, Said};
use super::{AdmissionAttributes, AdmissionOperation};
use crate::kinds::{ClaimChange, ClaimPlace, Kind, Objects};
use crate::question::{self, Question, Reply};
use crate::status::Failure;
use crate::store::{Feed, Op, Range, Rev};
use crate::value::{Value, object};
use crate::world::World;
use alloc::vec::Vec;
pub use amounts::Amounts;
use check::Check;
use core::ops::ControlFlow;
pub use evaluator::Evaluator;

pub(super) const PLUGIN: AdmissionPlugin = AdmissionPlugin { validate, ..AdmissionPlugin::IDLE };

/// How a request is told that it could not be counted in time.
const TIMED_OUT: &str = "resource quota evaluation timed out";

/// How far the plugin has come with a write.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// It looks for the first time.
    First,
    /// It is the turn of this write among those of its namespace.
    Turn,
    /// The snapshot is newer than the request.
    Fresh,
}

fn validate(
    world: &World,
    attributes: &AdmissionAttributes<'_>,
    object: &Value,
    found: Option<Reply>,
    said: &mut Said,
) -> Result<Opinion, Failure> {
    let progress = match found {
        None => Progress::First,
        Some(Reply::Turn) => Progress::Turn,
        Some(Reply::Fresh) => Progress::Fresh,
        Some(Reply::Stale) => return Err(Failure::timeout(TIMED_OUT, 1)),
        Some(reply) => {
            let revision = question::ranged(reply)?.revision;
            let feed = source(world)?.0;
            if world.revision(feed) < revision {
                return Ok(Opinion::Needs(Question::Fresh(feed, revision)));
            }
            Progress::Fresh
        }
    };
    let kind = attributes.resource;
    if attributes.namespace.is_empty() || creates_namespace(attributes, kind) {
        return Ok(Opinion::Admitted);
    }
    let Some(evaluator) = Evaluator::of(&kind.group, &kind.plural) else { return Ok(Opinion::Admitted) };
    if attributes.operation == AdmissionOperation::Delete || !evaluator.handles(attributes, object) {
        return Ok(Opinion::Admitted);
    }
    let limited = &world.config.admission.plugins.limited_resources;
    let quotas = quotas(world, attributes.namespace);
    if quotas.is_empty() && limited.is_empty() {
        return Ok(Opinion::Admitted);
    }
    let check = Check { attributes, evaluator: &evaluator, objects: world, object, limited };
    match check.charges(&quotas) {
        Ok(charges) if charges.is_empty() || attributes.dry_run => Ok(Opinion::Admitted),
        Ok(_) if progress == Progress::First => {
            Ok(Opinion::Needs(Question::Turn(attributes.namespace.into())))
        }
        Ok(charges) => {
            for charge in charges {
                let mut quota = charge.quota.clone();
                quota.set_at(&["status", "used"], charge.used.to_value());
                let place = ClaimPlace {
                    group: "",
                    plural: "resourcequotas",
                    namespace: attributes.namespace.into(),
                    name: object::name(charge.quota).into(),
                };
                said.claims.add(place, Some(charge.quota), ClaimChange::PutStatus(quota));
            }
            Ok(Opinion::Admitted)
        }
        Err(failure) if progress == Progress::Fresh => Err(failure),
        Err(_) => {
            // The quotas of the cache may be old: only the store can tell that they are not.
            let (feed, op) = source(world)?;
            Ok(Opinion::Needs(Question::Store(feed, op)))
        }
    }
}

fn creates_namespace(attributes: &AdmissionAttributes<'_>, kind: &Kind) -> bool {
    attributes.operation == AdmissionOperation::Create && kind.plural == "namespaces" && kind.group.is_empty()
}

fn quotas(world: &World, namespace: &str) -> Vec<Value> {
    let mut quotas = Vec::new();
    world.visit("", "resourcequotas", namespace, &mut |quota| {
        quotas.push(quota.clone());
        ControlFlow::Continue(())
    });
    quotas
}

/// The feed of quotas, and what asks it for its newest revision.
fn source(world: &World) -> Result<(Feed, Op), Failure> {
    let kind = world.registry.find("", "v1", "resourcequotas");
    let collection = kind.and_then(|kind| world.collection(kind.storage?));
    let collection = collection.ok_or_else(|| Failure::internal("resource quotas are not served"))?;
    let key = collection.keys.prefix().clone();
    Ok((collection.feed, Op::Range(Range { key, count_only: true, revision: Rev(0), ..Range::default() })))
}
