//! What a service must look like.
//! k8s: pkg/apis/core/validation/validation.go ValidateServiceCreate, ValidateServiceUpdate,
//! ValidateServiceStatusUpdate

use super::super::endpoint_address::validate_endpoint_ip;
use super::cluster_ips;
use super::kind::{has_health_port, is_headless_by_addresses, is_load_balancer, is_reached_from_outside};
use crate::kinds::Facts;
use crate::kinds::metadata::validate_labels;
use crate::kinds::validation::{
    Errors, IMMUTABLE, Located, validate_cidr_for_legacy_field, validate_ip_for_legacy_field,
};
use crate::status::CauseType;
use crate::value::ip::SloppyIp;
use crate::value::names;
use crate::value::{Value, quoted};
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::vec::Vec;

const TOPOLOGY_HINTS: &str = "service.kubernetes.io/topology-aware-hints";
const TOPOLOGY_MODE: &str = "service.kubernetes.io/topology-mode";
const SOURCE_RANGES: &str = "service.beta.kubernetes.io/load-balancer-source-ranges";

const LOAD_BALANCER_ONLY: &str = "may only be used when `type` is 'LoadBalancer'";
const EXTERNAL_NAME: &str = "may not be set for ExternalName services";
const ONCE_SET: &str = "may not change once set";

const PROTOCOLS: &[&str] = &["SCTP", "TCP", "UDP"];
const POLICIES: &[&str] = &["Cluster", "Local"];

/// The longest time that a client sticks to its endpoint, seconds.
const AFFINITY_SECONDS_MAX: i64 = 86_400;

pub(super) fn validate(service: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    let spec = service.member("spec");
    let old = Located::root(facts.old);
    validate_topology(service, errors);
    validate_type(&spec, errors);
    validate_ports(&spec, errors);
    validate_labels(&spec.member("selector"), errors);
    validate_affinity(&spec, errors);
    cluster_ips::validate(service, facts.old, errors);
    validate_external_ips(&spec, &old, errors);
    if spec.member("type").is_empty() {
        errors.required(&spec.member("type"), "");
    } else if !matches!(
        spec.member("type").text(),
        "ClusterIP" | "NodePort" | "LoadBalancer" | "ExternalName"
    ) {
        let types = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
        errors.not_supported_text(&spec.member("type"), &types);
    }
    validate_port_uses(&spec, errors);
    validate_source_ranges(service, &old, errors);
    let allocates = spec.member("allocateLoadBalancerNodePorts");
    if allocates.is_set() && spec.member("type").text() != "LoadBalancer" {
        errors.forbidden(&allocates, LOAD_BALANCER_ONLY);
    }
    validate_load_balancer_class(&spec, errors);
    validate_external_traffic(&spec, errors);
    let internal = spec.member("internalTrafficPolicy");
    if internal.is_set() && !POLICIES.contains(&internal.text()) {
        errors.not_supported_text(&internal, POLICIES);
    }
    let distribution = spec.member("trafficDistribution");
    let distributions = ["PreferClose", "PreferSameZone", "PreferSameNode"];
    if distribution.is_set() && !distributions.contains(&distribution.text()) {
        errors.not_supported_text(&distribution, &distributions);
    }
}

pub(super) fn validate_update(service: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    cluster_ips::validate_update(service, facts.old, errors);
    let old = Located::root(facts.old);
    let (spec, old_spec) = (service.member("spec"), old.member("spec"));
    let (class, old_class) = (spec.member("loadBalancerClass"), old_spec.member("loadBalancerClass"));
    let is_balanced = |spec: &Located<'_, '_>| spec.member("type").text() == "LoadBalancer";
    if is_balanced(&spec) && is_balanced(&old_spec) && class.value() != old_class.value() {
        errors.invalid(&class, ONCE_SET);
    }
    validate_load_balancer_class(&spec, errors);
    let port = spec.member("healthCheckNodePort");
    let checked = [&spec, &old_spec].iter().all(|spec| spec.value().is_some_and(has_health_port));
    if checked && port.int() != old_spec.member("healthCheckNodePort").int() {
        errors.forbidden(&port, IMMUTABLE);
    }
    validate(service, facts, errors);
}

/// The old annotation for what another one says now may not say something else.
fn validate_topology(service: &Located<'_, '_>, errors: &mut Errors) {
    let annotations = service.at(&["metadata", "annotations"]);
    let (hints, mode) = (annotations.key(TOPOLOGY_HINTS), annotations.key(TOPOLOGY_MODE));
    if hints.is_set() && mode.is_set() && hints.text() != mode.text() {
        errors.invalid(&mode, format!("must match annotations[{TOPOLOGY_HINTS}] when both are specified"));
    }
}

