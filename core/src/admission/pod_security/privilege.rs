//! How far containers may raise themselves above others: privileged ones, their escalation, their capabilities.
//! k8s: staging/src/k8s.io/pod-security-admission/policy/check_privileged.go, check_allowPrivilegeEscalation.go,
//! check_capabilities_baseline.go, check_capabilities_restricted.go

use super::checks::Forbidden;
use super::pod_view::{NamedSet, PodView, containers, items, name, quoted_list, set};
use crate::value::Value;
use alloc::format;
use alloc::vec::Vec;

pub(super) fn privileged(pod: &PodView<'_>) -> Option<Forbidden> {
    let is = |container: &Value| set(container, &["securityContext", "privileged"]).and_then(Value::as_bool);
    let bad = pod.names_of(|container| is(container) == Some(true));
    let detail = format!("{} must not set securityContext.privileged=true", containers(&bad));
    (!bad.is_empty()).then_some(Forbidden { reason: "privileged", detail })
}

/// Since 1.25 a pod of Windows need not say it, since it cannot.
pub(super) fn escalation_but_windows(pod: &PodView<'_>) -> Option<Forbidden> {
    if pod.is_windows() { None } else { escalation(pod) }
}

pub(super) fn escalation(pod: &PodView<'_>) -> Option<Forbidden> {
    let allows = ["securityContext", "allowPrivilegeEscalation"];
    let bad = pod.names_of(|container| set(container, &allows).and_then(Value::as_bool) != Some(false));
    let detail = format!("{} must set securityContext.allowPrivilegeEscalation=false", containers(&bad));
    (!bad.is_empty()).then_some(Forbidden { reason: "allowPrivilegeEscalation != false", detail })
}

/// The capabilities that containers have unless they drop them.
const DEFAULT: &[&str] = &[
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

pub(super) fn capabilities_baseline(pod: &PodView<'_>) -> Option<Forbidden> {
    let (bad, capabilities) = adding(pod, DEFAULT);
    let (who, capabilities) = (containers(&bad), quoted_list(&capabilities));
    let detail = format!("{who} must not include {capabilities} in securityContext.capabilities.add");
    (!bad.is_empty()).then_some(Forbidden { reason: "non-default capabilities", detail })
}

/// Since 1.25 a pod of Windows need not drop any, since it cannot.
pub(super) fn capabilities_restricted_but_windows(pod: &PodView<'_>) -> Option<Forbidden> {
    if pod.is_windows() { None } else { capabilities_restricted(pod) }
}

pub(super) fn capabilities_restricted(pod: &PodView<'_>) -> Option<Forbidden> {
    let keeping = pod.names_of(|container| {
        let dropped = items(set(container, &["securityContext", "capabilities", "drop"]));
        !dropped.iter().any(|held| held.as_str() == Some("ALL"))
    });
    let (bad, capabilities) = adding(pod, &["NET_BIND_SERVICE"]);
    let mut details = Vec::new();
    if !keeping.is_empty() {
        details
            .push(format!("{} must set securityContext.capabilities.drop=[\"ALL\"]", containers(&keeping)));
    }
    if !bad.is_empty() {
        let (who, capabilities) = (containers(&bad), quoted_list(&capabilities));
        details.push(format!("{who} must not include {capabilities} in securityContext.capabilities.add"));
    }
    let detail = details.join("; ");
    (!details.is_empty()).then_some(Forbidden { reason: "unrestricted capabilities", detail })
}

/// The containers that add other capabilities than these, and what they add.
fn adding<'a>(pod: &PodView<'a>, allowed: &[&str]) -> (Vec<&'a str>, NamedSet<'a>) {
    let (mut bad, mut capabilities) = (Vec::new(), NamedSet::new());
    for container in pod.containers() {
        let added = items(set(container, &["securityContext", "capabilities", "add"]));
        let mut forbidden =
            added.iter().filter_map(Value::as_str).filter(|held| !allowed.contains(held)).peekable();
        if forbidden.peek().is_some() {
            bad.push(name(container));
            capabilities.extend(forbidden);
        }
    }
    (bad, capabilities)
}
