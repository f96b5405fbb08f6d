//! /healthz, /livez and /readyz: named checks, together or one by one.
//! k8s: staging/src/k8s.io/apiserver/pkg/server/healthz/healthz.go

use crate::answer::{Body, HealthResults, Response};
use crate::config::{Controller, Controllers};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// The state that the checks look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Health<'a> {
    /// The reason why the store does not answer; None while it does.
    pub store: Option<&'a str>,
    /// The reason why the server cannot serve what the store held when it was first listed.
    pub storage: Option<&'a str>,
    /// Every cache has its first full list.
    pub caches: bool,
    /// The controllers whose objects exist.
    pub done: Controllers,
    /// The server has begun to shut down.
    pub stopping: bool,
}

/// What a check depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    /// It passes whenever the process answers.
    Alive,
    Store,
    Storage,
    Caches,
    /// What this controller keeps exists.
    Kept(Controller),
    NotStopping,
}

/// Which paths have a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum On {
    All,
    /// /healthz and /livez.
    Live,
    Ready,
    /// /readyz, but only while the check fails. kube-apiserver always lists it, and some distributions do not, so a
    /// healthy server's list fits clients of both.
    ReadyWhileFailing,
}

/// A path of health checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Probe {
    Healthz,
    Livez,
    Readyz,
}

impl Probe {
    const ALL: [Self; 3] = [Self::Healthz, Self::Livez, Self::Readyz];

    fn word(self) -> &'static str {
        match self {
            Self::Healthz => "healthz",
            Self::Livez => "livez",
            Self::Readyz => "readyz",
        }
    }

    fn checks(self, health: Health<'_>) -> impl Iterator<Item = &'static (&'static str, On, Condition)> {
        CHECKS.iter().filter(move |(_, on, condition)| match on {
            On::All => true,
            On::Live => self != Self::Readyz,
            On::Ready => self == Self::Readyz,
            On::ReadyWhileFailing => self == Self::Readyz && problem(health, *condition).is_some(),
        })
    }
}

/// Upstream's checks by name, in its order, and what each depends on here.
const CHECKS: &[(&str, On, Condition)] = &[
    ("ping", On::All, Condition::Alive),
    ("log", On::All, Condition::Alive),
    ("etcd", On::Live, Condition::Store),
    ("etcd", On::ReadyWhileFailing, Condition::Store),
    ("etcd-readiness", On::ReadyWhileFailing, Condition::Store),
    ("informer-sync", On::Ready, Condition::Caches),
    ("poststarthook/start-apiserver-admission-initializer", On::All, Condition::Alive),
    ("poststarthook/generic-apiserver-start-informers", On::All, Condition::Caches),
    (
        "poststarthook/priority-and-fairness-config-consumer",
        On::All,
        Condition::Kept(Controller::FlowSchemaStatus),
    ),
    ("poststarthook/priority-and-fairness-filter", On::All, Condition::Alive),
    ("poststarthook/storage-object-count-tracker-hook", On::All, Condition::Alive),
    ("poststarthook/start-apiextensions-informers", On::All, Condition::Caches),
    ("poststarthook/start-apiextensions-controllers", On::All, Condition::Alive),
    ("poststarthook/crd-informer-synced", On::All, Condition::Caches),
    ("poststarthook/start-system-namespaces-controller", On::All, Condition::Kept(Controller::Namespaces)),
    ("poststarthook/peer-endpoint-reconciler-controller", On::All, Condition::Alive),
    (
        "poststarthook/start-cluster-authentication-info-controller",
        On::All,
        Condition::Kept(Controller::TrustedClients),
    ),
    (
        "poststarthook/start-kube-apiserver-identity-lease-controller",
        On::All,
        Condition::Kept(Controller::IdentityLease),
    ),
    (
        "poststarthook/start-kube-apiserver-identity-lease-garbage-collector",
        On::All,
        Condition::Kept(Controller::IdentityCollector),
    ),
    ("poststarthook/storage-readiness", On::All, Condition::Storage),
    (
        "poststarthook/start-legacy-token-tracking-controller",
        On::All,
        Condition::Kept(Controller::TokenTracking),
    ),
    ("poststarthook/start-service-ip-repair-controllers", On::All, Condition::Alive),
    ("poststarthook/rbac/bootstrap-roles", On::All, Condition::Kept(Controller::Roles)),
    (
        "poststarthook/scheduling/bootstrap-system-priority-classes",
        On::All,
        Condition::Kept(Controller::PriorityClasses),
    ),
    (
        "poststarthook/priority-and-fairness-config-producer",
        On::All,
        Condition::Kept(Controller::FlowControl),
    ),
    ("poststarthook/bootstrap-controller", On::All, Condition::Kept(Controller::Service)),
    (
        "poststarthook/start-kubernetes-service-cidr-controller",
        On::All,
        Condition::Kept(Controller::ServiceRange),
    ),
    ("poststarthook/start-kube-aggregator-informers", On::All, Condition::Caches),
    (
        "poststarthook/apiservice-status-local-available-controller",
        On::All,
        Condition::Kept(Controller::ApiServices),
    ),
    ("poststarthook/apiservice-status-remote-available-controller", On::All, Condition::Alive),
    ("poststarthook/apiservice-registration-controller", On::All, Condition::Kept(Controller::ApiServices)),
    ("poststarthook/apiservice-wait-for-first-sync", On::All, Condition::Caches),
    ("poststarthook/apiservice-discovery-controller", On::All, Condition::Alive),
    ("poststarthook/kube-apiserver-autoregistration", On::All, Condition::Kept(Controller::ApiServices)),
    ("autoregister-completion", On::All, Condition::Kept(Controller::ApiServices)),
    ("poststarthook/apiservice-openapi-controller", On::All, Condition::Alive),
    ("poststarthook/apiservice-openapiv3-controller", On::All, Condition::Alive),
    ("loopback-serving-certificate", On::Live, Condition::Alive),
    ("shutdown", On::Ready, Condition::NotStopping),
];

