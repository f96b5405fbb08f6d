//! The Service through which pods reach the server, its address, and its endpoints.
//! k8s: pkg/controlplane/controller/kubernetesservice/controller.go, pkg/controlplane/reconcilers

use super::plan::{Planner, map, texts};
use crate::config::{Config, EndpointReconciler};
use crate::job::OwnWriter;
use crate::kinds::Kind;
use crate::schema::{decode, encode};
use crate::value::{Text, Value, object};
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;

const SERVICE: &str = "kubernetes";
const NAMESPACE: &str = "default";
const PLACE: (&str, &str) = (NAMESPACE, SERVICE);
/// How long a server counts as living that does not renew its lease.
const LEASE_SECONDS: i64 = 15;
const SKIP_MIRROR: &str = "endpointslice.kubernetes.io/skip-mirror";

pub(super) fn plan(planner: &mut Planner<'_>) {
    let config = planner.config();
    if !config.service_ip.is_empty() && !planner.is_leaving() {
        keep_service(planner, config);
    }
    // The Service needs an address under which others reach the server.
    if config.service_ip.is_empty() || config.advertise_address.is_empty() {
        return;
    }
    let Some(endpoints) = planner.kind("", "v1", "endpoints") else { return };
    match config.control_plane.endpoints {
        EndpointReconciler::None => {}
        EndpointReconciler::Lease => {
            if keep_lease(planner) {
                plan_by_leases(planner, endpoints);
            }
        }
        EndpointReconciler::MasterCount(count) => {
            if !planner.is_leaving() {
                plan_by_count(planner, endpoints, count as usize);
            }
        }
    }
}

/// Makes the Service and its address, both with one commit. An address that another service was given first is left
/// to it, and there is no Service until it is free.
fn keep_service(planner: &mut Planner<'_>, config: &Config) {
    let addresses = planner.kind("networking.k8s.io", "v1", "ipaddresses");
    let (Some(addresses), Some(services)) = (addresses, planner.kind("", "v1", "services")) else { return };
    let place = ("", &*config.service_ip);
    let parent = planner.held(addresses, place).map(|held| held.to_value());
    let is_own = parent.is_none_or(|address| {
        let parent = |field: &str| address.text_at(&["spec", "parentRef", field]);
        (parent("namespace"), parent("name")) == PLACE
    });
    if is_own {
        planner.create_missing(addresses, place, service_address(config));
        planner.create_missing(services, PLACE, service(config));
    }
}

/// Renews this server's lease, or gives it up when the server leaves. Returns whether the cache shows it as it is.
fn keep_lease(planner: &mut Planner<'_>) -> bool {
    let Some(leases) = planner.world.registry.internal("masterleases") else { return false };
    let address = &*planner.config().advertise_address;
    let held = planner.held(leases, ("", address));
    if planner.is_leaving() {
        held.into_iter().for_each(|entry| planner.delete(leases, entry));
        return held.is_none();
    }
    if !planner.occasion.is_beat {
        return held.is_some();
    }
    // Nothing but a change of the value renews the lease.
    let generation = held.map_or(0, |entry| object::generation(&entry.to_value()));
    let mut lease = map([("subsets", Value::list(alloc::vec![addresses([address])]))]);
    object::set_api_version_and_kind(&mut lease, "v1", "Endpoints");
    object::set_generation(&mut lease, generation.saturating_add(1));
    let Ok(lease) = decode::normalize(&leases.catalogue, leases.type_id, lease) else { return false };
    let mut bytes = Vec::new();
    encode::to_json(&leases.catalogue, leases.type_id, &lease, &mut bytes);
    planner.keep(leases, address, Bytes::from(bytes), LEASE_SECONDS);
    false
}

/// A subset of these addresses.
fn addresses<'t>(items: impl IntoIterator<Item = &'t str>) -> Value {
    let items = items.into_iter().map(|address| map([("ip", address.into())])).collect();
    map([("addresses", Value::list(items))])
}

