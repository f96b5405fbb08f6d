//! A simulated cluster for tests of other programs: servers over a fake etcd, with faults, in virtual time, from one
//! seed, behind a tower service that `kube::Client` is made from.
//!
//! ```text
//! let cluster = steersman_sim::service::Cluster::from_seed(17);
//! let client = kube::Client::new(cluster.service(), "default");
//! ```
//!
//! The program under test acts as further clients of the testbed: its requests are delayed and lost like
//! others, and every answer and event is checked by the guarantees of `check`. All requests are made as an
//! administrator. The same seed and the same program, on one thread, give the same run; `Cluster::digest` shows
//! whether they did. A program whose behaviour depends on the order of a hash map is not deterministic in this sense.
//!
//! **Time** is virtual and moves in one of two ways.
//!
//! - By itself: while somebody waits for an answer, each poll lets a little happen. An open watch lets happen what is
//!   on its way (a request, a change, an event); when only timers are left, it waits for `pass`, or for the next
//!   request. No runtime is needed.
//! - With another clock: [`Cluster::keep_pace`] ties the cluster to the clock of the test's runtime, so that the
//!   program's own sleeps and the cluster's delays are of one time. With tokio's paused clock, this is
//!
//!   ```text
//!   let started = tokio::time::Instant::now();
//!   let elapsed = move || started.elapsed();
//!   let sleep_until = move |elapsed| tokio::time::sleep_until(started + elapsed);
//!   tokio::spawn(cluster.keep_pace(elapsed, sleep_until));
//!   ```
//!
//! `tests/operator.rs` is a whole example.
//!
//! Reading order: here the cluster, `builder` (its configuration), `pace` (how its time advances), `tower` (HTTP
//! requests and responses), `request` (how checkers see them), `gateway` (what connects both sides).

mod builder;
mod gateway;
mod pace;
mod request;
#[cfg(test)]
mod tests;
mod tower;

pub use crate::swarm::FaultClass;
pub use builder::Builder;
pub use gateway::UNREAD_BYTES_MAX;
pub use tower::{ClusterBody, ClusterService, Interrupted};

use crate::check::Violation;
use crate::choose::Tape;
use crate::run::{Outcome, panicked};
use crate::testbed::Testbed;
use crate::timeline;
use crate::trace::{Lane, What};
use core::time::Duration;
use gateway::Gateway;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use steersman_core::machine::text::Digest;
use steersman_core::now::Mono;

/// A handle on a simulated cluster. It ends with its last handle: this value, its services and what they returned.
#[derive(Clone)]
pub struct Cluster {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    gateway: Gateway,
    /// How to make the same cluster again, and the canonical line of what was drawn.
    reproduce: String,
    swarm: String,
}

struct State {
    testbed: Testbed,
    /// When the cluster was handed over.
    began: Mono,
    /// The first guarantee that did not hold, and when (virtual milliseconds): nothing happens after it.
    violation: Option<(u64, Violation)>,
    /// The cluster's time follows another clock.
    is_paced: bool,
    /// Who keeps the pace, when something may happen earlier than it believes.
    pacer: Option<Waker>,
}

/// A guarantee of the cluster's that did not hold: a bug of ours, not of the program under test.
#[derive(Clone, Debug)]
pub struct BrokenGuarantee {
    report: String,
    pub violation: Violation,
}

impl fmt::Display for BrokenGuarantee {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.report)
    }
}

impl std::error::Error for BrokenGuarantee {}

impl Cluster {
    /// A cluster with everything that the seed draws: servers, members of the store, bounds, faults.
    pub fn from_seed(seed: u64) -> Self {
        Self::builder(seed).start()
    }

    /// A cluster that repeats the choices of a run.
    pub fn from_tape(tape: &Tape) -> Self {
        Self::builder(0).tape(tape).start()
    }

    /// A cluster of which some is set, and the rest drawn from the seed.
    pub fn builder(seed: u64) -> Builder {
        Builder::new(seed)
    }

    fn of(testbed: Testbed, reproduce: String, swarm: String) -> Self {
        let began = testbed.now;
        let state = State { testbed, began, violation: None, is_paced: false, pacer: None };
        let shared = Shared { state: Mutex::new(state), gateway: Gateway::default(), reproduce, swarm };
        Self { shared: Arc::new(shared) }
    }

