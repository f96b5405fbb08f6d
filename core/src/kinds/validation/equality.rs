//! Equality as upstream's rules mean it.
//! k8s: staging/src/k8s.io/apimachinery/pkg/api/equality/semantic.go

use crate::value::Value;
use crate::value::quantity::Quantity;
use core::cmp::Ordering;

/// The maps whose values are amounts of resources.
const AMOUNTS: &[&str] = &[
    "allocatable",
    "allocatedResources",
    "capacity",
    "default",
    "defaultRequest",
    "hard",
    "limits",
    "max",
    "maxLimitRequestRatio",
    "min",
    "overhead",
    "requests",
    "used",
];

/// Amounts that stand alone.
const SINGLE_AMOUNTS: &[&str] = &["divisor", "sizeLimit"];

/// Other maps with keys that a client chooses. Everything else that is written as a map is a struct, which is something
/// even when it is empty.
const MAPS: &[&str] =
    &["annotations", "labels", "matchLabels", "nodeSelector", "options", "volumeAttributes"];

/// Equal, where an empty list or map is as good as none and amounts of resources are compared by value.
pub fn semantically_equal(one: Option<&Value>, other: Option<&Value>) -> bool {
    same(one.unwrap_or(&Value::Null), other.unwrap_or(&Value::Null), false)
}

fn same(one: &Value, other: &Value, amounts: bool) -> bool {
    if one.is_same(other) {
        return true;
    }
    match (one, other) {
        (Value::Map(one), Value::Map(other)) => {
            let mut keys = one.iter().chain(other.iter()).map(|(key, _)| key.as_str());
            keys.all(|key| {
                let (one, other) = (one.get(key), other.get(key));
                let (one, other) = (one.unwrap_or(&Value::Null), other.unwrap_or(&Value::Null));
                let is_map = matches!((one, other), (Value::Map(_), _) | (_, Value::Map(_)));
                let is_amount = !is_map && (amounts || SINGLE_AMOUNTS.contains(&key));
                let is_none = |value: &Value| match value {
                    Value::Null => true,
                    Value::Map(map) => map.is_empty(),
                    _ => false,
                };
                let are_none =
                    (AMOUNTS.contains(&key) || MAPS.contains(&key)) && is_none(one) && is_none(other);
                are_none || (is_amount && same_amount(one, other)) || same(one, other, AMOUNTS.contains(&key))
            })
        }
        (Value::List(one), Value::List(other)) => {
            one.len() == other.len()
                && one.iter().zip(other.iter()).all(|(one, other)| same(one, other, false))
        }
        (Value::Null, Value::List(items)) | (Value::List(items), Value::Null) => items.is_empty(),
        (one, other) => one == other,
    }
}

fn same_amount(one: &Value, other: &Value) -> bool {
    match (Quantity::from_value(one), Quantity::from_value(other)) {
        (Ok(one), Ok(other)) => one.compare(&other) == Ordering::Equal,
        (Ok(_) | Err(_), Err(_)) | (Err(_), Ok(_)) => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json;

    #[test]
    fn values_are_compared_as_upstream_does() {
        let table = [
            (r#"{"a":[]}"#, "{}", true),
            (r#"{"a":{}}"#, "{}", false),
            (r#"{"a":null}"#, "{}", true),
            (r#"{"limits":{}}"#, "{}", true),
            (r#"{"labels":{}}"#, "{}", true),
            (r#"{"labels":{"a":""}}"#, r#"{"labels":{}}"#, false),
            (r#"{"sizeLimit":"1Ki"}"#, r#"{"sizeLimit":"1024"}"#, true),
            (r#"{"requests":{"cpu":"1"}}"#, r#"{"requests":{"cpu":"1000m"}}"#, true),
            (r#"{"requests":{"cpu":"1"}}"#, r#"{"requests":{"cpu":"2"}}"#, false),
            (r#"{"requests":{"cpu":"1"}}"#, r#"{"requests":{}}"#, false),
            (r#"{"labels":{"cpu":"1"}}"#, r#"{"labels":{"cpu":"1000m"}}"#, false),
            (r#"{"a":[{"b":1}]}"#, r#"{"a":[{"b":1}]}"#, true),
            (r#"{"a":[{"b":1}]}"#, r#"{"a":[{"b":2}]}"#, false),
        ];
        let parsed = |text: &str| json::parse(text.as_bytes()).expect("JSON").value;
        for (one, other, equal) in table {
            let (left, right) = (parsed(one), parsed(other));
            assert_eq!(semantically_equal(Some(&left), Some(&right)), equal, "{one} {other}");
            assert_eq!(semantically_equal(Some(&right), Some(&left)), equal, "{other} {one}");
        }
    }
}
