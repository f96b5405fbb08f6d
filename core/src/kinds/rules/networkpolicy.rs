//! NetworkPolicies.
//! k8s: pkg/registry/networking/networkpolicy/strategy.go, pkg/apis/networking/v1/defaults.go

use super::fill::{Default, Fill, fill};
use super::warnings;
use crate::kinds::validation::{Errors, Located, validate_cidr_for_legacy_field, validate_label_selector};
use crate::kinds::{Facts, Generation, Rules, Strategy};
use crate::value::Value;
use crate::value::ip::SloppyCidr;
use crate::value::names::{port_name, port_number};
use alloc::string::String;
use alloc::vec::Vec;

pub static RULES: Rules = Rules {
    default,
    validate,
    warnings_on_create: warn,
    update: Strategy { validate_update: validate, warnings_on_update: warn, ..Strategy::PLAIN },
    generation: Generation::Spec,
    ..Rules::PLAIN
};

const DEFAULTS: &[Default] = &[
    (&["spec", "ingress", "*", "ports", "*"], "protocol", Fill::TextOfPointer("TCP")),
    (&["spec", "egress", "*", "ports", "*"], "protocol", Fill::TextOfPointer("TCP")),
];

/// A policy without types is one of ingress; of egress too when it has egress rules.
fn default(object: &mut Value) {
    fill(object, DEFAULTS);
    let some = |list: Option<&Value>| list.and_then(Value::as_list).is_some_and(|items| !items.is_empty());
    let Some(spec) = object.field_mut("spec").filter(|spec| !some(spec.field("policyTypes"))) else { return };
    let mut types = alloc::vec![Value::from("Ingress")];
    if some(spec.field("egress")) {
        types.push("Egress".into());
    }
    spec.set("policyTypes", types.into());
}

/// The rules of both directions, and the member with their peers.
const DIRECTIONS: [(&str, &str); 2] = [("ingress", "from"), ("egress", "to")];

/// What an update may keep, since the stored policy has it.
#[derive(Default)]
struct Kept<'v> {
    /// Values in selectors that are no values of labels.
    label_values: bool,
    /// Ranges that are none.
    ranges: Vec<&'v str>,
}

impl<'v> Kept<'v> {
    fn of(old: &Located<'v, '_>) -> Self {
        let mut errors = Errors::new();
        let spec = old.member("spec");
        validate_label_selector(&spec.member("podSelector"), false, &mut errors);
        let mut ranges = Vec::new();
        for (direction, peers) in DIRECTIONS {
            for rule in spec.member(direction).items() {
                for peer in rule.member(peers).items() {
                    let block = peer.member("ipBlock");
                    ranges.push(block.member("cidr").text());
                    ranges.extend(block.member("except").items().map(|range| range.text()));
                }
            }
        }
        Self { label_values: !errors.is_empty(), ranges }
    }
}

/// k8s: pkg/apis/networking/validation/validation.go ValidateNetworkPolicySpec
fn validate(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    let (spec, old) = (object.member("spec"), Located::root(facts.old));
    let kept = if facts.is_create() { Kept::default() } else { Kept::of(&old) };
    validate_label_selector(&spec.member("podSelector"), kept.label_values, errors);
    for (direction, peers) in DIRECTIONS {
        for rule in spec.member(direction).items() {
            if errors.is_full() {
                return;
            }
            rule.member("ports").items().for_each(|port| validate_port(&port, errors));
            rule.member(peers).items().for_each(|peer| validate_peer(&peer, &kept, errors));
        }
    }
    const TYPES: &[&str] = &["Ingress", "Egress"];
    let types = spec.member("policyTypes");
    if types.len() > TYPES.len() {
        errors.invalid(&types, "may not specify more than two policyTypes");
        return;
    }
    for kind in types.items().filter(|kind| !TYPES.contains(&kind.text())) {
        errors.not_supported_text(&kind, TYPES);
    }
}

fn validate_port(item: &Located<'_, '_>, errors: &mut Errors) {
    const PROTOCOLS: &[&str] = &["TCP", "UDP", "SCTP"];
    let (protocol, port, end) = (item.member("protocol"), item.member("port"), item.member("endPort"));
    if protocol.is_set() && !PROTOCOLS.contains(&protocol.text()) {
        errors.not_supported(&protocol, PROTOCOLS);
    }
    if let Some(number) = port.int_if_set() {
        for problem in port_number(number) {
            errors.invalid(&port, problem);
        }
        if end.is_set() && end.int() < number {
            errors.invalid(&port.shown_at(&end), "must be greater than or equal to `port`");
        }
        if end.is_set() {
            for problem in port_number(end.int()) {
                errors.invalid(&end, problem);
            }
        }
    } else if port.is_set() {
        if end.is_set() {
            errors.invalid(&end, "may not be specified when `port` is non-numeric");
        }
        errors.invalid_for_each(&port, port.text(), port_name(port.text()));
    } else if end.is_set() {
        errors.invalid(&end, "may not be specified when `port` is not specified");
    }
}