    /// Starts the servers, and lets so much time pass at most until they are ready.
    fn start(&self, millis: u64) {
        let mut state = self.shared.state();
        state.attempt(|testbed| testbed.start().map(|()| true));
        let until = state.testbed.now.plus_millis(millis);
        while !state.testbed.is_ready() && state.step(until) {}
        state.began = state.testbed.now;
    }

    /// What answers requests, for as many clients as are wanted.
    pub fn service(&self) -> ClusterService {
        ClusterService::new(self.clone())
    }

    /// Virtual time since the start.
    pub fn elapsed(&self) -> Duration {
        let state = self.shared.state();
        Duration::from_micros(state.testbed.now.micros_since(state.began))
    }

    /// Faults end here, and everything that is down comes back.
    pub fn heal(&self) {
        let mut state = self.shared.state();
        state.attempt(|testbed| testbed.heal(true).map(|_| true));
        state.wake_pacer();
    }

    /// Equal for equal runs: over everything that happened, when, and all bytes that were sent.
    pub fn digest(&self) -> Digest {
        self.shared.state().testbed.digest
    }

    /// What was chosen so far.
    pub fn tape(&self) -> Tape {
        self.shared.state().testbed.chooser.tape()
    }

    /// Holds the caches of all servers against the truth.
    ///
    /// # Errors
    /// With the first guarantee that did not hold until now.
    pub fn check(&self) -> Result<(), BrokenGuarantee> {
        let mut state = self.shared.state();
        state.attempt(|testbed| testbed.check_caches().map(|()| true));
        let Some((_, violation)) = state.violation.clone() else { return Ok(()) };
        drop(state);
        Err(BrokenGuarantee { report: self.report(), violation })
    }

    /// How to repeat the run, what was drawn, and what did not hold: what a test prints that fails.
    pub fn report(&self) -> String {
        let state = self.shared.state();
        let violation = state.violation.as_ref();
        let wrong =
            violation.map_or(String::new(), |(millis, violation)| format!("\nat {millis} ms: {violation}"));
        let choices = state.testbed.chooser.tape().len();
        let (reproduce, swarm) = (&self.shared.reproduce, &self.shared.swarm);
        format!("{reproduce}.start()\n{swarm}\n{choices} choices{wrong}")
    }

    /// What happened, for people, of a cluster that was built with `trace`.
    pub fn timeline(&self) -> String {
        let outcome = self.outcome();
        timeline::whole(&timeline::Account::of(&outcome, &self.shared.reproduce, &timeline::facts(&outcome)))
    }

    /// The run so far, as a campaign has it.
    pub fn outcome(&self) -> Outcome {
        let state = self.shared.state();
        let testbed = &state.testbed;
        Outcome {
            swarm: self.shared.swarm.clone(),
            names: testbed.names(),
            steps: testbed.steps,
            requests: testbed.requests(),
            millis: testbed.now.0 / 1000,
            digest: testbed.digest,
            marks: testbed.marks.clone(),
            violation: state.violation.clone(),
            tape: testbed.chooser.tape(),
            trace: testbed.trace.clone(),
            explained: None,
        }
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Cluster").field("reproduce", &self.shared.reproduce).finish_non_exhaustive()
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // A panic while something happened is noted as a violation, after which nothing happens.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Lets the next thing happen, if it is due by then. False when nothing is, or a guarantee did not hold.
    fn step(&mut self, until: Mono) -> bool {
        self.attempt(|testbed| testbed.step(until))
    }

    fn attempt(&mut self, act: impl FnOnce(&mut Testbed) -> Result<bool, Violation>) -> bool {
        if self.violation.is_some() {
            return false;
        }
        let testbed = &mut self.testbed;
        // A panic is a failure as others are.
        let done = catch_unwind(AssertUnwindSafe(|| act(testbed)));
        match done.unwrap_or_else(|panic| Err(panicked(&*panic))) {
            Ok(done) => done,
            Err(violation) => {
                let text = violation.to_string();
                self.testbed.trace.note(self.testbed.now, Lane::Run, What::Violation, None, || text);
                self.violation = Some((self.testbed.now.0 / 1000, violation));
                false
            }
        }
    }

    fn wake_pacer(&mut self) {
        if let Some(pacer) = self.pacer.take() {
            pacer.wake();
        }
    }
}
