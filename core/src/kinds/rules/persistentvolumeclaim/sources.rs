//! What a claim is filled from: `dataSource` and `dataSourceRef` say the same, in an old and a new way.
//! k8s: pkg/api/persistentvolumeclaim/util.go

use crate::kinds::rules::fill::is_unset;
use crate::value::{Map, Value};

/// Drops sources that are not served. A reference into another namespace needs a feature that is off, and an old
/// source that names neither a claim nor a snapshot is ignored as it always was; what a stored claim has may stay.
pub(super) fn drop_disabled(object: &mut Value, old: &Value) {
    let in_use = |field: &str| !is_unset(old.field("spec").unwrap_or(&Value::Null), field);
    let Some(spec) = object.field_mut("spec") else { return };
    if !spec.text_at(&["dataSourceRef", "namespace"]).is_empty() && !in_use("dataSourceRef") {
        spec.remove_at(&["dataSourceRef"]);
    }
    if in_use("dataSource") || in_use("dataSourceRef") || !is_unset(spec, "dataSourceRef") {
        return;
    }
    let source = (spec.text_at(&["dataSource", "apiGroup"]), spec.text_at(&["dataSource", "kind"]));
    if !matches!(source, ("", "PersistentVolumeClaim") | ("snapshot.storage.k8s.io", "VolumeSnapshot")) {
        spec.remove_at(&["dataSource"]);
    }
}

/// Each of the two fills in the other, where it can say it.
pub(super) fn mirror(object: &mut Value) {
    let Some(spec) = object.field_mut("spec") else { return };
    let held = |field: &str| spec.field(field).filter(|held| !held.is_null()).cloned();
    match (held("dataSource"), held("dataSourceRef")) {
        (Some(source), None) => spec.set("dataSourceRef", reference(&source)),
        (None, Some(reference_held)) if reference_held.text_at(&["namespace"]).is_empty() => {
            spec.set("dataSource", reference(&reference_held));
        }
        (Some(_) | None, Some(_)) | (None, None) => {}
    }
}

/// The members that both have.
fn reference(source: &Value) -> Value {
    let mut out = Map::new();
    for field in ["apiGroup", "kind", "name"] {
        if let Some(held) = source.field(field).filter(|held| !held.is_null()) {
            out.insert(field, held.clone());
        }
    }
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json;

    #[test]
    fn sources_are_dropped_and_mirrored() {
        let snapshot = r#"{"apiGroup":"snapshot.storage.k8s.io","kind":"VolumeSnapshot","name":"s"}"#;
        let claim = r#"{"kind":"PersistentVolumeClaim","name":"c"}"#;
        let pod = r#"{"kind":"Pod","name":"p"}"#;
        let both = |source: &str| format!(r#"{{"spec":{{"dataSource":{source},"dataSourceRef":{source}}}}}"#);
        let one = |field: &str, source: &str| format!(r#"{{"spec":{{"{field}":{source}}}}}"#);
        let away = r#"{"kind":"X","name":"x","namespace":"n"}"#;
        let empty = r#"{"spec":{}}"#;
        let table = [
            (one("dataSource", snapshot), empty, both(snapshot)),
            (one("dataSource", claim), empty, both(claim)),
            (one("dataSource", pod), empty, empty.into()),
            (one("dataSource", pod), &both(claim), both(pod)),
            (one("dataSourceRef", pod), empty, both(pod)),
            (one("dataSourceRef", away), empty, empty.into()),
            (one("dataSourceRef", away), &one("dataSourceRef", away), one("dataSourceRef", away)),
        ];
        let parsed = |text: &str| json::parse(text.as_bytes()).expect("JSON").value;
        for (claim, old, expected) in table {
            let mut object = parsed(&claim);
            drop_disabled(&mut object, &parsed(old));
            mirror(&mut object);
            assert_eq!(json::to_string(&object), expected, "{claim}");
        }
    }

    use alloc::format;
}
