//! NetworkPolicies.
//! k8s: pkg/registry/networking/networkpolicy/strategy.go

use crate::kinds::{Generation, Rules};

pub static RULES: Rules = Rules { generation: Generation::Spec, ..Rules::PLAIN };
