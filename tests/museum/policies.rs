//! Bugs of admission policies.

use super::{Flaw, PLACE, server};
use crate::conditions::{JSON, MERGE, send};
use serde_json::json;

const POLICIES: &str = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies";

/// A policy that was loosened still refuses what it refused before.
pub(super) fn policy_compiled_once(flaw: Flaw) -> bool {
    let mut driver = server(flaw);
    let rule = json!({
        "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"],
    });
    let policy = json!({"metadata": {"name": "p"}, "spec": {
        "matchConstraints": {"resourceRules": [rule]},
        "validations": [{"expression": "object.metadata.name != 'a'"}],
    }});
    let binding =
        json!({"metadata": {"name": "b"}, "spec": {"policyName": "p", "validationActions": ["Deny"]}});
    assert_eq!(send(&mut driver, "POST", POLICIES, &policy).status, 201);
    let bindings = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings";
    assert_eq!(send(&mut driver, "POST", bindings, &binding).status, 201);
    let object = json!({"metadata": {"name": "a"}});
    assert_eq!(send(&mut driver, "POST", PLACE, &object).status, 422, "the policy is asked");
    let loosened = json!({"spec": {"validations": [{"expression": "true"}]}}).to_string();
    let patched = driver.call("PATCH", &format!("{POLICIES}/p"), MERGE, loosened.as_bytes());
    assert_eq!(patched.status, 200);
    driver.call("POST", PLACE, JSON, object.to_string().as_bytes()).status != 201
}
