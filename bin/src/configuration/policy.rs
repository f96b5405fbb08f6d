//! `--authorization-policy-file`: a policy a line, as JSON.
//! k8s: pkg/auth/authorizer/abac/abac.go NewFromFile, pkg/apis/abac/v0, pkg/apis/abac/v1beta1

use std::path::Path;
use std::sync::Arc;

use steersman_core::codec::json;
use steersman_core::config::AbacPolicy;
use steersman_core::value::{Value, object};

use super::decode::{ConfigurationKind, Strictness, typed};

const GROUP: &str = "abac.authorization.kubernetes.io";
const OLD: ConfigurationKind =
    ConfigurationKind { kind: "Policy", group: GROUP, versions: &["v0"], type_name: "abac.v0.Policy" };
const NEW: ConfigurationKind = ConfigurationKind {
    kind: "Policy",
    group: GROUP,
    versions: &["v1beta1"],
    type_name: "abac.v1beta1.Policy",
};

/// The group of everybody who is known.
const AUTHENTICATED: &str = "system:authenticated";

/// The policies of a file.
pub(super) fn load(path: &str) -> Result<Arc<Vec<AbacPolicy>>, String> {
    let text = std::fs::read_to_string(Path::new(path)).map_err(|error| format!("open {path}: {error}"))?;
    parse(&text, path).map(Arc::new)
}

fn parse(text: &str, path: &str) -> Result<Vec<AbacPolicy>, String> {
    let mut policies = Vec::new();
    let mut has_old = false;
    for (at, line) in text.lines().enumerate() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let (policy, is_old) = policy(line)
            .map_err(|error| format!("error reading policy file {path}, line {}: {line}: {error}", at + 1))?;
        policies.push(policy);
        has_old |= is_old;
    }
    if has_old {
        tracing::warn!(%path, "the policy file has lines without a version");
    }
    Ok(policies)
}

/// The policy of a line, and whether the line names no version.
fn policy(line: &str) -> Result<(AbacPolicy, bool), String> {
    let parsed = json::parse(line.as_bytes())
        .map_err(|error| format!("couldn't get version/kind; json parse error: {}", error.0))?;
    let (kind, api_version) = (object::kind(&parsed.value), object::api_version(&parsed.value));
    let is_versioned = !kind.is_empty() && !api_version.is_empty();
    let version = api_version.strip_prefix(GROUP).and_then(|rest| rest.strip_prefix('/'));
    match version {
        Some("v1beta1") if kind == NEW.kind => {
            let value = typed(line, parsed, &NEW, Strictness::Lenient)?;
            let empty = Value::empty_map();
            Ok((new_policy(value.field("spec").unwrap_or(&empty)), false))
        }
        Some("v0") if kind == OLD.kind => {
            Ok((old_policy(&typed(line, parsed, &OLD, Strictness::Lenient)?), false))
        }
        _ if is_versioned => Err(format!("no kind \"{kind}\" is registered for version \"{api_version}\"")),
        _ => Ok((old_policy(&typed(line, parsed, &OLD, Strictness::Lenient)?), true)),
    }
}

fn new_policy(spec: &Value) -> AbacPolicy {
    let text = |field: &str| spec.text_at(&[field]).into();
    let policy = AbacPolicy {
        user: text("user"),
        group: text("group"),
        is_read_only: spec.field("readonly").and_then(Value::as_bool).unwrap_or(false),
        api_group: text("apiGroup"),
        resource: text("resource"),
        namespace: text("namespace"),
        non_resource_path: text("nonResourcePath"),
    };
    for_everybody(policy)
}

/// A star as user or group means everybody who is known.
fn for_everybody(policy: AbacPolicy) -> AbacPolicy {
    if policy.user == "*" || policy.group == "*" {
        return AbacPolicy { user: "".into(), group: AUTHENTICATED.into(), ..policy };
    }
    policy
}

/// Without a user and a group the line is for everybody who is known, and what it does not name it allows wholly.
fn old_policy(line: &Value) -> AbacPolicy {
    let text = |field: &str| line.text_at(&[field]);
    let or_all = |field: &str| if text(field).is_empty() { "*".into() } else { text(field).into() };
    let is_nobodys = text("user").is_empty() && text("group").is_empty();
    let allows_paths = text("namespace").is_empty() && text("resource").is_empty();
    for_everybody(AbacPolicy {
        user: text("user").into(),
        group: if is_nobodys { AUTHENTICATED.into() } else { text("group").into() },
        is_read_only: line.field("readonly").and_then(Value::as_bool).unwrap_or(false),
        api_group: "*".into(),
        resource: or_all("resource"),
        namespace: or_all("namespace"),
        non_resource_path: if allows_paths { "*".into() } else { "".into() },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy_of(parts: [&str; 7]) -> AbacPolicy {
        let [user, group, mode, api_group, resource, namespace, path] = parts.map(Into::into);
        let is_read_only = mode == "read";
        AbacPolicy { user, group, is_read_only, api_group, resource, namespace, non_resource_path: path }
    }

    #[test]
    fn lines_of_both_versions_are_read() {
        let cases = [
            ("{\"user\":\"alice\"}", ["alice", "", "", "*", "*", "*", "*"]),
            ("{\"user\":\"alice\",\"resource\":\"pods\"}", ["alice", "", "", "*", "pods", "*", ""]),
            ("{\"readonly\":true,\"namespace\":\"a\"}", ["", AUTHENTICATED, "read", "*", "*", "a", ""]),
            ("{\"group\":\"*\"}", ["", AUTHENTICATED, "", "*", "*", "*", "*"]),
            (
                "{\"apiVersion\":\"abac.authorization.kubernetes.io/v1beta1\",\"kind\":\"Policy\",\"spec\":\
                 {\"user\":\"alice\",\"namespace\":\"a\",\"resource\":\"pods\",\"readonly\":true}}",
                ["alice", "", "read", "", "pods", "a", ""],
            ),
            (
                "{\"apiVersion\":\"abac.authorization.kubernetes.io/v1beta1\",\"kind\":\"Policy\",\"spec\":\
                 {\"user\":\"*\",\"nonResourcePath\":\"*\"}}",
                ["", AUTHENTICATED, "", "", "", "", "*"],
            ),
        ];
        for (line, expected) in cases {
            let text = format!("# a comment\n\n  \n{line}\n");
            assert_eq!(parse(&text, "x"), Ok(vec![policy_of(expected)]), "{line}");
        }
    }

    #[test]
    fn a_line_that_cannot_be_read_is_named() {
        let cases = [
            ("{", "error reading policy file x, line 2: {: couldn't get version/kind; json parse error: "),
            (
                "{\"apiVersion\":\"v9\",\"kind\":\"Policy\"}",
                "error reading policy file x, line 2: {\"apiVersion\":\"v9\",\"kind\":\"Policy\"}: no kind \"Policy\" \
                 is \
                 registered for version \"v9\"",
            ),
            (
                "{\"user\":1}",
                "error reading policy file x, line 2: {\"user\":1}: Policy in version \"\" cannot be handled as a \
                 Policy: json: cannot unmarshal number into Go struct field Policy.user of type string",
            ),
        ];
        for (line, expected) in cases {
            let error = parse(&format!("{{}}\n{line}"), "x").expect_err(line);
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
