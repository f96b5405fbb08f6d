//! NamespaceLifecycle: nothing is created in a namespace that does not exist or is being deleted, and the namespaces
//! that the server needs are never deleted.
//! k8s: staging/src/k8s.io/apiserver/pkg/admission/plugin/namespace/lifecycle/admission.go

use super::chain::Opinion;
use super::{Attributes, Operation};
use crate::status::{Cause, CauseType, Failure, Qualified};
use crate::store::{Op, Range, Stored, failure};
use crate::value::{Value, object};
use crate::world::World;
use alloc::format;

pub(super) fn admit(
    world: &World,
    attributes: &Attributes<'_>,
    _object: &mut Value,
    found: Option<Stored>,
) -> Result<Opinion, Failure> {
    match attributes.operation {
        Operation::Create if !attributes.namespace.is_empty() => create(world, attributes, found),
        Operation::Create | Operation::Update => Ok(Opinion::Admitted),
        Operation::Delete => delete(attributes),
    }
}

fn create(world: &World, attributes: &Attributes<'_>, found: Option<Stored>) -> Result<Opinion, Failure> {
    let namespace = attributes.namespace;
    let resource = world.registry.find("", "v1", "namespaces");
    let storage = resource.and_then(|resource| resource.storage);
    let storage = storage.ok_or_else(|| Failure::internal("namespaces are not served"))?;
    let collection = world.collection(storage);
    let key = collection.keys.key("", namespace);
    let held = match found {
        None => match world.cache(storage).get(&key) {
            Some(entry) => entry.to_value(),
            // The cache may be behind: only the store can tell that a namespace does not exist.
            None => {
                let op = Op::Range(Range { key, ..Range::default() });
                return Ok(Opinion::Needs(collection.feed, op));
            }
        },
        Some(stored) => {
            let kv = failure::ranged(stored)?.kvs.pop();
            let absent = || Failure::not_found(Qualified { group: "", name: "namespaces" }, namespace);
            let entry = world.decode(storage, kv.ok_or_else(absent)?);
            entry.map_err(|why| Failure::unreadable(&why.0))?.to_value()
        }
    };
    if object::is_being_deleted(&held) { Err(terminating(attributes)) } else { Ok(Opinion::Admitted) }
}

fn terminating(attributes: &Attributes<'_>) -> Failure {
    let namespace = attributes.namespace;
    let why = format!("unable to create new content in namespace {namespace} because it is being terminated");
    let failure = Failure::forbidden(attributes.qualified(), attributes.name, &why);
    let cause = Cause {
        reason: CauseType::NamespaceTerminating,
        message: format!("namespace {namespace} is being terminated"),
        field: "metadata.namespace".into(),
    };
    failure.with_cause(cause)
}

fn delete(attributes: &Attributes<'_>) -> Result<Opinion, Failure> {
    let termination = attributes.resource.row.rules.termination;
    match termination.filter(|termination| termination.protected.contains(&attributes.name)) {
        Some(termination) => {
            let what = attributes.qualified();
            Err(Failure::forbidden(what, attributes.name, termination.protected_message))
        }
        None => Ok(Opinion::Admitted),
    }
}
