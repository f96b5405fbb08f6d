//! The sources of volumes. Those that persistent volumes have too, in the same or in a wider form, stand beside each
//! other.

use super::paths::{validate_key_to_path, validate_mode, validate_no_backsteps};
use super::words::{require, validate_choice, validate_dns_label, validate_dns_subdomain};
use crate::kinds::validation::{Errors, Located};
use crate::value::names;

/// The longest name of an initiator, and what a longer one is told.
pub(in crate::kinds::rules) const INITIATOR_BYTES: usize = 64;
pub(in crate::kinds::rules) const INITIATOR_LENGTH: &str = "Total length of <volume name>:<iscsi.targetPortal> must be \
    under 64 characters if iscsi.initiatorName is specified.";

const HOST_PATH_TYPES: &[&str] =
    &["", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"];

/// The longest name of a CSI driver.
const DRIVER_BYTES: usize = 63;

/// Fields that must be there.
fn require_all(source: &Located<'_, '_>, fields: &[&'static str], errors: &mut Errors) {
    for field in fields {
        require(&source.member(field), errors);
    }
}

/// The name of a secret, if one is referred to; its namespace too where the volume has none of its own.
fn require_secret(source: &Located<'_, '_>, has_namespace: bool, errors: &mut Errors) {
    let secret = source.member("secretRef");
    if secret.is_set() {
        require(&secret.member("name"), errors);
        if has_namespace {
            require(&secret.member("namespace"), errors);
        }
    }
}

pub(in crate::kinds::rules) fn host_path(source: &Located<'_, '_>, errors: &mut Errors) {
    let (path, kind) = (source.member("path"), source.member("type"));
    if path.is_empty() {
        return errors.required(&path, "");
    }
    validate_no_backsteps(&path, path.text(), errors);
    if kind.is_set() && !HOST_PATH_TYPES.contains(&kind.text()) {
        errors.not_supported(&kind, HOST_PATH_TYPES);
    }
}

pub(super) fn git_repository(source: &Located<'_, '_>, errors: &mut Errors) {
    require(&source.member("repository"), errors);
    let directory = source.member("directory");
    super::paths::validate_descending(&directory, directory.text(), errors);
}

pub(in crate::kinds::rules) fn gce_persistent_disk(source: &Located<'_, '_>, errors: &mut Errors) {
    require(&source.member("pdName"), errors);
    partition(source, errors);
}

pub(in crate::kinds::rules) fn aws_elastic_block_store(source: &Located<'_, '_>, errors: &mut Errors) {
    require(&source.member("volumeID"), errors);
    partition(source, errors);
}

fn partition(source: &Located<'_, '_>, errors: &mut Errors) {
    let partition = source.member("partition");
    if !(0..=255).contains(&partition.int()) {
        errors.invalid(&partition, "must be between 1 and 255, inclusive");
    }
}

pub(super) fn secret(source: &Located<'_, '_>, errors: &mut Errors) {
    require(&source.member("secretName"), errors);
    keys(source, errors);
}

pub(super) fn config_map(source: &Located<'_, '_>, errors: &mut Errors) {
    require(&source.member("name"), errors);
    keys(source, errors);
}

fn keys(source: &Located<'_, '_>, errors: &mut Errors) {
    validate_mode(&source.member("defaultMode"), errors);
    let items = source.member("items");
    for item in items.items() {
        validate_key_to_path(&item, errors);
    }
}

pub(in crate::kinds::rules) fn nfs(source: &Located<'_, '_>, errors: &mut Errors) {
    require_all(source, &["server", "path"], errors);
    let path = source.member("path");
    if !path.text().starts_with('/') {
        errors.invalid_value(&path, path.text(), "must be an absolute path");
    }
}

pub(super) fn iscsi(source: &Located<'_, '_>, errors: &mut Errors) {
    require(&source.member("targetPortal"), errors);
    iscsi_target(source, "must be valid format starting with iqn, eui, or naa", errors);
    iscsi_numbers(source, errors);
    iscsi_initiator(source, "must be valid format starting with iqn, eui, or naa", errors);
}

/// The same of a persistent volume of this name.
pub(in crate::kinds::rules) fn iscsi_of_persistent_volume(
    source: &Located<'_, '_>,
    volume: &str,
    errors: &mut Errors,
) {
    let portal = source.member("targetPortal");
    require(&portal, errors);
    let length = volume.len() + 1 + portal.len();
    if source.member("initiatorName").is_set() && length > INITIATOR_BYTES {
        let shown = source.member("targetportal");
        errors.invalid_value(&shown, portal.text(), INITIATOR_LENGTH);
    }
    iscsi_target(source, "must be valid format", errors);
    iscsi_numbers(source, errors);
    require_secret(source, false, errors);
    iscsi_initiator(source, "must be valid format", errors);
}

fn iscsi_target(source: &Located<'_, '_>, unknown: &str, errors: &mut Errors) {
    let name = source.member("iqn");
    if name.is_empty() {
        errors.required(&name, "");
    } else {
        iscsi_name(&name, name.text(), unknown, errors);
    }
}

fn iscsi_initiator(source: &Located<'_, '_>, unknown: &str, errors: &mut Errors) {
    let name = source.member("initiatorName");
    if name.is_set() {
        iscsi_name(&source.member("initiatorname"), name.text(), unknown, errors);
    }
}

/// A name of one of three forms.
fn iscsi_name(at: &Located<'_, '_>, name: &str, unknown: &str, errors: &mut Errors) {
    let word = |prefix: &str, len: usize| {
        let mut rest = name.chars().skip(prefix.len());
        name.starts_with(prefix)
            && rest.next().is_some_and(|any| any != '\n')
            && rest.clone().count() == len
            && rest.all(|letter| letter.is_ascii_alphanumeric())
    };
    if name.starts_with("iqn") {
        if !is_qualified_iscsi_name(name) {
            errors.invalid_value(at, name, "must be valid format");
        }
    } else if name.starts_with("eui") || name.starts_with("naa") {
        if !word("eui", 16) && !word("naa", 32) {
            errors.invalid_value(at, name, "must be valid format");
        }
    } else {
        errors.invalid_value(at, name, unknown);
    }
}

/// `iqn\.\d{4}-\d{2}\.([[:alnum:]-.]+)(:[^,;*&$|\s]+)$`, anywhere in the name.
fn is_qualified_iscsi_name(name: &str) -> bool {
    name.match_indices("iqn.").any(|(start, _)| name.get(start + 4..).is_some_and(is_dated))
}

fn is_dated(text: &str) -> bool {
    let bytes = text.as_bytes();
    let has = |at: usize, is_right: fn(u8) -> bool| bytes.get(at).copied().is_some_and(is_right);
    let digits = [0, 1, 2, 3, 5, 6].into_iter().all(|at| has(at, |byte| byte.is_ascii_digit()));
    if !(digits && has(4, |byte| byte == b'-') && has(7, |byte| byte == b'.')) {
        return false;
    }
    let Some((authority, rest)) = text.get(8..).and_then(|rest| rest.split_once(':')) else { return false };
    let is_space = |letter: char| matches!(letter, '\t' | '\n' | '\x0c' | '\r' | ' ');
    !authority.is_empty()
        && authority.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
        && !rest.is_empty()
        && !rest.contains(|letter: char| ",;*&$|".contains(letter) || is_space(letter))
}

fn iscsi_numbers(source: &Located<'_, '_>, errors: &mut Errors) {
    let number = source.member("lun");
    if !(0..=255).contains(&number.int()) {
        errors.invalid(&number, "must be between 0 and 255, inclusive");
    }
    let asks = |field: &'static str| source.member(field).bool();
    let secret = source.member("secretRef");
    if (asks("chapAuthDiscovery") || asks("chapAuthSession")) && !secret.is_set() {
        errors.required(&secret, "");
    }
}

pub(in crate::kinds::rules) fn glusterfs(source: &Located<'_, '_>, errors: &mut Errors) {
    require_all(source, &["endpoints", "path"], errors);
}

pub(in crate::kinds::rules) fn glusterfs_of_persistent_volume(source: &Located<'_, '_>, errors: &mut Errors) {
    glusterfs(source, errors);
    let namespace = source.member("endpointsNamespace");
    if !namespace.is_set() {
        return;
    }
    if namespace.is_empty() {
        errors.invalid(&namespace, "if the endpointnamespace is set, it must be a valid namespace name");
    } else {
        validate_dns_label(&namespace, errors);
    }
}

pub(in crate::kinds::rules) fn flocker(source: &Located<'_, '_>, errors: &mut Errors) {
    let (name, uuid) = (source.member("datasetName"), source.member("datasetUUID"));
    if name.is_empty() && uuid.is_empty() {
        errors.required(source, "one of datasetName and datasetUUID is required");
    }
    if !name.is_empty() && !uuid.is_empty() {
        let detail = "datasetName and datasetUUID can not be specified simultaneously";
        errors.invalid_value(source, "resource", detail);
    }
    if name.text().contains('/') {
        errors.invalid(&name, "must not contain '/'");
    }
}

pub(super) fn claim(source: &Located<'_, '_>, errors: &mut Errors) {
    require(&source.member("claimName"), errors);
}

pub(in crate::kinds::rules) fn rbd(source: &Located<'_, '_>, errors: &mut Errors) {
    require_all(source, &["monitors", "image"], errors);
}

pub(super) fn cinder(source: &Located<'_, '_>, errors: &mut Errors) {
    require(&source.member("volumeID"), errors);
    require_secret(source, false, errors);
}

pub(in crate::kinds::rules) fn cinder_of_persistent_volume(source: &Located<'_, '_>, errors: &mut Errors) {
    require(&source.member("volumeID"), errors);
    require_secret(source, true, errors);
}

pub(in crate::kinds::rules) fn cephfs(source: &Located<'_, '_>, errors: &mut Errors) {
    require(&source.member("monitors"), errors);
}

pub(in crate::kinds::rules) fn quobyte(source: &Located<'_, '_>, errors: &mut Errors) {
    const PAIRS: &str = "must be a host:port pair or multiple pairs separated by commas";
    let (registry, tenant) = (source.member("registry"), source.member("tenant"));
    if registry.is_empty() {
        errors.required(&registry, PAIRS);
    } else if tenant.len() >= 65 {
        errors.required(&tenant, "must be a UUID and may not exceed a length of 64 characters");
    } else {
        for _ in registry.text().split(',').filter(|pair| !is_host_and_port(pair)) {
            errors.invalid(&registry, PAIRS);
        }
    }
    require(&source.member("volume"), errors);
}

/// Whether Go's net.SplitHostPort can split it.
fn is_host_and_port(pair: &str) -> bool {
    let Some((host, port)) = pair.rsplit_once(':') else { return false };
    let inside = match host.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((inside, "")) => inside,
            Some(_) | None => return false,
        },
        None if host.contains(':') => return false,
        None => host,
    };
    !inside.contains(['[', ']']) && !port.contains(['[', ']'])
}

