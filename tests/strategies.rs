//! What the kinds' strategies take of a write: metadata and content through subresources, fields that never change,
//! options of deletions, numbers at their extremes, and the warnings of every kind.

use crate::battery::{collection, key, objects};
use crate::conditions::{JSON, MERGE, fetch, json, send, server};
use serde_json::{Value, json};
use steersman_core::kinds::{SubKind, Verb, table};
use steersman_sim::driver::{Driver, Reply};

const MAPS: &str = "/api/v1/namespaces/w/configmaps";
const PODS: &str = "/api/v1/namespaces/w/pods";
const STRATEGIC: &[(&str, &str)] = &[("content-type", "application/strategic-merge-patch+json")];

fn patch(driver: &mut Driver, target: &str, body: &Value) -> Reply {
    driver.call("PATCH", target, MERGE, body.to_string().as_bytes())
}

fn made(driver: &mut Driver, place: &str, object: &Value) -> Value {
    let reply = send(driver, "POST", place, object);
    assert_eq!(reply.status, 201, "{place}: {}", reply.text());
    json(&reply)
}

fn pod(name: &str, spec: &Value) -> Value {
    let containers = json!([{"name": "c", "image": "i"}]);
    let mut pod = json!({"metadata": {"name": name}, "spec": {"nodeName": "n", "containers": containers}});
    for (field, value) in spec.as_object().into_iter().flatten() {
        pod["spec"][field] = value.clone();
    }
    pod
}

/// What becomes of a change of metadata through a subresource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Taken,
    Left,
    Refused(u16),
}
use Fate::{Left, Refused, Taken};

