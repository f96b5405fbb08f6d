//! A namespace controller: it creates and deletes namespaces, and for each namespace that is being deleted it deletes
//! the content and then removes the finalizer.
//! k8s: pkg/controller/namespace/deletion/namespaced_resources_deleter.go

use super::{Client, ClientContext, IDLE_MILLIS, Next, reading, selection};
use crate::check::{Guarantee, Violation};
use crate::client_request::{ClientRequest, RequestOptions};
use crate::directory::{Directory, Place};
use crate::driver::Reply;
use crate::marks::Mark;
use std::collections::VecDeque;
use steersman_core::codec::json;
use steersman_core::kinds::KindId;
use steersman_core::value::{Text, Value, object};

const NAMES: u64 = 3;
const FINALIZER: &str = "kubernetes";
/// The pause between two passes once faults have ended.
const REST_MILLIS: u64 = 1000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Create,
    /// Creates an object in it.
    Fill,
    Delete,
    /// Handles all namespaces that are being deleted.
    Tend,
}

const OPERATIONS: &[Operation] = &[
    Operation::Create,
    Operation::Create,
    Operation::Fill,
    Operation::Fill,
    Operation::Delete,
    Operation::Tend,
    Operation::Tend,
];

/// A controller of namespaces that have ConfigMaps in them.
#[derive(Clone, Debug)]
pub(super) struct NamespaceDeleter {
    namespaces: Place,
    configmaps: KindId,
    /// Namespaces that are being deleted and were not handled in this pass.
    left: VecDeque<Text>,
    state: State,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Idle,
    Listing,
    /// Deletes the content of a namespace.
    Emptying(Text),
    /// Lists the content of a namespace, to see whether it is empty.
    Looking(Text),
    Reading(Text),
    Finalizing,
}

impl NamespaceDeleter {
    pub(super) fn new(directory: &Directory) -> Self {
        Self {
            namespaces: Place::collection(directory.find("", "v1", "namespaces"), ""),
            configmaps: directory.find("", "v1", "configmaps"),
            left: VecDeque::new(),
            state: State::Idle,
        }
    }

    fn content(&self, namespace: &str) -> Place {
        Place::collection(self.configmaps, namespace)
    }

    fn list(&mut self) -> Next {
        self.state = State::Listing;
        ClientRequest::list(&self.namespaces, RequestOptions::default()).into()
    }

    fn act(&mut self, operation: Operation, name: &str, turn: u64) -> Next {
        self.state = State::Idle;
        match operation {
            Operation::Create => {
                let body = format!(r#"{{"metadata":{{"name":"{name}"}}}}"#);
                ClientRequest::create(&self.namespaces, body).into()
            }
            Operation::Fill => {
                let parity = turn % 2;
                let body =
                    format!(r#"{{"metadata":{{"name":"x{}","labels":{{"parity":"{parity}"}}}}}}"#, turn % 3);
                ClientRequest::create(&self.content(name), body).into()
            }
            Operation::Delete => ClientRequest::delete(&self.namespaces.named(name), "").into(),
            Operation::Tend => self.list(),
        }
    }

    /// Continues with the next namespace, or pauses.
    fn next(&mut self, context: &mut ClientContext<'_>) -> Next {
        match self.left.pop_front() {
            Some(name) => {
                let ask = ClientRequest::delete_collection(&self.content(&name), RequestOptions::default());
                self.state = State::Emptying(name);
                ask.into()
            }
            None => {
                self.state = State::Idle;
                if context.calm { Next::Sleep(REST_MILLIS) } else { context.pause() }
            }
        }
    }

    /// Updates the namespace without the finalizer that protects its content.
    fn finalize(&mut self, mut namespace: Value) -> Next {
        let left: Vec<Value> = spec_finalizers(&namespace)
            .iter()
            .filter(|name| name.as_str() != Some(FINALIZER))
            .cloned()
            .collect();
        namespace.set_at(&["spec", "finalizers"], left.into());
        let place = self.namespaces.named(object::name(&namespace)).sub("finalize");
        self.state = State::Finalizing;
        ClientRequest::update(&place, json::to_vec(&namespace)).into()
    }
}

fn spec_finalizers(namespace: &Value) -> &[Value] {
    namespace.at(&["spec", "finalizers"]).and_then(Value::as_list).unwrap_or_default()
}

/// Whether a namespace is being deleted and still has the finalizer.
fn waits(namespace: &Value) -> bool {
    let finalizers = spec_finalizers(namespace);
    object::is_being_deleted(namespace) && finalizers.iter().any(|name| name.as_str() == Some(FINALIZER))
}

impl Client for NamespaceDeleter {
    fn kind(&self) -> &'static str {
        "namespace-deleter"
    }

    fn wake(&mut self, context: &mut ClientContext<'_>) -> Next {
        self.left.clear();
        if context.calm {
            return self.list();
        }
        match context.pick(NAMES * OPERATIONS.len() as u64 + 1).checked_sub(1) {
            None => Next::Sleep(IDLE_MILLIS),
            Some(drawn) => {
                let name = format!("ns-{}", drawn % NAMES);
                self.act(OPERATIONS[(drawn / NAMES) as usize], &name, context.turn)
            }
        }
    }

    fn answered(&mut self, reply: &Reply, context: &mut ClientContext<'_>) -> Next {
        match (std::mem::replace(&mut self.state, State::Idle), reply.status) {
            (State::Listing, 200) => {
                let list = reading::body(reply);
                let waiting = reading::items(&list).iter().filter(|namespace| waits(namespace));
                self.left = waiting.map(|namespace| object::name(namespace).into()).collect();
            }
            (State::Emptying(name), 200) => {
                let ask = ClientRequest::list(
                    &self.content(&name),
                    RequestOptions { limit: 1, ..RequestOptions::default() },
                );
                self.state = State::Looking(name);
                return ask.into();
            }
            (State::Looking(name), 200) if reading::items(&reading::body(reply)).is_empty() => {
                let ask = ClientRequest::get(&self.namespaces.named(&name));
                self.state = State::Reading(name);
                return ask.into();
            }
            (State::Reading(_), 200) => {
                let namespace = reading::body(reply);
                if waits(&namespace) {
                    return self.finalize(namespace);
                }
            }
            (State::Finalizing, 200) => context.mark(Mark::NamespaceGone),
            (
                State::Idle
                | State::Listing
                | State::Emptying(_)
                | State::Looking(_)
                | State::Reading(_)
                | State::Finalizing,
                _,
            ) => {}
        }
        self.next(context)
    }

    fn broken(&mut self, context: &mut ClientContext<'_>) -> Next {
        self.left.clear();
        self.state = State::Idle;
        context.pause()
    }

    /// At the end no namespace waits for this client.
    fn settled(&self, context: &ClientContext<'_>) -> Result<(), Violation> {
        let ask = ClientRequest::list(&self.namespaces, RequestOptions::default());
        let held = selection::selected(context.truth, context.directory, &ask, context.truth.revision());
        match held.values().find(|stored| waits(&stored.object)) {
            None => Ok(()),
            Some(stored) => {
                let why = format!("namespace {} is not let go", object::name(&stored.object));
                Err(Violation::new(Guarantee::EverybodyConverges, why))
            }
        }
    }
}
