//! `--allow-privileged=false`: no kind that holds pods lets a container have the privileges of its host.

use crate::battery::{collection, key, objects};
use crate::conditions::{fetch, json, send, server};
use serde_json::{Value, json};
use steersman_core::config::Config;
use steersman_core::kinds::table;
use steersman_sim::driver::{Driver, open_config};

/// The paths to the specs of pods in an object.
fn specs(value: &Value, path: &str, found: &mut Vec<String>) {
    for (name, member) in value.as_object().into_iter().flatten() {
        if name == "containers" {
            found.push(path.to_owned());
        }
        specs(member, &format!("{path}/{name}"), found);
    }
}

/// What a server says about an object: the fields and reasons of its Status, or nothing about one that it took.
fn causes(driver: &mut Driver, method: &str, target: &str, object: &Value) -> Vec<(String, String)> {
    let reply = send(driver, method, target, object);
    let shown = json(&reply);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let causes = shown["details"]["causes"].as_array().cloned().unwrap_or_default();
    assert_eq!(reply.status >= 400, !causes.is_empty(), "{method} {target}: {}", reply.text());
    causes.iter().map(|cause| (text(&cause["field"]), text(&cause["message"]))).collect()
}

#[test]
fn no_container_gets_privileges_that_are_not_allowed() {
    let mut lenient = server("w");
    let mut kinds = Vec::new();
    for row in table::ROWS.iter().filter(|row| !row.internal) {
        let Some(plain) = objects().remove(&key(row)) else { continue };
        let mut paths = Vec::new();
        specs(&plain, "", &mut paths);
        let Some(path) = paths.pop() else { continue };
        let field = format!("{}.containers[0].securityContext.privileged", path.trim_start_matches('/'));
        let field = field.replace('/', ".");
        let mut privileged = plain.clone();
        privileged["metadata"]["name"] = json!("privileged");
        let containers = privileged.pointer_mut(&format!("{path}/containers/0")).expect("a container");
        containers["securityContext"] = json!({"privileged": true});
        let place = collection(row, "w");
        assert_eq!(causes(&mut lenient, "POST", &place, &privileged), [], "{}", key(row));
        kinds.push((row.kind, place, field, privileged));
    }
    let names: Vec<&str> = kinds.iter().map(|(kind, ..)| *kind).collect();
    let workloads = ["DaemonSet", "Deployment", "ReplicaSet", "StatefulSet", "CronJob", "Job"];
    for kind in [&["Pod", "PodTemplate", "ReplicationController"][..], &workloads].concat() {
        assert!(names.contains(&kind), "{kind} is not among {names:?}");
    }
    let mut strict =
        Driver::start_on(Config { allows_privileged: false, ..open_config(2) }, lenient.into_etcd());
    for (kind, place, field, mut object) in kinds {
        let refused = (field, "Forbidden: disallowed by cluster policy".to_owned());
        let held = json(&fetch(&mut strict, &format!("{place}/privileged")));
        object["metadata"]["name"] = json!("another");
        assert_eq!(causes(&mut strict, "POST", &place, &object), std::slice::from_ref(&refused), "{kind}");
        let mut changed = held;
        changed["metadata"]["labels"]["changed"] = json!("yes");
        let target = format!("{place}/privileged");
        let expected = vec![refused; looks_at_update(kind)];
        assert_eq!(causes(&mut strict, "PUT", &target, &changed), expected, "{kind}");
    }
}

/// How often an update is looked at: a template that was bad before is not in a StatefulSet, and that of a Job twice.
fn looks_at_update(kind: &str) -> usize {
    match kind {
        "StatefulSet" => 0,
        "Job" => 2,
        _ => 1,
    }
}

#[test]
fn a_process_of_a_windows_host_has_privileges_too() {
    let mut strict = Driver::start(Config { allows_privileged: false, ..open_config(1) });
    let security = json!({"windowsOptions": {"hostProcess": true}});
    let spec = json!({
        "hostNetwork": true, "securityContext": security, "containers": [{"name": "c", "image": "i"}]
    });
    let pod = json!({"metadata": {"name": "p"}, "spec": spec});
    let refused =
        ("spec".to_owned(), "Forbidden: hostProcess containers are disallowed by cluster policy".to_owned());
    let pods = "/api/v1/namespaces/default/pods";
    assert_eq!(causes(&mut strict, "POST", pods, &pod), [refused]);
    let plain = json!({"metadata": {"name": "p"}, "spec": {"containers": [
        {"name": "c", "image": "i", "securityContext": {"privileged": false}}
    ]}});
    assert_eq!(causes(&mut strict, "POST", pods, &plain), []);
    let added = json!({"spec": {"ephemeralContainers": [
        {"name": "e", "image": "i", "securityContext": {"privileged": true}}
    ]}});
    let target = format!("{pods}/p/ephemeralcontainers");
    let reply = strict.call("PATCH", &target, crate::conditions::MERGE, added.to_string().as_bytes());
    assert_eq!(reply.status, 422, "{}", reply.text());
    assert!(
        reply.text().contains("spec.ephemeralContainers[0].securityContext.privileged: Forbidden"),
        "{}",
        reply.text()
    );
}