pub(in crate::kinds::rules) fn fibre_channel(source: &Located<'_, '_>, errors: &mut Errors) {
    let (names, ids) = (source.member("targetWWNs"), source.member("wwids"));
    if names.is_empty() && ids.is_empty() {
        errors.required(&names, "must specify either targetWWNs or wwids, but not both");
    }
    if !names.is_empty() && !ids.is_empty() {
        errors.invalid(&names, "targetWWNs and wwids can not be specified simultaneously");
    }
    let number = source.member("lun");
    if names.is_empty() {
        return;
    }
    if !number.is_set() {
        errors.required(&number, "lun is required if targetWWNs is specified");
    } else if !(0..=255).contains(&number.int()) {
        errors.invalid(&number, "must be between 0 and 255, inclusive");
    }
}

pub(in crate::kinds::rules) fn flex_volume(source: &Located<'_, '_>, errors: &mut Errors) {
    require(&source.member("driver"), errors);
    let options = source.member("options");
    for (key, option) in options.entries() {
        let namespace = key.split_once('/').map_or(key, |(namespace, _)| namespace).to_lowercase();
        let is_in = |domain: &str| {
            namespace.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        if is_in("kubernetes.io") || is_in("k8s.io") {
            errors.invalid_value(&option, key, "kubernetes.io and k8s.io namespaces are reserved");
        }
    }
}

pub(in crate::kinds::rules) fn azure_file(source: &Located<'_, '_>, errors: &mut Errors) {
    require_all(source, &["secretName", "shareName"], errors);
}

pub(in crate::kinds::rules) fn azure_file_of_persistent_volume(
    source: &Located<'_, '_>,
    errors: &mut Errors,
) {
    azure_file(source, errors);
    let namespace = source.member("secretNamespace");
    if namespace.is_set() {
        require(&namespace, errors);
    }
}

pub(in crate::kinds::rules) fn azure_disk(source: &Located<'_, '_>, errors: &mut Errors) {
    const MANAGED: &str =
        "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}";
    const BLOB: &str = "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd";
    require_all(source, &["diskName", "diskURI"], errors);
    let (caching, kind) = (source.member("cachingMode"), source.member("kind"));
    super::words::validate_optional_choice(&caching, &["None", "ReadOnly", "ReadWrite"], errors);
    super::words::validate_optional_choice(&kind, &["Dedicated", "Managed", "Shared"], errors);
    if !kind.is_set() {
        return;
    }
    let uri = source.member("diskURI");
    let (start, supported) = match kind.text() {
        "Managed" => ("/subscriptions/", MANAGED),
        _ => ("https://", BLOB),
    };
    if !uri.text().starts_with(start) {
        errors.not_supported_text(&uri, &[supported]);
    }
}

pub(in crate::kinds::rules) fn vsphere_volume(source: &Located<'_, '_>, errors: &mut Errors) {
    require(&source.member("volumePath"), errors);
}

pub(in crate::kinds::rules) fn photon_persistent_disk(source: &Located<'_, '_>, errors: &mut Errors) {
    require(&source.member("pdID"), errors);
}

pub(in crate::kinds::rules) fn portworx_volume(source: &Located<'_, '_>, errors: &mut Errors) {
    require(&source.member("volumeID"), errors);
}

pub(in crate::kinds::rules) fn scale_io(source: &Located<'_, '_>, errors: &mut Errors) {
    require_all(source, &["gateway", "system", "volumeName"], errors);
}

pub(in crate::kinds::rules) fn local(source: &Located<'_, '_>, errors: &mut Errors) {
    let path = source.member("path");
    require(&path, errors);
    validate_no_backsteps(&path, path.text(), errors);
}

pub(super) fn storageos(source: &Located<'_, '_>, errors: &mut Errors) {
    storageos_volume(source, errors);
    require_secret(source, false, errors);
}

pub(in crate::kinds::rules) fn storageos_of_persistent_volume(source: &Located<'_, '_>, errors: &mut Errors) {
    storageos_volume(source, errors);
    require_secret(source, true, errors);
}

fn storageos_volume(source: &Located<'_, '_>, errors: &mut Errors) {
    let (name, namespace) = (source.member("volumeName"), source.member("volumeNamespace"));
    if name.is_empty() {
        errors.required(&name, "");
    } else {
        validate_dns_label(&name, errors);
    }
    if !namespace.is_empty() {
        validate_dns_label(&namespace, errors);
    }
}

/// The name of a CSI driver, whose letters may be large.
pub(in crate::kinds::rules) fn csi_driver_name(driver: &Located<'_, '_>, errors: &mut Errors) {
    if driver.is_empty() {
        return errors.required(driver, "");
    }
    if driver.len() > DRIVER_BYTES {
        errors.too_long(driver, DRIVER_BYTES);
    }
    let name = driver.text();
    errors.invalid_for_each(driver, name, names::dns_subdomain(&name.to_lowercase(), false));
}

pub(super) fn csi(source: &Located<'_, '_>, errors: &mut Errors) {
    csi_driver_name(&source.member("driver"), errors);
    let secret = source.member("nodePublishSecretRef");
    if !secret.is_set() {
        return;
    }
    let name = secret.member("name");
    if name.is_empty() {
        errors.required(&name, "");
    } else {
        let shown = source.member("name");
        errors.invalid_for_each(&shown, name.text(), names::dns_subdomain(name.text(), false));
    }
}

pub(in crate::kinds::rules) fn csi_of_persistent_volume(source: &Located<'_, '_>, errors: &mut Errors) {
    csi_driver_name(&source.member("driver"), errors);
    require(&source.member("volumeHandle"), errors);
    let secrets = [
        "controllerPublishSecretRef",
        "controllerExpandSecretRef",
        "nodePublishSecretRef",
        "nodeExpandSecretRef",
    ];
    for field in secrets {
        let secret = source.member(field);
        if secret.is_set() {
            secret_reference(&secret, errors);
        }
    }
}

fn secret_reference(secret: &Located<'_, '_>, errors: &mut Errors) {
    let (name, namespace) = (secret.member("name"), secret.member("namespace"));
    if name.is_empty() {
        errors.required(&name, "");
    } else {
        validate_dns_subdomain(&name, errors);
    }
    if namespace.is_empty() {
        errors.required(&namespace, "");
    } else {
        validate_dns_label(&namespace, errors);
    }
}

/// An image; a template may leave its reference open.
pub(super) fn image(source: &Located<'_, '_>, is_pod: bool, errors: &mut Errors) {
    if is_pod {
        require(&source.member("reference"), errors);
    }
    validate_choice(&source.member("pullPolicy"), super::container::PULL_POLICIES, errors);
}
