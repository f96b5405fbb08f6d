//! Label selectors: requirements on labels, their match, their string form, and the LabelSelector object.
//! k8s: staging/src/k8s.io/apimachinery/pkg/labels/selector.go

use super::parse;
use crate::status::{Causes, Path};
use crate::value::names::{label_key, label_value};
use crate::value::{Map, Text, Value};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

/// Requirements that must all hold, sorted by key; or the selector that selects nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelSelector {
    /// None selects nothing; none in it select everything.
    requirements: Option<Vec<Requirement>>,
}

/// One requirement. The constructor is the proof that key, operator and values go together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    key: Text,
    operator: Operator,
    values: Vec<Text>,
}

/// How a label is compared. k8s: staging/src/k8s.io/apimachinery/pkg/selection/operator.go
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    In,
    NotIn,
    Equals,
    DoubleEquals,
    NotEquals,
    Exists,
    DoesNotExist,
    GreaterThan,
    LessThan,
}

impl Requirement {
    /// `path` is the place of the requirement in an object; None for a selector from a query.
    pub fn new(
        key: &str,
        operator: Operator,
        values: Vec<Text>,
        path: Option<&Path>,
    ) -> Result<Self, Causes> {
        let mut causes = Causes::new();
        let child = |name: &str| path.map_or_else(|| Path::new(name), |path| path.child(name));
        check_key(key, &child("key"), &mut causes);
        let values_path = child("values");
        if let Some(detail) = operator.objection(values.len()) {
            let shown = Value::texts(&values);
            causes.invalid(&values_path, &shown, detail);
        }
        if matches!(operator, Operator::GreaterThan | Operator::LessThan) {
            for (index, value) in values.iter().enumerate().filter(|(_, value)| value.parse::<i64>().is_err())
            {
                let detail = "for 'Gt', 'Lt' operators, the value must be an integer";
                causes.invalid(&values_path.index(index), &Value::Str(value.clone()), detail);
            }
        }
        for (index, value) in values.iter().enumerate() {
            let problems = label_value(value);
            if !problems.is_empty() {
                let path = values_path.index(index).key(key);
                causes.invalid(&path, &Value::Str(value.clone()), &problems.join("; "));
            }
        }
        if causes.is_empty() { Ok(Self { key: key.into(), operator, values }) } else { Err(causes) }
    }

    pub fn key(&self) -> &str {
        &self.key
    }

    pub fn operator(&self) -> Operator {
        self.operator
    }

    pub fn values(&self) -> &[Text] {
        &self.values
    }

    /// Whether a label of this key with this value (None: absent) satisfies the requirement.
    pub fn matches(&self, held: Option<&str>) -> bool {
        match (self.operator, held) {
            (Operator::In | Operator::Equals | Operator::DoubleEquals, Some(held)) => self.has_value(held),
            (Operator::NotIn | Operator::NotEquals, Some(held)) => !self.has_value(held),
            (Operator::GreaterThan, Some(held)) => {
                self.bound_and(held).is_some_and(|(bound, held)| held > bound)
            }
            (Operator::LessThan, Some(held)) => {
                self.bound_and(held).is_some_and(|(bound, held)| held < bound)
            }
            (Operator::Exists, held) => held.is_some(),
            (Operator::DoesNotExist, held) => held.is_none(),
            (Operator::NotIn | Operator::NotEquals, None) => true,
            (
                Operator::In
                | Operator::Equals
                | Operator::DoubleEquals
                | Operator::GreaterThan
                | Operator::LessThan,
                None,
            ) => false,
        }
    }

    fn has_value(&self, held: &str) -> bool {
        self.values.iter().any(|value| value == held)
    }

    fn bound_and(&self, held: &str) -> Option<(i64, i64)> {
        Some((self.values.first()?.parse().ok()?, held.parse().ok()?))
    }
}

pub(super) fn check_key(key: &str, path: &Path, causes: &mut Causes) {
    let problems = label_key(key);
    if !problems.is_empty() {
        causes.invalid(path, &key.into(), &problems.join("; "));
    }
}

