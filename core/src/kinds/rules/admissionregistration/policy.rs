//! Admission policies.
//! k8s: pkg/apis/admissionregistration/validation/validation.go

use super::expressions::{PolicyExpressions, Purpose};
use super::matching::{validate_failure_policy, validate_match_conditions, validate_match_resources};
use crate::kinds::Facts;
use crate::kinds::metadata;
use crate::kinds::validation::{Errors, Located, internal_json_list, validate_conditions};
use crate::value::names::{dns_subdomain, dns1035_label, qualified_name};
use alloc::collections::BTreeSet;
use alloc::format;

const MAX_AUDIT_ANNOTATIONS: usize = 20;
const VALUE_EXPRESSION_BYTES: usize = 5 * 1024;
const REINVOCATIONS: &[&str] = &["IfNeeded", "Never"];
const REASONS: &[&str] = &["Forbidden", "Invalid", "RequestEntityTooLarge"];
/// What can be mutated is not what is deleted.
const MUTATED: &[&str] = &["*", "CONNECT", "CREATE", "UPDATE"];
/// Words of the expression language that name no variable.
const RESERVED: &str = "true false null in as break const continue else for function if import let loop package \
    namespace return var void while";

pub(super) fn validate_validating(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    let spec = object.member("spec");
    let variables = spec.member("variables");
    let mut expressions = PolicyExpressions::of(&spec, !variables.is_empty());
    validate_matching(&spec, facts, (false, expressions.has_params()), errors);
    validate_variables(&variables, &mut expressions, errors);
    let (validations, annotations) = (spec.member("validations"), spec.member("auditAnnotations"));
    if validations.is_empty() && annotations.is_empty() {
        for list in [&validations, &annotations] {
            errors.required(list, "validations or auditAnnotations must contain at least one item");
        }
        return;
    }
    for validation in validations.items() {
        if errors.is_full() {
            return;
        }
        validate_validation(&validation, &expressions, errors);
    }
    validate_audit_annotations(object, &annotations, &expressions, errors);
}

pub(super) fn validate_validating_update(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    metadata::validate(object, false, dns_subdomain, errors);
    validate_validating(object, facts, errors);
}

pub(super) fn validate_mutating(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    let spec = object.member("spec");
    let mut expressions = PolicyExpressions::of(&spec, true);
    validate_matching(&spec, facts, (true, expressions.has_params()), errors);
    validate_variables(&spec.member("variables"), &mut expressions, errors);
    let mutations = spec.member("mutations");
    if mutations.is_empty() {
        errors.required(&mutations, "mutations must contain at least one item");
    }
    for mutation in mutations.items() {
        if errors.is_full() {
            return;
        }
        validate_mutation(&mutation, &expressions, errors);
    }
    let reinvocation = spec.member("reinvocationPolicy");
    if reinvocation.is_empty() {
        errors.required(&reinvocation, "");
    } else if !REINVOCATIONS.contains(&reinvocation.text()) {
        errors.not_supported(&reinvocation, REINVOCATIONS);
    }
}

pub(super) fn validate_mutating_update(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    metadata::validate(object, false, dns_subdomain, errors);
    validate_mutating(object, facts, errors);
}

/// What both kinds of policies have: a failure policy, parameters, and what they match.
fn validate_matching(
    spec: &Located<'_, '_>,
    facts: &Facts<'_>,
    (mutates, has_params): (bool, bool),
    errors: &mut Errors,
) {
    let (failure, params) = (spec.member("failurePolicy"), spec.member("paramKind"));
    if failure.is_set() {
        validate_failure_policy(&failure, errors);
    } else {
        errors.required(&failure, "");
    }
    if params.is_set() {
        validate_param_kind(&params, errors);
    }
    let matched = spec.member("matchConstraints");
    if matched.is_set() {
        validate_match_resources(&matched, errors);
        let rules = matched.member("resourceRules");
        if rules.is_empty() {
            errors.required(&rules, "");
        }
        if mutates {
            validate_mutated_operations(&matched, errors);
        }
    } else {
        errors.required(&matched, "");
    }
    let (old, conditions) = (Located::root(facts.old), spec.member("matchConditions"));
    let old = old.member("spec");
    let same = conditions.value() == old.member("matchConditions").value()
        && params.value() == old.member("paramKind").value();
    if facts.is_create() || !same {
        validate_match_conditions(&conditions, has_params, errors);
    }
}

