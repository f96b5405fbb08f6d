//! Bugs of definitions of custom resources.

use super::Flaw;
use crate::conditions::{MERGE, send};
use serde_json::json;
use steersman_core::config::{Bootstrap, Config};
use steersman_sim::driver::{Driver, open_config};

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

/// What a loosened schema allows is still refused.
pub(super) fn definition_served_once(flaw: Flaw) -> bool {
    let mut driver = Driver::start(Config { flaw, bootstrap: Bootstrap::Extensible, ..open_config(1) });
    let versions = |most: u64| {
        json!([{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {
            "type": "object", "properties": {"level": {"type": "integer", "maximum": most}},
        }}}])
    };
    let definition = json!({
        "metadata": {"name": "levels.example.com"},
        "spec": {
            "group": "example.com", "scope": "Cluster", "versions": versions(1),
            "names": {"plural": "levels", "singular": "level", "kind": "Level"},
        },
    });
    assert_eq!(send(&mut driver, "POST", DEFINITIONS, &definition).status, 201);
    driver.pass(10_000);
    let object =
        json!({"apiVersion": "example.com/v1", "kind": "Level", "metadata": {"name": "a"}, "level": 2});
    let place = "/apis/example.com/v1/levels";
    assert_eq!(send(&mut driver, "POST", place, &object).status, 422, "the schema is asked");
    let loosened = json!({"spec": {"versions": versions(2)}}).to_string();
    let patched =
        driver.call("PATCH", &format!("{DEFINITIONS}/levels.example.com"), MERGE, loosened.as_bytes());
    assert_eq!(patched.status, 200);
    driver.pass(10_000);
    send(&mut driver, "POST", place, &object).status != 201
}
