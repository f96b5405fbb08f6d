//! What knows how the objects of a resource count towards quotas.
//! k8s: staging/src/k8s.io/apiserver/pkg/quota/v1/{interfaces.go,generic/evaluator.go},
//! pkg/quota/v1/{install/registry.go,evaluator/core/registry.go}

use super::amounts::Amounts;
use super::scope::ScopeTerm;
use super::{device_claim, pod, service, volume_claim};
use crate::admission::{AdmissionAttributes, AdmissionOperation};
use crate::kinds::Objects;
use crate::now::Wall;
use crate::value::quantity::Quantity;
use crate::value::{Text, Value};
use alloc::format;
use alloc::string::String;

/// How the objects of one resource count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evaluator {
    Pods,
    Services,
    VolumeClaims,
    DeviceClaims,
    /// Each counts as one, under this name and perhaps an older one.
    Count {
        name: Text,
        alias: &'static str,
    },
}

/// The name under which objects of a resource are counted.
fn count_name(group: &str, plural: &str) -> String {
    if group.is_empty() { format!("count/{plural}") } else { format!("count/{plural}.{group}") }
}

impl Evaluator {
    /// That of a resource; None for those that no quota counts, since they are not stored or never were counted.
    pub fn of(group: &str, plural: &str) -> Option<Self> {
        Some(match (group, plural) {
            ("" | "events.k8s.io", "events") | ("", "bindings" | "componentstatuses") => return None,
            ("authentication.k8s.io", "tokenreviews" | "selfsubjectreviews") => return None,
            (
                "authorization.k8s.io",
                "subjectaccessreviews"
                | "selfsubjectaccessreviews"
                | "localsubjectaccessreviews"
                | "selfsubjectrulesreviews",
            ) => return None,
            ("", "pods") => Self::Pods,
            ("", "services") => Self::Services,
            ("", "persistentvolumeclaims") => Self::VolumeClaims,
            ("resource.k8s.io", "resourceclaims") => Self::DeviceClaims,
            _ => {
                const OLDER: [&str; 4] =
                    ["configmaps", "resourcequotas", "replicationcontrollers", "secrets"];
                let alias = OLDER.into_iter().find(|older| group.is_empty() && *older == plural);
                Self::Count { name: count_name(group, plural).into(), alias: alias.unwrap_or_default() }
            }
        })
    }

    /// Whether a write may change how much is used.
    pub(super) fn handles(&self, attributes: &AdmissionAttributes<'_>, object: &Value) -> bool {
        let is_create = attributes.operation == AdmissionOperation::Create;
        let is_update = attributes.operation == AdmissionOperation::Update;
        match (self, attributes.subresource) {
            (Self::Pods, "") => {
                is_create || is_update && pod::is_terminating(attributes.old) != pod::is_terminating(object)
            }
            (Self::Pods, "resize") => is_update,
            (Self::Services | Self::VolumeClaims | Self::DeviceClaims, "") => is_create || is_update,
            (Self::VolumeClaims, "status") => is_update,
            (Self::Count { .. }, "") => is_create,
            (
                Self::Pods | Self::Services | Self::VolumeClaims | Self::DeviceClaims | Self::Count { .. },
                _,
            ) => false,
        }
    }

    /// Whether a quota for the resource of this name limits these objects.
    pub fn is_limited_by(&self, resource: &str, objects: &dyn Objects) -> bool {
        match self {
            Self::Pods => pod::is_limited_by(resource),
            Self::Services => service::is_limited_by(resource),
            Self::VolumeClaims => volume_claim::is_limited_by(resource),
            Self::DeviceClaims => device_claim::is_limited_by(resource, objects),
            Self::Count { name, alias } => name == resource || (!alias.is_empty() && *alias == resource),
        }
    }

    /// Whether an object is within a scope.
    pub(super) fn is_within(&self, object: &Value, term: &ScopeTerm<'_>) -> bool {
        match self {
            Self::Pods => pod::is_within(object, term),
            Self::VolumeClaims => volume_claim::is_within(object, term),
            Self::Services | Self::DeviceClaims | Self::Count { .. } => false,
        }
    }

    /// Whether scopes mean something to these objects.
    pub(super) fn has_scopes(&self) -> bool {
        matches!(self, Self::Pods | Self::VolumeClaims)
    }

    /// Whether an object is within all scopes of a quota.
    pub fn is_within_quota(&self, object: &Value, quota: &Value) -> bool {
        ScopeTerm::of_quota(quota).iter().all(|term| self.is_within(object, term))
    }

