//! The objects without which a token is not good: as the cache has them, and as the store has them when the cache has
//! none, since it may not know yet what was just made.
//! k8s: pkg/controller/serviceaccount/tokengetter.go

use super::super::finding::Presented;
use crate::question::{Question, Reply, ranged};
use crate::status::{Failure, Qualified};
use crate::store::{Op, Range, failure};
use crate::value::{Text, Value, object};
use alloc::format;
use alloc::string::String;

/// The kinds of such objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NeededKind {
    Account,
    Secret,
    Pod,
    Node,
}

impl NeededKind {
    fn plural(self) -> &'static str {
        match self {
            Self::Account => "serviceaccounts",
            Self::Secret => "secrets",
            Self::Pod => "pods",
            Self::Node => "nodes",
        }
    }
}

/// An object that a token needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Needed {
    pub(super) kind: NeededKind,
    /// Empty for a node.
    pub(super) namespace: Text,
    pub(super) name: Text,
    pub(super) uid: Text,
}

/// What came of looking for it.
pub(super) enum Lookup {
    Found(Value),
    Ask(Question),
}

impl Needed {
    /// Looks for the object. `reply` is the store's, if it was asked.
    ///
    /// # Errors
    /// There is no such object, or the store cannot tell.
    pub(super) fn find(&self, presented: &Presented<'_>, reply: Option<Reply>) -> Result<Lookup, Failure> {
        let world = presented.world;
        let kind = world.registry.find("", "v1", self.kind.plural());
        let storage = kind.and_then(|kind| kind.storage);
        let place = storage.and_then(|storage| Some((storage, world.collection(storage)?)));
        let Some((storage, collection)) = place else { return Err(failure::misfit()) };
        if let Some(reply) = reply {
            let kv = ranged(reply)?.kvs.pop().ok_or_else(|| self.absent())?;
            let entry = world.decode(storage, kv).ok_or_else(failure::misfit)?;
            return entry
                .map(|entry| Lookup::Found(entry.to_value()))
                .map_err(|why| Failure::unreadable(&why.0));
        }
        if self.name.is_empty() {
            return Err(Failure::bad_request("resource name may not be empty"));
        }
        let key = collection.keys.key(&self.namespace, &self.name);
        if let Some(entry) = world.cache(storage).and_then(|cache| cache.get(&key)) {
            return Ok(Lookup::Found(entry.to_value()));
        }
        let range = Range { key, ..Range::default() };
        Ok(Lookup::Ask(Question::Store(collection.feed, Op::Range(range))))
    }

    fn absent(&self) -> Failure {
        Failure::not_found(Qualified { group: "", name: self.kind.plural() }, &self.name)
    }

    /// Why the object is not the one that the token names; None if it is.
    pub(super) fn mismatch(&self, found: &Value) -> Option<String> {
        let (uid, claim) = (object::uid(found), &self.uid);
        if uid == claim {
            return None;
        }
        Some(match self.kind {
            NeededKind::Account => format!("service account UID ({uid}) does not match claim ({claim})"),
            NeededKind::Secret => {
                format!("secret UID ({uid}) does not match service account secret ref claim ({claim})")
            }
            NeededKind::Pod => {
                format!("pod UID ({uid}) does not match service account pod ref claim ({claim})")
            }
            NeededKind::Node => {
                format!("node UID ({uid}) does not match service account node ref claim ({claim})")
            }
        })
    }
}
