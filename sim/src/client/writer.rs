//! A client that creates, reads, changes and deletes a few ConfigMaps, in every way there is.

use super::{Client, ClientContext, IDLE_MILLIS, Next, reading};
use crate::client_request::{ClientRequest, RequestOptions, VersionChoice};
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

    fn ask(&self, operation: Operation, name: u64, context: &ClientContext<'_>) -> ClientRequest {
        let place = self.collection.named(&format!("c{name}"));
        let held = context.held(&place);
        let current = held.map_or(Rev(0), |stored| stored.revision);
        let dry = RequestOptions { dry_run: true, ..RequestOptions::default() };
        let version = |version| RequestOptions { version, ..RequestOptions::default() };
        let put =
            |revision: Rev| ClientRequest::update(&place, self.object(&place.name, revision, context.turn));
        let patched = self.patched(context.turn);
        match operation {
            Operation::Read => ClientRequest::get(&place),
            Operation::ReadAny => ClientRequest::get(&place).with(version(VersionChoice::Any)),
            Operation::ReadNotOlder => {
                let revision = context.truth.revision().max(Rev(1));
                ClientRequest::get(&place).with(version(VersionChoice::NotOlderThan(revision)))
            }
            Operation::Create => self.create(&place, context.turn),
            Operation::CreateDry => self.create(&place, context.turn).with(dry),
            Operation::Put => put(current),
            Operation::PutDry => put(current).with(dry),
            Operation::PutBlind => put(Rev(0)),
            Operation::PutOld => {
                let key = context.directory.key(&place).unwrap_or_default();
                let before = context.truth.at(&key, Rev(current.0.saturating_sub(1)));
                put(before.map_or(current, |stored| stored.revision))
            }
            Operation::MergePatch => ClientRequest::merge_patch(&place, patched),
            Operation::StrategicPatch => ClientRequest::strategic_patch(&place, patched),
            Operation::JsonPatch => ClientRequest::json_patch(
                &place,
                format!(
                    r#"[{{"op":"test","path":"/kind","value":"ConfigMap"}},{{"op":"add","path":"/data","value":{{"by":"{}"}}}}]"#,
                    self.signature(context.turn)
                ),
            ),
            Operation::AddFinalizer => ClientRequest::merge_patch(
                &place,
                format!(r#"{{"metadata":{{"finalizers":["{FINALIZER}"]}}}}"#),
            ),
            Operation::DropFinalizers => {
                ClientRequest::merge_patch(&place, r#"{"metadata":{"finalizers":null}}"#)
            }
            Operation::Delete => ClientRequest::delete(&place, ""),
            Operation::DeleteUid => {
                let uid = held.map_or("none", |stored| object::uid(&stored.object));
                ClientRequest::delete(&place, preconditions("uid", uid))
            }
            Operation::DeleteVersion => {
                ClientRequest::delete(&place, preconditions("resourceVersion", &current.0.to_string()))
            }
            Operation::DeletePolicy(propagation) => ClientRequest::delete(&place, "")
                .with(RequestOptions { propagation, ..RequestOptions::default() }),
            Operation::DeleteDry => ClientRequest::delete(&place, "").with(dry),
            Operation::DeleteCollection => {
                let label = Some(("parity".into(), (name % 2).to_string()));
                ClientRequest::delete_collection(
                    &self.collection,
                    RequestOptions { label, ..RequestOptions::default() },
                )
            }
        }
    }

    /// A text that differs in every write, so that its effect can be recognised.
    fn signature(&self, turn: u64) -> String {
        format!("writer-{}-{turn}", self.number)
    }

    fn create(&self, place: &Place, turn: u64) -> ClientRequest {
        ClientRequest::create(&self.collection, self.object(&place.name, Rev(0), turn))
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

    fn wake(&mut self, context: &mut ClientContext<'_>) -> Next {
        if context.calm {
            return Next::Listen;
        }
        let Some(drawn) = context.pick(NAMES * OPERATIONS.len() as u64 + 1).checked_sub(1) else {
            return Next::Sleep(IDLE_MILLIS);
        };
        let operation = OPERATIONS[(drawn / NAMES) as usize];
        self.releases = operation == Operation::DropFinalizers;
        self.ask(operation, drawn % NAMES, context).into()
    }

    fn answered(&mut self, reply: &Reply, context: &mut ClientContext<'_>) -> Next {
        if self.releases && reply.status == 200 && object::is_being_deleted(&reading::body(reply)) {
            context.mark(Mark::FinalizerReleased);
        }
        context.pause()
    }

    fn broken(&mut self, context: &mut ClientContext<'_>) -> Next {
        context.pause()
    }
}
