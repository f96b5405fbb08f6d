//! Ingresses and IngressClasses.
//! k8s: pkg/registry/networking/ingress/strategy.go, ingressclass/strategy.go

use super::status;
use crate::kinds::{Generation, Rules};

pub static RULES: Rules = Rules { generation: Generation::Spec, ..status::SPLIT };
pub static CLASS: Rules = Rules { generation: Generation::Spec, ..Rules::PLAIN };
