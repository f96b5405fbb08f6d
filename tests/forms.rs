//! Forms that are kept beside stored objects change no answer: a server that keeps them, one that has no room for any,
//! and YAML, which is never kept, say the same in every version and shape, at any time.

use crate::battery::{collection, key, objects};
use crate::conditions::{JSON, MERGE, fetch, send};
use serde_json::json;
use steersman_core::codec::{json as core_json, yaml};
use steersman_core::kinds::{Row, table};
use steersman_core::limits::Bounds;
use steersman_core::machine::Input;
use steersman_core::store::{Feed, Rev, Why};
use steersman_sim::driver::{Driver, Reply, open_config};

/// The namespace that objects of the test data name.
const NAMESPACE: &str = "battery";
const SHAPES: [&str; 5] = [
    "",
    ";as=Table;v=v1;g=meta.k8s.io",
    ";as=Table;v=v1beta1;g=meta.k8s.io",
    ";as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
    ";as=PartialObjectMetadataList;v=v1beta1;g=meta.k8s.io",
];
/// What else a Table may be asked for.
const QUERIES: [&str; 3] = ["includeObject=Object", "includeObject=None", "limit=1"];

fn server(form_bytes: usize) -> Driver {
    let mut config = open_config(1);
    config.bounds = Bounds { form_bytes, ..config.bounds };
    let mut driver = Driver::start(config);
    let made = send(&mut driver, "POST", "/api/v1/namespaces", &json!({"metadata": {"name": NAMESPACE}}));
    assert_eq!(made.status, 201, "{}", made.text());
    driver
}

/// Servers to which the same happens: one with room for forms, one with little, one without any.
struct Servers([Driver; 3]);

impl Servers {
    fn new() -> Self {
        Self([Bounds::PRODUCTION.form_bytes, 600, 0].map(server))
    }

    /// The answer, which all servers give, and the first one again.
    fn same(&mut self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let [kept, scarce, none] = self.0.each_mut().map(|driver| driver.call(method, target, headers, body));
        for other in [&scarce, &none] {
            assert_eq!(
                (kept.status, kept.text()),
                (other.status, other.text()),
                "{method} {target} {headers:?}"
            );
        }
        kept
    }

    fn form_bytes(&self) -> [usize; 3] {
        self.0.each_ref().map(|driver| driver.machine().world().form_bytes())
    }

    /// Reads in one shape as JSON, twice, and as YAML.
    fn read(&mut self, target: &str, shape: &str) {
        let accept = format!("application/json{shape}");
        let first = self.same("GET", target, &[("accept", &accept)], b"");
        let before = self.form_bytes();
        let again = self.same("GET", target, &[("accept", &accept)], b"");
        assert_eq!(first.text(), again.text(), "{target} {shape} again");
        assert_eq!(self.form_bytes(), before, "{target} {shape}: what is kept is not made again");
        let accept = format!("application/yaml{shape}");
        let tree = self.same("GET", target, &[("accept", &accept)], b"");
        assert_eq!(tree.status, first.status, "{target} {shape}");
        if first.status == 200 {
            let from_json = core_json::parse(&first.body).expect("JSON").value;
            let from_yaml = yaml::parse(&tree.body).expect("YAML").value;
            assert_eq!(
                core_json::to_string(&from_json),
                core_json::to_string(&from_yaml),
                "{target} {shape}"
            );
        }
    }

    fn read_all(&mut self, place: &str, name: &str) {
        for shape in SHAPES {
            self.read(place, shape);
            self.read(&format!("{place}/{name}"), shape);
        }
        for query in QUERIES {
            self.read(&format!("{place}?{query}"), SHAPES[1]);
        }
    }

    fn pass(&mut self, millis: u64) {
        for driver in &mut self.0 {
            driver.pass(millis);
        }
    }

