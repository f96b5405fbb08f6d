//! Events of both groups, which share storage.
//! k8s: pkg/registry/core/event/strategy.go

use crate::kinds::Rules;
use crate::value::names;

pub static EVENTS_RULES: Rules =
    Rules { allow_create_on_update: true, expires: true, owns: false, ..Rules::PLAIN };
pub static RULES: Rules = Rules { name: names::any, ..EVENTS_RULES };