/// The endpoints are the servers whose leases live.
/// k8s: pkg/controlplane/reconcilers/lease.go doReconcile
fn plan_by_leases(planner: &mut Planner<'_>, endpoints: &Arc<Kind>) {
    let leases = planner.world.registry.internal("masterleases").and_then(|kind| planner.all(kind));
    let living = leases.into_iter().flat_map(|cache| cache.entries().iter()).filter_map(|(_, held)| {
        let lease = held.entry().to_value();
        let first = |value: &Value, field: &str| value.field(field)?.as_list()?.first().cloned();
        let address = first(&first(&lease, "subsets")?, "addresses")?;
        Some(Text::from(address.text_at(&["ip"]))).filter(|ip| !ip.is_empty())
    });
    let living: Vec<Text> = living.collect();
    if living.is_empty() && !planner.is_leaving() {
        return;
    }
    let held = planner.held(endpoints, PLACE).map(|entry| entry.to_value());
    let subsets = held.as_ref().and_then(|held| held.field("subsets")).and_then(Value::as_list);
    let subset = subsets.filter(|subsets| subsets.len() == 1).and_then(|subsets| subsets.first());
    let is_right = subset.is_some_and(|subset| {
        let held = listed(subset);
        held.len() == living.len() && living.iter().all(|ip| held.contains(&&**ip))
    });
    // Other addresses and ports are left as they are where they are right.
    let ports = subset.and_then(|subset| subset.field("ports")).cloned();
    let wanted = match (is_right, subset) {
        (true, Some(subset)) => Value::list(alloc::vec![subset.clone()]),
        (true | false, _) if living.is_empty() => Value::list(Vec::new()),
        (true | false, _) => subset_of(planner.config(), living, ports),
    };
    write(planner, endpoints, wanted);
}

/// Every server adds its own address, and removes those after its own while there are too many.
/// k8s: pkg/controlplane/reconcilers/instancecount.go
fn plan_by_count(planner: &mut Planner<'_>, endpoints: &Arc<Kind>, count: usize) {
    let config = planner.config();
    let own = config.advertise_address.clone();
    let held = planner.held(endpoints, PLACE).map(|entry| entry.to_value());
    let subsets = held.as_ref().and_then(|held| held.field("subsets")).and_then(Value::as_list);
    let subset = subsets.filter(|subsets| subsets.len() == 1).and_then(|subsets| subsets.first());
    let wanted = match subset {
        None => subset_of(config, alloc::vec![own], None),
        Some(subset) => {
            let held = listed(subset);
            if held.len() <= count.max(1) && held.contains(&&*own) {
                Value::list(alloc::vec![subset.clone()])
            } else {
                let mut all: Vec<Text> = held.into_iter().map(Text::from).collect();
                all.push(own.clone());
                sort(&mut all);
                while let Some(place) =
                    all.iter().position(|ip| *ip == own).filter(|_| all.len() > count.max(1))
                {
                    let next = (place + 1) % all.len();
                    all.remove(next);
                }
                subset_of(config, all, subset.field("ports").cloned())
            }
        }
    };
    write(planner, endpoints, wanted);
}

/// The addresses of a subset.
fn listed(subset: &Value) -> Vec<&str> {
    let list = subset.field("addresses").and_then(Value::as_list).unwrap_or_default();
    list.iter().map(|address| address.text_at(&["ip"])).collect()
}

/// Sorts addresses as texts, each once.
fn sort(all: &mut Vec<Text>) {
    all.sort();
    all.dedup();
}

fn subset_of(config: &Config, mut living: Vec<Text>, ports: Option<Value>) -> Value {
    sort(&mut living);
    let mut subset = addresses(living.iter().map(|ip| &**ip));
    subset.set("ports", ports.unwrap_or_else(|| Value::list(alloc::vec![endpoint_port(config)])));
    Value::list(alloc::vec![subset])
}

