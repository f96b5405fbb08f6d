//! Rows of small objects of many kinds.

extern crate std;

use super::*;
use crate::codec::json;
use crate::kinds::table::ROWS;
use crate::value::Map;
use proptest::prelude::*;
use std::string::{String, ToString};

/// 2026-01-02T03:04:05Z.
const NOW: Wall = Wall::from_seconds(1_767_323_045);

fn parsed(text: &str) -> Value {
    json::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error:?} in {text}")).value
}

/// An object with a name and an age of 90 minutes, and these members.
fn object(members: &str) -> Value {
    let mut object = parsed(members);
    object.set_at(&["metadata", "name"], "x".into());
    object.set_at(&["metadata", "creationTimestamp"], "2026-01-02T01:34:05Z".into());
    object
}

/// The cells as words between bars.
fn row(columns: &Columns, object: &Value) -> String {
    let cells = (columns.cells)(object, NOW);
    let words = cells.iter().map(|cell| match cell.as_str() {
        Some(text) => text.to_string(),
        None => String::from_utf8(json::to_vec(cell)).expect("JSON is text"),
    });
    words.collect::<Vec<String>>().join("|")
}

fn check(columns: &Columns, table: &[(&str, &str)]) {
    for (members, expected) in table {
        assert_eq!(row(columns, &object(members)), *expected, "{members}");
    }
}

/// Name, readiness, status and restarts of a pod with a spec and a status.
fn check_pods(table: &[(&str, &str, &str)]) {
    for (spec, status, expected) in table {
        let pod = object(&alloc::format!(r#"{{"spec":{{{spec}}},"status":{{{status}}}}}"#));
        let expected = alloc::format!("x|{expected}|90m|<none>|<none>|<none>|<none>");
        assert_eq!(row(&POD, &pod), expected, "{spec} {status}");
    }
}

const TWO: &str = r#""containers":[{"name":"a"},{"name":"b"}]"#;
const SIDECAR: &str =
    r#""containers":[{"name":"a"}],"initContainers":[{"name":"s","restartPolicy":"Always"},{"name":"i"}]"#;

#[test]
fn a_pods_status_follows_its_containers() {
    check_pods(&[
        (TWO, r#""phase":"Pending""#, "0/2|Pending|0"),
        (TWO, r#""phase":"Failed","reason":"Evicted""#, "0/2|Evicted|0"),
        (
            TWO,
            r#""phase":"Pending","conditions":[
                {"type":"PodScheduled","status":"False","reason":"SchedulingGated"}]"#,
            "0/2|SchedulingGated|0",
        ),
        (
            TWO,
            r#""phase":"Running","containerStatuses":[
                {"name":"a","ready":true,"restartCount":1,"state":{"running":{}}},
                {"name":"b","ready":false,"restartCount":3,"state":{"waiting":{"reason":"CrashLoopBackOff"}},
                 "lastState":{"terminated":{"exitCode":1,"finishedAt":"2026-01-02T02:59:05Z"}}}]"#,
            "1/2|CrashLoopBackOff|4 (5m ago)",
        ),
        (
            TWO,
            r#""phase":"Running","containerStatuses":[
                {"name":"a","ready":true,"restartCount":0,"state":{"running":{}}},
                {"name":"b","ready":false,"restartCount":0,
                 "state":{"terminated":{"exitCode":0,"reason":"Completed"}}}]"#,
            "1/2|NotReady|0",
        ),
        (
            TWO,
            r#""phase":"Running","conditions":[{"type":"Ready","status":"True"}],"containerStatuses":[
                {"name":"a","ready":true,"restartCount":0,"state":{"running":{}}},
                {"name":"b","ready":false,"restartCount":0,
                 "state":{"terminated":{"exitCode":0,"reason":"Completed"}}}]"#,
            "1/2|Running|0",
        ),
        (
            TWO,
            r#""phase":"Failed","containerStatuses":[
                {"name":"a","restartCount":0,"state":{"terminated":{"exitCode":137,"signal":9}}}]"#,
            "0/2|Signal:9|0",
        ),
    ]);
}

