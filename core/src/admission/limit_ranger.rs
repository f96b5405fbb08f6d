//! LimitRanger: containers get the default resources of the namespace's limit ranges, and what pods and claims ask for
//! has to keep to the ranges. It also sees how pods are resized.
//! k8s: plugin/pkg/admission/limitranger/admission.go

mod constraint;
mod pod_resources;

use super::chain::{AdmissionPlugin, Opinion, Said};
use super::{AdmissionAttributes, AdmissionOperation};
use crate::kinds::Objects;
use crate::limits;
use crate::question::Reply;
use crate::status::Failure;
use crate::value::{Map, Value, object};
use crate::world::World;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use constraint::{Asked, Constraints};
use core::ops::ControlFlow;

pub(super) use constraint::resources;
pub(super) use pod_resources::{add as add_resources, requests as requests_of_pod};

pub(super) const PLUGIN: AdmissionPlugin = AdmissionPlugin { mutate, validate, ..AdmissionPlugin::IDLE };

const SET_BY_RANGER: &str = "kubernetes.io/limit-ranger";

/// What the ranges concern.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Subject {
    Pod,
    Claim,
}

/// Containers cannot come or go by an update, so only a resizing update of a pod is looked at.
fn subject(attributes: &AdmissionAttributes<'_>) -> Option<Subject> {
    let kind = attributes.resource;
    let is_update = attributes.operation == AdmissionOperation::Update;
    if !kind.group.is_empty() || object::is_being_deleted(attributes.old) {
        return None;
    }
    match (kind.plural.as_str(), attributes.subresource, attributes.operation) {
        (_, _, AdmissionOperation::Delete) => None,
        ("pods", "resize", _) if is_update => Some(Subject::Pod),
        ("pods", "", AdmissionOperation::Create) => Some(Subject::Pod),
        ("persistentvolumeclaims", "", _) => Some(Subject::Claim),
        _ => None,
    }
}

fn mutate(
    world: &World,
    attributes: &AdmissionAttributes<'_>,
    object: &mut Value,
    _found: Option<Reply>,
    _said: &mut Said,
) -> Result<Opinion, Failure> {
    if subject(attributes) == Some(Subject::Pod) {
        visit(world, attributes, &mut |range| {
            set_defaults(range, object);
            ControlFlow::Continue(())
        });
    }
    Ok(Opinion::Admitted)
}

fn validate(
    world: &World,
    attributes: &AdmissionAttributes<'_>,
    object: &Value,
    _found: Option<Reply>,
    _said: &mut Said,
) -> Result<Opinion, Failure> {
    let Some(subject) = subject(attributes) else { return Ok(Opinion::Admitted) };
    let mut wrong = None;
    visit(world, attributes, &mut |range| {
        let found = match subject {
            Subject::Pod => problems_of_pod(range, object),
            Subject::Claim => problems_of_claim(range, object),
        };
        if found.is_empty() {
            return ControlFlow::Continue(());
        }
        wrong = Some(found);
        ControlFlow::Break(())
    });
    match wrong {
        None => Ok(Opinion::Admitted),
        Some(problems) => Err(attributes.forbidden(object, &joined(&problems))),
    }
}

fn visit(
    world: &World,
    attributes: &AdmissionAttributes<'_>,
    visitor: &mut dyn FnMut(&Value) -> ControlFlow<()>,
) {
    world.visit("", "limitranges", attributes.namespace, visitor);
}

/// Several problems as one sentence, equal ones once.
/// k8s: staging/src/k8s.io/apimachinery/pkg/util/errors/errors.go aggregate.Error
fn joined(problems: &[String]) -> String {
    let mut said = BTreeSet::new();
    let first: Vec<&str> =
        problems.iter().map(String::as_str).filter(|problem| said.insert(*problem)).collect();
    match first.as_slice() {
        [problem] => String::from(*problem),
        problems => format!("[{}]", problems.join(", ")),
    }
}

fn items(range: &Value) -> &[Value] {
    range.at(&["spec", "limits"]).and_then(Value::as_list).unwrap_or_default()
}

/// Gives each container of a pod what it does not ask for itself.
fn set_defaults(range: &Value, pod: &mut Value) {
    let (mut requests, mut limits) = (Map::new(), Map::new());
    for item in items(range).iter().filter(|item| item.text_at(&["type"]) == "Container") {
        for (field, defaults) in [("defaultRequest", &mut requests), ("default", &mut limits)] {
            let held = item.field(field).and_then(Value::as_map);
            for (name, quantity) in held.into_iter().flat_map(Map::iter) {
                defaults.insert(name.clone(), quantity.clone());
            }
        }
    }
    let mut told = Vec::new();
    for (list, word) in [("containers", "container"), ("initContainers", "init container")] {
        let containers = pod.field_mut("spec").and_then(|spec| spec.field_mut(list));
        for container in containers.and_then(Value::as_list_mut).into_iter().flatten() {
            let name = String::from(container.text_at(&["name"]));
            for (field, what, defaults) in [("requests", "request", &requests), ("limits", "limit", &limits)]
            {
                let set = fill(container, field, defaults);
                if !set.is_empty() {
                    told.push(format!("{} {what} for {word} {name}", set.join(", ")));
                }
            }
        }
    }
    if !told.is_empty() {
        let told = format!("LimitRanger plugin set: {}", told.join("; "));
        object::set_annotation(pod, SET_BY_RANGER, &told);
    }
}

/// The resources that were not there, and are now.
fn fill(container: &mut Value, field: &'static str, defaults: &Map) -> Vec<String> {
    let mut set = Vec::new();
    for (name, quantity) in defaults.iter() {
        if container.at(&["resources", field, name]).is_none() {
            container.set_at(&["resources", field, name], quantity.clone());
            set.push(String::from(name.as_str()));
        }
    }
    set.sort();
    set
}

