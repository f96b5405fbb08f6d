//! The defaults of pod specs, wherever one stands: in pods and in the templates of workloads.
//! k8s: pkg/apis/core/v1/defaults.go

use super::super::fill::{Default, Fill, each, fill, round_amounts, set_unset};
use super::super::resource_names::is_huge_pages;
use super::validation::aggregate;
use crate::kinds::validation::Located;
use crate::value::image::Reference;
use crate::value::{Map, Value};

const SPEC: &[Default] = &[
    (&[], "dnsPolicy", Fill::Text("ClusterFirst")),
    (&[], "restartPolicy", Fill::Text("Always")),
    (&[], "schedulerName", Fill::Text("default-scheduler")),
    (&[], "securityContext", Fill::Object),
    (&[], "terminationGracePeriodSeconds", Fill::Int(30)),
];

const CONTAINER: &[Default] = &[
    (&[], "terminationMessagePath", Fill::Text("/dev/termination-log")),
    (&[], "terminationMessagePolicy", Fill::Text("File")),
    (&["ports", "*"], "protocol", Fill::Text("TCP")),
    (&["env", "*", "valueFrom", "fieldRef"], "apiVersion", Fill::Text("v1")),
    (&["env", "*", "valueFrom", "fileKeyRef"], "optional", Fill::Bool(false)),
    (&["lifecycle", "postStart", "httpGet"], "path", Fill::Text("/")),
    (&["lifecycle", "postStart", "httpGet"], "scheme", Fill::Text("HTTP")),
    (&["lifecycle", "preStop", "httpGet"], "path", Fill::Text("/")),
    (&["lifecycle", "preStop", "httpGet"], "scheme", Fill::Text("HTTP")),
];

const PROBES: &[&str] = &["livenessProbe", "readinessProbe", "startupProbe"];

const PROBE: &[Default] = &[
    (&[], "timeoutSeconds", Fill::IntForZero(1)),
    (&[], "periodSeconds", Fill::IntForZero(10)),
    (&[], "successThreshold", Fill::IntForZero(1)),
    (&[], "failureThreshold", Fill::IntForZero(3)),
    (&["httpGet"], "path", Fill::Text("/")),
    (&["httpGet"], "scheme", Fill::Text("HTTP")),
];

const VOLUME: &[Default] = &[
    (&["secret"], "defaultMode", Fill::Int(420)),
    (&["configMap"], "defaultMode", Fill::Int(420)),
    (&["downwardAPI"], "defaultMode", Fill::Int(420)),
    (&["downwardAPI", "items", "*", "fieldRef"], "apiVersion", Fill::Text("v1")),
    (&["projected"], "defaultMode", Fill::Int(420)),
    (&["projected", "sources", "*", "serviceAccountToken"], "expirationSeconds", Fill::Int(3600)),
    (&["projected", "sources", "*", "downwardAPI", "items", "*", "fieldRef"], "apiVersion", Fill::Text("v1")),
    (&["hostPath"], "type", Fill::Text("")),
    (&["ephemeral", "volumeClaimTemplate", "spec"], "volumeMode", Fill::TextOfPointer("Filesystem")),
];

/// The lists of containers in a pod spec.
const CONTAINER_LISTS: &[&str] = &["initContainers", "containers", "ephemeralContainers"];

/// Fills in a pod template: the object that holds `metadata` and `spec`.
pub(in super::super) fn default_template(template: &mut Value) {
    each(template, &["spec"], &mut default_spec);
}

/// Fills in a pod spec.
pub(in super::super) fn default_spec(spec: &mut Value) {
    fill(spec, SPEC);
    mirror_service_account(spec);
    for list in CONTAINER_LISTS {
        each(spec, &[list, "*"], &mut default_container);
    }
    each(spec, &["volumes", "*"], &mut default_volume);
}

/// `serviceAccount` is the old name of `serviceAccountName`; both are shown, the new one wins.
/// k8s: pkg/apis/core/v1/conversion.go
pub(in super::super) fn mirror_service_account(spec: &mut Value) {
    let name = match spec.text_at(&["serviceAccountName"]) {
        "" => spec.text_at(&["serviceAccount"]),
        name => name,
    };
    if !name.is_empty() {
        let name = Value::str(name);
        spec.set("serviceAccountName", name.clone());
        spec.set("serviceAccount", name);
    } else if spec.as_map().is_some() {
        spec.remove_at(&["serviceAccount"]);
    }
}

