//! What each control says of pods, by version.

use super::checks;
use super::pod_view::PodView;
use crate::codec::json;
use crate::config::LevelVersion;
use alloc::format;
use alloc::string::String;

/// A pod that keeps all controls, without what a case says itself.
const KEEPS: &str = r#""capabilities":{"drop":["ALL"]},"allowPrivilegeEscalation":false"#;
const POD_KEEPS: &str = r#""runAsNonRoot":true,"seccompProfile":{"type":"RuntimeDefault"}"#;

/// The level and version, the pod, and what is said of it.
type Case<'a> = (&'a str, String, &'a str);

fn check(cases: &[Case<'_>]) {
    for (held_to, pod, expected) in cases {
        let pod = json::parse(pod.as_bytes()).expect(pod).value;
        let held_to = LevelVersion::parse(held_to).expect(held_to);
        assert_eq!(checks::violations(held_to, &PodView(&pod)).details(), *expected, "{held_to} {pod:?}");
    }
}

/// A pod with a container `a` that has these members, and with these of its own.
fn pod(container: &str, spec: &str) -> String {
    format!(r#"{{"spec":{{"containers":[{{"name":"a"{container}}}]{spec}}}}}"#)
}

/// A pod whose two containers, and which itself, have security contexts.
fn secured(of_containers: &str, of_pod: &str) -> String {
    let container = |name: &str| format!(r#"{{"name":"{name}","securityContext":{{{of_containers}}}}}"#);
    let (a, b) = (container("a"), container("b"));
    format!(r#"{{"spec":{{"initContainers":[{b}],"containers":[{a}],"securityContext":{{{of_pod}}}}}}}"#)
}

#[test]
fn what_a_pod_shares_with_its_host() {
    let host_ports = r#","ports":[{"hostPort":9},{"hostPort":10},{"hostPort":0},{}]"#;
    let probe = r#","livenessProbe":{"httpGet":{"host":"x"},"tcpSocket":{"host":""}},
        "lifecycle":{"preStop":{"tcpSocket":{"host":"y"}}}"#;
    let windows = r#""windowsOptions":{"hostProcess":true}"#;
    check(&[
        (
            "baseline:v1.0",
            pod("", r#","hostIPC":true,"hostNetwork":true,"hostPID":false"#),
            "host namespaces (hostNetwork=true, hostIPC=true)",
        ),
        ("baseline:latest", pod(host_ports, ""), r#"hostPort (container "a" uses hostPorts 10, 9)"#),
        ("baseline:v1.33", pod(probe, ""), ""),
        (
            "baseline:v1.34",
            pod(probe, ""),
            r#"probe or lifecycle host (container "a" uses probe or lifecycle hosts "x", "y")"#,
        ),
        (
            "baseline:v1.0",
            secured(windows, windows),
            "hostProcess (pod and containers \"b\", \"a\" must not set \
             securityContext.windowsOptions.hostProcess=true)",
        ),
        ("privileged:latest", secured(windows, windows), ""),
    ]);
}

#[test]
fn which_volumes_a_pod_may_have() {
    let with = |held: &str| {
        let volumes = format!("\"spec\":{{\"volumes\":[{held}],");
        secured(KEEPS, POD_KEEPS).replacen("\"spec\":{", &volumes, 1)
    };
    let host = r#"{"name":"v","hostPath":{"path":"/"}}"#;
    let nfs = r#"{"name":"w","nfs":{}}"#;
    let none = r#"{"name":"u","hostPath":null}"#;
    check(&[
        ("baseline:latest", with(host), r#"hostPath volumes (volume "v")"#),
        ("baseline:latest", with(nfs), ""),
        (
            "restricted:latest",
            with(host),
            r#"restricted volume types (volume "v" uses restricted volume type "hostPath")"#,
        ),
        (
            "restricted:v1.0",
            with(&format!("{nfs},{host},{none}")),
            "restricted volume types (volumes \"w\", \"v\", \"u\" use restricted volume types \
             \"hostPath\", \"nfs\", \"unknown\")",
        ),
        ("restricted:latest", with(r#"{"name":"v","image":{}},{"name":"w","csi":{}}"#), ""),
    ]);
}

#[test]
fn how_far_containers_raise_themselves() {
    let windows = r#","os":{"name":"windows"},"securityContext":{"runAsNonRoot":true}"#;
    check(&[
        (
            "baseline:v1.0",
            secured(r#""privileged":true"#, ""),
            r#"privileged (containers "b", "a" must not set securityContext.privileged=true)"#,
        ),
        (
            "baseline:latest",
            secured(r#""capabilities":{"add":["SYS_TIME","CHOWN","BPF"]}"#, ""),
            "non-default capabilities (containers \"b\", \"a\" must not include \"BPF\", \"SYS_TIME\" in \
             securityContext.capabilities.add)",
        ),
        (
            "restricted:latest",
            secured(
                r#""allowPrivilegeEscalation":false,"capabilities":{"add":["CHOWN"],"drop":["KILL"]}"#,
                POD_KEEPS,
            ),
            "unrestricted capabilities (containers \"b\", \"a\" must set \
             securityContext.capabilities.drop=[\"ALL\"]; containers \"b\", \"a\" must not include \"CHOWN\" \
             in securityContext.capabilities.add)",
        ),
        ("restricted:v1.21", secured(r#""allowPrivilegeEscalation":false"#, POD_KEEPS), ""),
        ("restricted:v1.7", secured("", POD_KEEPS), ""),
        (
            "restricted:v1.8",
            secured("", POD_KEEPS),
            "allowPrivilegeEscalation != false (containers \"b\", \"a\" must set \
             securityContext.allowPrivilegeEscalation=false)",
        ),
        ("restricted:v1.25", pod("", windows), ""),
        (
            "restricted:v1.24",
            pod("", windows),
            "allowPrivilegeEscalation != false (container \"a\" must set \
             securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container \"a\" must set \
             securityContext.capabilities.drop=[\"ALL\"]), seccompProfile (pod or container \"a\" must set \
             securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\")",
        ),
        ("restricted:latest", secured(KEEPS, POD_KEEPS), ""),
    ]);
}

#[test]
fn as_which_users_containers_run() {
    let with = |of_containers: &str, of_pod: &str| secured(&format!("{KEEPS}{of_containers}"), of_pod);
    let seccomp = r#""seccompProfile":{"type":"Localhost"}"#;
    let root = || with(r#","runAsUser":0"#, &format!(r#"{POD_KEEPS},"runAsUser":0"#));
    let own = |pod: String| pod.replacen("\"spec\":{", "\"spec\":{\"hostUsers\":false,", 1);
    let is_root = "runAsUser=0 (pod and containers \"b\", \"a\" must not set runAsUser=0)";
    let implicit = "runAsNonRoot != true (pod or containers \"b\", \"a\" must set \
                    securityContext.runAsNonRoot=true)";
    check(&[
        ("restricted:v1.22", root(), ""),
        ("restricted:v1.23", root(), is_root),
        ("restricted:v1.34", own(root()), is_root),
        ("restricted:v1.35", own(root()), ""),
        ("restricted:v1.0", with("", seccomp), implicit),
        ("restricted:v1.34", own(with("", seccomp)), implicit),
        ("restricted:v1.35", own(with("", seccomp)), ""),
        ("restricted:latest", with(r#","runAsNonRoot":true"#, seccomp), ""),
        (
            "restricted:latest",
            with(r#","runAsNonRoot":false"#, &format!(r#"{seccomp},"runAsNonRoot":false"#)),
            "runAsNonRoot != true (pod and containers \"b\", \"a\" must not set \
             securityContext.runAsNonRoot=false)",
        ),
    ]);
}

#[test]
fn how_the_kernel_confines_a_pod() {
    let unmasked = || secured(&format!(r#"{KEEPS},"procMount":"Unmasked""#), POD_KEEPS);
    let own = |pod: String| pod.replacen("\"spec\":{", "\"spec\":{\"hostUsers\":false,", 1);
    let proc_mount =
        "procMount (containers \"b\", \"a\" must not set securityContext.procMount to \"Unmasked\")";
    let sysctls = r#","securityContext":{"sysctls":[{"name":"net.ipv4.tcp_rmem"},{"name":"x"}]}"#;
    let engine = r#""seLinuxOptions":{"type":"container_engine_t"}"#;
    check(&[
        ("baseline:v1.34", own(unmasked()), proc_mount),
        ("baseline:v1.35", own(unmasked()), ""),
        ("baseline:v1.35", unmasked(), proc_mount),
        ("restricted:v1.35", own(unmasked()), proc_mount),
        ("baseline:v1.31", pod("", sysctls), "forbidden sysctls (net.ipv4.tcp_rmem, x)"),
        ("baseline:v1.32", pod("", sysctls), "forbidden sysctls (x)"),
        (
            "baseline:v1.30",
            secured(engine, r#""seLinuxOptions":{"user":"u","role":"r"}"#),
            "seLinuxOptions (pod and containers \"b\", \"a\" set forbidden securityContext.seLinuxOptions: \
             type \"container_engine_t\"; user may not be set; role may not be set)",
        ),
        ("baseline:v1.31", secured(engine, ""), ""),
        (
            "baseline:latest",
            secured("", r#""appArmorProfile":{"type":"Unconfined"}"#),
            "forbidden AppArmor profile (pod must not set AppArmor profile type to \"Unconfined\")",
        ),
    ]);
}

#[test]
fn seccomp_profiles_were_annotations_once() {
    let annotated = r#"{"metadata":{"annotations":{
        "seccomp.security.alpha.kubernetes.io/pod":"unconfined",
        "container.seccomp.security.alpha.kubernetes.io/a":"localhost/x",
        "container.seccomp.security.alpha.kubernetes.io/b":"unconfined",
        "container.apparmor.security.beta.kubernetes.io/b":"unconfined"}},
        "spec":{"containers":[{"name":"a"},{"name":"b"}]}}"#;
    let app_armor = "forbidden AppArmor profile (annotation must not set AppArmor profile type to \
                     \"container.apparmor.security.beta.kubernetes.io/b=\"unconfined\"\")";
    let seccomp = "seccompProfile (forbidden annotations \
                   container.seccomp.security.alpha.kubernetes.io/b=\"unconfined\", \
                   seccomp.security.alpha.kubernetes.io/pod=\"unconfined\")";
    let unconfined = r#""seccompProfile":{"type":"Unconfined"}"#;
    let explicit = "seccompProfile (pod and containers \"b\", \"a\" must not set \
                    securityContext.seccompProfile.type to \"Unconfined\")";
    check(&[
        ("baseline:v1.18", annotated.into(), &format!("{app_armor}, {seccomp}")),
        ("baseline:v1.19", annotated.into(), app_armor),
        ("baseline:v1.18", secured(unconfined, unconfined), ""),
        ("baseline:v1.19", secured(unconfined, unconfined), explicit),
        (
            "restricted:v1.19",
            secured(
                &format!(r#""allowPrivilegeEscalation":false,{unconfined}"#),
                &format!(r#""runAsNonRoot":true,{unconfined}"#),
            ),
            explicit,
        ),
    ]);
}
