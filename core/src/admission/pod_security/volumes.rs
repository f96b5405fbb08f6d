//! Which volumes a pod may have.
//! k8s: staging/src/k8s.io/pod-security-admission/policy/check_hostPathVolumes.go, check_restrictedVolumes.go

use super::checks::Forbidden;
use super::pod_view::{NamedSet, PodView, items, name, quoted_list, set, word};
use crate::value::Value;
use alloc::format;
use alloc::vec::Vec;

pub(super) fn host_path(pod: &PodView<'_>) -> Option<Forbidden> {
    let volumes = items(pod.spec(&["volumes"])).iter();
    let bad: Vec<&str> = volumes.filter(|volume| set(volume, &["hostPath"]).is_some()).map(name).collect();
    let detail = format!("{} {}", word("volume", "volumes", bad.len()), quoted_list(&bad));
    (!bad.is_empty()).then_some(Forbidden { reason: "hostPath volumes", detail })
}

/// The sources of volumes that every pod may have.
const ALLOWED: &[&str] = &[
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
];

/// The others, in the order in which they are looked for.
const RESTRICTED: &[&str] = &[
    "hostPath",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "gitRepo",
    "nfs",
    "iscsi",
    "glusterfs",
    "rbd",
    "flexVolume",
    "cinder",
    "cephfs",
    "flocker",
    "fc",
    "azureFile",
    "vsphereVolume",
    "quobyte",
    "azureDisk",
    "photonPersistentDisk",
    "portworxVolume",
    "scaleIO",
    "storageos",
];

pub(super) fn restricted(pod: &PodView<'_>) -> Option<Forbidden> {
    let has = |volume: &Value, source: &str| set(volume, &[source]).is_some();
    let (mut bad, mut types) = (Vec::new(), NamedSet::new());
    for volume in items(pod.spec(&["volumes"])) {
        if !ALLOWED.iter().any(|source| has(volume, source)) {
            bad.push(name(volume));
            types.insert(RESTRICTED.iter().find(|source| has(volume, source)).unwrap_or(&"unknown"));
        }
    }
    let detail = format!(
        "{} {} {} {} {}",
        word("volume", "volumes", bad.len()),
        quoted_list(&bad),
        word("uses", "use", bad.len()),
        word("restricted volume type", "restricted volume types", types.len()),
        quoted_list(&types)
    );
    (!bad.is_empty()).then_some(Forbidden { reason: "restricted volume types", detail })
}
