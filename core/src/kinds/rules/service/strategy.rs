//! The rules of services. Addresses and node ports are claimed elsewhere.
//! k8s: pkg/registry/core/service/strategy.go, pkg/registry/core/service/storage/alloc.go

use super::super::fill::{Fill, each, is_unset, set_unset};
use super::super::{status, warnings::load_balancer};
use super::kind::{
    has_cluster_ip, has_health_port, has_node_ports, is_headless, is_load_balancer, is_reached_from_outside,
};
use super::{defaults, warnings};
use crate::config::Config;
use crate::kinds::{Facts, Rules, Strategy};
use crate::value::names;
use crate::value::{Map, Value};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec;

pub static RULES: Rules = Rules {
    name: names::dns1035_label,
    default: defaults::default,
    prepare_for_create,
    warnings_on_create: warnings::warn,
    update: Strategy { prepare_for_update, warnings_on_update: warnings::warn, ..status::UPDATE },
    subresources: &[("status", Strategy { warnings_on_update: load_balancer, ..status::STATUS })],
    allow_create_on_update: true,
    returns_deleted: true,
    ..status::SPLIT
};

fn prepare_for_create(object: &mut Value, facts: &Facts<'_>) {
    status::drop_status(object, facts);
    each(object, &["spec"], &mut |spec| default_families(spec, facts.config));
}

fn prepare_for_update(object: &mut Value, facts: &Facts<'_>) {
    status::keep_status(object, facts);
    let Some(old) = facts.old.field("spec") else { return };
    each(object, &["spec"], &mut |spec| {
        keep_allocated(spec, old);
        drop_what_the_type_lost(spec, old);
        default_families(spec, facts.config);
    });
}

/// The IP families of a service that names none: that of the cluster's addresses first. A headless service without a
/// selector may have endpoints of both.
fn default_families(spec: &mut Value, config: &Config) {
    if !has_cluster_ip(spec) {
        return;
    }
    let both = is_headless(spec) && spec.field("selector").and_then(Value::as_map).is_none_or(Map::is_empty);
    set_unset(spec, "ipFamilyPolicy", Fill::Text(if both { "RequireDualStack" } else { "SingleStack" }));
    if is_unset(spec, "ipFamilies") {
        let dual = spec.text_at(&["ipFamilyPolicy"]) == "RequireDualStack";
        let mut families: vec::Vec<Value> = vec!["IPv4".into(), "IPv6".into()];
        if config.service_ip.contains(':') {
            families.reverse();
        }
        families.truncate(if dual { 2 } else { 1 });
        spec.set("ipFamilies", families.into());
    }
    let address = Value::str(spec.text_at(&["clusterIP"]));
    if is_unset(spec, "clusterIPs") && address.as_str() != Some("") {
        spec.set("clusterIPs", vec![address].into());
    }
}

/// A client that leaves out what was allocated means to keep it.
fn keep_allocated(spec: &mut Value, old: &Value) {
    if has_cluster_ip(spec) && has_cluster_ip(old) {
        if spec.text_at(&["clusterIP"]).is_empty() {
            copy(spec, old, "clusterIP");
        }
        let same_address = spec.field("clusterIP") == old.field("clusterIP");
        for (field, kept) in [("clusterIPs", same_address), ("ipFamilyPolicy", true), ("ipFamilies", true)] {
            if kept && is_unset(spec, field) {
                copy(spec, old, field);
            }
        }
    }
    if has_node_ports(spec) && has_node_ports(old) {
        fn key(port: &Value) -> (Option<i64>, &str) {
            (port.field("port").and_then(Value::as_int), port.text_at(&["protocol"]))
        }
        let mut held = BTreeMap::new();
        for port in old.field("ports").and_then(Value::as_list).unwrap_or_default() {
            held.entry(key(port)).or_insert(port);
        }
        each(spec, &["ports", "*"], &mut |port| {
            let same = held.get(&key(port));
            if let Some(number) = same.and_then(|held| held.field("nodePort")).and_then(Value::as_int) {
                set_unset(port, "nodePort", Fill::IntForZero(number));
            }
        });
    }
    let held = old.field("healthCheckNodePort").and_then(Value::as_int);
    if let Some(number) = held.filter(|_| has_health_port(spec) && has_health_port(old)) {
        set_unset(spec, "healthCheckNodePort", Fill::IntForZero(number));
    }
}

fn copy(spec: &mut Value, old: &Value, field: &str) {
    if let Some(held) = old.field(field) {
        spec.set(field, held.clone());
    }
}

/// A client that changes the type, and leaves what only the old type had, means to drop it.
fn drop_what_the_type_lost(spec: &mut Value, old: &Value) {
    type Rule = (&'static [&'static str], fn(&Value) -> bool);
    let rules: [Rule; 5] = [
        (
            &["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy"],
            has_cluster_ip,
        ),
        (&["externalTrafficPolicy"], is_reached_from_outside),
        (&["healthCheckNodePort"], has_health_port),
        (&["allocateLoadBalancerNodePorts"], is_load_balancer),
        (&["loadBalancerClass"], is_load_balancer),
    ];
    for (fields, needed) in rules {
        if needed(old) && !needed(spec) {
            for field in fields {
                if spec.field(field) == old.field(field) {
                    spec.remove_at(&[field]);
                }
            }
        }
    }
    if has_node_ports(old) && !has_node_ports(spec) {
        let numbers = |spec: &Value| -> vec::Vec<Option<i64>> {
            let ports = spec.field("ports").and_then(Value::as_list).unwrap_or_default();
            ports.iter().map(|port| port.field("nodePort").and_then(Value::as_int)).collect()
        };
        let held: BTreeSet<Option<i64>> = numbers(old).into_iter().collect();
        if numbers(spec).iter().all(|number| held.contains(number)) {
            each(spec, &["ports", "*"], &mut |port| {
                port.remove_at(&["nodePort"]);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caller::Caller;
    use crate::codec::json;
    use crate::kinds::facts::given::InMemory;
    use crate::now::Wall;

    #[test]
    fn the_family_of_the_clusters_addresses_comes_first() {
        let table = [
            ("10.0.0.1", r#"{"type":"ClusterIP","selector":{"a":"b"}}"#, r#"["IPv4"]"#),
            ("10.0.0.1", r#"{"type":"ClusterIP","clusterIP":"None"}"#, r#"["IPv4","IPv6"]"#),
            ("fd00::1", r#"{"type":"ClusterIP","selector":{"a":"b"}}"#, r#"["IPv6"]"#),
            ("fd00::1", r#"{"type":"ClusterIP","clusterIP":"None"}"#, r#"["IPv6","IPv4"]"#),
            ("fd00::1", r#"{"type":"ClusterIP","ipFamilies":["IPv4"]}"#, r#"["IPv4"]"#),
        ];
        let (caller, objects) = (Caller::server(), InMemory::default());
        for (address, spec, families) in table {
            let config = Config { service_ip: address.into(), ..Config::open(0) };
            let facts = Facts::of_create(&caller, Wall::from_seconds(0), &config, &objects);
            let mut service = Value::empty_map();
            service.set("spec", json::parse(spec.as_bytes()).expect("JSON").value);
            (RULES.prepare_for_create)(&mut service, &facts);
            let found = service.at(&["spec", "ipFamilies"]).expect("families");
            assert_eq!(json::to_string(found), families, "{address} {spec}");
        }
    }
}