    /// What an object fails to say of resources that are limited.
    pub(super) fn problem(&self, object: &Value, limited: &[Text]) -> Option<String> {
        match self {
            Self::Pods => pod::problem(object, limited),
            Self::Services | Self::VolumeClaims | Self::DeviceClaims | Self::Count { .. } => None,
        }
    }

    /// What an object counts for.
    pub fn usage(&self, object: &Value, objects: &dyn Objects, now: Wall) -> Amounts {
        match self {
            Self::Pods => pod::usage(object, now),
            Self::Services => service::usage(object),
            Self::VolumeClaims => volume_claim::usage(object),
            Self::DeviceClaims => device_claim::usage(object, objects, now),
            Self::Count { name, alias } => {
                let mut usage = Amounts::default();
                usage.set(name.clone(), Quantity::from_int(1));
                if !alias.is_empty() {
                    usage.set(*alias, Quantity::from_int(1));
                }
                usage
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json;
    use alloc::vec::Vec;
    use core::ops::ControlFlow;
    use proptest::prelude::*;

    /// A world without other objects.
    struct Nothing;

    impl Objects for Nothing {
        fn get(&self, _: &str, _: &str, _: &str, _: &str) -> Option<Value> {
            None
        }

        fn visit(&self, _: &str, _: &str, _: &str, _: &mut dyn FnMut(&Value) -> ControlFlow<()>) {}
    }

    fn usage(group: &str, plural: &str, object: &Value) -> Amounts {
        let evaluator = Evaluator::of(group, plural).expect("an evaluator");
        let usage = evaluator.usage(object, &Nothing, Wall::from_seconds(1_700_000_000));
        let counted = usage.iter().all(|(name, _)| evaluator.is_limited_by(name, &Nothing));
        let is_implicit = |(name, _): (&Text, &Quantity)| name.starts_with("requests.deviceclass.");
        assert!(counted || usage.iter().any(is_implicit), "a quota can limit what counts: {}", usage.shown());
        usage
    }

    #[test]
    fn objects_count_for_what_upstream_says() {
        let table = [
            ("", "secrets", "{}", "count/secrets=1,secrets=1"),
            ("apps", "deployments", "{}", "count/deployments.apps=1"),
            (
                "",
                "services",
                r#"{"spec":{"type":"NodePort","ports":[{},{}]}}"#,
                "count/services=1,services=1,services.loadbalancers=0,services.nodeports=2",
            ),
            (
                "",
                "services",
                r#"{"spec":{"type":"LoadBalancer","allocateLoadBalancerNodePorts":false,"ports":[{"nodePort":3},{}]}}"#,
                "count/services=1,services=1,services.loadbalancers=1,services.nodeports=1",
            ),
            (
                "",
                "persistentvolumeclaims",
                concat!(
                    r#"{"spec":{"storageClassName":"gold","resources":{"requests":{"#,
                    r#""storage":"1500m"}}},"status":{"allocatedResources":{"storage":"3"}}}"#,
                ),
                "count/persistentvolumeclaims=1,gold.storageclass.storage.k8s.io/persistentvolumeclaims=1,\
                 gold.storageclass.storage.k8s.io/requests.storage=3,persistentvolumeclaims=1,requests.storage=3",
            ),
            (
                "",
                "pods",
                concat!(
                    r#"{"spec":{"containers":[{"resources":{"requests":{"cpu":"1","#,
                    r#""hugepages-2Mi":"2Mi","example.com/gpu":"2"},"limits":{"memory":"1Gi"}}}]}}"#,
                ),
                "count/pods=1,cpu=1,hugepages-2Mi=2Mi,limits.memory=1Gi,pods=1,requests.cpu=1,\
                 requests.example.com/gpu=2,requests.hugepages-2Mi=2Mi",
            ),
            (
                "",
                "pods",
                concat!(
                    r#"{"spec":{"initContainers":[{"resources":{"requests":{"cpu":"3"}}},{"#,
                    r#""restartPolicy":"Always","resources":{"requests":{"cpu":"1"}}}],"containers":[{"#,
                    r#""resources":{"requests":{"cpu":"1"}}}],"overhead":{"cpu":"500m","memory":"1"}}}"#,
                ),
                "count/pods=1,cpu=3500m,memory=1,pods=1,requests.cpu=3500m,requests.memory=1",
            ),
            (
                "",
                "pods",
                concat!(
                    r#"{"spec":{"resources":{"requests":{"cpu":"5"}},"containers":[{"resources":{"#,
                    r#""requests":{"cpu":"1"}}}]}}"#,
                ),
                "count/pods=1,cpu=5,pods=1,requests.cpu=5",
            ),
            (
                "",
                "pods",
                concat!(
                    r#"{"spec":{"containers":[{"name":"c","resources":{"requests":{"cpu":"1"}}}]},"#,
                    r#""status":{"containerStatuses":[{"name":"c","resources":{"requests":{"cpu":"2"}},"#,
                    r#""allocatedResources":{"cpu":"3"}}]}}"#,
                ),
                "count/pods=1,cpu=3,pods=1,requests.cpu=3",
            ),
            (
                "",
                "pods",
                r#"{"status":{"phase":"Failed"},"spec":{"containers":[{"resources":{"requests":{"cpu":"1"}}}]}}"#,
                "count/pods=1",
            ),
            (
                "",
                "pods",
                concat!(
                    r#"{"metadata":{"deletionTimestamp":"2023-01-01T00:00:00Z","#,
                    r#""deletionGracePeriodSeconds":30},"spec":{"containers":[]}}"#,
                ),
                "count/pods=1",
            ),
            (
                "resource.k8s.io",
                "resourceclaims",
                concat!(
                    r#"{"spec":{"devices":{"requests":[{"exactly":{"deviceClassName":"gpu","#,
                    r#""allocationMode":"All"}},{"firstAvailable":[{"deviceClassName":"gpu","#,
                    r#""allocationMode":"ExactCount","count":2},{"deviceClassName":"tpu","#,
                    r#""allocationMode":"ExactCount","count":3}]}]}}}"#,
                ),
                "count/resourceclaims.resource.k8s.io=1,gpu.deviceclass.resource.k8s.io/devices=34,\
                 requests.deviceclass.resource.kubernetes.io/gpu=34,requests.deviceclass.resource.kubernetes.io/tpu=3,\
                 tpu.deviceclass.resource.k8s.io/devices=3",
            ),
        ];
        for (group, plural, object, want) in table {
            let object = json::parse(object.as_bytes()).expect("JSON").value;
            assert_eq!(usage(group, plural, &object).shown(), want, "{plural}");
        }
        assert_eq!(Evaluator::of("", "events"), None);
    }

    fn container(cpu: u32, memory: u32) -> Value {
        let mut container = Value::empty_map();
        container.set_at(&["resources", "requests", "cpu"], format!("{cpu}m").as_str().into());
        container.set_at(&["resources", "limits", "memory"], format!("{memory}").as_str().into());
        container
    }

    fn pod(containers: &[(u32, u32)]) -> Value {
        let mut pod = Value::empty_map();
        let containers: Vec<_> = containers.iter().map(|(cpu, memory)| container(*cpu, *memory)).collect();
        pod.set_at(&["spec", "containers"], Value::list(containers));
        pod
    }

    proptest! {
        #[test]
        fn a_pod_counts_for_the_sum_of_its_containers(
            containers in prop::collection::vec((0_u32..5000, 0_u32..5000), 1..6),
        ) {
            let whole = usage("", "pods", &pod(&containers));
            let mut sum = Amounts::default();
            for container in &containers {
                let part = usage("", "pods", &pod(&[*container]));
                sum.add(&part.only(|name| !matches!(name, "pods" | "count/pods")));
            }
            prop_assert!(whole.only(|name| !matches!(name, "pods" | "count/pods")).is_same(&sum));
            let cpu: u32 = containers.iter().map(|(cpu, _)| cpu).sum();
            prop_assert_eq!(whole.get("requests.cpu").and_then(Quantity::to_milli), Some(i64::from(cpu)));
        }

        #[test]
        fn growth_makes_the_old_usage_at_least_the_new_one(
            old in prop::collection::vec((0_u32..5000, 0_u32..5000), 1..6),
            new in prop::collection::vec((0_u32..5000, 0_u32..5000), 1..6),
        ) {
            let (old, new) = (usage("", "pods", &pod(&old)), usage("", "pods", &pod(&new)));
            let growth = new.growth_from(&old);
            prop_assert!(growth.negative().is_empty());
            let mut most = old.clone();
            most.raise(&new);
            let mut grown = old;
            grown.add(&growth);
            prop_assert!(grown.is_same(&most), "{} {}", grown.shown(), most.shown());
        }
    }
}
