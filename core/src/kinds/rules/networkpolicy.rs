//! NetworkPolicies.
//! k8s: pkg/registry/networking/networkpolicy/strategy.go, pkg/apis/networking/v1/defaults.go

use super::fill::{Default, Fill, fill};
use crate::kinds::{Generation, Rules};
use crate::value::Value;

pub static RULES: Rules = Rules { default, generation: Generation::Spec, ..Rules::PLAIN };

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
