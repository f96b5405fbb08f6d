//! Custom objects whose versions a webhook converts. The test answers the webhook's calls itself.

mod admitted;
mod scene;
mod watched;

use crate::conditions::{JSON, MERGE, json};
use bytes::Bytes;
use scene::{
    APPLY, PATCH, Scene, TABLE, V1, V2, answered, authority, authority_text, converted, definition, link,
    right,
};
use serde_json::{Value, json};
use steersman_core::wire::{CallError, CallOutcome, Called, Outcall};

#[test]
fn every_version_reads_and_writes_the_object_that_is_stored() {
    let mut scene = Scene::new("v2");
    let made = scene.create("a");
    assert_eq!((&made["apiVersion"], &made["spec"]["hostPort"]), (&json!("example.com/v1"), &json!("a:1")));
    assert!(made["spec"].get("stray").is_none(), "what the version has no field for is dropped");
    let stored = scene.stored("a");
    assert_eq!(stored["apiVersion"], json!("example.com/v2"));
    assert_eq!((&stored["spec"]["host"], &stored["spec"]["port"]), (&json!("a"), &json!("1")));
    assert!(stored["spec"].get("new").is_none(), "nothing is filled in after a conversion: {stored}");
    let asked = &scene.reviews[0];
    assert_eq!(
        (&asked["apiVersion"], &asked["kind"]),
        (&json!("apiextensions.k8s.io/v1"), &json!("ConversionReview"))
    );
    assert_eq!(asked["request"]["desiredAPIVersion"], json!("example.com/v2"));
    assert!(asked["request"]["objects"][0]["metadata"].get("resourceVersion").is_none());
    assert_eq!(scene.reviews.len(), 2, "one to store it, and one to show it as it is stored");
    let seen = scene.get(&format!("{V1}/a"));
    assert_eq!((&seen, scene.reviews.len()), (&made, 2), "what was converted is kept");
    let other = scene.get(&format!("{V2}/a"));
    assert_eq!((&other["spec"]["host"], &other["spec"]["new"]), (&json!("a"), &json!("yes")));
    assert_eq!(scene.reviews.len(), 2, "objects in the version are not sent");

    let mut bare = link("bare");
    bare["spec"] = json!({"hostPort": "x:1"});
    let tried = scene.ask("POST", &format!("{V1}?dryRun=All"), JSON, &bare);
    assert_eq!(
        tried["spec"],
        json!({"hostPort": "x:1", "replicas": 4}),
        "defaults are those of the request's version"
    );
    let mut bare = converted(&bare, "example.com/v2");
    bare["spec"]["port"] = json!("2");
    scene.ask("POST", V2, JSON, &bare);
    let seen_bare = scene.get(&format!("{V1}/bare"));
    assert_eq!(seen_bare["spec"], json!({"hostPort": "x:2"}), "nothing is filled in after a conversion");
    let moved = json!({"apiVersion": "example.com/v2"});
    let refused = scene.ask_with(right, "PATCH", &format!("{V1}/a"), MERGE, &moved);
    assert_eq!(refused.status, 422);
    assert!(
        refused.text().contains("apiVersion: Invalid value: \\\"example.com/v2\\\": must be example.com/v1")
    );

    let mut changed = seen.clone();
    changed["spec"]["hostPort"] = json!("b:2");
    let changed = scene.ask("PUT", &format!("{V1}/a"), JSON, &changed);
    assert_eq!(
        (&changed["spec"]["hostPort"], &changed["metadata"]["generation"]),
        (&json!("b:2"), &json!(2))
    );
    let changed = scene.ask("PATCH", &format!("{V1}/a"), MERGE, &json!({"spec": {"hostPort": "c:3"}}));
    assert_eq!(changed["spec"]["hostPort"], json!("c:3"));
    let test = json!([{"op": "test", "path": "/spec/hostPort", "value": "c:3"},
        {"op": "replace", "path": "/spec/hostPort", "value": "d:4"}]);
    let changed = scene.ask("PATCH", &format!("{V1}/a"), PATCH, &test);
    assert_eq!(changed["spec"]["hostPort"], json!("d:4"));
    assert_eq!(scene.stored("a")["spec"]["host"], json!("d"));
    let status = json!({"status": {"phase": "Up", "replicas": 7}});
    let status = scene.ask("PATCH", &format!("{V1}/a/status"), MERGE, &status);
    assert_eq!((&status["status"]["phase"], &status["spec"]["hostPort"]), (&json!("Up"), &json!("d:4")));
    let scale = scene.get(&format!("{V1}/a/scale"));
    assert_eq!((&scale["spec"]["replicas"], &scale["status"]["replicas"]), (&json!(1), &json!(7)));
    scene.ask("PATCH", &format!("{V1}/a/scale"), MERGE, &json!({"spec": {"replicas": 5}}));
    assert_eq!(scene.stored("a")["spec"]["replicas"], json!(5));
    let same = scene.ask("PATCH", &format!("{V1}/a"), MERGE, &json!({"spec": {"hostPort": "d:4"}}));
    let before = scene.get(&format!("{V1}/a"));
    assert_eq!(same["metadata"]["resourceVersion"], before["metadata"]["resourceVersion"], "nothing changes");
    let gone = scene.ask("DELETE", &format!("{V1}/a"), JSON, &Value::Null);
    assert_eq!(gone["status"], json!("Success"));
}

