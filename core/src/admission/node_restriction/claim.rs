//! Claims: a kubelet that resizes a volume writes the size and the conditions of its claim, and nothing else.
//! k8s: plugin/pkg/admission/noderestriction/admission.go admitPVCStatus

use super::{AdmissionOperation, Opinion, Restricted};
use crate::status::Failure;
use crate::value::{Value, quoted};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// What it writes, and what does not count.
const WRITTEN: [&[&str]; 6] = [
    &["metadata", "resourceVersion"],
    &["metadata", "managedFields"],
    &["status", "capacity"],
    &["status", "conditions"],
    &["status", "allocatedResourceStatuses"],
    &["status", "allocatedResources"],
];

impl Restricted<'_> {
    pub(super) fn claim_status(&self) -> Result<Opinion, Failure> {
        match self.attributes.operation {
            AdmissionOperation::Update => {}
            AdmissionOperation::Create => return self.refuse("unexpected operation \"CREATE\""),
            AdmissionOperation::Delete => return self.refuse("unexpected operation \"DELETE\""),
            AdmissionOperation::Connect => return Ok(Opinion::Admitted),
        }
        let changed = changed_fields(self.attributes.old, self.object);
        if changed.is_empty() {
            return Ok(Opinion::Admitted);
        }
        // Upstream shows the difference as lines of both objects.
        let (node, changed) = (quoted(self.node), changed.join(", "));
        self.refuse(&format!(
            "node {node} is not allowed to update fields other than status.quantity and status.conditions: {changed}"
        ))
    }
}

/// The fields, two levels deep, in which two claims differ beside those that kubelets write.
fn changed_fields(old: &Value, new: &Value) -> Vec<String> {
    let [old, new] = [old, new].map(|claim| {
        let mut claim = claim.clone();
        for path in WRITTEN {
            claim.remove_at(path);
        }
        claim
    });
    let mut changed = Vec::new();
    for part in ["metadata", "spec", "status"] {
        let names = |claim: &Value| -> Vec<String> {
            let members = claim.field(part).and_then(Value::as_map);
            members.into_iter().flat_map(|map| map.iter()).map(|(name, _)| name.as_str().into()).collect()
        };
        let mut all = names(&old);
        all.extend(names(&new));
        all.sort();
        all.dedup();
        let is_set = |held: &&Value| !matches!(held, Value::Null) && !is_empty(held);
        all.retain(|name| old.at(&[part, name]).filter(is_set) != new.at(&[part, name]).filter(is_set));
        changed.extend(all.into_iter().map(|name| format!("{part}.{name}")));
    }
    changed
}

/// No entries are as good as none.
fn is_empty(value: &Value) -> bool {
    value.as_list().is_some_and(<[Value]>::is_empty) || value.as_map().is_some_and(|map| map.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json;

    #[test]
    fn sizes_and_conditions_may_change() {
        let old = r#"{"metadata":{"name":"a","resourceVersion":"1"},"spec":{"volumeName":"v"},
            "status":{"phase":"Bound","capacity":{"storage":"1Gi"}}}"#;
        let cases = [
            (old.replace("1Gi", "2Gi"), ""),
            (old.replace("\"1\"", "\"2\""), ""),
            (old.replace("\"capacity\":{\"storage\":\"1Gi\"}", "\"conditions\":[{\"type\":\"x\"}]"), ""),
            (old.replace("\"name\":\"a\"", "\"name\":\"a\",\"labels\":{}"), ""),
            (old.replace("\"name\":\"a\"", "\"name\":\"a\",\"labels\":{\"b\":\"c\"}"), "metadata.labels"),
            (old.replace("Bound", "Lost").replace("\"v\"", "\"w\""), "spec.volumeName, status.phase"),
        ];
        let parsed = |text: &str| json::parse(text.as_bytes()).expect("JSON").value;
        for (new, expected) in cases {
            assert_eq!(changed_fields(&parsed(old), &parsed(&new)).join(", "), expected, "{new}");
        }
    }
}
