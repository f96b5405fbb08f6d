//! One run: a warm start, chaos, then calm: faults end, a core lives and the rest stays dead, and everything must
//! come to rest within a bound of virtual time.

use crate::check::{Guarantee, Violation};
use crate::choose::{Chooser, Tape};
use crate::marks::Marks;
use crate::swarm::Swarm;
use crate::trace::{Lane, Trace, What};
use crate::world::{Exhibited, World};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};
use steersman_core::kinds::Registry;
use steersman_core::machine::text::Digest;
use steersman_core::now::Mono;

/// Virtual time of the chaos, milliseconds.
const CHAOS_MILLIS: u64 = 60_000;
/// Virtual time within which everything comes to rest, milliseconds; and how often that is looked for.
const CALM_MILLIS: u64 = 200_000;
const LOOK_MILLIS: u64 = 5_000;
/// Virtual time that servers have to forget what has ended, milliseconds.
const END_MILLIS: u64 = 100_000;
/// Happenings of one run. One that needs more goes round in circles, which is a failure.
const HAPPENINGS_MAX: u64 = 3_000_000;

/// How a run is played.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plan {
    /// Keep what happens, for people.
    pub trace: bool,
    /// The historical bug that is in it.
    #[cfg(feature = "museum")]
    pub exhibit: Option<crate::museum::Exhibit>,
}

/// What a run came to.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The canonical line of what was drawn.
    pub swarm: String,
    /// What each lane of the trace is.
    pub names: Vec<(Lane, String)>,
    /// Inputs that servers were given.
    pub steps: u64,
    pub requests: u64,
    /// Virtual milliseconds.
    pub millis: u64,
    /// Equal for equal runs: over everything that happened, when, and all bytes that were sent.
    pub digest: Digest,
    pub marks: Marks,
    /// The first guarantee that did not hold, and when (virtual milliseconds).
    pub violation: Option<(u64, Violation)>,
    /// What was chosen.
    pub tape: Tape,
    pub trace: Trace,
    /// The run did not have to come to rest, and why.
    pub explained: Option<String>,
}

/// Runs to the end, or to the first guarantee that does not hold.
pub fn run(chooser: Chooser, plan: &Plan) -> Outcome {
    run_until(chooser, plan, None)
}

/// As `run`; what would happen after so many virtual milliseconds is left out.
pub(crate) fn run_until(mut chooser: Chooser, plan: &Plan, millis_max: Option<u64>) -> Outcome {
    let swarm = Swarm::draw(&mut chooser);
    let line = swarm.to_string();
    let trace = if plan.trace { Trace::kept() } else { Trace::default() };
    let mut world = World::new(chooser, swarm, registry(), exhibited(plan), trace);
    let mut explained = None;
    let last = millis_max.map_or(Mono(u64::MAX), |millis| Mono(0).plus_millis(millis));
    // A panic is a failure as others are: what led to it can be shrunk and shown.
    let played = catch_unwind(AssertUnwindSafe(|| play(&mut world, last, &mut explained)));
    let violation = played.unwrap_or_else(|panic| Err(panicked(&*panic))).err();
    let millis = world.now.0 / 1000;
    if let Some(violation) = &violation {
        world.trace.note(world.now, Lane::Run, What::Violation, None, || violation.to_string());
    }
    Outcome {
        swarm: line,
        names: world.names(),
        steps: world.steps,
        requests: world.requests(),
        millis,
        digest: world.digest,
        tape: world.chooser.tape(),
        marks: world.marks,
        violation: violation.map(|violation| (millis, violation)),
        trace: world.trace,
        explained,
    }
}

/// The catalogue of all runs of a process: it takes longer to read than many runs last.
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

fn play(world: &mut World, last: Mono, explained: &mut Option<String>) -> Result<(), Violation> {
    let mut happenings = 0;
    world.start()?;
    let begin = world.now;
    go_on(world, begin.plus_millis(CHAOS_MILLIS).min(last), &mut happenings)?;
    if world.now >= last {
        return Ok(());
    }
    *explained = world.heal(false)?;
    let calm = world.now;
    let rested = rest(world, calm, last, &mut happenings);
    if world.now >= last && rested.is_ok() {
        return Ok(());
    }
    // What cannot come to rest is no failure; what is wrong is.
    match rested {
        Err(violation) if explained.is_none() || !is_liveness(&violation) => return Err(violation),
        Err(_) | Ok(()) => {}
    }
    world.check_caches()?;
    world.send_clients_home();
    let end = world.now.plus_millis(END_MILLIS).min(last);
    go_on(world, end, &mut happenings)?;
    if world.now >= last {
        return Ok(());
    }
    world.check_leftovers()
}

fn is_liveness(violation: &Violation) -> bool {
    violation.guarantee.severity() == crate::check::Severity::Liveness
}

/// Waits until everything has come to rest, or nobody looks any more.
fn rest(world: &mut World, calm: Mono, last: Mono, happenings: &mut u64) -> Result<(), Violation> {
    let mut waited = 0;
    loop {
        waited += LOOK_MILLIS;
        go_on(world, calm.plus_millis(waited).min(last), happenings)?;
        if world.now >= last {
            return Ok(());
        }
        match world.check_settled() {
            Err(violation) if waited >= CALM_MILLIS => return Err(violation),
            Err(violation) if !is_liveness(&violation) => return Err(violation),
            Err(_) => {}
            Ok(()) => return Ok(()),
        }
    }
}

fn go_on(world: &mut World, until: Mono, happenings: &mut u64) -> Result<(), Violation> {
    while world.step(until)? {
        *happenings += 1;
        if *happenings > HAPPENINGS_MAX {
            let detail = format!("{HAPPENINGS_MAX} things have happened and it goes on");
            return Err(Violation::new(Guarantee::EverybodyConverges, detail));
        }
    }
    world.now = until;
    Ok(())
}
