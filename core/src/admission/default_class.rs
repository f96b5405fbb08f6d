//! DefaultStorageClass and DefaultIngressClass: a new claim or ingress that names no class gets the default one.
//! k8s: plugin/pkg/admission/storage/storageclass/setdefault/admission.go,
//! plugin/pkg/admission/network/defaultingressclass/admission.go

use super::AdmissionAttributes;
use super::chain::{AdmissionPlugin, Opinion, Said};
use crate::kinds::Objects;
use crate::question::Reply;
use crate::status::Failure;
use crate::value::{Text, Value, object};
use crate::world::World;
use core::cmp::Reverse;
use core::ops::ControlFlow;

pub(super) const STORAGE: AdmissionPlugin =
    AdmissionPlugin { mutate: storage_class, ..AdmissionPlugin::IDLE };
pub(super) const INGRESS: AdmissionPlugin =
    AdmissionPlugin { mutate: ingress_class, ..AdmissionPlugin::IDLE };

/// A claim's class was an annotation once, which still counts, even if it is empty.
pub(super) const BETA_STORAGE_CLASS: &str = "volume.beta.kubernetes.io/storage-class";
const INGRESS_CLASS: &str = "kubernetes.io/ingress.class";
const DEFAULT_STORAGE_CLASS: &[&str] =
    &["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"];
const DEFAULT_INGRESS_CLASS: &[&str] = &["ingressclass.kubernetes.io/is-default-class"];

fn storage_class(
    world: &World,
    attributes: &AdmissionAttributes<'_>,
    object: &mut Value,
    _found: Option<Reply>,
    _said: &mut Said,
) -> Result<Opinion, Failure> {
    let names_class = object.at(&["spec", "storageClassName"]).is_some_and(|held| !held.is_null())
        || object::annotation(object, BETA_STORAGE_CLASS).is_some();
    if attributes.creates("", "persistentvolumeclaims")
        && !names_class
        && let Some(name) = default_class(world, "storage.k8s.io", "storageclasses", DEFAULT_STORAGE_CLASS)
    {
        object.set_at(&["spec", "storageClassName"], name.into());
    }
    Ok(Opinion::Admitted)
}

fn ingress_class(
    world: &World,
    attributes: &AdmissionAttributes<'_>,
    object: &mut Value,
    _found: Option<Reply>,
    _said: &mut Said,
) -> Result<Opinion, Failure> {
    let names_class = object.at(&["spec", "ingressClassName"]).is_some_and(|held| !held.is_null())
        || object::annotation(object, INGRESS_CLASS).is_some();
    if attributes.creates("networking.k8s.io", "ingresses")
        && !names_class
        && let Some(name) = default_class(world, "networking.k8s.io", "ingressclasses", DEFAULT_INGRESS_CLASS)
    {
        object.set_at(&["spec", "ingressClassName"], name.into());
    }
    Ok(Opinion::Admitted)
}

/// The name of the class that is marked as the default: the newest of several, and of equally new ones the first by
/// name.
fn default_class(world: &World, group: &str, plural: &str, annotations: &[&str]) -> Option<Text> {
    let mut best: Option<(Reverse<Text>, Text)> = None;
    world.visit(group, plural, "", &mut |class| {
        let is_default = |key: &&str| object::annotation(class, key) == Some("true");
        if annotations.iter().any(is_default) {
            let created = object::creation_timestamp(class).unwrap_or_default();
            let found = (Reverse(Text::from(created)), Text::from(object::name(class)));
            if best.as_ref().is_none_or(|held| found < *held) {
                best = Some(found);
            }
        }
        ControlFlow::Continue(())
    });
    best.map(|(_, name)| name)
}
