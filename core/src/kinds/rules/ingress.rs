//! Ingresses and IngressClasses.
//! k8s: pkg/registry/networking/ingress/strategy.go, ingressclass/strategy.go

use super::fill::{Default, Fill, fill};
use super::status;
use crate::kinds::{Generation, Rules};
use crate::value::Value;

pub static RULES: Rules = Rules { generation: Generation::Spec, ..status::SPLIT };
pub static CLASS: Rules = Rules { default: default_class, generation: Generation::Spec, ..Rules::PLAIN };

const CLASS_DEFAULTS: &[Default] = &[(&["spec", "parameters"], "scope", Fill::Text("Cluster"))];

fn default_class(object: &mut Value) {
    fill(object, CLASS_DEFAULTS);
}
