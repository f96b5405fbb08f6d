//! One run: a warm start, a phase with faults (chaos), then a phase without new faults (calm). In the calm enough
//! servers and members come back to work with, the others stay down, and everything must come to rest within a bound
//! of virtual time.

use crate::check::{Guarantee, Violation};
use crate::choose::{Chooser, Tape};
use crate::marks::Marks;
use crate::swarm::Swarm;
use crate::testbed::{Exhibited, Testbed};
use crate::trace::{Lane, Trace, What};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};
use steersman_core::kinds::Registry;
use steersman_core::machine::text::Digest;
use steersman_core::now::Mono;

/// How long the chaos takes, virtual milliseconds.
const CHAOS_MILLIS: u64 = 60_000;
/// How long everything may take to come to rest, virtual milliseconds, and how often that is checked.
const CALM_MILLIS: u64 = 200_000;
const LOOK_MILLIS: u64 = 5_000;
/// How long servers may take to forget what has ended, virtual milliseconds.
const END_MILLIS: u64 = 100_000;
/// The most events of a run. A run that needs more is stuck in a cycle, which is a failure.
const HAPPENINGS_MAX: u64 = 3_000_000;

/// Options of a run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plan {
    /// Keep a trace of what happens, for people to read.
    pub trace: bool,
    /// The historical bug that is put back.
    #[cfg(feature = "museum")]
    pub exhibit: Option<crate::museum::Exhibit>,
}

/// The result of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The canonical line of what was drawn.
    pub swarm: String,
    /// The name of each lane in the trace.
    pub names: Vec<(Lane, String)>,
    /// How many inputs servers were given.
    pub steps: u64,
    pub requests: u64,
    /// Virtual milliseconds.
    pub millis: u64,
    /// A digest over everything that happened, when it happened, and all bytes that were sent. Equal runs have equal
    /// digests.
    pub digest: Digest,
    pub marks: Marks,
    /// The first guarantee that did not hold, and when (virtual milliseconds).
    pub violation: Option<(u64, Violation)>,
    /// What was chosen.
    pub tape: Tape,
    pub trace: Trace,
    /// Why the run did not have to come to rest.
    pub explained: Option<String>,
}

/// Runs to the end, or until a guarantee is broken.
pub fn run(chooser: Chooser, plan: &Plan) -> Outcome {
    run_until(chooser, plan, None)
}

/// Like `run`, but it stops after `millis_max` virtual milliseconds.
pub(crate) fn run_until(mut chooser: Chooser, plan: &Plan, millis_max: Option<u64>) -> Outcome {
    let swarm = Swarm::draw(&mut chooser);
    let line = swarm.to_string();
    let trace = if plan.trace { Trace::kept() } else { Trace::default() };
    let mut testbed = Testbed::new(chooser, swarm, registry(), exhibited(plan), trace);
    let mut explained = None;
    let last = millis_max.map_or(Mono(u64::MAX), |millis| Mono(0).plus_millis(millis));
    // A panic is a failure like any other, so that the choices that led to it can be shrunk and shown.
    let played = catch_unwind(AssertUnwindSafe(|| play(&mut testbed, last, &mut explained)));
    let violation = played.unwrap_or_else(|panic| Err(panicked(&*panic))).err();
    let millis = testbed.now.0 / 1000;
    if let Some(violation) = &violation {
        testbed.trace.note(testbed.now, Lane::Run, What::Violation, None, || violation.to_string());
    }
    Outcome {
        swarm: line,
        names: testbed.names(),
        steps: testbed.steps,
        requests: testbed.requests(),
        millis,
        digest: testbed.digest,
        tape: testbed.chooser.tape(),
        marks: testbed.marks,
        violation: violation.map(|violation| (millis, violation)),
        trace: testbed.trace,
        explained,
    }
}

/// The catalogue for all runs of a process, since reading it takes longer than many runs do.
pub(crate) fn registry() -> Arc<Registry> {
    static REGISTRY: OnceLock<Arc<Registry>> = OnceLock::new();
    REGISTRY.get_or_init(|| Arc::new(Registry::builtin())).clone()
}

fn exhibited(plan: &Plan) -> Exhibited {
    #[cfg(feature = "museum")]
    if let Some(exhibit) = plan.exhibit {
        return exhibit.installed();
    }
    let _ = plan;
    Exhibited::default()
}

pub(crate) fn panicked(panic: &(dyn Any + Send)) -> Violation {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    Violation::new(Guarantee::NothingPanics, text.unwrap_or_else(|| "without a message".to_owned()))
}

fn play(testbed: &mut Testbed, last: Mono, explained: &mut Option<String>) -> Result<(), Violation> {
    let mut happenings = 0;
    testbed.start()?;
    let begin = testbed.now;
    go_on(testbed, begin.plus_millis(CHAOS_MILLIS).min(last), &mut happenings)?;
    if testbed.now >= last {
        return Ok(());
    }
    *explained = testbed.heal(false)?;
    let calm = testbed.now;
    let rested = rest(testbed, calm, last, &mut happenings);
    if testbed.now >= last && rested.is_ok() {
        return Ok(());
    }
    // Not coming to rest may be explained by the faults that were left in place. Other violations are always
    // failures.
    match rested {
        Err(violation) if explained.is_none() || !is_liveness(&violation) => return Err(violation),
        Err(_) | Ok(()) => {}
    }
    testbed.check_caches()?;
    testbed.send_clients_home();
    let end = testbed.now.plus_millis(END_MILLIS).min(last);
    go_on(testbed, end, &mut happenings)?;
    if testbed.now >= last {
        return Ok(());
    }
    testbed.check_leftovers()
}

fn is_liveness(violation: &Violation) -> bool {
    violation.guarantee.severity() == crate::check::Severity::Liveness
}

/// Waits until everything has come to rest, or the time is over.
fn rest(testbed: &mut Testbed, calm: Mono, last: Mono, happenings: &mut u64) -> Result<(), Violation> {
    let mut waited = 0;
    loop {
        waited += LOOK_MILLIS;
        go_on(testbed, calm.plus_millis(waited).min(last), happenings)?;
        if testbed.now >= last {
            return Ok(());
        }
        match testbed.check_settled() {
            Err(violation) if waited >= CALM_MILLIS => return Err(violation),
            Err(violation) if !is_liveness(&violation) => return Err(violation),
            Err(_) => {}
            Ok(()) => return Ok(()),
        }
    }
}

fn go_on(testbed: &mut Testbed, until: Mono, happenings: &mut u64) -> Result<(), Violation> {
    while testbed.step(until)? {
        *happenings += 1;
        if *happenings > HAPPENINGS_MAX {
            let detail = format!("{HAPPENINGS_MAX} things have happened and it goes on");
            return Err(Violation::new(Guarantee::EverybodyConverges, detail));
        }
    }
    testbed.now = until;
    Ok(())
}
