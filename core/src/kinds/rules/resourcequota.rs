//! ResourceQuotas.
//! k8s: pkg/registry/core/resourcequota/strategy.go

use super::fill::round_amounts;
use super::status;
use crate::kinds::Rules;
use crate::value::Value;

pub static RULES: Rules = Rules { default, returns_deleted: true, ..status::SPLIT };

fn default(object: &mut Value) {
    round_amounts(object, &[&["spec", "hard"], &["status", "hard"], &["status", "used"]]);
}
