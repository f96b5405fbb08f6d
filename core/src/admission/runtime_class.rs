//! RuntimeClass: a new pod gets what its runtime class adds: the overhead of its sandbox, and where it can run.
//! k8s: plugin/pkg/admission/runtimeclass/admission.go, pkg/util/tolerations/tolerations.go

use super::AdmissionAttributes;
use super::chain::{AdmissionPlugin, Opinion, Said};
use crate::limits;
use crate::question::{self, Question, Reply};
use crate::status::Failure;
use crate::store::{Op, Range};
use crate::value::quantity::Quantity;
use crate::value::{Value, quoted};
use crate::world::World;
use alloc::format;
use alloc::vec::Vec;
use core::cmp::Ordering;

pub(super) const PLUGIN: AdmissionPlugin = AdmissionPlugin { mutate, validate, ..AdmissionPlugin::IDLE };

const OVERHEAD: &[&str] = &["spec", "overhead"];

/// The runtime class of a pod.
enum RuntimeClass {
    /// The pod names none.
    None,
    Found(Value),
    /// Only the store can tell whether there is one.
    Needs(Opinion),
}

fn mutate(
    world: &World,
    attributes: &AdmissionAttributes<'_>,
    object: &mut Value,
    found: Option<Reply>,
    _said: &mut Said,
) -> Result<Opinion, Failure> {
    if !attributes.creates("", "pods") {
        return Ok(Opinion::Admitted);
    }
    match class_of(world, attributes, object, found)? {
        RuntimeClass::None => Ok(Opinion::Admitted),
        RuntimeClass::Needs(opinion) => Ok(opinion),
        RuntimeClass::Found(class) => {
            set_overhead(attributes, &class, object)?;
            set_scheduling(attributes, &class, object)?;
            Ok(Opinion::Admitted)
        }
    }
}

fn validate(
    world: &World,
    attributes: &AdmissionAttributes<'_>,
    object: &Value,
    found: Option<Reply>,
    _said: &mut Said,
) -> Result<Opinion, Failure> {
    if !attributes.creates("", "pods") {
        return Ok(Opinion::Admitted);
    }
    let overhead = match class_of(world, attributes, object, found)? {
        RuntimeClass::Needs(opinion) => return Ok(opinion),
        RuntimeClass::None => None,
        RuntimeClass::Found(class) => set(&class, "overhead").cloned(),
    };
    match overhead {
        Some(overhead) if is_same(fixed(&overhead), object.at(OVERHEAD)) => Ok(Opinion::Admitted),
        Some(_) => Err(attributes.forbidden(object, MISMATCH)),
        None if object.at(OVERHEAD).is_some_and(|held| !held.is_null()) => {
            let why = "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead";
            Err(attributes.forbidden(object, why))
        }
        None => Ok(Opinion::Admitted),
    }
}

const MISMATCH: &str = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead";

fn class_of(
    world: &World,
    attributes: &AdmissionAttributes<'_>,
    pod: &Value,
    found: Option<Reply>,
) -> Result<RuntimeClass, Failure> {
    let Some(name) = pod.at(&["spec", "runtimeClassName"]).and_then(Value::as_str) else {
        return Ok(RuntimeClass::None);
    };
    let gone = || Failure::internal("runtime classes are not served");
    let storage = world.registry.find("node.k8s.io", "v1", "runtimeclasses").and_then(|kind| kind.storage);
    let storage = storage.ok_or_else(gone)?;
    let collection = world.collection(storage).ok_or_else(gone)?;
    let key = collection.keys.key("", name);
    if let Some(entry) = world.cache(storage).and_then(|cache| cache.get(&key)) {
        return Ok(RuntimeClass::Found(entry.to_value()));
    }
    let Some(stored) = found else {
        let op = Op::Range(Range { key, ..Range::default() });
        return Ok(RuntimeClass::Needs(Opinion::Needs(Question::Store(collection.feed, op))));
    };
    let Some(kv) = question::ranged(stored)?.kvs.pop() else {
        let why = format!("pod rejected: RuntimeClass {} not found", quoted(name));
        return Err(attributes.forbidden(pod, &why));
    };
    let entry = world.decode(storage, kv).ok_or_else(gone)?;
    Ok(RuntimeClass::Found(entry.map_err(|why| Failure::unreadable(&why.0))?.to_value()))
}

/// A member that is a pointer in Go, if it is not null.
fn set<'a>(object: &'a Value, field: &str) -> Option<&'a Value> {
    object.field(field).filter(|held| !held.is_null())
}

fn fixed(overhead: &Value) -> Option<&Value> {
    set(overhead, "podFixed")
}

/// Whether maps of quantities are equal; one without entries is as good as none.
fn is_same(one: Option<&Value>, other: Option<&Value>) -> bool {
    let [one, other] = [one, other].map(|held| held.and_then(Value::as_map).cloned().unwrap_or_default());
    let equal = |held: &Value, other: Option<&Value>| {
        let [held, other] = [Some(held), other].map(|held| Quantity::from_value(held?).ok());
        matches!((held, other), (Some(held), Some(other)) if held.compare(&other) == Ordering::Equal)
    };
    one.len() == other.len() && one.iter().all(|(name, held)| equal(held, other.get(name)))
}

fn set_overhead(attributes: &AdmissionAttributes<'_>, class: &Value, pod: &mut Value) -> Result<(), Failure> {
    let Some(overhead) = set(class, "overhead") else { return Ok(()) };
    let is_set = pod.at(OVERHEAD).and_then(Value::as_map).is_some_and(|held| !held.is_empty());
    if is_set && !is_same(fixed(overhead), pod.at(OVERHEAD)) {
        return Err(attributes.forbidden(pod, MISMATCH));
    }
    match fixed(overhead) {
        Some(fixed) => pod.set_at(OVERHEAD, fixed.clone()),
        None => {
            pod.remove_at(OVERHEAD);
        }
    }
    Ok(())
}

