//! The objects that must exist from the start: system namespaces, and the Service through which pods reach the
//! server.
//! k8s: pkg/controlplane/controller/{systemnamespaces,kubernetesservice}

use crate::caller::Caller;
use crate::kinds::{Facts, Resource};
use crate::now::Now;
use crate::rng::Rng;
use crate::schema::{decode, encode};
use crate::store::{Compare, Condition, Feed, LeaseId, Op, Put, Rev, Txn, TxnOp};
use crate::value::{Map, Value, object};
use crate::world::World;
use alloc::vec::Vec;
use bytes::Bytes;

const NAMESPACES: [&str; 4] = ["kube-system", "kube-public", "kube-node-lease", "default"];
const SERVICE: &str = "kubernetes";
const NAMESPACE: &str = "default";

/// A write for each object. It does nothing if the object exists already.
pub(crate) fn writes(world: &World, now: Now, rng: &mut Rng) -> Vec<(Feed, Op)> {
    let registry = &world.registry;
    let mut writes = Vec::new();
    for name in NAMESPACES {
        writes.extend(write(
            world,
            registry.find("", "v1", "namespaces"),
            "",
            name,
            Value::empty_map(),
            now,
            rng,
        ));
    }
    let config = &world.config;
    if !config.service_ip.is_empty() {
        writes.extend(write(
            world,
            registry.find("", "v1", "services"),
            NAMESPACE,
            SERVICE,
            service(world),
            now,
            rng,
        ));
    }
    // The Service needs an address under which others reach the server.
    if !config.service_ip.is_empty() && !config.advertise_address.is_empty() {
        let endpoints = registry.find("", "v1", "endpoints");
        writes.extend(write(world, endpoints, NAMESPACE, SERVICE, endpoints_object(world), now, rng));
        let slices = registry.find("discovery.k8s.io", "v1", "endpointslices");
        writes.extend(write(world, slices, NAMESPACE, SERVICE, endpoint_slice(world), now, rng));
    }
    writes
}

fn write(
    world: &World,
    resource: Option<&Resource>,
    namespace: &str,
    name: &str,
    mut value: Value,
    now: Now,
    rng: &mut Rng,
) -> Option<(Feed, Op)> {
    let resource = resource?;
    let collection = world.collection(resource.storage?);
    object::set_api_version_and_kind(&mut value, &resource.group_version(), resource.row.kind);
    object::set_name(&mut value, name);
    if !namespace.is_empty() {
        object::set_namespace(&mut value, namespace);
    }
    object::set_uid(&mut value, &rng.uuid());
    object::set_creation_timestamp(&mut value, Some(now.wall));
    let bytes = encoded(world, resource, value, now)?;
    let key = collection.keys.key(namespace, name);
    let compare = Compare { key: key.clone(), condition: Condition::ModRevisionEquals(Rev(0)) };
    let put = TxnOp::Put(Put { key, value: bytes, lease: LeaseId(0) });
    Some((
        collection.feed,
        Op::Txn(Txn { compare: alloc::vec![compare], then: alloc::vec![put], otherwise: Vec::new() }),
    ))
}

/// The object with its kind's defaults and generated fields, encoded for the store.
fn encoded(world: &World, resource: &Resource, mut value: Value, now: Now) -> Option<Bytes> {
    let catalogue = &world.registry.catalogue;
    decode::apply_defaults(catalogue, resource.type_id, &mut value);
    (resource.row.rules.default)(&mut value);
    let status = value.field("status").cloned();
    let server = Caller::server();
    let facts = Facts::of_create(&server, now.wall, &world.config, world);
    (resource.row.rules.prepare_for_create)(&mut value, &facts);
    if let Some(status) = status {
        value.set("status", status);
    }
    (resource.row.rules.canonicalize)(&mut value);
    let value = decode::normalize(catalogue, resource.type_id, value).ok()?;
    let mut out = Vec::new();
    encode::to_json(catalogue, resource.type_id, &value, &mut out);
    Some(Bytes::from(out))
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
