//! StorageObjectInUseProtection: a new claim, volume or class of attributes gets a finalizer, which a controller
//! removes once nothing uses the object any more.
//! k8s: plugin/pkg/admission/storage/storageobjectinuseprotection/admission.go

use super::AdmissionAttributes;
use super::chain::{AdmissionPlugin, Opinion, Said};
use crate::question::Reply;
use crate::status::Failure;
use crate::value::{Value, object};
use crate::world::World;

pub(super) const PLUGIN: AdmissionPlugin = AdmissionPlugin { mutate: protect, ..AdmissionPlugin::IDLE };

/// The finalizer of each resource that is protected.
const FINALIZERS: &[(&str, &str, &str)] = &[
    ("", "persistentvolumes", "kubernetes.io/pv-protection"),
    ("", "persistentvolumeclaims", "kubernetes.io/pvc-protection"),
    ("storage.k8s.io", "volumeattributesclasses", "kubernetes.io/vac-protection"),
];

fn protect(
    _world: &World,
    attributes: &AdmissionAttributes<'_>,
    object: &mut Value,
    _found: Option<Reply>,
    _said: &mut Said,
) -> Result<Opinion, Failure> {
    let mut protected = FINALIZERS.iter();
    if let Some((_, _, finalizer)) = protected.find(|(group, plural, _)| attributes.creates(group, plural)) {
        object::add_finalizer(object, finalizer);
    }
    Ok(Opinion::Admitted)
}