impl Operator {
    /// Why so many values do not go with the operator.
    fn objection(self, values: usize) -> Option<&'static str> {
        let (fits, detail) = match self {
            Self::In | Self::NotIn => (values > 0, "for 'in', 'notin' operators, values set can't be empty"),
            Self::Equals | Self::DoubleEquals | Self::NotEquals => {
                (values == 1, "exact-match compatibility requires one single value")
            }
            Self::Exists | Self::DoesNotExist => {
                (values == 0, "values set must be empty for exists and does not exist")
            }
            Self::GreaterThan | Self::LessThan => {
                (values == 1, "for 'Gt', 'Lt' operators, exactly one value is required")
            }
        };
        (!fits).then_some(detail)
    }

    /// The operator of a LabelSelector object's expression.
    fn of_object(word: &str) -> Option<Self> {
        match word {
            "In" => Some(Self::In),
            "NotIn" => Some(Self::NotIn),
            "Exists" => Some(Self::Exists),
            "DoesNotExist" => Some(Self::DoesNotExist),
            _ => None,
        }
    }
}

impl LabelSelector {
    pub const fn everything() -> Self {
        Self { requirements: Some(Vec::new()) }
    }

    pub const fn nothing() -> Self {
        Self { requirements: None }
    }

    /// Sorts by key; requirements on one key keep their order.
    pub fn of(mut requirements: Vec<Requirement>) -> Self {
        requirements.sort_by(|a, b| a.key.cmp(&b.key));
        Self { requirements: Some(requirements) }
    }

    /// Labels, key and value, that whatever is selected must have.
    pub fn equalities(&self) -> impl Iterator<Item = (&str, &str)> {
        self.requirements.iter().flatten().filter_map(|requirement| {
            let equality =
                matches!(requirement.operator, Operator::In | Operator::Equals | Operator::DoubleEquals);
            match requirement.values.as_slice() {
                [value] if equality => Some((requirement.key.as_str(), value.as_str())),
                [..] => None,
            }
        })
    }

    /// Parses the `labelSelector` parameter. The error is upstream's sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        parse::requirements(text).map(Self::of)
    }

    /// Of a LabelSelector object: absent or null selects nothing, an empty one everything.
    /// k8s: staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/helpers.go LabelSelectorAsSelector
    pub fn from_object(selector: Option<&Value>) -> Result<Self, String> {
        let Some(selector) = selector.and_then(Value::as_map) else { return Ok(Self::nothing()) };
        let mut requirements = Vec::new();
        let failed = |causes: Causes| causes.summary();
        for (key, value) in
            selector.get("matchLabels").and_then(Value::as_map).into_iter().flat_map(Map::iter)
        {
            let values = alloc::vec![Text::from(value.as_str().unwrap_or(""))];
            requirements.push(Requirement::new(key, Operator::Equals, values, None).map_err(failed)?);
        }
        for expression in selector.get("matchExpressions").and_then(Value::as_list).unwrap_or_default() {
            let word = expression.text_at(&["operator"]);
            let operator = Operator::of_object(word).ok_or_else(|| {
                alloc::format!("{} is not a valid label selector operator", crate::value::quoted(word))
            })?;
            let values = expression.field("values").and_then(Value::as_list).unwrap_or_default();
            let values = values.iter().filter_map(Value::as_str).map(Text::from).collect();
            let key = expression.text_at(&["key"]);
            requirements.push(Requirement::new(key, operator, values, None).map_err(failed)?);
        }
        Ok(Self::of(requirements))
    }

    /// Of plain labels that must all be held, as in a Service's `spec.selector`; none select everything.
    pub fn from_labels(labels: &Map) -> Self {
        let equals = |(key, value): (&Text, &Value)| Requirement {
            key: key.clone(),
            operator: Operator::Equals,
            values: alloc::vec![value.as_str().unwrap_or("").into()],
        };
        Self::of(labels.iter().map(equals).collect())
    }

    /// Whether labels, looked up by key, satisfy every requirement.
    pub fn matches<'a>(&self, label: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.requirements.as_ref().is_some_and(|all| all.iter().all(|one| one.matches(label(&one.key))))
    }

    /// As `matches`, of a `metadata.labels` map; None is an object without labels.
    pub fn matches_labels(&self, labels: Option<&Map>) -> bool {
        self.matches(|key| labels?.get(key)?.as_str())
    }

    pub fn is_everything(&self) -> bool {
        self.requirements.as_ref().is_some_and(Vec::is_empty)
    }

    pub fn is_nothing(&self) -> bool {
        self.requirements.is_none()
    }

    /// Sorted by key; empty also when nothing is selected.
    pub fn requirements(&self) -> &[Requirement] {
        self.requirements.as_deref().unwrap_or_default()
    }

    /// The one value that the first requirement on a key allows.
    pub fn requires_exact_match(&self, key: &str) -> Option<&str> {
        let first = self.requirements().iter().find(|one| one.key == key)?;
        match (first.operator, first.values.as_slice()) {
            (Operator::Equals | Operator::DoubleEquals | Operator::In, [only]) => Some(only),
            (
                Operator::In
                | Operator::NotIn
                | Operator::Equals
                | Operator::DoubleEquals
                | Operator::NotEquals
                | Operator::Exists
                | Operator::DoesNotExist
                | Operator::GreaterThan
                | Operator::LessThan,
                _,
            ) => None,
        }
    }
}

