//! A client that makes one request of each kind again and again once faults have ended. All of them must succeed
//! then.

use super::{Client, ClientContext, Next, reading};
use crate::check::{Guarantee, Violation};
use crate::client_request::{ClientRequest, RequestOptions, VersionChoice};
use crate::directory::{Directory, Place};
use crate::driver::Reply;

/// The pause between two rounds.
const ROUND_MILLIS: u64 = 2000;

/// A client whose requests all succeed on a healthy server.
#[derive(Clone, Debug)]
pub(super) struct Probe {
    place: Place,
    /// The current step of the round.
    step: Step,
    /// The first failure of the current round.
    wrong: Option<String>,
    /// The result of the last complete round without faults; None before there was one.
    last: Option<Result<(), String>>,
    round_is_calm: bool,
}

/// The steps of a round, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Deletes what an earlier round may have left.
    Clear,
    /// Lists a collection that no one writes to, while the store's revision may grow by other writes.
    ListQuiet,
    Create,
    Read,
    ListAny,
    List,
    Delete,
    Done,
}

impl Probe {
    pub(super) fn new(directory: &Directory, number: u64) -> Self {
        let collection = Place::collection(directory.find("", "v1", "configmaps"), "default");
        let place = collection.named(&format!("probe-{number}"));
        Self { place, step: Step::Done, wrong: None, last: None, round_is_calm: false }
    }

    fn ask(&mut self) -> Next {
        let collection = self.place.named("");
        match self.step {
            Step::Clear | Step::Delete => ClientRequest::delete(&self.place, "").into(),
            Step::Create => {
                let body = format!(r#"{{"metadata":{{"name":"{}"}},"data":{{"k":"v"}}}}"#, self.place.name);
                ClientRequest::create(&collection, body).into()
            }
            Step::Read => ClientRequest::get(&self.place).into(),
            Step::ListAny => ClientRequest::list(
                &collection,
                RequestOptions { version: VersionChoice::Any, ..RequestOptions::default() },
            )
            .into(),
            Step::ListQuiet | Step::List => {
                ClientRequest::list(&collection, RequestOptions::default()).into()
            }
            Step::Done => {
                if self.round_is_calm {
                    self.last = Some(self.wrong.take().map_or(Ok(()), Err));
                }
                Next::Sleep(ROUND_MILLIS)
            }
        }
    }

    const fn following(&self) -> Step {
        match self.step {
            Step::Clear => Step::ListQuiet,
            Step::ListQuiet => Step::Create,
            Step::Create => Step::Read,
            Step::Read => Step::ListAny,
            Step::ListAny => Step::List,
            Step::List => {
                if self.round_is_calm {
                    Step::Delete
                } else {
                    Step::Done
                }
            }
            Step::Delete | Step::Done => Step::Done,
        }
    }

    fn failed(&mut self, why: String) {
        let step = self.step;
        self.wrong.get_or_insert(format!("{step:?} of {}: {why}", self.place.name));
    }
}

impl Client for Probe {
    fn kind(&self) -> &'static str {
        "probe"
    }

    fn wake(&mut self, context: &mut ClientContext<'_>) -> Next {
        self.wrong = None;
        self.round_is_calm = context.calm;
        self.step = if context.calm {
            Step::Clear
        } else if context.pick(4) == 3 {
            Step::List
        } else {
            Step::Done
        };
        self.ask()
    }

    fn answered(&mut self, reply: &Reply, _: &mut ClientContext<'_>) -> Next {
        let fine = reading::is_success(reply) || self.step == Step::Clear && reply.status == 404;
        if !fine {
            self.failed(format!("{} {}", reply.status, reply.text()));
        }
        self.step = self.following();
        self.ask()
    }

    fn broken(&mut self, _: &mut ClientContext<'_>) -> Next {
        self.failed("the connection broke".to_owned());
        self.step = Step::Done;
        self.ask()
    }

    fn settled(&self, _: &ClientContext<'_>) -> Result<(), Violation> {
        match &self.last {
            Some(Ok(())) => Ok(()),
            Some(Err(why)) => Err(Violation::new(Guarantee::RequestsSucceed, why.as_str())),
            None => {
                let why = format!("{} has not come to the end of a round", self.place.name);
                Err(Violation::new(Guarantee::RequestsSucceed, why))
            }
        }
    }
}
