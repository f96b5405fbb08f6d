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
    let is_inside = attributes.resource.namespaced() && !attributes.namespace.is_empty();
    match attributes.operation {
        AdmissionOperation::Create | AdmissionOperation::Update if is_inside => {
            inside(world, attributes, object, found)
        }
        AdmissionOperation::Create | AdmissionOperation::Update => Ok(Opinion::Admitted),
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
    let namespace = attributes.namespace;
    let resource = world.registry.find("", "v1", "namespaces");
    let storage = resource.and_then(|resource| resource.storage);
    let storage = storage.ok_or_else(|| Failure::internal("namespaces are not served"))?;
    let gone = || Failure::internal("namespaces are not served");
    let collection = world.collection(storage).ok_or_else(gone)?;
    let key = collection.keys.key("", namespace);
    let Some(stored) = found else {
        let is_cached = world.cache(storage).is_some_and(|cache| cache.get(&key).is_some());
        if !is_cached {
            // The cache may be behind: only the store can tell that a namespace does not exist.
            let op = Op::Range(Range { key, ..Range::default() });
            return Ok(Opinion::Needs(Question::Store(collection.feed, op)));
        }
        return judged(attributes, object, world.indexes().is_ending(namespace));
    };
    let absent = || Failure::not_found(Qualified { group: "", name: "namespaces" }, namespace);
    let kv = question::ranged(stored)?.kvs.pop().ok_or_else(absent)?;
    let entry = world.decode(storage, kv).ok_or_else(gone)?.map_err(|why| Failure::unreadable(&why.0))?;
    judged(attributes, object, object::is_being_deleted(&entry.to_value()))
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