/// Writes the endpoints and the slice that mirrors them.
/// k8s: pkg/controlplane/reconcilers/endpointsadapter.go
fn write(planner: &mut Planner<'_>, endpoints: &Arc<Kind>, subsets: Value) {
    let Some(slices) = planner.kind("discovery.k8s.io", "v1", "endpointslices") else { return };
    let slice = slice_of(&subsets);
    match planner.held(endpoints, PLACE) {
        None if planner.is_leaving() => return,
        None => {
            let mut object = map([("subsets", subsets)]);
            object::set_label(&mut object, SKIP_MIRROR, "true");
            planner.create(endpoints, PLACE, OwnWriter::SERVER, object);
        }
        Some(entry) => {
            let mut object = entry.to_value();
            object::set_label(&mut object, SKIP_MIRROR, "true");
            object.set("subsets", subsets);
            planner.update(endpoints, entry, object);
        }
    }
    match planner.held(slices, PLACE) {
        None => planner.create(slices, PLACE, OwnWriter::SERVER, slice),
        Some(entry) => {
            let mut object = entry.to_value();
            if object.field("addressType") != slice.field("addressType") {
                // The type of the addresses cannot be changed.
                return planner.delete(slices, entry);
            }
            for field in ["endpoints", "ports"] {
                object.take(&slice, &[field]);
            }
            object.take(&slice, &["metadata", "labels"]);
            planner.update(slices, entry, object);
        }
    }
}

fn family(address: &str) -> Value {
    if address.contains(':') { "IPv6".into() } else { "IPv4".into() }
}

fn labelled(labels: Value) -> Value {
    map([("metadata", map([("labels", labels)]))])
}

/// The address of the Service, as every Service claims its own.
fn service_address(config: &Config) -> Value {
    let mut object = labelled(map([
        ("ipaddress.kubernetes.io/ip-family", family(&config.service_ip)),
        ("ipaddress.kubernetes.io/managed-by", "ipallocator.k8s.io".into()),
    ]));
    let holder = [("resource", "services"), ("namespace", NAMESPACE), ("name", SERVICE)];
    for (field, text) in holder {
        object.set_at(&["spec", "parentRef", field], text.into());
    }
    object
}

fn service(config: &Config) -> Value {
    let address = &*config.service_ip;
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
            ("clusterIP", address.into()),
            ("clusterIPs", texts([address])),
            ("ports", Value::list(alloc::vec![port])),
            ("type", "ClusterIP".into()),
            ("sessionAffinity", "None".into()),
            ("ipFamilies", Value::list(alloc::vec![family(address)])),
            ("ipFamilyPolicy", "SingleStack".into()),
            ("internalTrafficPolicy", "Cluster".into()),
        ]),
    );
    object
}

fn endpoint_port(config: &Config) -> Value {
    map([
        ("name", "https".into()),
        ("port", Value::Int(i64::from(config.secure_port))),
        ("protocol", "TCP".into()),
    ])
}

/// The slice that says the same as the endpoints.
fn slice_of(subsets: &Value) -> Value {
    let none = Value::Null;
    let subset = subsets.as_list().and_then(<[Value]>::first).unwrap_or(&none);
    let listed = listed(subset);
    let is_v6 = !listed.is_empty() && listed.iter().all(|address| address.contains(':'));
    let of_family = listed.iter().filter(|address| address.contains(':') == is_v6);
    let endpoint = |address: &&str| {
        map([("addresses", texts([*address])), ("conditions", map([("ready", true.into())]))])
    };
    let mut object = Value::empty_map();
    object::set_label(&mut object, "kubernetes.io/service-name", SERVICE);
    object.set("addressType", if is_v6 { "IPv6".into() } else { "IPv4".into() });
    object.set("endpoints", Value::list(of_family.map(endpoint).collect()));
    if let Some(ports) = subset.field("ports") {
        object.set("ports", ports.clone());
    }
    object
}