fn set_scheduling(
    attributes: &AdmissionAttributes<'_>,
    class: &Value,
    pod: &mut Value,
) -> Result<(), Failure> {
    let Some(scheduling) = set(class, "scheduling") else { return Ok(()) };
    let wanted = scheduling.field("nodeSelector").and_then(Value::as_map).cloned().unwrap_or_default();
    for (key, value) in wanted.iter() {
        let path = ["spec", "nodeSelector", key.as_str()];
        let of_class = value.as_str().unwrap_or_default();
        match pod.at(&path).and_then(Value::as_str) {
            Some(held) if held != of_class => {
                let why = format!(
                    "conflict: runtimeClass.scheduling.nodeSelector[{key}] = {of_class}; \
                     pod.spec.nodeSelector[{key}] = {held}"
                );
                return Err(attributes.forbidden(pod, &why));
            }
            Some(_) => {}
            None => pod.set_at(&path, value.clone()),
        }
    }
    let list = |held: Option<&Value>| held.and_then(Value::as_list).unwrap_or_default().to_vec();
    let mut all = list(pod.at(&["spec", "tolerations"]));
    all.extend(list(scheduling.field("tolerations")));
    let merged = if all.len() > limits::TOLERATIONS_MERGED { all } else { merged(&all) };
    if merged.is_empty() {
        pod.remove_at(&["spec", "tolerations"]);
    } else {
        pod.set_at(&["spec", "tolerations"], Value::list(merged));
    }
    Ok(())
}

/// The tolerations without those that another one contains; of equal ones the first stays.
pub(super) fn merged(all: &[Value]) -> Vec<Value> {
    let mut merged: Vec<Value> = Vec::new();
    for (index, one) in all.iter().enumerate() {
        let later = || all.iter().skip(index + 1).any(|other| one != other && contains(other, one));
        if !merged.iter().any(|held| contains(held, one)) && !later() {
            merged.push(one.clone());
        }
    }
    merged
}

/// Whether a toleration tolerates all that another one does.
pub(super) fn contains(wide: &Value, narrow: &Value) -> bool {
    if wide == narrow {
        return true;
    }
    let text = |toleration: &Value, field: &str| alloc::string::String::from(toleration.text_at(&[field]));
    let differs = |field: &str| text(wide, field) != text(narrow, field);
    let operator = wide.text_at(&["operator"]);
    if differs("key") && (!text(wide, "key").is_empty() || operator != "Exists") {
        return false;
    }
    let effect = text(wide, "effect");
    if differs("effect") && !effect.is_empty() {
        return false;
    }
    let seconds = |toleration: &Value| toleration.field("tolerationSeconds").and_then(Value::as_int);
    if effect == "NoExecute"
        && let Some(most) = seconds(wide)
        && seconds(narrow).is_none_or(|asked| asked > most)
    {
        return false;
    }
    match operator {
        "Equal" | "" => narrow.text_at(&["operator"]) == "Equal" && !differs("value"),
        "Exists" => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json;

    #[test]
    fn tolerations_are_merged_and_the_widest_stay() {
        let cases = [
            ("[]", "[]"),
            (r#"[{"key":"a","operator":"Exists"},{"key":"a","operator":"Exists"}]"#, "0"),
            (r#"[{"key":"a","operator":"Equal","value":"b"},{"key":"a","operator":"Exists"}]"#, "1"),
            (r#"[{"operator":"Exists"},{"key":"a","operator":"Exists","effect":"NoExecute"}]"#, "0"),
            (
                r#"[{"key":"a","operator":"Exists","effect":"NoExecute","tolerationSeconds":5},
                    {"key":"a","operator":"Exists","effect":"NoExecute","tolerationSeconds":6}]"#,
                "1",
            ),
            (r#"[{"key":"a","operator":"Exists"},{"key":"b","operator":"Exists"}]"#, "01"),
            (r#"[{"key":"a","value":"b"},{"key":"a","operator":"Equal","value":"b"}]"#, "0"),
            (r#"[{"key":"a","operator":"Equal","value":"b"},{"key":"a","value":"b"}]"#, "1"),
        ];
        for (all, expected) in cases {
            let all = json::parse(all.as_bytes()).expect("JSON").value;
            let all = all.as_list().expect("a list");
            let left: Vec<usize> =
                merged(all).iter().filter_map(|one| all.iter().position(|held| held == one)).collect();
            let wanted: Vec<usize> =
                expected.chars().filter_map(|digit| Some(digit.to_digit(10)? as usize)).collect();
            assert_eq!(left, wanted, "{all:?}");
        }
    }

    #[test]
    fn overheads_are_compared_by_value() {
        let of = |text: &str| json::parse(text.as_bytes()).expect("JSON").value;
        let cases = [
            (r#"{"cpu":"1"}"#, r#"{"cpu":"1000m"}"#, true),
            (r#"{"cpu":"1"}"#, r#"{"cpu":"2"}"#, false),
            (r#"{"cpu":"1"}"#, r#"{"memory":"1"}"#, false),
            ("{}", "null", true),
            (r#"{"cpu":"1"}"#, "null", false),
        ];
        for (one, other, expected) in cases {
            let (one, other) = (of(one), of(other));
            assert_eq!(is_same(Some(&one), Some(&other)), expected, "{one:?} {other:?}");
        }
    }
}
