//! A client that writes Events, which expire, and counts repeated ones by updating them.
//! k8s: staging/src/k8s.io/client-go/tools/record

use super::{Client, ClientContext, IDLE_MILLIS, Next};
use crate::client_request::ClientRequest;
use crate::directory::{Directory, Place};
use crate::driver::Reply;

const NAMES: u64 = 3;

/// One of several writers of events.
#[derive(Clone, Debug)]
pub(super) struct EventRecorder {
    number: u64,
    events: Place,
}

impl EventRecorder {
    pub(super) fn new(directory: &Directory, number: u64) -> Self {
        Self { number, events: Place::collection(directory.find("", "v1", "events"), "default") }
    }

    fn object(&self, name: &str, turn: u64) -> String {
        format!(
            r#"{{"metadata":{{{name}}},"involvedObject":{{"apiVersion":"v1","kind":"ConfigMap","namespace":"default","name":"c0"}},"reason":"Recorded","message":"recorder-{}-{turn}","type":"Normal","count":1,"firstTimestamp":"2026-01-01T00:00:00Z"}}"#,
            self.number
        )
    }
}

impl Client for EventRecorder {
    fn kind(&self) -> &'static str {
        "recorder"
    }

    fn wake(&mut self, context: &mut ClientContext<'_>) -> Next {
        if context.calm {
            return Next::Listen;
        }
        let Some(drawn) = context.pick(4 * NAMES + 1).checked_sub(1) else {
            return Next::Sleep(IDLE_MILLIS);
        };
        let place = self.events.named(&format!("e{}", drawn % NAMES));
        let named = format!(r#""name":"{}""#, place.name);
        match drawn / NAMES {
            0 => ClientRequest::create(&self.events, self.object(&named, context.turn)).into(),
            1 => ClientRequest::create(&self.events, self.object(r#""generateName":"g-""#, context.turn))
                .into(),
            // An update may create an event that does not exist.
            2 => ClientRequest::update(&place, self.object(&named, context.turn)).into(),
            _ => {
                let patch = format!(r#"{{"count":{},"lastTimestamp":"2026-01-02T00:00:00Z"}}"#, context.turn);
                ClientRequest::strategic_patch(&place, patch).into()
            }
        }
    }

    fn answered(&mut self, _: &Reply, context: &mut ClientContext<'_>) -> Next {
        context.pause()
    }

    fn broken(&mut self, context: &mut ClientContext<'_>) -> Next {
        context.pause()
    }
}
