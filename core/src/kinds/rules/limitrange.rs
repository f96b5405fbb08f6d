//! LimitRanges.
//! k8s: pkg/registry/core/limitrange/strategy.go

use crate::kinds::Rules;

pub static RULES: Rules = Rules { create_on_update: true, ..Rules::PLAIN };
