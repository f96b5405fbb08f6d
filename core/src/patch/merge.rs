//! JSON merge patch, RFC 7386, with the quirks of the library that upstream uses.
//! k8s: vendor/gopkg.in/evanphx/json-patch.v4/merge.go, apiserver/pkg/endpoints/handlers/patch.go

use super::PatchError;
use crate::codec::json;
use crate::value::{Type, Value};
use alloc::format;
use alloc::string::ToString;

/// The target after the patch. For a patch that is not an object, the error says no more than upstream's library
/// does; a list replaces the target. `is_checked` says whether the patch was decoded for strict errors before.
pub fn apply(mut target: Value, patch: &Value, is_checked: bool) -> Result<Value, PatchError> {
    match patch.type_of() {
        Type::Object => {}
        Type::Null => return Err(PatchError::Malformed("Invalid JSON Patch".to_string())),
        Type::Array if !is_checked => return Ok(without_nulls(patch)),
        Type::Bool | Type::Number | Type::String if !is_checked => {
            return Err(PatchError::Malformed("Invalid JSON Patch".to_string()));
        }
        found @ (Type::Bool | Type::Number | Type::String | Type::Array) => {
            let found = found.word();
            let why = "into Go value of type map[string]interface {}";
            return Err(PatchError::Malformed(format!(
                "error decoding patch: json: cannot unmarshal {found} {why}"
            )));
        }
    }
    if is_checked {
        let why = |error: json::SyntaxError| format!("error decoding patch: {}", error.0);
        json::check_numbers(patch).map_err(|error| PatchError::Malformed(why(error)))?;
    }
    merge(&mut target, patch);
    Ok(target)
}

/// The recursion is as deep as the patch, whose depth its parser limits.
fn merge(target: &mut Value, patch: &Value) {
    if let Value::Json(text) = &*target
        && text.starts_with('{')
    {
        *target = json::opened(text);
    }
    let Some(members) = target.as_map_mut() else {
        *target = without_nulls(patch);
        return;
    };
    let Some(changes) = patch.as_map() else {
        // A value that replaces an object keeps its nulls.
        *target = patch.clone();
        return;
    };
    for (key, change) in changes.iter() {
        if change.is_null() {
            members.remove(key);
        } else if let Some(member) = members.get_mut(key) {
            merge(member, change);
        } else {
            members.insert(key.clone(), without_nulls(change));
        }
    }
}

/// The value without null members, also in objects inside lists (where the RFC would keep them). Null items of lists
/// stay.
pub(super) fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Map(members) => {
            let kept = members.iter().filter(|(_, member)| !member.is_null());
            Value::map(kept.map(|(key, member)| (key.clone(), without_nulls(member))).collect())
        }
        Value::List(items) => Value::list(items.iter().map(without_nulls).collect()),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Json(_) | Value::Str(_) => {
            value.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::patch::tests::{arbitrary, json};
    use proptest::prelude::*;

    #[test]
    fn the_cases_of_the_rfc() {
        let table = [
            (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"a":null}"#, r#"{}"#),
            (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
            (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#),
            (r#"{"a":{"b":"c"}}"#, r#"{"a":{"b":"d","c":null}}"#, r#"{"a":{"b":"d"}}"#),
            (r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
            (r#"{"a":{}}"#, r#"{"a":[{"b":null}]}"#, r#"{"a":[{"b":null}]}"#),
            (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"a":1,"e":null}"#),
            (r#"[1,2]"#, r#"{"a":"b","c":null}"#, r#"{"a":"b"}"#),
            (r#"{}"#, r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
            (r#"{}"#, r#"{"a":[{"b":null},null]}"#, r#"{"a":[{},null]}"#),
        ];
        for (target, patch, expected) in table {
            assert_eq!(apply(json(target), &json(patch), true), Ok(json(expected)), "{target} {patch}");
        }
        let refused = |patch: &str| apply(json("{}"), &json(patch), true).unwrap_err();
        assert_eq!(refused("null"), PatchError::Malformed("Invalid JSON Patch".into()));
        let why = "error decoding patch: json: cannot unmarshal array into Go value of type \
             map[string]interface {}";
        assert_eq!(refused("[]"), PatchError::Malformed(why.into()));
    }

    proptest! {
        /// A list that has replaced an object keeps its nulls, and loses them when it replaces itself.
        #[test]
        fn applied_twice_is_applied_once_but_for_nulls(target in arbitrary(), patch in arbitrary()) {
            if let Ok(once) = apply(target, &patch, true) {
                let twice = apply(once.clone(), &patch, true).expect("it was applied before");
                prop_assert_eq!(without_nulls(&twice), without_nulls(&once));
                prop_assert_eq!(apply(twice.clone(), &patch, true), Ok(twice));
            }
        }
    }
}
