//! The objects that pods and persistent volumes refer to by name.
//! k8s: pkg/api/v1/pod/util.go, pkg/api/v1/persistentvolume/util.go

use crate::value::{Value, object};
use alloc::format;
use alloc::string::String;

/// The lists of a pod's containers.
const CONTAINERS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

/// Where a volume of a pod names a secret.
const SECRETS_OF_VOLUMES: &[&[&str]] = &[
    &["azureFile", "secretName"],
    &["cephfs", "secretRef", "name"],
    &["cinder", "secretRef", "name"],
    &["csi", "nodePublishSecretRef", "name"],
    &["flexVolume", "secretRef", "name"],
    &["iscsi", "secretRef", "name"],
    &["rbd", "secretRef", "name"],
    &["scaleIO", "secretRef", "name"],
    &["secret", "secretName"],
    &["storageos", "secretRef", "name"],
];

fn list<'a>(object: &'a Value, path: &[&str]) -> &'a [Value] {
    object.at(path).and_then(Value::as_list).unwrap_or_default()
}

/// A member that is a pointer in Go, if it is not null.
pub(crate) fn set<'a>(object: &'a Value, field: &str) -> Option<&'a Value> {
    object.field(field).filter(|held| !held.is_null())
}

/// All containers of a pod.
pub(crate) fn containers(pod: &Value) -> impl Iterator<Item = &Value> {
    CONTAINERS.into_iter().flat_map(|of| list(pod, &["spec", of]))
}

/// The volumes of a pod.
pub(crate) fn volumes(pod: &Value) -> &[Value] {
    list(pod, &["spec", "volumes"])
}

/// What containers and projected volumes name: `whole` and `key` are the members of `envFrom` and of `valueFrom`, and
/// `projected` is the one of a projected volume's source.
fn named<'a>(pod: &'a Value, [whole, key, projected]: [&'static str; 3]) -> impl Iterator<Item = &'a str> {
    let in_container = move |container: &'a Value| {
        let all = list(container, &["envFrom"]).iter().map(move |source| source.text_at(&[whole, "name"]));
        let single = list(container, &["env"]).iter();
        all.chain(single.map(move |variable| variable.text_at(&["valueFrom", key, "name"])))
    };
    let in_volume = move |volume: &'a Value| {
        let sources = list(volume, &["projected", "sources"]).iter();
        sources.map(move |source| source.text_at(&[projected, "name"]))
    };
    containers(pod).flat_map(in_container).chain(volumes(pod).iter().flat_map(in_volume))
}

/// The names of the secrets that a pod refers to; some may occur more than once.
/// k8s: pkg/api/v1/pod/util.go VisitPodSecretNames
pub(crate) fn secrets(pod: &Value) -> impl Iterator<Item = &str> {
    let pulls = list(pod, &["spec", "imagePullSecrets"]).iter().map(|held| held.text_at(&["name"]));
    let mounted =
        volumes(pod).iter().flat_map(|volume| SECRETS_OF_VOLUMES.iter().map(|path| volume.text_at(path)));
    let others = named(pod, ["secretRef", "secretKeyRef", "secret"]);
    pulls.chain(mounted).chain(others).filter(|name| !name.is_empty())
}

/// The names of the config maps that a pod refers to; some may occur more than once.
/// k8s: pkg/api/v1/pod/util.go VisitPodConfigmapNames
pub(crate) fn config_maps(pod: &Value) -> impl Iterator<Item = &str> {
    let mounted = volumes(pod).iter().map(|volume| volume.text_at(&["configMap", "name"]));
    let others = named(pod, ["configMapRef", "configMapKeyRef", "configMap"]);
    mounted.chain(others).filter(|name| !name.is_empty())
}

/// The name of the claim of a volume: the one that it names, or the one that is made for it.
/// k8s: staging/src/k8s.io/component-helpers/storage/ephemeral/ephemeral.go VolumeClaimName
pub(crate) fn volume_claim(pod: &Value, volume: &Value) -> Option<String> {
    if let Some(claim) = set(volume, "persistentVolumeClaim") {
        return Some(claim.text_at(&["claimName"]).into()).filter(|name: &String| !name.is_empty());
    }
    set(volume, "ephemeral").map(|_| format!("{}-{}", object::name(pod), volume.text_at(&["name"])))
}

/// The names of the resource claims of a pod, as far as they are known.
/// k8s: staging/src/k8s.io/dynamic-resource-allocation/resourceclaim/claim.go Name
pub(crate) fn resource_claims(pod: &Value) -> impl Iterator<Item = &str> {
    let statuses = list(pod, &["status", "resourceClaimStatuses"]);
    let asked = list(pod, &["spec", "resourceClaims"]).iter().map(move |claim| {
        let direct = claim.text_at(&["resourceClaimName"]);
        if !direct.is_empty() || claim.text_at(&["resourceClaimTemplateName"]).is_empty() {
            return direct;
        }
        let name = claim.text_at(&["name"]);
        let made = statuses.iter().find(|status| status.text_at(&["name"]) == name);
        made.map_or("", |status| status.text_at(&["resourceClaimName"]))
    });
    let extended = pod.text_at(&["status", "extendedResourceClaimStatus", "resourceClaimName"]);
    asked.chain(core::iter::once(extended)).filter(|name| !name.is_empty())
}

