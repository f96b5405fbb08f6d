//! What a write changes beside its own object, in the same commit: the addresses and ports that a Service takes and
//! gives back.

use super::facts::Facts;
use crate::rng::Rng;
use crate::status::Failure;
use crate::store::Rev;
use crate::value::{Text, Value, object};
use alloc::vec::Vec;

/// How objects of a kind take and give back what all objects share.
#[derive(Clone, Copy, Debug)]
pub struct ClaimRules {
    /// Called before an object itself is prepared, when it is created or updated: puts into it what it gets. What it
    /// says of other objects it knows from the facts, which may be stale; therefore an error is told only after it was
    /// found in facts that are newer than the request.
    pub take: fn(object: &mut Value, facts: &Facts<'_>, rng: &Rng) -> Result<Claims, Failure>,
    /// What goes with an object that is removed.
    pub release: fn(object: &Value, facts: &Facts<'_>) -> Claims,
}

/// Changes of other objects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims(Vec<Claim>);

/// A change of another object. The commit happens only if that object is still as the rule saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    pub place: ClaimPlace,
    /// The revision of the object that the rule saw, 0 when it saw none.
    pub seen: Rev,
    pub change: ClaimChange,
}

/// Where the object is: a resource, and the object's namespace (empty for none) and name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimPlace {
    pub group: &'static str,
    pub plural: &'static str,
    pub namespace: Text,
    pub name: Text,
}

/// What becomes of the object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClaimChange {
    /// It is written.
    Put(Value),
    /// Its status is written. The object must be there.
    PutStatus(Value),
    Delete,
    /// It is not written, and nobody else may have written it.
    Keep,
}

impl Claims {
    /// Adds a change of an object that the rule saw like this; None when it saw none.
    pub fn add(&mut self, place: ClaimPlace, seen: Option<&Value>, change: ClaimChange) {
        let seen = Rev(seen.and_then(|seen| object::resource_version(seen).parse().ok()).unwrap_or(0));
        self.0.push(Claim { place, seen, change });
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Claim> {
        self.0.iter()
    }

    pub fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }
}

impl ClaimPlace {
    /// An object of a resource without namespaces.
    pub fn of_cluster(group: &'static str, plural: &'static str, name: impl Into<Text>) -> Self {
        Self { group, plural, namespace: Text::default(), name: name.into() }
    }
}