#[test]
fn a_pod_waits_for_its_init_containers() {
    check_pods(&[
        (
            SIDECAR,
            r#""phase":"Pending","initContainerStatuses":[
                {"name":"s","ready":true,"started":true,"restartCount":2,"state":{"running":{}}},
                {"name":"i","restartCount":1,"state":{"running":{}}}]"#,
            "1/2|Init:1/2|3",
        ),
        (
            SIDECAR,
            r#""phase":"Pending","initContainerStatuses":[
                {"name":"s","started":false,"restartCount":0,
                 "state":{"waiting":{"reason":"PodInitializing"}}}]"#,
            "0/2|Init:0/2|0",
        ),
        (
            SIDECAR,
            r#""phase":"Pending","initContainerStatuses":[
                {"name":"s","restartCount":0,"state":{"waiting":{"reason":"ErrImagePull"}}}]"#,
            "0/2|Init:ErrImagePull|0",
        ),
        (
            SIDECAR,
            r#""phase":"Pending","initContainerStatuses":[
                {"name":"s","started":true,"restartCount":0,"state":{"running":{}}},
                {"name":"i","restartCount":0,"state":{"terminated":{"exitCode":3}}}]"#,
            "0/2|Init:ExitCode:3|0",
        ),
        // The restarts of init containers count until the pod runs, those of sidecars also then.
        (
            SIDECAR,
            r#""phase":"Running","initContainerStatuses":[
                {"name":"s","ready":true,"started":true,"restartCount":2,"state":{"running":{}}},
                {"name":"i","restartCount":5,"state":{"terminated":{"exitCode":0}}}],
               "containerStatuses":[{"name":"a","ready":true,"restartCount":1,"state":{"running":{}}}]"#,
            "2/2|Running|3",
        ),
    ]);
}