/// Requirements joined by commas, as upstream writes them.
impl fmt::Display for LabelSelector {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, requirement) in self.requirements().iter().enumerate() {
            if index > 0 {
                out.write_str(",")?;
            }
            requirement.fmt(out)?;
        }
        Ok(())
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut values: Vec<&str> = self.values.iter().map(Text::as_str).collect();
        values.sort_unstable();
        let (key, values) = (&self.key, values.join(","));
        match self.operator {
            Operator::In => write!(out, "{key} in ({values})"),
            Operator::NotIn => write!(out, "{key} notin ({values})"),
            Operator::Equals => write!(out, "{key}={values}"),
            Operator::DoubleEquals => write!(out, "{key}=={values}"),
            Operator::NotEquals => write!(out, "{key}!={values}"),
            Operator::GreaterThan => write!(out, "{key}>{values}"),
            Operator::LessThan => write!(out, "{key}<{values}"),
            Operator::Exists => out.write_str(key),
            Operator::DoesNotExist => write!(out, "!{key}"),
        }
    }
}

impl From<&LabelSelector> for Value {
    fn from(selector: &LabelSelector) -> Self {
        selector.to_string().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Map {
        pairs.iter().map(|(key, value)| (Text::from(*key), Value::from(*value))).collect()
    }

    #[test]
    fn selects_by_labels() {
        let held = labels(&[("n", "5"), ("par", "odd")]);
        let table = [
            ("", true),
            ("par", true),
            ("!par", false),
            ("!other", true),
            ("par=odd", true),
            ("par==even", false),
            ("par!=even,n", true),
            ("other!=x", true),
            ("other notin (x)", true),
            ("par in (even, odd)", true),
            ("par notin (odd)", false),
            ("n>4,n<6", true),
            ("n>5", false),
            ("par>1", false),
            ("other<1", false),
        ];
        for (text, expected) in table {
            let selector = LabelSelector::parse(text).unwrap();
            assert_eq!(selector.matches_labels(Some(&held)), expected, "{text}");
            let again = LabelSelector::parse(&selector.to_string()).unwrap();
            assert_eq!(again, selector, "{text} as {selector}");
        }
        assert!(!LabelSelector::nothing().matches_labels(Some(&held)));
        assert_eq!(LabelSelector::parse("b=1,a in (z)").unwrap().requires_exact_match("a"), Some("z"));
        assert_eq!(LabelSelector::parse("b=1,a in (y,z)").unwrap().requires_exact_match("a"), None);
    }

    #[test]
    fn reads_selector_objects() {
        let mut selector = Value::empty_map();
        assert!(LabelSelector::from_object(Some(&selector)).unwrap().is_everything());
        assert!(LabelSelector::from_object(None).unwrap().is_nothing());
        selector.set_at(&["matchLabels", "a"], "b".into());
        let mut expression = Value::empty_map();
        expression.set("key", "c".into());
        expression.set("operator", "In".into());
        expression.set("values", Value::list(alloc::vec!["y".into(), "x".into()]));
        selector.set("matchExpressions", Value::list(alloc::vec![expression.clone()]));
        assert_eq!(LabelSelector::from_object(Some(&selector)).unwrap().to_string(), "a=b,c in (x,y)");
        expression.set("operator", "Near".into());
        selector.set("matchExpressions", Value::list(alloc::vec![expression]));
        let failed = LabelSelector::from_object(Some(&selector)).unwrap_err();
        assert_eq!(failed, "\"Near\" is not a valid label selector operator");
    }
}
