//! As which users the containers of a pod may run.
//! k8s: staging/src/k8s.io/pod-security-admission/policy/check_runAsNonRoot.go, check_runAsUser.go

use super::checks::Forbidden;
use super::pod_view::{PodView, containers, set, setters};
use crate::value::Value;
use alloc::format;
use alloc::string::String;

/// Since 1.35 a pod whose users are not those of its host may run as any.
pub(super) fn run_as_non_root_on_host(pod: &PodView<'_>) -> Option<Forbidden> {
    if pod.has_own_users() { None } else { run_as_non_root(pod) }
}

pub(super) fn run_as_non_root(pod: &PodView<'_>) -> Option<Forbidden> {
    let says = |of: &Value| set(of, &["securityContext", "runAsNonRoot"]).and_then(Value::as_bool);
    let of_pod = pod.spec(&["securityContext", "runAsNonRoot"]).and_then(Value::as_bool);
    let violation = |detail: String| Some(Forbidden { reason: "runAsNonRoot != true", detail });
    let explicit = setters(of_pod == Some(false), &pod.names_of(|container| says(container) == Some(false)));
    if !explicit.is_empty() {
        let who = explicit.join(" and ");
        return violation(format!("{who} must not set securityContext.runAsNonRoot=false"));
    }
    let implicit = pod.names_of(|container| says(container).is_none());
    if implicit.is_empty() || of_pod == Some(true) {
        return None;
    }
    let who = containers(&implicit);
    violation(format!("pod or {who} must set securityContext.runAsNonRoot=true"))
}

/// Since 1.35 a pod whose users are not those of its host may run as any.
pub(super) fn run_as_user_on_host(pod: &PodView<'_>) -> Option<Forbidden> {
    if pod.has_own_users() { None } else { run_as_user(pod) }
}

pub(super) fn run_as_user(pod: &PodView<'_>) -> Option<Forbidden> {
    let is_root = |user: Option<&Value>| user.and_then(Value::as_int) == Some(0);
    let of_pod = is_root(pod.spec(&["securityContext", "runAsUser"]));
    let bad = pod.names_of(|container| is_root(set(container, &["securityContext", "runAsUser"])));
    let who = setters(of_pod, &bad);
    let detail = format!("{} must not set runAsUser=0", who.join(" and "));
    (!who.is_empty()).then_some(Forbidden { reason: "runAsUser=0", detail })
}
