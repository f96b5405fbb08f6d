//! Where containers see volumes: as mounts and as block devices.

use super::paths::{has_backsteps, validate_descending};
use super::volumes::Volumes;
use super::words::require;
use crate::kinds::validation::{Errors, Located};
use alloc::collections::{BTreeMap, BTreeSet};

const PROPAGATIONS: &[&str] = &["Bidirectional", "HostToContainer", "None"];
const RECURSIVE: &[&str] = &["Disabled", "Enabled", "IfPossible"];

/// Both lists of a container.
pub(super) fn validate_mounts_and_devices(
    container: &Located<'_, '_>,
    volumes: &Volumes<'_>,
    errors: &mut Errors,
) {
    let (mounts, devices) = (container.member("volumeMounts"), container.member("volumeDevices"));
    let by_name = |list: &Located<'_, '_>, path: &'static str| -> BTreeMap<alloc::string::String, _> {
        let entry = |item: Located<'_, '_>| {
            (item.member("name").text().into(), alloc::string::String::from(item.member(path).text()))
        };
        list.items().map(entry).collect()
    };
    let (mounted, attached) = (by_name(&mounts, "mountPath"), by_name(&devices, "devicePath"));
    let privileged = container.at(&["securityContext", "privileged"]).bool();
    let mut seen = BTreeSet::new();
    for mount in mounts.items() {
        if errors.is_full() {
            return;
        }
        validate_mount(&mount, volumes, &mut seen, errors);
        let (name, path) = (mount.member("name"), mount.member("mountPath"));
        if attached.contains_key(name.text()) {
            errors.invalid_value(&name, name.text(), "must not already exist in volumeDevices");
        }
        if attached.values().any(|attached| attached == path.text()) {
            errors.invalid_value(&path, path.text(), "must not already exist as a path in volumeDevices");
        }
        validate_parts(&mounts, &mount, privileged, errors);
    }
    let mut seen = Devices::default();
    for device in devices.items() {
        if errors.is_full() {
            return;
        }
        let (name, path) = (device.member("name"), device.member("devicePath"));
        seen.validate(&device, volumes, errors);
        if mounted.contains_key(name.text()) {
            errors.invalid_value(&name, name.text(), "must not already exist in volumeMounts");
        }
        if mounted.values().any(|mounted| mounted == path.text()) {
            errors.invalid_value(&path, path.text(), "must not already exist as a path in volumeMounts");
        }
    }
}

fn validate_mount<'v>(
    mount: &Located<'v, '_>,
    volumes: &Volumes<'_>,
    seen: &mut BTreeSet<&'v str>,
    errors: &mut Errors,
) {
    let (name, path) = (mount.member("name"), mount.member("mountPath"));
    require(&name, errors);
    if !volumes.contains_key(name.text()) {
        errors.not_found_value(&name, name.text());
    }
    require(&path, errors);
    if !seen.insert(path.text()) {
        errors.invalid_value(&path, path.text(), "must be unique");
    }
}

/// What upstream reports under the list instead of the mount.
fn validate_parts(mounts: &Located<'_, '_>, mount: &Located<'_, '_>, privileged: bool, errors: &mut Errors) {
    let (path, expression) = (mount.member("subPath"), mount.member("subPathExpr"));
    if !path.is_empty() {
        validate_descending(&mounts.member("subPath"), path.text(), errors);
    }
    if !expression.is_empty() {
        if !path.is_empty() {
            let detail = "subPathExpr and subPath are mutually exclusive";
            errors.invalid_value(&expression, expression.text(), detail);
        }
        validate_descending(&mounts.member("subPathExpr"), expression.text(), errors);
    }
    let propagation = mount.member("mountPropagation");
    if propagation.is_set() {
        let shown = mounts.member("mountPropagation");
        let shown = propagation.shown_at(&shown);
        if !PROPAGATIONS.contains(&propagation.text()) {
            errors.not_supported(&shown, PROPAGATIONS);
        }
        if propagation.text() == "Bidirectional" && !privileged {
            let detail = "Bidirectional mount propagation is available only to privileged containers";
            errors.forbidden(&shown, detail);
        }
    }
    validate_recursive(mounts, mount, errors);
}

fn validate_recursive(mounts: &Located<'_, '_>, mount: &Located<'_, '_>, errors: &mut Errors) {
    let recursive = mount.member("recursiveReadOnly");
    if !recursive.is_set() {
        return;
    }
    let shown = mounts.member("recursiveReadOnly");
    let shown = recursive.shown_at(&shown);
    match recursive.text() {
        "Disabled" => {}
        "Enabled" | "IfPossible" => {
            if !mount.member("readOnly").bool() {
                errors.forbidden(&shown, "may only be specified when readOnly is true");
            }
            let propagation = mount.member("mountPropagation");
            if propagation.is_set() && propagation.text() != "None" {
                let detail = "may only be specified when mountPropagation is None or not specified";
                errors.forbidden(&shown, detail);
            }
        }
        _ => errors.not_supported(&shown, RECURSIVE),
    }
}

/// The devices that were seen.
#[derive(Default)]
struct Devices<'v> {
    names: BTreeSet<&'v str>,
    paths: BTreeSet<&'v str>,
}

impl<'v> Devices<'v> {
    fn validate(&mut self, device: &Located<'v, '_>, volumes: &Volumes<'_>, errors: &mut Errors) {
        let (name, path) = (device.member("name"), device.member("devicePath"));
        require(&name, errors);
        if self.names.contains(name.text()) {
            errors.invalid_value(&name, name.text(), "must be unique");
        }
        match volumes.get(name.text()) {
            None => errors.not_found_value(&name, name.text()),
            Some(volume) => {
                let holds = |field: &str| volume.field(field).is_some_and(|source| !source.is_null());
                if !holds("persistentVolumeClaim") && !holds("ephemeral") {
                    let detail = "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode";
                    errors.invalid_value(&name, name.text(), detail);
                }
            }
        }
        require(&path, errors);
        if self.paths.contains(path.text()) {
            errors.invalid_value(&path, path.text(), "must be unique");
        }
        if has_backsteps(path.text()) {
            errors.invalid_value(&path, path.text(), "can not contain backsteps ('..')");
        } else {
            self.paths.insert(path.text());
        }
        if !name.is_empty() {
            self.names.insert(name.text());
        }
    }
}
