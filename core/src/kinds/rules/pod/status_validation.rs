//! What a kubelet may tell of a pod.
//! k8s: pkg/apis/core/validation/validation.go ValidatePodStatusUpdate

use super::claim_status;
use super::update::validate_annotations;
use super::validation::{validate_dns_subdomain, validate_id};
use crate::kinds::Facts;
use crate::kinds::validation::{Errors, Located, internal_json_list, validate_ip_for_legacy_field};
use crate::value::ip::SloppyIp;
use crate::value::names;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::vec::Vec;

/// Conditions that Kubernetes names itself.
const CONDITIONS: &[&str] = &["PodScheduled", "Ready", "Initialized"];
const HEALTH: &[&str] = &["Healthy", "Unhealthy", "Unknown"];
const RESTARTED: &str = "may not be transitioned to non-terminated state";

/// The longest message about the health of a resource.
const MESSAGE_BYTES: usize = 1024;

pub(super) fn validate(pod: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    let old = Located::root(facts.old);
    validate_annotations(pod, &old, errors);
    let (status, held) = (pod.member("status"), old.member("status"));
    let spec = pod.member("spec");
    validate_conditions(&status.member("conditions"), errors);
    validate_nomination(&status, &held, &old, errors);
    let generation = status.member("observedGeneration");
    if generation.int() < 0 {
        errors.invalid(&generation, "must be a non-negative integer");
    }
    let (class, before) = (status.member("qosClass"), held.member("qosClass"));
    if class.text() != before.text() {
        errors.invalid_value(&class, class.text(), crate::kinds::validation::IMMUTABLE);
    }
    validate_states(&status, &held, &old.member("spec"), errors);
    claim_status::validate(&status, &spec, errors);
    validate_pod_addresses(&status, &held, errors);
    validate_host_addresses(&status, &held, errors);
    for list in ["containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"] {
        validate_users(&status.member(list), &spec, errors);
    }
    validate_allocated(&status.member("containerStatuses"), &spec.member("containers"), errors);
    validate_allocated(&status.member("initContainerStatuses"), &spec.member("initContainers"), errors);
    let statuses = status.member("ephemeralContainerStatuses");
    for status in statuses.items() {
        let allocated = status.member("allocatedResourcesStatus");
        if !allocated.is_empty() {
            errors.forbidden(&allocated, "must not be specified in container status");
        }
    }
}

fn validate_conditions(conditions: &Located<'_, '_>, errors: &mut Errors) {
    for condition in conditions.items() {
        if errors.is_full() {
            return;
        }
        let (kind, generation) = (condition.member("type"), condition.member("observedGeneration"));
        if generation.int() < 0 {
            errors.invalid(&generation, "must be a non-negative integer");
        }
        if !CONDITIONS.contains(&kind.text()) {
            let problems = names::qualified_name(kind.text());
            errors.invalid_for_each(&kind.shown_as("Type"), kind.text(), problems);
        }
    }
}

/// The node that the scheduler makes room on.
fn validate_nomination(
    status: &Located<'_, '_>,
    held: &Located<'_, '_>,
    old: &Located<'_, '_>,
    errors: &mut Errors,
) {
    let nominated = status.member("nominatedNodeName");
    if nominated.is_empty() || nominated.text() == held.member("nominatedNodeName").text() {
        return;
    }
    validate_dns_subdomain(&nominated, errors);
    if !old.at(&["spec", "nodeName"]).is_empty() {
        errors.forbidden(&nominated, "may not be set on pods that are already bound to a node");
    }
}

/// Containers that have ended run again only when the pod lets them.
fn validate_states(
    status: &Located<'_, '_>,
    held: &Located<'_, '_>,
    spec: &Located<'_, '_>,
    errors: &mut Errors,
) {
    let restarts_all = ["initContainers", "containers"].iter().any(|list| {
        let list = spec.member(list);
        list.items().any(|container| {
            let rules = container.member("restartPolicyRules");
            rules.items().any(|rule| rule.member("action").text() == "RestartAllContainers")
        })
    });
    let lists = [
        ("containerStatuses", Some("containers")),
        ("initContainerStatuses", Some("initContainers")),
        ("ephemeralContainerStatuses", None),
    ];
    for (list, containers) in lists {
        if restarts_all && containers.is_some() {
            continue;
        }
        let (now, before) = (status.member(list), held.member(list));
        for (index, before) in before.items().enumerate() {
            let ended = before.at(&["state", "terminated"]);
            let name = before.member("name").text();
            let runs = |status: &Located<'_, '_>| {
                status.member("name").text() == name && !status.at(&["state", "terminated"]).is_set()
            };
            if !ended.is_set() || !now.items().any(|status| runs(&status)) {
                continue;
            }
            let may = containers.is_some_and(|containers| {
                let containers = spec.member(containers);
                let code = ended.member("exitCode").int();
                let mut all = containers.items();
                let found = all.find(|container| container.member("name").text() == name);
                found.is_some_and(|container| restarts(&container, spec, code))
            });
            if !may {
                let at = now.index(index);
                errors.forbidden(&at.member("state"), RESTARTED);
            }
        }
    }
}

