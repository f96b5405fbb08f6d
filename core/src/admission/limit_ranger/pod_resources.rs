//! What a whole pod asks for: the sum over its containers, or the most that an init container needs while it runs, and
//! what the pod says itself of processors and memory.
//! k8s: plugin/pkg/admission/limitranger/admission.go podRequests, podLimits

use super::constraint::{Asked, Resources, resources};
use crate::value::Value;
use core::cmp::Ordering;

/// The resources that a pod can ask for as a whole.
const OF_PODS: [&str; 2] = ["cpu", "memory"];

pub(super) fn of_pod(pod: &Value) -> Asked {
    Asked { requests: total(pod, "requests"), limits: total(pod, "limits") }
}

/// What a pod asks for, without the overhead of its sandbox.
pub(in crate::admission) fn requests(pod: &Value) -> Resources {
    total(pod, "requests")
}

fn total(pod: &Value, field: &'static str) -> Resources {
    let containers = |list| pod.at(&["spec", list]).and_then(Value::as_list).unwrap_or_default();
    let of = |container: &Value| resources(container.at(&["resources", field]));
    let mut total = Resources::new();
    for container in containers("containers") {
        add(&mut total, &of(container));
    }
    // An init container that is restarted runs beside the containers, and beside the init containers after it.
    let (mut lasting, mut most) = (Resources::new(), Resources::new());
    for container in containers("initContainers") {
        let own = of(container);
        if container.text_at(&["restartPolicy"]) == "Always" {
            add(&mut total, &own);
            add(&mut lasting, &own);
            raise(&mut most, &lasting);
        } else {
            let mut needed = own;
            add(&mut needed, &lasting);
            raise(&mut most, &needed);
        }
    }
    raise(&mut total, &most);
    for (name, quantity) in resources(pod.at(&["spec", "resources", field])) {
        if OF_PODS.contains(&name.as_str()) {
            total.insert(name, quantity);
        }
    }
    total
}

/// Adds resources. A sum that is too large to be held stays what it was.
pub(in crate::admission) fn add(to: &mut Resources, more: &Resources) {
    for (name, quantity) in more {
        let sum = to.get(name).map_or_else(|| Some(quantity.clone()), |held| held.add(quantity));
        if let Some(sum) = sum {
            to.insert(name.clone(), sum);
        }
    }
}

/// Raises each resource to what is asked for elsewhere.
fn raise(to: &mut Resources, other: &Resources) {
    for (name, quantity) in other {
        if to.get(name).is_none_or(|held| quantity.compare(held) == Ordering::Greater) {
            to.insert(name.clone(), quantity.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json;

    #[test]
    fn a_pod_asks_for_what_runs_at_once() {
        let container = |cpu: &str| alloc::format!(r#"{{"resources":{{"requests":{{"cpu":"{cpu}"}}}}}}"#);
        let lasting = container("3").replacen('{', r#"{"restartPolicy":"Always","#, 1);
        let [one, two, nine] = [container("1"), container("2"), container("9")];
        let cases = [
            (alloc::format!(r#""containers":[{one},{two}]"#), "3"),
            (alloc::format!(r#""containers":[{one}],"initContainers":[{two}]"#), "2"),
            (alloc::format!(r#""containers":[{one}],"initContainers":[{lasting}]"#), "4"),
            (alloc::format!(r#""containers":[{one}],"initContainers":[{lasting},{nine}]"#), "12"),
            (alloc::format!(r#""containers":[{one}],"initContainers":[{nine},{lasting}]"#), "9"),
            (alloc::format!(r#""containers":[{one}],"resources":{{"requests":{{"cpu":"7"}}}}"#), "7"),
        ];
        for (spec, expected) in cases {
            let pod =
                json::parse(alloc::format!(r#"{{"spec":{{{spec}}}}}"#).as_bytes()).expect("a pod").value;
            let asked = of_pod(&pod);
            assert_eq!(asked.requests["cpu"].canonical(), expected, "{spec}");
        }
    }
}
