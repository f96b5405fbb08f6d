//! A client that writes Events, which expire, and counts repeated ones by updating them.
//! k8s: staging/src/k8s.io/client-go/tools/record

use super::{Client, IDLE_MILLIS, Next, Scene};
use crate::ask::Ask;
use crate::directory::{Directory, Place};
use crate::driver::Reply;

const NAMES: u64 = 3;

/// One of several writers of events.
#[derive(Clone, Debug)]
pub(super) struct Recorder {
    number: u64,
    events: Place,
}

impl Recorder {
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

impl Client for Recorder {
    fn kind(&self) -> &'static str {
        "recorder"
    }

    fn wake(&mut self, scene: &mut Scene<'_>) -> Next {
        if scene.calm {
            return Next::Listen;
        }
        let Some(drawn) = scene.pick(4 * NAMES + 1).checked_sub(1) else {
            return Next::Sleep(IDLE_MILLIS);
        };
        let place = self.events.named(&format!("e{}", drawn % NAMES));
        let named = format!(r#""name":"{}""#, place.name);
        match drawn / NAMES {
            0 => Ask::create(&self.events, self.object(&named, scene.turn)).into(),
            1 => Ask::create(&self.events, self.object(r#""generateName":"g-""#, scene.turn)).into(),
            // An update may create an event that does not exist.
            2 => Ask::update(&place, self.object(&named, scene.turn)).into(),
            _ => {
                let patch = format!(r#"{{"count":{},"lastTimestamp":"2026-01-02T00:00:00Z"}}"#, scene.turn);
                Ask::strategic_patch(&place, patch).into()
            }
        }
    }

    fn answered(&mut self, _: &Reply, scene: &mut Scene<'_>) -> Next {
        scene.pause()
    }

    fn broken(&mut self, scene: &mut Scene<'_>) -> Next {
        scene.pause()
    }
}