/// Where a persistent volume names a secret that its node needs: the member of the source, the reference in it, and
/// whether a reference without a namespace means that of the claim.
const SECRETS_OF_PERSISTENT_VOLUMES: [(&str, &str, bool); 10] = [
    ("cephfs", "secretRef", true),
    ("cinder", "secretRef", false),
    ("flexVolume", "secretRef", true),
    ("rbd", "secretRef", true),
    ("scaleIO", "secretRef", true),
    ("iscsi", "secretRef", true),
    ("storageos", "secretRef", false),
    ("csi", "nodePublishSecretRef", false),
    ("csi", "nodeStageSecretRef", false),
    ("csi", "nodeExpandSecretRef", false),
];

/// Namespace and name of the secrets of a persistent volume that its node needs.
/// k8s: pkg/api/v1/persistentvolume/util.go VisitPVSecretNames
pub(crate) fn secrets_of_volume(volume: &Value) -> impl Iterator<Item = (&str, &str)> {
    let of_claim = volume.text_at(&["spec", "claimRef", "namespace"]);
    let place = move |given, is_by_claim| if is_by_claim && str::is_empty(given) { of_claim } else { given };
    let references =
        SECRETS_OF_PERSISTENT_VOLUMES.into_iter().map(move |(source, reference, is_by_claim)| {
            let namespace = volume.text_at(&["spec", source, reference, "namespace"]);
            (place(namespace, is_by_claim), volume.text_at(&["spec", source, reference, "name"]))
        });
    let azure = ["secretNamespace", "secretName"].map(|field| volume.text_at(&["spec", "azureFile", field]));
    let azure = (place(azure[0], true), azure[1]);
    core::iter::once(azure).chain(references).filter(|(_, name)| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json;
    use alloc::vec::Vec;

    fn parsed(text: &str) -> Value {
        json::parse(text.as_bytes()).expect("JSON").value
    }

    #[test]
    fn a_pod_refers_to_objects_of_many_fields() {
        let pod = parsed(
            r#"{"metadata":{"name":"p"},"spec":{"imagePullSecrets":[{"name":"pull"},{"name":""}],
                "initContainers":[{"envFrom":[{"secretRef":{"name":"init"}},{"configMapRef":{"name":"map"}}]}],
                "containers":[{"env":[{"valueFrom":{"secretKeyRef":{"name":"key"}}},
                    {"valueFrom":{"configMapKeyRef":{"name":"entry"}}}]}],
                "ephemeralContainers":[{"envFrom":[{"secretRef":{"name":"debug"}}]}],
                "volumes":[{"name":"a","secret":{"secretName":"mounted"}},{"name":"b","configMap":{"name":"file"}},
                    {"name":"c","projected":{"sources":[{"secret":{"name":"part"}},{"configMap":{"name":"piece"}}]}},
                    {"name":"d","persistentVolumeClaim":{"claimName":"claim"}},{"name":"e","ephemeral":{}},
                    {"name":"f","csi":{"nodePublishSecretRef":{"name":"driver"}}}],
                "resourceClaims":[{"name":"g","resourceClaimName":"given"},
                    {"name":"t","resourceClaimTemplateName":"template"},
                    {"name":"u","resourceClaimTemplateName":"template"}]},
                "status":{"resourceClaimStatuses":[{"name":"t","resourceClaimName":"made"},{"name":"u"}],
                    "extendedResourceClaimStatus":{"resourceClaimName":"extended"}}}"#,
        );
        let sorted = |names: &mut dyn Iterator<Item = &str>| {
            let mut names: Vec<String> = names.map(String::from).collect();
            names.sort();
            names.join(" ")
        };
        assert_eq!(sorted(&mut secrets(&pod)), "debug driver init key mounted part pull");
        assert_eq!(sorted(&mut config_maps(&pod)), "entry file map piece");
        assert_eq!(sorted(&mut resource_claims(&pod)), "extended given made");
        let claims: Vec<String> =
            volumes(&pod).iter().filter_map(|volume| volume_claim(&pod, volume)).collect();
        assert_eq!(claims, ["claim", "p-e"]);
    }

    #[test]
    fn a_volume_refers_to_secrets_beside_its_claim_or_where_it_says() {
        let cases = [
            (r#"{"azureFile":{"secretName":"s"}}"#, "n/s"),
            (r#"{"azureFile":{"secretName":"s","secretNamespace":"m"}}"#, "m/s"),
            (r#"{"cephfs":{"secretRef":{"name":"s"}}}"#, "n/s"),
            (r#"{"iscsi":{"secretRef":{"name":"s","namespace":"m"}}}"#, "m/s"),
            (r#"{"csi":{"nodeStageSecretRef":{"name":"s","namespace":"m"}}}"#, "m/s"),
            (r#"{"csi":{"controllerPublishSecretRef":{"name":"s","namespace":"m"}}}"#, ""),
        ];
        for (source, expected) in cases {
            let mut volume = parsed(&alloc::format!(r#"{{"spec":{source}}}"#));
            volume.set_at(&["spec", "claimRef", "namespace"], "n".into());
            let found: Vec<String> = secrets_of_volume(&volume)
                .map(|(namespace, name)| alloc::format!("{namespace}/{name}"))
                .collect();
            assert_eq!(found.join(" "), expected, "{source}");
        }
    }
}
