//! The Service through which pods reach the server, the ranges of service addresses, and its own one.
//! k8s: pkg/controlplane/controller/kubernetesservice/controller.go, controller/defaultservicecidr

use super::plan::{Planner, map, texts};
use crate::config::Config;
use crate::now::Now;
use crate::value::ip::SloppyCidr;
use crate::value::{Value, object};
use alloc::string::ToString;

const SERVICE: &str = "kubernetes";
const NAMESPACE: &str = "default";

/// One commit makes the Service and what belongs to it, so that it is never seen without its endpoints.
pub(super) fn plan(planner: &mut Planner<'_>) {
    let config = planner.config();
    if config.service_ip.is_empty() {
        return;
    }
    let now = planner.now;
    let mut add = |group: &str, plural: &str, place: (&str, &str), object: Value| {
        if let Some(kind) = planner.kind(group, "v1", plural) {
            planner.create_missing(kind, place, object);
        }
    };
    add("networking.k8s.io", "servicecidrs", ("", SERVICE), service_ranges(config, now));
    add("networking.k8s.io", "ipaddresses", ("", &config.service_ip), service_address(config));
    add("", "services", (NAMESPACE, SERVICE), service(config));
    // The Service needs an address under which others reach the server.
    if !config.advertise_address.is_empty() {
        add("", "endpoints", (NAMESPACE, SERVICE), endpoints_object(config));
        add("discovery.k8s.io", "endpointslices", (NAMESPACE, SERVICE), endpoint_slice(config));
    }
}

fn family(address: &str) -> Value {
    if address.contains(':') { "IPv6".into() } else { "IPv4".into() }
}

fn labelled(labels: Value) -> Value {
    map([("metadata", map([("labels", labels)]))])
}

/// The ranges that services get their addresses from.
/// k8s: pkg/controlplane/controller/defaultservicecidr/default_servicecidr_controller.go
fn service_ranges(config: &Config, now: Now) -> Value {
    let ranges = config.service_range.split(',').filter_map(|range| SloppyCidr::parse(range.trim()));
    let ranges = ranges.map(|range| Value::from(range.network().to_string())).collect();
    let ready = map([
        ("type", "Ready".into()),
        ("status", "True".into()),
        ("lastTransitionTime", now.wall.rfc3339().into()),
        ("reason", "".into()),
        ("message", "Kubernetes default Service CIDR is ready".into()),
    ]);
    map([
        ("spec", map([("cidrs", Value::list(ranges))])),
        ("status", map([("conditions", Value::list(alloc::vec![ready]))])),
    ])
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

fn endpoints_object(config: &Config) -> Value {
    let address = map([("ip", Value::Str(config.advertise_address.clone()))]);
    let subset = map([
        ("addresses", Value::list(alloc::vec![address])),
        ("ports", Value::list(alloc::vec![endpoint_port(config)])),
    ]);
    let mut object = Value::empty_map();
    object::set_label(&mut object, "endpointslice.kubernetes.io/skip-mirror", "true");
    object.set("subsets", Value::list(alloc::vec![subset]));
    object
}

fn endpoint_slice(config: &Config) -> Value {
    let address = &*config.advertise_address;
    let endpoint = map([("addresses", texts([address])), ("conditions", map([("ready", true.into())]))]);
    let mut object = Value::empty_map();
    object::set_label(&mut object, "kubernetes.io/service-name", SERVICE);
    object.set("addressType", family(address));
    object.set("endpoints", Value::list(alloc::vec![endpoint]));
    object.set("ports", Value::list(alloc::vec![endpoint_port(config)]));
    object
}
