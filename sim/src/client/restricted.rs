//! A client whose user may not use one verb. Such requests must be refused, and others served.

use super::{Client, IDLE_MILLIS, Next, Scene};
use crate::ask::{Ask, Identity, Query, Verb, verb_of};
use crate::directory::{Directory, Place};
use crate::driver::Reply;
use crate::marks::Mark;
use steersman_core::kinds::{self, ResourceId};

/// A client without one of the rights that others have. Which right it is changes from turn to turn.
#[derive(Clone, Debug)]
pub(super) struct Restricted {
    configmaps: ResourceId,
    leases: ResourceId,
    /// The user and the verb of the last request.
    asked: Option<(Identity, Verb)>,
}

/// How many requests `request` knows.
const REQUESTS: u64 = 11;

impl Restricted {
    pub(super) fn new(directory: &Directory) -> Self {
        Self {
            configmaps: directory.find("", "v1", "configmaps"),
            leases: directory.find("coordination.k8s.io", "v1", "leases"),
            asked: None,
        }
    }

    /// The request with this number. Tapes name requests by these numbers, so new ones come last.
    fn request(&self, number: u64, scene: &Scene<'_>) -> Ask {
        let name = format!("restricted-{}", scene.turn % 5);
        let collection = Place::collection(self.configmaps, "default");
        let place = collection.named(&name);
        let lease = Place::collection(self.leases, "default").named(&name);
        let object = format!(r#"{{"metadata":{{"name":"{name}"}}}}"#);
        let field = Some(("metadata.name".into(), name.clone()));
        match number {
            0 => Ask::get(&place),
            1 => Ask::list(&collection, Query { field, ..Query::default() }),
            2 => Ask::watch(&collection, Query { timeout_seconds: Some(1), ..Query::default() }),
            3 => Ask::create(&collection, object),
            4 => Ask::update(&place, object),
            5 => Ask::merge_patch(&place, format!(r#"{{"data":{{"turn":"{}"}}}}"#, scene.turn)),
            6 => Ask::delete(&place, ""),
            7 => Ask::delete_collection(&collection, Query { field, ..Query::default() }),
            // A PUT of a lease creates it if it is absent.
            8 => Ask::update(&lease, object),
            9 => Ask::update(&lease, object).with(Query { dry_run: true, ..Query::default() }),
            _ => Ask::delete(&lease, ""),
        }
    }
}

impl Client for Restricted {
    fn kind(&self) -> &'static str {
        "restricted"
    }

    fn wake(&mut self, scene: &mut Scene<'_>) -> Next {
        if scene.calm {
            return Next::Listen;
        }
        let number = match scene.pick(REQUESTS + 1) {
            0 => return Next::Sleep(IDLE_MILLIS),
            drawn => drawn - 1,
        };
        let ask = self.request(number, scene);
        // One user in two lacks the verb of the request itself.
        let of_request = verb_of(&ask.verb).unwrap_or(kinds::Verb::Create);
        let lacks = match scene.pick(4) {
            0 | 1 => of_request,
            2 => kinds::Verb::Create,
            _ => scene.one_of(&kinds::Verb::ALL),
        };
        let identity = Identity::Without(lacks);
        self.asked = Some((identity, ask.verb.clone()));
        Ask { identity, ..ask }.into()
    }

    fn answered(&mut self, reply: &Reply, scene: &mut Scene<'_>) -> Next {
        let creates = Some((Identity::Without(kinds::Verb::Create), Verb::Update));
        match reply.status {
            403 if self.asked == creates => scene.mark(Mark::CreationDeniedMidway),
            403 => scene.mark(Mark::VerbDenied),
            _ => {}
        }
        if reply.status == 200 && self.asked.as_ref().is_some_and(|(_, verb)| *verb == Verb::Watch) {
            return Next::Listen;
        }
        scene.pause()
    }

    fn broken(&mut self, scene: &mut Scene<'_>) -> Next {
        scene.pause()
    }
}
