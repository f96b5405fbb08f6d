//! Endpoints.
//! k8s: pkg/registry/core/endpoint/strategy.go, pkg/apis/core/v1/defaults.go,
//! pkg/apis/core/validation/validation.go ValidateEndpoints

use super::fill::{Default, Fill, fill};
use super::warnings;
use crate::kinds::metadata::validate_built_in;
use crate::kinds::validation::{Errors, Located, semantically_equal, validate_ip_for_legacy_field};
use crate::kinds::{Facts, Rules, Strategy};
use crate::value::ip::SloppyIp;
use crate::value::{Value, names};
use alloc::string::String;
use alloc::vec::Vec;
use core::net::IpAddr;

pub static RULES: Rules = Rules {
    default,
    validate,
    warnings_on_create: warn,
    update: Strategy { validate_update: validate, warnings_on_update: warn, ..Strategy::PLAIN },
    allow_create_on_update: true,
    ..Rules::PLAIN
};

const DEFAULTS: &[Default] = &[(&["subsets", "*", "ports", "*"], "protocol", Fill::Text("TCP"))];

fn default(object: &mut Value) {
    fill(object, DEFAULTS);
}

/// The controller of endpoints writes addresses in their standard form: its objects are not looked at.
fn warn(object: &Located<'_, '_>, _facts: &Facts<'_>, warnings: &mut Vec<String>) {
    let labels = object.at(&["metadata", "labels"]);
    if labels.key("endpoints.kubernetes.io/managed-by").text() == "endpoint-controller" {
        return;
    }
    for subset in object.member("subsets").items() {
        for list in ["addresses", "notReadyAddresses"] {
            warnings::address::ips(&subset.member(list), &["ip"], warnings);
        }
    }
}

/// Subsets that stay as they are may be what older servers took.
fn validate(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    if !facts.is_create() {
        // Upstream looks at the metadata of an update once more.
        validate_built_in(object, true, names::dns_subdomain, errors);
    }
    let subsets = object.member("subsets");
    if !facts.is_create() && semantically_equal(subsets.value(), facts.old.field("subsets")) {
        return;
    }
    for subset in subsets.items() {
        let (ready, others) = (subset.member("addresses"), subset.member("notReadyAddresses"));
        if ready.is_empty() && others.is_empty() {
            errors.required(&subset, "must specify `addresses` or `notReadyAddresses`");
        }
        for address in ready.items().chain(others.items()) {
            if errors.is_full() {
                return;
            }
            validate_address(&address, errors);
        }
        let ports = subset.member("ports");
        for port in ports.items() {
            if errors.is_full() {
                return;
            }
            validate_port(&port, ports.len() > 1, errors);
        }
    }
}

fn validate_address(address: &Located<'_, '_>, errors: &mut Errors) {
    let (ip, host, node) = (address.member("ip"), address.member("hostname"), address.member("nodeName"));
    validate_ip_for_legacy_field(&ip, &[], errors);
    if !host.is_empty() {
        errors.invalid_for_each(&host, host.text(), names::dns_label(host.text(), false));
    }
    if node.is_set() {
        errors.invalid_for_each(&node, node.text(), names::dns_subdomain(node.text(), false));
    }
    validate_endpoint_ip(&ip, errors);
}

/// An address at which something outside the host can be reached.
pub(super) fn validate_endpoint_ip(at: &Located<'_, '_>, errors: &mut Errors) {
    let text = at.text();
    let Some(ip) = SloppyIp::parse(text).map(|ip| ip.ip()) else {
        errors.invalid_value(at, text, "must be a valid IP address");
        return;
    };
    if ip.is_unspecified() {
        errors.invalid_value(at, text, format_args!("may not be unspecified ({text})"));
    }
    if ip.is_loopback() {
        errors.invalid_value(at, text, "may not be in the loopback range (127.0.0.0/8, ::1/128)");
    }
    let (unicast, multicast) = match ip {
        IpAddr::V4(ip) => (ip.is_link_local(), ip.octets().starts_with(&[224, 0, 0])),
        IpAddr::V6(ip) => {
            let [first, second, ..] = ip.octets();
            (ip.is_unicast_link_local(), first == 0xff && second & 0x0f == 0x02)
        }
    };
    if unicast {
        errors.invalid_value(at, text, "may not be in the link-local range (169.254.0.0/16, fe80::/10)");
    }
    if multicast {
        let detail = "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)";
        errors.invalid_value(at, text, detail);
    }
}

