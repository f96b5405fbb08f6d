//! EndpointSlices.
//! k8s: pkg/registry/discovery/endpointslice/strategy.go

use crate::kinds::{Generation, Rules};

pub static RULES: Rules = Rules { generation: Generation::SpecAndLabels, ..Rules::PLAIN };
