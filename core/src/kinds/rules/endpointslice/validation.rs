//! What an EndpointSlice must look like.
//! k8s: pkg/apis/discovery/validation/validation.go

use super::super::endpoint_address::validate_endpoint_ip;
use crate::kinds::Facts;
use crate::kinds::metadata::validate_labels;
use crate::kinds::validation::{
    Errors, Located, validate_fully_qualified_domain_name, validate_immutable_field, validate_ip,
    validate_ip_for_legacy_field,
};
use crate::value::ip::SloppyIp;
use crate::value::names;
use alloc::collections::BTreeSet;

const ENDPOINTS_MAX: usize = 1000;
const ADDRESSES_MAX: usize = 100;
const PORTS_MAX: usize = 20_000;
const TOPOLOGY_LABELS_MAX: usize = 16;
const HINTS_MAX: usize = 8;

pub(super) fn validate(slice: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    let family = slice.member("addressType");
    if family.is_empty() {
        errors.required(&family, "");
    } else if !matches!(family.text(), "IPv4" | "IPv6" | "FQDN") {
        errors.not_supported_text(&family, &["FQDN", "IPv4", "IPv6"]);
    }
    validate_ports(&slice.member("ports"), errors);
    // Older versions took what this one refuses: endpoints that do not change are not looked at.
    let endpoints = slice.member("endpoints");
    if facts.is_create() || endpoints.value() != Located::root(facts.old).member("endpoints").value() {
        validate_endpoints(&endpoints, family.text(), errors);
    }
}

pub(super) fn validate_update(slice: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    validate(slice, facts, errors);
    let old = Located::root(facts.old);
    validate_immutable_field(&slice.member("addressType"), &old.member("addressType"), errors);
}

fn validate_ports(ports: &Located<'_, '_>, errors: &mut Errors) {
    if ports.len() > PORTS_MAX {
        errors.too_many(ports, PORTS_MAX);
        return;
    }
    let mut seen = BTreeSet::new();
    for port in ports.items() {
        if errors.is_full() {
            return;
        }
        let (name, protocol) = (port.member("name"), port.member("protocol"));
        if !name.is_empty() {
            errors.invalid_for_each(&name, name.text(), names::dns_label(name.text(), false));
        }
        if !seen.insert(name.text()) {
            errors.duplicate_value(&name, name.text());
        }
        if !matches!(protocol.text(), "TCP" | "UDP" | "SCTP") {
            errors.not_supported_text(&protocol, &["SCTP", "TCP", "UDP"]);
        }
        let application = port.member("appProtocol");
        if application.is_set() {
            let problems = names::qualified_name(application.text());
            errors.invalid_for_each(&application, application.text(), problems);
        }
    }
}

fn validate_endpoints(endpoints: &Located<'_, '_>, family: &str, errors: &mut Errors) {
    if endpoints.len() > ENDPOINTS_MAX {
        errors.too_many(endpoints, ENDPOINTS_MAX);
        return;
    }
    for endpoint in endpoints.items() {
        if errors.is_full() {
            return;
        }
        let addresses = endpoint.member("addresses");
        if addresses.is_empty() {
            errors.required(&addresses, "must contain at least 1 address");
        } else if addresses.len() > ADDRESSES_MAX {
            errors.too_many(&addresses, ADDRESSES_MAX);
        }
        for address in addresses.items() {
            validate_address(&address, &addresses, family, errors);
        }
        let node = endpoint.member("nodeName");
        if node.is_set() {
            errors.invalid_for_each(&node, node.text(), names::dns_subdomain(node.text(), false));
        }
        let topology = endpoint.member("deprecatedTopology");
        if topology.len() > TOPOLOGY_LABELS_MAX {
            errors.too_many(&topology, TOPOLOGY_LABELS_MAX);
        }
        validate_labels(&topology, errors);
        let host = endpoint.member("hostname");
        if host.is_set() {
            errors.invalid_for_each(&host, host.text(), names::dns_label(host.text(), false));
        }
        validate_hints(&endpoint.member("hints"), errors);
    }
}