#[test]
fn an_object_is_validated_in_the_version_of_its_request() {
    let mut scene = Scene::new("v2");
    let mut bad = link("a");
    bad["spec"] = json!({"replicas": 1});
    let refused = scene.ask_with(right, "POST", V1, JSON, &bad);
    assert_eq!(refused.status, 422, "{}", refused.text());
    assert!(refused.text().contains("spec.hostPort: Required value"), "{}", refused.text());
    assert!(scene.reviews.is_empty(), "what is not valid is not converted");
    // What a converter leaves out is not missed in the version that is stored.
    let mut bare = link("b");
    bare["spec"]["hostPort"] = json!("");
    scene.ask("POST", V1, JSON, &bare);
}

#[test]
fn lists_tables_and_selectors_are_those_of_the_version() {
    let mut scene = Scene::new("v2");
    for name in ["a", "b", "c"] {
        scene.create(name);
    }
    let plain = scene.get(V2);
    assert_eq!(plain["items"][2]["spec"]["host"], json!("c"));
    let before = scene.reviews.len();
    let list = scene.get(V1);
    let shown: Vec<_> = list["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|item| item["spec"]["hostPort"].clone())
        .collect();
    assert_eq!((shown, scene.reviews.len()), (vec![json!("a:1"), json!("b:1"), json!("c:1")], before));
    let table = scene.ask("GET", V1, TABLE, &Value::Null);
    assert_eq!(table["columnDefinitions"][1]["name"], json!("hostPort"));
    assert_eq!(table["rows"][1]["cells"], json!(["b", "b:1"]));
    let selected = scene.get(&format!("{V1}?fieldSelector=spec.hostPort%3Db:1"));
    assert_eq!(selected["items"].as_array().map(Vec::len), Some(1));
    let selected = scene.get(&format!("{V2}?fieldSelector=spec.host%3Db&labelSelector=l%3Db"));
    assert_eq!(selected["items"].as_array().map(Vec::len), Some(1));
    let page = scene.get(&format!("{V1}?limit=2"));
    assert_eq!(
        (&page["items"][1]["metadata"]["name"], &page["metadata"]["remainingItemCount"]),
        (&json!("b"), &json!(1))
    );
    let token = page["metadata"]["continue"].as_str().expect("a token").to_owned();
    let page = scene.get(&format!("{V1}?limit=2&continue={token}"));
    assert_eq!(page["items"][0]["metadata"]["name"], json!("c"));
    let gone = scene.ask("DELETE", V1, JSON, &Value::Null);
    assert_eq!(gone["items"].as_array().map(Vec::len), Some(3));
    assert_eq!(scene.get(V2)["items"], json!([]));
}

#[test]
fn a_list_of_objects_that_nobody_has_seen_is_one_review() {
    let mut scene = Scene::new("v2");
    for name in ["a", "b", "c"] {
        let body = converted(&link(name), "example.com/v2");
        scene.ask("POST", V2, JSON, &body);
    }
    assert!(scene.reviews.is_empty());
    let list = scene.get(V1);
    assert_eq!(list["items"][0]["spec"]["hostPort"], json!("a:1"));
    assert_eq!(scene.reviews.len(), 1);
    assert_eq!(scene.reviews[0]["request"]["objects"].as_array().map(Vec::len), Some(3));
    scene.get(V1);
    assert_eq!(scene.reviews.len(), 1);
}

#[test]
fn an_apply_is_made_in_its_own_version_and_others_keep_theirs() {
    let mut scene = Scene::new("v2");
    let first = json!({"apiVersion": "example.com/v1", "kind": "Link", "metadata": {"name": "a"},
        "spec": {"hostPort": "a:1"}});
    let made = scene.ask("PATCH", &format!("{V1}/a?fieldManager=one"), APPLY, &first);
    assert_eq!(made["metadata"]["managedFields"][0]["apiVersion"], json!("example.com/v1"));
    let second = json!({"apiVersion": "example.com/v2", "kind": "Link", "metadata": {"name": "a"},
        "spec": {"host": "a", "replicas": 3}});
    let both = scene.ask("PATCH", &format!("{V2}/a?fieldManager=two"), APPLY, &second);
    assert_eq!(both["spec"], json!({"host": "a", "port": "1", "replicas": 3, "new": "yes"}));
    let versions: Vec<_> = both["metadata"]["managedFields"]
        .as_array()
        .expect("managers")
        .iter()
        .map(|entry| (entry["manager"].clone(), entry["apiVersion"].clone()))
        .collect();
    assert_eq!(versions, [(json!("one"), json!("example.com/v1")), (json!("two"), json!("example.com/v2"))]);
    let third = json!({"apiVersion": "example.com/v2", "kind": "Link", "metadata": {"name": "a"},
        "spec": {"host": "b"}});
    let refused = scene.ask_with(right, "PATCH", &format!("{V2}/a?fieldManager=three"), APPLY, &third);
    assert_eq!(refused.status, 409, "{}", refused.text());
}

#[test]
fn objects_that_were_stored_in_another_version_are_converted_too() {
    let mut scene = Scene::new("v1");
    scene.create("a");
    assert_eq!(scene.stored("a")["apiVersion"], json!("example.com/v1"));
    assert!(scene.reviews.is_empty());
    let target = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/links.example.com";
    let versions = definition("v2")["spec"]["versions"].clone();
    scene.ask("PATCH", target, MERGE, &json!({"spec": {"versions": versions}}));
    scene.driver.pass(10_000);
    let seen = scene.get(&format!("{V2}/a"));
    assert_eq!((&seen["spec"]["host"], scene.reviews.len()), (&json!("a"), 1));
    let seen = scene.get(&format!("{V1}/a"));
    assert_eq!((&seen["spec"]["hostPort"], scene.reviews.len()), (&json!("a:1"), 1));
    scene.ask("PATCH", &format!("{V1}/a"), MERGE, &json!({"metadata": {"labels": {"x": "y"}}}));
    assert_eq!(scene.stored("a")["apiVersion"], json!("example.com/v2"));
    let stored = scene.get(target)["status"]["storedVersions"].clone();
    assert_eq!(stored, json!(["v1", "v2"]));
}

/// Each kind of answer that is not taken, and what the client is told.
#[test]
fn wrong_answers_are_told_in_upstreams_words() {
    type Answer = fn(&Outcall) -> CallOutcome;
    let cases: &[(Answer, &str)] = &[
        (
            |_| Err(CallError::TimedOut),
            "failed: Post \"https://converter.test:8443/convert?timeout=30s\": context deadline exceeded",
        ),
        (
            |_| Ok(Called { status: 500, headers: Vec::new(), body: Bytes::new() }),
            "failed: an error on the server (\"\") has prevented the request from succeeding",
        ),
        (
            |call| changed(call, |answer| answer["response"]["uid"] = json!("x")),
            "failed: expected response.uid=\"",
        ),
        (|call| changed(call, |answer| answer["response"] = Value::Null), "failed: no response provided"),
        (
            |call| changed(call, |answer| answer["kind"] = Value::Null),
            "failed: expected webhook response of apiextensions.k8s.io/v1, Kind=ConversionReview, got apiextensions.k8s.io/v1, Kind=",
        ),
        (
            |call| changed(call, |answer| answer["response"]["result"] = json!({"status": "Failure"})),
            "failed: response.result.status was 'Failure', not 'Success'",
        ),
        (
            |call| {
                changed(call, |answer| {
                    answer["response"]["result"] = json!({"status": "Failure", "message": "no!"})
                })
            },
            "failed: no!",
        ),
        (
            |call| changed(call, |answer| answer["response"]["convertedObjects"] = json!([])),
            "returned 0 objects, expected 1",
        ),
        (
            |call| {
                changed(call, |answer| {
                    answer["response"]["convertedObjects"][0]["apiVersion"] = json!("example.com/v3")
                })
            },
            "returned invalid object at index 0: invalid groupVersion (expected example.com/v1, received example.com/v3)",
        ),
        (
            |call| changed(call, |answer| answer["response"]["convertedObjects"][0]["kind"] = json!("Other")),
            "returned invalid object at index 0: invalid kind (expected Link, received Other)",
        ),
        (
            |call| {
                changed(call, |answer| {
                    answer["response"]["convertedObjects"][0]["metadata"]["name"] = json!("b")
                })
            },
            "returned invalid object: must have the same name: a != b",
        ),
        (
            |call| {
                changed(call, |answer| {
                    answer["response"]["convertedObjects"][0]["metadata"]["namespace"] = json!("b")
                })
            },
            "returned invalid object: must have the same namespace: n != b",
        ),
        (
            |call| {
                changed(call, |answer| {
                    answer["response"]["convertedObjects"][0]["metadata"]["uid"] = json!("b")
                })
            },
            "returned invalid object: must have the same UID: ",
        ),
        (
            |call| {
                changed(call, |answer| {
                    answer["response"]["convertedObjects"][0]["metadata"]["labels"] = json!({"x": 1})
                })
            },
            "returned invalid metadata: metadata.labels[x] must be a string, but is int64 in converted object",
        ),
        (
            |call| {
                changed(call, |answer| {
                    answer["response"]["convertedObjects"][0]["metadata"]["labels"] = json!({"x": "?"})
                })
            },
            "returned invalid metadata: metadata.labels: Invalid value: \"?\"",
        ),
    ];
    let mut scene = Scene::new("v2");
    scene.ask("POST", V2, JSON, &converted(&link("a"), "example.com/v2"));
    for (answer, wanted) in cases {
        let failed = scene.ask_with(*answer, "GET", &format!("{V1}/a"), JSON, &Value::Null);
        let told = json(&failed);
        let message = told["message"].as_str().unwrap_or_default();
        assert_eq!((failed.status, &told["kind"]), (500, &json!("Status")), "{message}");
        let wanted = format!("conversion webhook for example.com/v2, Kind=Link {wanted}");
        assert!(message.starts_with(&wanted), "{message}\nand not\n{wanted}");
        assert_eq!(scene.get(&format!("{V2}/a"))["spec"]["host"], json!("a"), "the stored version is served");
    }
    // Labels and annotations are taken from the converter, other metadata are not.
    fn relabeled(call: &Outcall) -> CallOutcome {
        changed(call, |answer| {
            let metadata = &mut answer["response"]["convertedObjects"][0]["metadata"];
            metadata["labels"] = json!({"new": "label"});
            metadata["finalizers"] = json!(["x.y/z"]);
            metadata["generation"] = json!(99);
        })
    }
    let seen = json(&scene.ask_with(relabeled, "GET", &format!("{V1}/a"), JSON, &Value::Null));
    assert_eq!(seen["metadata"]["labels"], json!({"new": "label"}));
    assert_eq!((&seen["metadata"]["generation"], seen["metadata"].get("finalizers")), (&json!(1), None));
}

#[test]
fn a_write_that_cannot_be_converted_is_not_stored() {
    let mut scene = Scene::new("v2");
    let failed = scene.ask_with(
        |_| Err(CallError::Refused("connection refused".into())),
        "POST",
        V1,
        JSON,
        &link("a"),
    );
    assert_eq!(failed.status, 500, "{}", failed.text());
    let wanted = "conversion webhook for example.com/v1, Kind=Link failed: Post \\\"https://converter.test:8443/convert?timeout=30s\\\": ";
    assert!(failed.text().contains(wanted), "{}", failed.text());
    assert_eq!(scene.get(V2)["items"], json!([]));
    assert_eq!(scene.driver.machine().open_requests(), 0);
}

/// What other versions own cannot be told without the converter: an update goes on and forgets all managers, an apply
/// is refused.
#[test]
fn an_update_in_the_stored_version_survives_a_dead_converter_and_an_apply_does_not() {
    fn dead(_: &Outcall) -> CallOutcome {
        Err(CallError::Refused("connection refused".into()))
    }
    let of_v2 = json!({"apiVersion": "example.com/v2", "kind": "Link", "metadata": {"name": "a"},
        "spec": {"replicas": 3}});
    let mut scene = Scene::new("v2");
    scene.create("a");
    let target = format!("{V2}/a");
    let refused = scene.ask_with(dead, "PATCH", &format!("{target}?fieldManager=x"), APPLY, &of_v2);
    assert_eq!(refused.status, 500, "{}", refused.text());
    let message = json(&refused)["message"].as_str().unwrap_or_default().to_owned();
    assert!(message.starts_with("conversion webhook for example.com/v2, Kind=Link failed: "), "{message}");
    let held = scene.get(&target);
    assert_eq!(held["metadata"]["managedFields"][0]["apiVersion"], json!("example.com/v1"));

    let patched = scene.ask_with(dead, "PATCH", &target, MERGE, &json!({"spec": {"host": "b"}}));
    assert_eq!(patched.status, 200, "{}", patched.text());
    let patched = json(&patched);
    assert_eq!(patched["spec"]["host"], json!("b"));
    assert_eq!(patched["metadata"].get("managedFields"), None);

    scene.create("c");
    let mut put = scene.get(&format!("{V2}/c"));
    put["spec"]["host"] = json!("d");
    let put = scene.ask_with(dead, "PUT", &format!("{V2}/c"), JSON, &put);
    assert_eq!(put.status, 200, "{}", put.text());
    assert_eq!(json(&put)["metadata"].get("managedFields"), None);
    assert_eq!(scene.stored("c")["spec"]["host"], json!("d"));

    let forced = format!("{target}?fieldManager=x&force=true");
    let applied = scene.ask_with(dead, "PATCH", &forced, APPLY, &of_v2);
    assert_eq!(applied.status, 200, "nobody of another version is left: {}", applied.text());
}

/// A manager whose version the definition has lost is like one whose version cannot be converted to.
#[test]
fn an_update_forgets_the_managers_when_one_of_them_has_a_version_that_is_gone() {
    let mut scene = Scene::new("v2");
    scene.create("a");
    let definition = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/links.example.com";
    let stored = json!({"status": {"storedVersions": ["v2"]}});
    scene.ask("PATCH", &format!("{definition}/status"), MERGE, &stored);
    let left = scene.get(definition)["spec"]["versions"][1].clone();
    scene.ask("PATCH", definition, MERGE, &json!({"spec": {"versions": [left]}}));
    scene.driver.pass(10_000);
    let target = format!("{V2}/a");
    let of_v2 = json!({"apiVersion": "example.com/v2", "kind": "Link", "metadata": {"name": "a"},
        "spec": {"replicas": 3}});
    let refused = scene.ask_with(right, "PATCH", &format!("{target}?fieldManager=x"), APPLY, &of_v2);
    assert_eq!(refused.status, 500, "{}", refused.text());
    assert_eq!(
        json(&refused)["message"],
        json!("request to convert CR to an invalid group/version: example.com/v1")
    );
    let patched = scene.ask("PATCH", &target, MERGE, &json!({"spec": {"host": "b"}}));
    assert_eq!(patched["metadata"].get("managedFields"), None);
    assert_eq!(scene.reviews.len(), 2, "those of the creation");
}

#[test]
fn a_service_is_called_at_its_cluster_ip() {
    let mut scene = Scene::new("v2");
    let target = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/links.example.com";
    let config = json!({"url": null, "service": {"namespace": "n", "name": "converter", "path": "/x"}});
    let patch = json!({"spec": {"conversion": {"webhook": {"clientConfig": config}}}});
    scene.ask("PATCH", target, MERGE, &patch);
    scene.driver.pass(10_000);
    scene.put("a", "x");
    let failed = scene.ask_with(right, "GET", &format!("{V1}/a"), JSON, &Value::Null);
    let wanted =
        "failed: Post \\\"https://converter.n.svc:443/x?timeout=30s\\\": service \\\"converter\\\" not found";
    assert!(failed.text().contains(wanted), "{}", failed.text());
    let service = json!({"metadata": {"name": "converter"}, "spec": {"ports": [{"port": 443}]}});
    let service = scene.ask("POST", "/api/v1/namespaces/n/services", JSON, &service);
    let id = scene.driver.begin("GET", &format!("{V1}/a"), JSON, b"");
    let (_, _, call) = scene.driver.calls.first().cloned().expect("a call");
    assert_eq!(json!(call.host.as_str()), service["spec"]["clusterIP"]);
    assert_eq!((call.port, call.trust.server_name.as_str()), (443, "converter.n.svc"));
    assert_eq!(
        (call.target.as_str(), &call.trust.authorities[..]),
        ("/x?timeout=30s", authority_text("").as_bytes())
    );
    scene.convert(right);
    assert_eq!(scene.driver.take(id).expect("an answer").status, 200);
    // Other authorities are trusted as soon as the definition names them.
    let patch =
        json!({"spec": {"conversion": {"webhook": {"clientConfig": {"caBundle": authority("other\n")}}}}});
    scene.ask("PATCH", target, MERGE, &patch);
    scene.driver.pass(10_000);
    let id = scene.driver.begin("GET", &format!("{V1}/a"), JSON, b"");
    assert_eq!(&scene.driver.calls[0].2.trust.authorities[..], authority_text("other\n").as_bytes());
    scene.convert(right);
    assert_eq!(scene.driver.take(id).expect("an answer").status, 200);
}

/// The answer of a right converter with a change.
fn changed(call: &Outcall, change: fn(&mut Value)) -> CallOutcome {
    let right = right(call).expect("an answer");
    let mut answer: Value = serde_json::from_slice(&right.body).expect("JSON");
    change(&mut answer);
    answered(&answer)
}

/// Whether an object is taken from a converter that is another one than was asked for.
#[cfg(feature = "museum")]
pub(crate) fn converter_trusted(flaw: steersman_core::museum::Flaw) -> bool {
    use steersman_core::config::Config;
    use steersman_sim::driver::open_config;

    let mut scene = Scene::of_config("v2", Config { flaw, ..open_config(1) });
    scene.ask("POST", V2, JSON, &converted(&link("a"), "example.com/v2"));
    fn other(call: &Outcall) -> CallOutcome {
        changed(call, |answer| {
            answer["response"]["convertedObjects"][0]["metadata"]["name"] = json!("b");
        })
    }
    scene.ask_with(other, "GET", &format!("{V1}/a"), JSON, &Value::Null).status == 200
}
