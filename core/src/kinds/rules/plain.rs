//! What is not stored: reviews, bindings, component statuses.
//! k8s: pkg/registry/authorization, pkg/registry/authentication

use crate::kinds::Rules;
use crate::value::names;

/// No name is asked for, none is judged.
pub static VIRTUAL: Rules = Rules { name: names::any, ..Rules::PLAIN };
