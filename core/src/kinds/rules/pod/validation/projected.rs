//! Volumes of files that the kubelet makes: those of the downward API, and those of several sources.

use super::context::PodContext;
use super::environment::{FILE_FIELDS, validate_field_reference, validate_resource_reference};
use super::paths::{validate_key_to_path, validate_mode, validate_not_reserved};
use super::words::require;
use crate::kinds::validation::{Errors, Located};
use alloc::collections::BTreeSet;

/// The shortest and the longest life of a token, in seconds.
const TOKEN_SECONDS: (i64, i64) = (600, 1 << 32);

const DUPLICATE: &str = "conflicting duplicate paths";

pub(super) fn validate_downward_api(source: &Located<'_, '_>, errors: &mut Errors) {
    validate_mode(&source.member("defaultMode"), errors);
    let items = source.member("items");
    for item in items.items() {
        // Upstream tells all errors of the items under the source.
        validate_file(&item.shown_at(source), errors);
    }
}

fn validate_file(file: &Located<'_, '_>, errors: &mut Errors) {
    let path = file.member("path");
    require(&path, errors);
    validate_not_reserved(&path, path.text(), errors);
    let (field, resource) = (file.member("fieldRef"), file.member("resourceFieldRef"));
    if field.is_set() {
        validate_field_reference(&field, FILE_FIELDS, errors);
        if resource.is_set() {
            let detail = "fieldRef and resourceFieldRef can not be specified simultaneously";
            errors.invalid_value(file, "resource", detail);
        }
    } else if resource.is_set() {
        validate_resource_reference(&resource, true, errors);
    } else {
        errors.required(file, "one of fieldRef and resourceFieldRef is required");
    }
    validate_mode(&file.member("mode"), errors);
}

pub(super) fn validate_projected(source: &Located<'_, '_>, context: &PodContext<'_>, errors: &mut Errors) {
    validate_mode(&source.member("defaultMode"), errors);
    let list = source.member("sources");
    let mut taken = BTreeSet::new();
    for one in list.items() {
        if errors.is_full() {
            return;
        }
        let mut count = 0;
        for field in ["secret", "configMap"] {
            let keys = one.member(field);
            if keys.is_set() {
                count += 1;
                validate_keys(&keys, source, &mut taken, errors);
            }
        }
        let downward = one.member("downwardAPI");
        if downward.is_set() {
            count += 1;
            validate_files(&downward, source, &mut taken, errors);
        }
        let token = one.member("serviceAccountToken");
        if token.is_set() {
            count += 1;
            validate_token(&token, source, context, errors);
        }
        if count > 1 {
            errors.forbidden(&one, "may not specify more than 1 volume type per source");
        }
    }
}

/// The keys of a secret or config map as files.
fn validate_keys<'v>(
    keys: &Located<'v, '_>,
    volume: &Located<'_, '_>,
    taken: &mut BTreeSet<&'v str>,
    errors: &mut Errors,
) {
    let name = keys.member("name");
    require(&name, errors);
    let items = keys.member("items");
    for item in items.items() {
        validate_key_to_path(&item, errors);
        let path = item.member("path").text();
        if !path.is_empty() && !taken.insert(path) {
            errors.invalid_value(volume, name.text(), DUPLICATE);
        }
    }
}

fn validate_files<'v>(
    downward: &Located<'v, '_>,
    volume: &Located<'_, '_>,
    taken: &mut BTreeSet<&'v str>,
    errors: &mut Errors,
) {
    let items = downward.member("items");
    for item in items.items() {
        validate_file(&item.shown_at(downward), errors);
        let path = item.member("path").text();
        if !path.is_empty() && !taken.insert(path) {
            errors.invalid_value(volume, path, DUPLICATE);
        }
    }
}

fn validate_token(
    token: &Located<'_, '_>,
    volume: &Located<'_, '_>,
    context: &PodContext<'_>,
    errors: &mut Errors,
) {
    let (shortest, longest) = TOKEN_SECONDS;
    let (life, path) = (token.member("expirationSeconds"), token.member("path"));
    let seconds = life.int();
    if seconds < shortest {
        errors.invalid_value(&life, seconds, "may not specify a duration less than 10 minutes");
    }
    if seconds > longest {
        errors.invalid_value(&life, seconds, "may not specify a duration larger than 2^32 seconds");
    }
    let shown = volume.member("path");
    if path.is_empty() {
        errors.required(&shown, "");
    } else if !context.lets_token_paths {
        validate_not_reserved(&shown, path.text(), errors);
    }
}
