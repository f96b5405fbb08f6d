//! Deployments.
//! k8s: pkg/registry/apps/deployment/strategy.go

use super::status;
use crate::kinds::{Generation, Rules};

pub static RULES: Rules = Rules { generation: Generation::SpecAndAnnotations, ..status::SPLIT };
