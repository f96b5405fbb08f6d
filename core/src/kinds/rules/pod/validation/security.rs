//! The security of pods and their containers: users, groups, privileges, namespaces of the host.

use super::container::Surroundings;
use super::context::{PodContext, each_container};
use super::words::{validate_id, validate_optional_choice};
use super::{profiles, sysctls, windows};
use crate::kinds::validation::{Errors, Located, internal_json};

const PROC_MOUNTS: &[&str] = &["Default", "Unmasked"];
const GROUP_CHANGES: &[&str] = &["Always", "OnRootMismatch"];
const GROUPS: &[&str] = &["Merge", "Strict"];
const LABEL_CHANGES: &[&str] = &["MountOption", "Recursive"];

/// The SecurityContext of a container.
pub(super) fn validate_container(
    security: &Located<'_, '_>,
    around: &Surroundings<'_, '_>,
    errors: &mut Errors,
) {
    if !security.is_set() {
        return;
    }
    let privileged = security.member("privileged");
    if privileged.bool() && around.context.forbids_privileges {
        errors.forbidden(&privileged, "disallowed by cluster policy");
    }
    validate_id(&security.member("runAsUser"), errors);
    validate_id(&security.member("runAsGroup"), errors);
    let mount = security.member("procMount");
    validate_optional_choice(&mount, PROC_MOUNTS, errors);
    if mount.text() == "Unmasked" && around.spec.member("hostUsers").bool_if_set() != Some(false) {
        errors.invalid(&mount, "`hostUsers` must be false to use `Unmasked`");
    }
    profiles::validate_seccomp(&security.member("seccompProfile"), errors);
    validate_escalation(security, errors);
    windows::validate_options(&security.member("windowsOptions"), errors);
    profiles::validate_app_armor(&security.member("appArmorProfile"), errors);
}

/// Who has all privileges can get more.
fn validate_escalation(security: &Located<'_, '_>, errors: &mut Errors) {
    if security.member("allowPrivilegeEscalation").bool_if_set() != Some(false) {
        return;
    }
    let mut say = |detail: &str| {
        let shown = internal_json("SecurityContext", security.value());
        errors.invalid_shown(security, &shown, detail);
    };
    if security.member("privileged").bool() {
        say("cannot set `allowPrivilegeEscalation` to false and `privileged` to true");
    }
    let added = security.at(&["capabilities", "add"]);
    for _ in added.items().filter(|capability| capability.text() == "CAP_SYS_ADMIN") {
        say("cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN");
    }
}

/// The security of a pod, some of whose settings stand beside its PodSecurityContext.
pub(super) fn validate_pod(spec: &Located<'_, '_>, context: &PodContext<'_>, errors: &mut Errors) {
    let security = spec.member("securityContext");
    for id in ["fsGroup", "runAsUser", "runAsGroup"] {
        validate_id(&security.member(id), errors);
    }
    let groups = security.member("supplementalGroups");
    for group in groups.items() {
        validate_id(&group, errors);
    }
    let shared = spec.member("shareProcessNamespace");
    if shared.bool() && spec.member("hostPID").bool() {
        let shown = security.member("shareProcessNamespace");
        errors.invalid_value(&shown, true, "ShareProcessNamespace and HostPID cannot both be enabled");
    }
    sysctls::validate_sysctls(spec, context.lets_sysctls_of_host, errors);
    validate_optional_choice(&security.member("fsGroupChangePolicy"), GROUP_CHANGES, errors);
    profiles::validate_seccomp(&security.member("seccompProfile"), errors);
    windows::validate_options(&security.member("windowsOptions"), errors);
    profiles::validate_app_armor(&security.member("appArmorProfile"), errors);
    validate_optional_choice(&security.member("supplementalGroupsPolicy"), GROUPS, errors);
    // Without the gate SELinuxMount a new pod can only have the policy that was there before policies.
    let changes = if context.lets_mount_option { LABEL_CHANGES } else { &["Recursive"] };
    validate_optional_choice(&security.member("seLinuxChangePolicy"), changes, errors);
}

/// Users of its own do not go together with namespaces of the host.
pub(super) fn validate_host_users(spec: &Located<'_, '_>, context: &PodContext<'_>, errors: &mut Errors) {
    const DETAIL: &str = "when `hostUsers` is false";
    if spec.member("hostUsers").bool_if_set() != Some(false) {
        return;
    }
    let network = spec.member("hostNetwork");
    if network.bool() && !context.lets_host_network_of_users {
        errors.forbidden(&network, DETAIL);
    }
    for (field, shown) in [("hostPID", "HostPID"), ("hostIPC", "HostIPC")] {
        let field = spec.member(field);
        if field.bool() {
            errors.forbidden(&field.shown_as(shown), DETAIL);
        }
    }
    if context.lets_devices_of_users {
        return;
    }
    each_container(spec, &mut |container| {
        let devices = container.member("volumeDevices");
        if !devices.is_empty() {
            errors.forbidden(&devices, DETAIL);
        }
    });
}
