//! Roles, ClusterRoles and their bindings.
//! k8s: pkg/registry/rbac

use crate::kinds::{Rules, names};

pub static ROLE: Rules = Rules { name: names::path_segment, create_on_update: true, ..Rules::PLAIN };
pub static BINDING: Rules = Rules { name: names::path_segment, create_on_update: true, ..Rules::PLAIN };
