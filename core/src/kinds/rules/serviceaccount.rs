//! ServiceAccounts.
//! k8s: pkg/registry/core/serviceaccount/strategy.go

use crate::kinds::Rules;

pub static RULES: Rules = Rules { unconditional_update: false, returns_deleted: true, ..Rules::PLAIN };
