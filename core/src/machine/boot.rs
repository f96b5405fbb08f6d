//! The objects that must exist from the start: system namespaces, the priorities of system pods, the ranges of service
//! addresses, and the Service through which pods reach the server.
//! k8s: pkg/controlplane/controller/{systemnamespaces,kubernetesservice}, pkg/registry/scheduling/rest

use crate::job;
use crate::kinds::Kind;
use crate::now::Now;
use crate::rng::Rng;
use crate::store::{Commit, Feed, LeaseId, Rev};
use crate::value::ip::SloppyCidr;
use crate::value::{Map, Value, object};
use crate::world::World;
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;

const NAMESPACES: [&str; 4] = ["kube-system", "kube-public", "kube-node-lease", "default"];
const SERVICE: &str = "kubernetes";
const NAMESPACE: &str = "default";

/// The priority classes of pods without which a node or the cluster does not work.
/// k8s: pkg/apis/scheduling/v1/helpers.go SystemPriorityClasses
const PRIORITY_CLASSES: [(&str, i64, &str); 2] = [
    (
        "system-node-critical",
        2_000_001_000,
        "Used for system critical pods that must not be moved from their current node.",
    ),
    (
        "system-cluster-critical",
        2_000_000_000,
        "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
    ),
];

/// The commits of the objects that do not exist yet: one of the namespaces and priority classes, and one of the Service
/// and what belongs to it, so that it is never seen without its endpoints. Objects of different stores are in different
/// commits.
pub(crate) fn commits(world: &World, now: Now, rng: &mut Rng) -> Vec<(Feed, Commit)> {
    let registry = &world.registry;
    let mut namespaces = Vec::new();
    for name in NAMESPACES {
        let object = Value::empty_map();
        add(world, &mut namespaces, registry.find("", "v1", "namespaces"), ("", name), object, now, rng);
    }
    for (name, value, description) in PRIORITY_CLASSES {
        let resource = registry.find("scheduling.k8s.io", "v1", "priorityclasses");
        let object = map([("value", Value::Int(value)), ("description", description.into())]);
        add(world, &mut namespaces, resource, ("", name), object, now, rng);
    }
    let config = &world.config;
    let mut service_and_endpoints = Vec::new();
    let mut add = |group: &str, plural: &str, place: (&str, &str), object: Value| {
        let resource = registry.find(group, "v1", plural);
        add(world, &mut service_and_endpoints, resource, place, object, now, rng);
    };
    if !config.service_ip.is_empty() {
        add("networking.k8s.io", "servicecidrs", ("", SERVICE), service_ranges(world, now));
        add("networking.k8s.io", "ipaddresses", ("", &config.service_ip), service_address(world));
        add("", "services", (NAMESPACE, SERVICE), service(world));
        // The Service needs an address under which others reach the server.
        if !config.advertise_address.is_empty() {
            add("", "endpoints", (NAMESPACE, SERVICE), endpoints_object(world));
            add("discovery.k8s.io", "endpointslices", (NAMESPACE, SERVICE), endpoint_slice(world));
        }
    }
    namespaces.into_iter().chain(service_and_endpoints).collect()
}

/// Adds the creation of an object to the commit of its store, unless the object exists.
fn add(
    world: &World,
    commits: &mut Vec<(Feed, Commit)>,
    resource: Option<&Arc<Kind>>,
    (namespace, name): (&str, &str),
    mut value: Value,
    now: Now,
    rng: &mut Rng,
) {
    let Some(resource) = resource else { return };
    let Some(collection) = resource.storage.and_then(|storage| world.collection(storage)) else { return };
    object::set_api_version_and_kind(&mut value, &resource.group_version(), &resource.kind);
    object::set_name(&mut value, name);
    if !namespace.is_empty() {
        object::set_namespace(&mut value, namespace);
    }
    let uid = rng.uuid();
    let key = collection.keys.key(namespace, name);
    if world.entry(resource.id, &key).is_some() {
        return;
    }
    let Ok(bytes) = job::draft_own(world, resource, value, &uid, now) else { return };
    let feed = collection.feed;
    let place = commits.iter().position(|(held, _)| *held == feed).unwrap_or_else(|| {
        commits.push((feed, Commit::default()));
        commits.len() - 1
    });
    let commit = core::mem::take(&mut commits[place].1);
    commits[place].1 = commit.put(&key, Rev(0), bytes, LeaseId(0));
}