fn validate_port(port: &Located<'_, '_>, needs_name: bool, errors: &mut Errors) {
    let (name, number, protocol) = (port.member("name"), port.member("port"), port.member("protocol"));
    if needs_name && name.is_empty() {
        errors.required(&name, "");
    } else if !name.is_empty() {
        errors.invalid_for_each(&name, name.text(), names::dns_label(name.text(), false));
    }
    for problem in names::port_number(number.int()) {
        errors.invalid_value(&number, number.int(), problem);
    }
    if protocol.is_empty() {
        errors.required(&protocol, "");
    } else if !matches!(protocol.text(), "SCTP" | "TCP" | "UDP") {
        errors.not_supported(&protocol, &["SCTP", "TCP", "UDP"]);
    }
    let application = port.member("appProtocol");
    if application.is_set() {
        errors.invalid_for_each(&application, application.text(), names::qualified_name(application.text()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::rules::workload::given::problems;
    use alloc::format;

    #[test]
    fn subsets_have_upstreams_problems() {
        let addresses = |list: &str| format!(r#"{{"subsets":[{{"addresses":[{list}]}}]}}"#);
        let ip = |ip: &str| addresses(&format!(r#"{{"ip":"{ip}"}}"#));
        let at =
            |ip: &str, what: &str| format!("subsets[0].addresses[0].ip: Invalid value: \"{ip}\": {what}");
        let ports =
            |list: &str| format!(r#"{{"subsets":[{{"addresses":[{{"ip":"10.0.0.1"}}],"ports":[{list}]}}]}}"#);
        let table = [
            (ip("10.1.2.3"), String::new()),
            (ip("fd00::1"), String::new()),
            (ip("0.0.0.0"), at("0.0.0.0", "may not be unspecified (0.0.0.0)")),
            (ip("127.9.9.9"), at("127.9.9.9", "may not be in the loopback range (127.0.0.0/8, ::1/128)")),
            (ip("169.254.1.1"), at("169.254.1.1", "may not be in the link-local range (169.254.0.0/16, fe80::/10)")),
            (
                ip("224.0.0.255"),
                at("224.0.0.255", "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"),
            ),
            (ip("224.0.1.0"), String::new()),
            (
                r#"{"subsets":[{}]}"#.into(),
                "subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`".into(),
            ),
            (ports(r#"{"port":65535,"protocol":"TCP"}"#), String::new()),
            (
                ports(r#"{"port":65536,"protocol":"X"}"#),
                "[subsets[0].ports[0].port: Invalid value: 65536: must be between 1 and 65535, inclusive, \
                 subsets[0].ports[0].protocol: Unsupported value: \"X\": supported values: \"SCTP\", \"TCP\", \"UDP\"]"
                    .into(),
            ),
            (
                ports(r#"{"name":"a","port":1,"protocol":"TCP"},{"port":2,"protocol":"TCP"}"#),
                "subsets[0].ports[1].name: Required value".into(),
            ),
        ];
        for (object, expected) in &table {
            assert_eq!(problems(validate, object, None), *expected, "{object}");
        }
        let named = r#"{"metadata":{"name":"n","namespace":"m"},"#;
        let bad = ip("0.0.0.0").replacen('{', named, 1);
        assert_eq!(problems(validate, &bad, Some(&bad)), "");
    }
}
