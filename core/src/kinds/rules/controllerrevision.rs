//! ControllerRevisions.
//! k8s: pkg/registry/apps/controllerrevision/strategy.go

use crate::kinds::Rules;

pub static RULES: Rules = Rules { ..Rules::PLAIN };