    /// Begins a watch in one shape, with the existing objects as its first events.
    fn watch(&mut self, place: &str, shape: &str) -> [steersman_core::config::JobId; 3] {
        let accept = format!("application/json{shape}");
        let target = format!("{place}?watch=1&resourceVersion=0");
        self.0.each_mut().map(|driver| driver.begin("GET", &target, &[("accept", &accept)], b""))
    }
}

fn read_everywhere(row: &Row) {
    let mut servers = Servers::new();
    let object = &objects()[&key(row)];
    let place = collection(row, NAMESPACE);
    let name = object["metadata"]["name"].as_str().expect("a name").to_owned();
    let target = format!("{place}/{name}");
    for shape in SHAPES {
        servers.read(&place, shape);
    }
    let made = servers.same("POST", &place, JSON, object.to_string().as_bytes());
    assert_eq!(made.status, 201, "{}: {}", key(row), made.text());
    servers.read_all(&place, &name);
    servers.pass(200_000);
    servers.read(&place, SHAPES[1]);
    let watches = SHAPES.map(|shape| servers.watch(&place, shape));
    servers.same("PATCH", &target, MERGE, br#"{"metadata":{"annotations":{"example.com/a":"<b>"}}}"#);
    servers.read(&target, SHAPES[1]);
    servers.read(&target, SHAPES[0]);
    servers.same("DELETE", &target, JSON, b"");
    for (shape, ids) in SHAPES.iter().zip(watches) {
        let mut seen = Vec::new();
        for (driver, id) in servers.0.iter_mut().zip(ids) {
            seen.push(driver.take(id).expect("a stream").text());
        }
        assert!(seen[0].lines().count() >= 2, "{}{shape}: {}", key(row), seen[0]);
        assert!(seen.iter().all(|text| *text == seen[0]), "{}{shape}: {seen:?}", key(row));
    }
    let [_, scarce, none] = servers.form_bytes();
    assert!(scarce <= 600 && none == 0, "{}: {scarce} and {none} bytes are kept", key(row));
}

#[test]
fn forms_change_no_answer() {
    for row in table::ROWS.iter().filter(|row| !row.prefix.is_empty() && !row.internal) {
        read_everywhere(row);
    }
}

#[test]
fn forms_are_kept_for_other_versions_and_tables_and_leave_with_their_objects() {
    let mut driver = server(Bounds::PRODUCTION.form_bytes);
    let kept = |driver: &Driver| driver.machine().world().form_bytes();
    let event = json!({
        "metadata": {"name": "e"}, "reason": "Tested", "message": "m",
        "involvedObject": {"kind": "Pod", "namespace": NAMESPACE, "name": "p"},
    });
    let place = format!("/api/v1/namespaces/{NAMESPACE}/events");
    let other = format!("/apis/events.k8s.io/v1/namespaces/{NAMESPACE}/events");
    assert_eq!(send(&mut driver, "POST", &place, &event).status, 201);
    fetch(&mut driver, &place);
    let metadata = [("accept", "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io")];
    driver.call("GET", &place, &metadata, b"");
    assert_eq!(kept(&driver), 0, "stored bytes and metadata need no form");
    fetch(&mut driver, &other);
    let of_version = kept(&driver);
    assert!(of_version > 300, "{of_version}");
    fetch(&mut driver, &format!("{other}/e"));
    assert_eq!(kept(&driver), of_version, "one form serves the list and the object");
    let namespaces = "/api/v1/namespaces";
    let accept = [("accept", "application/json;as=Table;v=v1;g=meta.k8s.io")];
    driver.call("GET", namespaces, &accept, b"");
    assert!(kept(&driver) > of_version);
    // The window of changes holds the deleted object until it has moved on.
    assert_eq!(driver.call("DELETE", &format!("{place}/e"), JSON, b"").status, 200);
    assert!(kept(&driver) > of_version);
    driver.give(Input::Lost(Feed(0), Why::Compacted { compact_revision: Rev(1) }));
    driver.pass(1);
    assert_eq!(kept(&driver), 0, "all objects were read anew");
}
