//! PersistentVolumeClaimResize: only a bound claim of a class that allows it may ask for more storage.
//! k8s: plugin/pkg/admission/storage/persistentvolume/resize/admission.go

use super::AdmissionAttributes;
use super::chain::{AdmissionPlugin, Opinion, Said};
use super::default_class::BETA_STORAGE_CLASS;
use crate::kinds::Objects;
use crate::question::Reply;
use crate::status::Failure;
use crate::value::quantity::Quantity;
use crate::value::{Value, object};
use crate::world::World;
use core::cmp::Ordering;

pub(super) const PLUGIN: AdmissionPlugin =
    AdmissionPlugin { validate: validate_resize, ..AdmissionPlugin::IDLE };

fn validate_resize(
    world: &World,
    attributes: &AdmissionAttributes<'_>,
    object: &Value,
    _found: Option<Reply>,
    _said: &mut Said,
) -> Result<Opinion, Failure> {
    let old = attributes.old;
    let grows = || requested(object).compare(&requested(old)) == Ordering::Greater;
    if !attributes.updates("", "persistentvolumeclaims") || !grows() {
        return Ok(Opinion::Admitted);
    }
    if old.text_at(&["status", "phase"]) != "Bound" {
        let why = "Only bound persistent volume claims can be expanded";
        return Err(attributes.forbidden(object, why));
    }
    let class = class_name(object);
    let is_kept = !class.is_empty() && class == class_name(old);
    let class = is_kept.then(|| world.get("storage.k8s.io", "storageclasses", "", class)).flatten();
    let allows = class.and_then(|class| class.field("allowVolumeExpansion")?.as_bool()).unwrap_or(false);
    if allows {
        return Ok(Opinion::Admitted);
    }
    let why = "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must \
               support resize";
    Err(attributes.forbidden(object, why))
}

/// The storage that a claim asks for.
fn requested(claim: &Value) -> Quantity {
    let held = claim.at(&["spec", "resources", "requests", "storage"]);
    held.and_then(|held| Quantity::from_value(held).ok()).unwrap_or_else(|| Quantity::from_int(0))
}

/// k8s: pkg/apis/core/helper/helpers.go GetPersistentVolumeClaimClass
pub(super) fn class_name(claim: &Value) -> &str {
    object::annotation(claim, BETA_STORAGE_CLASS)
        .unwrap_or_else(|| claim.text_at(&["spec", "storageClassName"]))
}