fn default_container(container: &mut Value) {
    fill(container, CONTAINER);
    round_amounts(container, &[&["resources", "limits"], &["resources", "requests"]]);
    let policy = default_pull_policy(container.text_at(&["image"]));
    set_unset(container, "imagePullPolicy", Fill::Text(policy));
    for probe in PROBES {
        each(container, &[probe], &mut |probe| fill(probe, PROBE));
    }
}

fn default_volume(volume: &mut Value) {
    let sources = volume.as_map().map_or(0, |map| map.iter().filter(|(key, _)| *key != "name").count());
    if sources == 0 {
        set_unset(volume, "emptyDir", Fill::Object);
    }
    fill(volume, VOLUME);
    let policy = default_pull_policy(volume.text_at(&["image", "reference"]));
    each(volume, &["image"], &mut |image| set_unset(image, "pullPolicy", Fill::Text(policy)));
}

/// `Always` for the tag `latest`, said or implied; an image by digest cannot change. What is no reference
/// has no tag.
fn default_pull_policy(image: &str) -> &'static str {
    let latest = Reference::parse(image).is_some_and(|reference| reference.effective_tag() == "latest");
    if latest { "Always" } else { "IfNotPresent" }
}

/// The one address that old clients know, and the list whose first it is. Of two that differ the old one is meant.
/// k8s: pkg/apis/core/v1/conversion.go Convert_v1_PodStatus_To_core_PodStatus
fn mirror_address(status: &mut Value) {
    let first = |status: &Value| {
        let list = status.field("podIPs").and_then(Value::as_list).unwrap_or_default();
        list.first().map(|address| Value::str(address.text_at(&["ip"])))
    };
    let single = status.text_at(&["podIP"]);
    if single.is_empty() {
        if let Some(first) = first(status) {
            status.set("podIP", first);
        }
    } else if first(status).as_ref().and_then(Value::as_str) != Some(single) {
        let mut address = Map::new();
        address.insert("ip", Value::str(single));
        status.set("podIPs", Value::list(alloc::vec![address.into()]));
    }
}

/// What pods get and templates do not.
pub(in super::super) fn default_pod(pod: &mut Value) {
    each(pod, &["status"], &mut mirror_address);
    each(pod, &["spec", "terminationGracePeriodSeconds"], &mut |seconds| {
        // k8s: pkg/apis/core/v1/conversion.go
        if seconds.as_int().is_some_and(|seconds| seconds < 0) {
            *seconds = Value::Int(1);
        }
    });
    each(pod, &["spec"], &mut |spec| {
        default_spec(spec);
        set_unset(spec, "enableServiceLinks", Fill::Bool(true));
        if spec.field("hostNetwork").and_then(Value::as_bool) == Some(true) {
            for list in ["initContainers", "containers"] {
                each(spec, &[list, "*", "ports", "*"], &mut default_host_port);
            }
        }
        for list in ["initContainers", "containers"] {
            each(spec, &[list, "*", "resources"], &mut default_requests);
        }
        default_pod_requests(spec);
    });
}

fn default_host_port(port: &mut Value) {
    if let Some(number) = port.field("containerPort").and_then(Value::as_int) {
        set_unset(port, "hostPort", Fill::IntForZero(number));
    }
}

/// Requests default to limits, resource by resource.
fn default_requests(resources: &mut Value) {
    let limits = resources.field("limits").and_then(Value::as_map).cloned().unwrap_or_default();
    for (name, limit) in limits.iter() {
        if resources.at(&["requests", name]).is_none() {
            resources.set_at(&["requests", name], limit.clone());
        }
    }
}

