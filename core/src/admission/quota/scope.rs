//! The scopes of a quota: which objects it is about.
//! k8s: pkg/apis/core/v1/helper/helpers.go ScopedResourceSelectorRequirementsAsSelector

use crate::config::LimitedScope;
use crate::value::{Text, Value};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// One condition of a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ScopeTerm<'a> {
    pub(super) scope: &'a str,
    operator: &'a str,
    values: Vec<&'a str>,
}

impl<'a> ScopeTerm<'a> {
    /// A requirement of a scope selector.
    pub(super) fn of(requirement: &'a Value) -> Self {
        let values = requirement.field("values").and_then(Value::as_list).unwrap_or_default();
        Self {
            scope: requirement.text_at(&["scopeName"]),
            operator: requirement.text_at(&["operator"]),
            values: values.iter().filter_map(Value::as_str).collect(),
        }
    }

    /// A requirement of the configuration.
    pub(super) fn of_configuration(limited: &'a LimitedScope) -> Self {
        let values = limited.values.iter().map(String::as_str).collect();
        Self { scope: &limited.scope, operator: &limited.operator, values }
    }

    /// All conditions of a quota. A scope without a selector only has to be there.
    pub(super) fn of_quota(quota: &'a Value) -> Vec<Self> {
        let items = |path: &[&str]| quota.at(path).and_then(Value::as_list).unwrap_or_default();
        let bare = items(&["spec", "scopes"]).iter().filter_map(Value::as_str);
        let bare = bare.map(|scope| Self { scope, operator: "Exists", values: Vec::new() });
        bare.chain(items(&["spec", "scopeSelector", "matchExpressions"]).iter().map(Self::of)).collect()
    }

    /// Whether the condition holds for something with one of these names; empty ones are none.
    pub(super) fn selects(&self, names: &[&str]) -> bool {
        let mut names = names.iter().filter(|name| !name.is_empty()).peekable();
        let is_named = names.peek().is_some();
        match self.operator {
            "Exists" => is_named,
            "DoesNotExist" => !is_named,
            "In" => names.any(|name| self.values.contains(name)),
            "NotIn" => !is_named || names.any(|name| !self.values.contains(name)),
            _ => false,
        }
    }

    /// As Go prints it.
    pub(super) fn shown(&self) -> String {
        format!("{{{} {} [{}]}}", self.scope, self.operator, self.values.join(" "))
    }

    /// The scope by itself.
    pub(super) fn name(&self) -> Text {
        Text::from(self.scope)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_about_names() {
        let term = |operator, values: &[&'static str]| ScopeTerm {
            scope: "PriorityClass",
            operator,
            values: values.to_vec(),
        };
        let cases: [(ScopeTerm<'_>, &[&str], bool); 9] = [
            (term("Exists", &[]), &["high"], true),
            (term("Exists", &[]), &[""], false),
            (term("DoesNotExist", &[]), &[""], true),
            (term("In", &["high", "low"]), &["low"], true),
            (term("In", &["high"]), &["low"], false),
            (term("In", &["high"]), &[""], false),
            (term("NotIn", &["high"]), &[""], true),
            (term("NotIn", &["high"]), &["high"], false),
            (term("NotIn", &["high"]), &["high", "low"], true),
        ];
        for (term, names, want) in cases {
            assert_eq!(term.selects(names), want, "{} {names:?}", term.shown());
        }
    }
}
