//! Leases.
//! k8s: pkg/registry/coordination/lease/strategy.go

use crate::kinds::Rules;

pub static RULES: Rules = Rules { create_on_update: true, unconditional_update: false, ..Rules::PLAIN };
