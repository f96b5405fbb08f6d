//! Kinds that come and go while the server runs: what clients see of them, and that nothing of them stays.

use crate::conditions::{JSON, events, fetch, json, send, server, told};
use serde_json::{Value, json};
use std::sync::Arc;
use steersman_core::answer::Body;
use steersman_core::config::{JobId, Note};
use steersman_core::kinds::{DefinedColumn, DefinedTypes, DefinedVersion, Definition, Registry, Scope};
use steersman_core::machine::{Effect, Input, Machine, Task};
use steersman_core::now::{Mono, Now, Wall};
use steersman_core::store::Stored;
use steersman_core::wire::{Method, Peer, Request};
use steersman_sim::driver::{Driver, open_config};
use steersman_sim::etcd::{Delivery, FakeEtcd, ServerId};

const GROUP: &str = "example.com";
const WIDGETS: &str = "/apis/example.com/v1/namespaces/w/widgets";
const MERGE_STATUS: &[(&str, &str)] = &[("content-type", "application/merge-patch+json")];

/// A kind with a schema of its own: a required field, a default, a set and a status.
pub(crate) fn widgets() -> Definition {
    let types = [
        "com.example.v1.Widget kind=example.com",
        " metadata - meta.v1.ObjectMeta o",
        " spec - WidgetSpec r",
        " status - WidgetStatus o",
        "com.example.v1.WidgetSpec",
        " size - int64 rpo",
        " color - string o default=\"red\"",
        " tags - [string] o list=set",
        "com.example.v1.WidgetStatus",
        " phase - string o",
    ];
    Definition {
        group: GROUP.into(),
        kind: "Widget".into(),
        list_kind: "WidgetList".into(),
        plural: "widgets".into(),
        singular: "widget".into(),
        scope: Scope::Namespaced,
        short: vec!["wd".into()],
        categories: vec!["all".into()],
        versions: vec![DefinedVersion {
            name: "v1".into(),
            is_served: true,
            types: DefinedTypes::Notation(types.join("\n").into()),
            has_status: true,
            scale: None,
            fields: vec!["spec.color".into()],
            columns: vec![DefinedColumn {
                name: "Size".into(),
                kind: "integer".into(),
                format: "".into(),
                description: "How large it is.".into(),
                priority: 0,
                path: ".spec.size".into(),
            }],
            deprecation: "".into(),
        }],
        stored: "v1".into(),
        converter: None,
    }
}

/// The kind with other types.
fn typed(types: impl Into<String>) -> Definition {
    let mut definition = widgets();
    definition.versions[0].types = DefinedTypes::Notation(types.into().into());
    definition
}

fn serve(driver: &mut Driver) {
    driver.give(Input::Serve(Box::new(widgets())));
}

fn withdraw(driver: &mut Driver) {
    driver.give(Input::Withdraw { group: GROUP.into(), plural: "widgets".into() });
}

fn widget(name: &str, spec: Value) -> Value {
    json!({"kind": "Widget", "apiVersion": "example.com/v1", "metadata": {"name": name}, "spec": spec})
}

#[test]
fn a_kind_that_comes_is_served_as_any_other() {
    let mut driver = server("w");
    assert_eq!(fetch(&mut driver, WIDGETS).status, 404);
    serve(&mut driver);
    let made = send(&mut driver, "POST", WIDGETS, &widget("a", json!({"size": 1})));
    assert_eq!(made.status, 201, "{}", made.text());
    assert_eq!(json(&made)["spec"]["color"], "red", "the schema's default");
    assert_eq!(json(&made)["metadata"]["generation"], 1);
    let refused = send(&mut driver, "POST", WIDGETS, &widget("b", json!({"tags": ["x", "y", "x"]})));
    assert_eq!(refused.status, 422, "{}", refused.text());
    let causes = json(&refused)["details"]["causes"].to_string();
    assert!(causes.contains("spec.size") && causes.contains("spec.tags[2]"), "{causes}");
    let body = json!({"spec": {"size": 2}, "status": {"phase": "Ready"}}).to_string();
    let changed = driver.call("PATCH", &format!("{WIDGETS}/a"), MERGE_STATUS, body.as_bytes());
    assert_eq!(
        (&json(&changed)["spec"]["size"], &json(&changed)["status"]["phase"]),
        (&json!(2), &Value::Null)
    );
    let changed = driver.call("PATCH", &format!("{WIDGETS}/a/status"), MERGE_STATUS, body.as_bytes());
    assert_eq!(json(&changed)["status"]["phase"], "Ready", "{}", changed.text());
    let listed = fetch(&mut driver, &format!("{WIDGETS}?fieldSelector=spec.color%3Dred"));
    assert_eq!(json(&listed)["items"].as_array().map(Vec::len), Some(1), "{}", listed.text());
    assert_eq!(json(&listed)["kind"], "WidgetList");
    let table = [("accept", "application/json;as=Table;v=v1;g=meta.k8s.io")];
    let table = driver.call("GET", WIDGETS, &table, b"");
    assert_eq!(json(&table)["rows"][0]["cells"], json!(["a", 2]), "{}", table.text());
    let found = fetch(&mut driver, "/apis/example.com/v1");
    assert_eq!(json(&found)["resources"].as_array().map(Vec::len), Some(2), "{}", found.text());
    assert!(fetch(&mut driver, "/apis").text().contains(GROUP));
    let document = json(&fetch(&mut driver, "/openapi/v3/apis/example.com/v1"));
    let schema = &document["components"]["schemas"]["com.example.v1.WidgetSpec"];
    assert_eq!(schema["properties"]["size"]["type"], "integer", "{document}");
    let gone = driver.call("DELETE", &format!("{WIDGETS}/a"), JSON, b"");
    assert_eq!((gone.status, json(&gone)["status"].as_str()), (200, Some("Success")), "{}", gone.text());
}

