//! The objects of a run: pods of about 5.5 KB, spread over namespaces, nodes and labels.

/// Pods that share a namespace, a node or a label.
pub(super) const NAMESPACES: usize = 100;
pub(super) const NODES: usize = 100;
pub(super) const LABELS: usize = 50;

/// Bytes of a pod as it is sent back, about.
pub(super) const POD_BYTES: usize = 5500;
/// Bytes that the server's defaults and its own metadata add to what is posted, about.
const ADDED_BYTES: usize = 650;

pub(super) fn namespace(index: usize) -> String {
    format!("bench-{:03}", index % NAMESPACES)
}

pub(super) fn node(index: usize) -> String {
    format!("node-{:03}", index % NODES)
}

/// The value of the label `app`.
pub(super) fn label(index: usize) -> String {
    format!("app-{:02}", index % LABELS)
}

pub(super) fn collection_path(index: usize) -> String {
    format!("/api/v1/namespaces/{}/pods", namespace(index))
}

pub(super) fn path(index: usize) -> String {
    format!("{}/{}", collection_path(index), name(index))
}

fn name(index: usize) -> String {
    format!("workload-{:05}-7d4b9c6f5d-x{:04x}", index, index % 0xffff)
}

pub(super) fn namespace_json(index: usize) -> String {
    format!(r#"{{"apiVersion":"v1","kind":"Namespace","metadata":{{"name":"{}"}}}}"#, namespace(index))
}

/// A pod as a controller would post it, filled up to the size with an annotation. A pod that is to be smaller than
/// the usual one has fewer variables and one container.
pub(super) fn json(index: usize, pod_bytes: usize) -> String {
    let unfilled = with_filling(index, "", pod_bytes);
    let missing = pod_bytes.saturating_sub(unfilled.len() + ADDED_BYTES);
    let filling: String = "configuration-checksum ".chars().cycle().take(missing).collect();
    with_filling(index, &filling, pod_bytes)
}

/// A status as a kubelet would patch it; different for each turn.
pub(super) fn status_json(index: usize, turn: usize) -> String {
    let (octet_2, octet_3) = (index / 250 % 250, index % 250);
    format!(
        r#"{{"status":{{"phase":"Running","podIP":"10.{turn}.{octet_2}.{octet_3}","startTime":"2026-01-01T00:00:00Z","conditions":[{{"type":"Initialized","status":"True","lastTransitionTime":"2026-01-01T00:00:{seconds:02}Z"}},{{"type":"Ready","status":"True","lastTransitionTime":"2026-01-01T00:00:{seconds:02}Z"}}]}}}}"#,
        turn = turn % 250,
        seconds = turn % 60,
    )
}

fn with_filling(index: usize, filling: &str, pod_bytes: usize) -> String {
    let metadata = format!(
        r#""metadata":{{"name":"{}","namespace":"{}","labels":{{"app":"{}","app.kubernetes.io/component":"backend","app.kubernetes.io/managed-by":"bench","pod-template-hash":"7d4b9c6f5d","tier":"tier-{}"}},"annotations":{{"example.com/filling":"{filling}","prometheus.io/port":"9090","prometheus.io/scrape":"true"}},"ownerReferences":[{{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"workload-7d4b9c6f5d","uid":"6f2f2f2c-9f6b-4a1c-8a53-2f5d8b1f0c11","controller":true,"blockOwnerDeletion":true}}]}}"#,
        name(index),
        namespace(index),
        label(index),
        index % 4,
    );
    let containers: Vec<String> = match pod_bytes < POD_BYTES {
        true => vec![r#"{"name":"main","image":"registry.example.com/team/main:v1.2.3"}"#.into()],
        false => ["main", "proxy"].into_iter().map(container).collect(),
    };
    format!(
        r#"{{"apiVersion":"v1","kind":"Pod",{metadata},"spec":{{"nodeName":"{}","serviceAccountName":"default","restartPolicy":"Always","terminationGracePeriodSeconds":30,"priority":0,"nodeSelector":{{"kubernetes.io/os":"linux"}},"tolerations":[{{"key":"node.kubernetes.io/not-ready","operator":"Exists","effect":"NoExecute","tolerationSeconds":300}},{{"key":"node.kubernetes.io/unreachable","operator":"Exists","effect":"NoExecute","tolerationSeconds":300}}],"volumes":[{{"name":"config","configMap":{{"name":"workload-config"}}}},{{"name":"scratch","emptyDir":{{}}}}],"containers":[{}]}}}}"#,
        node(index),
        containers.join(","),
    )
}

fn container(name: &str) -> String {
    let variables: Vec<String> = (0..8)
        .map(|number| format!(r#"{{"name":"SETTING_{number}","value":"value-{number}-of-{name}"}}"#))
        .collect();
    let probe = r#"{"httpGet":{"path":"/healthz","port":8080,"scheme":"HTTP"},"periodSeconds":10,"timeoutSeconds":2,"failureThreshold":3}"#;
    format!(
        r#"{{"name":"{name}","image":"registry.example.com/team/{name}:v1.2.3","args":["--listen=:8080","--verbose=2"],"ports":[{{"name":"http","containerPort":8080,"protocol":"TCP"}}],"env":[{}],"resources":{{"limits":{{"cpu":"500m","memory":"256Mi"}},"requests":{{"cpu":"100m","memory":"128Mi"}}}},"volumeMounts":[{{"name":"config","mountPath":"/etc/config","readOnly":true}},{{"name":"scratch","mountPath":"/tmp/scratch"}}],"livenessProbe":{probe},"readinessProbe":{probe},"securityContext":{{"allowPrivilegeEscalation":false,"readOnlyRootFilesystem":true,"runAsNonRoot":true}}}}"#,
        variables.join(","),
    )
}