fn validate_type(spec: &Located<'_, '_>, errors: &mut Errors) {
    let held = spec.value().unwrap_or(&Value::Null);
    let kind = spec.member("type").text();
    let addresses = spec.member("clusterIPs");
    let headless = is_headless_by_addresses(held);
    if spec.member("ports").is_empty() && !headless && kind != "ExternalName" {
        errors.required(&spec.member("ports"), "");
    }
    match kind {
        "LoadBalancer" | "NodePort" if headless => {
            errors.invalid(&addresses.index(0), format!("may not be set to 'None' for {kind} services"));
        }
        "ExternalName" => {
            for field in ["clusterIPs", "ipFamilies"] {
                if !spec.member(field).is_empty() {
                    errors.forbidden(&spec.member(field), EXTERNAL_NAME);
                }
            }
            if spec.member("ipFamilyPolicy").is_set() {
                errors.forbidden(&spec.member("ipFamilyPolicy"), EXTERNAL_NAME);
            }
            let name = spec.member("externalName");
            // A dot at the end says that the name is complete.
            let alias = name.text().strip_suffix('.').unwrap_or(name.text());
            if alias.is_empty() {
                errors.required(&name, "");
            } else {
                errors.invalid_for_each(&name, alias, names::dns_subdomain(alias, false));
            }
        }
        _ => {}
    }
}

fn validate_ports(spec: &Located<'_, '_>, errors: &mut Errors) {
    let ports = spec.member("ports");
    let mut names = BTreeSet::new();
    for port in ports.items() {
        if errors.is_full() {
            return;
        }
        let name = port.member("name");
        if name.is_empty() {
            if ports.len() > 1 {
                errors.required(&name, "");
            }
        } else {
            errors.invalid_for_each(&name, name.text(), names::dns_label(name.text(), false));
            if !names.insert(name.text()) {
                errors.duplicate(&name);
            }
        }
        validate_port(&port, errors);
    }
}

fn validate_port(port: &Located<'_, '_>, errors: &mut Errors) {
    validate_port_number(&port.member("port"), errors);
    let protocol = port.member("protocol");
    if protocol.is_empty() {
        errors.required(&protocol, "");
    } else if !PROTOCOLS.contains(&protocol.text()) {
        errors.not_supported_text(&protocol, PROTOCOLS);
    }
    let target = port.member("targetPort");
    match target.value() {
        Some(Value::Str(text)) => errors.invalid_for_each(&target, text, names::port_name(text)),
        _ => validate_port_number(&target, errors),
    }
    let application = port.member("appProtocol");
    if application.is_set() {
        errors.invalid_for_each(&application, application.text(), names::qualified_name(application.text()));
    }
}

fn validate_port_number(port: &Located<'_, '_>, errors: &mut Errors) {
    for problem in names::port_number(port.int()) {
        errors.invalid_value(port, port.int(), problem);
    }
}

fn validate_affinity(spec: &Located<'_, '_>, errors: &mut Errors) {
    let (affinity, config) = (spec.member("sessionAffinity"), spec.member("sessionAffinityConfig"));
    match affinity.text() {
        "" => errors.required(&affinity, ""),
        "ClientIP" => {
            let seconds = config.at(&["clientIP", "timeoutSeconds"]);
            if !(1..=AFFINITY_SECONDS_MAX).contains(&seconds.int()) {
                let most = AFFINITY_SECONDS_MAX;
                errors.invalid(&seconds, format!("must be greater than 0 and less than {most}"));
            }
        }
        "None" if config.is_set() => {
            errors.forbidden(&config, "must not be set when session affinity is None");
        }
        "None" => {}
        _ => errors.not_supported_text(&affinity, &["ClientIP", "None"]),
    }
}

fn validate_external_ips(spec: &Located<'_, '_>, old: &Located<'_, '_>, errors: &mut Errors) {
    let held = texts(&old.at(&["spec", "externalIPs"]));
    for address in spec.member("externalIPs").items() {
        if errors.is_full() {
            return;
        }
        let before = errors.len();
        validate_ip_for_legacy_field(&address, &held, errors);
        if errors.len() == before {
            validate_endpoint_ip(&address, address.text(), errors);
        }
    }
}

/// Which services may have node ports, and that neither these nor ports come twice for one protocol.
fn validate_port_uses(spec: &Located<'_, '_>, errors: &mut Errors) {
    let ports = spec.member("ports");
    if spec.member("type").text() == "ClusterIP" {
        for port in ports.items().filter(|port| port.member("nodePort").int() != 0) {
            errors.forbidden(&port.member("nodePort"), "may not be used when `type` is 'ClusterIP'");
        }
    }
    let mut taken = BTreeSet::new();
    for port in ports.items() {
        let node_port = port.member("nodePort");
        if node_port.int() != 0 && !taken.insert((port.member("protocol").text(), node_port.int())) {
            errors.duplicate(&node_port);
        }
    }
    let mut taken = BTreeSet::new();
    for port in ports.items() {
        let (protocol, number) = (port.member("protocol").text(), port.member("port").int());
        if !taken.insert((protocol, number)) && !errors.is_full() {
            // Upstream shows a port of its own making, of which nothing but these two is set.
            let protocol = quoted(protocol);
            let shown = format!(
                "Duplicate value: {{\"Name\":\"\",\"Protocol\":{protocol},\"AppProtocol\":null,\"Port\":{number},\
                 \"TargetPort\":0,\"NodePort\":0}}"
            );
            errors.causes().push(CauseType::Duplicate, &port, shown);
        }
    }
}

