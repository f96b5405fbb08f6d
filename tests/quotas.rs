//! Quotas: what they count and refuse, that nothing else is charged, and many writers at several servers.

use crate::conditions::{MERGE, fetch, json, send, server};
use k8s_openapi::api::core::v1::{ConfigMap, ResourceQuota};
use kube::api::{Api, ObjectMeta, PostParams};
use kube::{Client, Error};
use serde_json::{Value, json};
use std::time::Duration;
use steersman_sim::driver::Driver;
use steersman_sim::service::Cluster;
use tokio::time::{Instant, sleep, sleep_until};

const QUOTAS: &str = "/api/v1/namespaces/w/resourcequotas";
const MAPS: &str = "/api/v1/namespaces/w/configmaps";

/// A quota that was measured: nothing is used.
fn quota(driver: &mut Driver, name: &str, hard: &Value) {
    let body = json!({"metadata": {"name": name}, "spec": {"hard": hard}});
    assert_eq!(send(driver, "POST", QUOTAS, &body).status, 201);
    let used: serde_json::Map<String, Value> =
        hard.as_object().expect("an object").keys().map(|name| (name.clone(), json!("0"))).collect();
    let status = json!({"status": {"hard": hard, "used": used}}).to_string();
    let place = format!("{QUOTAS}/{name}/status");
    assert_eq!(driver.call("PATCH", &place, MERGE, status.as_bytes()).status, 200);
}

fn used(driver: &mut Driver, quota: &str, resource: &str) -> String {
    let found = json(&fetch(driver, &format!("{QUOTAS}/{quota}")));
    found["status"]["used"][resource].as_str().unwrap_or_default().to_owned()
}

#[test]
fn only_what_is_stored_is_counted() {
    let mut driver = server("w");
    quota(
        &mut driver,
        "q",
        &json!({"configmaps": "3", "count/configmaps": "9", "count/resourcequotas": "9"}),
    );
    let map = |name: &str| json!({"metadata": {"name": name}});
    let steps = [
        ("?dryRun=All", "a", 201, "0"),
        ("", "a", 201, "1"),
        ("", "a", 409, "1"),
        ("", "B", 422, "1"),
        ("", "b", 201, "2"),
        ("?dryRun=All", "c", 201, "2"),
        ("", "c", 201, "3"),
        ("?dryRun=All", "d", 403, "3"),
        ("", "d", 403, "3"),
    ];
    for (query, name, status, counted) in steps {
        let reply = send(&mut driver, "POST", &format!("{MAPS}{query}"), &map(name));
        assert_eq!(reply.status, status, "{name}{query}: {}", reply.text());
        assert_eq!(used(&mut driver, "q", "configmaps"), counted, "{name}{query}");
        assert_eq!(used(&mut driver, "q", "count/configmaps"), counted, "{name}{query}");
    }
    // A quota that counts itself cannot be made twice, and is not charged for the attempt.
    let again = send(&mut driver, "POST", QUOTAS, &json!({"metadata": {"name": "q"}, "spec": {"hard": {}}}));
    assert_eq!(again.status, 409, "{}", again.text());
    assert_eq!(used(&mut driver, "q", "count/resourcequotas"), "0");
}

