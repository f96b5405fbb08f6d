//! PodDisruptionBudgets.
//! k8s: pkg/registry/policy/poddisruptionbudget/strategy.go

use super::status;
use crate::kinds::{Generation, Rules};

pub static RULES: Rules =
    Rules { generation: Generation::Spec, allow_unconditional_update: false, ..status::SPLIT };
