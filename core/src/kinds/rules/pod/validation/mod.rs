//! The rules of pods and of pod templates, a file for each subject.
//!
//! Other kinds use what is public here: workloads their templates (`validate_pod_template_spec`), and whoever has
//! tolerations, node selectors, resource requirements or volume sources the pieces for those.
//! k8s: pkg/apis/core/validation/validation.go

mod affinity;
mod container;
mod container_lists;
mod context;
mod environment;
mod ephemeral_containers;
mod handlers;
mod metadata;
mod mounts;
mod naming;
mod node_selector;
mod operating_system;
mod paths;
mod pod_resources;
mod ports;
mod profiles;
mod projected;
mod resources;
mod restart;
mod security;
mod selectors;
mod spec;
mod sysctls;
mod template;
mod tolerations;
mod topology_spread;
pub(in crate::kinds::rules) mod volume_sources;
mod volumes;
mod windows;
mod words;

pub(super) use context::{MIRROR, PodContext};
pub(super) use metadata::validate_annotation_updates;
pub(in crate::kinds::rules) use node_selector::{has_invalid_label_values, validate_node_selector};
pub(super) use pod_resources::aggregate;
pub(super) use profiles::validate_app_armor;
pub(in crate::kinds::rules) use resources::validate_resource_requirements;
pub(super) use spec::{validate_metadata_and_spec, validate_pod_create};
pub(in crate::kinds::rules) use template::validate_pod_template_spec;
pub(in crate::kinds::rules) use tolerations::validate_tolerations;
pub(in crate::kinds::rules) use words::validate_dns_subdomain;
pub(super) use words::{validate_dns_label, validate_id};

#[cfg(test)]
mod tests {
    use super::{PodContext, validate_pod_create};
    use crate::codec::json;
    use crate::kinds::facts::given::{InMemory, with_facts};
    use crate::kinds::rules::pod::defaults::default_pod;
    use crate::kinds::validation::{Errors, Located};
    use crate::value::Value;
    use alloc::format;
    use alloc::string::{String, ToString};

    fn parsed(text: &str) -> Value {
        json::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{}: {text}", error.0)).value
    }

