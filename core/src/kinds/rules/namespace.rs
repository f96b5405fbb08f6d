//! Namespaces.
//! k8s: pkg/registry/core/namespace/strategy.go, pkg/apis/core/validation/validation.go

use super::status;
use crate::kinds::metadata::{validate_built_in, validate_finalizer_name};
use crate::kinds::validation::{Errors, Located};
use crate::kinds::{Facts, Rules, Strategy, Termination};
use crate::value::{Map, Value, names};

pub static RULES: Rules = Rules {
    name: names::dns_label,
    default,
    prepare_for_create,
    validate,
    update: Strategy { prepare_for_update, validate_update, ..status::UPDATE },
    subresources: &[
        ("finalize", Strategy { validate_update: validate_finalize, ..status::UPDATE }),
        ("status", Strategy { validate_update: validate_status_update, ..status::STATUS }),
    ],
    // A generated name was not there yet when the object was decoded.
    canonicalize: default,
    termination: Some(TERMINATION),
    ..Rules::PLAIN
};

/// k8s: pkg/registry/core/namespace/storage/storage.go,
/// staging/src/k8s.io/apiserver/pkg/admission/plugin/namespace/lifecycle/admission.go
const TERMINATION: Termination = Termination {
    mark: |object| object.set_at(&["status", "phase"], "Terminating".into()),
    held: |object| {
        object.at(&["spec", "finalizers"]).and_then(Value::as_list).is_some_and(|held| !held.is_empty())
    },
    protected: &["default", "kube-system", "kube-public"],
    protected_message: "this namespace may not be deleted",
};

/// The label by which selectors pick a namespace by its name.
const NAME_LABEL: &[&str] = &["metadata", "labels", "kubernetes.io/metadata.name"];

/// The finalizer that holds a namespace until its content is gone.
const FINALIZER: &str = "kubernetes";

fn default(object: &mut Value) {
    if object.text_at(&["status", "phase"]).is_empty() {
        object.set_at(&["status", "phase"], "Active".into());
    }
    let name = Value::str(object.text_at(&["metadata", "name"]));
    if name.as_str() != Some("") {
        object.set_at(NAME_LABEL, name);
    }
}

fn prepare_for_create(object: &mut Value, _facts: &Facts<'_>) {
    let mut status = Map::new();
    status.insert("phase", "Active".into());
    object.set("status", status.into());
    let path = &["spec", "finalizers"];
    let mut finalizers = object.at(path).and_then(Value::as_list).unwrap_or_default().to_vec();
    if !finalizers.iter().any(|held| held.as_str() == Some(FINALIZER)) {
        finalizers.push(FINALIZER.into());
        object.set_at(path, finalizers.into());
    }
}

/// Finalizers of the spec change through the finalize subresource alone.
fn prepare_for_update(object: &mut Value, facts: &Facts<'_>) {
    status::keep_status(object, facts);
    object.take(facts.old, &["spec", "finalizers"]);
}

/// Upstream's path names the list, and not which of its items is wrong.
fn validate(object: &Located<'_, '_>, _facts: &Facts<'_>, errors: &mut Errors) {
    let finalizers = object.at(&["spec", "finalizers"]);
    for finalizer in finalizers.items() {
        validate_finalizer_name(&finalizer.shown_at(&finalizers), errors);
    }
}

fn validate_update(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    // Upstream looks at the metadata of an update once more.
    validate_built_in(object, false, names::dns_label, errors);
    validate(object, facts, errors);
}

fn validate_finalize(object: &Located<'_, '_>, _facts: &Facts<'_>, errors: &mut Errors) {
    for finalizer in object.at(&["spec", "finalizers"]).items() {
        validate_finalizer_name(&finalizer, errors);
    }
}

fn validate_status_update(object: &Located<'_, '_>, _facts: &Facts<'_>, errors: &mut Errors) {
    let status = object.member("status");
    let phase = status.member("phase").shown_as("Phase");
    let (wanted, detail) = if object.at(&["metadata", "deletionTimestamp"]).is_set() {
        ("Terminating", "may only be 'Terminating' if `deletionTimestamp` is not empty")
    } else {
        ("Active", "may only be 'Active' if `deletionTimestamp` is empty")
    };
    if phase.text() != wanted {
        errors.invalid_value(&phase, phase.text(), detail);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json;
    use crate::kinds::facts::given::{InMemory, with_facts};

    #[test]
    fn finalizers_are_qualified_and_the_phase_fits() {
        type Check = fn(&Located<'_, '_>, &Facts<'_>, &mut Errors);
        const UNKNOWN: &str = "name is neither a standard finalizer name nor is it fully qualified";
        const ACTIVE: &str = "may only be 'Active' if `deletionTimestamp` is empty";
        let table: &[(Check, &str, &str, &str)] = &[
            (validate, r#"{"spec":{"finalizers":["kubernetes","a/b"]}}"#, "", ""),
            (
                validate,
                r#"{"spec":{"finalizers":["a"]}}"#,
                "spec.finalizers: Invalid value: \"a\": ",
                UNKNOWN,
            ),
            (
                validate_finalize,
                r#"{"spec":{"finalizers":["a"]}}"#,
                "spec.finalizers[0]: Invalid value: \"a\": ",
                UNKNOWN,
            ),
            (validate_status_update, r#"{"status":{"phase":"Active"}}"#, "", ""),
            (
                validate_status_update,
                r#"{"status":{"phase":"X"}}"#,
                "status.Phase: Invalid value: \"X\": ",
                ACTIVE,
            ),
            (
                validate_status_update,
                r#"{"metadata":{"deletionTimestamp":"t"},"status":{"phase":"Terminating"}}"#,
                "",
                "",
            ),
        ];
        for (check, object, place, detail) in table {
            let object = json::parse(object.as_bytes()).expect("JSON").value;
            let mut errors = Errors::new();
            with_facts(&InMemory::default(), |facts| check(&Located::root(&object), facts, &mut errors));
            let expected = alloc::format!("{place}{detail}");
            let summary = if errors.is_empty() { alloc::string::String::new() } else { errors.summary() };
            assert_eq!(summary, expected);
        }
    }
}
