//! Plugins that are told something by their configuration, or by annotations of namespaces.

use crate::conditions::{JSON, json, send};
use serde_json::{Value, json};
use steersman_core::admission::configure;
use steersman_core::codec::json as text;
use steersman_core::config::Config;
use steersman_sim::driver::{Driver, open_config};

const PODS: &str = "/api/v1/namespaces/w/pods";
const EVENTS: &str = "/api/v1/namespaces/w/events";

/// A server with one more plugin, and a namespace with annotations.
fn server(plugin: &str, configuration: &Value, annotations: &Value) -> Driver {
    let mut config: Config = open_config(1);
    config.admission.enabled.push(plugin.into());
    let parsed = text::parse(configuration.to_string().as_bytes()).expect("JSON").value;
    configure(&mut config.admission, plugin, &parsed).expect("a configuration");
    let mut driver = Driver::start(config);
    let namespace = json!({"metadata": {"name": "w", "annotations": annotations}});
    assert_eq!(send(&mut driver, "POST", "/api/v1/namespaces", &namespace).status, 201);
    driver
}

/// Makes a pod; what became of a field of its spec, or the message of the refusal.
fn pod(driver: &mut Driver, spec: &Value, field: &str) -> Value {
    let mut body = json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
    for (key, value) in spec.as_object().expect("an object") {
        body["spec"][key] = value.clone();
    }
    let made = json(&send(driver, "POST", &format!("{PODS}?dryRun=All"), &body));
    if made["kind"] == "Status" { made["message"].clone() } else { made["spec"][field].clone() }
}

#[test]
fn events_have_a_rate() {
    let limits = json!({
        "apiVersion": "eventratelimit.admission.k8s.io/v1alpha1",
        "kind": "Configuration",
        "limits": [{"type": "Namespace", "qps": 1, "burst": 2}, {"type": "Server", "qps": 100, "burst": 100}],
    });
    let mut driver = server("EventRateLimit", &limits, &json!({}));
    let event = |driver: &mut Driver, name: &str| {
        let about = json!({"kind": "Pod", "namespace": "w", "name": "p"});
        let body = json!({"metadata": {"name": name}, "involvedObject": about, "type": "Normal"});
        send(driver, "POST", EVENTS, &body)
    };
    for (name, status) in [("a", 201), ("b", 201), ("c", 429)] {
        let made = event(&mut driver, name);
        assert_eq!(made.status, status, "{}", made.text());
    }
    let refused = json(&event(&mut driver, "c"));
    let why = "Too many requests: limit reached on type Namespace for key w";
    assert_eq!((&refused["message"], &refused["reason"]), (&json!(why), &json!("TooManyRequests")));
    driver.pass(1_500);
    assert_eq!(event(&mut driver, "c").status, 201);
    assert_eq!(driver.call("GET", EVENTS, JSON, b"").status, 200, "only writes are counted");
}

#[test]
fn pods_select_what_their_namespace_does() {
    let configuration = json!({"podNodeSelectorPluginConfig": {
        "clusterDefaultNodeSelector": "zone=a",
        "w": "zone=a,disk=ssd",
    }});
    let mut driver = server("PodNodeSelector", &configuration, &json!({}));
    let table = [
        (json!({}), json!({"zone": "a"})),
        (json!({"nodeSelector": {"disk": "ssd"}}), json!({"disk": "ssd", "zone": "a"})),
        (
            json!({"nodeSelector": {"zone": "b"}}),
            json!(
                "pods \"p\" is forbidden: pod node label selector conflicts with its namespace node label selector"
            ),
        ),
        (
            json!({"nodeSelector": {"disk": "old"}}),
            json!(
                "pods \"p\" is forbidden: pod node label selector labels conflict with its namespace whitelist"
            ),
        ),
    ];
    for (spec, want) in table {
        assert_eq!(pod(&mut driver, &spec, "nodeSelector"), want, "{spec}");
    }
    let annotated = json!({"scheduler.alpha.kubernetes.io/node-selector": "disk=ssd"});
    let mut driver = server("PodNodeSelector", &configuration, &annotated);
    assert_eq!(pod(&mut driver, &json!({}), "nodeSelector"), json!({"disk": "ssd"}));
}

#[test]
fn pods_tolerate_what_their_namespace_lets_them() {
    let toleration = |key: &str| json!({"key": key, "operator": "Exists", "effect": "NoSchedule"});
    let configuration = json!({
        "apiVersion": "podtolerationrestriction.admission.k8s.io/v1alpha1",
        "kind": "Configuration",
        "default": [toleration("d")],
        "whitelist": [toleration("d"), toleration("w"), {"operator": "Exists", "effect": "NoExecute"}],
    });
    let conflict = |scope: &str| {
        json!(format!(
            "pod tolerations (possibly merged with namespace default tolerations) conflict with its {scope} whitelist"
        ))
    };
    let held = |driver: &mut Driver, spec: &Value| {
        let list = pod(driver, spec, "tolerations");
        match list.as_array() {
            Some(list) => {
                let own = list.iter().filter(|toleration| toleration["effect"] != "NoExecute");
                json!(own.map(|toleration| toleration["key"].clone()).collect::<Vec<_>>())
            }
            None => list,
        }
    };
    let mut driver = server("PodTolerationRestriction", &configuration, &json!({}));
    let table = [
        (json!({}), json!(["d"])),
        (json!({"tolerations": [toleration("w")]}), json!(["w", "d"])),
        (json!({"tolerations": [toleration("x")]}), conflict("cluster")),
    ];
    for (spec, want) in table {
        assert_eq!(held(&mut driver, &spec), want, "{spec}");
    }
    let annotated = json!({
        "scheduler.alpha.kubernetes.io/defaultTolerations": "",
        "scheduler.alpha.kubernetes.io/tolerationsWhitelist":
            json!([toleration("n"), {"operator": "Exists", "effect": "NoExecute"}]).to_string(),
    });
    let mut driver = server("PodTolerationRestriction", &configuration, &annotated);
    assert_eq!(held(&mut driver, &json!({})), json!([]));
    assert_eq!(held(&mut driver, &json!({"tolerations": [toleration("w")]})), conflict("namespace"));
    let asks = json!({"containers": [{"name": "c", "image": "i", "resources": {"requests": {"cpu": "1"}}}]});
    assert_eq!(
        held(&mut driver, &asks),
        conflict("namespace"),
        "of memory pressure, too, only what is allowed"
    );
}

/// What the configuration limits needs a quota.
#[test]
fn limited_resources_need_a_quota() {
    let configuration = json!({
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "ResourceQuotaConfiguration",
        "limitedResources": [
            {"resource": "pods", "matchContains": ["cpu"]},
            {"resource": "pods", "matchScopes": [
                {"scopeName": "PriorityClass", "operator": "In", "values": ["system-node-critical"]},
            ]},
        ],
    });
    let mut driver = server("ResourceQuota", &configuration, &json!({}));
    let asks = json!({"containers": [{"name": "c", "image": "i", "resources": {"requests": {"cpu": "1"}}}]});
    let why = "pods \"p\" is forbidden: insufficient quota to consume: cpu,requests.cpu";
    assert_eq!(pod(&mut driver, &asks, "x"), json!(why));
    assert_eq!(pod(&mut driver, &json!({}), "hostNetwork"), json!(null));
}
