//! A client whose user may not use one verb. Such requests must be refused, and others served.

use super::{Client, ClientContext, IDLE_MILLIS, Next};
use crate::client_request::{Action, ClientRequest, Identity, RequestOptions, verb_of};
use crate::directory::{Directory, Place};
use crate::driver::Reply;
use crate::marks::Mark;
use steersman_core::kinds::{self, KindId};

/// A client without one of the rights that others have. Which right it is changes from turn to turn.
#[derive(Clone, Debug)]
pub(super) struct Restricted {
    configmaps: KindId,
    leases: KindId,
    /// The user and the verb of the last request.
    asked: Option<(Identity, Action)>,
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
    fn request(&self, number: u64, context: &ClientContext<'_>) -> ClientRequest {
        let name = format!("restricted-{}", context.turn % 5);
        let collection = Place::collection(self.configmaps, "default");
        let place = collection.named(&name);
        let lease = Place::collection(self.leases, "default").named(&name);
        let object = format!(r#"{{"metadata":{{"name":"{name}"}}}}"#);
        let field = Some(("metadata.name".into(), name.clone()));
        match number {
            0 => ClientRequest::get(&place),
            1 => ClientRequest::list(&collection, RequestOptions { field, ..RequestOptions::default() }),
            2 => ClientRequest::watch(
                &collection,
                RequestOptions { timeout_seconds: Some(1), ..RequestOptions::default() },
            ),
            3 => ClientRequest::create(&collection, object),
            4 => ClientRequest::update(&place, object),
            5 => ClientRequest::merge_patch(&place, format!(r#"{{"data":{{"turn":"{}"}}}}"#, context.turn)),
            6 => ClientRequest::delete(&place, ""),
            7 => ClientRequest::delete_collection(
                &collection,
                RequestOptions { field, ..RequestOptions::default() },
            ),
            // A PUT of a lease creates it if it is absent.
            8 => ClientRequest::update(&lease, object),
            9 => ClientRequest::update(&lease, object)
                .with(RequestOptions { dry_run: true, ..RequestOptions::default() }),
            _ => ClientRequest::delete(&lease, ""),
        }
    }
}

impl Client for Restricted {
    fn kind(&self) -> &'static str {
        "restricted"
    }

    fn wake(&mut self, context: &mut ClientContext<'_>) -> Next {
        if context.calm {
            return Next::Listen;
        }
        let number = match context.pick(REQUESTS + 1) {
            0 => return Next::Sleep(IDLE_MILLIS),
            drawn => drawn - 1,
        };
        let ask = self.request(number, context);
        // One user in two lacks the verb of the request itself.
        let of_request = verb_of(&ask.action).unwrap_or(kinds::Verb::Create);
        let lacks = match context.pick(4) {
            0 | 1 => of_request,
            2 => kinds::Verb::Create,
            _ => context.one_of(&kinds::Verb::ALL),
        };
        let identity = Identity::Without(lacks);
        self.asked = Some((identity, ask.action.clone()));
        ClientRequest { identity, ..ask }.into()
    }

    fn answered(&mut self, reply: &Reply, context: &mut ClientContext<'_>) -> Next {
        let creates = Some((Identity::Without(kinds::Verb::Create), Action::Update));
        match reply.status {
            403 if self.asked == creates => context.mark(Mark::CreationDeniedMidway),
            403 => context.mark(Mark::VerbDenied),
            _ => {}
        }
        if reply.status == 200 && self.asked.as_ref().is_some_and(|(_, verb)| *verb == Action::Watch) {
            return Next::Listen;
        }
        context.pause()
    }

    fn broken(&mut self, context: &mut ClientContext<'_>) -> Next {
        context.pause()
    }
}