/// The same for the resources of the pod as a whole, where they are given in part: what its containers ask for
/// together, and else the limit. Limits of huge pages come from the containers too.
fn default_pod_requests(spec: &mut Value) {
    let has = |spec: &Value, kind: &str| {
        spec.at(&["resources", kind]).and_then(Value::as_map).is_some_and(|amounts| !amounts.is_empty())
    };
    let is_given = |spec: &Value, kind: &str, name: &str| spec.at(&["resources", kind, name]).is_some();
    if has(spec, "limits") || has(spec, "requests") {
        for (name, limit) in aggregate(&Located::root(spec), "limits") {
            if is_huge_pages(&name) && !is_given(spec, "requests", &name) && !is_given(spec, "limits", &name)
            {
                spec.set_at(&["resources", "limits", &name], Value::Str(limit.canonical()));
            }
        }
    }
    if !has(spec, "limits") {
        return;
    }
    for (name, request) in aggregate(&Located::root(spec), "requests") {
        if matches!(name.as_str(), "cpu" | "memory") && !is_given(spec, "requests", &name) {
            spec.set_at(&["resources", "requests", &name], Value::Str(request.canonical()));
        }
    }
    let limits = spec.at(&["resources", "limits"]).and_then(Value::as_map).cloned().unwrap_or_default();
    for (name, limit) in limits.iter() {
        let is_supported = matches!(name.as_str(), "cpu" | "memory") || is_huge_pages(name);
        if is_supported && !is_given(spec, "requests", name) {
            spec.set_at(&["resources", "requests", name], limit.clone());
        }
    }
}

/// The containers and init containers of a spec.
pub(super) fn containers(spec: &Value) -> impl Iterator<Item = &Value> {
    ["initContainers", "containers"]
        .into_iter()
        .flat_map(|list| spec.field(list).and_then(Value::as_list).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json;

    const DIGESTED: &str = "x@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    const TAGGED_AND_DIGESTED: &str =
        "x:latest@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn the_tag_decides_the_pull_policy() {
        let cases = [
            ("nginx", "Always"),
            ("nginx:1.25", "IfNotPresent"),
            ("x:latest", "Always"),
            ("reg:5000/x", "Always"),
            ("reg:5000/x:1", "IfNotPresent"),
            ("x@sha256:00", "IfNotPresent"),
            ("", "IfNotPresent"),
            ("Nginx", "IfNotPresent"),
            ("Nginx:latest", "IfNotPresent"),
            ("x:latest@sha256:00", "IfNotPresent"),
            ("[::1]:5000/x", "Always"),
            (DIGESTED, "IfNotPresent"),
            (TAGGED_AND_DIGESTED, "Always"),
        ];
        for (image, policy) in cases {
            assert_eq!(default_pull_policy(image), policy, "{image}");
        }
    }

    #[test]
    fn the_address_is_the_first_of_the_list() {
        let table = [
            (r#"{"podIP":"a"}"#, r#"{"podIP":"a","podIPs":[{"ip":"a"}]}"#),
            (r#"{"podIPs":[{"ip":"a"},{"ip":"b"}]}"#, r#"{"podIP":"a","podIPs":[{"ip":"a"},{"ip":"b"}]}"#),
            (r#"{"podIP":"b","podIPs":[{"ip":"a"}]}"#, r#"{"podIP":"b","podIPs":[{"ip":"b"}]}"#),
            (
                r#"{"podIP":"a","podIPs":[{"ip":"a"},{"ip":"b"}]}"#,
                r#"{"podIP":"a","podIPs":[{"ip":"a"},{"ip":"b"}]}"#,
            ),
            (r#"{"podIPs":[]}"#, r#"{"podIPs":[]}"#),
            ("{}", "{}"),
        ];
        for (given, expected) in table {
            let mut status = json::parse(given.as_bytes()).expect("JSON").value;
            mirror_address(&mut status);
            assert_eq!(json::to_string(&status), expected);
        }
    }

    #[test]
    fn a_pod_gets_what_the_kubelet_needs() {
        let text = br#"{"spec":{"hostNetwork":true,"containers":[{"name":"c","image":"x:1",
            "ports":[{"containerPort":80}],"livenessProbe":{"httpGet":{"port":80}}}],
            "volumes":[{"name":"v"}]}}"#;
        let mut pod = json::parse(text).expect("JSON").value;
        default_pod(&mut pod);
        let wanted =
            r#"{"spec":{"containers":[{"image":"x:1","imagePullPolicy":"IfNotPresent","livenessProbe":{"#;
        let got = json::to_string(&pod);
        assert!(got.starts_with(wanted), "{got}");
        assert!(got.contains(r#""ports":[{"containerPort":80,"hostPort":80,"protocol":"TCP"}]"#), "{got}");
        assert!(got.contains(r#""volumes":[{"emptyDir":{},"name":"v"}]"#), "{got}");
    }
}