/// The changes that are tried: a member of metadata and its new value.
fn changes() -> [(&'static str, Value); 8] {
    [
        ("labels", json!({"strategy": "new"})),
        ("annotations", json!({"strategy": "new"})),
        ("finalizers", json!(["example.com/strategy"])),
        ("ownerReferences", json!([{"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u"}])),
        ("deletionTimestamp", json!("2020-01-01T00:00:00Z")),
        ("deletionGracePeriodSeconds", json!(7)),
        ("uid", json!("other")),
        ("generation", json!(77)),
    ]
}

const FREE: [Fate; 8] = [Taken, Taken, Taken, Taken, Refused(422), Refused(422), Refused(422), Left];
const RESET: [Fate; 8] = [Left, Left, Left, Left, Left, Refused(422), Refused(422), Left];

/// The subresources that do not let a client change all of its own metadata: group, plural, subresource.
const GUARDED: &[(&str, &str, &str, [Fate; 8])] = &[
    // A PUT takes a uid for a precondition.
    (
        "",
        "namespaces",
        "finalize",
        [Taken, Taken, Taken, Taken, Refused(422), Refused(422), Refused(409), Left],
    ),
    ("", "pods", "ephemeralcontainers", RESET),
    ("", "pods", "resize", RESET),
    ("", "pods", "status", [Taken, Taken, Taken, Left, Left, Refused(422), Refused(422), Left]),
    ("admissionregistration.k8s.io", "validatingadmissionpolicies", "status", RESET),
    (
        "apiregistration.k8s.io",
        "apiservices",
        "status",
        [Left, Left, Left, Left, Refused(422), Refused(422), Refused(422), Left],
    ),
    (
        "apps",
        "deployments",
        "status",
        [Left, Taken, Taken, Taken, Refused(422), Refused(422), Refused(422), Left],
    ),
    ("flowcontrol.apiserver.k8s.io", "flowschemas", "status", [Left; 8]),
    ("flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations", "status", [Left; 8]),
    ("networking.k8s.io", "servicecidrs", "status", RESET),
    ("resource.k8s.io", "resourceclaims", "status", RESET),
    ("storage.k8s.io", "volumeattachments", "status", RESET),
];

#[test]
fn subresources_change_the_metadata_that_upstreams_do() {
    let objects = objects();
    let mut tried = 0;
    for row in table::ROWS.iter().filter(|row| !row.prefix.is_empty() && !row.internal) {
        for sub in row.subs.iter().filter(|sub| matches!(sub.action, SubKind::Status | SubKind::Window)) {
            let mut driver = server("w");
            let place = collection(row, "w");
            let object = made(&mut driver, &place, &objects[&key(row)]);
            let at =
                format!("{place}/{}/{}", object["metadata"]["name"].as_str().unwrap_or_default(), sub.name);
            let guarded = GUARDED.iter().find(|(group, plural, name, _)| {
                (*group, *plural, *name) == (row.group, row.plural, sub.name)
            });
            let fates = guarded.map_or(FREE, |(_, _, _, fates)| *fates);
            for ((field, value), expected) in changes().into_iter().zip(fates) {
                let at = format!("{at}?dryRun=All");
                let reply = if sub.verbs.contains(&Verb::Patch) {
                    patch(&mut driver, &at, &json!({"metadata": {field: value}}))
                } else {
                    let mut whole = object.clone();
                    whole["metadata"][field] = value.clone();
                    send(&mut driver, "PUT", &at, &whole)
                };
                let fate = if reply.status == 200 {
                    let after = json(&reply)["metadata"].clone();
                    let labelled = matches!(field, "labels" | "annotations");
                    let taken = if labelled {
                        after[field]["strategy"] == json!("new")
                    } else {
                        after[field] == value
                    };
                    assert_eq!(
                        after["generation"], object["metadata"]["generation"],
                        "{at} {field}: generation"
                    );
                    if taken { Taken } else { Left }
                } else {
                    Refused(reply.status)
                };
                assert_eq!(fate, expected, "{at} {field}: {}", reply.text());
                tried += 1;
            }
        }
    }
    assert!(tried >= 8 * 30, "only {tried} changes were tried");
}

#[test]
fn status_writes_leave_the_rest_and_other_writes_the_status() {
    let objects = objects();
    for row in table::ROWS.iter().filter(|row| row.subs.iter().any(|sub| sub.action == SubKind::Status)) {
        let mut driver = server("w");
        let place = collection(row, "w");
        let object = made(&mut driver, &place, &objects[&key(row)]);
        let at = format!("{place}/{}", object["metadata"]["name"].as_str().unwrap_or_default());
        let mut changed = object.clone();
        let members: Vec<String> =
            object.as_object().into_iter().flat_map(|map| map.keys().cloned()).collect();
        for member in members
            .iter()
            .filter(|member| !matches!(member.as_str(), "apiVersion" | "kind" | "metadata" | "status"))
        {
            changed[member.as_str()] = json!({});
        }
        let reply = send(&mut driver, "PUT", &format!("{at}/status"), &changed);
        assert_eq!(reply.status, 200, "{at}: {}", reply.text());
        let after = json(&fetch(&mut driver, &at));
        for member in members.iter().filter(|member| !matches!(member.as_str(), "metadata" | "status")) {
            assert_eq!(after[member.as_str()], object[member.as_str()], "{at}: {member}");
        }
    }
}

#[test]
fn resize_and_ephemeral_containers_change_only_their_fields() {
    let mut driver = server("w");
    let limits = |cpu: &str| {
        let amounts = json!({"cpu": cpu, "memory": "1Gi"});
        json!({"limits": amounts, "requests": amounts})
    };
    let mut one = pod("one", &json!({}));
    one["spec"]["containers"][0]["resources"] = limits("1");
    // Whether a pod can be resized depends on its node.
    made(&mut driver, "/api/v1/nodes", &json!({"metadata": {"name": "n"}}));
    let room = json!({"status": {"allocatable": {"cpu": "8", "memory": "8Gi"}}});
    driver.call("PATCH", "/api/v1/nodes/n/status", STRATEGIC, room.to_string().as_bytes());
    made(&mut driver, PODS, &one);
    let image = |pod: &Value| pod["spec"]["containers"][0]["image"].clone();
    let container = |body: Value| json!({"spec": {"containers": [body]}});
    // The body of a patch, and what it is answered: nothing, or the refusal's message.
    let steps = [
        ("resize", container(json!({"name": "c", "image": "other", "resources": limits("2")})), ""),
        (
            "resize",
            container(json!({"name": "d", "image": "other"})),
            "Pod \"one\" is invalid: [spec: Invalid value: \"Guaranteed\": Pod QOS Class may not change as a result of \
             resizing, spec.containers: Forbidden: containers may not be added or removed on resize]",
        ),
        (
            "resize",
            container(json!({"name": "c", "resources": {"requests": {"cpu": "1"}}})),
            "Pod \"one\" is invalid: spec: Invalid value: \"Guaranteed\": Pod QOS Class may not change as a result of \
             resizing",
        ),
        (
            "ephemeralcontainers",
            json!({
                "spec": {"priority": 5, "ephemeralContainers": [{"name": "e", "image": "x"}]},
                "status": {"phase": "Failed"},
            }),
            "",
        ),
        (
            "ephemeralcontainers",
            json!({"spec": {"ephemeralContainers": [{"name": "e", "$patch": "delete"}]}}),
            "Pod \"one\" is invalid: spec.ephemeralContainers: Forbidden: existing ephemeral containers \"e\" may \
             not be removed\n",
        ),
    ];
    for (sub, body, message) in steps {
        let target = format!("{PODS}/one/{sub}");
        let reply = driver.call("PATCH", &target, STRATEGIC, body.to_string().as_bytes());
        let answer = json(&reply);
        if message.is_empty() {
            assert_eq!(reply.status, 200, "{sub} {body}: {}", reply.text());
        } else {
            assert_eq!((reply.status, answer["message"].as_str()), (422, Some(message)), "{sub} {body}");
        }
        let after = json(&fetch(&mut driver, &format!("{PODS}/one")));
        assert_eq!(image(&after), json!("i"), "{sub} {body}");
        assert_eq!(after["status"]["phase"], json!("Pending"), "{sub} {body}");
        assert_eq!(after["spec"]["containers"][0]["resources"], limits("2"), "{sub} {body}");
    }
    let after = json(&fetch(&mut driver, &format!("{PODS}/one")));
    assert_eq!(after["spec"]["ephemeralContainers"][0]["name"], json!("e"));
    assert_eq!(after["metadata"]["generation"], json!(3));
}

#[test]
fn certificate_requests_record_their_requester() {
    const REQUESTS: &str = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
    let mut driver = server("");
    let mut request = objects()["certificates.k8s.io/v1/certificatesigningrequests"].clone();
    for (field, value) in [
        ("username", json!("evil")),
        ("uid", json!("evil")),
        ("groups", json!(["system:masters"])),
        ("extra", json!({"evil": ["yes"]})),
    ] {
        request["spec"][field] = value;
    }
    let name = request["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let signed = |object: &Value| {
        assert_eq!(object["spec"]["username"], json!("system:anonymous"));
        assert_eq!(object["spec"]["groups"], json!(["system:unauthenticated"]));
        assert_eq!((object["spec"].get("uid"), object["spec"].get("extra")), (None, None));
    };
    signed(&made(&mut driver, REQUESTS, &request));
    let at = format!("{REQUESTS}/{name}");
    let evil = json!({"spec": {"username": "evil", "uid": "u", "groups": ["g"], "extra": {"e": ["e"]}}});
    for part in ["", "/status", "/approval"] {
        let reply = patch(&mut driver, &format!("{at}{part}"), &evil);
        assert_eq!(reply.status, 200, "{part}: {}", reply.text());
        signed(&json(&fetch(&mut driver, &at)));
    }
    // Whoever may write the status may not approve, and nobody takes a decision back.
    let approved = json!({"status": {"conditions": [{"type": "Approved", "status": "True", "reason": "r"}]}});
    let reply = patch(&mut driver, &format!("{at}/status"), &approved);
    let message = json(&reply)["message"].as_str().unwrap_or_default().to_owned();
    assert_eq!(reply.status, 422);
    assert!(
        message
            .ends_with("status.conditions: Forbidden: updates may not add a condition of type \"Approved\""),
        "{message}"
    );
    let reply = patch(&mut driver, &format!("{at}/approval"), &approved);
    assert_eq!(reply.status, 200, "{}", reply.text());
    let condition = json(&reply)["status"]["conditions"][0].clone();
    assert!(
        condition["lastUpdateTime"].is_string() && condition["lastTransitionTime"].is_string(),
        "{condition}"
    );
    let reply = patch(&mut driver, &format!("{at}/approval"), &json!({"status": {"conditions": []}}));
    assert_eq!(reply.status, 422, "{}", reply.text());
}

#[test]
fn immutable_fields_are_refused_or_kept() {
    let immutable =
        |field: &str, shown: &str| format!("metadata.{field}: Invalid value: {shown}: field is immutable");
    let time = "2026-01-01T00:00:00Z";
    let mut driver = server("w");
    made(&mut driver, MAPS, &json!({"metadata": {"name": "m"}}));
    made(&mut driver, MAPS, &json!({"metadata": {"name": "gone", "finalizers": ["a/b"]}}));
    assert_eq!(driver.call("DELETE", &format!("{MAPS}/gone"), JSON, b"").status, 200);
    // An object, what is changed of its metadata, the status, and the end of the message.
    let table: Vec<(&str, Value, u16, String)> = vec![
        (
            "m",
            json!({"deletionTimestamp": time}),
            422,
            immutable("deletionTimestamp", &format!("\"{time}\"")),
        ),
        ("m", json!({"deletionGracePeriodSeconds": 5}), 422, immutable("deletionGracePeriodSeconds", "5")),
        ("m", json!({"uid": "zzz"}), 422, immutable("uid", "\"zzz\"")),
        (
            "m",
            json!({"uid": null, "creationTimestamp": time, "generation": 7, "selfLink": "x"}),
            200,
            String::new(),
        ),
        ("m", json!({"namespace": "other"}), 400, "does not match the namespace sent on the request".into()),
        (
            "m",
            json!({"resourceVersion": "1"}),
            409,
            "the object has been modified; please apply your changes to the latest version and try again"
                .into(),
        ),
        ("m", json!({"resourceVersion": "0"}), 200, String::new()),
        (
            "m",
            json!({"resourceVersion": "abc"}),
            500,
            "strconv.ParseUint: parsing \"abc\": invalid syntax".into(),
        ),
        ("gone", json!({"deletionTimestamp": time}), 200, String::new()),
        ("gone", json!({"deletionTimestamp": null, "deletionGracePeriodSeconds": null}), 200, String::new()),
        ("gone", json!({"deletionGracePeriodSeconds": 5}), 422, immutable("deletionGracePeriodSeconds", "5")),
    ];
    for (name, metadata, status, message) in table {
        let at = format!("{MAPS}/{name}");
        let before = json(&fetch(&mut driver, &at));
        let reply = patch(&mut driver, &at, &json!({"metadata": metadata}));
        assert_eq!(reply.status, status, "{name} {metadata}: {}", reply.text());
        let said = json(&reply)["message"].as_str().unwrap_or_default().to_owned();
        assert!(said.ends_with(&message), "{name} {metadata}: {said}");
        // Who asks for a field that cannot change is written down as its manager, as by kube-apiserver.
        let changes_managers = name == "gone" && status == 200;
        let without = |mut object: Value| {
            for field in ["managedFields", "resourceVersion"].iter().filter(|_| changes_managers) {
                object["metadata"].as_object_mut().expect("metadata").remove(*field);
            }
            object
        };
        assert_eq!(without(json(&fetch(&mut driver, &at))), without(before), "{name} {metadata}");
    }
    for (field, value) in [("deletionTimestamp", json!(time)), ("deletionGracePeriodSeconds", json!(5))] {
        let reply =
            send(&mut driver, "PUT", &format!("{MAPS}/m"), &json!({"metadata": {"name": "m", field: value}}));
        assert_eq!(reply.status, 422, "{field}: {}", reply.text());
    }
}

#[test]
fn deletions_honour_their_options() {
    let uid = |name: &str, held: &str| {
        format!(
            "Operation cannot be fulfilled on ConfigMap \"{name}\": the UID in the precondition (wrong) does not \
             match the UID in record ({held}). The object might have been deleted and then recreated"
        )
    };
    const OPTIONS: &str = "DeleteOptions.meta.k8s.io \"\" is invalid: ";
    const SUPPORTED: &str = "supported values: \"Foreground\", \"Background\", \"Orphan\", \"nil\"";
    const SCHEME: &str = "k8s.io/apimachinery/pkg/apis/meta/internalversion/scheme/register.go:27";
    let mut driver = server("w");
    let place = made(&mut driver, "/api/v1/namespaces", &json!({"metadata": {"name": "place"}}));
    // The query, the body, the status, and the message; {uid} stands for the object's own.
    let table: Vec<(&str, &str, u16, String)> = vec![
        ("uid=wrong", "", 409, uid("m", "{uid}")),
        ("uid=wrong&dryRun=All", "", 409, uid("m", "{uid}")),
        ("uid={uid}&uid=wrong", "", 200, String::new()),
        ("uid=&resourceVersion=", "", 200, String::new()),
        ("uid=wrong", "{}", 200, String::new()),
        ("dryRun=All", "{}", 200, "gone".into()),
        ("dryRun=All", "", 200, "there".into()),
        ("gracePeriodSeconds=abc", "", 400, "strconv.ParseInt: parsing \"abc\": invalid syntax".into()),
        ("propagationPolicy=", "", 422, format!("{OPTIONS}propagationPolicy: Unsupported value: \"\": {SUPPORTED}")),
        ("dryRun=", "", 422, format!("{OPTIONS}dryRun: Unsupported value: [\"\"]: supported values: \"All\"")),
        (
            "",
            r#"{"kind":"DeleteOptions","apiVersion":"apps/v1","preconditions":{"uid":"wrong"}}"#,
            409,
            uid("m", "{uid}"),
        ),
        ("", r#"{"kind":"DeleteOptions","apiVersion":"nope/v7"}"#, 200, "gone".into()),
        (
            "",
            r#"{"kind":"Pod","apiVersion":"v1"}"#,
            400,
            format!("no kind \"Pod\" is registered for version \"v1\" in scheme \"{SCHEME}\""),
        ),
        (
            "",
            r#"{"kind":"Status","apiVersion":"v1"}"#,
            400,
            "converting (v1.Status) to (v1.DeleteOptions): unknown conversion".into(),
        ),
        (
            "",
            r#"{"gracePeriodSeconds":"x"}"#,
            400,
            "json: cannot unmarshal string into Go struct field DeleteOptions.gracePeriodSeconds of type int64".into(),
        ),
        ("", "{", 400, "couldn't get version/kind; json parse error: unexpected end of JSON input".into()),
    ];
    for (query, body, status, message) in table {
        driver.call("DELETE", &format!("{MAPS}/m"), JSON, b"");
        let object = made(&mut driver, MAPS, &json!({"metadata": {"name": "m"}}));
        let own = object["metadata"]["uid"].as_str().unwrap_or_default();
        let target = format!("{MAPS}/m?{}", query.replace("{uid}", own));
        let reply = driver.call("DELETE", &target, JSON, body.as_bytes());
        assert_eq!(reply.status, status, "{query} {body}: {}", reply.text());
        if status != 200 {
            let said = json(&reply)["message"].as_str().unwrap_or_default().to_owned();
            assert_eq!(said, message.replace("{uid}", own), "{query} {body}");
        }
        let there = fetch(&mut driver, &format!("{MAPS}/m")).status == 200;
        assert_eq!(there, status != 200 || message == "there", "{query} {body}");
    }
    let version = json(&fetch(&mut driver, &format!("{MAPS}/m")))["metadata"]["resourceVersion"].clone();
    let reply =
        driver.call("DELETE", &format!("{MAPS}?uid=wrong&fieldSelector=metadata.name%3Dm"), JSON, b"");
    assert_eq!(reply.status, 409, "{}", reply.text());
    let reply = driver.call("DELETE", &format!("{MAPS}/m?resourceVersion=1"), JSON, b"");
    assert_eq!(reply.status, 409, "{}", reply.text());
    let target = format!("{MAPS}/m?resourceVersion={}", version.as_str().unwrap_or_default());
    assert_eq!(driver.call("DELETE", &target, JSON, b"").status, 200);

    let reply = driver.call("DELETE", "/api/v1/namespaces/place?uid=wrong", JSON, b"");
    let message = format!(
        "Operation cannot be fulfilled on namespaces \"place\": Precondition failed: UID in precondition: wrong, UID \
         in object meta: {}",
        place["metadata"]["uid"].as_str().unwrap_or_default()
    );
    assert_eq!((reply.status, json(&reply)["message"].as_str()), (409, Some(&*message)));

    // The old `orphanDependents: false` is answered with the object as long as it is not removed.
    made(&mut driver, MAPS, &json!({"metadata": {"name": "held", "finalizers": ["a/b"]}}));
    for expected in [202, 202] {
        let reply = driver.call("DELETE", &format!("{MAPS}/held?orphanDependents=false"), JSON, b"");
        assert_eq!(reply.status, expected, "{}", reply.text());
    }
    assert_eq!(driver.call("DELETE", &format!("{MAPS}/held"), JSON, b"").status, 200);
}

#[test]
fn a_new_object_has_no_resource_version_of_its_own() {
    const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/w/leases";
    const REFUSED: &str = "resourceVersion should not be set on objects to be created";
    let mut driver = server("w");
    // Method and target, the resource version that is sent, the status, and the version or message of the answer.
    let table = [
        ("POST", format!("{MAPS}?dryRun=All"), "5", 201, "5"),
        ("POST", MAPS.to_owned(), "5", 500, REFUSED),
        ("POST", format!("{MAPS}?dryRun=All"), "abc", 201, "abc"),
        ("POST", MAPS.to_owned(), "abc", 201, ""),
        ("POST", MAPS.to_owned(), "5", 500, REFUSED),
        ("PUT", format!("{LEASES}/x?dryRun=All"), "5", 201, "5"),
        ("PUT", format!("{LEASES}/x"), "abc", 500, "strconv.ParseUint: parsing \"abc\": invalid syntax"),
        ("PUT", format!("{LEASES}/x"), "5", 201, ""),
    ];
    for (method, target, sent, status, expected) in table {
        let body = json!({"metadata": {"name": "x", "resourceVersion": sent}});
        let reply = send(&mut driver, method, &target, &body);
        assert_eq!(reply.status, status, "{method} {target} {sent}: {}", reply.text());
        let answer = json(&reply);
        let said = if status == 201 { &answer["metadata"]["resourceVersion"] } else { &answer["message"] };
        assert!(expected.is_empty() || said == expected, "{method} {target} {sent}: {said}");
    }
    let body = json!({"metadata": {"name": "x", "resourceVersion": "5", "labels": {"a b": "c"}}});
    assert_eq!(send(&mut driver, "POST", MAPS, &body).status, 422);
    let reply =
        send(&mut driver, "PUT", &format!("{LEASES}/y"), &json!({"metadata": {"name": "y", "uid": "u"}}));
    let message = "Operation cannot be fulfilled on leases.coordination.k8s.io \"y\": StorageError: invalid object, \
                   Code: 4, Key: /registry/leases/w/y, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: \
                   UID in precondition: u, UID in object meta: ";
    assert_eq!((reply.status, json(&reply)["message"].as_str()), (409, Some(message)));
}

#[test]
fn times_stay_readable_whatever_a_client_adds() {
    let mut driver = server("w");
    let extremes =
        [i64::MAX, i64::MAX - 1, 300_000_000_000, 9_223_372_037, 9_223_372_036, 30, 1, 0, -1, i64::MIN];
    for first in extremes {
        for second in extremes.into_iter().map(Some).chain([None]) {
            made(&mut driver, PODS, &pod("p", &json!({"terminationGracePeriodSeconds": first})));
            let query = second.map_or(String::new(), |asked| format!("?gracePeriodSeconds={asked}"));
            for query in
                [query.as_str(), "?gracePeriodSeconds=100", "?gracePeriodSeconds=9223372036854775806", ""]
            {
                let reply = driver.call("DELETE", &format!("{PODS}/p{query}"), JSON, b"");
                assert!(matches!(reply.status, 200 | 404), "{first} {query}: {}", reply.text());
                if fetch(&mut driver, &format!("{PODS}/p")).status == 404 {
                    break;
                }
                let after = json(&patch(
                    &mut driver,
                    &format!("{PODS}/p/status"),
                    &json!({"status": {"message": "m"}}),
                ));
                let time = after["metadata"]["deletionTimestamp"].as_str().unwrap_or_default();
                assert_eq!(time.len(), "2026-01-01T00:00:00Z".len(), "{first} {query}: {after}");
            }
            driver.call("DELETE", &format!("{PODS}/p?gracePeriodSeconds=0"), JSON, b"");
        }
    }
    let object = json!({"metadata": {"name": "g", "generation": i64::MAX, "finalizers": ["a/b"]}});
    made(&mut driver, MAPS, &object);
    let reply = driver.call("DELETE", &format!("{MAPS}/g"), JSON, b"");
    assert_eq!(json(&reply)["metadata"]["generation"], json!(i64::MAX), "{}", reply.text());
    let reply = patch(&mut driver, &format!("{MAPS}/g"), &json!({"metadata": {"labels": {"a": "b"}}}));
    assert_eq!(reply.status, 200, "{}", reply.text());
}

#[test]
fn a_grace_period_can_be_shortened_but_not_lengthened() {
    let mut driver = server("w");
    made(&mut driver, PODS, &pod("p", &json!({})));
    // What is asked for, and the grace that is left then; a grace that ran out while nobody looked is one second.
    for (asked, left) in [("100", 100), ("200", 100), ("50", 50), ("-7", 1)] {
        let reply = driver.call("DELETE", &format!("{PODS}/p?gracePeriodSeconds={asked}"), JSON, b"");
        assert_eq!(reply.status, 200, "{asked}: {}", reply.text());
        assert_eq!(json(&reply)["metadata"]["deletionGracePeriodSeconds"], json!(left), "{asked}");
    }
    assert_eq!(driver.call("DELETE", &format!("{PODS}/p?gracePeriodSeconds=0"), JSON, b"").status, 200);
    assert_eq!(fetch(&mut driver, &format!("{PODS}/p")).status, 404);
}

/// Requests as kube-apiserver answered them, one after the other: method, target, body, status, warnings.
#[test]
fn every_kind_warns_as_upstreams_does() {
    let steps: Vec<Value> =
        serde_json::from_str(include_str!("data/strategy_warnings.json")).expect("the data is JSON");
    let mut driver = server("w");
    let mut wrong = Vec::new();
    for step in &steps {
        let text = |field: &str| step[field].as_str().unwrap_or_default();
        let headers = if text("method") == "PATCH" { MERGE } else { JSON };
        let reply = driver.call(text("method"), text("target"), headers, step["body"].to_string().as_bytes());
        let expected: Vec<String> = serde_json::from_value(step["warnings"].clone()).expect("texts");
        let sent = reply.headers.iter().filter(|(name, _)| name == "warning");
        let unquoted = |value: &str| {
            let text =
                value.strip_prefix("299 - \"").and_then(|rest| rest.strip_suffix('"')).unwrap_or(value);
            text.replace("\\\"", "\"").replace("\\\\", "\\")
        };
        let got: Vec<String> = sent.map(|(_, value)| unquoted(value)).collect();
        if got != expected || json!(reply.status) != step["status"] {
            let body = step["body"].to_string();
            wrong.push(format!(
                "{} {} {body}\n  {} {got:#?}\n  instead of {} {expected:#?}",
                text("method"),
                text("target"),
                reply.status,
                step["status"]
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), steps.len(), wrong.join("\n"));
}
