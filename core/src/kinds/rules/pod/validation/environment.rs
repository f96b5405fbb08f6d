//! The environment variables of containers, and the references to fields that downward APIs share.

use super::words::{require, validate_dns_label};
use super::{paths, resources};
use crate::kinds::validation::{Errors, Located};
use crate::value::names;
use alloc::format;

/// The fields of a pod that a variable can have.
const VARIABLE_FIELDS: &[&str] = &[
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];

/// The fields of a pod that a file can have.
pub(super) const FILE_FIELDS: &[&str] =
    &["metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"];

/// All fields of a pod that have a name in the downward API.
/// k8s: pkg/apis/core/pods/helpers.go ConvertDownwardAPIFieldLabel
const FIELDS: &[&str] = &[
    "metadata.annotations",
    "metadata.labels",
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.serviceAccountName",
    "spec.schedulerName",
    "status.phase",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];

/// The resources of a container that have a name in the downward API, beside huge pages.
const RESOURCES: &[&str] = &[
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
];

const HUGE_PAGES: &[&str] = &["limits.hugepages-", "requests.hugepages-"];

pub(super) fn validate_variables(variables: &Located<'_, '_>, errors: &mut Errors) {
    for variable in variables.items() {
        if errors.is_full() {
            return;
        }
        let name = variable.member("name");
        if name.is_empty() {
            errors.required(&name, "");
        } else {
            errors.invalid_for_each(&name, name.text(), names::env_var_name(name.text()));
        }
        validate_value_from(&variable, errors);
    }
}

fn validate_value_from(variable: &Located<'_, '_>, errors: &mut Errors) {
    let from = variable.member("valueFrom");
    if !from.is_set() {
        return;
    }
    let mut sources = 0;
    let field = from.member("fieldRef");
    if field.is_set() {
        sources += 1;
        validate_field_reference(&field, VARIABLE_FIELDS, errors);
    }
    let resource = from.member("resourceFieldRef");
    if resource.is_set() {
        sources += 1;
        validate_resource_reference(&resource, false, errors);
    }
    for name in ["configMapKeyRef", "secretKeyRef"] {
        let key = from.member(name);
        if key.is_set() {
            sources += 1;
            validate_key_reference(&key, errors);
        }
    }
    let file = from.member("fileKeyRef");
    if file.is_set() {
        sources += 1;
        validate_file_reference(&file, errors);
    }
    let detail = match sources {
        0 => {
            "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"
        }
        _ if !variable.member("value").is_empty() => "may not be specified when `value` is not empty",
        1 => return,
        _ => "may not have more than one field specified at a time",
    };
    errors.invalid_value(&from, "", detail);
}

/// A field of the pod, by its path.
pub(super) fn validate_field_reference(field: &Located<'_, '_>, allowed: &[&str], errors: &mut Errors) {
    let (version, path) = (field.member("apiVersion"), field.member("fieldPath"));
    if version.is_empty() {
        return errors.required(&version, "");
    }
    if path.is_empty() {
        return errors.required(&path, "");
    }
    let text = path.text();
    let subscripted = subscript(text);
    let problem = match subscripted {
        _ if version.text() != "v1" => format!("unsupported pod version: {}", version.text()),
        Some(("metadata.annotations" | "metadata.labels", _)) => "".into(),
        Some(_) => format!("field label does not support subscript: {text}"),
        None if text == "spec.host" || FIELDS.contains(&text) => "".into(),
        None => format!("field label not supported: {text}"),
    };
    if !problem.is_empty() {
        return errors.invalid_value(&path, text, format!("error converting fieldPath: {problem}"));
    }
    match subscripted {
        Some(("metadata.annotations", key)) => {
            let key = key.to_lowercase();
            errors.invalid_for_each(field, &key, names::qualified_name(&key));
        }
        Some((_, key)) => errors.invalid_for_each(field, key, names::qualified_name(key)),
        None => {
            // The name that old clients know.
            let known = if text == "spec.host" { "spec.nodeName" } else { text };
            if !allowed.contains(&known) {
                errors.not_supported_value(&path, known, allowed);
            }
        }
    }
}

