//! Leases.
//! k8s: pkg/registry/coordination/lease/strategy.go

use crate::kinds::Rules;

pub static RULES: Rules =
    Rules { allow_create_on_update: true, allow_unconditional_update: false, ..Rules::PLAIN };
