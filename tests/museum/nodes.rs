//! Bugs of what nodes may see.

use super::config;
use serde_json::{Value, json};
use steersman_core::config::{Authentication, Authorizer, Config, Token};
use steersman_core::museum::Flaw;
use steersman_sim::driver::Driver;

const PODS: &str = "/api/v1/namespaces/default/pods";

fn token(name: &str, user: &str, group: &str) -> Token {
    Token { token: name.into(), user: user.into(), uid: "".into(), groups: vec![group.into()] }
}

fn ask(driver: &mut Driver, user: &str, method: &str, path: &str, body: &Value) -> u16 {
    let authorization = format!("Bearer {user}");
    let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
    driver.call(method, path, &headers, body.to_string().as_bytes()).status
}

/// What a node is told that reads a secret which is not there, and to which a pod of its own refers.
fn read(driver: &mut Driver) -> u16 {
    ask(driver, "node", "GET", "/api/v1/namespaces/default/secrets/absent", &Value::Null)
}

pub(super) fn nodes_read_any_secret(flaw: Flaw) -> bool {
    let tokens = vec![token("node", "system:node:n", "system:nodes")];
    let authentication = Authentication { tokens, anonymous: false, ..Authentication::default() };
    let authorization = vec![Authorizer::Node];
    let mut driver = Driver::start(Config { authentication, authorization, ..config(flaw) });
    read(&mut driver) != 403
}

pub(super) fn graph_keeps_deleted_pods(flaw: Flaw) -> bool {
    let tokens =
        vec![token("node", "system:node:n", "system:nodes"), token("root", "root", "system:masters")];
    let authentication = Authentication { tokens, anonymous: false, ..Authentication::default() };
    let authorization = vec![Authorizer::Node];
    let mut driver = Driver::start(Config { authentication, authorization, ..config(flaw) });
    let pod = json!({
        "metadata": {"name": "p"},
        "spec": {
            "nodeName": "n",
            "containers": [{"name": "c", "image": "i"}],
            "volumes": [{"name": "v", "secret": {"secretName": "absent"}}],
        },
    });
    assert_eq!(ask(&mut driver, "root", "POST", PODS, &pod), 201);
    assert_eq!(read(&mut driver), 404);
    let path = format!("{PODS}/p");
    assert_eq!(ask(&mut driver, "root", "DELETE", &path, &json!({"gracePeriodSeconds": 0})), 200);
    read(&mut driver) != 403
}