/// Upstream's path names the operations of no rule in particular.
pub(super) fn validate_mutated_operations(matched: &Located<'_, '_>, errors: &mut Errors) {
    let rules = matched.member("resourceRules");
    let shown = rules.member("operations");
    for rule in rules.items() {
        for operation in rule.member("operations").items() {
            if errors.is_full() {
                return;
            }
            if !MUTATED.contains(&operation.text()) {
                errors.not_supported_text(&operation.shown_at(&shown), MUTATED);
            }
        }
    }
}

fn validate_param_kind(params: &Located<'_, '_>, errors: &mut Errors) {
    let (version, kind) = (params.member("apiVersion"), params.member("kind"));
    let text = version.text();
    if text.is_empty() {
        errors.required(&version, "");
    } else if text.matches('/').count() > 1 {
        errors.invalid(&version, format_args!("unexpected GroupVersion string: {text}"));
    } else {
        let (group, number) = text.split_once('/').unwrap_or(("", text));
        let problems = dns_subdomain(group, false);
        if !group.is_empty() && !problems.is_empty() {
            errors.invalid_value(&version, group, problems.join(","));
        }
        let problems = dns1035_label(number, false);
        if number.is_empty() {
            errors.invalid(&version, "version must be specified");
        } else if !problems.is_empty() {
            errors.invalid_value(&version, number, problems.join(","));
        }
    }
    let problems = dns1035_label(&kind.text().to_lowercase(), false);
    if kind.is_empty() {
        errors.required(&kind, "");
    } else if !problems.is_empty() {
        let detail = format_args!("may have mixed case, but should otherwise match: {}", problems.join(","));
        errors.invalid(&kind, detail);
    }
}

fn validate_variables(variables: &Located<'_, '_>, expressions: &mut PolicyExpressions, errors: &mut Errors) {
    for variable in variables.items() {
        if errors.is_full() {
            return;
        }
        let (name, expression) = (variable.member("name"), variable.member("expression"));
        if name.text().trim().is_empty() {
            errors.required(&name, "name is not specified");
        } else if !is_identifier(name.text()) {
            errors.invalid(&name, "must be a valid CEL identifier");
        }
        if expression.text().trim().is_empty() {
            errors.required(&expression, "expression is not specified");
        } else if let Some(why) = expressions.variable(name.text(), expression.text()) {
            errors.invalid(&expression, why);
        }
    }
}

fn is_identifier(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let starts = name.bytes().next().is_some_and(|first| inner(first) && !first.is_ascii_digit());
    starts && name.bytes().all(inner) && !RESERVED.split(' ').any(|word| word == name)
}

fn validate_validation(validation: &Located<'_, '_>, expressions: &PolicyExpressions, errors: &mut Errors) {
    let (expression, reason) = (validation.member("expression"), validation.member("reason"));
    if expression.text().trim().is_empty() {
        errors.required(&expression, "expression is not specified");
    } else {
        expressions.validate(&expression, Purpose::Validation, errors);
    }
    let (dynamic, message) = (validation.member("messageExpression"), validation.member("message"));
    if !dynamic.is_empty() && dynamic.text().trim().is_empty() {
        errors.invalid(&dynamic, "must be non-empty if specified");
    } else if !dynamic.is_empty() {
        expressions.validate(&dynamic, Purpose::Message, errors);
    }
    let trimmed = message.text().trim();
    if !message.is_empty() && trimmed.is_empty() {
        errors.invalid(&message, "must be non-empty if specified");
    } else if trimmed.contains(['\n', '\r']) {
        errors.invalid(&message, "must not contain line breaks");
    }
    if reason.is_set() && !REASONS.contains(&reason.text()) {
        errors.not_supported(&reason, REASONS);
    }
}

fn validate_audit_annotations(
    object: &Located<'_, '_>,
    annotations: &Located<'_, '_>,
    expressions: &PolicyExpressions,
    errors: &mut Errors,
) {
    if annotations.len() > MAX_AUDIT_ANNOTATIONS {
        let shown = internal_json_list("AuditAnnotation", annotations.value());
        let detail = format_args!("must not have more than {MAX_AUDIT_ANNOTATIONS} auditAnnotations");
        errors.invalid_shown(annotations, &shown, detail);
    }
    let policy = object.at(&["metadata", "name"]).text();
    let mut keys = BTreeSet::new();
    for annotation in annotations.items() {
        if errors.is_full() {
            return;
        }
        let (key, value) = (annotation.member("key"), annotation.member("valueExpression"));
        if policy.is_empty() {
            errors.invalid_value(&key, key.text(), "requires metadata.name be non-empty");
        } else {
            let whole = format!("{policy}/{}", key.text());
            errors.invalid_for_each(&key, &whole, qualified_name(&whole));
        }
        let expression = value.text().trim();
        if expression.is_empty() {
            errors.required(&value, "valueExpression is not specified");
        } else if expression.len() > VALUE_EXPRESSION_BYTES {
            let detail = format_args!("must not exceed {VALUE_EXPRESSION_BYTES} bytes in length");
            errors.required(&value, detail);
        } else if let Some(why) = expressions.problem(expression, Purpose::AuditAnnotation) {
            errors.invalid(&value, why);
        }
        if !keys.insert(key.text()) {
            errors.duplicate_value(&key, key.text());
        }
    }
}

