//! Which writes a webhook or an admission policy concerns, read from its object once.
//! k8s: staging/src/k8s.io/api/admissionregistration/v1/types.go Rule, RuleWithOperations, MatchResources

use crate::selector::LabelSelector;
use crate::value::{Text, Value};
use alloc::string::String;
use alloc::vec::Vec;

/// Rules and selectors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MatchCriteria {
    /// A sentence if it cannot be read.
    pub(crate) namespaces: Result<LabelSelector, String>,
    pub(crate) objects: Result<LabelSelector, String>,
    /// Writes that one of these covers are concerned.
    pub(crate) rules: Vec<MatchRule>,
    /// Those that one of these covers are not, whatever `rules` say. Webhooks have none.
    pub(crate) excluded: Vec<MatchRule>,
    /// Rules cover a write through another version of what they name too (`matchPolicy: Equivalent`).
    pub(crate) is_equivalent: bool,
    /// Without any rule all writes are concerned, as for policies and bindings. A webhook without rules has none.
    pub(crate) is_open: bool,
}

/// What a rule covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MatchRule {
    /// `*` for all, here and in the next three.
    pub(crate) groups: Vec<Text>,
    pub(crate) versions: Vec<Text>,
    /// Upstream's words: `CREATE`.
    pub(crate) operations: Vec<Text>,
    /// Resource and subresource; the second is empty for objects as a whole.
    pub(crate) resources: Vec<(Text, Text)>,
    pub(crate) scope: MatchScope,
    /// Names of objects; none for all of them.
    pub(crate) names: Vec<Text>,
}

/// Where the objects of a rule live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MatchScope {
    All,
    Cluster,
    Namespaced,
    /// A word that upstream does not know covers nothing.
    Unknown,
}

impl MatchCriteria {
    /// Of an item of `webhooks`.
    pub(crate) fn of_webhook(webhook: &Value) -> Self {
        Self {
            rules: rules(webhook.field("rules")),
            excluded: Vec::new(),
            is_open: false,
            ..Self::of_policy(webhook)
        }
    }

    /// Of a MatchResources: `matchConstraints` of a policy, `matchResources` of a binding.
    pub(crate) fn of_policy(resources: &Value) -> Self {
        let selector = |field: &str| LabelSelector::from_object(resources.field(field));
        Self {
            namespaces: selector("namespaceSelector"),
            objects: selector("objectSelector"),
            rules: rules(resources.field("resourceRules")),
            excluded: rules(resources.field("excludeResourceRules")),
            is_equivalent: resources.text_at(&["matchPolicy"]) == "Equivalent",
            is_open: true,
        }
    }
}

fn rules(items: Option<&Value>) -> Vec<MatchRule> {
    items.and_then(Value::as_list).unwrap_or_default().iter().map(MatchRule::of).collect()
}

impl MatchRule {
    fn of(rule: &Value) -> Self {
        let texts = |field: &str| {
            let items = rule.field(field).and_then(Value::as_list).unwrap_or_default();
            items.iter().filter_map(Value::as_str).map(Text::from).collect::<Vec<_>>()
        };
        let resource = |text: &Text| match text.split_once('/') {
            Some((resource, sub)) => (resource.into(), sub.into()),
            None => (text.clone(), Text::default()),
        };
        Self {
            groups: texts("apiGroups"),
            versions: texts("apiVersions"),
            operations: texts("operations"),
            resources: texts("resources").iter().map(resource).collect(),
            scope: match rule.text_at(&["scope"]) {
                "" | "*" => MatchScope::All,
                "Cluster" => MatchScope::Cluster,
                "Namespaced" => MatchScope::Namespaced,
                _ => MatchScope::Unknown,
            },
            names: texts("resourceNames"),
        }
    }
}
