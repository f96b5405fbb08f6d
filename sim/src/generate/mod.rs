//! Requests of any sort, valid and not, from the catalogue of resources: made from choices alone, so that a
//! client of a simulated run, a property test and a fuzzer can all drive the same generator.
//!
//! Choice 0 is the plainest throughout: a GET of a collection without a query.

mod body;
mod grammar;
pub mod words;

use crate::client_request::{Action, ClientRequest, Identity, RequestOptions};
use crate::directory::{Directory, Place, known_subresource};
use bytes::Bytes;
use std::collections::BTreeMap;
use steersman_core::codec::json;
use steersman_core::kinds::Kind;
use steersman_core::value::{Value, object};
use words::METHODS;

/// One valid object of each kind, by `group/version/plural`.
const KINDS: &str = include_str!("../../../tests/data/kinds.json");
/// The namespace that random requests work in. It is not deleted, so that requests go on finding it.
pub const NAMESPACE: &str = "m";
/// Names of objects: few, so that requests meet. None is the name of something that other clients need.
const NAMES: &[&str] = &["one", "two", "three"];
const PATCH_MEDIA: &[&str] = &[
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/json-patch+json",
    "application/apply-patch+yaml",
    "application/json",
];
const BODY_MEDIA: &[&str] = &[
    "application/json",
    "application/yaml",
    "application/vnd.kubernetes.protobuf",
    "text/plain",
    "nonsense",
];

/// Plurals of the resources that every second request is about, so that requests meet.
const MEETING: &[&str] = &["configmaps", "pods", "deployments", "services", "namespaces", "jobs", "leases"];

/// Where a choice below a bound comes from.
pub type Pick<'a> = &'a mut dyn FnMut(u64) -> u64;

/// The sorts of requests.
#[derive(Clone, Copy, Debug)]
enum Sort {
    Read,
    Select,
    Create,
    Put,
    CreateChanged,
    PutChanged,
    MergePatch,
    JsonPatch,
    Delete,
    DeleteCollection,
    Subresource,
    Damaged,
    Yaml,
    Path,
}

/// How often each is drawn is how often it stands here.
const SORTS: &[Sort] = &[
    Sort::Read,
    Sort::Create,
    Sort::Create,
    Sort::Create,
    Sort::Put,
    Sort::CreateChanged,
    Sort::PutChanged,
    Sort::MergePatch,
    Sort::JsonPatch,
    Sort::Delete,
    Sort::DeleteCollection,
    Sort::Subresource,
    Sort::Subresource,
    Sort::Select,
    Sort::Damaged,
    Sort::Yaml,
    Sort::Path,
];

/// What makes requests.
#[derive(Clone, Debug)]
pub struct Generator {
    objects: BTreeMap<String, Value>,
}

impl Default for Generator {
    fn default() -> Self {
        Self::new()
    }
}

fn one<T: Copy>(pick: Pick<'_>, of: &[T]) -> T {
    of[pick(of.len() as u64) as usize]
}

impl Generator {
    /// # Panics
    /// When the data of the kinds is no JSON: it is ours.
    pub fn new() -> Self {
        let parsed = json::parse(KINDS.as_bytes()).expect("the data is JSON").value;
        let entries = parsed.as_map().map(|map| map.clone().into_entries()).unwrap_or_default();
        Self { objects: entries.into_iter().map(|(key, object)| (key.into(), object)).collect() }
    }

