//! Paths of files inside volumes and containers.

use crate::kinds::validation::{Errors, Located};

/// What a wrong mode of a file is told.
const FILE_MODE: &str = "must be a number between 0 and 0777 (octal), both inclusive";

/// A path without an element `..`.
pub(in crate::kinds::rules) fn validate_no_backsteps(at: &Located<'_, '_>, path: &str, errors: &mut Errors) {
    if has_backsteps(path) {
        errors.invalid_value(at, path, "must not contain '..'");
    }
}

pub(super) fn has_backsteps(path: &str) -> bool {
    path.split('/').any(|element| element == "..")
}

/// A path that leads downwards from somewhere.
pub(super) fn validate_descending(at: &Located<'_, '_>, path: &str, errors: &mut Errors) {
    if path.starts_with('/') {
        errors.invalid_value(at, path, "must be a relative path");
    }
    validate_no_backsteps(at, path, errors);
}

/// A path that leads downwards, and does not begin as the names that the kubelet keeps for itself.
pub(super) fn validate_not_reserved(at: &Located<'_, '_>, path: &str, errors: &mut Errors) {
    validate_descending(at, path, errors);
    if path.starts_with("..") && !path.starts_with("../") {
        errors.invalid_value(at, path, "must not start with '..'");
    }
}

/// The mode of a file, if it is set.
pub(super) fn validate_mode(at: &Located<'_, '_>, errors: &mut Errors) {
    if at.int_if_set().is_some_and(|mode| !(0..=0o777).contains(&mode)) {
        errors.invalid(at, FILE_MODE);
    }
}

/// A key of a map that becomes a file.
pub(super) fn validate_key_to_path(item: &Located<'_, '_>, errors: &mut Errors) {
    super::words::require(&item.member("key"), errors);
    let path = item.member("path");
    super::words::require(&path, errors);
    validate_not_reserved(&path, path.text(), errors);
    validate_mode(&item.member("mode"), errors);
}

/// The paths of all tokens of a spec.
pub(super) fn validate_token_paths(spec: &Located<'_, '_>, errors: &mut Errors) {
    let volumes = spec.member("volumes");
    for volume in volumes.items() {
        let sources = volume.at(&["projected", "sources"]);
        for source in sources.items() {
            let token = source.member("serviceAccountToken");
            let path = token.member("path");
            if token.is_set() {
                validate_not_reserved(&path, path.text(), errors);
            }
        }
    }
}
