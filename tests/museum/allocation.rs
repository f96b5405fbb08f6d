//! Bugs of what services take and give back.

use super::{config, server_with};
use crate::conditions::send;
use serde_json::{Value, json};
use steersman_core::museum::Flaw;
use steersman_sim::driver::Driver;

const SERVICES: &str = "/api/v1/namespaces/w/services";

fn made(driver: &mut Driver, name: &str, spec: Value) -> bool {
    let mut spec = spec;
    spec["ports"] = json!([{"port": 80, "nodePort": spec["nodePort"].take()}]);
    spec.as_object_mut().expect("an object").remove("nodePort");
    let service = json!({"metadata": {"name": name}, "spec": spec});
    send(driver, "POST", SERVICES, &service).status == 201
}

/// Two services get one address.
pub(super) fn address_unclaimed(flaw: Flaw) -> bool {
    let mut driver = server_with(config(flaw));
    let spec = || json!({"clusterIP": "10.0.0.77"});
    assert!(made(&mut driver, "a", spec()));
    made(&mut driver, "b", spec())
}

/// The address of a service that has gone cannot be had.
pub(super) fn address_leaked(flaw: Flaw) -> bool {
    let mut driver = server_with(config(flaw));
    let spec = || json!({"clusterIP": "10.0.0.77"});
    assert!(made(&mut driver, "a", spec()));
    assert_eq!(send(&mut driver, "DELETE", &format!("{SERVICES}/a"), &json!({})).status, 200);
    !made(&mut driver, "b", spec())
}

/// Two services get one port.
pub(super) fn node_ports_unclaimed(flaw: Flaw) -> bool {
    let mut driver = server_with(config(flaw));
    let spec = || json!({"type": "NodePort", "nodePort": 30_123});
    assert!(made(&mut driver, "a", spec()));
    made(&mut driver, "b", spec())
}
