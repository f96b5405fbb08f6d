//! Versions that share storage: what is written through one is there through every other, in its own shape, in
//! every form of answer; and nothing is lost on the way there and back.

use crate::battery::{collection, key, objects};
use crate::conditions::{JSON, MERGE, events, fetch, json, send, server, version};
use serde_json::{Value, json};
use steersman_core::kinds::{Row, RowSource, table};
use steersman_sim::driver::{Driver, Reply};

/// The namespace of what events are about: they must be in the same.
const NAMESPACE: &str = "battery";
const STRATEGIC: &[(&str, &str)] = &[("content-type", "application/strategic-merge-patch+json")];
const JSON_PATCH: &[(&str, &str)] = &[("content-type", "application/json-patch+json")];

fn api_version(row: &Row) -> String {
    if row.group.is_empty() { row.version.to_owned() } else { format!("{}/{}", row.group, row.version) }
}

/// Rows that share storage, each with each other one: what is written through the first is looked at through the
/// second.
fn pairs() -> Vec<(&'static Row, &'static Row)> {
    let stored = || table::ROWS.iter().filter(|row| !row.prefix.is_empty() && !row.internal);
    let shares = |one: &Row, other: &Row| one.prefix == other.prefix && key(one) != key(other);
    stored()
        .flat_map(|one| stored().filter(|other| shares(one, other)).map(move |other| (one, other)))
        .collect()
}

/// A server with an object that was written through one row, and where it lies for that row and the other.
struct Scene {
    driver: Driver,
    written: String,
    other: String,
    name: String,
    wanted: String,
}

impl Scene {
    fn new(one: &Row, other: &Row) -> Self {
        let mut driver = server(NAMESPACE);
        let object = &objects()[&key(one)];
        let (written, other_place) = (collection(one, NAMESPACE), collection(other, NAMESPACE));
        let made = send(&mut driver, "POST", &written, object);
        assert_eq!(made.status, 201, "{}", made.text());
        let name = object["metadata"]["name"].as_str().expect("a name").to_owned();
        Self { driver, written, other: other_place, name, wanted: api_version(other) }
    }

    fn read(&mut self, place: &str) -> Value {
        let reply = fetch(&mut self.driver, &format!("{place}/{}", self.name));
        assert_eq!(reply.status, 200, "{}", reply.text());
        json(&reply)
    }

    /// The object through the other row.
    fn through(&mut self) -> Value {
        let place = self.other.clone();
        let shown = self.read(&place);
        self.is_of_version(&shown);
        shown
    }

    fn is_of_version(&self, object: &Value) {
        assert_eq!(object["apiVersion"], json!(self.wanted), "{object}");
    }

    fn answered(&self, reply: &Reply) -> Value {
        assert!(matches!(reply.status, 200 | 201), "{}", reply.text());
        let object = json(reply);
        self.is_of_version(&object);
        object
    }

    fn get_as(&mut self, place: &str, shape: &str, query: &str) -> Value {
        let accept = format!("application/json;as={shape};v=v1;g=meta.k8s.io");
        let target = format!("{place}/{}{query}", self.name);
        json(&self.driver.call("GET", &target, &[("accept", &accept)], b""))
    }
}

#[test]
fn some_kinds_have_several_versions() {
    assert_eq!(pairs().len(), 4, "two HorizontalPodAutoscalers and two Events, each seen through the other");
}