    /// What is wrong with a pod of one container with these other members of its spec.
    fn problems(members: &str) -> String {
        let mut pod = parsed(
            r#"{"metadata":{"name":"p","namespace":"n"},"spec":{"containers":[{"name":"c","image":"i"}],
            "serviceAccountName":"default"}}"#,
        );
        for (name, value) in parsed(&format!("{{{members}}}")).as_map().expect("members").iter() {
            pod.set_at(&["spec", name], value.clone());
        }
        default_pod(&mut pod);
        let mut errors = Errors::new();
        with_facts(&InMemory::default(), |facts| {
            validate_pod_create(&Located::root(&pod), PodContext::of_pod(&pod, facts), &mut errors);
        });
        if errors.is_empty() { String::new() } else { errors.summary() }
    }

    /// Checks a table; an expectation without text is that nothing is wrong.
    fn check(table: &[(&str, &str)]) {
        for (members, expected) in table {
            assert_eq!(problems(members), expected.to_string(), "{members}");
        }
    }

    fn check_containers(table: &[(&str, &str)]) {
        for (members, expected) in table {
            let members = format!(r#""containers":[{{"name":"c","image":"i",{members}}}]"#);
            assert_eq!(problems(&members), expected.to_string(), "{members}");
        }
    }

    #[test]
    fn specs_are_checked() {
        check(&[
            ("", ""),
            (r#""activeDeadlineSeconds":1"#, ""),
            (r#""activeDeadlineSeconds":2147483647"#, ""),
            (
                r#""activeDeadlineSeconds":0"#,
                "spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive",
            ),
            (
                r#""activeDeadlineSeconds":2147483648"#,
                "spec.activeDeadlineSeconds: Invalid value: 2147483648: must be between 1 and 2147483647, inclusive",
            ),
            (
                r#""restartPolicy":"x""#,
                r#"spec.restartPolicy: Unsupported value: "x": supported values: "Always", "OnFailure", "Never""#,
            ),
            (
                r#""dnsPolicy":"None""#,
                "spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None",
            ),
            (
                r#""dnsPolicy":"None","dnsConfig":{"nameservers":[]}"#,
                "spec.dnsConfig.nameservers: Required value: must provide at least one DNS nameserver when `dnsPolicy` \
             is None",
            ),
            (r#""dnsConfig":{"nameservers":["1.1.1.1","1.1.1.2","::1"],"searches":["_a.b","."]}"#, ""),
            (
                r#""dnsConfig":{"nameservers":["1.1.1.1","1.1.1.2","::1","::2"]}"#,
                r#"spec.dnsConfig.nameservers: Invalid value: ["1.1.1.1","1.1.1.2","::1","::2"]: must not have more than 3 nameservers"#,
            ),
            (
                r#""hostAliases":[{"ip":"1.1.1.01"}]"#,
                r#"spec.hostAliases[0].ip: Invalid value: "1.1.1.01": must not have leading 0s"#,
            ),
            (
                r#""schedulingGates":[{"name":"a"},{"name":"a"}]"#,
                r#"spec.schedulingGates[1]: Duplicate value: "a""#,
            ),
            (
                r#""schedulingGates":[{"name":"a"}],"nodeName":"n""#,
                "spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared",
            ),
            (
                r#""os":{"name":"x"}"#,
                r#"spec.os: Unsupported value: "x": supported values: "linux", "windows""#,
            ),
            (r#""os":{"name":""}"#, "spec.os.name: Required value"),
            (
                r#""os":{"name":"windows"},"hostPID":true,"securityContext":{"runAsUser":1}"#,
                "[spec.hostPID: Forbidden: cannot be set for a windows pod, \
             spec.securityContext.runAsUser: Forbidden: cannot be set for a windows pod]",
            ),
            (
                r#""hostUsers":false,"hostNetwork":true,"hostIPC":true"#,
                "[spec.hostNetwork: Forbidden: when `hostUsers` is false, \
             spec.HostIPC: Forbidden: when `hostUsers` is false]",
            ),
            (
                r#""hostnameOverride":"a","setHostnameAsFQDN":true"#,
                "spec.hostnameOverride: Forbidden: may not be specified when setHostnameAsFQDN is true",
            ),
            (
                r#""preemptionPolicy":"x""#,
                r#"spec.preemptionPolicy: Unsupported value: "x": supported values: "PreemptLowerPriority", "Never""#,
            ),
        ]);
    }

    #[test]
    fn containers_are_checked() {
        check_containers(&[
            (r#""ports":[{"containerPort":1},{"containerPort":65535}]"#, ""),
            (r#""ports":[{}]"#, "spec.containers[0].ports[0].containerPort: Required value"),
            (
                r#""ports":[{"containerPort":65536,"name":"Http"}]"#,
                "[spec.containers[0].ports[0].name: Invalid value: \"Http\": must contain only alpha-numeric \
             characters (a-z, 0-9), and hyphens (-), spec.containers[0].ports[0].containerPort: Invalid value: \
             65536: must be between 1 and 65535, inclusive]",
            ),
            (
                r#""ports":[{"containerPort":1,"hostPort":2},{"containerPort":3,"hostPort":2}]"#,
                r#"spec.containers[0].ports[1].hostPort: Duplicate value: "TCP//2""#,
            ),
            (r#""env":[{"name":"a b"}]"#, ""),
            (
                r#""env":[{"name":"a","valueFrom":{}}]"#,
                "spec.containers[0].env[0].valueFrom: Invalid value: \"\": must specify one of: `fieldRef`, \
             `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`",
            ),
            (
                r#""env":[{"name":"a","valueFrom":{"fieldRef":{"fieldPath":"spec.nope"}}}]"#,
                r#"spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Invalid value: "spec.nope": error converting fieldPath: field label not supported: spec.nope"#,
            ),
            (
                r#""env":[{"name":"a","valueFrom":{"fieldRef":{"fieldPath":"status.phase"}}}]"#,
                r#"spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Unsupported value: "status.phase": supported values: "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs""#,
            ),
            (r#""env":[{"name":"a","valueFrom":{"fieldRef":{"fieldPath":"metadata.labels['x']"}}}]"#, ""),
            (
                r#""env":[{"name":"a","valueFrom":{"resourceFieldRef":{"resource":"limits.cpu","divisor":"2"}}}]"#,
                r#"spec.containers[0].env[0].valueFrom.resourceFieldRef.divisor: Invalid value: "limits.cpu": only divisor's values 1m and 1 are supported with the cpu resource"#,
            ),
            (
                r#""volumeMounts":[{"name":"v","mountPath":"/a"}]"#,
                r#"spec.containers[0].volumeMounts[0].name: Not found: "v""#,
            ),
            (
                r#""livenessProbe":{"exec":{"command":["x"]},"tcpSocket":{"port":0},"successThreshold":2}"#,
                "[spec.containers[0].livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type, \
             spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1]",
            ),
            (r#""lifecycle":{"preStop":{"sleep":{"seconds":30}}}"#, ""),
            (
                r#""lifecycle":{"preStop":{"sleep":{"seconds":31}}}"#,
                "spec.containers[0].lifecycle.preStop.sleep: Invalid value: 31: must be non-negative and less than \
             terminationGracePeriodSeconds (30)",
            ),
            (
                r#""restartPolicyRules":[{"action":"Restart","exitCodes":{"operator":"In","values":[1]}}]"#,
                "spec.containers[0].restartPolicy: Required value: must specify restartPolicy when restart rules are \
             used",
            ),
        ]);
    }

    #[test]
    fn amounts_are_checked() {
        check_containers(&[
            (
                r#""resources":{"limits":{"cpu":"1","hugepages-2Mi":"4Mi"},"requests":{"hugepages-2Mi":"4Mi"}}"#,
                "",
            ),
            (
                r#""resources":{"limits":{"cpu":"1","hugepages-2Mi":"3Mi"}}"#,
                "[spec.containers[0].resources.limits[hugepages-2Mi]: Invalid value: \"3Mi\": 3Mi is not positive \
             integer multiple of hugepages-2Mi, spec.containers[0].resources.requests[hugepages-2Mi]: Invalid \
             value: \"3Mi\": 3Mi is not positive integer multiple of hugepages-2Mi]",
            ),
            (
                r#""resources":{"limits":{"cpu":"1"},"requests":{"cpu":"1001m"}}"#,
                r#"spec.containers[0].resources.requests: Invalid value: "1001m": must be less than or equal to cpu limit of 1"#,
            ),
            (
                r#""resources":{"requests":{"example.com/gpu":"1"}}"#,
                "spec.containers[0].resources.limits: Required value: Limit must be set for non overcommitable \
             resources",
            ),
            (
                r#""resources":{"limits":{"example.com/gpu":"1500m"}}"#,
                "[spec.containers[0].resources.limits[example.com/gpu]: Invalid value: \"1500m\": must be an integer, \
             spec.containers[0].resources.requests[example.com/gpu]: Invalid value: \"1500m\": must be an integer]",
            ),
            (
                r#""resources":{"requests":{"cpu":"-1"}}"#,
                "spec.containers[0].resources.requests[cpu]: Invalid value: \"-1\": must be greater than or equal to 0",
            ),
            (
                r#""resources":{"claims":[{"name":"x"}]}"#,
                r#"spec.containers[0].resources.claims[0]: Not found: "x": must be one of the names in pod.spec.resourceClaims which is empty"#,
            ),
        ]);
        check(&[
            (r#""resources":{"requests":{"cpu":"1"}}"#, ""),
            (
                r#""resources":{"requests":{"storage":"1"}}"#,
                r#"spec.resources.requests[storage]: Unsupported value: "storage": supported values: "cpu", "hugepages-", "memory""#,
            ),
            (
                r#""resources":{"requests":{"cpu":"1"}},"containers":[
                {"name":"c","image":"i","resources":{"requests":{"cpu":"1"}}},
                {"name":"d","image":"i","resources":{"requests":{"cpu":"1m"}}}]"#,
                r#"spec.resources.requests[cpu]: Invalid value: "1": must be greater than or equal to aggregate container requests of 1001m"#,
            ),
        ]);
    }

    #[test]
    fn volumes_are_checked() {
        check(&[
            (r#""volumes":[{"name":"a"}]"#, ""),
            (r#""volumes":[{"name":"a"},{"name":"a"}]"#, r#"spec.volumes[1].name: Duplicate value: "a""#),
            (
                r#""volumes":[{"name":"a","emptyDir":{},"cephfs":{"monitors":["x"]}}]"#,
                "spec.volumes[0].cephFS: Forbidden: may not specify more than 1 volume type",
            ),
            (
                r#""volumes":[{"name":"a","hostPath":{"path":"/a/../b","type":"x"}}]"#,
                r#"[spec.volumes[0].hostPath.path: Invalid value: "/a/../b": must not contain '..', spec.volumes[0].hostPath.type: Unsupported value: "x": supported values: "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"]"#,
            ),
            (r#""volumes":[{"name":"a","secret":{"secretName":"s","defaultMode":511}}]"#, ""),
            (
                r#""volumes":[{"name":"a","secret":{"secretName":"s","defaultMode":512}}]"#,
                "spec.volumes[0].secret.defaultMode: Invalid value: 512: must be a number between 0 and 0777 (octal), \
             both inclusive",
            ),
            (
                r#""volumes":[{"name":"a","gcePersistentDisk":{"pdName":"","partition":256}}]"#,
                "[spec.volumes[0].persistentDisk.pdName: Required value, spec.volumes[0].persistentDisk.partition: \
             Invalid value: 256: must be between 1 and 255, inclusive]",
            ),
            (
                r#""volumes":[{"name":"a","projected":{"sources":[{"serviceAccountToken":{"path":"t","expirationSeconds":600}}]}}]"#,
                "",
            ),
            (
                r#""volumes":[{"name":"a","projected":{"sources":[{"serviceAccountToken":{"path":"t","expirationSeconds":599}}]}}]"#,
                "spec.volumes[0].projected.sources[0].serviceAccountToken.expirationSeconds: Invalid value: 599: may \
             not specify a duration less than 10 minutes",
            ),
            (
                r#""volumes":[{"name":"a","iscsi":{"targetPortal":"p","iqn":"iqn.2001-04.com.example:storage","lun":255}}]"#,
                "",
            ),
            (
                r#""volumes":[{"name":"a","iscsi":{"targetPortal":"p","iqn":"iqn.2001-04.com.example","lun":256}}]"#,
                "[spec.volumes[0].iscsi.iqn: Invalid value: \"iqn.2001-04.com.example\": must be valid format, \
             spec.volumes[0].iscsi.lun: Invalid value: 256: must be between 0 and 255, inclusive]",
            ),
        ]);
    }

    #[test]
    fn places_are_checked() {
        check(&[
            (
                r#""tolerations":[{"key":"a","operator":"Gt","value":"1"}]"#,
                r#"spec.tolerations[0].operator: Unsupported value: "Gt": supported values: "Equal", "Exists", "Lt", "Gt""#,
            ),
            (
                r#""tolerations":[{"effect":"NoSchedule","tolerationSeconds":1,"operator":"Exists"}]"#,
                "spec.tolerations[0].effect: Invalid value: \"NoSchedule\": effect must be 'NoExecute' when \
             `tolerationSeconds` is set",
            ),
            (
                r#""topologySpreadConstraints":[{"maxSkew":0,"topologyKey":"k","whenUnsatisfiable":"ScheduleAnyway","minDomains":1}]"#,
                "[spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero, \
             spec.topologySpreadConstraints[0].minDomains: Invalid value: 1: can only use minDomains if \
             whenUnsatisfiable=DoNotSchedule, not ScheduleAnyway]",
            ),
            (
                r#""affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[]}}}"#,
                "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms: \
             Required value: must have at least one node selector term",
            ),
            (
                r#""affinity":{"nodeAffinity":{"preferredDuringSchedulingIgnoredDuringExecution":[{"weight":101,"preference":{}}]}}"#,
                "spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight: Invalid value: \
             101: must be in the range 1-100",
            ),
            (
                r#""affinity":{"podAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":[{"topologyKey":"a","matchLabelKeys":["b"]}]}}"#,
                "spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].matchLabelKeys: \
             Forbidden: must not be specified when labelSelector is not set",
            ),
        ]);
    }

    #[test]
    fn security_is_checked() {
        check(&[
            (r#""securityContext":{"sysctls":[{"name":"net.core.somaxconn","value":"1"}]}"#, ""),
            (
                r#""hostNetwork":true,"securityContext":{"sysctls":[{"name":"net/core/somaxconn","value":"1"}]}"#,
                "spec.securityContext.sysctls[0].name: Invalid value: \"net/core/somaxconn\": may not be specified \
             when 'hostNetwork' is true",
            ),
            (
                r#""securityContext":{"seLinuxChangePolicy":"MountOption"}"#,
                r#"spec.securityContext.seLinuxChangePolicy: Unsupported value: "MountOption": supported values: "Recursive""#,
            ),
            (
                r#""securityContext":{"seccompProfile":{"type":"Localhost","localhostProfile":"/a"}}"#,
                "spec.securityContext.seccompProfile.localhostProfile: Invalid value: \"/a\": must be a relative path",
            ),
            (r#""securityContext":{"windowsOptions":{"runAsUserName":"A\\B"}}"#, ""),
            (
                r#""securityContext":{"windowsOptions":{"runAsUserName":"A\\B\\C"}}"#,
                r#"spec.securityContext.windowsOptions.runAsUserName: Invalid value: "A\\B\\C": runAsUserName cannot contain more than one backslash"#,
            ),
            (r#""securityContext":{"fsGroup":2147483647}"#, ""),
            (
                r#""securityContext":{"fsGroup":2147483648}"#,
                "spec.securityContext.fsGroup: Invalid value: 2147483648: must be between 0 and 2147483647, inclusive",
            ),
        ]);
    }
}
