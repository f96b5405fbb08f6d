//! What the labels of a namespace say of its pods.
//! k8s: staging/src/k8s.io/pod-security-admission/api/helpers.go PolicyToEvaluate

use crate::config::{LevelVersion, SecurityLevel, SecurityPolicy, SecurityVersion};
use crate::status::{Causes, Path};
use crate::value::Value;

/// The labels of the three modes: of the level, and of its version.
pub(super) const ENFORCE: [&str; 2] =
    ["pod-security.kubernetes.io/enforce", "pod-security.kubernetes.io/enforce-version"];
pub(super) const AUDIT: [&str; 2] =
    ["pod-security.kubernetes.io/audit", "pod-security.kubernetes.io/audit-version"];
pub(super) const WARN: [&str; 2] =
    ["pod-security.kubernetes.io/warn", "pod-security.kubernetes.io/warn-version"];

/// The labels of a namespace: the value under a key.
pub(super) type Labels<'a> = &'a dyn Fn(&str) -> Option<&'a str>;

/// The policy of a namespace. There is always one: what cannot be read is enforced as the strictest level, and neither
/// recorded nor warned of. `causes` tells what cannot be read.
pub(super) fn policy(labels: Labels<'_>, defaults: SecurityPolicy, causes: &mut Causes) -> SecurityPolicy {
    let enforce = mode(labels, ENFORCE, defaults.enforce, SecurityLevel::Restricted, causes);
    let audit = mode(labels, AUDIT, defaults.audit, SecurityLevel::Privileged, causes);
    let mut warn = mode(labels, WARN, defaults.warn, SecurityLevel::Privileged, causes);
    // A namespace that enforces more than it says to warn of also warns of it, for its workloads.
    let enforces = labels(ENFORCE[0]).and_then(SecurityLevel::parse).is_some();
    if labels(WARN[0]).is_none() && enforces && enforce.level > warn.level {
        warn.level = enforce.level;
        if labels(WARN[1]).is_none() {
            warn.version = enforce.version;
        }
    }
    SecurityPolicy { enforce, audit, warn }
}

fn mode(
    labels: Labels<'_>,
    [level, version]: [&str; 2],
    default: LevelVersion,
    unreadable: SecurityLevel,
    causes: &mut Causes,
) -> LevelVersion {
    let mut invalid = |label: &str, value: &str, detail: &str| {
        let path = Path::new("metadata").child("labels").key(label);
        causes.invalid(&path.as_str(), &Value::str(value), detail);
    };
    let mut mode = default;
    if let Some(word) = labels(level) {
        mode.level = SecurityLevel::parse(word).unwrap_or_else(|| {
            invalid(level, word, "must be one of privileged, baseline, restricted");
            unreadable
        });
    }
    if let Some(text) = labels(version) {
        mode.version = SecurityVersion::parse(text).unwrap_or_else(|| {
            invalid(version, text, r#"must be "latest" or "v1.x""#);
            SecurityVersion::Latest
        });
    }
    mode
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::PodSecurity;
    use alloc::string::ToString;
    use alloc::vec::Vec;

    #[test]
    fn labels_say_what_is_enforced_and_warned_of() {
        let cases = [
            ("", "privileged:latest privileged:latest privileged:latest", ""),
            ("enforce=baseline", "baseline:latest privileged:latest baseline:latest", ""),
            ("enforce=baseline enforce-version=v1.4", "baseline:v1.4 privileged:latest baseline:v1.4", ""),
            ("enforce=baseline warn-version=v1.4", "baseline:latest privileged:latest baseline:v1.4", ""),
            ("enforce=baseline warn=privileged", "baseline:latest privileged:latest privileged:latest", ""),
            ("enforce-version=v1.4", "privileged:v1.4 privileged:latest privileged:latest", ""),
            ("enforce=none", "restricted:latest privileged:latest privileged:latest", "enforce"),
            (
                "audit=none warn=none audit-version=1 warn-version=",
                "privileged:latest privileged:latest privileged:latest",
                "audit audit-version warn warn-version",
            ),
        ];
        for (labels, expected, wrong) in cases {
            let labels: Vec<(&str, &str)> =
                labels.split_whitespace().filter_map(|label| label.split_once('=')).collect();
            let of = |key: &str| {
                let key = key.strip_prefix("pod-security.kubernetes.io/")?;
                labels.iter().find(|(name, _)| *name == key).map(|(_, value)| *value)
            };
            let mut causes = Causes::new();
            let policy = policy(&of, PodSecurity::default().defaults, &mut causes);
            let shown: Vec<_> = policy.modes().iter().map(ToString::to_string).collect();
            assert_eq!(shown.join(" "), expected, "{labels:?}");
            let fields: Vec<&str> = causes
                .iter()
                .filter_map(|cause| Some(cause.field.split_once('/')?.1.trim_end_matches(']')))
                .collect();
            assert_eq!(fields.join(" "), wrong, "{labels:?}");
        }
    }
}