fn validate_peer(peer: &Located<'_, '_>, kept: &Kept<'_>, errors: &mut Errors) {
    let selectors = ["podSelector", "namespaceSelector"].map(|field| peer.member(field));
    for selector in &selectors {
        validate_label_selector(selector, kept.label_values, errors);
    }
    let block = peer.member("ipBlock");
    let selects = selectors.iter().any(Located::is_set);
    if block.is_set() {
        validate_block(&block, kept, errors);
    }
    if !selects && !block.is_set() {
        errors.required(peer, "must specify a peer");
    } else if selects && block.is_set() {
        errors.forbidden(peer, "may not specify both ipBlock and another peer");
    }
}

fn validate_block(block: &Located<'_, '_>, kept: &Kept<'_>, errors: &mut Errors) {
    let range = block.member("cidr");
    if range.is_empty() {
        errors.required(&range, "");
        return;
    }
    validate_cidr_for_legacy_field(&range, &kept.ranges, errors);
    let Some(network) = SloppyCidr::parse(range.text()).map(|range| range.network()) else { return };
    for except in block.member("except").items() {
        if errors.is_full() {
            return;
        }
        validate_cidr_for_legacy_field(&except, &kept.ranges, errors);
        let Some(inner) = SloppyCidr::parse(except.text()).map(|range| range.network()) else { continue };
        if !network.contains(inner.address()) || network.bits() >= inner.bits() {
            errors.invalid_value(&except, except.text(), "must be a strict subset of `cidr`");
        }
    }
}

fn warn(object: &Located<'_, '_>, _facts: &Facts<'_>, warnings: &mut Vec<String>) {
    let spec = object.member("spec");
    for (direction, peers) in DIRECTIONS {
        for rule in spec.member(direction).items() {
            for peer in rule.member(peers).items() {
                let block = peer.member("ipBlock");
                let range = block.member("cidr");
                warnings::address::cidr(&range, range.text(), warnings);
                warnings::address::cidrs(&block.member("except"), warnings);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::rules::workload::given::problems;

    #[test]
    fn ports_and_peers_are_checked() {
        let table: &[(&str, Option<&str>, &str)] = &[
            (
                r#"{"spec":{"ingress":[{"from":[{"ipBlock":{"cidr":"10.0.0.0/8","except":["10.1.0.0/16"]}}],"ports":[{"protocol":"TCP","port":65535,"endPort":65535}]}],"policyTypes":["Ingress","Egress"]}}"#,
                None,
                "",
            ),
            (
                r#"{"spec":{"ingress":[{"from":[{},{"ipBlock":{"cidr":"10.0.0.0/8","except":["10.0.0.0/8"]},"podSelector":{}}],"ports":[{"protocol":"X","port":2,"endPort":1},{"port":"a","endPort":1},{"endPort":1}]}]}}"#,
                None,
                r#"[spec.ingress[0].ports[0].protocol: Unsupported value: "X": supported values: "TCP", "UDP", "SCTP", spec.ingress[0].ports[0].endPort: Invalid value: 2: must be greater than or equal to `port`, spec.ingress[0].ports[1].endPort: Invalid value: 1: may not be specified when `port` is non-numeric, spec.ingress[0].ports[2].endPort: Invalid value: 1: may not be specified when `port` is not specified, spec.ingress[0].from[0]: Required value: must specify a peer, spec.ingress[0].from[1].ipBlock.except[0]: Invalid value: "10.0.0.0/8": must be a strict subset of `cidr`, spec.ingress[0].from[1]: Forbidden: may not specify both ipBlock and another peer]"#,
            ),
            (
                r#"{"spec":{"policyTypes":["X"]}}"#,
                None,
                r#"spec.policyTypes[0]: Unsupported value: "X": supported values: "Ingress", "Egress""#,
            ),
        ];
        for (object, old, wanted) in table {
            assert_eq!(problems(validate, object, *old), *wanted, "{object}");
        }
    }
}
