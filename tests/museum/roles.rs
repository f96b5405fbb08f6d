//! Bugs of what roles allow.

use super::config;
use serde_json::{Value, json};
use steersman_core::config::{Authentication, Authorizer, Config, Token};
use steersman_core::museum::Flaw;
use steersman_sim::driver::Driver;

const RBAC: &str = "/apis/rbac.authorization.k8s.io/v1/namespaces/default";
const BINDINGS: &str = "rolebindings";

fn token(user: &str, group: &str) -> Token {
    Token { token: user.into(), user: user.into(), uid: "".into(), groups: vec![group.into()] }
}

/// A server where root has given alice a role that reads ConfigMaps of the namespace `default`.
fn server(flaw: Flaw) -> Driver {
    let tokens = vec![token("alice", "users"), token("root", "system:masters")];
    let authentication = Authentication { tokens, anonymous: false, ..Authentication::default() };
    let authorization = vec![Authorizer::Rbac];
    let mut driver = Driver::start(Config { authentication, authorization, ..config(flaw) });
    let rule = json!({"verbs": ["get"], "apiGroups": [""], "resources": ["configmaps"]});
    let role = json!({"metadata": {"name": "r"}, "rules": [rule]});
    let binding = json!({
        "metadata": {"name": "b"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"},
        "subjects": [{"kind": "User", "name": "alice"}],
    });
    for (plural, object) in [("roles", role), (BINDINGS, binding)] {
        let made = ask(&mut driver, "root", "POST", &format!("{RBAC}/{plural}"), &object);
        assert_eq!(made, 201, "{plural}");
    }
    driver
}

fn ask(driver: &mut Driver, user: &str, method: &str, path: &str, body: &Value) -> u16 {
    let authorization = format!("Bearer {user}");
    let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
    driver.call(method, path, &headers, body.to_string().as_bytes()).status
}

/// What alice is told who reads a ConfigMap that is not there.
fn read(driver: &mut Driver, namespace: &str) -> u16 {
    let path = format!("/api/v1/namespaces/{namespace}/configmaps/absent");
    ask(driver, "alice", "GET", &path, &Value::Null)
}

pub(super) fn revocation_forgotten(flaw: Flaw) -> bool {
    let mut driver = server(flaw);
    assert_eq!(read(&mut driver, "default"), 404);
    assert_eq!(ask(&mut driver, "root", "DELETE", &format!("{RBAC}/{BINDINGS}/b"), &json!({})), 200);
    read(&mut driver, "default") != 403
}

pub(super) fn namespace_of_binding_ignored(flaw: Flaw) -> bool {
    let mut driver = server(flaw);
    assert_eq!(read(&mut driver, "default"), 404);
    read(&mut driver, "kube-system") != 403
}
