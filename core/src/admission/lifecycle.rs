//! NamespaceLifecycle: nothing is created in a namespace that does not exist or is being deleted, and the namespaces
//! that the server needs are never deleted.
//! k8s: staging/src/k8s.io/apiserver/pkg/admission/plugin/namespace/lifecycle/admission.go

use super::chain::{AdmissionPlugin, Opinion, Said};
use super::{AdmissionAttributes, AdmissionOperation};
use crate::question::{self, Question, Reply};
use crate::status::{Cause, CauseType, Failure, Qualified};
use crate::store::{Op, Range};
use crate::value::{Value, object};
use crate::world::World;
use alloc::format;

pub(super) const PLUGIN: AdmissionPlugin = AdmissionPlugin { mutate: admit, ..AdmissionPlugin::IDLE };

fn admit(
    world: &World,
    attributes: &AdmissionAttributes<'_>,
    object: &mut Value,
    found: Option<Reply>,
    _said: &mut Said,
) -> Result<Opinion, Failure> {
    match attributes.operation {
        AdmissionOperation::Create | AdmissionOperation::Update if attributes.is_inside_namespace() => {
            inside(world, attributes, object, found)
        }
        AdmissionOperation::Create | AdmissionOperation::Update | AdmissionOperation::Connect => {
            Ok(Opinion::Admitted)
        }
        AdmissionOperation::Delete => delete(attributes),
    }
}

/// A write of an object in a namespace, which has to exist. Only what is new is refused while it is being deleted.
fn inside(
    world: &World,
    attributes: &AdmissionAttributes<'_>,
    object: &Value,
    found: Option<Reply>,
) -> Result<Opinion, Failure> {
    match namespace(world, attributes.namespace, found)? {
        SoughtNamespace::Here { is_ending } => judged(attributes, object, is_ending),
        SoughtNamespace::Unknown(opinion) => Ok(opinion),
        SoughtNamespace::Absent => {
            let what = Qualified { group: "", name: "namespaces" };
            Err(Failure::not_found(what, attributes.namespace))
        }
    }
}

/// What is known of a namespace.
pub(super) enum SoughtNamespace {
    Here {
        is_ending: bool,
    },
    /// Only the store can tell.
    Unknown(Opinion),
    Absent,
}

/// Looks for a namespace, in the cache first. `found` is what the store has answered.
pub(super) fn namespace(world: &World, name: &str, found: Option<Reply>) -> Result<SoughtNamespace, Failure> {
    let gone = || Failure::internal("namespaces are not served");
    let resource = world.registry.find("", "v1", "namespaces");
    let storage = resource.and_then(|resource| resource.storage).ok_or_else(gone)?;
    let collection = world.collection(storage).ok_or_else(gone)?;
    let key = collection.keys.key("", name);
    let Some(stored) = found else {
        let is_cached = world.cache(storage).is_some_and(|cache| cache.get(&key).is_some());
        if !is_cached {
            // The cache may be behind: only the store can tell that a namespace does not exist.
            let op = Op::Range(Range { key, ..Range::default() });
            return Ok(SoughtNamespace::Unknown(Opinion::Needs(Question::Store(collection.feed, op))));
        }
        return Ok(SoughtNamespace::Here { is_ending: world.indexes().is_ending(name) });
    };
    let Some(kv) = question::ranged(stored)?.kvs.pop() else { return Ok(SoughtNamespace::Absent) };
    let entry = world.decode(storage, kv).ok_or_else(gone)?.map_err(|why| Failure::unreadable(&why.0))?;
    Ok(SoughtNamespace::Here { is_ending: object::is_being_deleted(&entry.to_value()) })
}

fn judged(attributes: &AdmissionAttributes<'_>, object: &Value, is_ending: bool) -> Result<Opinion, Failure> {
    if is_ending && attributes.operation == AdmissionOperation::Create {
        return Err(terminating(attributes, object));
    }
    Ok(Opinion::Admitted)
}

fn terminating(attributes: &AdmissionAttributes<'_>, object: &Value) -> Failure {
    let namespace = attributes.namespace;
    let why = format!("unable to create new content in namespace {namespace} because it is being terminated");
    let failure = attributes.forbidden(object, &why);
    let cause = Cause {
        reason: CauseType::NamespaceTerminating,
        message: format!("namespace {namespace} is being terminated"),
        field: "metadata.namespace".into(),
    };
    failure.with_cause(cause)
}

fn delete(attributes: &AdmissionAttributes<'_>) -> Result<Opinion, Failure> {
    let termination = attributes.resource.rules().termination;
    match termination.filter(|termination| termination.protected.contains(&attributes.name)) {
        Some(termination) => {
            let what = attributes.qualified();
            Err(Failure::forbidden(what, attributes.name, termination.protected_message))
        }
        None => Ok(Opinion::Admitted),
    }
}
