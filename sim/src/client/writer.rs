//! A client that creates, reads, changes and deletes a few ConfigMaps, in every way there is.

use super::{Client, IDLE_MILLIS, Next, Scene, reading};
use crate::ask::{Ask, Query, Version};
use crate::directory::{Directory, Place};
use crate::driver::Reply;
use crate::marks::Mark;
use steersman_core::store::Rev;
use steersman_core::value::object;

/// There are few names, so that writers meet on the same objects.
const NAMES: u64 = 5;
const FINALIZER: &str = "example.com/hold";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Read,
    ReadAny,
    ReadNotOlder,
    Create,
    CreateDry,
    Put,
    PutOld,
    PutBlind,
    PutDry,
    MergePatch,
    JsonPatch,
    StrategicPatch,
    AddFinalizer,
    DropFinalizers,
    Delete,
    DeleteUid,
    DeleteVersion,
    DeletePolicy(&'static str),
    DeleteDry,
    DeleteCollection,
}

/// The operations. One that is listed more often is drawn more often.
const OPERATIONS: &[Operation] = &[
    Operation::Create,
    Operation::Create,
    Operation::Create,
    Operation::Read,
    Operation::Read,
    Operation::ReadAny,
    Operation::ReadNotOlder,
    Operation::MergePatch,
    Operation::MergePatch,
    Operation::JsonPatch,
    Operation::StrategicPatch,
    Operation::Put,
    Operation::Put,
    Operation::PutOld,
    Operation::PutBlind,
    Operation::Delete,
    Operation::Delete,
    Operation::DeleteUid,
    Operation::DeleteVersion,
    Operation::DeletePolicy("Background"),
    Operation::DeletePolicy("Foreground"),
    Operation::DeletePolicy("Orphan"),
    Operation::AddFinalizer,
    Operation::DropFinalizers,
    Operation::DropFinalizers,
    Operation::DeleteCollection,
    Operation::CreateDry,
    Operation::PutDry,
    Operation::DeleteDry,
];

/// One of several writers of the same objects.
#[derive(Clone, Debug)]
pub(super) struct Writer {
    number: u64,
    collection: Place,
    /// Removes finalizers.
    releases: bool,
}

impl Writer {
    pub(super) fn new(directory: &Directory, number: u64) -> Self {
        let collection = Place::collection(directory.find("", "v1", "configmaps"), "default");
        Self { number, collection, releases: false }
    }

    fn ask(&self, operation: Operation, name: u64, scene: &Scene<'_>) -> Ask {
        let place = self.collection.named(&format!("c{name}"));
        let held = scene.held(&place);
        let current = held.map_or(Rev(0), |stored| stored.revision);
        let dry = Query { dry_run: true, ..Query::default() };
        let version = |version| Query { version, ..Query::default() };
        let put = |revision: Rev| Ask::update(&place, self.object(&place.name, revision, scene.turn));
        let patched = self.patched(scene.turn);
        match operation {
            Operation::Read => Ask::get(&place),
            Operation::ReadAny => Ask::get(&place).with(version(Version::Any)),
            Operation::ReadNotOlder => {
                let revision = scene.truth.revision().max(Rev(1));
                Ask::get(&place).with(version(Version::NotOlderThan(revision)))
            }
            Operation::Create => self.create(&place, scene.turn),
            Operation::CreateDry => self.create(&place, scene.turn).with(dry),
            Operation::Put => put(current),
            Operation::PutDry => put(current).with(dry),
            Operation::PutBlind => put(Rev(0)),
            Operation::PutOld => {
                let key = scene.directory.key(&place).unwrap_or_default();
                let before = scene.truth.at(&key, Rev(current.0.saturating_sub(1)));
                put(before.map_or(current, |stored| stored.revision))
            }
            Operation::MergePatch => Ask::merge_patch(&place, patched),
            Operation::StrategicPatch => Ask::strategic_patch(&place, patched),
            Operation::JsonPatch => Ask::json_patch(
                &place,
                format!(
                    r#"[{{"op":"test","path":"/kind","value":"ConfigMap"}},{{"op":"add","path":"/data","value":{{"by":"{}"}}}}]"#,
                    self.signature(scene.turn)
                ),
            ),
            Operation::AddFinalizer => {
                Ask::merge_patch(&place, format!(r#"{{"metadata":{{"finalizers":["{FINALIZER}"]}}}}"#))
            }
            Operation::DropFinalizers => Ask::merge_patch(&place, r#"{"metadata":{"finalizers":null}}"#),
            Operation::Delete => Ask::delete(&place, ""),
            Operation::DeleteUid => {
                let uid = held.map_or("none", |stored| object::uid(&stored.object));
                Ask::delete(&place, preconditions("uid", uid))
            }
            Operation::DeleteVersion => {
                Ask::delete(&place, preconditions("resourceVersion", &current.0.to_string()))
            }
            Operation::DeletePolicy(propagation) => {
                Ask::delete(&place, "").with(Query { propagation, ..Query::default() })
            }
            Operation::DeleteDry => Ask::delete(&place, "").with(dry),
            Operation::DeleteCollection => {
                let label = Some(("parity".into(), (name % 2).to_string()));
                Ask::delete_collection(&self.collection, Query { label, ..Query::default() })
            }
        }
    }

    /// A text that differs in every write, so that its effect can be recognised.
    fn signature(&self, turn: u64) -> String {
        format!("writer-{}-{turn}", self.number)
    }

    fn create(&self, place: &Place, turn: u64) -> Ask {
        Ask::create(&self.collection, self.object(&place.name, Rev(0), turn))
    }

    /// An object that names a resource version, or none.
    fn object(&self, name: &str, revision: Rev, turn: u64) -> String {
        let parity = turn % 2;
        let version = match revision {
            Rev(0) => String::new(),
            Rev(number) => format!(r#","resourceVersion":"{number}""#),
        };
        format!(
            r#"{{"metadata":{{"name":"{name}","labels":{{"parity":"{parity}"}}{version}}},"data":{{"by":"{}"}}}}"#,
            self.signature(turn)
        )
    }

    fn patched(&self, turn: u64) -> String {
        let parity = turn / 2 % 2;
        let by = self.signature(turn);
        format!(r#"{{"metadata":{{"labels":{{"parity":"{parity}"}}}},"data":{{"patched":"{by}"}}}}"#)
    }
}

fn preconditions(name: &str, value: &str) -> String {
    format!(r#"{{"kind":"DeleteOptions","apiVersion":"v1","preconditions":{{"{name}":"{value}"}}}}"#)
}

impl Client for Writer {
    fn kind(&self) -> &'static str {
        "writer"
    }

    fn wake(&mut self, scene: &mut Scene<'_>) -> Next {
        if scene.calm {
            return Next::Listen;
        }
        let Some(drawn) = scene.pick(NAMES * OPERATIONS.len() as u64 + 1).checked_sub(1) else {
            return Next::Sleep(IDLE_MILLIS);
        };
        let operation = OPERATIONS[(drawn / NAMES) as usize];
        self.releases = operation == Operation::DropFinalizers;
        self.ask(operation, drawn % NAMES, scene).into()
    }

    fn answered(&mut self, reply: &Reply, scene: &mut Scene<'_>) -> Next {
        if self.releases && reply.status == 200 && object::is_being_deleted(&reading::body(reply)) {
            scene.mark(Mark::FinalizerReleased);
        }
        scene.pause()
    }

    fn broken(&mut self, scene: &mut Scene<'_>) -> Next {
        scene.pause()
    }
}
