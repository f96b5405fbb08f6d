//! A trace of a run for people: what happened where and when, and what caused it.

use std::fmt;
use steersman_core::now::Mono;

/// Where something happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// The run itself: its phases, and faults of the network.
    Run,
    Client(usize),
    Server(usize),
    /// A member of the store.
    Member(usize),
}

/// What sort of thing happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// Something ordinary: an answer, an event, a change, a wake-up.
    Step,
    /// A fault: a crash, a lost reply, a broken connection, a compaction.
    Fault,
    /// Another phase begins.
    Phase,
    /// A guarantee does not hold.
    Violation,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    pub at: Mono,
    pub lane: Lane,
    pub what: What,
    /// A line: what was asked, answered, stored, delivered, broken.
    pub text: String,
    /// Where and when it was sent off: an arrow from there to here.
    pub from: Option<(Lane, Mono)>,
}

/// The moments of a run in order; empty unless a trace is kept.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    kept: bool,
    moments: Vec<Moment>,
}

/// Moments that are kept at most; what follows is left out.
pub const MOMENTS_MAX: usize = 200_000;

impl Trace {
    /// One that keeps what it is told.
    pub fn kept() -> Self {
        Self { kept: true, moments: Vec::new() }
    }

    pub fn moments(&self) -> &[Moment] {
        &self.moments
    }

    /// Notes a moment; its text is only made when it is kept.
    pub fn note(
        &mut self,
        at: Mono,
        lane: Lane,
        what: What,
        from: Option<(Lane, Mono)>,
        text: impl FnOnce() -> String,
    ) {
        if self.kept && self.moments.len() < MOMENTS_MAX {
            self.moments.push(Moment { at, lane, what, text: text(), from });
        }
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run => out.write_str("run"),
            Self::Client(number) => write!(out, "client {number}"),
            Self::Server(number) => write!(out, "server {number}"),
            Self::Member(number) => write!(out, "etcd {number}"),
        }
    }
}