#[test]
fn a_service_is_charged_for_what_it_grows_by() {
    let mut driver = server("w");
    quota(
        &mut driver,
        "q",
        &json!({"services": "2", "services.nodeports": "2", "services.loadbalancers": "0"}),
    );
    let place = "/api/v1/namespaces/w/services";
    let service = json!({"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}});
    assert_eq!(send(&mut driver, "POST", place, &service).status, 201);
    let changes = [
        (r#"{"spec":{"type":"NodePort"}}"#, 200, "1"),
        (r#"{"spec":{"type":"LoadBalancer"}}"#, 403, "1"),
        (r#"{"spec":{"ports":[{"name":"a","port":80},{"name":"b","port":81}]}}"#, 200, "2"),
        (r#"{"spec":{"type":"ClusterIP"}}"#, 200, "2"),
        // Only the controller that measures knows that the ports are free again.
        (r#"{"spec":{"type":"NodePort"}}"#, 403, "2"),
    ];
    for (change, status, ports) in changes {
        let reply = driver.call("PATCH", &format!("{place}/s"), MERGE, change.as_bytes());
        assert_eq!(reply.status, status, "{change}: {}", reply.text());
        assert_eq!(used(&mut driver, "q", "services.nodeports"), ports, "{change}");
        assert_eq!(used(&mut driver, "q", "services"), "1", "{change}");
    }
}

#[test]
fn a_quota_that_was_not_measured_refuses() {
    let mut driver = server("w");
    let body = json!({"metadata": {"name": "q"}, "spec": {"hard": {"configmaps": "3"}}});
    assert_eq!(send(&mut driver, "POST", QUOTAS, &body).status, 201);
    let map = |name: &str| json!({"metadata": {"name": name}});
    let made = send(&mut driver, "POST", MAPS, &map("a"));
    assert_eq!(made.status, 201, "what the quota will limit is not known yet: {}", made.text());
    let status = br#"{"status":{"hard":{"configmaps":"3"}}}"#;
    assert_eq!(driver.call("PATCH", &format!("{QUOTAS}/q/status"), MERGE, status).status, 200);
    let refused = send(&mut driver, "POST", MAPS, &map("b"));
    let why = r#"configmaps "b" is forbidden: status unknown for quota: q, resources: configmaps"#;
    assert_eq!(json(&refused)["message"], json!(why));
}

/// Writers at several servers, all of one namespace, that start at the same moment.
#[test]
fn fifty_writers_at_three_servers_all_count() {
    const WRITERS: usize = 50;
    const ALLOWED: usize = 40;
    let cluster = Cluster::builder(5).servers(3).members(3).faults(&[]).start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let (made, refused, counted) = runtime.expect("a runtime").block_on(async {
        let started = Instant::now();
        let until = move |elapsed| sleep_until(started + elapsed);
        tokio::spawn(cluster.keep_pace(move || started.elapsed(), until));
        let quotas: Api<ResourceQuota> = Api::namespaced(client(&cluster), "kube-public");
        let hard = json!({"configmaps": ALLOWED.to_string()});
        let quota = json!({"metadata": {"name": "q"}, "spec": {"hard": hard}});
        let quota = serde_json::from_value(quota).expect("a quota");
        let mut quota = quotas.create(&PostParams::default(), &quota).await.expect("a quota");
        let status = json!({"hard": hard, "used": {"configmaps": "0"}});
        quota.status = serde_json::from_value(status).expect("a status");
        let posted = serde_json::to_vec(&quota).expect("JSON");
        quotas.replace_status("q", &PostParams::default(), &quota_of(&posted)).await.expect("a status");
        // Longer than any cache is behind.
        sleep(Duration::from_secs(10)).await;
        let writers: Vec<_> = (0..WRITERS)
            .map(|number| {
                let maps: Api<ConfigMap> = Api::namespaced(client(&cluster), "kube-public");
                tokio::spawn(async move {
                    let metadata = ObjectMeta { name: Some(format!("w{number}")), ..ObjectMeta::default() };
                    let map = ConfigMap { metadata, ..ConfigMap::default() };
                    loop {
                        match maps.create(&PostParams::default(), &map).await {
                            // The server has no seat for one more request.
                            Err(Error::Api(status)) if status.code == 429 => {
                                sleep(Duration::from_millis(100)).await;
                            }
                            other => return other,
                        }
                    }
                })
            })
            .collect();
        let (mut made, mut refused) = (0, 0);
        for writer in writers {
            match writer.await.expect("a writer") {
                Ok(_) => made += 1,
                Err(Error::Api(status)) if status.message.contains("exceeded quota: q") => refused += 1,
                Err(other) => panic!("neither made nor refused by the quota: {other}"),
            }
        }
        let quota = quotas.get("q").await.expect("the quota");
        let counted = quota.status.and_then(|status| status.used).expect("what is used");
        cluster.check().unwrap_or_else(|failure| panic!("{failure}"));
        (made, refused, counted["configmaps"].0.clone())
    });
    assert_eq!((made, refused, counted), (ALLOWED, WRITERS - ALLOWED, ALLOWED.to_string()));
}

fn client(cluster: &Cluster) -> Client {
    Client::new(cluster.service(), "kube-public")
}

fn quota_of(bytes: &[u8]) -> ResourceQuota {
    serde_json::from_slice(bytes).expect("a quota")
}
