//! The volumes of a pod spec: their names, and that each has one source.

use super::context::PodContext;
use super::words::validate_dns_label;
use super::{projected, volume_sources as sources};
use crate::kinds::rules::persistentvolumeclaim::{SpecRules, validate_claim_template};
use crate::kinds::validation::{Errors, Located};
use crate::value::{Value, names, quoted};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;

/// The volumes that nothing is wrong with, by their names.
pub(super) type Volumes<'v> = BTreeMap<&'v str, &'v Value>;

/// Checks a source: where it is, and whose.
type Check = fn(&Located<'_, '_>, &PodContext<'_>, &mut Errors);

/// The sources in upstream's order: the field, its name when it is refused as a second source, and its rule.
const SOURCES: &[(&str, &str, Check)] = &[
    ("hostPath", "hostPath", |source, _, errors| sources::host_path(source, errors)),
    ("gitRepo", "gitRepo", |source, _, errors| sources::git_repository(source, errors)),
    ("gcePersistentDisk", "gcePersistentDisk", |source, _, errors| {
        sources::gce_persistent_disk(&source.shown_as("persistentDisk"), errors);
    }),
    ("awsElasticBlockStore", "awsElasticBlockStore", |source, _, errors| {
        sources::aws_elastic_block_store(source, errors);
    }),
    ("secret", "secret", |source, _, errors| sources::secret(source, errors)),
    ("nfs", "nfs", |source, _, errors| sources::nfs(source, errors)),
    ("iscsi", "iscsi", |source, _, errors| sources::iscsi(source, errors)),
    ("glusterfs", "glusterfs", |source, _, errors| sources::glusterfs(source, errors)),
    ("flocker", "flocker", |source, _, errors| sources::flocker(source, errors)),
    ("persistentVolumeClaim", "persistentVolumeClaim", |source, _, errors| sources::claim(source, errors)),
    ("rbd", "rbd", |source, _, errors| sources::rbd(source, errors)),
    ("cinder", "cinder", |source, _, errors| sources::cinder(source, errors)),
    ("cephfs", "cephFS", |source, _, errors| sources::cephfs(source, errors)),
    ("quobyte", "quobyte", |source, _, errors| sources::quobyte(source, errors)),
    ("downwardAPI", "downwarAPI", |source, _, errors| projected::validate_downward_api(source, errors)),
    ("fc", "fc", |source, _, errors| sources::fibre_channel(source, errors)),
    ("flexVolume", "flexVolume", |source, _, errors| sources::flex_volume(source, errors)),
    ("configMap", "configMap", |source, _, errors| sources::config_map(source, errors)),
    ("azureFile", "azureFile", |source, _, errors| sources::azure_file(source, errors)),
    ("vsphereVolume", "vsphereVolume", |source, _, errors| sources::vsphere_volume(source, errors)),
    ("photonPersistentDisk", "photonPersistentDisk", |source, _, errors| {
        sources::photon_persistent_disk(source, errors);
    }),
    ("portworxVolume", "portworxVolume", |source, _, errors| sources::portworx_volume(source, errors)),
    ("azureDisk", "azureDisk", |source, _, errors| sources::azure_disk(source, errors)),
    ("storageos", "storageos", |source, _, errors| sources::storageos(source, errors)),
    ("projected", "projected", projected::validate_projected),
    ("scaleIO", "scaleIO", |source, _, errors| sources::scale_io(source, errors)),
    ("csi", "csi", |source, _, errors| sources::csi(source, errors)),
    ("ephemeral", "ephemeral", |source, _, errors| validate_ephemeral(source, errors)),
    ("image", "image", |source, context, errors| sources::image(source, context.is_pod(), errors)),
];

/// Checks the volumes of a spec, and gives those that are good.
pub(super) fn validate_volumes<'v>(
    volumes: &Located<'v, '_>,
    context: &PodContext<'_>,
    errors: &mut Errors,
) -> Volumes<'v> {
    let pod = context.pod.unwrap_or("");
    let mut claims: BTreeSet<String> = BTreeSet::new();
    if !pod.is_empty() {
        let own = volumes.items().filter(|volume| volume.member("ephemeral").is_set());
        claims = own.map(|volume| format!("{pod}-{}", volume.member("name").text())).collect();
    }
    let mut good = Volumes::new();
    for volume in volumes.items() {
        if errors.is_full() {
            break;
        }
        let before = errors.len();
        validate_source(&volume, context, errors);
        let name = volume.member("name");
        if name.is_empty() {
            errors.required(&name, "");
        } else {
            validate_dns_label(&name, errors);
        }
        if good.contains_key(name.text()) {
            errors.duplicate_value(&name, name.text());
        }
        if errors.len() == before {
            good.extend(volume.value().map(|value| (name.text(), value)));
        }
        let claim = volume.at(&["persistentVolumeClaim", "claimName"]);
        if volume.member("persistentVolumeClaim").is_set() && claims.contains(claim.text()) {
            let detail = "must not reference a PVC that gets created for an ephemeral volume";
            errors.invalid(&claim, detail);
        }
    }
    good
}

fn validate_source(volume: &Located<'_, '_>, context: &PodContext<'_>, errors: &mut Errors) {
    let directory = volume.member("emptyDir");
    let mut has_one = directory.is_set();
    let limit = directory.member("sizeLimit");
    if limit.quantity().is_some_and(|limit| limit.signum() < 0) {
        errors.forbidden(&limit, "SizeLimit field must be a valid resource quantity");
    }
    for (field, shown, validate) in SOURCES {
        let source = volume.member(field);
        if !source.is_set() {
            continue;
        }
        if has_one {
            errors.forbidden(&source.shown_as(shown), "may not specify more than 1 volume type");
        } else {
            validate(&source, context, errors);
            if *field == "ephemeral" {
                validate_claim_name(volume, context, errors);
            }
        }
        has_one = true;
        if *field == "iscsi" {
            validate_iscsi_length(volume, errors);
        }
    }
    if !has_one {
        errors.required(volume, "must specify a volume type");
    }
}

/// The initiator of an iSCSI volume gets a name of both.
fn validate_iscsi_length(volume: &Located<'_, '_>, errors: &mut Errors) {
    let (name, iscsi) = (volume.member("name"), volume.member("iscsi"));
    let length = name.len() + 1 + iscsi.member("targetPortal").len();
    if iscsi.member("initiatorName").is_set() && length > sources::INITIATOR_BYTES {
        errors.invalid_value(&name, name.text(), sources::INITIATOR_LENGTH);
    }
}

/// The name of the claim that is made for the volume.
fn validate_claim_name(volume: &Located<'_, '_>, context: &PodContext<'_>, errors: &mut Errors) {
    let (pod, name) = (context.pod.unwrap_or(""), volume.member("name"));
    if pod.is_empty() || name.is_empty() {
        return;
    }
    let claim = format!("{pod}-{}", name.text());
    for problem in names::dns_subdomain(&claim, false) {
        errors.invalid_value(&name, name.text(), format!("PVC name {}: {problem}", quoted(&claim)));
    }
}

fn validate_ephemeral(source: &Located<'_, '_>, errors: &mut Errors) {
    let template = source.member("volumeClaimTemplate");
    if template.is_set() {
        validate_claim_template(&template, SpecRules::default(), errors);
    } else {
        errors.required(&template, "");
    }
}
