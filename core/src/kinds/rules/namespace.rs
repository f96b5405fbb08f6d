//! Namespaces.
//! k8s: pkg/registry/core/namespace/strategy.go

use super::status;
use crate::kinds::{Rules, names};

pub static RULES: Rules = Rules { name: names::dns_label, ..status::SPLIT };
