//! A garbage collector. It deletes dependents whose owners are gone, and removes the finalizers of owners that wait
//! for their dependents. It also creates and deletes owners and dependents itself.
//! k8s: pkg/controller/garbagecollector/garbagecollector.go

use super::{Client, ClientContext, IDLE_MILLIS, Next, reading, selection};
use crate::check::{Guarantee, Violation};
use crate::client_request::{ClientRequest, RequestOptions};
use crate::directory::{Directory, Place};
use crate::driver::Reply;
use crate::marks::Mark;
use std::collections::{BTreeSet, VecDeque};
use steersman_core::codec::json;
use steersman_core::value::{Text, Value, object};

const NAMES: u64 = 3;
const ORPHAN: &str = "orphan";
const FOREGROUND: &str = "foregroundDeletion";
/// The pause after a pass that found nothing to do.
const REST_MILLIS: u64 = 2000;

/// A collector of the ConfigMaps of one namespace.
#[derive(Clone, Debug)]
pub(super) struct Collector {
    collection: Place,
    /// What the last list requires to be done, in order.
    work: VecDeque<Item>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    CreateOwner,
    CreateDependent,
    DeleteOwner(&'static str),
    Collect,
}

const OPERATIONS: &[Operation] = &[
    Operation::CreateOwner,
    Operation::CreateDependent,
    Operation::CreateDependent,
    Operation::DeleteOwner("Background"),
    Operation::DeleteOwner("Foreground"),
    Operation::DeleteOwner("Orphan"),
    Operation::Collect,
    Operation::Collect,
];

/// One thing that a list requires to be done.
#[derive(Clone, Debug)]
enum Item {
    /// None of the owners was listed. They are read one by one, and the dependent is deleted if none exists.
    Lost { dependent: Text, uid: Text, owners: Vec<(Text, Text)> },
    /// The owner waits for its dependents to be deleted.
    Delete { dependent: Text, uid: Text },
    /// The owner orphans its dependents: its reference is removed from them. An owner without dependents loses its
    /// finalizer.
    Patch { name: Text, body: Vec<u8> },
}

#[derive(Clone, Debug)]
enum State {
    Idle,
    /// Creates or deletes an object of its own.
    Acting,
    Listing,
    /// Reads an owner, to compare its uid.
    Checking {
        dependent: Text,
        uid: Text,
        owner: Text,
        rest: Vec<(Text, Text)>,
    },
    /// Deletes a dependent that has no owner.
    Collecting,
    Working,
}

impl Collector {
    pub(super) fn new(directory: &Directory) -> Self {
        let collection = Place::collection(directory.find("", "v1", "configmaps"), "default");
        Self { collection, work: VecDeque::new(), state: State::Idle }
    }

    fn list(&mut self) -> Next {
        self.state = State::Listing;
        ClientRequest::list(&self.collection, RequestOptions::default()).into()
    }

