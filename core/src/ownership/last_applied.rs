//! kubectl's annotation of client-side apply, and how its owner comes to server-side apply without conflicts.
//! k8s: staging/src/k8s.io/apimachinery/pkg/util/managedfields/internal/{lastapplied,lastappliedmanager,
//! lastappliedupdater}.go

use super::entries::FieldOwner;
use super::form::Schema;
use super::set::FieldSet;
use crate::codec::json;
use crate::limits;
use crate::value::{Map, Value, object};
use alloc::string::String;
use alloc::vec::Vec;

/// The manager for which the annotation is read and kept.
pub(super) const KUBECTL: &str = "kubectl";

const ANNOTATION: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Fields that the object has as they were last applied by the client; None when that cannot be told.
pub(super) fn allowed(schema: &Schema<'_>, version: &str, live: &Value) -> Option<FieldSet> {
    let text = object::annotation(live, ANNOTATION).filter(|text| !text.is_empty())?;
    let applied = json::parse(text.as_bytes()).ok()?.value;
    if object::api_version(&applied) != version || object::kind(&applied).is_empty() {
        return None;
    }
    schema.check(&applied).ok()?;
    let comparison = schema.compare(&applied, live).ok()?;
    let set = schema.fields_of(&applied);
    Some(set.difference(&comparison.modified).difference(&comparison.added).difference(&comparison.removed))
}

/// Conflicts without those that are allowed.
pub(super) fn without_allowed(
    conflicts: Vec<(FieldOwner, FieldSet)>,
    allowed: &FieldSet,
) -> Vec<(FieldOwner, FieldSet)> {
    let left = conflicts.into_iter().map(|(owner, set)| (owner, set.difference(allowed)));
    left.filter(|(_, set)| !set.is_empty()).collect()
}

/// Puts the configuration into the annotation, if the object has one.
pub(super) fn refresh(object: &mut Value, configuration: &Value) {
    if object::annotation(object, ANNOTATION).is_none_or(str::is_empty) {
        return;
    }
    let mut configuration = configuration.clone();
    object::remove_annotation(&mut configuration, ANNOTATION);
    let mut text: String = json::to_string(&configuration);
    text.push('\n');
    object::set_annotation(object, ANNOTATION, &text);
    let size = |annotations: &Map| -> usize {
        let sizes =
            annotations.iter().map(|(key, value)| key.len() + value.as_str().unwrap_or_default().len());
        sizes.sum()
    };
    if object::annotations(object).is_some_and(|annotations| size(annotations) > limits::ANNOTATIONS_BYTES) {
        object::remove_annotation(object, ANNOTATION);
    }
}