/// The ranges from which a load balancer takes requests: a field, or an annotation of the time before it. Space around
/// them does not count.
fn validate_source_ranges(service: &Located<'_, '_>, old: &Located<'_, '_>, errors: &mut Errors) {
    let spec = service.member("spec");
    let is_balanced = spec.member("type").text() == "LoadBalancer";
    let field = spec.member("loadBalancerSourceRanges");
    let annotations = service.at(&["metadata", "annotations"]);
    let annotation = annotations.key(SOURCE_RANGES);
    if !field.is_empty() {
        let ranges = field.shown_as("LoadBalancerSourceRanges");
        if !is_balanced {
            errors.forbidden(&ranges, LOAD_BALANCER_ONLY);
        }
        let held = texts(&old.at(&["spec", "loadBalancerSourceRanges"]));
        let held: Vec<&str> = held.into_iter().map(str::trim).collect();
        for range in ranges.items() {
            if errors.is_full() {
                return;
            }
            validate_padded_range(&range, range.text(), &held, errors);
        }
    } else if annotation.is_set() {
        if !is_balanced {
            errors.forbidden(&annotation, LOAD_BALANCER_ONLY);
        }
        let old_annotations = old.at(&["metadata", "annotations"]);
        let held = old_annotations.key(SOURCE_RANGES);
        if (!held.is_set() || held.text() != annotation.text()) && !annotation.text().trim().is_empty() {
            for range in annotation.text().trim().split(',') {
                if errors.is_full() {
                    return;
                }
                validate_padded_range(&annotation, range, &[], errors);
            }
        }
    }
}

fn validate_padded_range(at: &Located<'_, '_>, range: &str, held: &[&str], errors: &mut Errors) {
    let trimmed = Value::str(range.trim());
    let trimmed = Located::root(&trimmed);
    validate_cidr_for_legacy_field(&trimmed.shown_at(at), held, errors);
}

fn validate_load_balancer_class(spec: &Located<'_, '_>, errors: &mut Errors) {
    let class = spec.member("loadBalancerClass");
    if !class.is_set() {
        return;
    }
    if spec.value().is_some_and(is_load_balancer) {
        errors.invalid_for_each(&class, class.text(), names::qualified_name(class.text()));
    } else {
        errors.forbidden(&class, LOAD_BALANCER_ONLY);
    }
}

fn validate_external_traffic(spec: &Located<'_, '_>, errors: &mut Errors) {
    let held = spec.value().unwrap_or(&Value::Null);
    let policy = spec.member("externalTrafficPolicy");
    if !is_reached_from_outside(held) {
        if !policy.is_empty() {
            errors.invalid(&policy, "may only be set for externally-accessible services");
        }
    } else if policy.is_empty() {
        errors.required(&policy, "");
    } else if !POLICIES.contains(&policy.text()) {
        errors.not_supported_text(&policy, POLICIES);
    }
    let port = spec.member("healthCheckNodePort");
    if !has_health_port(held) {
        if port.int() != 0 {
            errors.invalid(
                &port,
                "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
            );
        }
    } else if port.int() == 0 {
        errors.required(&port, "");
    } else {
        validate_port_number(&port, errors);
    }
}

/// Checks the status of a load balancer.
pub(super) fn validate_status_update(service: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    let ingresses = service.at(&["status", "loadBalancer", "ingress"]);
    if service.at(&["spec", "type"]).text() != "LoadBalancer" && !ingresses.is_empty() {
        errors.forbidden(&ingresses, "may only be used when `spec.type` is 'LoadBalancer'");
        return;
    }
    let old = Located::root(facts.old);
    let old_ingresses = old.at(&["status", "loadBalancer", "ingress"]);
    let held: Vec<&str> = old_ingresses.items().map(|ingress| ingress.member("ip").text()).collect();
    for ingress in ingresses.items() {
        if errors.is_full() {
            return;
        }
        validate_ingress(&ingress, &held, errors);
    }
}

fn validate_ingress(ingress: &Located<'_, '_>, held: &[&str], errors: &mut Errors) {
    let (address, mode) = (ingress.member("ip"), ingress.member("ipMode"));
    if !address.is_empty() {
        validate_ip_for_legacy_field(&address, held, errors);
    }
    match (mode.is_set(), address.is_empty()) {
        (false, false) => errors.required(&mode, "must be specified when `ip` is set"),
        (false, true) => {}
        (true, true) => errors.forbidden(&mode, "may not be specified when `ip` is not set"),
        (true, false) => {
            if !matches!(mode.text(), "VIP" | "Proxy") {
                errors.not_supported_text(&mode, &["Proxy", "VIP"]);
            }
        }
    }
    let name = ingress.member("hostname");
    if !name.is_empty() {
        errors.invalid_for_each(&name, name.text(), names::dns_subdomain(name.text(), false));
        if SloppyIp::parse(name.text()).is_some() {
            errors.invalid(&name, "must be a DNS name, not an IP address");
        }
    }
}

/// The texts of a list.
fn texts<'v>(list: &Located<'v, '_>) -> Vec<&'v str> {
    list.items().map(|item| item.text()).collect()
}
