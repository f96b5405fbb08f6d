//! Which audiences the volumes of a pod need tokens for.
//! k8s: plugin/pkg/admission/noderestriction/admission.go podReferencesAudience

use crate::kinds::Objects;
use crate::kinds::references::{set, volume_claim, volumes};
use crate::value::{Value, quoted};
use crate::world::World;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Drivers of the volumes that Kubernetes once knew by itself.
/// k8s: staging/src/k8s.io/csi-translation-lib/plugins
const MIGRATED: [(&str, &str); 7] = [
    ("awsElasticBlockStore", "ebs.csi.aws.com"),
    ("azureDisk", "disk.csi.azure.com"),
    ("azureFile", "file.csi.azure.com"),
    ("cinder", "cinder.csi.openstack.org"),
    ("gcePersistentDisk", "pd.csi.storage.gke.io"),
    ("portworxVolume", "pxd.portworx.com"),
    ("vsphereVolume", "csi.vsphere.vmware.com"),
];

/// Whether a volume of the pod gets a token for the audience: one that is projected, or one of a driver that wants
/// such tokens.
///
/// # Errors
/// Objects on the way to the drivers that are not there.
pub(super) fn is_needed(world: &World, pod: &Value, audience: &str) -> Result<bool, String> {
    let mut problems: Vec<String> = Vec::new();
    for volume in volumes(pod) {
        let sources = volume.at(&["projected", "sources"]).and_then(Value::as_list).unwrap_or_default();
        let is_asked = |source: &Value| {
            set(source, "serviceAccountToken").is_some_and(|token| token.text_at(&["audience"]) == audience)
        };
        if sources.iter().any(is_asked) {
            return Ok(true);
        }
        match driver(world, pod, volume).and_then(|driver| wants(world, driver.as_deref(), audience)) {
            Ok(true) => return Ok(true),
            Ok(false) => {}
            Err(problem) if problems.contains(&problem) => {}
            Err(problem) => problems.push(problem),
        }
    }
    match problems.as_slice() {
        [] => Ok(false),
        [problem] => Err(problem.clone()),
        [_, ..] => Err(format!("[{}]", problems.join(", "))),
    }
}

fn absent(group: &str, resource: &str, name: &str) -> String {
    let dot = if group.is_empty() { "" } else { "." };
    format!("{resource}{dot}{group} {} not found", quoted(name))
}

/// The driver of a volume, if it has one.
fn driver(world: &World, pod: &Value, volume: &Value) -> Result<Option<String>, String> {
    if set(volume, "ephemeral").is_some() || set(volume, "persistentVolumeClaim").is_some() {
        let claim = volume_claim(pod, volume).unwrap_or_default();
        return driver_of_claim(world, pod.text_at(&["metadata", "namespace"]), &claim);
    }
    Ok(driver_of_source(volume))
}

fn driver_of_source(source: &Value) -> Option<String> {
    if let Some(driver) = set(source, "csi") {
        return Some(driver.text_at(&["driver"]).into());
    }
    let migrated = MIGRATED.iter().find(|(field, _)| set(source, field).is_some());
    migrated.map(|(_, driver)| (*driver).into())
}

fn driver_of_claim(world: &World, namespace: &str, name: &str) -> Result<Option<String>, String> {
    let claim = world
        .get("", "persistentvolumeclaims", namespace, name)
        .ok_or_else(|| absent("", "persistentvolumeclaim", name))?;
    let volume_name = claim.text_at(&["spec", "volumeName"]);
    let volume = world
        .get("", "persistentvolumes", "", volume_name)
        .ok_or_else(|| absent("", "persistentvolume", volume_name))?;
    Ok(volume.field("spec").and_then(driver_of_source))
}

/// Whether a driver wants tokens for an audience.
fn wants(world: &World, driver: Option<&str>, audience: &str) -> Result<bool, String> {
    const GROUP: &str = "storage.k8s.io";
    let Some(name) = driver.filter(|name| !name.is_empty()) else { return Ok(false) };
    let driver = world.get(GROUP, "csidrivers", "", name).ok_or_else(|| absent(GROUP, "csidriver", name))?;
    let tokens = driver.at(&["spec", "tokenRequests"]).and_then(Value::as_list).unwrap_or_default();
    Ok(tokens.iter().any(|token| token.text_at(&["audience"]) == audience))
}
