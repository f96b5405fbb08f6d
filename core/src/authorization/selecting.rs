//! The selectors of a request, as authorizers see them: a caller may be allowed to list some objects and not all.
//! k8s: staging/src/k8s.io/apiserver/pkg/endpoints/filters/authorization.go,
//! pkg/registry/authorization/util/helpers.go

use crate::selector::{FieldSelector, FieldTerm, LabelSelector, Operator, Requirement};
use crate::value::{Text, Value};
use alloc::vec::Vec;

/// A selector that has not been read yet, since most authorizers do not ask for it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Selecting<'a> {
    /// Every object is meant.
    #[default]
    All,
    /// As it stands in a query.
    Raw(&'a str),
    /// As an access review lists it: each with key, operator and values.
    Listed(&'a [Value]),
}

/// What a selector demands, all of which must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Demanded<T> {
    pub(crate) requirements: Vec<T>,
    /// Some of it, or all, could not be read. What could be read still holds, and more objects are meant without the
    /// rest.
    pub(crate) is_incomplete: bool,
}

impl<T> Demanded<T> {
    fn of<E>(parsed: Result<Vec<T>, E>) -> Self {
        let is_incomplete = parsed.is_err();
        Self { requirements: parsed.unwrap_or_default(), is_incomplete }
    }

    /// Reads each item; None for one that cannot be read.
    fn each(items: &[Value], read: impl Fn(&Value) -> Option<T>) -> Self {
        let requirements: Vec<T> = items.iter().filter_map(read).collect();
        let is_incomplete = requirements.len() < items.len();
        Self { requirements, is_incomplete }
    }
}

impl<'a> Selecting<'a> {
    /// A parameter of a query.
    pub(crate) fn of_query(text: &'a str) -> Self {
        if text.is_empty() { Self::All } else { Self::Raw(text) }
    }

    /// A selector of an access review; its list counts if it has both.
    pub(crate) fn of_review(selector: Option<&'a Value>) -> Self {
        let Some(selector) = selector else { return Self::All };
        match selector.at(&["requirements"]).and_then(Value::as_list) {
            Some(listed @ [_, ..]) => Self::Listed(listed),
            Some([]) | None => Self::of_query(selector.text_at(&["rawSelector"])),
        }
    }

    /// As a selector of fields.
    pub(crate) fn fields(self) -> Demanded<FieldTerm> {
        match self {
            Self::All => Demanded::of(Ok::<_, ()>(Vec::new())),
            Self::Raw(text) => {
                Demanded::of(FieldSelector::parse(text).map(|selector| selector.terms().to_vec()))
            }
            Self::Listed(items) => Demanded::each(items, field_term),
        }
    }

    /// As a selector of labels.
    pub(crate) fn labels(self) -> Demanded<Requirement> {
        match self {
            Self::All => Demanded::of(Ok::<_, ()>(Vec::new())),
            Self::Raw(text) => {
                Demanded::of(LabelSelector::parse(text).map(|selector| selector.requirements().to_vec()))
            }
            Self::Listed(items) => Demanded::each(items, label_requirement),
        }
    }
}

impl Selecting<'_> {
    /// The demands of a selector of fields, as an access review lists them.
    /// k8s: staging/src/k8s.io/apiserver/plugin/pkg/authorizer/webhook/webhook.go fieldSelectorToAuthorizationAPI
    pub(super) fn listed_fields(self) -> Vec<Value> {
        let listed = |term: &FieldTerm| {
            let operator = if term.equal { "In" } else { "NotIn" };
            listed(&term.field, operator, core::slice::from_ref(&term.value))
        };
        self.fields().requirements.iter().map(listed).collect()
    }

    /// The demands of a selector of labels, as an access review lists them. Those that it has no operator for are left
    /// out.
    /// k8s: staging/src/k8s.io/apiserver/plugin/pkg/authorizer/webhook/webhook.go labelSelectorToAuthorizationAPI
    pub(super) fn listed_labels(self) -> Vec<Value> {
        let listed = |requirement: &Requirement| {
            let operator = match requirement.operator() {
                Operator::Equals | Operator::DoubleEquals | Operator::In => "In",
                Operator::NotEquals | Operator::NotIn => "NotIn",
                Operator::Exists => "Exists",
                Operator::DoesNotExist => "DoesNotExist",
                Operator::GreaterThan | Operator::LessThan => return None,
            };
            Some(listed(requirement.key(), operator, requirement.values()))
        };
        self.labels().requirements.iter().filter_map(listed).collect()
    }
}

