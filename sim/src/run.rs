//! One run. A stand-in with the names of the real one: clients that write through one server, and lose replies.

use crate::check::{Guarantee, Violation};
use crate::choose::{Chooser, Label, Ratio, Tape};
use crate::marks::{Mark, Marks};
use crate::trace::{Lane, Trace, What};
use steersman_core::machine::text::Digest;
use steersman_core::now::Mono;

/// What is asked of a run besides its choices.
#[derive(Debug, Default)]
pub struct Plan {
    pub trace: bool,
    #[cfg(feature = "museum")]
    pub exhibit: Option<crate::museum::Exhibit>,
}

/// What came of a run.
#[derive(Debug)]
pub struct Outcome {
    pub swarm: String,
    pub names: Vec<(Lane, String)>,
    pub steps: u64,
    pub requests: u64,
    pub millis: u64,
    pub digest: Digest,
    pub marks: Marks,
    /// Virtual milliseconds, and what did not hold then.
    pub violation: Option<(u64, Violation)>,
    pub tape: Tape,
    pub trace: Trace,
    pub explained: Option<String>,
}

pub fn run(mut chooser: Chooser, plan: &Plan) -> Outcome {
    let clients = chooser.between(Label::Shape.only(), 1, 4) as usize;
    let mut trace = if plan.trace { Trace::kept() } else { Trace::default() };
    let (mut marks, mut lost, mut violation) = (Marks::default(), 0_u32, None);
    let mut last = 0;
    for turn in 0..40_u64 {
        let (client, at) = ((turn as usize) % clients, Mono(turn * 10_000));
        let arrived = at.plus_millis(1 + chooser.pick(Label::Link.of(turn), 4));
        last = arrived.0 / 1000;
        let asked = || format!("update configmaps/a-{turn}");
        trace.note(arrived, Lane::Server(0), What::Step, Some((Lane::Client(client), at)), asked);
        if chooser.fault(Label::Store.of(turn), Ratio::new(1, 40)) {
            lost += 1;
            marks.reach(Mark::UnknownApplied);
            trace.note(arrived, Lane::Member(0), What::Fault, None, || "the reply is lost".to_owned());
        }
        if lost == 3 {
            let detail = format!("client {client} has lost its update of a-{turn}");
            trace.note(arrived, Lane::Client(client), What::Violation, None, || detail.clone());
            violation = Some((last, Violation::new(Guarantee::NoUpdateIsLost, detail)));
            break;
        }
    }
    Outcome {
        swarm: format!("servers=1 clients={clients}"),
        names: (0..clients).map(|client| (Lane::Client(client), format!("writer {client}"))).collect(),
        steps: 40,
        requests: 40,
        millis: last,
        digest: Digest::default(),
        marks,
        violation,
        tape: chooser.tape(),
        trace,
        explained: None,
    }
}