/// The parts of `path['key']`; None when there is no subscript.
/// k8s: pkg/fieldpath/fieldpath.go SplitMaybeSubscriptedPath
fn subscript(path: &str) -> Option<(&str, &str)> {
    let (field, key) = path.strip_suffix("']")?.split_once("['")?;
    (!field.is_empty()).then_some((field, key))
}

/// A resource of a container, and what its amount is divided by.
pub(super) fn validate_resource_reference(resource: &Located<'_, '_>, is_file: bool, errors: &mut Errors) {
    let (container, name) = (resource.member("containerName"), resource.member("resource"));
    if is_file && container.is_empty() {
        errors.required(&container, "");
    } else if name.is_empty() {
        errors.required(&name, "");
    } else if !RESOURCES.contains(&name.text())
        && !HUGE_PAGES.iter().any(|prefix| name.text().starts_with(prefix))
    {
        errors.not_supported(&name, RESOURCES);
    }
    resources::validate_divisor(name.text(), &resource.member("divisor"), errors);
}

/// A key of a config map or of a secret.
fn validate_key_reference(reference: &Located<'_, '_>, errors: &mut Errors) {
    let name = reference.member("name");
    errors.invalid_for_each(&name, name.text(), names::dns_subdomain(name.text(), false));
    let key = reference.member("key");
    if key.is_empty() {
        errors.required(&key, "");
    } else {
        errors.invalid_for_each(&key, key.text(), names::config_key(key.text()));
    }
}

/// A variable of a file in a volume.
fn validate_file_reference(reference: &Located<'_, '_>, errors: &mut Errors) {
    let (key, volume) = (reference.member("key"), reference.member("volumeName"));
    if key.is_empty() {
        errors.required(&key, "");
    } else {
        errors.invalid_for_each(&key, key.text(), names::env_var_name(key.text()));
    }
    if volume.is_empty() {
        errors.required(&volume, "");
    } else {
        validate_dns_label(&volume, errors);
    }
    let path = reference.member("path");
    require(&path, errors);
    paths::validate_no_backsteps(&path, path.text(), errors);
}

/// The files with variables are in volumes that the containers share.
pub(super) fn validate_files(spec: &Located<'_, '_>, errors: &mut Errors) {
    let volumes = spec.member("volumes");
    super::context::each_container(spec, &mut |container| {
        let variables = container.member("env");
        for variable in variables.items() {
            let file = variable.at(&["valueFrom", "fileKeyRef"]);
            if !file.is_set() {
                continue;
            }
            let name = file.member("volumeName");
            let named = volumes.items().rfind(|volume| volume.member("name").text() == name.text());
            match named.map(|volume| volume.member("emptyDir").is_set()) {
                None => errors.not_found_value(&name, name.text()),
                Some(true) => {}
                Some(false) => {
                    errors.invalid_value(&name, name.text(), "referenced volume must be of type emptyDir");
                }
            }
        }
    });
}

/// Whole config maps and secrets whose keys become variables.
pub(super) fn validate_sources(sources: &Located<'_, '_>, errors: &mut Errors) {
    for source in sources.items() {
        if errors.is_full() {
            return;
        }
        let prefix = source.member("prefix");
        if !prefix.is_empty() {
            errors.invalid_for_each(&prefix, prefix.text(), names::env_var_name(prefix.text()));
        }
        let mut count = 0;
        for field in ["configMapRef", "secretRef"] {
            let reference = source.member(field);
            if !reference.is_set() {
                continue;
            }
            count += 1;
            let name = reference.member("name");
            if name.is_empty() {
                errors.required(&name, "");
            } else {
                errors.invalid_for_each(&name, name.text(), names::dns_subdomain(name.text(), true));
            }
        }
        match count {
            0 => errors.invalid_value(sources, "", "must specify one of: `configMapRef` or `secretRef`"),
            1 => {}
            _ => errors.invalid_value(sources, "", "may not have more than one field specified at a time"),
        }
    }
}
