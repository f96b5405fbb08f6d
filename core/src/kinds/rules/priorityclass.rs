//! PriorityClasses.
//! k8s: pkg/registry/scheduling/priorityclass/strategy.go

use crate::kinds::{Generation, Rules};

pub static RULES: Rules = Rules { generation: Generation::Spec, ..Rules::PLAIN };
