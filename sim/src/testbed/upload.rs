//! Bodies of requests. They come when their server asks for them: usually at once, sometimes late, in part, or never.

use super::Happening;
use super::Testbed;
use crate::check::{Guarantee, Violation};
use crate::choose::Label;
use crate::client_request::Identity;
use crate::marks::Mark;
use crate::swarm::FaultClass;
use crate::trace::{Lane, What};
use steersman_core::config::JobId;
use steersman_core::limits;
use steersman_core::machine::Input;
use steersman_core::wire::BodyError;

/// The longest that a late body takes, or a client that goes away before it has sent its body, milliseconds.
const LATE_MILLIS_MAX: u64 = 9_000;

impl Testbed {
    /// A server asks for the body of a request.
    pub(super) fn body(&mut self, server: usize, id: JobId) -> Result<(), Violation> {
        let Some(record) = self.requests.get_mut(id) else { return Ok(()) };
        record.body_asked = true;
        let (ask, client, life, key) = (record.ask.clone(), record.client, record.life, record.key);
        if ask.identity == Identity::Stranger {
            let detail = format!("server {server} asks for the body of request {} of client {client}", id.0);
            return Err(Violation::new(Guarantee::StrangersSendNoBody, detail));
        }
        let whole = Input::Body(id, Ok(ask.body.clone()));
        let stream = Label::Body.of(key);
        if !self.chooser.fault(stream, self.swarm.rate(FaultClass::Upload)) {
            self.schedule(self.now, Happening::Input(server, life, Box::new(whole)));
            return Ok(());
        }
        let kind = self.chooser.pick(stream, 4);
        let millis = 1 + self.chooser.pick(stream, LATE_MILLIS_MAX);
        let lane = Lane::Client(client);
        match kind {
            0 => {
                self.mark(Mark::BodyLate);
                self.trace.note(self.now, lane, What::Fault, None, || {
                    format!("sends the body of request {} in {millis} ms", id.0)
                });
                self.at(millis, Happening::Input(server, life, Box::new(whole)));
            }
            1 => {
                self.mark(Mark::BodyCut);
                self.fault(lane, || format!("goes away amid the body of request {}", id.0));
                let cut = Input::Body(id, Err(BodyError::Broken("unexpected EOF".into())));
                self.at(millis, Happening::Input(server, life, Box::new(cut)));
                self.at(millis, Happening::Broken(client, id));
            }
            2 => {
                self.mark(Mark::BodyMissing);
                self.fault(lane, || format!("never sends the body of request {}", id.0));
                let missing = Input::Body(id, Err(BodyError::TooSlow));
                let millis = limits::UPLOAD_GRACE_MILLIS;
                self.at(millis, Happening::Input(server, life, Box::new(missing)));
            }
            _ => {
                self.mark(Mark::GoneBeforeBody);
                self.fault(lane, || format!("goes away before it sends the body of request {}", id.0));
                self.at(millis, Happening::Broken(client, id));
            }
        }
        Ok(())
    }

    /// Whether the server has not asked for the body of a request yet.
    pub(super) fn awaits_body(&self, id: JobId) -> bool {
        self.requests.get(id).is_some_and(|record| !record.body_asked && !record.ask.body.is_empty())
    }
}
