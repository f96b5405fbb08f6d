//! DefaultTolerationSeconds: a pod stays for a while on a node that is not ready or cannot be reached.
//! k8s: plugin/pkg/admission/defaulttolerationseconds/admission.go

use super::chain::{AdmissionPlugin, Opinion, Said};
use super::{AdmissionAttributes, AdmissionOperation};
use crate::config::AdmissionOptions;
use crate::question::Reply;
use crate::status::Failure;
use crate::value::{Map, Value};
use crate::world::World;
use alloc::vec::Vec;

pub(super) const PLUGIN: AdmissionPlugin = AdmissionPlugin { mutate: admit, ..AdmissionPlugin::IDLE };

fn admit(
    world: &World,
    attributes: &AdmissionAttributes<'_>,
    object: &mut Value,
    _found: Option<Reply>,
    _said: &mut Said,
) -> Result<Opinion, Failure> {
    if attributes.is_of("", "pods") && attributes.operation != AdmissionOperation::Delete {
        tolerate(object, &world.config.admission);
    }
    Ok(Opinion::Admitted)
}

fn tolerate(pod: &mut Value, flags: &AdmissionOptions) {
    const PLACE: &[&str] = &["spec", "tolerations"];
    if pod.field("spec").and_then(Value::as_map).is_none() {
        return;
    }
    let held = pod.at(PLACE).and_then(Value::as_list).unwrap_or_default();
    let is_tolerated = |taint: &str| {
        held.iter().any(|toleration| {
            let (key, effect) = (toleration.text_at(&["key"]), toleration.text_at(&["effect"]));
            (key.is_empty() || key == taint) && matches!(effect, "" | "NoExecute")
        })
    };
    let taints = [
        ("node.kubernetes.io/not-ready", flags.not_ready_toleration_seconds),
        ("node.kubernetes.io/unreachable", flags.unreachable_toleration_seconds),
    ];
    let missing = taints.into_iter().filter(|(taint, _)| !is_tolerated(taint));
    let added: Vec<Value> = missing.map(|(taint, seconds)| toleration(taint, seconds)).collect();
    if !added.is_empty() {
        let all = held.iter().cloned().chain(added).collect();
        pod.set_at(PLACE, Value::list(all));
    }
}

fn toleration(taint: &str, seconds: i64) -> Value {
    let mut toleration = Map::new();
    toleration.insert("key", Value::str(taint));
    toleration.insert("operator", "Exists".into());
    toleration.insert("effect", "NoExecute".into());
    toleration.insert("tolerationSeconds", Value::Int(seconds));
    toleration.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json;

    #[test]
    fn what_is_not_tolerated_yet_is_added() {
        let cases = [
            (r#"{"spec":{}}"#, 2),
            (r#"{"spec":{"tolerations":[{"key":"node.kubernetes.io/not-ready","effect":"NoSchedule"}]}}"#, 3),
            (r#"{"spec":{"tolerations":[{"key":"node.kubernetes.io/not-ready","effect":"NoExecute"}]}}"#, 2),
            (r#"{"spec":{"tolerations":[{"key":"node.kubernetes.io/unreachable"}]}}"#, 2),
            (r#"{"spec":{"tolerations":[{"operator":"Exists"}]}}"#, 1),
            (r#"{}"#, 0),
        ];
        let flags = AdmissionOptions { unreachable_toleration_seconds: 7, ..AdmissionOptions::default() };
        for (text, count) in cases {
            let mut pod = json::parse(text.as_bytes()).expect("JSON").value;
            tolerate(&mut pod, &flags);
            let list = pod.at(&["spec", "tolerations"]).and_then(Value::as_list).unwrap_or_default();
            assert_eq!(list.len(), count, "{text}");
            for toleration in list.iter().filter(|held| held.field("tolerationSeconds").is_some()) {
                let is_unreachable = toleration.text_at(&["key"]).ends_with("unreachable");
                let seconds = toleration.field("tolerationSeconds").and_then(Value::as_int);
                assert_eq!(seconds, Some(if is_unreachable { 7 } else { 300 }), "{text}");
            }
        }
    }
}
