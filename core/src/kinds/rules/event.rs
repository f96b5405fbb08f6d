//! Events of both groups, which share storage.
//! k8s: pkg/registry/core/event/strategy.go

use crate::kinds::{Rules, names};

pub static RULES: Rules = Rules { name: names::any, create_on_update: true, expires: true, ..Rules::PLAIN };
pub static EVENTS_RULES: Rules = Rules { create_on_update: true, expires: true, ..Rules::PLAIN };