    fn act(&mut self, operation: Operation, name: u64, context: &ClientContext<'_>) -> Next {
        self.state = State::Acting;
        let owner = self.collection.named(&format!("owner-{name}"));
        match operation {
            Operation::Collect => self.list(),
            Operation::CreateOwner => ClientRequest::create(
                &self.collection,
                format!(r#"{{"metadata":{{"name":"{}"}}}}"#, owner.name),
            )
            .into(),
            Operation::CreateDependent => {
                // If the owner does not exist, the dependent is created without one.
                let uid = context.held(&owner).map_or("gone", |held| object::uid(&held.object));
                let body = format!(
                    r#"{{"metadata":{{"name":"dependent-{name}-{}","ownerReferences":[{{"apiVersion":"v1","kind":"ConfigMap","name":"{}","uid":"{uid}","blockOwnerDeletion":true}}]}}}}"#,
                    context.turn % 2,
                    owner.name
                );
                ClientRequest::create(&self.collection, body).into()
            }
            Operation::DeleteOwner(propagation) => ClientRequest::delete(&owner, "")
                .with(RequestOptions { propagation, ..RequestOptions::default() })
                .into(),
        }
    }

    /// Does the next thing that the last list requires, or pauses.
    fn next(&mut self, context: &mut ClientContext<'_>) -> Next {
        match self.work.pop_front() {
            None => {
                self.state = State::Idle;
                if context.calm { Next::Sleep(REST_MILLIS) } else { context.pause() }
            }
            Some(Item::Lost { dependent, uid, owners }) => self.check(dependent, uid, owners),
            Some(Item::Delete { dependent, uid }) => self.delete(&dependent, &uid, State::Working),
            Some(Item::Patch { name, body }) => {
                self.state = State::Working;
                ClientRequest::merge_patch(&self.collection.named(&name), body).into()
            }
        }
    }

    /// Reads the next owner, or deletes the dependent if no owner is left to be read.
    fn check(&mut self, dependent: Text, uid: Text, mut rest: Vec<(Text, Text)>) -> Next {
        let Some((name, owner)) = rest.pop() else {
            return self.delete(&dependent, &uid, State::Collecting);
        };
        self.state = State::Checking { dependent, uid, owner, rest };
        ClientRequest::get(&self.collection.named(&name)).into()
    }

    fn delete(&mut self, dependent: &str, uid: &str, state: State) -> Next {
        self.state = state;
        let body = format!(
            r#"{{"kind":"DeleteOptions","apiVersion":"v1","preconditions":{{"uid":"{uid}"}},"propagationPolicy":"Background"}}"#
        );
        ClientRequest::delete(&self.collection.named(dependent), body).into()
    }
}

/// What the objects of a list require to be done.
fn plan(objects: &[Value]) -> VecDeque<Item> {
    let uids: BTreeSet<&str> = objects.iter().map(object::uid).collect();
    let mut work = VecDeque::new();
    for held in objects {
        let waits = object::is_being_deleted(held);
        if waits && object::has_finalizer(held, FOREGROUND) {
            let mut any = false;
            for dependent in dependents(objects, held) {
                any = true;
                if !object::is_being_deleted(dependent) {
                    let uid = object::uid(dependent).into();
                    work.push_back(Item::Delete { dependent: object::name(dependent).into(), uid });
                }
            }
            if !any {
                work.push_back(release(held, FOREGROUND));
            }
        } else if waits && object::has_finalizer(held, ORPHAN) {
            work.extend(dependents(objects, held).map(|dependent| forget(dependent, object::uid(held))));
            if dependents(objects, held).next().is_none() {
                work.push_back(release(held, ORPHAN));
            }
        } else if !waits && is_lost(held, &uids) {
            let owners = object::owner_references(held);
            let owners = owners.map(|owner| (owner.name.into(), owner.uid.into())).collect();
            let (dependent, uid) = (object::name(held).into(), object::uid(held).into());
            work.push_back(Item::Lost { dependent, uid, owners });
        }
    }
    work
}

fn dependents<'a>(objects: &'a [Value], owner: &'a Value) -> impl Iterator<Item = &'a Value> {
    let uid = object::uid(owner);
    objects.iter().filter(move |held| object::owner_references(held).any(|reference| reference.uid == uid))
}

/// Whether an object has owners and none of them was listed.
fn is_lost(held: &Value, uids: &BTreeSet<&str>) -> bool {
    object::owner_references(held).next().is_some()
        && object::owner_references(held).all(|owner| !uids.contains(owner.uid))
}

/// Removes a finalizer, if the object has not changed since it was listed.
fn release(held: &Value, finalizer: &str) -> Item {
    let left: Vec<Value> =
        object::finalizers(held).filter(|name| *name != finalizer).map(Value::from).collect();
    patch(held, "finalizers", left)
}

/// Removes the reference to an owner, if the object has not changed since it was listed.
fn forget(held: &Value, owner: &str) -> Item {
    let all = held.at(&["metadata", "ownerReferences"]).and_then(Value::as_list).unwrap_or_default();
    let left: Vec<Value> =
        all.iter().filter(|reference| reference.text_at(&["uid"]) != owner).cloned().collect();
    patch(held, "ownerReferences", left)
}

fn patch(held: &Value, field: &str, list: Vec<Value>) -> Item {
    let mut body = Value::empty_map();
    body.set_at(&["metadata", "uid"], object::uid(held).into());
    body.set_at(&["metadata", "resourceVersion"], object::resource_version(held).into());
    body.set_at(&["metadata", field], list.into());
    Item::Patch { name: object::name(held).into(), body: json::to_vec(&body) }
}

impl Client for Collector {
    fn kind(&self) -> &'static str {
        "collector"
    }

    fn wake(&mut self, context: &mut ClientContext<'_>) -> Next {
        self.work.clear();
        if context.calm {
            return self.list();
        }
        match context.pick(NAMES * OPERATIONS.len() as u64 + 1).checked_sub(1) {
            None => Next::Sleep(IDLE_MILLIS),
            Some(drawn) => self.act(OPERATIONS[(drawn / NAMES) as usize], drawn % NAMES, context),
        }
    }

    fn answered(&mut self, reply: &Reply, context: &mut ClientContext<'_>) -> Next {
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Idle | State::Acting => return context.pause(),
            State::Listing if reply.status == 200 => {
                self.work = plan(reading::items(&reading::body(reply)));
            }
            State::Checking { dependent, uid, owner, rest } => {
                let held = reading::body(reply);
                let is_absent = reply.status == 404 || reply.status == 200 && object::uid(&held) != owner;
                if is_absent {
                    return self.check(dependent, uid, rest);
                }
            }
            State::Collecting if reply.status == 200 => context.mark(Mark::OrphanCollected),
            State::Listing | State::Collecting | State::Working => {}
        }
        self.next(context)
    }

    fn broken(&mut self, context: &mut ClientContext<'_>) -> Next {
        self.work.clear();
        self.state = State::Idle;
        context.pause()
    }

    /// At the end no dependent is without its owner, and no owner waits without reason.
    fn settled(&self, context: &ClientContext<'_>) -> Result<(), Violation> {
        let ask = ClientRequest::list(&self.collection, RequestOptions::default());
        let held = selection::selected(context.truth, context.directory, &ask, context.truth.revision());
        let objects: Vec<Value> = held.values().map(|stored| stored.object.clone()).collect();
        let uids: BTreeSet<&str> = objects.iter().map(object::uid).collect();
        for held in &objects {
            let name = object::name(held);
            let waits = object::is_being_deleted(held);
            if !waits && is_lost(held, &uids) {
                let why = format!("{name} has lost its owner and is still there");
                return Err(Violation::new(Guarantee::EverybodyConverges, why));
            }
            let collected =
                |held: &Value| object::has_finalizer(held, FOREGROUND) || object::has_finalizer(held, ORPHAN);
            // A dependent with another finalizer keeps its owner waiting.
            let is_kept =
                dependents(&objects, held).any(|held| object::is_being_deleted(held) && !collected(held));
            if waits && collected(held) && !is_kept {
                let why = format!("{name} waits for a collection that does not come");
                return Err(Violation::new(Guarantee::EverybodyConverges, why));
            }
        }
        Ok(())
    }
}