#[test]
fn a_deleted_pod_is_terminating_unless_it_has_finished() {
    for (status, expected) in [
        (r#"{"phase":"Running"}"#, "Terminating"),
        (r#"{"phase":"Succeeded"}"#, "Succeeded"),
        (r#"{"phase":"Running","reason":"NodeLost"}"#, "Unknown"),
    ] {
        let mut pod = object(&alloc::format!(r#"{{"status":{status}}}"#));
        pod.set_at(&["metadata", "deletionTimestamp"], "2026-01-02T03:04:00Z".into());
        assert_eq!((POD.cells)(&pod, NOW)[2], expected.into(), "{status}");
    }
    let over =
        |phase: &str| (POD.conditions)(&object(&alloc::format!(r#"{{"status":{{"phase":"{phase}"}}}}"#)));
    assert_eq!(over("Running"), Value::Null);
    assert_eq!(over("Failed").as_list().expect("a list")[0].text_at(&["message"]), "The pod failed.");
}

#[test]
fn wide_columns_of_pods() {
    check(
        &POD,
        &[(
            r#"{"spec":{"nodeName":"n","readinessGates":[{"conditionType":"A"},{"conditionType":"B"}]},
                "status":{"phase":"Running","podIPs":[{"ip":"10.0.0.1"}],"nominatedNodeName":"m",
                "conditions":[{"type":"A","status":"True"},{"type":"B","status":"False"}]}}"#,
            "x|0/0|Running|0|90m|10.0.0.1|n|m|1/2",
        )],
    );
}

#[test]
fn workloads() {
    check(
        &DEPLOYMENT,
        &[(
            r#"{"spec":{"replicas":3,"selector":{"matchLabels":{"a":"b"},"matchExpressions":[
                {"key":"t","operator":"In","values":["y","x"]},{"key":"u","operator":"DoesNotExist"}]},
                "template":{"spec":{"containers":[{"name":"c","image":"i:1"},{"name":"d","image":"j"}]}}},
                "status":{"readyReplicas":1,"updatedReplicas":2,"availableReplicas":1}}"#,
            "x|1/3|2|1|90m|c,d|i:1,j|a=b,t in (x,y),!u",
        )],
    );
    check(&DAEMON_SET, &[("{}", "x|0|0|0|0|0|<none>|90m|||<none>")]);
    check(
        &REPLICATION_CONTROLLER,
        &[(r#"{"spec":{"selector":{"b":"2","a":"1"}}}"#, "x|0|0|0|90m|||a=1,b=2")],
    );
    check(
        &POD_DISRUPTION_BUDGET,
        &[
            (r#"{"spec":{"minAvailable":2},"status":{"disruptionsAllowed":1}}"#, "x|2|N/A|1|90m"),
            (r#"{"spec":{"maxUnavailable":"10%"}}"#, "x|N/A|10%|0|90m"),
        ],
    );
    check(
        &CONTROLLER_REVISION,
        &[(
            r#"{"revision":4,"metadata":{"ownerReferences":[
                {"apiVersion":"v1","kind":"Node","name":"no"},
                {"apiVersion":"apps/v1","kind":"StatefulSet","name":"s","controller":true}]}}"#,
            "x|statefulset.apps/s|4|90m",
        )],
    );
}

#[test]
fn jobs() {
    check(
        &JOB,
        &[
            ("{}", "x|Running|0/1||90m|||<none>"),
            (
                r#"{"spec":{"parallelism":3},"status":{"succeeded":1,"startTime":"2026-01-02T03:03:05Z"}}"#,
                "x|Running|1/1 of 3|60s|90m|||<none>",
            ),
            (
                r#"{"spec":{"completions":2},"status":{"succeeded":2,"startTime":"2026-01-02T02:00:00Z",
                    "completionTime":"2026-01-02T02:05:30Z",
                    "conditions":[{"type":"Complete","status":"True"}]}}"#,
                "x|Complete|2/2|5m30s|90m|||<none>",
            ),
            (
                r#"{"status":{"conditions":[{"type":"Suspended","status":"True"}]}}"#,
                "x|Suspended|0/1||90m|||<none>",
            ),
        ],
    );
    check(
        &CRON_JOB,
        &[(
            r#"{"spec":{"schedule":"* * * * *","suspend":true,"timeZone":"Etc/UTC"},
                "status":{"active":[{},{}],"lastScheduleTime":"2026-01-02T03:02:00Z"}}"#,
            "x|* * * * *|Etc/UTC|True|2|2m5s|90m|||<none>",
        )],
    );
}

#[test]
fn services_and_endpoints() {
    check(
        &SERVICE,
        &[
            (
                r#"{"spec":{"type":"LoadBalancer","clusterIPs":["10.0.0.9","fd::9"],
                    "externalIPs":["192.0.2.7"],
                    "ports":[{"port":80,"nodePort":30001,"protocol":"TCP"},{"port":53,"protocol":"UDP"}]},
                    "status":{"loadBalancer":{"ingress":[{"hostname":"z.example"},{"ip":"192.0.2.1"}]}}}"#,
                "x|LoadBalancer|10.0.0.9|192.0.2.1,z.example,192.0.2.7|80:30001/TCP,53/UDP|90m|<none>",
            ),
            (r#"{"spec":{"type":"LoadBalancer"}}"#, "x|LoadBalancer|<none>|<pending>|<none>|90m|<none>"),
            (
                r#"{"spec":{"type":"ExternalName","externalName":"e.example"}}"#,
                "x|ExternalName|<none>|e.example|<none>|90m|<none>",
            ),
        ],
    );
    check(
        &ENDPOINTS,
        &[
            ("{}", "x|<none>|90m"),
            (
                r#"{"subsets":[{"addresses":[{"ip":"10.0.0.1"},{"ip":"fd::1"}],
                    "ports":[{"port":80},{"port":81}]},
                    {"addresses":[{"ip":"10.0.0.2"}]}]}"#,
                "x|10.0.0.1:80,[fd::1]:80,10.0.0.1:81 + 2 more...|90m",
            ),
        ],
    );
    check(
        &ENDPOINT_SLICE,
        &[
            (r#"{"addressType":"IPv4"}"#, "x|IPv4|<unset>|<unset>|90m"),
            (
                r#"{"addressType":"IPv4","ports":[{"name":"http"},{"port":9},{}],
                    "endpoints":[{"addresses":["10.0.0.1","10.0.0.2"]},
                    {"addresses":["10.0.0.3","10.0.0.4"]}]}"#,
                "x|IPv4|http,9,*|10.0.0.1,10.0.0.2,10.0.0.3 + 1 more...|90m",
            ),
        ],
    );
    check(
        &INGRESS,
        &[(
            r#"{"spec":{"tls":[{}],"rules":[{"host":"a"},{"host":"b"},{},{"host":"c"},{"host":"d"}]}}"#,
            "x|<none>|a,b,c + 2 more...||80, 443|90m",
        )],
    );
}

