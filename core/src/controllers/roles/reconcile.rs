//! What becomes of an object of the policy that exists already.
//! k8s: staging/src/k8s.io/component-helpers/auth/rbac/reconciliation/{reconcile_role,reconcile_rolebindings}.go

use crate::authorization::uncovered;
use crate::controllers::plan::{map, texts};
use crate::value::{Map, Text, Value, object};
use crate::world::indexes::PolicyRule;
use alloc::vec::Vec;

/// The annotation that says "false" on an object that is to be left alone.
pub(super) const AUTOUPDATE: &str = "rbac.authorization.kubernetes.io/autoupdate";

/// What is to be done with an object that exists.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reconciled {
    /// It has all that is expected, or is left alone.
    Kept,
    Updated(Value),
    /// It refers to another role, which cannot be changed: it is removed, and made anew.
    Replaced,
}

/// Reconciles a role or a cluster role.
pub(super) fn role(existing: &Value, expected: &Value) -> Reconciled {
    if is_protected(existing) {
        return Reconciled::Kept;
    }
    let mut value = existing.clone();
    merge_metadata(&mut value, expected);
    let missing = uncovered(&PolicyRule::of_role(existing), &PolicyRule::of_role(expected));
    append(&mut value, &["rules"], missing.iter().map(rule));
    let (rule, selectors) = ("aggregationRule", ["aggregationRule", "clusterRoleSelectors"]);
    if is_set(existing, rule) && !is_set(expected, rule) {
        value.remove_at(&[rule]);
    } else {
        let held = list(existing, &selectors);
        let missing = list(expected, &selectors).iter().filter(|selector| !held.contains(selector));
        append(&mut value, &selectors, missing.cloned());
    }
    updated(existing, value)
}

/// A rule as an object.
fn rule(rule: &PolicyRule) -> Value {
    let mut object = map([("verbs", texts(words(&rule.verbs)))]);
    let lists = [
        ("apiGroups", &rule.api_groups),
        ("resources", &rule.resources),
        ("resourceNames", &rule.resource_names),
        ("nonResourceURLs", &rule.non_resource_urls),
    ];
    for (member, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
        object.set(member, texts(words(list)));
    }
    object
}

fn words(list: &[Text]) -> Vec<&str> {
    list.iter().map(Text::as_str).collect()
}

/// Reconciles a binding.
pub(super) fn binding(existing: &Value, expected: &Value) -> Reconciled {
    if is_protected(existing) {
        return Reconciled::Kept;
    }
    if existing.field("roleRef") != expected.field("roleRef") {
        return Reconciled::Replaced;
    }
    let mut value = existing.clone();
    merge_metadata(&mut value, expected);
    let held = list(existing, &["subjects"]);
    let missing =
        list(expected, &["subjects"]).iter().filter(|wanted| !held.iter().any(|held| same(held, wanted)));
    append(&mut value, &["subjects"], missing.cloned());
    updated(existing, value)
}

fn is_protected(existing: &Value) -> bool {
    object::annotation(existing, AUTOUPDATE) == Some("false")
}

fn updated(existing: &Value, value: Value) -> Reconciled {
    if value == *existing { Reconciled::Kept } else { Reconciled::Updated(value) }
}

fn is_set(object: &Value, field: &str) -> bool {
    object.field(field).is_some_and(|value| !value.is_null())
}

fn list<'v>(object: &'v Value, path: &[&str]) -> &'v [Value] {
    object.at(path).and_then(Value::as_list).unwrap_or_default()
}

/// Whether two subjects are one: fields that are left out are empty.
fn same(one: &Value, other: &Value) -> bool {
    ["kind", "apiGroup", "name", "namespace"]
        .iter()
        .all(|field| one.text_at(&[field]) == other.text_at(&[field]))
}

/// Adds the labels and annotations that are expected; values that the object has stay.
fn merge_metadata(value: &mut Value, expected: &Value) {
    for field in ["annotations", "labels"] {
        let path = ["metadata", field];
        for (key, wanted) in expected.at(&path).and_then(Value::as_map).into_iter().flat_map(Map::iter) {
            if value.at(&["metadata", field, key]).is_none() {
                value.set_at(&["metadata", field, key], wanted.clone());
            }
        }
    }
}

