//! Where two answers differ, in words.

use serde_json::Value;

/// Entries of this list are compared in an order of their own: the server's depends on whether a second passed between
/// two writes.
const MANAGED_FIELDS: &str = "managedFields";

/// What the entries of managed fields are sorted by.
const KEYS: [&str; 4] = ["operation", "manager", "subresource", "apiVersion"];

/// One line for each place where `got` is not what is wanted.
pub(super) fn differences(wanted: &Value, got: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare(wanted, got, &mut String::new(), &mut found);
    found
}

fn compare(wanted: &Value, got: &Value, path: &mut String, found: &mut Vec<String>) {
    match (wanted, got) {
        (Value::Object(wanted), Value::Object(got)) => {
            let names: std::collections::BTreeSet<&String> = wanted.keys().chain(got.keys()).collect();
            for name in names {
                let length = path.len();
                path.push('/');
                path.push_str(name);
                match (wanted.get(name), got.get(name)) {
                    (Some(Value::Array(wanted)), Some(Value::Array(got))) if name == MANAGED_FIELDS => {
                        compare(&settled(wanted), &settled(got), path, found);
                    }
                    (Some(wanted), Some(got)) => compare(wanted, got, path, found),
                    (Some(wanted), None) => found.push(format!("{path}: want {}, absent", short(wanted))),
                    (None, Some(got)) => found.push(format!("{path}: not wanted, got {}", short(got))),
                    (None, None) => unreachable!("the name is one of either side"),
                }
                path.truncate(length);
            }
        }
        (Value::Array(wanted), Value::Array(got)) => {
            if wanted.len() != got.len() {
                found.push(format!("{path}: want {} items, got {}", wanted.len(), got.len()));
            }
            for (index, (wanted, got)) in wanted.iter().zip(got).enumerate() {
                let length = path.len();
                path.push_str(&format!("/{index}"));
                compare(wanted, got, path, found);
                path.truncate(length);
            }
        }
        _ if wanted == got => {}
        _ => found.push(format!("{path}: want {}, got {}", short(wanted), short(got))),
    }
}

fn settled(entries: &[Value]) -> Value {
    let mut entries = entries.to_vec();
    entries.sort_by_key(|entry| KEYS.map(|key| entry.get(key).map(Value::to_string).unwrap_or_default()));
    Value::Array(entries)
}

fn short(value: &Value) -> String {
    value.to_string().chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::differences;
    use serde_json::json;

    #[test]
    fn what_differs_is_found_and_named() {
        let cases = [
            (json!({"a": [1, {"b": "c"}]}), json!({"a": [1, {"b": "c"}]}), ""),
            (
                json!({"managedFields": [{"manager": "a"}, {"manager": "b"}]}),
                json!({"managedFields": [{"manager": "b"}, {"manager": "a"}]}),
                "",
            ),
            (json!({"a": 1}), json!({"a": 1, "managedFields": []}), "/managedFields: not wanted, got []"),
            (json!({"a": 1}), json!({"a": 1.0}), "/a: want 1, got 1.0"),
            (json!({"a": 1}), json!({}), "/a: want 1, absent"),
            (json!({}), json!({"a": {"b": 1}}), r#"/a: not wanted, got {"b":1}"#),
            (json!([1, 2]), json!([1]), ": want 2 items, got 1"),
            (json!({"a": [{"b": 1}]}), json!({"a": [{"b": "1"}]}), r#"/a/0/b: want 1, got "1""#),
        ];
        for (wanted, got, expected) in cases {
            assert_eq!(differences(&wanted, &got).join("; "), expected);
        }
    }
}