#[test]
fn watches_end_with_their_kind_and_its_paths_are_gone() {
    let mut driver = server("w");
    serve(&mut driver);
    send(&mut driver, "POST", WIDGETS, &widget("a", json!({"size": 1})));
    let watch = driver.begin("GET", &format!("{WIDGETS}?watch=1"), JSON, b"");
    let other = driver.begin("GET", "/api/v1/namespaces/w/configmaps?watch=1", JSON, b"");
    assert_eq!(told(&driver.take(watch).expect("a watch")), ["ADDED a"]);
    withdraw(&mut driver);
    assert!(!driver.is_open(watch) && driver.is_open(other));
    assert!(events(&driver.take(watch).expect("a watch")).is_empty(), "it ends without an error");
    for (method, path) in [("GET", WIDGETS), ("POST", WIDGETS), ("DELETE", "/apis/example.com/v1/widgets/a")]
    {
        let reply = send(&mut driver, method, path, &widget("b", json!({"size": 1})));
        assert_eq!((reply.status, reply.text().as_str()), (404, "404 page not found\n"), "{method} {path}");
    }
    assert!(!fetch(&mut driver, "/apis").text().contains(GROUP));
    assert_eq!(fetch(&mut driver, "/openapi/v3/apis/example.com/v1").status, 404);
    driver.machine().check();
}

#[test]
fn a_kind_that_comes_again_has_the_objects_of_the_store() {
    let mut driver = server("w");
    serve(&mut driver);
    for name in ["a", "b"] {
        let made = send(&mut driver, "POST", WIDGETS, &widget(name, json!({"size": 1})));
        assert_eq!(made.status, 201, "{}", made.text());
    }
    withdraw(&mut driver);
    serve(&mut driver);
    let listed = json(&fetch(&mut driver, &format!("{WIDGETS}?resourceVersion=0")));
    let names: Vec<_> =
        listed["items"].as_array().into_iter().flatten().map(|item| &item["metadata"]["name"]).collect();
    assert_eq!(names, ["a", "b"]);
    let first: u64 =
        listed["metadata"]["resourceVersion"].as_str().expect("a version").parse().expect("a number");
    let past = driver.begin("GET", &format!("{WIDGETS}?watch=1&resourceVersion={}", first - 1), JSON, b"");
    assert!(!driver.is_open(past), "what happened before the kind came is not known");
    let watch = driver.begin("GET", &format!("{WIDGETS}?watch=1&resourceVersion={first}"), JSON, b"");
    driver.call("DELETE", &format!("{WIDGETS}/a"), JSON, b"");
    assert_eq!(told(&driver.take(watch).expect("a watch")), ["DELETED a"]);
}

#[test]
fn a_definition_that_cannot_be_served_is_refused_with_a_reason() {
    let spec = "com.example.v1.Widget kind=example.com\n metadata - meta.v1.ObjectMeta o\n spec - ";
    let cases: [(Definition, &str); 6] = [
        (Definition { group: "apps".into(), ..widgets() }, "one label"),
        (Definition { plural: "".into(), ..widgets() }, "plural"),
        (typed(format!("{spec}Nothing r")), "names Nothing"),
        (typed(format!("{spec}Widget r")), "contains itself"),
        (typed("com.example.v1.Other"), "names com.example.v1.Widget"),
        (typed("x"), "no package"),
    ];
    for (definition, why) in cases {
        let mut driver = server("");
        driver.give(Input::Serve(Box::new(definition)));
        let told = driver
            .notes
            .iter()
            .any(|note| matches!(note, Note::NotServed { why: told, .. } if told.contains(why)));
        assert!(told, "{why}: {:?}", driver.notes);
    }
}