fn append(value: &mut Value, path: &[&str], missing: impl IntoIterator<Item = Value>) {
    let mut missing = missing.into_iter().peekable();
    if missing.peek().is_some() {
        let held = list(value, path).iter().cloned();
        let all = held.chain(missing).collect();
        value.set_at(path, Value::list(all));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json;

    fn parsed(text: &str) -> Value {
        json::parse(text.as_bytes()).expect(text).value
    }

    /// Checks what becomes of an existing object: it stays (""), it is replaced ("replaced"), or it is updated to this.
    fn check(reconcile: fn(&Value, &Value) -> Reconciled, rows: &[(&str, &str, &str)]) {
        for (existing, expected, wanted) in rows {
            let found = match reconcile(&parsed(existing), &parsed(expected)) {
                Reconciled::Kept => "".into(),
                Reconciled::Updated(value) => json::to_string(&value),
                Reconciled::Replaced => "replaced".into(),
            };
            let wanted =
                if wanted.starts_with('{') { json::to_string(&parsed(wanted)) } else { (*wanted).into() };
            assert_eq!(found, wanted, "{existing}");
        }
    }

    #[test]
    fn a_role_gets_what_it_lacks_and_keeps_what_it_has() {
        let expected = r#"{"metadata":{"labels":{"a":"1"},"annotations":{"b":"2"}},
            "rules":[{"verbs":["get","list"],"apiGroups":[""],"resources":["pods","pods/log"]},
                     {"verbs":["get"],"nonResourceURLs":["/healthz"]}]}"#;
        let meta = r#""metadata":{"labels":{"a":"1"},"annotations":{"b":"2"}}"#;
        let object = |rules: &str| alloc::format!("{{{meta},\"rules\":[{rules}]}}");
        let wide = r#"{"verbs":["*"],"apiGroups":["*"],"resources":["pods","*/log"]},
            {"verbs":["get"],"nonResourceURLs":["/h*"]}"#;
        let named = r#"{"verbs":["get","list"],"apiGroups":[""],"resources":["pods","pods/log"],"resourceNames":["x"]},
            {"verbs":["get","put"],"nonResourceURLs":["/healthz"]}"#;
        let atom = |verb: &str, resource: &str| {
            alloc::format!(r#"{{"verbs":["{verb}"],"apiGroups":[""],"resources":["{resource}"]}}"#)
        };
        let added = [("get", "pods"), ("list", "pods"), ("get", "pods/log"), ("list", "pods/log")]
            .map(|(verb, resource)| atom(verb, resource))
            .join(",");
        let grown = object(&alloc::format!("{named},{added}"));
        let other = r#"{"metadata":{"labels":{"a":"9"},
            "annotations":{"rbac.authorization.kubernetes.io/autoupdate":"false"}},"rules":[]}"#;
        let relabelled =
            alloc::format!(r#"{{"metadata":{{"labels":{{"a":"9"}},"annotations":{{}}}},"rules":[{wide}]}}"#);
        let merged = alloc::format!(
            r#"{{"metadata":{{"labels":{{"a":"9"}},"annotations":{{"b":"2"}}}},"rules":[{wide}]}}"#
        );
        check(
            role,
            &[
                (&object(wide), expected, ""),
                (&object(named), expected, &grown),
                (other, expected, ""),
                (&relabelled, expected, &merged),
            ],
        );
    }

    #[test]
    fn aggregation_is_added_to_and_taken_away() {
        let object = |labels: &[&str]| {
            let selectors =
                labels.iter().map(|label| alloc::format!(r#"{{"matchLabels":{{"{label}":"1"}}}}"#));
            let selectors = selectors.collect::<alloc::vec::Vec<_>>().join(",");
            let rule = alloc::format!(r#","aggregationRule":{{"clusterRoleSelectors":[{selectors}]}}"#);
            let rule = if labels.is_empty() { "" } else { &rule };
            alloc::format!(r#"{{"metadata":{{}},"rules":[]{rule}}}"#)
        };
        let (none, one, own, two) = (object(&[]), object(&["a"]), object(&["b"]), object(&["b", "a"]));
        check(role, &[(&one, &one, ""), (&two, &one, ""), (&own, &one, &two), (&none, &one, &one)]);
        check(role, &[(&one, &none, &none)]);
    }

    #[test]
    fn a_binding_gets_the_subjects_that_it_lacks() {
        let object = |role: &str, subjects: &str| {
            alloc::format!(r#"{{"metadata":{{}},"roleRef":{{"name":"{role}"}},"subjects":[{subjects}]}}"#)
        };
        let (one, other) = (
            r#"{"kind":"User","apiGroup":"g","name":"one"}"#,
            r#"{"kind":"Group","apiGroup":"g","name":"x"}"#,
        );
        let expected = object("r", one);
        let both = object("r", &alloc::format!("{other},{one}"));
        let rows = [
            (&*both, &*expected, ""),
            (&object("r", other), &expected, &both),
            (&object("q", one), &expected, "replaced"),
        ];
        check(binding, &rows);
    }
}
