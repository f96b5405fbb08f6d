//! ConfigMaps.
//! k8s: pkg/registry/core/configmap/strategy.go

use crate::kinds::Rules;

pub static RULES: Rules = Rules { ..Rules::PLAIN };
