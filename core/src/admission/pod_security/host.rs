//! What of its host a pod may use: namespaces, ports, addresses of probes, processes.
//! k8s: staging/src/k8s.io/pod-security-admission/policy/check_hostNamespaces.go, check_hostPorts.go,
//! check_hostProbesAndhostLifecycle.go, check_windowsHostProcess.go

use super::checks::Forbidden;
use super::pod_view::{NamedSet, PodView, containers, items, name, quoted_list, set, setters, word};
use crate::value::Value;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

pub(super) fn namespaces(pod: &PodView<'_>) -> Option<Forbidden> {
    let shares = |field: &&str| pod.spec(&[field]).and_then(Value::as_bool) == Some(true);
    let shared = ["hostNetwork", "hostPID", "hostIPC"].into_iter().filter(shares);
    let shared: Vec<String> = shared.map(|field| format!("{field}=true")).collect();
    let detail = shared.join(", ");
    (!shared.is_empty()).then_some(Forbidden { reason: "host namespaces", detail })
}

pub(super) fn ports(pod: &PodView<'_>) -> Option<Forbidden> {
    let (mut bad, mut ports) = (Vec::new(), BTreeSet::new());
    for container in pod.containers() {
        let numbers =
            items(set(container, &["ports"])).iter().filter_map(|port| port.field("hostPort")?.as_int());
        let mut numbers = numbers.filter(|number| *number != 0).peekable();
        if numbers.peek().is_some() {
            bad.push(name(container));
            // They are ordered as texts.
            ports.extend(numbers.map(|number| number.to_string()));
        }
    }
    let count = ports.len();
    let ports: Vec<String> = ports.into_iter().collect();
    let detail = format!(
        "{} {} {} {}",
        containers(&bad),
        word("uses", "use", bad.len()),
        word("hostPort", "hostPorts", count),
        ports.join(", ")
    );
    (!bad.is_empty()).then_some(Forbidden { reason: "hostPort", detail })
}

/// Where a container can name a host that its kubelet connects to.
const HOSTS: &[&[&str]] = &[
    &["livenessProbe", "httpGet", "host"],
    &["livenessProbe", "tcpSocket", "host"],
    &["readinessProbe", "httpGet", "host"],
    &["readinessProbe", "tcpSocket", "host"],
    &["startupProbe", "httpGet", "host"],
    &["startupProbe", "tcpSocket", "host"],
    &["lifecycle", "postStart", "httpGet", "host"],
    &["lifecycle", "postStart", "tcpSocket", "host"],
    &["lifecycle", "preStop", "httpGet", "host"],
    &["lifecycle", "preStop", "tcpSocket", "host"],
];

pub(super) fn probes_and_lifecycle(pod: &PodView<'_>) -> Option<Forbidden> {
    let (mut bad, mut hosts) = (NamedSet::new(), NamedSet::new());
    for container in pod.containers() {
        for host in HOSTS.iter().map(|path| container.text_at(path)).filter(|host| !host.is_empty()) {
            bad.insert(name(container));
            hosts.insert(host);
        }
    }
    let bad: Vec<&str> = bad.into_iter().collect();
    let detail = format!(
        "{} {} {} {}",
        containers(&bad),
        word("uses", "use", bad.len()),
        word("probe or lifecycle host", "probe or lifecycle hosts", hosts.len()),
        quoted_list(&hosts)
    );
    (!bad.is_empty()).then_some(Forbidden { reason: "probe or lifecycle host", detail })
}

pub(super) fn windows_process(pod: &PodView<'_>) -> Option<Forbidden> {
    const PATH: &[&str] = &["securityContext", "windowsOptions", "hostProcess"];
    let is = |held: Option<&Value>| held.and_then(Value::as_bool) == Some(true);
    let who = setters(is(pod.spec(PATH)), &pod.names_of(|container| is(set(container, PATH))));
    let detail =
        format!("{} must not set securityContext.windowsOptions.hostProcess=true", who.join(" and "));
    (!who.is_empty()).then_some(Forbidden { reason: "hostProcess", detail })
}