/// Answers a request for a health path, by any method; None when there is no such path or check. `parameters` is the
/// decoded query, of which `verbose` and `exclude=CHECK` are used.
pub fn respond(health: Health<'_>, path: &str, parameters: &[(String, String)]) -> Option<Response> {
    let path = path.strip_prefix('/')?;
    let (word, check) = match path.split_once('/') {
        None => (path, None),
        Some((word, check)) => (word, Some(check)),
    };
    let probe = Probe::ALL.into_iter().find(|probe| probe.word() == word)?;
    let Some(name) = check else { return Some(together(health, probe, parameters)) };
    let (_, _, condition) = probe.checks(health).find(|(known, _, _)| *known == name)?;
    Some(match problem(health, *condition) {
        None => Response::text(200, "ok"),
        Some(reason) => error(format!("internal server error: {reason}\n")),
    })
}

/// The state of a healthy server.
const WELL: Health<'static> =
    Health { store: None, storage: None, caches: true, done: Controllers::ALL, stopping: false };

/// Every path that answers on a healthy server.
pub fn paths() -> impl Iterator<Item = String> {
    Probe::ALL.into_iter().flat_map(|probe| {
        let checks = probe.checks(WELL).map(move |(name, _, _)| format!("/{}/{name}", probe.word()));
        core::iter::once(format!("/{}", probe.word())).chain(checks)
    })
}

fn together(health: Health<'_>, probe: Probe, parameters: &[(String, String)]) -> Response {
    let mut excluded: Vec<&str> =
        parameters.iter().filter(|(key, _)| key == "exclude").map(|(_, value)| value.as_str()).collect();
    excluded.sort_unstable();
    excluded.dedup();
    let (mut lines, mut passed, mut failed) = (String::new(), Vec::new(), Vec::new());
    for (name, _, condition) in probe.checks(health) {
        if let Some(at) = excluded.iter().position(|known| known == name) {
            excluded.remove(at);
            lines.push_str(&format!("[+]{name} excluded: ok\n"));
        } else if problem(health, *condition).is_some() {
            failed.push(*name);
            lines.push_str(&format!("[-]{name} failed: reason withheld\n"));
        } else {
            passed.push(*name);
            lines.push_str(&format!("[+]{name} ok\n"));
        }
    }
    if !excluded.is_empty() {
        let unknown: Vec<String> = excluded.iter().map(|name| crate::value::quoted(name)).collect();
        let unknown = unknown.join(",");
        lines.push_str(&format!("warn: some health checks cannot be excluded: no matches for {unknown}\n"));
    }
    let word = probe.word();
    let verbose = parameters.iter().any(|(key, _)| key == "verbose");
    let (status, text) = if !failed.is_empty() {
        (500, format!("{lines}{word} check failed\n"))
    } else if verbose {
        (200, format!("{lines}{word} check passed\n"))
    } else {
        (200, "ok".into())
    };
    let body = Body::Health(text.into(), HealthResults { probe: word, passed, failed });
    Response { body, ..Response::text(status, "") }.with_header("x-content-type-options", "nosniff")
}

