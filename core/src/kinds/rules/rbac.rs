//! Roles, ClusterRoles and their bindings.
//! k8s: pkg/registry/rbac, pkg/apis/rbac/v1/defaults.go

use super::fill::{Default, Fill, each, fill, set_unset};
use crate::kinds::Rules;
use crate::value::Value;
use crate::value::names;

pub static ROLE: Rules = Rules { name: names::path_segment, allow_create_on_update: true, ..Rules::PLAIN };
pub static BINDING: Rules = Rules {
    name: names::path_segment,
    default: default_binding,
    allow_create_on_update: true,
    ..Rules::PLAIN
};

const GROUP: &str = "rbac.authorization.k8s.io";

const BINDING_DEFAULTS: &[Default] = &[(&["roleRef"], "apiGroup", Fill::Text(GROUP))];

fn default_binding(object: &mut Value) {
    fill(object, BINDING_DEFAULTS);
    each(object, &["subjects", "*"], &mut |subject| {
        if matches!(subject.text_at(&["kind"]), "User" | "Group") {
            set_unset(subject, "apiGroup", Fill::Text(GROUP));
        }
    });
}
