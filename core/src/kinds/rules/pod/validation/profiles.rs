//! Profiles of seccomp and AppArmor, as fields and as the annotations that came before them.

use super::paths::validate_descending;
use crate::kinds::validation::{Errors, Located, internal_json};

const TYPES: &[&str] = &["Localhost", "RuntimeDefault", "Unconfined"];

/// The longest path of a profile on the node.
const PROFILE_BYTES: usize = 4095;

pub(super) const SECCOMP_POD: &str = "seccomp.security.alpha.kubernetes.io/pod";
pub(super) const SECCOMP_CONTAINER: &str = "container.seccomp.security.alpha.kubernetes.io/";
pub(super) const APP_ARMOR: &str = "container.apparmor.security.beta.kubernetes.io/";

/// A SeccompProfile, if it is set.
pub(super) fn validate_seccomp(profile: &Located<'_, '_>, errors: &mut Errors) {
    if !profile.is_set() {
        return;
    }
    let (kind, local) = (profile.member("type"), profile.member("localhostProfile"));
    match kind.text() {
        "" => errors.required(&kind, "type is required when seccompProfile is set"),
        text if TYPES.contains(&text) => {}
        _ => errors.not_supported(&kind, TYPES),
    }
    if kind.text() != "Localhost" {
        if local.is_set() {
            let shown = internal_json("SeccompProfile", profile.value());
            errors.invalid_shown(&local, &shown, "can only be set when seccomp type is Localhost");
        }
    } else if local.is_set() {
        validate_descending(&local, local.text(), errors);
    } else {
        errors.required(&local, "must be set when seccomp type is Localhost");
    }
}

/// An AppArmorProfile, if it is set.
pub(in crate::kinds::rules::pod) fn validate_app_armor(profile: &Located<'_, '_>, errors: &mut Errors) {
    const MISSING: &str = "must be set when AppArmor type is Localhost";
    if !profile.is_set() {
        return;
    }
    let (kind, local) = (profile.member("type"), profile.member("localhostProfile"));
    match kind.text() {
        "" => errors.required(&kind, "type is required when appArmorProfile is set"),
        "Localhost" if !local.is_set() => errors.required(&local, MISSING),
        "Localhost" => {
            let trimmed = local.text().trim();
            if trimmed != local.text() {
                errors.invalid(&local, "must not be padded with whitespace");
            } else if trimmed.is_empty() {
                errors.required(&local, MISSING);
            }
            if local.len() > PROFILE_BYTES {
                errors.too_long(&local, PROFILE_BYTES);
            }
        }
        "RuntimeDefault" | "Unconfined" => {
            if local.is_set() {
                errors.invalid(&local, "can only be set when AppArmor type is Localhost");
            }
        }
        _ => errors.not_supported(&kind, TYPES),
    }
}

/// A profile of seccomp as an annotation has it.
pub(super) fn validate_seccomp_annotation(at: &Located<'_, '_>, profile: &str, errors: &mut Errors) {
    match profile {
        "runtime/default" | "docker/default" | "unconfined" => {}
        other => match other.strip_prefix("localhost/") {
            Some(path) => validate_descending(at, path, errors),
            None => errors.invalid_value(at, profile, "must be a valid seccomp profile"),
        },
    }
}

/// What an annotation says has to be what the field says.
pub(super) fn validate_same_seccomp(annotation: &str, profile: &Located<'_, '_>, errors: &mut Errors) {
    let (kind, local) = (profile.member("type"), profile.member("localhostProfile"));
    let path = annotation.strip_prefix("localhost/");
    let is_same = match kind.text() {
        "Unconfined" => annotation == "unconfined",
        "RuntimeDefault" => matches!(annotation, "runtime/default" | "docker/default"),
        "Localhost" => path.is_some(),
        _ => true,
    };
    if !is_same {
        errors.forbidden(&kind, "seccomp type in annotation and field must match");
    } else if kind.text() == "Localhost" && (!local.is_set() || path != Some(local.text())) {
        errors.forbidden(&local, "seccomp profile in annotation and field must match");
    }
}

/// The same for AppArmor; `shown` is where the container's profile would stand, which may come from the pod.
pub(super) fn validate_same_app_armor(
    annotation: &str,
    profile: &Located<'_, '_>,
    shown: &Located<'_, '_>,
    errors: &mut Errors,
) {
    let (kind, local) = (profile.member("type"), profile.member("localhostProfile"));
    let path = annotation.strip_prefix("localhost/");
    let is_same = match kind.text() {
        "Unconfined" => annotation == "unconfined",
        "RuntimeDefault" => annotation == "runtime/default",
        "Localhost" => path.is_some(),
        _ => true,
    };
    if !is_same {
        errors.forbidden(&shown.member("type"), "apparmor type in annotation and field must match");
    } else if kind.text() == "Localhost" && (!local.is_set() || path != Some(local.text())) {
        let detail = "apparmor profile in annotation and field must match";
        errors.forbidden(&shown.member("localhostProfile"), detail);
    }
}
