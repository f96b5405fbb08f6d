//! Namespaces.
//! k8s: pkg/registry/core/namespace/strategy.go

use super::status;
use crate::kinds::{Facts, Rules, Strategy, Termination};
use crate::value::names;
use crate::value::{Map, Value};

pub static RULES: Rules = Rules {
    name: names::dns_label,
    default,
    prepare_for_create,
    update: Strategy { prepare_for_update, ..status::UPDATE },
    subresources: &[("finalize", status::UPDATE), ("status", status::STATUS)],
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
