//! Dynamic resource allocation: classes, claims, templates and slices.
//! k8s: pkg/registry/resource

use super::status;
use crate::kinds::{Generation, Rules};

pub static DEVICE_CLASS: Rules = Rules { generation: Generation::Spec, ..Rules::PLAIN };
pub static CLAIM: Rules = Rules { ..status::SPLIT };
pub static CLAIM_TEMPLATE: Rules = Rules { ..Rules::PLAIN };
pub static SLICE: Rules = Rules { generation: Generation::Spec, ..Rules::PLAIN };
