//! How the kernel confines a pod: AppArmor, SELinux, seccomp, sysctls, what of /proc is masked.
//! k8s: staging/src/k8s.io/pod-security-admission/policy/check_appArmorProfile.go, check_seLinuxOptions.go,
//! check_seccompProfile_baseline.go, check_seccompProfile_restricted.go, check_sysctls.go, check_procMount_baseline.go

use super::checks::Forbidden;
use super::pod_view::{NamedSet, PodView, containers, items, name, quoted_list, set, setters, word};
use crate::value::{Value, quoted};
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

const APP_ARMOR_ANNOTATION: &str = "container.apparmor.security.beta.kubernetes.io/";

pub(super) fn app_armor_profile(pod: &PodView<'_>) -> Option<Forbidden> {
    let Profiles { mut who, types } =
        Profiles::unlike(pod, "appArmorProfile", &["RuntimeDefault", "Localhost"]);
    let mut values: Vec<String> = types.into_iter().map(String::from).collect();
    let is_allowed = |profile: &str| {
        profile.is_empty() || profile == "runtime/default" || profile.starts_with("localhost/")
    };
    let annotations = pod.annotations().into_iter().flat_map(|annotations| annotations.iter());
    let annotations = annotations.filter(|(key, _)| key.starts_with(APP_ARMOR_ANNOTATION));
    let annotations = annotations.filter_map(|(key, value)| Some((key, value.as_str()?)));
    let forbidden: BTreeSet<String> = annotations
        .filter(|(_, profile)| !is_allowed(profile))
        .map(|(key, profile)| format!("{key}={}", quoted(profile)))
        .collect();
    if !forbidden.is_empty() {
        who.push(word("annotation", "annotations", forbidden.len()).into());
        values.extend(forbidden);
    }
    let reason = word("forbidden AppArmor profile", "forbidden AppArmor profiles", values.len());
    let detail =
        format!("{} must not set AppArmor profile type to {}", who.join(" and "), quoted_list(&values));
    (!who.is_empty()).then_some(Forbidden { reason, detail })
}

/// Profiles of a type that is not allowed.
struct Profiles<'a> {
    who: Vec<String>,
    types: NamedSet<'a>,
}

impl<'a> Profiles<'a> {
    /// Those of the pod and of its containers that are set and of none of these types.
    fn unlike(pod: &PodView<'a>, field: &str, allowed: &[&str]) -> Self {
        let path = ["securityContext", field];
        let bad = |profile: Option<&'a Value>| {
            profile.map(|profile| profile.text_at(&["type"])).filter(|held| !allowed.contains(held))
        };
        let of_pod = bad(pod.spec(&path));
        let of_containers = pod.containers().filter_map(|one| Some((name(one), bad(set(one, &path))?)));
        let (names, types): (Vec<&str>, Vec<&str>) = of_containers.unzip();
        Self { who: setters(of_pod.is_some(), &names), types: of_pod.into_iter().chain(types).collect() }
    }
}

