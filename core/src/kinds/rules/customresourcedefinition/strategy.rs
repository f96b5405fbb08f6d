//! CustomResourceDefinitions.
//! k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/registry/customresourcedefinition/strategy.go,
//! pkg/apis/apiextensions/v1/defaults.go

use super::super::fill::{Default, Fill, fill};
use super::super::status;
use super::{validation, warnings};
use crate::kinds::{Facts, Generation, Rules, Strategy, Termination};
use crate::value::{Map, Value, names, object};
use alloc::format;

pub static RULES: Rules = Rules {
    name: names::any,
    default,
    prepare_for_create,
    validate: validation::validate,
    warnings_on_create: warnings::warn,
    update: Strategy {
        prepare_for_update,
        validate_update: validation::validate_update,
        warnings_on_update: warnings::warn,
        ..status::UPDATE
    },
    subresources: &[("status", Strategy { validate_update: validation::validate_status, ..status::STATUS })],
    generation: Generation::Spec,
    allow_unconditional_update: false,
    standard_finalizers: false,
    termination: Some(TERMINATION),
    ..status::SPLIT
};

/// A definition stays until its objects are gone.
/// k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/registry/customresourcedefinition/etcd.go Delete
const TERMINATION: Termination = Termination { mark, held: |_| false, protected: &[], protected_message: "" };

fn mark(definition: &mut Value) {
    const CONDITIONS: &[&str] = &["status", "conditions"];
    object::add_finalizer(definition, "customresourcecleanup.apiextensions.k8s.io");
    let mut condition = Map::new();
    condition.insert("type", "Terminating".into());
    condition.insert("status", "True".into());
    let time = Value::str(definition.text_at(&["metadata", "deletionTimestamp"]));
    condition.insert("lastTransitionTime", time);
    condition.insert("reason", "InstanceDeletionPending".into());
    let message = "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon";
    condition.insert("message", message.into());
    let mut conditions = definition.at(CONDITIONS).and_then(Value::as_list).unwrap_or_default().to_vec();
    conditions.retain(|held| held.text_at(&["type"]) != "Terminating");
    conditions.push(condition.into());
    definition.set_at(CONDITIONS, Value::list(conditions));
}

const DEFAULTS: &[Default] =
    &[(&["spec", "conversion", "webhook", "clientConfig", "service"], "port", Fill::Int(443))];

fn default(object: &mut Value) {
    if object.at(&["spec", "conversion"]).is_none_or(Value::is_null) && object.field("spec").is_some() {
        object.set_at(&["spec", "conversion", "strategy"], "None".into());
    }
    fill(object, DEFAULTS);
    let Some(names) = object.at(&["spec", "names"]) else { return };
    let kind = names.text_at(&["kind"]);
    if kind.is_empty() {
        return;
    }
    let implied = [("singular", kind.to_lowercase()), ("listKind", format!("{kind}List"))];
    for (field, name) in implied {
        if object.text_at(&["spec", "names", field]).is_empty() {
            object.set_at(&["spec", "names", field], name.into());
        }
    }
}

/// A new definition has stored objects, if any, in its storage version.
fn prepare_for_create(object: &mut Value, _facts: &Facts<'_>) {
    object.set("status", Value::empty_map());
    note_storage_version(object);
}

/// A definition may have stored objects in every version that ever was its storage version.
fn prepare_for_update(object: &mut Value, facts: &Facts<'_>) {
    status::keep_status(object, facts);
    note_storage_version(object);
}

fn note_storage_version(object: &mut Value) {
    const STORED: &[&str] = &["status", "storedVersions"];
    let versions = object.at(&["spec", "versions"]).and_then(Value::as_list).unwrap_or_default();
    let stored =
        versions.iter().find(|version| version.field("storage").and_then(Value::as_bool) == Some(true));
    let Some(name) = stored.map(|version| Value::str(version.text_at(&["name"]))) else { return };
    let mut noted = object.at(STORED).and_then(Value::as_list).unwrap_or_default().to_vec();
    if !noted.contains(&name) {
        noted.push(name);
        object.set_at(STORED, Value::list(noted));
    }
}
