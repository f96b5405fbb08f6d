//! Ingresses and IngressClasses.
//! k8s: pkg/registry/networking/ingress/strategy.go, ingressclass/strategy.go

mod class;
mod validation;

use super::fill::{Default, Fill, fill};
use super::{status, warnings};
use crate::kinds::validation::Located;
use crate::kinds::{Facts, Generation, Rules, Strategy};
use crate::value::Value;
use alloc::string::String;
use alloc::vec::Vec;

pub static RULES: Rules = Rules {
    validate: validation::validate,
    warnings_on_create,
    update: Strategy { validate_update: validation::validate_update, ..status::UPDATE },
    subresources: &[("status", STATUS)],
    generation: Generation::Spec,
    ..status::SPLIT
};
pub static CLASS: Rules = Rules {
    default: default_class,
    validate: class::validate,
    update: Strategy { validate_update: class::validate_update, ..Strategy::PLAIN },
    generation: Generation::Spec,
    ..Rules::PLAIN
};

const STATUS: Strategy = Strategy {
    validate_update: validation::validate_status,
    warnings_on_update: warnings::load_balancer,
    ..status::STATUS
};

/// The annotation that was there before `ingressClassName`.
const INGRESS_CLASS: &str = "kubernetes.io/ingress.class";

const CLASS_DEFAULTS: &[Default] = &[(&["spec", "parameters"], "scope", Fill::TextOfPointer("Cluster"))];

fn default_class(object: &mut Value) {
    fill(object, CLASS_DEFAULTS);
}

fn warnings_on_create(object: &Located<'_, '_>, _facts: &Facts<'_>, warnings: &mut Vec<String>) {
    let by_annotation = object.at(&["metadata", "annotations"]).key(INGRESS_CLASS).is_set();
    if by_annotation && !object.at(&["spec", "ingressClassName"]).is_set() {
        let text = "annotation \"kubernetes.io/ingress.class\" is deprecated, please use 'spec.ingressClassName' instead";
        warnings.push(text.into());
    }
}
