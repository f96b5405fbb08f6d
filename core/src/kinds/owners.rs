//! Owner references that repeat others.
//! k8s: staging/src/k8s.io/apiserver/pkg/endpoints/handlers/create.go dedupOwnerReferences

use crate::codec::json;
use crate::value::{Text, Value};
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Removes owner references that repeat an earlier one in every member; returns the UIDs of those.
/// k8s: staging/src/k8s.io/apiserver/pkg/endpoints/handlers/create.go dedupOwnerReferences
pub fn remove_repeated_owner_references(object: &mut Value) -> Vec<Text> {
    if references(object).len() < 2 {
        return Vec::new();
    }
    // Equal references are written in the same way, and texts can be looked up.
    let mut kept: BTreeSet<Vec<u8>> = BTreeSet::new();
    let mut repeated = Vec::new();
    let mut unique = Vec::new();
    for reference in references(object) {
        if kept.insert(json::to_vec(reference)) {
            unique.push(reference.clone());
        } else {
            repeated.push(reference.text_at(&["uid"]).into());
        }
    }
    if !repeated.is_empty() {
        object.set_at(&["metadata", "ownerReferences"], Value::list(unique));
    }
    repeated
}

/// The warning of a request that repeats owner references.
pub fn repeated_owner_references_warning(uids: &[Text], after_mutating_admission: bool) -> String {
    let when = if after_mutating_admission { " after mutating admission happens" } else { "" };
    format!(
        ".metadata.ownerReferences contains duplicate entries{when}; API server dedups owner references in \
         1.20+, and may reject such requests as early as 1.24; please fix your requests; \
         duplicate UID(s) observed: {}",
        uids.join(", ")
    )
}

fn references(object: &Value) -> &[Value] {
    object.at(&["metadata", "ownerReferences"]).and_then(Value::as_list).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::object;

    #[test]
    fn owner_references_that_repeat_others_go() {
        let reference = |uid: &str, name: &str| {
            let members = [("uid".into(), uid.into()), ("name".into(), name.into())];
            Value::map(members.into_iter().collect())
        };
        let mut object = Value::empty_map();
        let all =
            alloc::vec![reference("u", "a"), reference("u", "b"), reference("v", "c"), reference("u", "a")];
        object.set_at(&["metadata", "ownerReferences"], Value::list(all));
        assert_eq!(remove_repeated_owner_references(&mut object), ["u"]);
        assert_eq!(
            object::owner_references(&object).map(|owner| owner.name).collect::<Vec<_>>(),
            ["a", "b", "c"]
        );
        assert!(remove_repeated_owner_references(&mut object).is_empty());
    }
}
