//! Exhibits of what a patch of a deployment's replicas changes, through the object and through its status.

use super::server;
use crate::battery::objects;
use crate::conditions::{MERGE, fetch, json, send};
use serde_json::{Value, json};
use steersman_core::museum::Flaw;

/// A deployment after its replicas were patched through the object, or a subresource.
fn deployment_scaled(flaw: Flaw, subresource: &str) -> Value {
    let mut driver = server(flaw);
    let place = "/apis/apps/v1/namespaces/w/deployments";
    let made = send(&mut driver, "POST", place, &objects()["apps/v1/deployments"]);
    assert_eq!(made.status, 201, "{}", made.text());
    let patch = json!({"spec": {"replicas": 7}, "status": {"observedGeneration": 1}}).to_string();
    let target = format!("{place}/one{subresource}");
    let patched = driver.call("PATCH", &target, MERGE, patch.as_bytes());
    assert_eq!(patched.status, 200, "{}", patched.text());
    json(&fetch(&mut driver, &format!("{place}/one")))
}

pub(super) fn status_writes_spec(flaw: Flaw) -> bool {
    let deployment = deployment_scaled(flaw, "/status");
    assert_eq!(deployment["status"]["observedGeneration"], json!(1));
    deployment["spec"]["replicas"] == json!(7)
}

pub(super) fn generation_not_raised(flaw: Flaw) -> bool {
    let deployment = deployment_scaled(flaw, "");
    assert_eq!(deployment["spec"]["replicas"], json!(7));
    deployment["metadata"]["generation"] == json!(1)
}
