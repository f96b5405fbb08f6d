//! The conditions in a pod's status, as the server itself sets and reads them.
//! k8s: pkg/api/pod/util.go UpdatePodCondition, IsPodReady

use crate::now::Wall;
use crate::value::{Map, Value};
use alloc::vec::Vec;

/// A condition that is true from now on. Empty texts are left out.
#[derive(Clone, Copy, Debug)]
pub struct PodCondition<'a> {
    pub condition: &'a str,
    pub reason: &'a str,
    pub message: &'a str,
}

/// Sets a condition of a pod. One that was true already keeps the time at which it became so.
pub fn set(pod: &mut Value, new: PodCondition<'_>, now: Wall) {
    let mut conditions: Vec<Value> = conditions(pod).to_vec();
    let at = conditions.iter().position(|held| held.text_at(&["type"]) == new.condition);
    let held = at.and_then(|at| conditions.get(at));
    let since = held.filter(|held| is_true(held)).map(|held| held.text_at(&["lastTransitionTime"]));
    let since = since.filter(|since| !since.is_empty()).map_or_else(|| now.rfc3339().into(), Value::from);
    let mut condition = Map::new();
    condition.insert("type", new.condition.into());
    condition.insert("status", "True".into());
    condition.insert("lastProbeTime", Value::Null);
    condition.insert("lastTransitionTime", since);
    for (field, text) in [("reason", new.reason), ("message", new.message)] {
        if !text.is_empty() {
            condition.insert(field, text.into());
        }
    }
    match at.and_then(|at| conditions.get_mut(at)) {
        Some(held) => *held = condition.into(),
        None => conditions.push(condition.into()),
    }
    pod.set_at(&["status", "conditions"], Value::list(conditions));
}

/// Whether the pod says that it is ready.
pub fn is_ready(pod: &Value) -> bool {
    conditions(pod).iter().any(|held| held.text_at(&["type"]) == "Ready" && is_true(held))
}

fn is_true(condition: &Value) -> bool {
    condition.text_at(&["status"]) == "True"
}

fn conditions(pod: &Value) -> &[Value] {
    pod.at(&["status", "conditions"]).and_then(Value::as_list).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json;
    use alloc::format;
    use alloc::string::String;

    /// The condition C, which became true at a second.
    fn since(second: u8) -> String {
        let time = format!("1970-01-01T00:00:0{second}Z");
        format!(
            r#"{{"lastProbeTime":null,"lastTransitionTime":"{time}","reason":"R","status":"True","type":"C"}}"#
        )
    }

    #[test]
    fn a_condition_is_added_or_replaced_and_keeps_its_time_while_it_stays_true() {
        let cases = [
            ("", since(9)),
            (
                r#"{"type":"C","status":"True","lastTransitionTime":"1970-01-01T00:00:03Z","message":"old"}"#,
                since(3),
            ),
            (r#"{"type":"C","status":"False","lastTransitionTime":"1970-01-01T00:00:03Z"}"#, since(9)),
        ];
        for (held, expected) in cases {
            let other = r#"{"type":"Ready","status":"True"}"#;
            let held = if held.is_empty() { String::new() } else { format!("{held},") };
            let pod = format!(r#"{{"status":{{"conditions":[{held}{other}]}}}}"#);
            let mut pod = json::parse(pod.as_bytes()).expect("a pod").value;
            let new = PodCondition { condition: "C", reason: "R", message: "" };
            set(&mut pod, new, Wall::from_seconds(9));
            let found = conditions(&pod).iter().find(|held| held.text_at(&["type"]) == "C");
            assert_eq!(found.map(json::to_string), Some(expected));
            assert_eq!(conditions(&pod).len(), 2);
            assert!(is_ready(&pod));
        }
    }
}