/// The version that is stored changes: what was stored in the other one is still there, in both.
#[test]
fn objects_outlive_a_change_of_the_stored_version() {
    let mut driver = server("w");
    let mut definition = widgets();
    let mut second = definition.versions[0].clone();
    second.name = "v2".into();
    second.types = DefinedTypes::Schema(
        r#"{"type":"object","properties":{"spec":{"type":"object","properties":{"size":{"type":"integer"}}}}}"#.into(),
    );
    definition.versions.push(second);
    driver.give(Input::Serve(Box::new(definition.clone())));
    let held = widget("a", json!({"size": 1}));
    assert_eq!(send(&mut driver, "POST", WIDGETS, &held).status, 201);
    definition.stored = "v2".into();
    driver.give(Input::Serve(Box::new(definition)));
    for version in ["v1", "v2"] {
        let read = fetch(&mut driver, &format!("/apis/example.com/{version}/namespaces/w/widgets/a"));
        assert_eq!(read.status, 200, "{}", read.text());
        let read = json(&read);
        assert_eq!(read["apiVersion"], format!("example.com/{version}"));
        assert_eq!(read["spec"]["size"], 1);
    }
}

#[test]
fn a_definition_that_changes_exchanges_its_kinds() {
    let mut driver = server("w");
    serve(&mut driver);
    let held = widget("a", json!({"size": 1}));
    assert_eq!(send(&mut driver, "POST", WIDGETS, &held).status, 201);
    let watch = driver.begin("GET", &format!("{WIDGETS}?watch=1"), JSON, b"");
    let mut changed = widgets();
    changed.versions[0].columns.clear();
    driver.give(Input::Serve(Box::new(changed)));
    assert!(!driver.is_open(watch), "a watch would show objects of the kind that has gone");
    assert_eq!(json(&fetch(&mut driver, &format!("{WIDGETS}/a")))["spec"]["size"], 1);
    let served = driver.notes.iter().filter(|note| matches!(note, Note::Served { .. })).count();
    assert_eq!(served, 2, "{:?}", driver.notes);
}

/// A server whose steps and operations are run when the test says so.
struct Slow {
    machine: Machine,
    etcd: FakeEtcd,
    now: Now,
    tasks: Vec<Task>,
    /// Operations that were performed, and whose replies were not delivered.
    replies: Vec<(JobId, Stored)>,
    /// The body of the last request, and the requests whose bodies were asked for.
    body: String,
    awaited: Vec<JobId>,
    statuses: Vec<u16>,
    open: Vec<JobId>,
}

impl Slow {
    fn start() -> Self {
        let now = Now { mono: Mono(1), wall: Wall::from_seconds(1_700_000_000) };
        let machine = Machine::new(open_config(1), Arc::new(Registry::builtin()));
        let mut slow = Self {
            machine,
            etcd: FakeEtcd::new(),
            now,
            tasks: Vec::new(),
            replies: Vec::new(),
            body: String::new(),
            awaited: Vec::new(),
            statuses: Vec::new(),
            open: Vec::new(),
        };
        slow.give(Input::Start);
        slow.settle();
        slow
    }

    fn give(&mut self, input: Input) {
        let (mut effects, mut sent, mut decoded) = (Vec::new(), Vec::new(), Vec::new());
        self.machine.handle(self.now, input, &mut effects);
        self.machine.check();
        for effect in effects {
            match effect {
                Effect::Run(task) => self.tasks.push(task),
                Effect::Store(id, _, op) => {
                    let stored = self.etcd.perform(self.now.mono, &op);
                    self.replies.push((id, stored));
                }
                Effect::Respond(id, response) => {
                    self.statuses.push(response.status);
                    sent.extend(response.body.is_large().then_some(id));
                    if matches!(response.body, Body::Stream(_)) {
                        self.open.push(id);
                    }
                }
                Effect::Body(id) => self.awaited.push(id),
                Effect::Decode(page) => decoded.push(page.run()),
                Effect::Close(id) => self.open.retain(|open| *open != id),
                Effect::Follow { feed, prefix, after } => self.etcd.follow(ServerId(0), feed, &prefix, after),
                Effect::Frame { .. }
                | Effect::RequestProgress(_)
                | Effect::Call(..)
                | Effect::Dial(..)
                | Effect::Sign(..)
                | Effect::Verify(..)
                | Effect::CancelCalls(_)
                | Effect::Discard(_)
                | Effect::Note(_) => {}
            }
        }
        for page in decoded {
            self.give(Input::Decoded(page));
        }
        for id in sent {
            self.give(Input::Sent(id));
        }
    }

