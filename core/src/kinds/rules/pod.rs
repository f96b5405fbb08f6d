//! Pods.
//! k8s: pkg/registry/core/pod/strategy.go

use super::status;
use crate::kinds::{Generation, Rules};

pub static RULES: Rules = Rules { generation: Generation::Spec, ..status::SPLIT };
