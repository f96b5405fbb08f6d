//! NetworkPolicies.
//! k8s: pkg/registry/networking/networkpolicy/strategy.go, pkg/apis/networking/v1/defaults.go

use super::fill::{Default, Fill, fill};
use super::warnings;
use crate::kinds::{Generation, Rules};
use crate::value::Value;
use alloc::string::String;
use alloc::vec::Vec;

pub static RULES: Rules = Rules { default, warnings: warn, generation: Generation::Spec, ..Rules::PLAIN };

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

fn warn(object: &Value, _old: Option<&Value>) -> Vec<String> {
    let mut out = Vec::new();
    for (direction, peers) in [("ingress", "from"), ("egress", "to")] {
        for (index, rule) in warnings::items(object, &["spec", direction]).iter().enumerate() {
            let path = warnings::path(&["spec", direction]).index(index).child(peers);
            for (index, peer) in warnings::items(rule, &[peers]).iter().enumerate() {
                let Some(block) = peer.field("ipBlock").filter(|block| !block.is_null()) else { continue };
                let path = path.index(index).child("ipBlock");
                warnings::address::cidr(&path.child("cidr"), block.text_at(&["cidr"]), &mut out);
                let except = warnings::items(block, &["except"]);
                warnings::address::cidrs(&path.child("except"), except, &mut out);
            }
        }
    }
    out
}