    /// The creation of the namespace that all the others are about.
    pub fn namespace(&self, directory: &Directory) -> ClientRequest {
        let namespaces = Place::collection(directory.find("", "v1", "namespaces"), "");
        ClientRequest::create(&namespaces, format!(r#"{{"metadata":{{"name":"{NAMESPACE}"}}}}"#))
    }

    /// A request.
    pub fn request(&self, pick: Pick<'_>, directory: &Directory) -> ClientRequest {
        let sort = one(pick, SORTS);
        let mut resources: Vec<&Kind> = directory.registry.iter().map(|kind| &**kind).collect();
        let meets = |resource: &&&Kind| MEETING.contains(&&*resource.plural);
        let meeting: Vec<&Kind> = resources.iter().filter(meets).copied().collect();
        let all = resources.len();
        resources.extend(meeting.into_iter().cycle().take(all));
        let resource = resources[pick(resources.len() as u64) as usize];
        let collection = Place::collection(resource.id, if resource.namespaced() { NAMESPACE } else { "" });
        let name = one(pick, NAMES);
        let place = collection.named(&full_name(resource, name));
        match sort {
            Sort::Read => match pick(4) {
                0 => raw("GET", directory.path(&collection)),
                1 => raw("GET", directory.path(&Place::collection(resource.id, ""))),
                _ => raw("GET", directory.path(&place)),
            },
            Sort::Select => {
                raw("GET", format!("{}?{}", directory.path(&collection), grammar::selection(pick)))
            }
            Sort::Create => {
                let object = self.object(resource, &place.name);
                let write = raw("POST", directory.path(&collection) + options(pick));
                with_json(write, &object)
            }
            Sort::Put => {
                let object = self.object(resource, &place.name);
                with_json(raw("PUT", directory.path(&place) + options(pick)), &object)
            }
            Sort::CreateChanged => {
                let object = self.changed(pick, resource, &place.name);
                with_json(raw("POST", directory.path(&collection) + options(pick)), &object)
            }
            Sort::PutChanged => {
                let object = self.changed(pick, resource, &place.name);
                with_json(raw("PUT", directory.path(&place) + options(pick)), &object)
            }
            Sort::MergePatch => {
                let media = one(pick, PATCH_MEDIA);
                let patch = match pick(3) {
                    0 => self.changed(pick, resource, &place.name),
                    _ => body::value(pick, 4),
                };
                let target = directory.path(&place) + one(pick, &["", "?fieldManager=t", "?force=true"]);
                ClientRequest { media, ..with_json(raw("PATCH", target), &patch) }
            }
            Sort::JsonPatch => {
                let patch = with_json(raw("PATCH", directory.path(&place)), &body::json_patch(pick));
                ClientRequest { media: "application/json-patch+json", ..patch }
            }
            Sort::Delete => {
                let options = one(pick, grammar::DELETIONS);
                ClientRequest {
                    body: Bytes::from_static(options.as_bytes()),
                    ..raw("DELETE", directory.path(&place))
                }
            }
            Sort::DeleteCollection => {
                let query = one(
                    pick,
                    &["", "?labelSelector=a%3Db", "?limit=1", "?dryRun=All", "?fieldSelector=x%3Dy"],
                );
                raw("DELETE", directory.path(&collection) + query)
            }
            Sort::Subresource => self.subresource(pick, directory, resource, &place),
            Sort::Damaged => {
                let object = json::to_vec(&self.object(resource, &place.name));
                let media = one(pick, BODY_MEDIA);
                let body = body::damaged(pick, object).into();
                ClientRequest { body, media, ..raw("POST", directory.path(&collection)) }
            }
            Sort::Yaml => {
                let body = grammar::yaml(pick).into();
                let media = "application/yaml";
                ClientRequest {
                    body,
                    media,
                    ..raw("POST", directory.path(&collection) + "?fieldValidation=Strict")
                }
            }
            Sort::Path => {
                let method = one(pick, METHODS);
                let value = if pick(2) == 0 { Value::Null } else { body::value(pick, 3) };
                with_json(raw(method, grammar::target(pick)), &value)
            }
        }
    }

    /// A subresource of an object, one that it has or one that it does not have.
    fn subresource(
        &self,
        pick: Pick<'_>,
        directory: &Directory,
        resource: &Kind,
        place: &Place,
    ) -> ClientRequest {
        let subs = &resource.subs;
        let name = match pick(subs.len() as u64 + 1) as usize {
            index if index < subs.len() => known_subresource(&subs[index]).unwrap_or_default(),
            _ => one(pick, &["status", "scale", "finalize", "nothing"]),
        };
        let path = directory.path(&place.sub(name));
        let mut object = self.object(resource, &place.name);
        match pick(5) {
            0 => raw("GET", path),
            1 => with_json(raw("PUT", path), &object),
            2 => {
                object.set_at(&["status"], body::value(pick, 3));
                with_json(raw("PUT", path), &object)
            }
            3 => {
                let patch = with_json(raw("PATCH", path), &body::value(pick, 3));
                ClientRequest { media: one(pick, PATCH_MEDIA), ..patch }
            }
            _ => with_json(raw("POST", path), &object),
        }
    }

    /// A valid object of a resource; of one that is not stored, the little that all objects have.
    pub fn object(&self, resource: &Kind, name: &str) -> Value {
        let Kind { group, version, plural, .. } = resource;
        let found = self.objects.get(&format!("{group}/{version}/{plural}"));
        let mut object = found.cloned().unwrap_or_else(|| {
            let mut object = Value::empty_map();
            object::set_api_version_and_kind(&mut object, &resource.group_version(), &resource.kind);
            object
        });
        if object::name(&object) == "one" {
            object::set_name(&mut object, name);
        }
        object
    }

    /// A valid object in which a few places have changed.
    fn changed(&self, pick: Pick<'_>, resource: &Kind, name: &str) -> Value {
        let mut object = self.object(resource, name);
        for _ in 0..=pick(3) {
            body::change(pick, &mut object);
        }
        object
    }
}

/// The name of an object where a kind wants a certain form.
fn full_name(resource: &Kind, name: &str) -> String {
    match resource.plural.as_str() {
        "customresourcedefinitions" => "ones.example.com".to_owned(),
        "apiservices" => "v1.one.example.com".to_owned(),
        _ => name.to_owned(),
    }
}

/// What a write's query says.
fn options(pick: Pick<'_>) -> &'static str {
    one(pick, &["", "", "?dryRun=All", "?fieldValidation=Strict", "?fieldValidation=Ignore", "?dryRun=x"])
}

pub(crate) fn raw(method: &str, target: impl Into<String>) -> ClientRequest {
    ClientRequest {
        action: Action::Raw(method.to_owned(), target.into()),
        place: None,
        options: RequestOptions::default(),
        media: "application/json",
        body: Bytes::new(),
        identity: Identity::Admin,
        original: None,
    }
}

fn with_json(ask: ClientRequest, value: &Value) -> ClientRequest {
    ClientRequest { body: json::to_vec(value).into(), ..ask }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choose::{ByteSource, Chooser, Label, Tape};
    use crate::driver::{Driver, open_config};
    use std::collections::BTreeSet;
    use std::sync::Arc;
    use steersman_core::config::Token;
    use steersman_core::config::{JobId, Note};
    use steersman_core::kinds::Registry;
    use steersman_core::machine::Input;
    use steersman_core::value::Text;
    use steersman_core::world::World;

    fn directory() -> Directory {
        let world = World::new(Arc::new(open_config(1)), Arc::new(Registry::builtin()));
        Directory::new(&Arc::new(world))
    }

    #[test]
    fn every_resource_and_every_method_comes_up() {
        let (generator, directory) = (Generator::new(), directory());
        let mut chooser = Chooser::from_seed(5);
        let mut plurals = BTreeSet::new();
        let mut methods = BTreeSet::new();
        for turn in 0..3000 {
            let ask = generator.request(&mut |bound| chooser.pick(Label::Client.of(turn), bound), &directory);
            let Action::Raw(method, target) = ask.action else { panic!("all are raw") };
            methods.insert(method);
            let known = |resource: &&Arc<Kind>| target.contains(&*resource.plural);
            plurals.extend(directory.registry.iter().filter(known).map(|resource| resource.plural.clone()));
        }
        let all: BTreeSet<Text> = directory.registry.iter().map(|resource| resource.plural.clone()).collect();
        assert_eq!(plurals, all);
        assert_eq!(methods.len(), METHODS.len());
    }

    #[test]
    fn an_empty_tape_makes_the_plainest_request() {
        let mut chooser = Chooser::from_tape(&Tape::default());
        let ask =
            Generator::new().request(&mut |bound| chooser.pick(Label::Client.of(0), bound), &directory());
        assert!(matches!(&ask.action, Action::Raw(method, _) if method == "GET"), "{ask:?}");
        assert!(ask.body.is_empty());
    }

    /// What other clients rely on is not touched.
    #[test]
    fn nothing_is_asked_of_other_clients_namespaces() {
        let (generator, directory) = (Generator::new(), directory());
        let mut chooser = Chooser::from_seed(9);
        for turn in 0..3000 {
            let ask = generator.request(&mut |bound| chooser.pick(Label::Client.of(turn), bound), &directory);
            let Action::Raw(method, target) = ask.action else { panic!("all are raw") };
            let others = ["kube-system", "default", "ns-"];
            assert!(
                method == "GET" || !others.iter().any(|other| target.contains(other)),
                "{method} {target}"
            );
        }
    }

    /// Every answer is whole, every error a Status that names its code, and nothing breaks.
    #[test]
    fn any_request_is_answered() {
        let (generator, directory) = (Generator::new(), directory());
        let mut config = open_config(1);
        let groups = Vec::new();
        let token = Token { token: "admin-token".into(), user: "admin".into(), uid: "1".into(), groups };
        config.authentication.tokens.push(token);
        let mut driver = Driver::start(config);
        let mut chooser = Chooser::from_seed(11);
        let mut succeeded = 0;
        let namespace = generator.namespace(&directory);
        driver.request(JobId(1 << 40), namespace.to_request(&directory), namespace.body);
        for turn in 0..1500 {
            let ask = generator.request(&mut |bound| chooser.pick(Label::Client.of(turn), bound), &directory);
            let id = JobId(1 << 32 | turn);
            driver.request(id, ask.to_request(&directory), ask.body.clone());
            if driver.is_open(id) {
                driver.give(Input::Gone(id));
                continue;
            }
            let mut reply = driver.take(id);
            if reply.is_none() {
                driver.pass(4_000);
                reply = driver.take(id);
            }
            let reply = reply.unwrap_or_else(|| panic!("{ask:?} is answered"));
            succeeded += u64::from(reply.status < 300);
            assert!((200..600).contains(&reply.status), "{ask:?}: {}", reply.status);
            let is_json =
                reply.header("content-type").is_some_and(|media| media.starts_with("application/json"));
            if reply.status >= 400 && is_json {
                let status = json::parse(&reply.body).expect("an error is JSON").value;
                let code = status.field("code").and_then(Value::as_int);
                assert_eq!(code, Some(i64::from(reply.status)), "{ask:?}: {}", reply.text());
                // As upstream, a range of addresses that is used up is the server's problem.
                let is_used_up = status.text_at(&["message"]).ends_with("range is full");
                let is_internal = status.text_at(&["reason"]) == "InternalError";
                assert!(!is_internal || is_used_up, "{ask:?}: {}", reply.text());
            }
            let panicked = driver.notes.iter().any(|note| matches!(note, Note::Panicked { .. }));
            assert!(!panicked, "{ask:?}: a step panicked");
            driver.notes.clear();
        }
        assert!(succeeded > 200, "{succeeded} requests of 1500 succeed");
    }

    #[test]
    fn the_bytes_of_a_fuzzer_make_requests() {
        let (generator, directory) = (Generator::new(), directory());
        let mut seen = BTreeSet::new();
        for byte in 0..=255_u8 {
            let mut chooser = Chooser::new(ByteSource::new(vec![byte; 64]));
            let ask = generator.request(&mut |bound| chooser.pick(Label::Client.of(0), bound), &directory);
            seen.insert(format!("{ask:?}"));
        }
        assert!(seen.len() > 100, "{} different requests", seen.len());
    }
}
