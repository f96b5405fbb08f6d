//! The API object that configured a kubelet. The feature is gone; what is stored of it can still be written.
//! k8s: pkg/apis/core/validation/validation.go validateNodeConfigSourceSpec, validateNodeConfigStatus

use crate::kinds::rules::workload::shown_struct;
use crate::kinds::validation::{Errors, Located};
use crate::value::names::{Problems, config_key, dns_label, dns_subdomain};

/// The source that a spec names.
pub(super) fn validate_in_spec(source: &Located<'_, '_>, errors: &mut Errors) {
    let map = source.member("configMap");
    let uid = map.member("uid");
    if !uid.is_empty() {
        errors.forbidden(&uid, "uid must not be set in spec");
    }
    let version = map.member("resourceVersion");
    if !version.is_empty() {
        errors.forbidden(&version, "resourceVersion must not be set in spec");
    }
    validate_source(source, errors);
}

/// The sources that a status names.
pub(super) fn validate_in_status(config: &Located<'_, '_>, errors: &mut Errors) {
    for field in ["assigned", "active", "lastKnownGood"] {
        let source = config.member(field);
        if !source.is_set() {
            continue;
        }
        let map = source.member("configMap");
        for field in ["uid", "resourceVersion"].into_iter().filter(|_| map.is_set()) {
            let held = map.member(field);
            if held.is_empty() {
                errors.required(&held, "");
            }
        }
        validate_source(&source, errors);
    }
}

fn validate_source(source: &Located<'_, '_>, errors: &mut Errors) {
    let map = source.member("configMap");
    if !map.is_set() {
        let detail = "exactly one reference subfield must be non-nil";
        errors.invalid_value(source, shown_struct("NodeConfigSource", source), detail);
        return;
    }
    type Rule = fn(&str) -> Problems;
    let fields: [(&'static str, Rule); 3] = [
        ("namespace", |name| dns_label(name, false)),
        ("name", |name| dns_subdomain(name, false)),
        ("kubeletConfigKey", config_key),
    ];
    for (field, rule) in fields {
        let held = map.member(field);
        if held.is_empty() {
            errors.required(&held, "");
        } else {
            errors.invalid_for_each(&held, held.text(), rule(held.text()));
        }
    }
}
