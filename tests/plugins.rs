//! Admission plugins that are off by default, and some that are on, as data with one checker.

use crate::conditions::{JSON, json};
use serde_json::{Value, json};
use steersman_core::config::{AdmissionOptions, Config};
use steersman_sim::driver::{Driver, Reply, open_config};

const PODS: &str = "/api/v1/namespaces/default/pods";
const SERVICES: &str = "/api/v1/namespaces/default/services";

fn server(plugin: &str) -> Driver {
    let admission =
        AdmissionOptions { enabled: vec![plugin.into()], ..AdmissionOptions::without(&["ServiceAccount"]) };
    Driver::start(Config { admission, ..open_config(1) })
}

fn ask(driver: &mut Driver, method: &str, target: &str, body: &Value) -> Reply {
    driver.call(method, target, JSON, body.to_string().as_bytes())
}

fn pod(spec: &Value) -> Value {
    let mut pod = json!({
        "metadata": {"name": "a"},
        "spec": {"containers": [{"name": "c", "image": "i", "imagePullPolicy": "Never"}]},
    });
    for (field, value) in spec.as_object().into_iter().flatten() {
        pod["spec"][field] = value.clone();
    }
    pod
}

#[test]
fn plugins_refuse_with_upstreams_words() {
    let anti = json!({"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
        {"topologyKey": "zone", "labelSelector": {}},
    ]}}});
    let service =
        json!({"metadata": {"name": "s"}, "spec": {"ports": [{"port": 1}], "externalIPs": ["192.0.2.9"]}});
    let cases = [
        (
            "LimitPodHardAntiAffinityTopology",
            PODS,
            pod(&anti),
            403,
            "pods \"a\" is forbidden: affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey zone but only \
             key kubernetes.io/hostname is allowed",
        ),
        (
            "DenyServiceExternalIPs",
            SERVICES,
            service.clone(),
            403,
            "services \"s\" is forbidden: Use of external IPs is denied by admission control",
        ),
        ("AlwaysAdmit", SERVICES, service, 201, ""),
        (
            "AlwaysDeny",
            PODS,
            pod(&json!({})),
            403,
            "pods \"a\" is forbidden: admission control is denying all modifications",
        ),
        (
            "NamespaceExists",
            "/api/v1/namespaces/none/pods",
            pod(&json!({})),
            404,
            "namespaces \"none\" not found",
        ),
    ];
    for (plugin, path, object, status, message) in cases {
        let reply = ask(&mut server(plugin), "POST", path, &object);
        let found = json(&reply)["message"].as_str().unwrap_or_default().to_owned();
        assert_eq!((reply.status, found.as_str()), (status, message), "{plugin}");
    }
}

#[test]
fn plugins_complete_pods() {
    let devices = json!({"containers": [{
        "name": "c",
        "image": "i",
        "resources": {"requests": {"example.com/a": "1"}, "limits": {"example.com/a": "1"}},
    }]});
    let cases = [
        ("AlwaysPullImages", json!({}), "/spec/containers/0/imagePullPolicy", json!("Always")),
        (
            "ExtendedResourceToleration",
            devices,
            "/spec/tolerations/2",
            json!({"key": "example.com/a", "operator": "Exists", "effect": "NoSchedule"}),
        ),
        (
            "PodTopologyLabels",
            json!({"nodeName": "n"}),
            "/metadata/labels",
            json!({"topology.kubernetes.io/zone": "z"}),
        ),
    ];
    for (plugin, spec, place, wanted) in cases {
        let mut driver = server(plugin);
        let labels = json!({"topology.kubernetes.io/zone": "z", "other": "o"});
        let node = json!({"metadata": {"name": "n", "labels": labels}});
        assert_eq!(ask(&mut driver, "POST", "/api/v1/nodes", &node).status, 201);
        let made = ask(&mut driver, "POST", PODS, &pod(&spec));
        assert_eq!(json(&made).pointer(place), Some(&wanted), "{plugin}: {}", made.text());
    }
}

#[test]
fn a_bound_pod_gets_the_topology_of_its_node_and_its_size_is_held_against_it() {
    let mut driver = server("PodTopologyLabels");
    let node = json!({
        "metadata": {"name": "n", "labels": {"topology.kubernetes.io/region": "r"}},
        "status": {"allocatable": {"cpu": "1", "memory": "1Gi"}},
    });
    assert_eq!(ask(&mut driver, "POST", "/api/v1/nodes", &node).status, 201);
    let sized = json!({"containers": [{
        "name": "c",
        "image": "i",
        "resources": {"requests": {"cpu": "500m"}},
    }]});
    assert_eq!(ask(&mut driver, "POST", PODS, &pod(&sized)).status, 201);
    let binding = json!({"metadata": {"name": "a"}, "target": {"kind": "Node", "name": "n"}});
    assert_eq!(ask(&mut driver, "POST", &format!("{PODS}/a/binding"), &binding).status, 201);
    let held = json(&ask(&mut driver, "GET", &format!("{PODS}/a"), &Value::Null));
    assert_eq!(held["metadata"]["labels"]["topology.kubernetes.io/region"], "r");

    let resized = |cpu: &str| {
        let mut pod = held.clone();
        pod["spec"]["containers"][0]["resources"]["requests"]["cpu"] = cpu.into();
        pod
    };
    let path = format!("{PODS}/a/resize");
    let refused = ask(&mut driver, "PUT", &path, &resized("2"));
    let body = json(&refused);
    let why = "pods \"a\" is forbidden: node didn't have enough allocatable resources: cpu, requested: 2000, \
               allocatable: 1000";
    assert_eq!((refused.status, body["message"].as_str()), (403, Some(why)));
    assert_eq!(body["details"]["causes"], json!([{"reason": "NodeCapacity"}]));
    assert_eq!(ask(&mut driver, "PUT", &path, &resized("1")).status, 200);
}