#[test]
fn each_version_reads_lists_and_watches_what_the_other_wrote() {
    for (one, other) in pairs() {
        let mut scene = Scene::new(one, other);
        let shown = scene.through();
        let place = scene.other.clone();
        let list = json(&fetch(&mut scene.driver, &place));
        scene.is_of_version(&list);
        assert_eq!(list["kind"], json!(format!("{}List", other.kind)));
        let mut item = list["items"][0].clone();
        item["kind"] = shown["kind"].clone();
        item["apiVersion"] = shown["apiVersion"].clone();
        assert_eq!(item, shown);
        let initial = "watch=1&allowWatchBookmarks=1&sendInitialEvents=1&resourceVersionMatch=NotOlderThan";
        let id = scene.driver.begin("GET", &format!("{place}?{initial}"), JSON, b"");
        let target = format!("{}/{}", scene.written, scene.name);
        let changed = scene.driver.call("PATCH", &target, MERGE, br#"{"metadata":{"labels":{"a":"b"}}}"#);
        assert_eq!(changed.status, 200, "{}", changed.text());
        let deleted = scene.driver.call("DELETE", &target, JSON, b"");
        assert_eq!(deleted.status, 200, "{}", deleted.text());
        let seen = events(&scene.driver.take(id).unwrap_or_default());
        let kinds: Vec<&str> = seen.iter().map(|event| event["type"].as_str().unwrap_or_default()).collect();
        assert_eq!(kinds, ["ADDED", "BOOKMARK", "MODIFIED", "DELETED"]);
        seen.iter().for_each(|event| scene.is_of_version(&event["object"]));
        assert_eq!(seen[0]["object"], shown);
        let mut later = seen[2]["object"].clone();
        assert_eq!(later["metadata"]["labels"], json!({"a": "b"}));
        for field in ["resourceVersion", "managedFields"] {
            later["metadata"][field] = shown["metadata"][field].clone();
        }
        later["metadata"].as_object_mut().expect("metadata").remove("labels");
        assert_eq!(later, shown);
    }
}

#[test]
fn tables_and_metadata_are_the_same_through_each() {
    for (one, other) in pairs() {
        let mut scene = Scene::new(one, other);
        let (written, place) = (scene.written.clone(), scene.other.clone());
        assert_eq!(
            scene.get_as(&place, "PartialObjectMetadata", ""),
            scene.get_as(&written, "PartialObjectMetadata", "")
        );
        assert_eq!(scene.get_as(&place, "Table", ""), scene.get_as(&written, "Table", ""));
        let whole = scene.get_as(&place, "Table", "?includeObject=Object");
        assert_eq!(whole["rows"][0]["object"], scene.through());
    }
}

#[test]
fn writes_through_the_other_version_lose_nothing() {
    for (one, other) in pairs() {
        let mut scene = Scene::new(one, other);
        let (written, place) = (scene.written.clone(), scene.other.clone());
        let before = scene.read(&written);
        let shown = scene.through();
        let target = format!("{place}/{}", scene.name);
        let put = send(&mut scene.driver, "PUT", &target, &shown);
        assert_eq!(scene.answered(&put), shown, "what was read is what is there: nothing is written");
        let tested = json!([
            {"op": "test", "path": "/apiVersion", "value": scene.wanted},
            {"op": "add", "path": "/metadata/labels", "value": {"json": "yes"}}
        ]);
        let patches = [
            (MERGE, json!({"metadata": {"labels": {"merge": "yes"}}})),
            (STRATEGIC, json!({"metadata": {"labels": {"strategic": "yes"}}})),
            (JSON_PATCH, tested),
        ];
        for (headers, patch) in patches {
            for query in ["?dryRun=All", ""] {
                let body = patch.to_string();
                let patched =
                    scene.driver.call("PATCH", &format!("{target}{query}"), headers, body.as_bytes());
                scene.answered(&patched);
            }
        }
        let mut after = scene.read(&written);
        assert!(version(&after) > version(&before));
        assert_eq!(after["metadata"]["labels"], json!({"json": "yes"}));
        after["metadata"].as_object_mut().expect("metadata").remove("labels");
        for field in ["resourceVersion", "managedFields"] {
            after["metadata"][field] = before["metadata"][field].clone();
        }
        assert_eq!(after, before);
        let held =
            scene.driver.call("PATCH", &target, MERGE, br#"{"metadata":{"finalizers":["example.com/f"]}}"#);
        scene.answered(&held);
        let marked = scene.driver.call("DELETE", &target, JSON, b"");
        assert!(scene.answered(&marked)["metadata"]["deletionTimestamp"].is_string());
        let all = scene.driver.call("DELETE", &place, JSON, b"");
        scene.answered(&all);
        let mut freed = scene.through();
        freed["metadata"]["finalizers"] = json!([]);
        let gone = send(&mut scene.driver, "PUT", &target, &freed);
        scene.answered(&gone);
        assert_eq!(fetch(&mut scene.driver, &target).status, 404);
    }
}

#[test]
fn a_creation_is_answered_in_the_version_of_its_body() {
    for (one, _) in pairs() {
        let mut driver = server(NAMESPACE);
        for query in ["?dryRun=All", ""] {
            let target = format!("{}{query}", collection(one, NAMESPACE));
            let made = send(&mut driver, "POST", &target, &objects()[&key(one)]);
            assert_eq!(json(&made)["apiVersion"], json!(api_version(one)), "{}", made.text());
        }
    }
}

/// Each version selects by its own names for the fields, whichever version the object was written in.
#[test]
fn fields_are_selected_by_the_names_of_each_version() {
    for (one, other) in pairs() {
        let mut scene = Scene::new(one, other);
        let holder = [one, other].into_iter().find(|row| row.stored_as.is_none()).expect("one is stored");
        let stored = scene.read(&collection(holder, NAMESPACE));
        let at = |path: &[&str]| {
            let found = path.iter().fold(&stored, |value, name| &value[*name]);
            found.as_str().map_or_else(|| found.to_string(), str::to_owned).replace("null", "")
        };
        for row in [one, other] {
            for field in row.fields {
                let value = match field.source {
                    RowSource::Path(path, absent) => {
                        let held = at(path);
                        if held.is_empty() { absent.to_owned() } else { held }
                    }
                    RowSource::Either(first, second) => {
                        let held = at(first);
                        if held.is_empty() { at(second) } else { held }
                    }
                };
                for (operator, count) in [("%3D", 1), ("!%3D", 0)] {
                    let target = collection(row, NAMESPACE);
                    let target = format!("{target}?fieldSelector={}{operator}{value}", field.name);
                    let reply = fetch(&mut scene.driver, &target);
                    assert_eq!(reply.status, 200, "{target}: {}", reply.text());
                    let items = json(&reply)["items"].as_array().map_or(0, Vec::len);
                    assert_eq!(items, count, "{target}");
                }
            }
        }
    }
}

/// What autoscaling/v1 cannot say is in annotations there and nowhere else, and survives a write through v1.
#[test]
fn an_autoscaler_keeps_what_the_older_version_has_no_fields_for() {
    let mut driver = server(NAMESPACE);
    let place = |version: &str| {
        format!("/apis/autoscaling/{version}/namespaces/{NAMESPACE}/horizontalpodautoscalers")
    };
    let scaler = json!({
        "metadata": {"name": "h", "annotations": {"autoscaling.alpha.kubernetes.io/metrics": "dropped", "k": "v"}},
        "spec": {
            "maxReplicas": 3,
            "scaleTargetRef": {"kind": "D", "name": "d", "apiVersion": "apps/v1"},
            "behavior": {"scaleUp": {"tolerance": "0.1"}},
            "metrics": [
                {"type": "Resource", "resource": {"name": "memory", "target":
                    {"type": "AverageValue", "averageValue": "1Gi"}}},
                {"type": "Resource", "resource": {"name": "cpu", "target":
                    {"type": "Utilization", "averageUtilization": 50}}}
            ]
        }
    });
    let made = json(&send(&mut driver, "POST", &place("v2"), &scaler));
    assert_eq!(made["metadata"]["annotations"], json!({"k": "v"}));
    let patch = json!({"spec": {"targetCPUUtilizationPercentage": 77}}).to_string();
    let patched = json(&driver.call("PATCH", &format!("{}/h", place("v1")), MERGE, patch.as_bytes()));
    assert_eq!(patched["spec"]["targetCPUUtilizationPercentage"], json!(77));
    assert_eq!(
        patched["metadata"]["annotations"]["autoscaling.alpha.kubernetes.io/metrics"],
        json!(r#"[{"type":"Resource","resource":{"name":"memory","targetAverageValue":"1Gi"}}]"#)
    );
    let now = json(&fetch(&mut driver, &format!("{}/h", place("v2"))));
    assert_eq!(now["metadata"]["annotations"], json!({"k": "v"}));
    assert_eq!(now["spec"]["behavior"], made["spec"]["behavior"]);
    assert_eq!(now["spec"]["metrics"][0], made["spec"]["metrics"][0]);
    assert_eq!(now["spec"]["metrics"][1]["resource"]["target"]["averageUtilization"], json!(77));
}
