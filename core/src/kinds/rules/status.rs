//! The status of an object belongs to the status subresource: other writes leave it alone.

use crate::kinds::{Facts, ResetFields, Rules, Strategy};
use crate::value::Value;

/// The rules of a kind that has a status subresource, and nothing else of its own.
pub(super) const SPLIT: Rules = Rules {
    prepare_for_create: drop_status,
    update: UPDATE,
    subresources: &[("status", STATUS)],
    ..Rules::PLAIN
};

/// Updates of an object that carry its status over.
pub(super) const UPDATE: Strategy = Strategy {
    prepare_for_update: keep_status,
    reset_fields: ResetFields::Only(&[&["status"]]),
    ..Strategy::PLAIN
};

/// Updates of a status, which take metadata too.
pub(super) const STATUS: Strategy = Strategy {
    prepare_for_update: |object, facts| take_status(object, facts.old, &[]),
    reset_fields: ResetFields::Only(&[&["spec"]]),
    ..Strategy::PLAIN
};

/// Updates of a status, for the kinds whose status takes none of the metadata that a client may change.
pub(super) const STATUS_ALONE: Strategy = Strategy {
    prepare_for_update: |object, facts| take_status(object, facts.old, METADATA),
    reset_fields: ResetFields::Only(&[&["metadata"], &["spec"]]),
    ..Strategy::PLAIN
};

/// The metadata that a writer of the status cannot change, for the kinds that let it change none of its own.
/// k8s: staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/helpers.go ResetObjectMetaForStatus
pub(super) const METADATA: &[&str] =
    &["annotations", "deletionTimestamp", "finalizers", "labels", "ownerReferences", "selfLink"];

/// A creator sets no status.
pub(super) fn drop_status(object: &mut Value, _facts: &Facts<'_>) {
    object.remove_at(&["status"]);
}

/// An updater of the object carries the status over.
pub(super) fn keep_status(object: &mut Value, facts: &Facts<'_>) {
    object.take(facts.old, &["status"]);
}

/// Reduces an update to the status and to metadata, of which these members stay as they were too.
pub(super) fn take_status(object: &mut Value, old: &Value, kept_metadata: &[&str]) {
    let mut out = old.clone();
    out.take(object, &["status"]);
    take_metadata(&mut out, object, old, kept_metadata);
    *object = out;
}

/// Takes over metadata from another object, but for these members, which are the old one's.
pub(super) fn take_metadata(out: &mut Value, from: &Value, old: &Value, kept: &[&str]) {
    out.take(from, &["metadata"]);
    for field in kept {
        out.take(old, &["metadata", field]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json;
    use crate::kinds::facts::given::{InMemory, with_facts};
    use alloc::string::String;

    const OLD: &str = r#"{"metadata":{"labels":{"a":"old"},"managedFields":[1]},"spec":1,"status":{"x":1}}"#;
    const NEW: &str = r#"{"metadata":{"labels":{"a":"new"},"managedFields":[2]},"spec":2,"status":{"x":2}}"#;

    fn prepared(strategy: &Strategy) -> String {
        let parsed = |text: &str| json::parse(text.as_bytes()).expect("JSON").value;
        let (mut new, old) = (parsed(NEW), parsed(OLD));
        with_facts(&InMemory::default(), |facts| {
            (strategy.prepare_for_update)(&mut new, &facts.of_update("status", &old));
        });
        json::to_string(&new)
    }

    #[test]
    fn each_write_leaves_what_belongs_to_others() {
        assert_eq!(prepared(&UPDATE), NEW.replace(r#"{"x":2}"#, r#"{"x":1}"#));
        assert_eq!(prepared(&STATUS), NEW.replace(r#""spec":2"#, r#""spec":1"#));
        let kept = NEW.replace(r#""spec":2"#, r#""spec":1"#).replace("new", "old");
        assert_eq!(prepared(&STATUS_ALONE), kept);
    }
}
