//! Selectors of nodes, by their labels and by their names.

use super::words::validate_label_key;
use crate::kinds::validation::{Errors, Located};
use crate::value::names;

const OPERATOR: &str = "not a valid selector operator";

/// A NodeSelector. `lets_values` lets label values pass that are none, as where a stored selector has some.
pub(in crate::kinds::rules) fn validate_node_selector(
    selector: &Located<'_, '_>,
    lets_values: bool,
    errors: &mut Errors,
) {
    let terms = selector.member("nodeSelectorTerms");
    if terms.is_empty() {
        errors.required(&terms, "must have at least one node selector term");
    }
    for term in terms.items() {
        if errors.is_full() {
            return;
        }
        validate_node_selector_term(&term, lets_values, errors);
    }
}

/// One NodeSelectorTerm.
pub(in crate::kinds::rules) fn validate_node_selector_term(
    term: &Located<'_, '_>,
    lets_values: bool,
    errors: &mut Errors,
) {
    let (expressions, fields) = (term.member("matchExpressions"), term.member("matchFields"));
    for expression in expressions.items() {
        validate_expression(&expression, lets_values, errors);
    }
    for field in fields.items() {
        validate_field(&field, errors);
    }
}

fn validate_expression(expression: &Located<'_, '_>, lets_values: bool, errors: &mut Errors) {
    let (key, operator) = (expression.member("key"), expression.member("operator"));
    let values = expression.member("values");
    match operator.text() {
        "In" | "NotIn" if values.is_empty() => {
            errors.required(&values, "must be specified when `operator` is 'In' or 'NotIn'");
        }
        "Exists" | "DoesNotExist" if !values.is_empty() => {
            errors.forbidden(&values, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
        }
        "Gt" | "Lt" if values.len() != 1 => {
            errors.required(&values, "must be specified single value when `operator` is 'Lt' or 'Gt'");
        }
        "In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt" => {}
        other => errors.invalid_value(&operator, other, OPERATOR),
    }
    validate_label_key(&key, errors);
    if lets_values {
        return;
    }
    for value in values.items() {
        errors.invalid_for_each(&value, value.text(), names::label_value(value.text()));
    }
}

/// Nodes can be chosen by one of their fields, which is their name.
fn validate_field(field: &Located<'_, '_>, errors: &mut Errors) {
    let (key, operator, values) = (field.member("key"), field.member("operator"), field.member("values"));
    match operator.text() {
        "In" | "NotIn" if values.len() != 1 => {
            let detail = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
            errors.required(&values, detail);
        }
        "In" | "NotIn" => {}
        other => errors.invalid_value(&operator, other, OPERATOR),
    }
    if key.text() != "metadata.name" {
        return errors.invalid_value(&key, key.text(), "not a valid field selector key");
    }
    for value in values.items() {
        errors.invalid_for_each(&value, value.text(), names::dns_subdomain(value.text(), false));
    }
}

/// Terms with weights.
pub(super) fn validate_preferred_terms(terms: &Located<'_, '_>, errors: &mut Errors) {
    for term in terms.items() {
        if errors.is_full() {
            return;
        }
        validate_weight(&term, errors);
        validate_node_selector_term(&term.member("preference"), true, errors);
    }
}

/// The weight of a term.
pub(super) fn validate_weight(term: &Located<'_, '_>, errors: &mut Errors) {
    let weight = term.member("weight");
    if !(1..=100).contains(&weight.int()) {
        errors.invalid_value(&weight, weight.int(), "must be in the range 1-100");
    }
}

/// Whether the terms that a node must match have label values that are none.
pub(in crate::kinds::rules) fn has_invalid_label_values(terms: &Located<'_, '_>) -> bool {
    terms.items().any(|term| {
        let expressions = term.member("matchExpressions");
        expressions.items().any(|expression| {
            let values = expression.member("values");
            values.items().any(|value| !names::label_value(value.text()).is_empty())
        })
    })
}
