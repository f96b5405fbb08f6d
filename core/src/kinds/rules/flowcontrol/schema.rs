//! What a FlowSchema must look like.
//! k8s: pkg/apis/flowcontrol/validation/validation.go ValidateFlowSchema

use super::mandatory;
use super::validate_conditions_by_type;
use crate::kinds::Facts;
use crate::kinds::metadata::validate_built_in;
use crate::kinds::validation::{Errors, Located, internal_json};
use crate::value::Map;
use crate::value::names::{dns_label, dns_subdomain};

const MAX_PRECEDENCE: i64 = 10000;
const VERBS: &[&str] =
    &["create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"];

pub(super) fn validate(object: &Located<'_, '_>, _facts: &Facts<'_>, errors: &mut Errors) {
    let (spec, name) = (object.member("spec"), object.at(&["metadata", "name"]).text());
    validate_spec(&spec, name, errors);
    if mandatory::schema(name).is_some_and(|fixed| spec.value() != Some(&fixed)) {
        let detail = format_args!("spec of '{name}' must equal the fixed value");
        errors.invalid_shown(&spec, &internal_json("FlowSchemaSpec", spec.value()), detail);
    }
    validate_conditions_by_type(object, errors);
}

pub(super) fn validate_update(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    validate_built_in(object, false, dns_subdomain, errors);
    validate(object, facts, errors);
}

fn validate_spec(spec: &Located<'_, '_>, name: &str, errors: &mut Errors) {
    let precedence = spec.member("matchingPrecedence");
    let number = precedence.int();
    if number <= 0 {
        errors.invalid_value(&precedence, number, "must be a positive value");
    }
    if number > MAX_PRECEDENCE {
        errors.invalid(&precedence, format_args!("must not be greater than {MAX_PRECEDENCE}"));
    }
    if number == 1 && name != mandatory::EXEMPT {
        errors.invalid(&precedence, "only the schema named 'exempt' may have matchingPrecedence 1");
    }
    let method = spec.member("distinguisherMethod");
    let kind = method.member("type");
    if method.is_set() && !matches!(kind.text(), "ByNamespace" | "ByUser") {
        let mut shown = Map::new();
        shown.insert("Type", kind.text().into());
        errors.not_supported_value(&kind, shown, &["ByNamespace", "ByUser"]);
    }
    let level = spec.at(&["priorityLevelConfiguration", "name"]);
    if level.is_empty() {
        errors.required(&level, "must reference a priority level");
    } else {
        errors.invalid_for_each(&level, level.text(), dns_subdomain(level.text(), false));
    }
    for rule in spec.member("rules").items() {
        if errors.is_full() {
            return;
        }
        validate_rule(&rule, errors);
    }
}

fn validate_rule(rule: &Located<'_, '_>, errors: &mut Errors) {
    let subjects = rule.member("subjects");
    if subjects.is_empty() {
        errors.required(&subjects, "subjects must contain at least one value");
    }
    subjects.items().for_each(|subject| validate_subject(&subject, errors));
    let (resources, others) = (rule.member("resourceRules"), rule.member("nonResourceRules"));
    if resources.is_empty() && others.is_empty() {
        let detail = "at least one of resourceRules and nonResourceRules has to be non-empty";
        errors.required(rule, detail);
    }
    resources.items().for_each(|rule| validate_resource_rule(&rule, errors));
    others.items().for_each(|rule| validate_non_resource_rule(&rule, errors));
}

fn validate_subject(subject: &Located<'_, '_>, errors: &mut Errors) {
    const MEMBERS: [(&str, &str); 3] =
        [("ServiceAccount", "serviceAccount"), ("User", "user"), ("Group", "group")];
    let kind = subject.member("kind");
    let Some((_, own)) = MEMBERS.iter().find(|(of_kind, _)| *of_kind == kind.text()) else {
        errors.not_supported_text(&kind, &["Group", "ServiceAccount", "User"]);
        return;
    };
    validate_subject_member(&subject.member(own), kind.text(), own, errors);
    for (of_kind, field) in MEMBERS.iter().filter(|(_, field)| field != own) {
        let other = subject.member(field);
        if other.is_set() {
            let detail = format_args!("{field} is forbidden when subject kind is not '{of_kind}'");
            errors.forbidden(&other, detail);
        }
    }
}

