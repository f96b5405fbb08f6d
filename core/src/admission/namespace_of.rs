//! The namespace of a write, for plugins that its annotations tell something.

use super::chain::Opinion;
use crate::kinds::Objects;
use crate::question::{self, Question, Reply};
use crate::status::{Failure, Qualified};
use crate::store::{Op, Range};
use crate::value::Value;
use crate::world::World;

/// The namespace, or what has to be asked first: the cache may be behind, and only the store can tell that there is
/// none. `found` is what the store has answered.
pub(super) fn namespace(
    world: &World,
    name: &str,
    found: Option<Reply>,
) -> Result<Result<Value, Opinion>, Failure> {
    Ok(lookup(world, name, found)?.map_err(Opinion::Needs))
}

/// The same for those who keep what they have asked.
pub(super) fn lookup(
    world: &World,
    name: &str,
    found: Option<Reply>,
) -> Result<Result<Value, Question>, Failure> {
    if let Some(namespace) = world.get("", "namespaces", "", name) {
        return Ok(Ok(namespace));
    }
    let gone = || Failure::internal("namespaces are not served");
    let resource = world.registry.find("", "v1", "namespaces");
    let storage = resource.and_then(|resource| resource.storage).ok_or_else(gone)?;
    let collection = world.collection(storage).ok_or_else(gone)?;
    let Some(stored) = found else {
        let op = Op::Range(Range { key: collection.keys.key("", name), ..Range::default() });
        return Ok(Err(Question::Store(collection.feed, op)));
    };
    let absent = || Failure::not_found(Qualified { group: "", name: "namespaces" }, name);
    let kv = question::ranged(stored)?.kvs.pop().ok_or_else(absent)?;
    let entry = world.decode(storage, kv).ok_or_else(gone)?.map_err(|why| Failure::unreadable(&why.0))?;
    Ok(Ok(entry.to_value()))
}
