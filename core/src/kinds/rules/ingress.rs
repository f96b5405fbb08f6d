//! Ingresses and IngressClasses.
//! k8s: pkg/registry/networking/ingress/strategy.go, ingressclass/strategy.go

use super::fill::{Default, Fill, fill};
use super::{status, warnings};
use crate::kinds::{Generation, Rules};
use crate::value::{Value, object};
use alloc::string::String;
use alloc::vec::Vec;

pub static RULES: Rules = Rules {
    generation: Generation::Spec,
    warnings: warn,
    status_warnings: warnings::load_balancer,
    ..status::SPLIT
};
pub static CLASS: Rules = Rules { default: default_class, generation: Generation::Spec, ..Rules::PLAIN };

const CLASS_DEFAULTS: &[Default] = &[(&["spec", "parameters"], "scope", Fill::Text("Cluster"))];

fn default_class(object: &mut Value) {
    fill(object, CLASS_DEFAULTS);
}

fn warn(object: &Value, old: Option<&Value>) -> Vec<String> {
    let by_annotation = object::annotation(object, "kubernetes.io/ingress.class").is_some();
    if old.is_some() || !by_annotation || warnings::is_set(object, &["spec", "ingressClassName"]) {
        return Vec::new();
    }
    let text = "annotation \"kubernetes.io/ingress.class\" is deprecated, please use 'spec.ingressClassName' instead";
    alloc::vec![text.into()]
}