fn validate_mutation(mutation: &Located<'_, '_>, expressions: &PolicyExpressions, errors: &mut Errors) {
    let kind = mutation.member("patchType");
    let (patch, apply) = (mutation.member("jsonPatch"), mutation.member("applyConfiguration"));
    let (own, other, shown, purpose) = match kind.text() {
        "JSONPatch" => (patch, apply, "{applyConfiguration}", Purpose::JsonPatch),
        "ApplyConfiguration" => (apply, patch, "{jsonPatch}", Purpose::ApplyConfiguration),
        "" => {
            errors.required(&kind, "");
            return;
        }
        _ => {
            errors.not_supported(&kind, &["ApplyConfiguration", "JSONPatch"]);
            return;
        }
    };
    let expression = own.member("expression");
    if !own.is_set() {
        errors.required(&own, format_args!("must be specified when patchType is {}", kind.text()));
    } else if expression.text().trim().is_empty() {
        errors.required(&expression, "");
    } else {
        expressions.validate_trimmed(&expression, purpose, errors);
    }
    if other.is_set() {
        let detail = format_args!("must not be specified when patchType is {}", kind.text());
        errors.invalid_value(&other, shown, detail);
    }
}

pub(super) fn validate_status(object: &Located<'_, '_>, _facts: &Facts<'_>, errors: &mut Errors) {
    let status = object.member("status");
    for warning in status.at(&["typeChecking", "expressionWarnings"]).items() {
        if errors.is_full() {
            return;
        }
        let (text, field) = (warning.member("warning"), warning.member("fieldRef"));
        if text.is_empty() {
            errors.required(&text, "");
        }
        if field.text().trim().is_empty() {
            errors.required(&field, "");
        }
    }
    validate_conditions(&status.member("conditions"), errors);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::rules::workload::given::problems;

    #[test]
    fn policies_are_checked() {
        let table: &[(&str, Option<&str>, &str)] = &[
            (
                r#"{"metadata":{"name":"p"},"spec":{"failurePolicy":"Fail","matchConstraints":{"matchPolicy":"Exact","namespaceSelector":{},"objectSelector":{},"resourceRules":[{"operations":["CREATE"],"apiGroups":[""],"apiVersions":["v1"],"resources":["pods"]}]},"validations":[{"expression":"true","reason":"Invalid"}],"variables":[{"name":"_a1","expression":"1"}]}}"#,
                None,
                "",
            ),
            (
                r#"{"metadata":{"name":"p"},"spec":{"failurePolicy":"Warn","paramKind":{"apiVersion":"a/b/c","kind":""},"matchConstraints":{"matchPolicy":"Exact","namespaceSelector":{},"objectSelector":{}},"validations":[{"message":"a\nb"}],"variables":[{"name":"in","expression":" "}],"auditAnnotations":[{"key":"k"},{"key":"k","valueExpression":"1"}]}}"#,
                None,
                r#"[spec.failurePolicy: Unsupported value: "Warn": supported values: "Fail", "Ignore", spec.paramKind.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c, spec.paramKind.kind: Required value, spec.matchConstraints.resourceRules: Required value, spec.variables[0].name: Invalid value: "in": must be a valid CEL identifier, spec.variables[0].expression: Required value: expression is not specified, spec.validations[0].expression: Required value: expression is not specified, spec.validations[0].message: Invalid value: "a\nb": must not contain line breaks, spec.auditAnnotations[0].valueExpression: Required value: valueExpression is not specified, spec.auditAnnotations[1].valueExpression: Invalid value: "1": must evaluate to one of [string null_type] but got int, spec.auditAnnotations[1].key: Duplicate value: "k"]"#,
            ),
        ];
        for (object, old, wanted) in table {
            assert_eq!(problems(validate_validating, object, *old), *wanted, "{object}");
        }
    }
}
