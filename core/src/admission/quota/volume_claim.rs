//! What persistent volume claims count for.
//! k8s: pkg/quota/v1/evaluator/core/persistent_volume_claims.go

use super::super::claim_resize::class_name;
use super::amounts::Amounts;
use super::scope::ScopeTerm;
use crate::value::Value;
use crate::value::quantity::Quantity;
use alloc::format;
use core::cmp::Ordering;

const COUNT: &str = "count/persistentvolumeclaims";
const CLAIMS: &str = "persistentvolumeclaims";
const STORAGE: &str = "requests.storage";
/// Stands between the name of a storage class and that of a resource.
const OF_CLASS: &str = ".storageclass.storage.k8s.io/";

pub(super) fn is_limited_by(resource: &str) -> bool {
    let of_class = |name: &str| resource.strip_suffix(name).is_some_and(|held| held.ends_with(OF_CLASS));
    matches!(resource, COUNT | CLAIMS | STORAGE) || of_class(CLAIMS) || of_class(STORAGE)
}

pub(super) fn usage(claim: &Value) -> Amounts {
    let one = Quantity::from_int(1);
    let class = class_name(claim);
    let mut usage = Amounts::default();
    usage.set(CLAIMS, one.clone());
    usage.set(COUNT, one.clone());
    if !class.is_empty() {
        usage.set(format!("{class}{OF_CLASS}{CLAIMS}"), one);
    }
    if let Some(storage) = storage(claim) {
        usage.set(STORAGE, storage.clone());
        if !class.is_empty() {
            usage.set(format!("{class}{OF_CLASS}{STORAGE}"), storage);
        }
    }
    usage
}

/// The whole bytes that a claim asks for, or has been given if that is more.
fn storage(claim: &Value) -> Option<Quantity> {
    let read = |path: &[&str]| {
        let mut amount = Quantity::from_value(claim.at(path)?).ok()?;
        amount.round_up(0);
        Some(amount)
    };
    let asked = read(&["spec", "resources", "requests", "storage"])?;
    let given = read(&["status", "allocatedResources", "storage"]);
    Some(given.filter(|given| given.compare(&asked) == Ordering::Greater).unwrap_or(asked))
}

/// Whether a claim is within a scope.
pub(super) fn is_within(claim: &Value, term: &ScopeTerm<'_>) -> bool {
    const CLASSES: [&[&str]; 3] = [
        &["spec", "volumeAttributesClassName"],
        &["status", "currentVolumeAttributesClassName"],
        &["status", "modifyVolumeStatus", "targetVolumeAttributesClassName"],
    ];
    term.scope == "VolumeAttributesClass" && term.selects(&CLASSES.map(|path| claim.text_at(path)))
}