#[test]
fn nodes_and_storage() {
    check(
        &NODE,
        &[(
            r#"{"metadata":{"labels":{"node-role.kubernetes.io/worker":"","node-role.kubernetes.io/":"",
                "kubernetes.io/role":"control"}},"spec":{"unschedulable":true},
                "status":{"conditions":[{"type":"Ready","status":"Unknown"}],
                "addresses":[{"type":"ExternalIP","address":"192.0.2.3"}],
                "nodeInfo":{"kernelVersion":"6.1"}}}"#,
            "x|NotReady,SchedulingDisabled|control,worker|90m||<none>|192.0.2.3|<unknown>|6.1|<unknown>",
        )],
    );
    check(
        &PERSISTENT_VOLUME_CLAIM,
        &[
            (
                r#"{"spec":{"volumeName":"v","storageClassName":"s"},"status":{"phase":"Bound",
                    "accessModes":["ReadWriteMany","ReadWriteOnce"],"capacity":{"storage":"1024Mi"}}}"#,
                "x|Bound|v|1Gi|RWO,RWX|s|<unset>|90m|<unset>",
            ),
            (
                r#"{"metadata":{"deletionTimestamp":"2026-01-02T03:04:05Z"},"spec":{"volumeMode":"Block"}}"#,
                "x|Terminating|||||<unset>|90m|Block",
            ),
        ],
    );
    check(
        &PERSISTENT_VOLUME,
        &[(
            r#"{"spec":{"claimRef":{"namespace":"n","name":"c"},"volumeAttributesClassName":"gold"},
                "status":{"phase":"Bound"}}"#,
            "x|0|||Bound|n/c||gold||90m|<unset>",
        )],
    );
    check(
        &STORAGE_CLASS,
        &[(
            r#"{"metadata":{"annotations":{"storageclass.kubernetes.io/is-default-class":"true"}},
                "provisioner":"p"}"#,
            "x (default)|p|Delete|Immediate|false|90m",
        )],
    );
    check(
        &CSI_DRIVER,
        &[(
            r#"{"spec":{"tokenRequests":[{"audience":"a"},{"audience":"b"}],"attachRequired":false}}"#,
            "x|false|false|false|a,b|false|<none>|90m",
        )],
    );
}

#[test]
fn quotas_and_events() {
    check(
        &RESOURCE_QUOTA,
        &[(
            r#"{"status":{"hard":{"requests.cpu":"1","limits.cpu":"2000m","pods":"4"},"used":{"pods":"1"}}}"#,
            "x|pods: 1/4, requests.cpu: 0/1|limits.cpu: 0/2|90m",
        )],
    );
    check(
        &EVENT,
        &[
            (
                r#"{"type":"Normal","reason":"r","message":" m\n","eventTime":"2026-01-02T03:04:00.000000Z",
                    "involvedObject":{"kind":"Pod","name":"p"},"reportingComponent":"c",
                    "reportingInstance":"i"}"#,
                "5s|Normal|r|pod/p||c, i|m|5s|1|x",
            ),
            (
                r#"{"firstTimestamp":"2026-01-02T03:00:05Z","series":{"count":7,
                    "lastObservedTime":"2026-01-02T03:04:04.500000Z"},"source":{"component":"kubelet"}}"#,
                "0s|||||kubelet||4m|7|x",
            ),
            ("{}", "<unknown>|||||||<unknown>|1|x"),
        ],
    );
}

#[test]
fn autoscalers() {
    check(
        &HORIZONTAL_POD_AUTOSCALER,
        &[
            (
                r#"{"spec":{"scaleTargetRef":{"kind":"D","name":"d"},"maxReplicas":3}}"#,
                "x|D/d|<none>|<unset>|3|0|90m",
            ),
            (
                r#"{"spec":{"maxReplicas":3,"minReplicas":0,"metrics":[
                    {"type":"Resource","resource":{"name":"memory","target":{"averageValue":"2048Mi"}}},
                    {"type":"External","external":{"target":{"value":"3k"}}},
                    {"type":"Pods","pods":{"target":{"averageValue":"1"}}}]},
                    "status":{"currentMetrics":[{"resource":{"current":{"averageValue":"1Gi"}}},
                    {"external":{"current":{"value":"500m"}}}]}}"#,
                "x|/|memory: 1Gi/2Gi, 500m/3k + 1 more...|0|3|0|90m",
            ),
        ],
    );
}

