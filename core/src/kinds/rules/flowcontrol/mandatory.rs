//! The objects without which no server runs. Nobody can change what they say, save for how much the exempt level
//! lends.
//! k8s: staging/src/k8s.io/apiserver/pkg/apis/flowcontrol/bootstrap/default.go

use crate::codec::json;
use crate::value::Value;

pub(super) const EXEMPT: &str = "exempt";
const CATCH_ALL: &str = "catch-all";

const EXEMPT_SCHEMA: &str = r#"{"matchingPrecedence":1,"priorityLevelConfiguration":{"name":"exempt"},"rules":[{
    "nonResourceRules":[{"nonResourceURLs":["*"],"verbs":["*"]}],
    "resourceRules":[{"apiGroups":["*"],"clusterScope":true,"namespaces":["*"],"resources":["*"],"verbs":["*"]}],
    "subjects":[{"group":{"name":"system:masters"},"kind":"Group"}]}]}"#;
const CATCH_ALL_SCHEMA: &str = r#"{"distinguisherMethod":{"type":"ByUser"},"matchingPrecedence":10000,
    "priorityLevelConfiguration":{"name":"catch-all"},"rules":[{
    "nonResourceRules":[{"nonResourceURLs":["*"],"verbs":["*"]}],
    "resourceRules":[{"apiGroups":["*"],"clusterScope":true,"namespaces":["*"],"resources":["*"],"verbs":["*"]}],
    "subjects":[{"group":{"name":"system:unauthenticated"},"kind":"Group"},
        {"group":{"name":"system:authenticated"},"kind":"Group"}]}]}"#;
const EXEMPT_LEVEL: &str = r#"{"type":"Exempt"}"#;
const CATCH_ALL_LEVEL: &str = r#"{"limited":{"lendablePercent":0,"limitResponse":{"type":"Reject"},
    "nominalConcurrencyShares":5},"type":"Limited"}"#;

fn parsed(text: &str) -> Option<Value> {
    json::parse(text.as_bytes()).ok().map(|parsed| parsed.value)
}

/// What a FlowSchema of this name must say.
pub(super) fn schema(name: &str) -> Option<Value> {
    match name {
        EXEMPT => parsed(EXEMPT_SCHEMA),
        CATCH_ALL => parsed(CATCH_ALL_SCHEMA),
        _ => None,
    }
}

/// What a PriorityLevelConfiguration of this name must say, without what the exempt level lends.
pub(super) fn level(name: &str) -> Option<Value> {
    match name {
        EXEMPT => parsed(EXEMPT_LEVEL),
        CATCH_ALL => parsed(CATCH_ALL_LEVEL),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_there() {
        for name in [EXEMPT, CATCH_ALL] {
            assert!(schema(name).is_some() && level(name).is_some(), "{name}");
        }
        assert!(schema("system").is_none() && level("system").is_none());
    }
}