fn map<const N: usize>(members: [(&str, Value); N]) -> Value {
    let mut out = Map::new();
    for (key, value) in members {
        out.insert(key, value);
    }
    out.into()
}

fn labelled(labels: Value) -> Value {
    map([("metadata", map([("labels", labels)]))])
}

/// The ranges that services get their addresses from.
/// k8s: pkg/controlplane/controller/defaultservicecidr/default_servicecidr_controller.go
fn service_ranges(world: &World, now: Now) -> Value {
    let ranges = world.config.service_range.split(',').filter_map(|range| SloppyCidr::parse(range.trim()));
    let ranges: Vec<Value> = ranges.map(|range| Value::from(range.network().to_string())).collect();
    let ready = map([
        ("type", "Ready".into()),
        ("status", "True".into()),
        ("lastTransitionTime", now.wall.rfc3339().into()),
        ("reason", "".into()),
        ("message", "Kubernetes default Service CIDR is ready".into()),
    ]);
    map([
        ("spec", map([("cidrs", ranges.into())])),
        ("status", map([("conditions", alloc::vec![ready].into())])),
    ])
}

/// The address of the Service, as every Service claims its own.
fn service_address(world: &World) -> Value {
    let family = if world.config.service_ip.contains(':') { "IPv6" } else { "IPv4" };
    let mut object = labelled(map([
        ("ipaddress.kubernetes.io/ip-family", family.into()),
        ("ipaddress.kubernetes.io/managed-by", "ipallocator.k8s.io".into()),
    ]));
    let holder = [("resource", "services"), ("namespace", NAMESPACE), ("name", SERVICE)];
    for (field, text) in holder {
        object.set_at(&["spec", "parentRef", field], text.into());
    }
    object
}

fn service(world: &World) -> Value {
    let config = &world.config;
    let address = Value::Str(config.service_ip.clone());
    let family = if config.service_ip.contains(':') { "IPv6" } else { "IPv4" };
    let port = map([
        ("name", "https".into()),
        ("protocol", "TCP".into()),
        ("port", Value::Int(443)),
        ("targetPort", Value::Int(i64::from(config.secure_port))),
    ]);
    let mut object = labelled(map([("component", "apiserver".into()), ("provider", "kubernetes".into())]));
    object.set(
        "spec",
        map([
            ("clusterIP", address.clone()),
            ("clusterIPs", Value::list(alloc::vec![address])),
            ("ports", Value::list(alloc::vec![port])),
            ("type", "ClusterIP".into()),
            ("sessionAffinity", "None".into()),
            ("ipFamilies", Value::list(alloc::vec![family.into()])),
            ("ipFamilyPolicy", "SingleStack".into()),
            ("internalTrafficPolicy", "Cluster".into()),
        ]),
    );
    object
}

fn endpoint_port(world: &World) -> Value {
    map([
        ("name", "https".into()),
        ("port", Value::Int(i64::from(world.config.secure_port))),
        ("protocol", "TCP".into()),
    ])
}

fn endpoints_object(world: &World) -> Value {
    let address = map([("ip", Value::Str(world.config.advertise_address.clone()))]);
    let subset = map([
        ("addresses", Value::list(alloc::vec![address])),
        ("ports", Value::list(alloc::vec![endpoint_port(world)])),
    ]);
    let mut object = labelled(map([("endpointslice.kubernetes.io/skip-mirror", "true".into())]));
    object.set("subsets", Value::list(alloc::vec![subset]));
    object
}

fn endpoint_slice(world: &World) -> Value {
    let address = &world.config.advertise_address;
    let family = if address.contains(':') { "IPv6" } else { "IPv4" };
    let endpoint = map([
        ("addresses", Value::list(alloc::vec![Value::Str(address.clone())])),
        ("conditions", map([("ready", true.into())])),
    ]);
    let mut object = labelled(map([("kubernetes.io/service-name", SERVICE.into())]));
    object.set("addressType", family.into());
    object.set("endpoints", Value::list(alloc::vec![endpoint]));
    object.set("ports", Value::list(alloc::vec![endpoint_port(world)]));
    object
}
