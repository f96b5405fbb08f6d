//! The priorities of groups and of their versions, by which discovery lists them.
//! k8s: pkg/controlplane/apiserver/aggregator.go, cmd/kube-apiserver/app/aggregator.go,
//! pkg/controlplane/controller/crdregistration/crdregistration_controller.go

/// Group, version, and the priorities of the group and of the version in it.
pub type Served = (&'static str, &'static str, i64, i64);

/// The groups and versions that this server has an API service for.
pub const SERVED: [Served; 21] = [
    ("", "v1", 18000, 1),
    ("apps", "v1", 17800, 15),
    ("events.k8s.io", "v1", 17750, 15),
    ("authentication.k8s.io", "v1", 17700, 15),
    ("authorization.k8s.io", "v1", 17600, 15),
    ("autoscaling", "v1", 17500, 15),
    ("autoscaling", "v2", 17500, 30),
    ("batch", "v1", 17400, 15),
    ("certificates.k8s.io", "v1", 17300, 15),
    ("networking.k8s.io", "v1", 17200, 15),
    ("policy", "v1", 17100, 15),
    ("rbac.authorization.k8s.io", "v1", 17000, 15),
    ("storage.k8s.io", "v1", 16800, 15),
    ("apiextensions.k8s.io", "v1", 16700, 15),
    ("admissionregistration.k8s.io", "v1", 16700, 15),
    ("scheduling.k8s.io", "v1", 16600, 15),
    ("coordination.k8s.io", "v1", 16500, 15),
    ("node.k8s.io", "v1", 16300, 15),
    ("discovery.k8s.io", "v1", 16200, 15),
    ("resource.k8s.io", "v1", 16200, 21),
    ("flowcontrol.apiserver.k8s.io", "v1", 16100, 21),
];

/// The group of API services comes first.
const REGISTRATION: (&str, i64) = ("apiregistration.k8s.io", 20001);

/// The priorities of the groups of custom resources.
const CUSTOM: (i64, i64) = (1000, 100);

/// The priorities of a group and of one of its versions that this server serves.
pub fn priorities(group: &str, version: &str) -> (i64, i64) {
    if group == REGISTRATION.0 {
        return (REGISTRATION.1, 0);
    }
    let held = SERVED.iter().find(|(held, of_group, _, _)| (*held, *of_group) == (group, version));
    held.map_or(CUSTOM, |(_, _, of_group, of_version)| (*of_group, *of_version))
}
