//! Roles and their bindings.
//! k8s: pkg/registry/rbac, pkg/apis/rbac/v1/defaults.go, pkg/apis/rbac/validation/validation.go

use super::fill::{Default, Fill, each, fill, set_unset};
use crate::kinds::metadata::validate_built_in;
use crate::kinds::validation::{Errors, Located, internal_json, validate_label_selector};
use crate::kinds::{Facts, Rules, Strategy};
use crate::value::Value;
use crate::value::names::{self, dns_subdomain, path_segment};

/// The names of all are any that fit into a path, and a PUT creates what is not there.
const NAMED: Rules = Rules { name: names::path_segment, allow_create_on_update: true, ..Rules::PLAIN };

pub static ROLE: Rules = Rules {
    validate: validate_role,
    update: Strategy { validate_update: validate_role_update, ..Strategy::PLAIN },
    ..NAMED
};
pub static CLUSTER_ROLE: Rules = Rules {
    validate: |object, _, errors| validate_cluster_role(object, false, errors),
    update: Strategy { validate_update: validate_cluster_role_update, ..Strategy::PLAIN },
    ..NAMED
};
pub static BINDING: Rules = Rules {
    default: default_binding,
    validate: |object, _, errors| validate_binding(object, true, errors),
    update: Strategy {
        validate_update: |object, facts, errors| validate_binding_update(object, facts, true, errors),
        ..Strategy::PLAIN
    },
    ..NAMED
};
pub static CLUSTER_BINDING: Rules = Rules {
    default: default_binding,
    validate: |object, _, errors| validate_binding(object, false, errors),
    update: Strategy {
        validate_update: |object, facts, errors| validate_binding_update(object, facts, false, errors),
        ..Strategy::PLAIN
    },
    ..NAMED
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

fn validate_role(object: &Located<'_, '_>, _facts: &Facts<'_>, errors: &mut Errors) {
    validate_rules(object, true, errors);
}

fn validate_role_update(object: &Located<'_, '_>, _facts: &Facts<'_>, errors: &mut Errors) {
    validate_built_in(object, true, path_segment, errors);
    validate_rules(object, true, errors);
}

/// `kept` lets label values pass that are none, which the stored role has.
fn validate_cluster_role(object: &Located<'_, '_>, kept: bool, errors: &mut Errors) {
    validate_rules(object, false, errors);
    let rule = object.member("aggregationRule");
    if !rule.is_set() {
        return;
    }
    let selectors = rule.member("clusterRoleSelectors");
    if selectors.is_empty() {
        errors
            .required(&selectors, "at least one clusterRoleSelector required if aggregationRule is non-nil");
    }
    for selector in selectors.items() {
        if errors.is_full() {
            return;
        }
        validate_label_selector(&selector, kept, errors);
        // What cannot be made a selector is said once more, with the empty one that was made.
        let mut wrong = Errors::new();
        validate_label_selector(&selector, false, &mut wrong);
        if !wrong.is_empty() {
            errors.invalid_shown(&selector, "null", "invalid label selector.");
        }
    }
}

fn validate_cluster_role_update(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    let old = Located::root(facts.old);
    let mut held = Errors::new();
    for selector in old.at(&["aggregationRule", "clusterRoleSelectors"]).items() {
        validate_label_selector(&selector, false, &mut held);
    }
    validate_built_in(object, false, path_segment, errors);
    validate_cluster_role(object, !held.is_empty(), errors);
}

fn validate_rules(object: &Located<'_, '_>, namespaced: bool, errors: &mut Errors) {
    for rule in object.member("rules").items() {
        if errors.is_full() {
            return;
        }
        validate_rule(&rule, namespaced, errors);
    }
}

fn validate_rule(rule: &Located<'_, '_>, namespaced: bool, errors: &mut Errors) {
    let (verbs, urls) = (rule.member("verbs"), rule.member("nonResourceURLs"));
    let (groups, resources) = (rule.member("apiGroups"), rule.member("resources"));
    if verbs.is_empty() {
        errors.required(&verbs, "verbs must contain at least one value");
    }
    if !urls.is_empty() {
        if namespaced {
            errors.invalid(&urls, "namespaced rules cannot apply to non-resource URLs");
        }
        if [&groups, &resources, &rule.member("resourceNames")].iter().any(|list| !list.is_empty()) {
            errors.invalid(&urls, "rules cannot apply to both regular resources and non-resource URLs");
        }
        return;
    }
    if groups.is_empty() {
        errors.required(&groups, "resource rules must supply at least one api group");
    }
    if resources.is_empty() {
        errors.required(&resources, "resource rules must supply at least one resource");
    }
}

fn validate_binding(object: &Located<'_, '_>, namespaced: bool, errors: &mut Errors) {
    let role = object.member("roleRef");
    let (group, kind, name) = (role.member("apiGroup"), role.member("kind"), role.member("name"));
    if group.text() != GROUP {
        errors.not_supported_text(&group, &[GROUP]);
    }
    let kinds: &[&str] = if namespaced { &["Role", "ClusterRole"] } else { &["ClusterRole"] };
    if !kinds.contains(&kind.text()) {
        errors.not_supported_text(&kind, kinds);
    }
    if name.is_empty() {
        errors.required(&name, "");
    } else {
        errors.invalid_for_each(&name, name.text(), path_segment(name.text(), false));
    }
    for subject in object.member("subjects").items() {
        if errors.is_full() {
            return;
        }
        validate_subject(&subject, namespaced, errors);
    }
}

fn validate_subject(subject: &Located<'_, '_>, namespaced: bool, errors: &mut Errors) {
    let (kind, name) = (subject.member("kind"), subject.member("name"));
    let (group, namespace) = (subject.member("apiGroup"), subject.member("namespace"));
    if name.is_empty() {
        errors.required(&name, "");
    }
    match kind.text() {
        "ServiceAccount" => {
            if !name.is_empty() {
                errors.invalid_for_each(&name, name.text(), dns_subdomain(name.text(), false));
            }
            if !group.is_empty() {
                errors.not_supported_text(&group, &[""]);
            }
            if !namespaced && namespace.is_empty() {
                errors.required(&namespace, "");
            }
        }
        "User" | "Group" => {
            if group.text() != GROUP {
                errors.not_supported_text(&group, &[GROUP]);
            }
        }
        _ => errors.not_supported_text(&kind, &["ServiceAccount", "User", "Group"]),
    }
}

fn validate_binding_update(
    object: &Located<'_, '_>,
    facts: &Facts<'_>,
    namespaced: bool,
    errors: &mut Errors,
) {
    validate_built_in(object, namespaced, path_segment, errors);
    validate_binding(object, namespaced, errors);
    let (role, old) = (object.member("roleRef"), Located::root(facts.old));
    let old = old.member("roleRef");
    let same = |field: &'static str| role.member(field).text() == old.member(field).text();
    if !["apiGroup", "kind", "name"].into_iter().all(same) {
        errors.invalid_shown(&role, &internal_json("RoleRef", role.value()), "cannot change roleRef");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::rules::workload::given::problems;

    #[test]
    fn bindings_name_a_role_and_its_subjects() {
        let table: &[(&str, Option<&str>, &str)] = &[
            (
                r#"{"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"r"},"subjects":[{"kind":"ServiceAccount","name":"s"},{"kind":"User","name":"U 1","apiGroup":"rbac.authorization.k8s.io"}]}"#,
                None,
                "",
            ),
            (
                r#"{"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"Pod","name":"a/b"}}"#,
                None,
                r#"[roleRef.kind: Unsupported value: "Pod": supported values: "Role", "ClusterRole", roleRef.name: Invalid value: "a/b": may not contain '/']"#,
            ),
            (
                r#"{"roleRef":{"apiGroup":"","kind":"Role","name":""},"subjects":[{"kind":"Group","name":"g"}]}"#,
                None,
                r#"[roleRef.apiGroup: Unsupported value: "": supported values: "rbac.authorization.k8s.io", roleRef.name: Required value, subjects[0].apiGroup: Unsupported value: "": supported values: "rbac.authorization.k8s.io"]"#,
            ),
        ];
        for (object, old, wanted) in table {
            assert_eq!(
                problems(|object, _, errors| validate_binding(object, true, errors), object, *old),
                *wanted,
                "{object}"
            );
        }
    }
}
