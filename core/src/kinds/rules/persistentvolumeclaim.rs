//! PersistentVolumeClaims.
//! k8s: pkg/registry/core/persistentvolumeclaim/strategy.go

use super::status;
use crate::kinds::Rules;

pub static RULES: Rules = Rules { ..status::SPLIT };
