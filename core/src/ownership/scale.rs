//! Ownership of the replicas of an object, as its scale subresource shows it.
//! k8s: staging/src/k8s.io/apimachinery/pkg/util/managedfields/scalehandler.go

use super::element::PathElement;
use super::entries::{OwnedFields, Owners, Tracked};
use super::set::FieldSet;
use crate::value::{Text, Value};
use alloc::vec::Vec;

const SCALE: &str = "autoscaling/v1";

/// The replicas in a Scale.
fn replicas() -> [PathElement; 2] {
    ["spec", "replicas"].map(|name| PathElement::Field(Text::const_new(name)))
}

/// The group of a version: `apps` of `apps/v1`.
fn group_of(version: &str) -> &str {
    version.split_once('/').map_or("", |(group, _)| group)
}

/// The path of a field whose names are given.
fn path_of(names: &[Text]) -> Vec<PathElement> {
    names.iter().cloned().map(PathElement::Field).collect()
}

/// The entries of a Scale, out of those of its object: who manages the replicas, which the object has at a path.
pub fn to_scale(entries: &[Value], version: &str, held_at: &[Text]) -> Option<Vec<Value>> {
    let (path, held_at) = (replicas(), path_of(held_at));
    let mut scale = Owners::default();
    for (owner, owned) in Owners::decoded(entries, Tracked::Stored)?.iter() {
        if group_of(&owned.api_version) == group_of(version) && owned.set().has(&held_at) {
            let owned = OwnedFields::new(FieldSet::of_path(&path), SCALE, owned.time.clone());
            scale.insert(owner.clone(), owned);
        }
    }
    Some(scale.encoded())
}

/// The entries of an object, which has its replicas at a path, after those of its Scale have changed. Entries in
/// versions of other groups go.
pub fn to_parent(entries: &[Value], scale: &[Value], version: &str, held_at: &[Text]) -> Option<Vec<Value>> {
    let (path, held_at) = (replicas(), path_of(held_at));
    let set = FieldSet::of_path(&held_at);
    let before = Owners::decoded(entries, Tracked::Stored)?;
    let mut of_scale = Owners::decoded(scale, Tracked::Sent)?;
    let mut parent = before.clone();
    parent.retain(|owner, owned| {
        if group_of(&owned.api_version) != group_of(version) {
            return false;
        }
        if owned.set().has(&held_at) && of_scale.remove(owner).is_none() {
            owned.change(|held| held.difference(&set));
            return !owned.is_empty();
        }
        true
    });
    for (owner, _) in of_scale.iter().filter(|(_, owned)| owned.set().has(&path)) {
        // Upstream loses the time of a manager that is new to the object.
        let time = before.get(owner).map_or_else(Text::default, |before| before.time.clone());
        parent.insert(owner.clone(), OwnedFields::new(set.clone(), version, time));
    }
    Some(parent.encoded())
}