/// Whether a container that has ended with this code is started again.
/// k8s: pkg/api/v1/pod/util.go ContainerShouldRestart
fn restarts(container: &Located<'_, '_>, spec: &Located<'_, '_>, code: i64) -> bool {
    let policy = container.member("restartPolicy");
    if policy.is_set() {
        let rules = container.member("restartPolicyRules");
        let matching = rules.items().find(|rule| {
            let values = rule.at(&["exitCodes", "values"]);
            let has_code = values.items().any(|value| value.int() == code);
            match rule.at(&["exitCodes", "operator"]).text() {
                "In" => has_code,
                "NotIn" => !has_code,
                _ => false,
            }
        });
        let is_restart = |rule: &Located<'_, '_>| {
            matches!(rule.member("action").text(), "Restart" | "RestartAllContainers")
        };
        if matching.is_some_and(|rule| is_restart(&rule)) {
            return true;
        }
        match policy.text() {
            "Always" => return true,
            "OnFailure" => return code != 0,
            "Never" => return false,
            _ => {}
        }
    }
    match spec.member("restartPolicy").text() {
        "OnFailure" => code != 0,
        "Never" => false,
        _ => true,
    }
}

fn validate_pod_addresses(status: &Located<'_, '_>, held: &Located<'_, '_>, errors: &mut Errors) {
    validate_addresses(&status.member("podIPs"), &held.member("podIPs"), "PodIP", errors);
}

fn validate_host_addresses(status: &Located<'_, '_>, held: &Located<'_, '_>, errors: &mut Errors) {
    let addresses = status.member("hostIPs");
    if addresses.is_empty() {
        return;
    }
    let first = addresses.index(0);
    let first = first.member("ip");
    if first.text() != status.member("hostIP").text() {
        errors.invalid_value(&first, first.text(), "must be equal to `hostIP`");
    }
    validate_addresses(&addresses, &held.member("hostIPs"), "HostIP", errors);
}

/// Addresses are good, or were there before; there is at most one of each family.
fn validate_addresses(addresses: &Located<'_, '_>, held: &Located<'_, '_>, name: &str, errors: &mut Errors) {
    let before: Vec<&str> = held.items().map(|address| address.member("ip").text()).collect();
    for address in addresses.items() {
        if errors.is_full() {
            return;
        }
        validate_ip_for_legacy_field(&address.member("ip").shown_at(&address), &before, errors);
    }
    if addresses.len() <= 1 {
        return;
    }
    let parsed: Vec<Option<SloppyIp>> =
        addresses.items().map(|address| SloppyIp::parse(address.member("ip").text())).collect();
    if let Some(index) = parsed.iter().position(Option::is_none) {
        let text = addresses.index(index);
        let text = text.member("ip").text();
        let detail = format!("failed to check for dual stack with error:invalid IP[{index}]: {text}");
        errors.internal(addresses, detail);
    }
    let has = |is_ipv6: bool| parsed.iter().flatten().any(|ip| ip.is_ipv6() == is_ipv6);
    let is_dual = parsed.iter().all(Option::is_some) && has(false) && has(true);
    if !is_dual || addresses.len() > 2 {
        let shown = internal_json_list(name, addresses.value());
        errors.invalid_shown(addresses, &shown, "may specify no more than one IP for each IP family");
    }
}

/// Who runs in containers.
fn validate_users(statuses: &Located<'_, '_>, spec: &Located<'_, '_>, errors: &mut Errors) {
    let system = spec.member("os");
    let system = if system.is_set() { system.member("name").text() } else { "linux" };
    for status in statuses.items() {
        let user = status.at(&["user", "linux"]);
        if !user.is_set() {
            continue;
        }
        if system == "windows" {
            errors.forbidden(&user, "cannot be set for a windows pod");
        }
        if system == "linux" {
            validate_id(&user.member("uid"), errors);
            validate_id(&user.member("gid"), errors);
            let groups = user.member("supplementalGroups");
            for group in groups.items() {
                validate_id(&group, errors);
            }
        }
    }
}

/// The health of resources that containers have got.
fn validate_allocated(statuses: &Located<'_, '_>, containers: &Located<'_, '_>, errors: &mut Errors) {
    for status in statuses.items() {
        let name = status.member("name").text();
        let container = containers.items().find(|container| container.member("name").text() == name);
        let allocated = status.member("allocatedResourcesStatus");
        for resource in allocated.items() {
            if errors.is_full() {
                return;
            }
            if let Some(container) = &container {
                validate_allocated_name(&resource.member("name"), container, errors);
            }
            validate_health(&resource.member("resources"), errors);
        }
    }
}

/// What was allocated was asked for: a resource, or a claim.
fn validate_allocated_name(name: &Located<'_, '_>, container: &Located<'_, '_>, errors: &mut Errors) {
    const OF_CLAIM: &str = "must match one of the container's resource claims in a format \
        'claim:<claimName>/<request>' or 'claim:<claimName>' if request is empty";
    let Some(wanted) = name.text().strip_prefix("claim:") else {
        if !container.at(&["resources", "requests"]).key(name.text()).is_set() {
            let detail = "must match one of the container's resource requests";
            errors.invalid_value(name, name.text(), detail);
        }
        return;
    };
    let claims = container.at(&["resources", "claims"]);
    let is_asked = claims.items().any(|claim| {
        let (name, request) = (claim.member("name").text(), claim.member("request").text());
        if request.is_empty() { wanted == name } else { wanted == format!("{name}/{request}") }
    });
    if !is_asked {
        errors.invalid_value(name, name.text(), OF_CLAIM);
    }
}

fn validate_health(resources: &Located<'_, '_>, errors: &mut Errors) {
    let mut seen = BTreeSet::new();
    for resource in resources.items() {
        let (health, message) = (resource.member("health"), resource.member("message"));
        if !HEALTH.contains(&health.text()) {
            errors.not_supported_text(&health, HEALTH);
        }
        if message.is_set() && message.is_empty() {
            errors.required(&message, "must be non-empty if specified");
        } else if message.len() > MESSAGE_BYTES {
            errors.too_long(&message, MESSAGE_BYTES);
        }
        let id = resource.member("resourceID");
        if !seen.insert(id.text()) {
            errors.duplicate_value(&id, id.text());
        }
    }
}
