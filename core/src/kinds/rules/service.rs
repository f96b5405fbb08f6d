//! Services.
//! k8s: pkg/registry/core/service/strategy.go

use super::status;
use crate::kinds::{Rules, names};

pub static RULES: Rules = Rules { name: names::dns1035_label, create_on_update: true, ..status::SPLIT };
