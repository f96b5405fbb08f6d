//! Where a pod wants to run: near to or far from nodes and other pods.

use super::context::PodContext;
use super::node_selector::{validate_node_selector, validate_preferred_terms, validate_weight};
use super::selectors::{each_term, validate_term};
use crate::kinds::validation::{Errors, Located};

pub(super) fn validate_affinity(affinity: &Located<'_, '_>, context: &PodContext<'_>, errors: &mut Errors) {
    let nodes = affinity.member("nodeAffinity");
    let required = nodes.member("requiredDuringSchedulingIgnoredDuringExecution");
    if required.is_set() {
        validate_node_selector(&required, context.lets_label_values_in_node_affinity, errors);
    }
    validate_preferred_terms(&nodes.member("preferredDuringSchedulingIgnoredDuringExecution"), errors);
    let lets_values = context.lets_label_values_in_selectors;
    for pods in ["podAffinity", "podAntiAffinity"] {
        each_term(&affinity.member(pods), errors, validate_weight, &mut |term, errors| {
            validate_term(term, lets_values, errors);
        });
    }
}
