//! What persistent volumes must keep.
//! k8s: pkg/apis/core/validation/validation.go ValidatePersistentVolume, pkg/volume/validation/pv_validation.go

use super::super::pod::validation::{
    has_invalid_label_values, validate_dns_subdomain, validate_node_selector, volume_sources as sources,
};
use crate::kinds::Facts;
use crate::kinds::validation::{
    Errors, Located, internal_diff, internal_json, semantically_equal as is_same,
};
use crate::value::{Map, Value, object};
use alloc::format;

const ACCESS_MODES: &[&str] = &["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
const RECLAIM_POLICIES: &[&str] = &["Delete", "Recycle", "Retain"];
const MODES: &[&str] = &["Block", "Filesystem"];
const MOUNT_OPTIONS: &str = "volume.beta.kubernetes.io/mount-options";
const INLINE: &str = "in the context of inline volumes";

/// The sources in upstream's order: the field, its name when it is refused as a second source, and its rule.
type Check = fn(&Located<'_, '_>, &str, &mut Errors);

const SOURCES: &[(&str, &str, Check)] = &[
    ("hostPath", "hostPath", |source, _, errors| sources::host_path(source, errors)),
    ("gcePersistentDisk", "gcePersistentDisk", |source, _, errors| {
        sources::gce_persistent_disk(&source.shown_as("persistentDisk"), errors);
    }),
    ("awsElasticBlockStore", "awsElasticBlockStore", |source, _, errors| {
        sources::aws_elastic_block_store(source, errors);
    }),
    ("glusterfs", "glusterfs", |source, _, errors| sources::glusterfs_of_persistent_volume(source, errors)),
    ("flocker", "flocker", |source, _, errors| sources::flocker(source, errors)),
    ("nfs", "nfs", |source, _, errors| sources::nfs(source, errors)),
    ("rbd", "rbd", |source, _, errors| sources::rbd(source, errors)),
    ("quobyte", "quobyte", |source, _, errors| sources::quobyte(source, errors)),
    ("cephfs", "cephFS", |source, _, errors| sources::cephfs(source, errors)),
    ("iscsi", "iscsi", sources::iscsi_of_persistent_volume),
    ("cinder", "cinder", |source, _, errors| sources::cinder_of_persistent_volume(source, errors)),
    ("fc", "fc", |source, _, errors| sources::fibre_channel(source, errors)),
    ("flexVolume", "flexVolume", |source, _, errors| sources::flex_volume(source, errors)),
    ("azureFile", "azureFile", |source, _, errors| sources::azure_file_of_persistent_volume(source, errors)),
    ("vsphereVolume", "vsphereVolume", |source, _, errors| sources::vsphere_volume(source, errors)),
    ("photonPersistentDisk", "photonPersistentDisk", |source, _, errors| {
        sources::photon_persistent_disk(source, errors);
    }),
    ("portworxVolume", "portworxVolume", |source, _, errors| sources::portworx_volume(source, errors)),
    ("azureDisk", "azureDisk", |source, _, errors| sources::azure_disk(source, errors)),
    ("scaleIO", "scaleIO", |source, _, errors| sources::scale_io(source, errors)),
    ("local", "local", |source, _, errors| sources::local(source, errors)),
    ("storageos", "storageos", |source, _, errors| sources::storageos_of_persistent_volume(source, errors)),
    ("csi", "csi", |source, _, errors| sources::csi_of_persistent_volume(source, errors)),
];

/// The sources whose volumes can be mounted with options.
const MOUNTED_WITH_OPTIONS: &[&str] = &[
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "glusterfs",
    "nfs",
    "rbd",
    "quobyte",
    "iscsi",
    "cinder",
    "cephfs",
    "azureFile",
    "vsphereVolume",
    "azureDisk",
    "photonPersistentDisk",
];

pub(super) fn validate(volume: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    let (spec, old) = (volume.member("spec"), Located::root(facts.old));
    let name = volume.value().map_or("", object::name);
    validate_persistent_volume_spec(&spec, name, false, &old.member("spec"), errors);
    if MOUNTED_WITH_OPTIONS.iter().any(|source| spec.member(source).is_set()) {
        return;
    }
    let annotations = volume.at(&["metadata", "annotations"]);
    if annotations.key(MOUNT_OPTIONS).is_set() {
        let shown = annotations.named(MOUNT_OPTIONS);
        errors.forbidden(&shown, "may not specify mount options for this volume type");
    }
}

pub(super) fn validate_update(volume: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    validate(volume, facts, errors);
    // Upstream looks at the spec twice.
    let (spec, old) = (volume.member("spec"), Located::root(facts.old));
    let old = old.member("spec");
    let name = volume.value().map_or("", object::name);
    validate_persistent_volume_spec(&spec, name, false, &old, errors);
    validate_same_source(volume, &old, errors);
    let (mode, held) = (spec.member("volumeMode"), old.member("volumeMode"));
    if mode.value() != held.value() {
        let root = Located::root(mode.value().unwrap_or(&Value::Null));
        errors.invalid(&root.shown_as("volumeMode"), crate::kinds::validation::IMMUTABLE);
    }
    let (affinity, held) = (spec.member("nodeAffinity"), old.member("nodeAffinity"));
    if held.is_set() && !is_same_affinity(&affinity, &held) {
        let root = Located::root(affinity.value().unwrap_or(&Value::Null));
        let shown = match affinity.value() {
            Some(value) => internal_json("VolumeNodeAffinity", Some(value)),
            None => "null".into(),
        };
        let detail = "field is immutable, except for updating from beta label to GA";
        errors.invalid_shown(&root.shown_as("nodeAffinity"), &shown, detail);
    }
    let (class, held) = (spec.member("volumeAttributesClassName"), old.member("volumeAttributesClassName"));
    if held.is_set() && !class.is_set() {
        errors.forbidden(&class, "update from non-nil value to nil is forbidden");
    }
}

/// The source stays, but a secret for growing the volume may be added to one that has none.
fn validate_same_source(volume: &Located<'_, '_>, old: &Located<'_, '_>, errors: &mut Errors) {
    const SECRET: &[&str] = &["csi", "controllerExpandSecretRef"];
    let mut now = source_of(volume.member("spec").value());
    let held = source_of(old.value());
    if old.member("csi").is_set() && !old.at(SECRET).is_set() {
        now.remove_at(SECRET);
    }
    if !is_same(Some(&now), Some(&held)) {
        let diff = internal_diff("PersistentVolumeSource", Some(&held), Some(&now));
        let spec = volume.member("spec");
        let shown = spec.member("persistentvolumesource");
        errors.forbidden(&shown, format!("spec.persistentvolumesource is immutable after creation\n{diff}"));
    }
}

/// The members of a spec that are sources.
fn source_of(spec: Option<&Value>) -> Value {
    let mut source = Map::new();
    for (field, _, _) in SOURCES {
        if let Some(held) = spec.and_then(|spec| spec.field(field)).filter(|held| !held.is_null()) {
            source.insert(*field, held.clone());
        }
    }
    source.into()
}

/// Labels that Kubernetes has renamed, by their old names.
const RENAMED: &[(&str, &str)] = &[
    ("failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/zone"),
    ("failure-domain.beta.kubernetes.io/region", "topology.kubernetes.io/region"),
    ("beta.kubernetes.io/os", "kubernetes.io/os"),
    ("beta.kubernetes.io/arch", "kubernetes.io/arch"),
    ("beta.kubernetes.io/instance-type", "node.kubernetes.io/instance-type"),
];

/// Nodes are chosen as they were, but for labels that have got their new names.
fn is_same_affinity(new: &Located<'_, '_>, old: &Located<'_, '_>) -> bool {
    let mut held = old.value().cloned().unwrap_or(Value::Null);
    let (new_terms, old_terms) =
        (new.at(&["required", "nodeSelectorTerms"]), old.at(&["required", "nodeSelectorTerms"]));
    for (term, (now, before)) in new_terms.items().zip(old_terms.items()).enumerate() {
        for list in ["matchExpressions", "matchFields"] {
            let (now, before) = (now.member(list), before.member(list));
            for (at, (now, before)) in now.items().zip(before.items()).enumerate() {
                let pair = (before.member("key").text(), now.member("key").text());
                if !RENAMED.contains(&pair) {
                    continue;
                }
                let terms = held.field_mut("required").and_then(|held| held.field_mut("nodeSelectorTerms"));
                let term = terms.and_then(Value::as_list_mut).and_then(|terms| terms.get_mut(term));
                let list = term.and_then(|term| term.field_mut(list)).and_then(Value::as_list_mut);
                if let Some(requirement) = list.and_then(|list| list.get_mut(at)) {
                    requirement.set("key", pair.1.into());
                }
            }
        }
    }
    is_same(new.value(), Some(&held))
}

/// The spec of a volume of this name. An attachment can hold one too, whose volume is no object: `is_inline`.
pub(in crate::kinds::rules) fn validate_persistent_volume_spec(
    spec: &Located<'_, '_>,
    name: &str,
    is_inline: bool,
    old: &Located<'_, '_>,
    errors: &mut Errors,
) {
    if is_inline {
        validate_inline(spec, errors);
    }
    validate_access_modes(&spec.member("accessModes"), errors);
    if !is_inline {
        validate_capacity(&spec.member("capacity"), errors);
    }
    validate_reclaim_policy(&spec.member("persistentVolumeReclaimPolicy"), is_inline, errors);
    let affinity = spec.member("nodeAffinity");
    if affinity.is_set() {
        validate_affinity(&affinity, is_inline, old, errors);
    }
    validate_source(spec, name, affinity.is_set() && !is_inline, errors);
    let path = spec.at(&["hostPath", "path"]);
    let policy = spec.member("persistentVolumeReclaimPolicy");
    if spec.member("hostPath").is_set() && is_root(path.text()) && policy.text() == "Recycle" {
        errors.forbidden(&policy, "may not be 'recycle' for a hostPath mount of '/'");
    }
    validate_classes(spec, is_inline, errors);
}

/// Whether Go's path.Clean makes `/` of it.
fn is_root(path: &str) -> bool {
    let mut depth = 0_usize;
    for element in path.split('/') {
        match element {
            "" | "." => {}
            ".." => depth = depth.saturating_sub(1),
            _ => depth += 1,
        }
    }
    path.starts_with('/') && depth == 0
}

fn validate_inline(spec: &Located<'_, '_>, errors: &mut Errors) {
    let claim = spec.member("claimRef");
    if claim.is_set() {
        errors.forbidden(&claim, format_args!("may not be specified {INLINE}"));
    }
    let capacity = spec.member("capacity");
    if !capacity.is_empty() {
        errors.forbidden(&capacity, format_args!("may not be specified {INLINE}"));
    }
    let driver = spec.member("csi");
    if !driver.is_set() {
        errors.required(&driver, format_args!("has to be specified {INLINE}"));
    }
}

fn validate_access_modes(modes: &Located<'_, '_>, errors: &mut Errors) {
    if modes.is_empty() {
        errors.required(modes, "");
    }
    let (mut has_single, mut has_other) = (false, false);
    for mode in modes.items() {
        let is_known = ACCESS_MODES.contains(&mode.text());
        if !is_known {
            errors.not_supported_text(&mode.shown_at(modes), ACCESS_MODES);
        }
        let is_single = mode.text() == "ReadWriteOncePod";
        has_single |= is_single;
        has_other |= is_known && !is_single;
    }
    if has_single && has_other {
        errors.forbidden(modes, "may not use ReadWriteOncePod with other access modes");
    }
}

fn validate_capacity(capacity: &Located<'_, '_>, errors: &mut Errors) {
    if capacity.is_empty() {
        errors.required(capacity, "");
    }
    if !capacity.key("storage").is_set() || capacity.len() > 1 {
        errors.not_supported(capacity, &["storage"]);
    }
    for (_, at) in capacity.entries() {
        let Some(amount) = at.quantity() else { continue };
        let mut whole = amount.clone();
        whole.round_up(0);
        let number = whole.to_i64().unwrap_or(i64::MAX);
        if number < 0 {
            errors.invalid_value(&at, number, "must be a valid resource quantity");
        }
        if amount.signum() <= 0 {
            errors.invalid_value(&at, amount.canonical(), "must be greater than zero");
        }
    }
}

fn validate_reclaim_policy(policy: &Located<'_, '_>, is_inline: bool, errors: &mut Errors) {
    if policy.is_empty() {
        return;
    }
    if !is_inline && !RECLAIM_POLICIES.contains(&policy.text()) {
        errors.not_supported(policy, RECLAIM_POLICIES);
    }
    if is_inline && policy.text() != "Retain" {
        errors.forbidden(policy, format_args!("may only be Retain {INLINE}"));
    }
}

fn validate_affinity(
    affinity: &Located<'_, '_>,
    is_inline: bool,
    old: &Located<'_, '_>,
    errors: &mut Errors,
) {
    if is_inline {
        return errors.forbidden(affinity, format_args!("may not be specified {INLINE}"));
    }
    let required = affinity.member("required");
    if !required.is_set() {
        return errors.required(&required, "must specify required node constraints");
    }
    let held = old.at(&["nodeAffinity", "required", "nodeSelectorTerms"]);
    validate_node_selector(&required, has_invalid_label_values(&held), errors);
}

fn validate_source(spec: &Located<'_, '_>, name: &str, has_affinity: bool, errors: &mut Errors) {
    let mut has_one = false;
    for (field, shown, validate) in SOURCES {
        let source = spec.member(field);
        if !source.is_set() {
            continue;
        }
        // One source is taken beside any before it.
        if has_one && *field != "flexVolume" {
            errors.forbidden(&source.shown_as(shown), "may not specify more than 1 volume type");
        } else {
            validate(&source, name, errors);
            if *field == "local" && !has_affinity {
                errors.required(&spec.member("nodeAffinity"), "Local volume requires node affinity");
            }
        }
        has_one = true;
    }
    if !has_one {
        errors.required(spec, "must specify a volume type");
    }
}

fn validate_classes(spec: &Located<'_, '_>, is_inline: bool, errors: &mut Errors) {
    let (class, mode) = (spec.member("storageClassName"), spec.member("volumeMode"));
    if !class.is_empty() && is_inline {
        errors.forbidden(&class, format_args!("may not be specified {INLINE}"));
    } else if !class.is_empty() {
        validate_dns_subdomain(&class, errors);
    }
    if mode.is_set() && !is_inline && !MODES.contains(&mode.text()) {
        errors.not_supported(&mode, MODES);
    }
    if mode.is_set() && is_inline && mode.text() != "Filesystem" {
        errors.forbidden(&mode, format_args!("may not specify volumeMode other than Filesystem {INLINE}"));
    }
    let attributes = spec.member("volumeAttributesClassName");
    if !attributes.is_set() {
        return;
    }
    if attributes.is_empty() {
        errors.required(&attributes, "an empty string is disallowed");
    } else {
        validate_dns_subdomain(&attributes, errors);
    }
    let driver = spec.member("csi");
    if !driver.is_set() {
        errors.required(&driver, "has to be specified when using volumeAttributesClassName");
    }
}
