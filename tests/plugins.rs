//! Admission plugins that are off by default, and some that are on, as data with one checker.

use crate::conditions::{JSON, json};
use serde_json::{Value, json};
use steersman_core::config::{AdmissionOptions, Config, ImagePolicy, WebhookServer};
use steersman_core::machine::Input;
use steersman_core::wire::{CallError, Called, Trust};
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

#[test]
fn a_namespace_is_made_for_what_is_created_in_it() {
    let mut driver = server("NamespaceAutoProvision");
    let map = json!({"metadata": {"name": "a"}});
    let maps = "/api/v1/namespaces/made/configmaps";
    let dry = ask(&mut driver, "POST", &format!("{maps}?dryRun=All"), &map);
    assert_eq!(dry.status, 404, "{}", dry.text());
    assert_eq!(ask(&mut driver, "POST", maps, &map).status, 201);
    let made = json(&ask(&mut driver, "GET", "/api/v1/namespaces/made", &Value::Null));
    assert_eq!(made["metadata"]["labels"]["kubernetes.io/metadata.name"], "made");
    assert_eq!(
        (&made["spec"]["finalizers"], &made["status"]["phase"]),
        (&json!(["kubernetes"]), &json!("Active"))
    );
    let again = json!({"metadata": {"name": "b"}});
    assert_eq!(ask(&mut driver, "POST", maps, &again).status, 201);
}

#[test]
fn images_are_asked_about() {
    let policy = |default_allow: bool| {
        let mut options = AdmissionOptions {
            enabled: vec!["ImagePolicyWebhook".into()],
            ..AdmissionOptions::without(&["ServiceAccount"])
        };
        let server = WebhookServer {
            host: "images.test".into(),
            port: 443,
            path: "/policy".into(),
            origin: "https://images.test".into(),
            trust: Trust::default(),
            authorization: "".into(),
        };
        options.plugins.image_policy =
            Some(ImagePolicy { server, allow_millis: 1_000, deny_millis: 0, default_allow });
        Driver::start(Config { admission: options, ..open_config(1) })
    };
    let called = |status: Value| {
        let body =
            json!({"kind": "ImageReview", "apiVersion": "imagepolicy.k8s.io/v1alpha1", "status": status});
        Ok(Called { status: 200, headers: Vec::new(), body: body.to_string().into() })
    };
    let spec = json!({"initContainers": [{"name": "d", "image": "j"}]});
    let mut object = pod(&spec);
    object["metadata"]["annotations"] = json!({"x.image-policy.k8s.io/y": "z", "other": "v"});
    let refused = "pods \"a\" is forbidden: ";
    let cases = [
        (false, called(json!({"allowed": true})), 201, String::new()),
        (
            false,
            called(json!({"allowed": false, "reason": "old"})),
            403,
            format!("{refused}image policy webhook backend denied one or more images: old"),
        ),
        (false, called(json!({})), 403, format!("{refused}one or more images rejected by webhook backend")),
        (
            false,
            Err(CallError::TimedOut),
            403,
            format!("{refused}Post \"https://images.test/policy?timeout=30s\": context deadline exceeded"),
        ),
        (true, Err(CallError::TimedOut), 201, String::new()),
    ];
    for (default_allow, outcome, status, message) in cases {
        let mut driver = policy(default_allow);
        let id = driver.begin("POST", PODS, JSON, object.to_string().as_bytes());
        let (job, index, call) = driver.calls.remove(0);
        let review: Value = serde_json::from_slice(&call.body).expect("a review");
        let wanted = json!({
            "kind": "ImageReview", "apiVersion": "imagepolicy.k8s.io/v1alpha1", "metadata": {},
            "spec": {
                "containers": [{"image": "i"}, {"image": "j"}],
                "annotations": {"x.image-policy.k8s.io/y": "z"}, "namespace": "default",
            },
            "status": {"allowed": false},
        });
        assert_eq!(review, wanted);
        driver.give(Input::Called(job, index, outcome));
        let reply = driver.take(id).expect("an answer");
        let found = json(&reply)["message"].as_str().unwrap_or_default().to_owned();
        assert_eq!((reply.status, found), (status, message));
    }
    // What was allowed is not asked again for a while.
    let mut driver = policy(false);
    for (at, calls) in [(0, 1), (1, 0)] {
        object["metadata"]["name"] = json!(format!("p{at}"));
        let id = driver.begin("POST", PODS, JSON, object.to_string().as_bytes());
        assert_eq!(driver.calls.len(), calls);
        if let Some((job, index, _)) = driver.calls.pop() {
            driver.give(Input::Called(job, index, called(json!({"allowed": true}))));
        }
        assert_eq!(driver.take(id).expect("an answer").status, 201);
    }
}
