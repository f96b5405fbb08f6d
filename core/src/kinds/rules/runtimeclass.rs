//! RuntimeClasses.
//! k8s: pkg/registry/node/runtimeclass/strategy.go

use crate::kinds::Rules;

pub static RULES: Rules = Rules { create_on_update: true, unconditional_update: false, ..Rules::PLAIN };