const SE_LINUX_TYPES: &[&str] = &["", "container_t", "container_init_t", "container_kvm_t"];
const SE_LINUX_TYPES_1_31: &[&str] =
    &["", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"];

pub(super) fn se_linux_1_0(pod: &PodView<'_>) -> Option<Forbidden> {
    se_linux_options(pod, SE_LINUX_TYPES)
}

pub(super) fn se_linux_1_31(pod: &PodView<'_>) -> Option<Forbidden> {
    se_linux_options(pod, SE_LINUX_TYPES_1_31)
}

fn se_linux_options(pod: &PodView<'_>, allowed: &[&str]) -> Option<Forbidden> {
    const PATH: &[&str] = &["securityContext", "seLinuxOptions"];
    let bad_type = |options: &Value| !allowed.contains(&options.text_at(&["type"]));
    let has = |options: &Value, field: &str| !options.text_at(&[field]).is_empty();
    let is_bad = |options: &Value| bad_type(options) || has(options, "user") || has(options, "role");
    let of_pod = pod.spec(PATH);
    let names = pod.names_of(|container| set(container, PATH).is_some_and(is_bad));
    let who = setters(of_pod.is_some_and(is_bad), &names);
    if who.is_empty() {
        return None;
    }
    let all: Vec<&Value> =
        of_pod.into_iter().chain(pod.containers().filter_map(|container| set(container, PATH))).collect();
    let types = all.iter().filter(|options| bad_type(options)).map(|options| options.text_at(&["type"]));
    let types: NamedSet<'_> = types.collect();
    let mut data = Vec::new();
    if !types.is_empty() {
        data.push(format!("{} {}", word("type", "types", types.len()), quoted_list(&types)));
    }
    for field in ["user", "role"] {
        if all.iter().any(|options| has(options, field)) {
            data.push(format!("{field} may not be set"));
        }
    }
    let (who, data) = (who.join(" and "), data.join("; "));
    let detail = format!("{who} set forbidden securityContext.seLinuxOptions: {data}");
    Some(Forbidden { reason: "seLinuxOptions", detail })
}

const SECCOMP_OF_POD: &str = "seccomp.security.alpha.kubernetes.io/pod";
const SECCOMP_OF_CONTAINER: &str = "container.seccomp.security.alpha.kubernetes.io/";

/// Before 1.19 profiles were annotations.
pub(super) fn seccomp_annotations(pod: &PodView<'_>) -> Option<Forbidden> {
    let is_allowed = |profile: &str| {
        ["runtime/default", "docker/default"].contains(&profile) || profile.starts_with("localhost/")
    };
    let of_containers =
        pod.containers().map(|container| format!("{SECCOMP_OF_CONTAINER}{}", name(container)));
    let keys = [String::from(SECCOMP_OF_POD)].into_iter().chain(of_containers);
    let forbidden: BTreeSet<String> = keys
        .filter_map(|key| {
            let profile = pod.annotations()?.get(&key)?.as_str()?;
            (!is_allowed(profile)).then(|| format!("{key}={}", quoted(profile)))
        })
        .collect();
    let annotations = word("annotation", "annotations", forbidden.len());
    let found: Vec<String> = forbidden.into_iter().collect();
    let detail = format!("forbidden {annotations} {}", found.join(", "));
    (!found.is_empty()).then_some(Forbidden { reason: "seccompProfile", detail })
}

pub(super) fn seccomp_baseline(pod: &PodView<'_>) -> Option<Forbidden> {
    let Profiles { who, types } = Profiles::unlike(pod, "seccompProfile", SECCOMP_TYPES);
    let (who, types) = (who.join(" and "), quoted_list(&types));
    let detail = format!("{who} must not set securityContext.seccompProfile.type to {types}");
    (!who.is_empty()).then_some(Forbidden { reason: "seccompProfile", detail })
}

const SECCOMP_TYPES: &[&str] = &["RuntimeDefault", "Localhost"];

/// Since 1.25 a pod of Windows needs no profile, since it cannot have one.
pub(super) fn seccomp_restricted_but_windows(pod: &PodView<'_>) -> Option<Forbidden> {
    if pod.is_windows() { None } else { seccomp_restricted(pod) }
}

pub(super) fn seccomp_restricted(pod: &PodView<'_>) -> Option<Forbidden> {
    const PATH: &[&str] = &["securityContext", "seccompProfile"];
    if let Some(explicit) = seccomp_baseline(pod) {
        return Some(explicit);
    }
    let implicit = pod.names_of(|container| set(container, PATH).is_none());
    if implicit.is_empty() || pod.spec(PATH).is_some() {
        return None;
    }
    let who = containers(&implicit);
    let detail = format!(
        "pod or {who} must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\""
    );
    Some(Forbidden { reason: "seccompProfile", detail })
}

/// The sysctls that concern nobody but the pod, each with the minor version since which it is known to be so.
const SYSCTLS: &[(i64, &str)] = &[
    (0, "kernel.shm_rmid_forced"),
    (0, "net.ipv4.ip_local_port_range"),
    (0, "net.ipv4.tcp_syncookies"),
    (0, "net.ipv4.ping_group_range"),
    (0, "net.ipv4.ip_unprivileged_port_start"),
    (27, "net.ipv4.ip_local_reserved_ports"),
    (29, "net.ipv4.tcp_keepalive_time"),
    (29, "net.ipv4.tcp_fin_timeout"),
    (29, "net.ipv4.tcp_keepalive_intvl"),
    (29, "net.ipv4.tcp_keepalive_probes"),
    (32, "net.ipv4.tcp_rmem"),
    (32, "net.ipv4.tcp_wmem"),
];

pub(super) fn sysctls_1_0(pod: &PodView<'_>) -> Option<Forbidden> {
    sysctls(pod, 0)
}

pub(super) fn sysctls_1_27(pod: &PodView<'_>) -> Option<Forbidden> {
    sysctls(pod, 27)
}

pub(super) fn sysctls_1_29(pod: &PodView<'_>) -> Option<Forbidden> {
    sysctls(pod, 29)
}

pub(super) fn sysctls_1_32(pod: &PodView<'_>) -> Option<Forbidden> {
    sysctls(pod, 32)
}

fn sysctls(pod: &PodView<'_>, minor: i64) -> Option<Forbidden> {
    let is_safe = |sysctl: &&str| SYSCTLS.iter().any(|(since, safe)| *since <= minor && safe == sysctl);
    let all = items(pod.spec(&["securityContext", "sysctls"])).iter().map(name);
    let unsafe_ones: Vec<&str> = all.filter(|sysctl| !is_safe(sysctl)).collect();
    let detail = unsafe_ones.join(", ");
    (!unsafe_ones.is_empty()).then_some(Forbidden { reason: "forbidden sysctls", detail })
}

/// Since 1.35 a pod whose users are not those of its host may see all of /proc at the baseline level.
pub(super) fn proc_mount_without_user_namespace(pod: &PodView<'_>) -> Option<Forbidden> {
    if pod.has_own_users() { None } else { proc_mount(pod) }
}

pub(super) fn proc_mount(pod: &PodView<'_>) -> Option<Forbidden> {
    let mount = |one| set(one, &["securityContext", "procMount"]).and_then(Value::as_str);
    let found = pod.containers().filter_map(|one| Some((name(one), mount(one)?)));
    let (bad, types): (Vec<&str>, NamedSet<'_>) = found.filter(|(_, held)| *held != "Default").unzip();
    let (who, types) = (containers(&bad), quoted_list(&types));
    let detail = format!("{who} must not set securityContext.procMount to {types}");
    (!bad.is_empty()).then_some(Forbidden { reason: "procMount", detail })
}
