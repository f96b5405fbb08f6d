//! A job that makes calls to other servers and tells what came of them. No client can start it: it is the first user of
//! calls, for the simulator and for tests, before webhooks are theirs.

use super::{Answer, Ask, Next, State, fail};
use crate::answer::Response;
use crate::status::Failure;
use crate::wire::{CallError, CallOutcome, Outcall};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

/// The state of a probe.
#[derive(Debug)]
pub(crate) enum CallProbe {
    /// The calls that are to be made.
    Begin(Vec<Outcall>),
    /// They are being made.
    Made,
}

impl CallProbe {
    pub(super) fn step(self, answer: Answer) -> Result<Next, Failure> {
        match (self, answer) {
            (Self::Begin(calls), Answer::Begin) => {
                Ok(Next::Wait(State::Probe(Self::Made), Ask::Calls(calls)))
            }
            (Self::Made, Answer::Called(outcomes)) => Ok(Next::Done(Response::text(200, told(&outcomes)))),
            (Self::Begin(_) | Self::Made, _) => Err(fail::misfit()),
        }
    }
}

/// A line for each outcome, in the order of the calls.
pub fn told(outcomes: &[CallOutcome]) -> String {
    let mut out = String::new();
    for outcome in outcomes {
        match outcome {
            Ok(called) => writeln!(out, "{} {}", called.status, called.body.len()),
            Err(CallError::TimedOut) => writeln!(out, "timed-out"),
            Err(CallError::Refused(why)) => writeln!(out, "refused {why}"),
            Err(CallError::Untrusted(why)) => writeln!(out, "untrusted {why}"),
            Err(CallError::TooLarge) => writeln!(out, "too-large"),
            Err(CallError::Malformed(why)) => writeln!(out, "malformed {why}"),
            Err(CallError::NoRoom) => writeln!(out, "no-room"),
        }
        .expect("writing to a string");
    }
    out
}
