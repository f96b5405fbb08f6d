//! Secrets.
//! k8s: pkg/registry/core/secret/strategy.go

use crate::kinds::Rules;

pub static RULES: Rules = Rules { ..Rules::PLAIN };
