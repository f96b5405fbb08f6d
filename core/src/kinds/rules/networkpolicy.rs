//! NetworkPolicies.
//! k8s: pkg/registry/networking/networkpolicy/strategy.go, pkg/apis/networking/v1/defaults.go

use super::fill::{Default, Fill, fill};
use super::warnings;
use crate::kinds::validation::Located;
use crate::kinds::{Facts, Generation, Rules, Strategy};
use crate::value::Value;
use alloc::string::String;
use alloc::vec::Vec;

pub static RULES: Rules = Rules {
    default,
    warnings_on_create: warn,
    update: Strategy { warnings_on_update: warn, ..Strategy::PLAIN },
    generation: Generation::Spec,
    ..Rules::PLAIN
};

const DEFAULTS: &[Default] = &[
    (&["spec", "ingress", "*", "ports", "*"], "protocol", Fill::Text("TCP")),
    (&["spec", "egress", "*", "ports", "*"], "protocol", Fill::Text("TCP")),
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

fn warn(object: &Located<'_, '_>, _facts: &Facts<'_>, warnings: &mut Vec<String>) {
    let spec = object.member("spec");
    for (direction, peers) in [("ingress", "from"), ("egress", "to")] {
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