#[test]
fn access_and_admission() {
    check(
        &ROLE_BINDING,
        &[(
            r#"{"roleRef":{"kind":"Role","name":"r"},"subjects":[{"kind":"User","name":"u"},
                {"kind":"User","name":"v"},{"kind":"ServiceAccount","namespace":"n","name":"s"}]}"#,
            "x|Role/r|90m|u, v||n/s",
        )],
    );
    check(
        &CERTIFICATE_SIGNING_REQUEST,
        &[(
            r#"{"spec":{"signerName":"e/s","username":"u","expirationSeconds":86400},
                "status":{"certificate":"QQ==",
                "conditions":[{"type":"Approved"},{"type":"Failed"}]}}"#,
            "x|90m|e/s|u|24h|Approved,Failed,Issued",
        )],
    );
    check(
        &API_SERVICE,
        &[
            ("{}", "x|Local|Unknown|90m"),
            (
                r#"{"spec":{"service":{"namespace":"n","name":"s"}},
                    "status":{"conditions":[{"type":"Available","status":"False","reason":"R"}]}}"#,
                "x|n/s|False (R)|90m",
            ),
        ],
    );
    check(
        &ADMISSION_POLICY_BINDING,
        &[
            (r#"{"spec":{"policyName":"p"}}"#, "x|p|<unset>|90m"),
            (r#"{"spec":{"policyName":"p","paramRef":{"name":"c"}}}"#, "x|p|*/c|90m"),
            (
                r#"{"spec":{"policyName":"p","paramRef":{"selector":{"matchLabels":{"a":"b"}}}}}"#,
                "x|p|&LabelSelector{MatchLabels:map[string]string{a: b,},\
                 MatchExpressions:[]LabelSelectorRequirement{},}|90m",
            ),
        ],
    );
    check(
        &RESOURCE_CLAIM,
        &[
            ("{}", "x|pending|90m"),
            (r#"{"status":{"allocation":{},"reservedFor":[{}]}}"#, "x|allocated,reserved|90m"),
        ],
    );
    check(
        &IP_ADDRESS,
        &[(
            r#"{"spec":{"parentRef":{"resource":"services","namespace":"n","name":"s"}}}"#,
            "x|services/n/s|90m",
        )],
    );
}

#[test]
fn flow_schemas_are_listed_in_matching_order() {
    let order = FLOW_SCHEMA.order.expect("an order of its own");
    let schema = |name: &str, precedence: i64| {
        let mut schema = Value::empty_map();
        schema.set_at(&["metadata", "name"], name.into());
        schema.set_at(&["spec", "matchingPrecedence"], precedence.into());
        schema
    };
    assert_eq!(order(&schema("a", 2), &schema("b", 1)), Ordering::Greater);
    assert_eq!(order(&schema("a", 1), &schema("b", 1)), Ordering::Less);
}

#[test]
fn every_row_has_a_cell_for_each_column() {
    for row in ROWS {
        let cells = (row.columns.cells)(&object("{}"), NOW);
        // Addresses have an age that is never shown.
        let surplus = usize::from(row.kind == "IPAddress");
        assert_eq!(cells.len(), row.columns.columns.len() + surplus, "{} of {}", row.kind, row.group);
        assert!(row.columns.columns.iter().all(|column| !column.description.is_empty()), "{}", row.kind);
    }
}

/// Names that some kind's cells look for.
const NAMES: &str = "(metadata|spec|status|template|containers|initContainers|containerStatuses|\
    initContainerStatuses|conditions|type|state|terminated|waiting|reason|restartCount|selector|matchLabels|\
    matchExpressions|ports|port|addresses|subsets|endpoints|rules|tls|metrics|currentMetrics|resource|target|\
    capacity|storage|hard|used|creationTimestamp|labels|ownerReferences|limited|series)";

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        "(True|Resource|External|1Gi|2026-01-02T03:04:05Z|.{0,8})".prop_map(Value::str),
    ];
    leaf.prop_recursive(6, 60, 6, |inner| {
        let members = proptest::collection::btree_map(NAMES, inner.clone(), 0..8);
        prop_oneof![
            proptest::collection::vec(inner, 0..4).prop_map(Value::list),
            members.prop_map(|map| Value::map(
                map.into_iter().map(|(key, value)| (key.into(), value)).collect::<Map>()
            )),
        ]
    })
}

proptest! {
    #[test]
    fn no_shape_of_an_object_panics(object in any_value(), now in any::<i64>()) {
        for row in ROWS {
            let cells = (row.columns.cells)(&object, Wall(now));
            prop_assert!(cells.len() >= row.columns.columns.len());
            let _ = (row.columns.conditions)(&object);
        }
    }
}
