//! A client that applies its part of an object that others apply to as well, and sometimes takes their fields over.

use super::{Client, ClientContext, IDLE_MILLIS, Next};
use crate::client_request::{ClientRequest, RequestOptions};
use crate::directory::{Directory, Place};
use crate::driver::Reply;
use crate::marks::Mark;

/// Few fields and values, so that co-writers meet, and agree now and then.
const FIELDS: u64 = 4;
const VALUES: u64 = 3;

/// One of several co-writers of one object.
#[derive(Clone, Debug)]
pub(super) struct CoWriter {
    number: u64,
    place: Place,
    state: State,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Idle,
    /// A configuration is being applied.
    Applying {
        configuration: String,
        force: bool,
    },
}

impl CoWriter {
    pub(super) fn new(directory: &Directory, number: u64) -> Self {
        let place = Place::collection(directory.find("", "v1", "configmaps"), "default").named("shared");
        Self { number, place, state: State::Idle }
    }

    fn options(&self, force: bool) -> RequestOptions {
        RequestOptions { manager: format!("co-writer-{}", self.number), force, ..RequestOptions::default() }
    }

    fn apply(&mut self, configuration: String, force: bool) -> Next {
        let ask = ClientRequest::apply(&self.place, configuration.clone()).with(self.options(force));
        self.state = State::Applying { configuration, force };
        ask.into()
    }

    /// A configuration of some of the fields.
    fn configuration(drawn: u64) -> String {
        let fields = (0..FIELDS).filter(|field| drawn >> field & 1 == 1);
        let value = (drawn >> FIELDS) % VALUES;
        let fields: Vec<String> = fields.map(|field| format!(r#""f{field}":"v{value}""#)).collect();
        let fields = fields.join(",");
        format!(
            r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"shared"}},"data":{{{fields}}}}}"#
        )
    }

    fn rest(&mut self, context: &mut ClientContext<'_>) -> Next {
        self.state = State::Idle;
        context.pause()
    }
}

impl Client for CoWriter {
    fn kind(&self) -> &'static str {
        "co-writer"
    }

    fn wake(&mut self, context: &mut ClientContext<'_>) -> Next {
        self.state = State::Idle;
        if context.calm {
            return Next::Listen;
        }
        match context.pick(12) {
            0 => Next::Sleep(IDLE_MILLIS),
            1 => ClientRequest::delete(&self.place, "").into(),
            2 | 3 => {
                let value = context.pick(VALUES);
                let field = context.turn % FIELDS;
                let patch = format!(r#"{{"data":{{"f{field}":"v{value}"}}}}"#);
                ClientRequest::merge_patch(&self.place, patch).with(self.options(false)).into()
            }
            _ => {
                let drawn = context.pick((1 << FIELDS) * VALUES);
                self.apply(Self::configuration(drawn), false)
            }
        }
    }

    fn answered(&mut self, reply: &Reply, context: &mut ClientContext<'_>) -> Next {
        let state = core::mem::replace(&mut self.state, State::Idle);
        match (state, reply.status) {
            (State::Applying { configuration, force: false }, 409) => {
                context.mark(Mark::ApplyConflict);
                if context.pick(2) == 0 { self.rest(context) } else { self.apply(configuration, true) }
            }
            (State::Applying { force: true, .. }, 200) => {
                context.mark(Mark::FieldsTakenByForce);
                self.rest(context)
            }
            (State::Applying { .. }, 201) => {
                context.mark(Mark::AppliedIntoBeing);
                self.rest(context)
            }
            (State::Idle | State::Applying { .. }, _) => self.rest(context),
        }
    }

    fn broken(&mut self, context: &mut ClientContext<'_>) -> Next {
        self.rest(context)
    }
}
