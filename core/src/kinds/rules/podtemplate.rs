//! PodTemplates.
//! k8s: pkg/registry/core/podtemplate/strategy.go

use crate::kinds::{Generation, Rules};

pub static RULES: Rules = Rules { generation: Generation::Spec, ..Rules::PLAIN };
