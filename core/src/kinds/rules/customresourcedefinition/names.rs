//! The names of the resource that a definition defines.
//! k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation/validation.go
//! ValidateCustomResourceDefinitionNames

use crate::kinds::validation::{Errors, Located};
use crate::value::names::dns1035_label;

/// The names that a spec must have, and a status need not.
pub(super) fn validate_required_names(names: &Located<'_, '_>, errors: &mut Errors) {
    for field in ["plural", "singular", "kind", "listKind"] {
        let name = names.member(field);
        if name.is_empty() {
            errors.required(&name, "");
        }
    }
}

pub(super) fn validate_names(names: &Located<'_, '_>, errors: &mut Errors) {
    for field in ["plural", "singular"] {
        let name = names.member(field);
        let problems = dns1035_label(name.text(), false);
        if !name.is_empty() && !problems.is_empty() {
            errors.invalid(&name, problems.join(","));
        }
    }
    for field in ["kind", "listKind"] {
        let name = names.member(field);
        let problems = dns1035_label(&name.text().to_lowercase(), false);
        if !name.is_empty() && !problems.is_empty() {
            let problems = problems.join(",");
            errors
                .invalid(&name, format_args!("may have mixed case, but should otherwise match: {problems}"));
        }
    }
    validate_labels(&names.member("shortNames"), errors);
    let (kind, list) = (names.member("kind"), names.member("listKind"));
    if !kind.is_empty() && kind.text() == list.text() {
        errors.invalid(&list, "kind and listKind may not be the same");
    }
    validate_labels(&names.member("categories"), errors);
}

fn validate_labels(list: &Located<'_, '_>, errors: &mut Errors) {
    for name in list.items() {
        if errors.is_full() {
            return;
        }
        let problems = dns1035_label(name.text(), false);
        if !problems.is_empty() {
            errors.invalid_value(&name, name.text(), problems.join(","));
        }
    }
}