fn listed(key: &str, operator: &str, values: &[Text]) -> Value {
    let mut out = Value::empty_map();
    out.set("key", key.into());
    out.set("operator", operator.into());
    if !values.is_empty() {
        out.set("values", Value::texts(values));
    }
    out
}

fn values(item: &Value) -> Vec<Text> {
    let listed = item.at(&["values"]).and_then(Value::as_list).unwrap_or_default();
    listed.iter().filter_map(Value::as_str).map(Text::from).collect()
}

fn field_term(item: &Value) -> Option<FieldTerm> {
    let values = values(item);
    let [value] = values.as_slice() else { return None };
    let equal = match item.text_at(&["operator"]) {
        "In" => true,
        "NotIn" => false,
        _ => return None,
    };
    Some(FieldTerm { field: item.text_at(&["key"]).into(), value: value.clone(), equal })
}

fn label_requirement(item: &Value) -> Option<Requirement> {
    let operator = match item.text_at(&["operator"]) {
        "In" => Operator::In,
        "NotIn" => Operator::NotIn,
        "Exists" => Operator::Exists,
        "DoesNotExist" => Operator::DoesNotExist,
        _ => return None,
    };
    Requirement::new(item.text_at(&["key"]), operator, values(item), None).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json;
    use alloc::format;
    use alloc::string::String;

    #[test]
    fn what_can_be_read_counts() {
        let table = [
            (r#"{"rawSelector":"a=b,c!=d"}"#, "a=b c!=d", "a=b c!=d"),
            (r#"{"rawSelector":"a=b,,=="}"#, "a=b", "?"),
            (r#"{"rawSelector":"((("}"#, "?", "?"),
            (r#"{"requirements":[{"key":"a","operator":"In","values":["b"]}]}"#, "a=b", "a in b"),
            (r#"{"requirements":[{"key":"a","operator":"In","values":["b","c"]}]}"#, "?", "a in b|c"),
            (
                r#"{"requirements":[{"key":"a","operator":"NotIn","values":["b"]},{"key":"c","operator":"Exists"}]}"#,
                "a!=b ?",
                "a notin b c exists",
            ),
            (r#"{"requirements":[{"key":"a","operator":"New","values":["b"]}]}"#, "?", "?"),
            (
                r#"{"rawSelector":"x=y","requirements":[{"key":"a","operator":"In","values":["b"]}]}"#,
                "a=b",
                "a in b",
            ),
        ];
        for (text, fields, labels) in table {
            let selector = json::parse(text.as_bytes()).unwrap().value;
            let selecting = Selecting::of_review(Some(&selector));
            let read = selecting.fields();
            let mut shown: Vec<String> = read.requirements.iter().map(shown_term).collect();
            shown.extend(read.is_incomplete.then(|| "?".into()));
            assert_eq!(shown.join(" "), fields, "{text}");
            let read = selecting.labels();
            let mut shown: Vec<String> = read.requirements.iter().map(shown_requirement).collect();
            shown.extend(read.is_incomplete.then(|| "?".into()));
            assert_eq!(shown.join(" "), labels, "{text}");
        }
    }

    fn shown_term(term: &FieldTerm) -> String {
        format!("{}{}{}", term.field, if term.equal { "=" } else { "!=" }, term.value)
    }

    fn shown_requirement(held: &Requirement) -> String {
        let values = held.values().join("|");
        match held.operator() {
            Operator::In => format!("{} in {values}", held.key()),
            Operator::NotIn => format!("{} notin {values}", held.key()),
            Operator::Equals | Operator::DoubleEquals => format!("{}={values}", held.key()),
            Operator::NotEquals => format!("{}!={values}", held.key()),
            Operator::Exists => format!("{} exists", held.key()),
            Operator::DoesNotExist => format!("{} absent", held.key()),
            Operator::GreaterThan | Operator::LessThan => format!("{}~{values}", held.key()),
        }
    }
}
