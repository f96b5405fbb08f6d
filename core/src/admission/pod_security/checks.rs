//! The controls: which of them a level and a version have, in which order, and what they say together.
//! k8s: staging/src/k8s.io/pod-security-admission/policy/registry.go, checks.go

use super::pod_view::PodView;
use super::{host, kernel, privilege, users, volumes};
use crate::config::{LevelVersion, SecurityLevel, SecurityVersion};
use alloc::string::String;
use alloc::vec::Vec;

/// Why a control forbids a pod.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Forbidden {
    /// What is said of many pods at once.
    pub(super) reason: &'static str,
    /// What in this pod is forbidden.
    pub(super) detail: String,
}

/// None if the control allows the pod.
pub(super) type Control = fn(&PodView<'_>) -> Option<Forbidden>;

/// A control and how it changed.
struct Check {
    id: &'static str,
    /// The least strict level that has it.
    level: SecurityLevel,
    /// Each with the minor version since which it holds, from the oldest on. Before the first there is no control.
    versions: &'static [(i64, Control)],
    /// The control of the baseline level that it takes the place of.
    overrides: &'static str,
}

const fn baseline(id: &'static str, versions: &'static [(i64, Control)]) -> Check {
    Check { id, level: SecurityLevel::Baseline, versions, overrides: "" }
}

const fn restricted(id: &'static str, versions: &'static [(i64, Control)], overrides: &'static str) -> Check {
    Check { id, level: SecurityLevel::Restricted, versions, overrides }
}

/// All controls, those of the baseline level first, in the order of their ids, in which messages name them.
const CHECKS: &[Check] = &[
    baseline("appArmorProfile", &[(0, kernel::app_armor_profile)]),
    baseline("capabilities_baseline", &[(0, privilege::capabilities_baseline)]),
    baseline("hostNamespaces", &[(0, host::namespaces)]),
    baseline("hostPathVolumes", &[(0, volumes::host_path)]),
    baseline("hostPorts", &[(0, host::ports)]),
    baseline("hostProbesAndHostLifecycle", &[(34, host::probes_and_lifecycle)]),
    baseline("privileged", &[(0, privilege::privileged)]),
    baseline("procMount", &[(0, kernel::proc_mount), (35, kernel::proc_mount_without_user_namespace)]),
    baseline("seLinuxOptions", &[(0, kernel::se_linux_1_0), (31, kernel::se_linux_1_31)]),
    baseline("seccompProfile_baseline", &[(0, kernel::seccomp_annotations), (19, kernel::seccomp_baseline)]),
    baseline(
        "sysctls",
        &[
            (0, kernel::sysctls_1_0),
            (27, kernel::sysctls_1_27),
            (29, kernel::sysctls_1_29),
            (32, kernel::sysctls_1_32),
        ],
    ),
    baseline("windowsHostProcess", &[(0, host::windows_process)]),
    restricted(
        "allowPrivilegeEscalation",
        &[(8, privilege::escalation), (25, privilege::escalation_but_windows)],
        "",
    ),
    restricted(
        "capabilities_restricted",
        &[(22, privilege::capabilities_restricted), (25, privilege::capabilities_restricted_but_windows)],
        "capabilities_baseline",
    ),
    restricted("procMount_restricted", &[(35, kernel::proc_mount)], "procMount"),
    restricted("restrictedVolumes", &[(0, volumes::restricted)], "hostPathVolumes"),
    restricted("runAsNonRoot", &[(0, users::run_as_non_root), (35, users::run_as_non_root_on_host)], ""),
    restricted("runAsUser", &[(23, users::run_as_user), (35, users::run_as_user_on_host)], ""),
    restricted(
        "seccompProfile_restricted",
        &[(19, kernel::seccomp_restricted), (25, kernel::seccomp_restricted_but_windows)],
        "seccompProfile_baseline",
    ),
];

impl Check {
    /// The control as a version has it.
    fn at(&self, version: SecurityVersion) -> Option<Control> {
        let holds = |since: i64| SecurityVersion::Minor(since) <= version;
        self.versions.iter().rev().find(|(since, _)| holds(*since)).map(|(_, control)| *control)
    }
}

/// Why a pod violates a level and version; nothing if it does not.
pub(super) fn violations(held_to: LevelVersion, pod: &PodView<'_>) -> Violations {
    let LevelVersion { level, version } = held_to;
    let applies = |check: &&Check| check.level <= level;
    let is_overridden = |id: &str| {
        CHECKS.iter().filter(applies).any(|other| other.overrides == id && other.at(version).is_some())
    };
    let controls = CHECKS.iter().filter(applies).filter(|check| !is_overridden(check.id));
    Violations(controls.filter_map(|check| check.at(version)?(pod)).collect())
}

/// What is forbidden in a pod, in the order of the controls.
#[derive(Debug)]
pub(super) struct Violations(Vec<Forbidden>);

impl Violations {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is said of many pods at once.
    pub(super) fn reasons(&self) -> String {
        let reasons: Vec<&str> = self.0.iter().map(|violation| violation.reason).collect();
        reasons.join(", ")
    }

    /// What is said of this pod.
    pub(super) fn details(&self) -> String {
        let mut text = String::new();
        for Forbidden { reason, detail } in &self.0 {
            let comma = if text.is_empty() { "" } else { ", " };
            text.extend([comma, reason, " (", detail, ")"]);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_name_controls_in_the_order_of_their_ids() {
        let order = |check: &Check| (check.level, check.id);
        assert!(CHECKS.is_sorted_by(|one, other| order(one) < order(other)));
        for check in CHECKS {
            assert!(check.versions.is_sorted_by(|one, other| one.0 < other.0), "{}", check.id);
            let known = |id: &str| CHECKS.iter().any(|other| other.id == id && other.level < check.level);
            assert!(check.overrides.is_empty() || known(check.overrides), "{}", check.id);
        }
    }
}
