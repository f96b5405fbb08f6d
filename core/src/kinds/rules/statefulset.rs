//! StatefulSets.
//! k8s: pkg/registry/apps/statefulset/strategy.go

use super::status;
use crate::kinds::{Generation, Rules, names};

pub static RULES: Rules = Rules { name: names::dns_label, generation: Generation::Spec, ..status::SPLIT };
