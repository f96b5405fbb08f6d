//! Hosts that the program under test answers for: calls of servers to them reach a function of the program. The network
//! between is as elsewhere: calls take their time, and may be lost before or after they were heard.

use super::Testbed;
use crate::choose::Label;
use crate::swarm::FaultClass;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use steersman_core::config::JobId;
use steersman_core::value::Text;
use steersman_core::wire::{CallError, Called, Outcall};

/// The longest that an answer is on its way, milliseconds.
const ANSWER_MILLIS_MAX: u64 = 40;

/// What answers calls to a host, at once.
pub(crate) type LocalHandler = Arc<dyn Fn(&Outcall) -> Called + Send + Sync>;

/// Who answers for which host.
#[derive(Clone, Default)]
pub(crate) struct LocalHosts {
    handlers: BTreeMap<Text, LocalHandler>,
}

impl fmt::Debug for LocalHosts {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_set().entries(self.handlers.keys()).finish()
    }
}

impl LocalHosts {
    #[cfg(feature = "service")]
    pub(crate) fn add(&mut self, host: &str, handler: LocalHandler) {
        self.handlers.insert(host.into(), handler);
    }
}

impl Testbed {
    /// Has the function of a host answer a call. False if nobody answers for its host.
    pub(super) fn call_local(&mut self, server: usize, id: JobId, index: u32, call: &Outcall) -> bool {
        let Some(handler) = self.local_hosts.handlers.get(&*call.host).cloned() else { return false };
        let stream = Label::Callee.of(self.stream_key(server, id));
        let millis = 1 + self.chooser.pick(stream, ANSWER_MILLIS_MAX);
        let is_lost = self.chooser.fault(stream, self.swarm.rate(FaultClass::Reset));
        let outcome = match is_lost && self.chooser.pick(stream, 2) == 0 {
            true => Err(CallError::Refused("connection refused".into())),
            false => {
                let answer = handler(call);
                match is_lost {
                    true => Err(CallError::Refused("connection reset by peer".into())),
                    false if answer.body.len() > call.answer_bytes_max => Err(CallError::TooLarge),
                    false => Ok(answer),
                }
            }
        };
        self.call_ends(server, id, index, millis, outcome);
        true
    }
}