    /// Delivers what the feed brings.
    fn deliver(&mut self) {
        for (_, delivery) in self.etcd.drain() {
            match delivery {
                Delivery::Changed(batch) => self.give(Input::Changed(batch.into())),
                Delivery::Lost(feed, why) => self.give(Input::Lost(feed, why)),
            }
        }
    }

    /// Runs everything that waits, once.
    fn step(&mut self) -> bool {
        self.deliver();
        let (tasks, replies) = (std::mem::take(&mut self.tasks), std::mem::take(&mut self.replies));
        let bodies = std::mem::take(&mut self.awaited);
        let any = !tasks.is_empty() || !replies.is_empty() || !bodies.is_empty();
        for id in bodies {
            self.give(Input::Body(id, Ok(self.body.clone().into_bytes().into())));
        }
        for task in tasks {
            self.give(Input::Ran(task.run()));
        }
        for (id, stored) in replies {
            self.give(Input::Stored(id, stored));
        }
        any
    }

    fn settle(&mut self) {
        while self.step() {}
    }

    fn request(&mut self, id: u64, method: &str, target: &str, body: &Value) {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let request = Request {
            method: Method::parse(method),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: vec![("content-type".into(), "application/json".to_owned())],
            has_body: true,
            peer: Peer::None,
            remote_address: "192.0.2.1".into(),
        };
        self.body = body.to_string();
        self.give(Input::Request(JobId(id), request));
    }

    fn withdraw(&mut self) {
        self.give(Input::Withdraw { group: GROUP.into(), plural: "widgets".into() });
    }
}

/// Whatever a request waits for when its kind goes, it is answered, and by another kind of the same name it is not
/// served.
#[test]
fn requests_under_way_find_that_their_kind_is_gone() {
    let requests = [
        ("GET", WIDGETS.to_owned()),
        ("GET", format!("{WIDGETS}/a")),
        ("GET", format!("{WIDGETS}?watch=1")),
        ("GET", format!("{WIDGETS}?watch=1&resourceVersion=1")),
        ("POST", WIDGETS.to_owned()),
        ("PUT", format!("{WIDGETS}/a")),
        ("DELETE", format!("{WIDGETS}/a")),
        ("DELETE", WIDGETS.to_owned()),
    ];
    for again in [false, true] {
        for (method, target) in &requests {
            for steps in 0..6 {
                let mut slow = Slow::start();
                slow.request(1, "POST", "/api/v1/namespaces", &json!({"metadata": {"name": "w"}}));
                slow.settle();
                slow.give(Input::Serve(Box::new(widgets())));
                slow.settle();
                slow.request(2, "POST", WIDGETS, &widget("a", json!({"size": 1})));
                slow.settle();
                slow.statuses.clear();
                slow.request(3, method, target, &widget("a", json!({"size": 2})));
                for _ in 0..steps {
                    slow.step();
                }
                slow.withdraw();
                if again {
                    slow.give(Input::Serve(Box::new(widgets())));
                }
                slow.settle();
                assert_eq!(slow.statuses.len(), 1, "{method} {target} after {steps} steps");
                assert!(slow.open.is_empty(), "{method} {target} after {steps} steps");
                let status = slow.statuses[0];
                assert!(status < 500 || status == 504, "{method} {target}: {status}");
                assert_eq!(slow.machine.open_requests(), 0);
            }
        }
    }
}

/// Kinds that came and went leave nothing: neither in the registry, the caches and the hub, nor in memory.
#[cfg(target_os = "linux")]
#[test]
fn kinds_that_came_and_went_leave_nothing() {
    use crate::hostile::held_bytes;
    let mut driver = server("w");
    let kinds = |driver: &Driver| {
        let world = driver.machine().world();
        (world.registry.iter().count(), world.collections().count())
    };
    let round = |driver: &mut Driver| {
        serve(driver);
        let watch = driver.begin("GET", &format!("{WIDGETS}?watch=1"), JSON, b"");
        withdraw(driver);
        assert!(!driver.is_open(watch));
        driver.forget(watch);
    };
    let rounds: u32 = std::env::var("KIND_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(300);
    (0..10).for_each(|_| round(&mut driver));
    driver.notes.clear();
    let (before, bytes_before) = (kinds(&driver), held_bytes());
    (0..rounds).for_each(|_| {
        round(&mut driver);
        driver.notes.clear();
    });
    let (after, bytes_after) = (kinds(&driver), held_bytes());
    assert_eq!(before, after);
    let grown = bytes_after - bytes_before;
    if rounds > 300 {
        eprintln!("{rounds} kinds came and went: {bytes_before} bytes held before, {bytes_after} after");
    }
    assert!(grown.abs() < 2_000, "{grown} bytes were kept of {rounds} kinds");
}
