//! The Scale of an object: autoscaling/v1 Scale as a view of its replicas.
//! k8s: pkg/registry/apps/deployment/storage/storage.go scaleFromDeployment, and the same in other kinds' storages

use super::{Kind, ScalePaths};
use crate::selector::LabelSelector;
use crate::status::Failure;
use crate::value::{Map, Text, Value, object, quoted};
use alloc::format;
use alloc::string::{String, ToString};

pub const SCALE_API_VERSION: &str = "autoscaling/v1";
pub const SCALE_KIND: &str = "Scale";

/// What stands at a path.
fn at<'v>(value: &'v Value, path: &[Text]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, name| value.field(name))
}

/// The Scale of an object of a kind, which has it at these paths.
///
/// # Errors
/// A custom object without replicas, a selector that cannot be read.
pub fn scale_of(kind: &Kind, paths: &ScalePaths, value: &Value) -> Result<Value, Failure> {
    let mut metadata = Map::new();
    for field in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
        if let Some(held) = value.at(&["metadata", field]) {
            metadata.insert(field, held.clone());
        }
    }
    let mut scale = Value::empty_map();
    object::set_api_version_and_kind(&mut scale, SCALE_API_VERSION, SCALE_KIND);
    scale.set("metadata", metadata.into());
    let number = |path: &[Text]| at(value, path).and_then(Value::as_int).unwrap_or(0);
    if kind.is_custom() && at(value, &paths.replicas).is_none() {
        let path = quoted(&format!(".{}", paths.replicas.join(".")));
        return Err(Failure::internal(format!("the spec replicas field {path} does not exist")));
    }
    let mut spec = Map::new();
    if number(&paths.replicas) != 0 {
        spec.insert("replicas", Value::Int(number(&paths.replicas)));
    }
    scale.set("spec", spec.into());
    let mut status = Map::new();
    status.insert("replicas", Value::Int(number(&paths.status_replicas)));
    let selector = selector_text(kind, paths, value)?;
    if !selector.is_empty() {
        status.insert("selector", selector.into());
    }
    scale.set("status", status.into());
    Ok(scale)
}

/// The object's pod selector as text. Older kinds have plain labels instead of a LabelSelector.
fn selector_text(kind: &Kind, paths: &ScalePaths, value: &Value) -> Result<String, Failure> {
    if let Some(path) = &paths.selector {
        return Ok(at(value, path).and_then(Value::as_str).unwrap_or_default().into());
    }
    let selector = value.at(&["spec", "selector"]);
    let structured = selector.and_then(Value::as_map).is_some_and(|map| {
        map.iter().all(|(key, _)| matches!(key.as_str(), "matchLabels" | "matchExpressions"))
    });
    if kind.group.is_empty() || !structured {
        let labels = selector.and_then(Value::as_map).cloned().unwrap_or_default();
        return Ok(LabelSelector::from_labels(&labels).to_string());
    }
    let parsed = LabelSelector::from_object(selector).map_err(Failure::unclassified)?;
    Ok(parsed.to_string())
}

/// Puts the replicas of a Scale into an object.
pub fn set_replicas(paths: &ScalePaths, value: &mut Value, replicas: i64) {
    let path: alloc::vec::Vec<&str> = paths.replicas.iter().map(Text::as_str).collect();
    value.set_at(&path, Value::Int(replicas));
}
