//! The secrets that a pod refers to, and those that its service account lets it refer to.
//! k8s: plugin/pkg/admission/serviceaccount/admission.go, pkg/api/pod/util.go VisitPodSecretNames

use crate::value::{Value, object};
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;

/// The annotation of a service account whose pods may only use its own secrets.
const ENFORCED: &str = "kubernetes.io/enforce-mountable-secrets";

/// The items of a list; none where there is none.
pub(super) fn list<'a>(object: &'a Value, path: &[&str]) -> &'a [Value] {
    object.at(path).and_then(Value::as_list).unwrap_or_default()
}

/// A reference of a container: the variable that it is for, or none when it is for all keys.
struct InContainer<'a> {
    variable: Option<&'a str>,
    secret: &'a str,
}

/// The references of a container, in the order in which upstream looks at them.
fn in_container(container: &Value) -> impl Iterator<Item = InContainer<'_>> {
    let single = list(container, &["env"]).iter().filter_map(|variable| {
        let reference = variable.at(&["valueFrom", "secretKeyRef"]).filter(|held| !held.is_null())?;
        Some(InContainer {
            variable: Some(variable.text_at(&["name"])),
            secret: reference.text_at(&["name"]),
        })
    });
    let whole = list(container, &["envFrom"]).iter().filter_map(|source| {
        let reference = source.field("secretRef").filter(|held| !held.is_null())?;
        Some(InContainer { variable: None, secret: reference.text_at(&["name"]) })
    });
    single.chain(whole)
}

/// Go's strconv.ParseBool.
fn is_enforced(account: &Value) -> bool {
    matches!(object::annotation(account, ENFORCED), Some("1" | "t" | "T" | "true" | "TRUE" | "True"))
}

fn names<'a>(account: &'a Value, field: &str) -> BTreeSet<&'a str> {
    list(account, &[field]).iter().map(|held| held.text_at(&["name"])).collect()
}

/// Whether a pod refers only to secrets of its service account, where that is asked for.
pub(super) fn check(account: &Value, pod: &Value) -> Result<(), String> {
    if !is_enforced(account) {
        return Ok(());
    }
    let (allowed, of) = (names(account, "secrets"), object::name(account));
    for volume in list(pod, &["spec", "volumes"]) {
        let source = volume.field("secret").filter(|source| !source.is_null());
        let Some(secret) = source.map(|source| source.text_at(&["secretName"])) else { continue };
        if !allowed.contains(secret) {
            return Err(format!(
                "volume with secret.secretName=\"{secret}\" is not allowed because service account {of} does not \
                 reference that secret"
            ));
        }
    }
    check_containers(list(pod, &["spec", "initContainers"]), "init container", &allowed, of)?;
    check_containers(list(pod, &["spec", "containers"]), "container", &allowed, of)?;
    let pulls = names(account, "imagePullSecrets");
    for (index, reference) in list(pod, &["spec", "imagePullSecrets"]).iter().enumerate() {
        let name = reference.text_at(&["name"]);
        if !pulls.contains(name) {
            return Err(format!(
                "imagePullSecrets[{index}].name=\"{name}\" is not allowed because service account {of} does not \
                 reference that imagePullSecret"
            ));
        }
    }
    Ok(())
}

/// The same for the ephemeral containers of a pod.
pub(super) fn check_ephemeral(account: &Value, pod: &Value) -> Result<(), String> {
    if !is_enforced(account) {
        return Ok(());
    }
    let containers = list(pod, &["spec", "ephemeralContainers"]);
    check_containers(containers, "ephemeral container", &names(account, "secrets"), object::name(account))
}

fn check_containers(
    containers: &[Value],
    what: &str,
    allowed: &BTreeSet<&str>,
    account: &str,
) -> Result<(), String> {
    for container in containers {
        for InContainer { variable, secret } in in_container(container) {
            if allowed.contains(secret) {
                continue;
            }
            let place = variable.map_or("envFrom".into(), |variable| format!("envVar {variable}"));
            let name = container.text_at(&["name"]);
            return Err(format!(
                "{what} {name} with {place} referencing secret.secretName=\"{secret}\" is not allowed because \
                 service account {account} does not reference that secret"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json;
    use crate::kinds::references;

    #[test]
    fn pods_use_the_secrets_of_their_account_where_that_is_asked_for() {
        let parsed = |text: &str| json::parse(text.as_bytes()).expect("JSON").value;
        let account = parsed(
            r#"{"metadata":{"name":"sa","annotations":{"kubernetes.io/enforce-mountable-secrets":"true"}},
                "secrets":[{"name":"mine"}],"imagePullSecrets":[{"name":"pull"}]}"#,
        );
        let cases = [
            (r#"{"volumes":[{"secret":{"secretName":"mine"}}]}"#, ""),
            (r#"{"volumes":[{"secret":{"secretName":"other"}}]}"#, "volume with secret.secretName=\"other\""),
            (
                r#"{"containers":[{"name":"c","env":[{"name":"E","valueFrom":{"secretKeyRef":{"name":"x"}}}]}]}"#,
                "container c with envVar E referencing secret.secretName=\"x\"",
            ),
            (
                r#"{"initContainers":[{"name":"i","envFrom":[{"secretRef":{"name":"x"}}]}]}"#,
                "init container i with envFrom referencing secret.secretName=\"x\"",
            ),
            (r#"{"imagePullSecrets":[{"name":"pull"},{"name":"x"}]}"#, "imagePullSecrets[1].name=\"x\""),
        ];
        for (spec, start) in cases {
            let pod = parsed(&format!(r#"{{"spec":{spec}}}"#));
            assert!(references::secrets(&pod).next().is_some(), "{spec}");
            let found = check(&account, &pod).err().unwrap_or_default();
            assert!(found.starts_with(start) && found.is_empty() == start.is_empty(), "{found}");
            assert_eq!(check(&parsed(r#"{"metadata":{"name":"sa"}}"#), &pod), Ok(()));
        }
        assert!(references::secrets(&parsed(r#"{"spec":{"volumes":[{"emptyDir":{}}]}}"#)).next().is_none());
    }
}