fn problems_of_claim(range: &Value, claim: &Value) -> Vec<String> {
    let asked = Asked::of(claim.at(&["spec", "resources", "requests"]), None);
    let mut problems = Vec::new();
    for item in items(range).iter().filter(|item| item.text_at(&["type"]) == "PersistentVolumeClaim") {
        Constraints::of(item, "PersistentVolumeClaim").check_request(&asked, &mut problems);
    }
    problems
}

fn problems_of_pod(range: &Value, pod: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    for item in items(range) {
        match item.text_at(&["type"]) {
            "Container" => {
                let constraints = Constraints::of(item, "Container");
                for list in ["containers", "initContainers"] {
                    let containers = pod.at(&["spec", list]).and_then(Value::as_list).unwrap_or_default();
                    for container in containers {
                        let of = |field| container.at(&["resources", field]);
                        constraints.check(&Asked::of(of("requests"), of("limits")), &mut problems);
                        if problems.len() > limits::CAUSES {
                            return problems;
                        }
                    }
                }
            }
            "Pod" => {
                let constraints = Constraints::of(item, "Pod");
                constraints.check(&pod_resources::of_pod(pod), &mut problems);
            }
            _ => {}
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json;

    fn object(text: &str) -> Value {
        json::parse(text.as_bytes()).expect("JSON").value
    }

    #[test]
    fn containers_get_defaults_and_the_pod_says_so() {
        let range = object(
            r#"{"spec":{"limits":[{"type":"Container","default":{"cpu":"1","memory":"2Gi"},
                "defaultRequest":{"memory":"1Gi","cpu":"500m"}}]}}"#,
        );
        let mut pod = object(
            r#"{"metadata":{"name":"p"},"spec":{"containers":[{"name":"a","resources":{}},
                {"name":"b","resources":{"requests":{"cpu":"1m"},"limits":{"cpu":"2m","memory":"1"}}}],
                "initContainers":[{"name":"i","resources":{"limits":{"cpu":"2m"}}}]}}"#,
        );
        set_defaults(&range, &mut pod);
        assert_eq!(
            object::annotation(&pod, SET_BY_RANGER),
            Some(
                "LimitRanger plugin set: cpu, memory request for container a; cpu, memory limit for container a; \
                 memory request for container b; cpu, memory request for init container i; \
                 memory limit for init container i"
            )
        );
        let containers = pod.at(&["spec", "containers"]).and_then(Value::as_list).expect("containers");
        assert_eq!(containers[0].text_at(&["resources", "limits", "memory"]), "2Gi");
        assert_eq!(containers[1].text_at(&["resources", "requests", "cpu"]), "1m");
    }

    #[test]
    fn what_is_asked_for_keeps_to_the_range() {
        let container = |resources: &str| {
            object(&format!(r#"{{"spec":{{"containers":[{{"name":"c","resources":{resources}}}]}}}}"#))
        };
        let range = |limits: &str| object(&format!(r#"{{"spec":{{"limits":[{limits}]}}}}"#));
        let cpu = range(
            r#"{"type":"Container","min":{"cpu":"50m"},"max":{"cpu":"1"},"maxLimitRequestRatio":{"cpu":"4"}}"#,
        );
        let whole = range(r#"{"type":"Pod","max":{"cpu":"2"}}"#);
        let cases = [
            (&cpu, r#"{"requests":{"cpu":"50m"},"limits":{"cpu":"200m"}}"#, ""),
            (&cpu, r#"{"requests":{"cpu":"1"},"limits":{"cpu":"1"}}"#, ""),
            (
                &cpu,
                r#"{"requests":{"cpu":"50m"},"limits":{"cpu":"201m"}}"#,
                "cpu max limit to request ratio per Container is 4, but provided ratio is 4.020000",
            ),
            (
                &cpu,
                r#"{"requests":{"cpu":"10m"},"limits":{"cpu":"200m"}}"#,
                "[minimum cpu usage per Container is 50m, but request is 10m, cpu max limit to request ratio per \
                 Container is 4, but provided ratio is 20.000000]",
            ),
            (
                &cpu,
                r#"{"requests":{"cpu":"500m"},"limits":{"cpu":"1001m"}}"#,
                "maximum cpu usage per Container is 1, but limit is 1001m",
            ),
            (
                &cpu,
                "{}",
                "[minimum cpu usage per Container is 50m.  No request is specified, maximum cpu usage per Container \
                 is 1.  No limit is specified, cpu max limit to request ratio per Container is 4, but no request is \
                 specified or request is 0]",
            ),
            (&whole, r#"{"requests":{"cpu":"2"},"limits":{"cpu":"2"}}"#, ""),
            (
                &whole,
                r#"{"requests":{"cpu":"2"},"limits":{"cpu":"3"}}"#,
                "maximum cpu usage per Pod is 2, but limit is 3",
            ),
        ];
        for (range, resources, expected) in cases {
            let problems = problems_of_pod(range, &container(resources));
            let found = if problems.is_empty() { String::new() } else { joined(&problems) };
            assert_eq!(found, expected, "{resources}");
        }
        let claims =
            range(r#"{"type":"PersistentVolumeClaim","min":{"storage":"1Gi"},"max":{"storage":"2Gi"}}"#);
        for (asked, expected) in [
            ("1Gi", ""),
            ("2Gi", ""),
            ("3Gi", "maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi"),
            ("1", "minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 1"),
        ] {
            let claim =
                object(&format!(r#"{{"spec":{{"resources":{{"requests":{{"storage":"{asked}"}}}}}}}}"#));
            let problems = problems_of_claim(&claims, &claim);
            assert_eq!(problems.first().map_or("", String::as_str), expected, "{asked}");
        }
    }
}
