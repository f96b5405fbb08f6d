//! ResourceQuotas.
//! k8s: pkg/registry/core/resourcequota/strategy.go

use super::status;
use crate::kinds::Rules;

pub static RULES: Rules = Rules { returns_deleted: true, ..status::SPLIT };