/// Checks one address; that it is of the wrong family is said of the list, as upstream says it.
fn validate_address(
    address: &Located<'_, '_>,
    addresses: &Located<'_, '_>,
    family: &str,
    errors: &mut Errors,
) {
    let before = errors.len();
    let is_ipv6 = SloppyIp::parse(address.text()).map(|address| address.is_ipv6());
    match family {
        "IPv4" => validate_ip_for_legacy_field(address, &[], errors),
        "IPv6" => validate_ip(address, errors),
        "FQDN" => return validate_fully_qualified_domain_name(address, errors),
        _ => return,
    }
    if errors.len() > before || errors.is_full() {
        return;
    }
    if is_ipv6 != Some(family == "IPv6") {
        let why = alloc::format!("must be an {family} address");
        errors.invalid_value(addresses, address.text(), why);
    }
    validate_endpoint_ip(address, address.text(), errors);
}

fn validate_hints(hints: &Located<'_, '_>, errors: &mut Errors) {
    type Rule = fn(&str) -> names::Problems;
    let rules: [(&'static str, Rule); 2] =
        [("forZones", names::label_value), ("forNodes", |name| names::dns_subdomain(name, false))];
    for (field, rule) in rules {
        let list = hints.member(field);
        if list.len() > HINTS_MAX {
            errors.too_many(&list, HINTS_MAX);
            return;
        }
        let mut seen = BTreeSet::new();
        for hint in list.items() {
            let name = hint.member("name");
            if !seen.insert(name.text()) {
                errors.duplicate_value(&name, name.text());
            }
            errors.invalid_for_each(&name, name.text(), rule(name.text()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json;
    use crate::kinds::facts::given::{InMemory, with_facts};
    use crate::value::Value;
    use alloc::format;
    use alloc::string::String;

    fn summary(slice: &str) -> String {
        let slice: Value = json::parse(slice.as_bytes()).expect("JSON").value;
        with_facts(&InMemory::default(), |facts| {
            let mut errors = Errors::new();
            validate(&Located::root(&slice), facts, &mut errors);
            if errors.is_empty() { String::new() } else { errors.summary() }
        })
    }

    #[test]
    fn endpoints_are_checked_by_the_family() {
        let table = [
            ("IPv4", r#"["10.0.0.1"]"#, ""),
            ("IPv6", r#"["2001:db8::1"]"#, ""),
            ("FQDN", r#"["a.example.com"]"#, ""),
            ("IPv4", "[]", "endpoints[0].addresses: Required value: must contain at least 1 address"),
            (
                "IPv4",
                r#"["2001:db8::1"]"#,
                r#"endpoints[0].addresses: Invalid value: "2001:db8::1": must be an IPv4 address"#,
            ),
            (
                "IPv6",
                r#"["10.0.0.1"]"#,
                r#"endpoints[0].addresses: Invalid value: "10.0.0.1": must be an IPv6 address"#,
            ),
            (
                "IPv4",
                r#"["127.0.0.1"]"#,
                "endpoints[0].addresses[0]: Invalid value: \"127.0.0.1\": may not be in the loopback range \
                 (127.0.0.0/8, ::1/128)",
            ),
        ];
        for (family, addresses, expected) in table {
            let slice = format!(r#"{{"addressType":"{family}","endpoints":[{{"addresses":{addresses}}}]}}"#);
            assert_eq!(summary(&slice), expected, "{family} {addresses}");
        }
    }

    #[test]
    fn lists_have_upstreams_bounds() {
        let address = |count: usize| format!("[{}]", alloc::vec!["\"10.0.0.1\""; count].join(","));
        let endpoints = |count: usize| {
            format!("[{}]", alloc::vec![format!(r#"{{"addresses":{}}}"#, address(1)); count].join(","))
        };
        let hint = |count: usize| {
            let zones: alloc::vec::Vec<String> =
                (0..count).map(|zone| format!(r#"{{"name":"z{zone}"}}"#)).collect();
            format!(r#"[{{"addresses":["10.0.0.1"],"hints":{{"forZones":[{}]}}}}]"#, zones.join(","))
        };
        let table = [
            (endpoints(1000), ""),
            (endpoints(1001), "endpoints: Too many: 1001: must have at most 1000 items"),
            (format!(r#"[{{"addresses":{}}}]"#, address(100)), ""),
            (
                format!(r#"[{{"addresses":{}}}]"#, address(101)),
                "endpoints[0].addresses: Too many: 101: must have at most 100 items",
            ),
            (hint(8), ""),
            (hint(9), "endpoints[0].hints.forZones: Too many: 9: must have at most 8 items"),
        ];
        for (endpoints, expected) in table {
            assert_eq!(summary(&format!(r#"{{"addressType":"IPv4","endpoints":{endpoints}}}"#)), expected);
        }
    }
}
