//! The annotations that mean something for pods.

use super::context::{DELETION_COST, MIRROR, PodContext, each_container, has_valid_deletion_cost};
use super::profiles::{self, APP_ARMOR, SECCOMP_CONTAINER, SECCOMP_POD};
use super::tolerations::validate_tolerations;
use crate::codec::json;
use crate::kinds::validation::{Errors, Located};
use crate::value::{Value, quoted};
use alloc::format;

/// The annotation with tolerations, from the time before the field.
const TOLERATIONS: &str = "scheduler.alpha.kubernetes.io/tolerations";

/// The annotations of a pod or template: the object with `metadata` and `spec`. `annotations` is where upstream says
/// that they are.
pub(super) fn validate_annotations(
    object: &Located<'_, '_>,
    annotations: &Located<'_, '_>,
    context: &PodContext<'_>,
    errors: &mut Errors,
) {
    let spec = object.member("spec");
    let mirror = annotations.key(MIRROR);
    if mirror.is_set() && spec.member("nodeName").is_empty() {
        errors.invalid(&mirror, "must set spec.nodeName if mirror pod annotation is set");
    }
    validate_tolerations_of(annotations, context, errors);
    if !context.lets_deletion_cost && object.value().is_some_and(|object| !has_valid_deletion_cost(object)) {
        errors.invalid(&annotations.key(DELETION_COST), "must be a 32bit integer");
    }
    let profile = annotations.key(SECCOMP_POD);
    if profile.is_set() {
        let shown = annotations.named(SECCOMP_POD);
        profiles::validate_seccomp_annotation(&shown, profile.text(), errors);
    }
    for (key, profile) in annotations.entries() {
        if key.starts_with(SECCOMP_CONTAINER) {
            let shown = annotations.named(key);
            profiles::validate_seccomp_annotation(&shown, profile.text(), errors);
        }
    }
    for (key, profile) in annotations.entries() {
        if let Some(container) = key.strip_prefix(APP_ARMOR) {
            validate_app_armor_annotation(container, &profile, &spec, errors);
        }
    }
}

fn validate_tolerations_of(annotations: &Located<'_, '_>, context: &PodContext<'_>, errors: &mut Errors) {
    let text = annotations.key(TOLERATIONS).text();
    if text.is_empty() {
        return;
    }
    let parsed = json::parse(text.as_bytes()).map(|parsed| parsed.value);
    match parsed {
        Ok(list @ (Value::List(_) | Value::Null)) => {
            let root = Located::root(&list);
            let shown = annotations.named(TOLERATIONS);
            validate_tolerations(&root.shown_at(&shown), context.lets_comparisons, errors);
        }
        Ok(_) => {
            let detail = "json: cannot unmarshal object into Go value of type []core.Toleration";
            errors.invalid_value(annotations, TOLERATIONS, detail);
        }
        Err(error) => errors.invalid_value(annotations, TOLERATIONS, error.0),
    }
}

fn validate_app_armor_annotation(
    container: &str,
    profile: &Located<'_, '_>,
    spec: &Located<'_, '_>,
    errors: &mut Errors,
) {
    let mut is_there = false;
    each_container(spec, &mut |held| is_there = is_there || held.member("name").text() == container);
    if !is_there {
        errors.invalid_value(profile, container, "container not found");
    }
    let text = profile.text();
    if !matches!(text, "" | "runtime/default" | "unconfined") && !text.starts_with("localhost/") {
        errors.invalid_value(profile, text, format!("invalid AppArmor profile name: {}", quoted(text)));
    }
}

/// Annotations and the fields that came after them say the same.
pub(super) fn validate_profiles_match(
    object: &Located<'_, '_>,
    annotations: &Located<'_, '_>,
    errors: &mut Errors,
) {
    let spec = object.member("spec");
    let of_pod = spec.at(&["securityContext", "seccompProfile"]);
    let annotation = annotations.key(SECCOMP_POD);
    if annotation.is_set() && of_pod.is_set() {
        profiles::validate_same_seccomp(annotation.text(), &of_pod, errors);
    }
    let mut match_seccomp = |container: &Located<'_, '_>| {
        let profile = container.at(&["securityContext", "seccompProfile"]);
        let key = format!("{SECCOMP_CONTAINER}{}", container.member("name").text());
        let annotation = annotations.key(&key);
        if annotation.is_set() && profile.is_set() {
            profiles::validate_same_seccomp(annotation.text(), &profile, errors);
        }
    };
    if annotations.has_key_with(SECCOMP_CONTAINER) {
        each_container(&spec, &mut match_seccomp);
    }
    if spec.at(&["os", "name"]).text() == "windows" || !annotations.has_key_with(APP_ARMOR) {
        return;
    }
    let of_pod = spec.at(&["securityContext", "appArmorProfile"]);
    each_container(&spec, &mut |container| {
        let own = container.at(&["securityContext", "appArmorProfile"]);
        let profile = if own.is_set() { own } else { of_pod };
        let key = format!("{APP_ARMOR}{}", container.member("name").text());
        let annotation = annotations.key(&key);
        if annotation.is_set() && profile.is_set() {
            profiles::validate_same_app_armor(annotation.text(), &profile, &own, errors);
        }
    });
}

/// Which annotations of a pod stay as they are.
pub(in crate::kinds::rules::pod) fn validate_annotation_updates(
    new: &Located<'_, '_>,
    old: &Located<'_, '_>,
    errors: &mut Errors,
) {
    for (key, held) in old.entries() {
        let now = new.key(key);
        if now.is_set() && now.value() == held.value() {
            continue;
        }
        if key.starts_with(APP_ARMOR) {
            errors.forbidden(&now, "may not remove or update AppArmor annotations");
        }
        if key == MIRROR {
            errors.forbidden(&now, "may not remove or update mirror pod annotation");
        }
    }
    for (key, now) in new.entries() {
        if old.key(key).is_set() {
            continue;
        }
        if key.starts_with(APP_ARMOR) {
            errors.forbidden(&now, "may not add AppArmor annotations");
        }
        if key == MIRROR {
            errors.forbidden(&now, "may not add mirror pod annotation");
        }
    }
}
