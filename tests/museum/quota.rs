//! Bugs of what quotas count.

use super::{Flaw, put, server, write_unheard};
use crate::conditions::{MERGE, fetch, json, send};
use serde_json::{Value, json};
use steersman_core::store::{Feed, Range};
use steersman_sim::driver::Driver;
use steersman_sim::etcd::ServerId;

const QUOTAS: &str = "/api/v1/namespaces/w/resourcequotas";

/// A namespace in which nothing is used of one ConfigMap that is allowed.
fn metered(flaw: Flaw) -> Driver {
    let mut driver = server(flaw);
    let quota = json!({"metadata": {"name": "q"}, "spec": {"hard": {"configmaps": "1"}}});
    assert_eq!(send(&mut driver, "POST", QUOTAS, &quota).status, 201);
    let status = br#"{"status":{"hard":{"configmaps":"1"},"used":{"configmaps":"0"}}}"#;
    assert_eq!(driver.call("PATCH", &format!("{QUOTAS}/q/status"), MERGE, status).status, 200);
    driver
}

fn make(driver: &mut Driver, body: &Value) -> u16 {
    send(driver, "POST", "/api/v1/namespaces/w/configmaps", body).status
}

/// What could not be stored is counted.
pub(super) fn quota_charged_apart(flaw: Flaw) -> bool {
    let mut driver = metered(flaw);
    let unheard =
        r#"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a","namespace":"w","uid":"u"}}"#;
    write_unheard(&mut driver, vec![put("/registry/configmaps/w/a", unheard)]);
    assert_eq!(make(&mut driver, &json!({"metadata": {"name": "a"}})), 409);
    json(&fetch(&mut driver, &format!("{QUOTAS}/q")))["status"]["used"]["configmaps"] == json!("1")
}

/// Another server has used up the quota, and this one has not heard of it.
pub(super) fn quota_counted_once(flaw: Flaw) -> bool {
    let mut driver = metered(flaw);
    let key = "/registry/resourcequotas/w/q";
    let range = Range { key: key.into(), ..Range::default() };
    let ranged = driver.etcd().mvcc().range(&range).expect("a range");
    let held = String::from_utf8_lossy(&ranged.kvs[0].value).into_owned();
    let used = held.replace(r#""used":{"configmaps":"0"}"#, r#""used":{"configmaps":"1"}"#);
    assert_ne!(held, used);
    driver.etcd_mut().unfollow(ServerId(0), Feed(0));
    write_unheard(&mut driver, vec![put(key, &used)]);
    make(&mut driver, &json!({"metadata": {"name": "a"}})) == 201
}