fn error(body: String) -> Response {
    Response::text(500, body).with_header("x-content-type-options", "nosniff")
}

/// Why a condition does not hold.
fn problem(health: Health<'_>, condition: Condition) -> Option<&str> {
    let (holds, reason) = match condition {
        Condition::Alive => (true, ""),
        Condition::Store => (health.store.is_none(), health.store.unwrap_or_default()),
        Condition::Storage => (health.storage.is_none(), health.storage.unwrap_or_default()),
        Condition::Caches => (health.caches, "caches are not filled yet"),
        Condition::Kept(controller) => (health.done.has(controller), "not finished"),
        Condition::NotStopping => (!health.stopping, "process is shutting down"),
    };
    (!holds).then_some(reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    fn body(response: &Response) -> &str {
        match &response.body {
            Body::Full(bytes) | Body::Health(bytes, _) => core::str::from_utf8(bytes).expect("text"),
            other => panic!("no text: {other:?}"),
        }
    }

    fn ask(health: Health<'_>, path: &str, query: &str) -> Option<Response> {
        let pair =
            |pair: &str| pair.split_once('=').map_or((pair.into(), "".into()), |(a, b)| (a.into(), b.into()));
        let parameters: Vec<_> = query.split('&').map(pair).collect();
        respond(health, path, &parameters)
    }

    #[test]
    fn a_healthy_server_answers_briefly_unless_verbose() {
        let answer = ask(WELL, "/readyz", "").expect("a probe");
        assert_eq!((answer.status, body(&answer)), (200, "ok"));
        let answer = ask(WELL, "/readyz", "verbose=1").expect("a probe");
        assert!(body(&answer).starts_with("[+]ping ok\n[+]log ok\n[+]informer-sync ok\n"));
        assert!(body(&answer).ends_with("[+]shutdown ok\nreadyz check passed\n"));
        assert_eq!(body(&answer).lines().count(), 36);
    }

    #[test]
    fn a_failed_check_shows_unless_excluded() {
        let why = "error getting data from etcd: context deadline exceeded";
        let ill = Health { store: Some(why), ..WELL };
        let answer = ask(ill, "/livez", "").expect("a probe");
        assert_eq!(answer.status, 500);
        assert!(body(&answer).contains("[-]etcd failed: reason withheld\n"));
        let query = "exclude=etcd&exclude=x&verbose";
        let answer = ask(ill, "/livez", query).expect("a probe");
        assert_eq!(answer.status, 200);
        assert!(body(&answer).contains("[+]etcd excluded: ok\n"));
        assert!(body(&answer).contains("no matches for \"x\"\n"));
        let answer = ask(ill, "/livez/etcd", "").expect("a check");
        assert_eq!((answer.status, body(&answer)), (500, &*format!("internal server error: {why}\n")));
        let answer = ask(ill, "/readyz", "exclude=etcd").expect("a probe");
        assert!(body(&answer).contains("[-]etcd-readiness failed: reason withheld\n"));
        assert!(ask(WELL, "/healthz/nope", "").is_none());
        let done = Controllers::default().with(Controller::Namespaces);
        let answer = ask(Health { done, ..WELL }, "/readyz", "").expect("a probe");
        assert!(body(&answer).contains("[+]poststarthook/start-system-namespaces-controller ok\n"));
        assert!(body(&answer).contains("[-]poststarthook/rbac/bootstrap-roles failed: reason withheld\n"));
    }
}
