//! What a CustomResourceDefinition defines, for those that are established.
//! k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/customresource_handler.go getOrCreateServingInfoFor,
//! customresource_discovery_controller.go

use super::converter::Converter;
use super::custom::{DefinedColumn, DefinedScale, DefinedTypes, DefinedVersion, Definition};
use super::{Approval, Scope, compare_versions};
use crate::codec::json;
use crate::value::{Text, Value};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// The schema of a version that has none: an object of anything.
pub(super) const FREE: &str = r#"{"type":"object","x-kubernetes-preserve-unknown-fields":true}"#;

/// Whether a condition of a definition is true.
pub fn has_condition(definition: &Value, kind: &str) -> bool {
    condition(definition, kind).is_some_and(|condition| condition.text_at(&["status"]) == "True")
}

/// A condition of a definition by its type.
pub fn condition<'a>(definition: &'a Value, kind: &str) -> Option<&'a Value> {
    let conditions = definition.at(&["status", "conditions"]).and_then(Value::as_list).unwrap_or_default();
    conditions.iter().find(|condition| condition.text_at(&["type"]) == kind)
}

/// Whether the condition about the approval of a definition is as it is to be.
pub fn is_approval_told(definition: &Value) -> bool {
    let Some(approval) = Approval::of(definition) else { return true };
    let Some(told) = condition(definition, "KubernetesAPIApprovalPolicyConformant") else { return false };
    let (status, reason, message) = approval.condition();
    told.text_at(&["status"]) == status
        && told.text_at(&["reason"]) == reason
        && told.text_at(&["message"]) == message
}

impl Definition {
    /// What an object of apiextensions.k8s.io/v1 defines; None while it is not established. Its names are those that
    /// were accepted.
    pub fn of_object(definition: &Value) -> Option<Self> {
        if !has_condition(definition, "Established") {
            return None;
        }
        let name = |field: &str| definition.text_at(&["status", "acceptedNames", field]).into();
        let group: Text = definition.text_at(&["spec", "group"]).into();
        let listed = definition.at(&["spec", "versions"]).and_then(Value::as_list).unwrap_or_default();
        let stored = listed.iter().find(|version| flag(version, "storage"))?;
        let kind: Text = name("kind");
        let list_kind: Text = match definition.text_at(&["status", "acceptedNames", "listKind"]) {
            "" => format!("{kind}List").into(),
            name => name.into(),
        };
        let mut listed: Vec<&Value> = listed.iter().collect();
        listed.sort_by(|one, other| compare_versions(one.text_at(&["name"]), other.text_at(&["name"])));
        let newest = listed.iter().find(|version| flag(version, "served") && !flag(version, "deprecated"));
        let newest = newest.map_or("", |version| version.text_at(&["name"]));
        let of_version = |version: &&Value| defined_version(version, &group, &kind, newest);
        let versions: Vec<DefinedVersion> = listed.iter().map(of_version).collect();
        Some(Self {
            group,
            kind,
            list_kind,
            plural: name("plural"),
            singular: name("singular"),
            scope: match definition.text_at(&["spec", "scope"]) {
                "Cluster" => Scope::Cluster,
                _ => Scope::Namespaced,
            },
            short: texts(definition.at(&["status", "acceptedNames", "shortNames"])),
            categories: texts(definition.at(&["status", "acceptedNames", "categories"])),
            versions,
            stored: stored.text_at(&["name"]).into(),
            converter: Converter::of_object(definition).map(Arc::new),
        })
    }
}

fn flag(value: &Value, field: &str) -> bool {
    value.field(field).and_then(Value::as_bool).unwrap_or(false)
}

fn texts(list: Option<&Value>) -> Vec<Text> {
    let list = list.and_then(Value::as_list).unwrap_or_default();
    list.iter().filter_map(Value::as_str).map(Into::into).collect()
}

/// `newest` is the best version to use instead of a deprecated one; empty for none.
fn defined_version(version: &Value, group: &str, kind: &str, newest: &str) -> DefinedVersion {
    let name = version.text_at(&["name"]);
    let schema = version.at(&["schema", "openAPIV3Schema"]).filter(|schema| !schema.is_null());
    let columns = version.field("additionalPrinterColumns").and_then(Value::as_list).unwrap_or_default();
    let fields = version.field("selectableFields").and_then(Value::as_list).unwrap_or_default();
    let deprecation = match version.text_at(&["deprecationWarning"]) {
        _ if !flag(version, "deprecated") => String::new(),
        // An older version is no replacement.
        "" if newest.is_empty() || compare_versions(newest, name).is_gt() => {
            format!("{group}/{name} {kind} is deprecated")
        }
        "" => format!("{group}/{name} {kind} is deprecated; use {group}/{newest} {kind}"),
        warning => warning.into(),
    };
    DefinedVersion {
        name: name.into(),
        is_served: flag(version, "served"),
        types: DefinedTypes::Schema(
            schema.map_or_else(|| FREE.into(), |schema| json::to_string(schema).into()),
        ),
        has_status: version.at(&["subresources", "status"]).is_some_and(|status| !status.is_null()),
        scale: version.at(&["subresources", "scale"]).filter(|scale| !scale.is_null()).map(defined_scale),
        fields: fields.iter().map(|field| dotted(field.text_at(&["jsonPath"]))).collect(),
        columns: columns.iter().map(column).collect(),
        deprecation: deprecation.into(),
    }
}

fn defined_scale(scale: &Value) -> DefinedScale {
    DefinedScale {
        replicas: dotted(scale.text_at(&["specReplicasPath"])),
        status_replicas: dotted(scale.text_at(&["statusReplicasPath"])),
        selector: dotted(scale.text_at(&["labelSelectorPath"])),
    }
}

fn column(column: &Value) -> DefinedColumn {
    DefinedColumn {
        name: column.text_at(&["name"]).into(),
        kind: column.text_at(&["type"]).into(),
        format: column.text_at(&["format"]).into(),
        description: column.text_at(&["description"]).into(),
        priority: column.field("priority").and_then(Value::as_int).unwrap_or(0),
        path: column.text_at(&["jsonPath"]).into(),
    }
}

/// A simple path of JSONPath without the dot at its start.
fn dotted(path: &str) -> Text {
    path.strip_prefix('.').unwrap_or(path).into()
}
