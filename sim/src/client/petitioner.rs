//! A client whose users may do only what a webhook authorizer allows, request by request.

use super::{Client, ClientContext, IDLE_MILLIS, Next};
use crate::client_request::{ClientRequest, Identity};
use crate::directory::{Directory, Place};
use crate::driver::Reply;
use crate::users::JUDGED;

/// Objects have one of so many names.
const NAMES: u64 = 3;
/// How many requests `ask` knows. Tapes name them by their numbers, so new ones come last.
const REQUESTS: u64 = 5;

/// A client that asks for what its authorizer may allow.
#[derive(Clone, Debug)]
pub(super) struct Petitioner {
    config_maps: Place,
}

impl Petitioner {
    pub(super) fn new(directory: &Directory) -> Self {
        Self { config_maps: Place::collection(directory.find("", "v1", "configmaps"), "default") }
    }

    fn ask(&self, request: u64, name: &str, turn: u64) -> ClientRequest {
        let place = self.config_maps.named(name);
        match request {
            0 => ClientRequest::create(&self.config_maps, format!(r#"{{"metadata":{{"name":"{name}"}}}}"#)),
            1 => ClientRequest::get(&place),
            2 => ClientRequest::merge_patch(&place, format!(r#"{{"data":{{"turn":"{turn}"}}}}"#)),
            3 => ClientRequest::list(&self.config_maps, Default::default()),
            _ => ClientRequest::delete(&place, ""),
        }
    }
}

impl Client for Petitioner {
    fn kind(&self) -> &'static str {
        "petitioner"
    }

    fn wake(&mut self, context: &mut ClientContext<'_>) -> Next {
        if context.calm {
            return Next::Listen;
        }
        let Some(drawn) = context.pick(NAMES * REQUESTS + 1).checked_sub(1) else {
            return Next::Sleep(IDLE_MILLIS);
        };
        let name = format!("petition-{}", drawn % NAMES);
        let identity = Identity::Judged(context.pick(JUDGED.into()) as u8);
        ClientRequest { identity, ..self.ask(drawn / NAMES, &name, context.turn) }.into()
    }

    fn answered(&mut self, _reply: &Reply, context: &mut ClientContext<'_>) -> Next {
        context.pause()
    }

    fn broken(&mut self, context: &mut ClientContext<'_>) -> Next {
        context.pause()
    }
}
