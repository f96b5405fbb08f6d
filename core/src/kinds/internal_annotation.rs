//! Annotations that upstream holds as fields of its internal types and writes as annotations only into whole objects:
//! metadata alone are shown without them.
//! k8s: pkg/apis/apps/v1/conversion.go

use crate::value::{Value, object};

const INTERNAL: &[(&str, &str, &str)] = &[
    ("apps/v1", "DaemonSet", "deprecated.daemonset.template.generation"),
    ("apps/v1", "Deployment", "deprecated.deployment.rollback.revision"),
];

/// Removes such an annotation from an object, which is of a stored version.
pub fn hide(object: &mut Value) {
    let named = (object::api_version(object), object::kind(object));
    let held = INTERNAL.iter().find(|(version, kind, _)| (*version, *kind) == named);
    if let Some((_, _, key)) = held.filter(|(_, _, key)| object::annotation(object, key).is_some()) {
        object::remove_annotation(object, key);
    }
}

/// Whether objects of a kind may have such an annotation.
pub fn is_in(api_version: &str, kind: &str) -> bool {
    INTERNAL.iter().any(|(version, held, _)| (*version, *held) == (api_version, kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_a_field_elsewhere_is_hidden() {
        let key = "deprecated.daemonset.template.generation";
        for (kind, left) in [("DaemonSet", 0), ("StatefulSet", 1)] {
            let mut object = Value::empty_map();
            object::set_api_version_and_kind(&mut object, "apps/v1", kind);
            object::set_annotation(&mut object, key, "1");
            hide(&mut object);
            assert_eq!(object::annotations(&object).map_or(0, crate::value::Map::len), left, "{kind}");
            assert_eq!(is_in("apps/v1", kind), left == 0, "{kind}");
        }
    }
}