fn validate_subject_member(member: &Located<'_, '_>, kind: &str, field: &str, errors: &mut Errors) {
    if !member.is_set() {
        errors.required(member, format_args!("{field} is required when subject kind is '{kind}'"));
        return;
    }
    let (name, namespace) = (member.member("name"), member.member("namespace"));
    if name.is_empty() {
        errors.required(&name, "");
    }
    if kind != "ServiceAccount" {
        return;
    }
    if !matches!(name.text(), "" | "*") {
        errors.invalid_for_each(&name, name.text(), dns_subdomain(name.text(), false));
    }
    if namespace.is_empty() {
        errors.required(&namespace, "must specify namespace for service account");
    } else {
        errors.invalid_for_each(&namespace, namespace.text(), dns_label(namespace.text(), false));
    }
}

fn has_wildcard(list: &Located<'_, '_>) -> bool {
    list.items().any(|item| item.text() == "*")
}

fn validate_verbs(verbs: &Located<'_, '_>, errors: &mut Errors) {
    if verbs.is_empty() {
        errors.required(verbs, "verbs must contain at least one value");
    } else if has_wildcard(verbs) {
        if verbs.len() > 1 {
            errors.invalid(verbs, "if '*' is present, must not specify other verbs");
        }
    } else if !verbs.items().all(|verb| VERBS.contains(&verb.text())) {
        errors.not_supported(verbs, VERBS);
    }
}

fn validate_non_resource_rule(rule: &Located<'_, '_>, errors: &mut Errors) {
    validate_verbs(&rule.member("verbs"), errors);
    let urls = rule.member("nonResourceURLs");
    if urls.is_empty() {
        errors.required(&urls, "nonResourceURLs must contain at least one value");
    } else if has_wildcard(&urls) {
        if urls.len() > 1 {
            errors.invalid(&urls, "if '*' is present, must not specify other non-resource URLs");
        }
    } else {
        for url in urls.items() {
            if let Some(problem) = url_problem(url.text()) {
                errors.invalid_value(&url, url.text(), problem);
            }
        }
    }
}

/// What is wrong with the path of a URL that leads to no resource.
fn url_problem(path: &str) -> Option<&'static str> {
    let wildcards = path.matches('*').count();
    match path {
        "" => Some("must not be empty"),
        "/" => None,
        _ if !path.starts_with('/') => Some("must start with slash"),
        _ if path.contains(' ') => Some("must not contain white-space"),
        _ if path.contains("//") => Some("must not contain double slash"),
        _ if wildcards > 1 || (wildcards == 1 && !path.ends_with("/*")) => {
            Some("wildcard can only do suffix matching")
        }
        _ => None,
    }
}

fn validate_resource_rule(rule: &Located<'_, '_>, errors: &mut Errors) {
    validate_verbs(&rule.member("verbs"), errors);
    for (field, one, several) in
        [("apiGroups", "api group", "api groups"), ("resources", "resource", "resources")]
    {
        let list = rule.member(field);
        if list.is_empty() {
            errors.required(&list, format_args!("resource rules must supply at least one {one}"));
        } else if list.len() > 1 && has_wildcard(&list) {
            errors.invalid(&list, format_args!("if '*' is present, must not specify other {several}"));
        }
    }
    let namespaces = rule.member("namespaces");
    if namespaces.is_empty() && !rule.member("clusterScope").bool() {
        let detail = "resource rules that are not cluster scoped must supply at least one namespace";
        errors.required(&namespaces, detail);
    } else if has_wildcard(&namespaces) {
        if namespaces.len() > 1 {
            errors.invalid(&namespaces, "if '*' is present, must not specify other namespaces");
        }
    } else {
        for namespace in namespaces.items() {
            for problem in dns_label(namespace.text(), false) {
                let detail =
                    format_args!("each member of this list must be '*' or a DNS-1123 label; {problem}");
                errors.invalid_value(&namespace, namespace.text(), detail);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_urls_are_told_from_others() {
        for good in ["/", "/a", "/a/*", "/healthz"] {
            assert_eq!(url_problem(good), None, "{good}");
        }
        for bad in ["", "a", "/a b", "//", "/a*", "/*/b", "/a/*/*", "/**"] {
            assert!(url_problem(bad).is_some(), "{bad}");
        }
    }
}
