//! Runs the server's controllers: asks them what they want, commits it, and asks again when the cache shows it.

use super::Effect;
use super::handle::{Machine, Own};
use super::timers::Timer;
use crate::config::{Controller, Controllers, JobId, Note};
use crate::controllers::{self, Planner, Wishes};
use crate::job::{CommitOutcome, Committing, Progress};
use crate::limits;
use crate::now::Now;
use crate::store::{Commit, Feed, Op, Rev, Stored};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// The controllers of a server.
#[derive(Debug, Default)]
pub(super) struct ControllerRuns {
    pub(super) started: bool,
    runs: BTreeMap<Controller, ControllerRun>,
    /// The commits that are not settled yet, by the operation that each of them waits for.
    commits: BTreeMap<JobId, OwnCommit>,
    /// How many plans were made: each draws its own uids.
    plans: u64,
}

/// What a controller is waiting for. Nothing, if all is as it should be.
#[derive(Debug, Default)]
struct ControllerRun {
    /// Commits that are not settled.
    commits: usize,
    /// A write failed, or could not be drafted: the controller is asked again after a pause.
    failed: bool,
    /// What the cache has to show before the controller is asked again.
    awaits: Vec<(Feed, Rev)>,
    /// How often it was asked since it last paused.
    rounds: u32,
}

/// A commit of objects that a controller keeps.
#[derive(Debug)]
struct OwnCommit {
    controller: Controller,
    feed: Feed,
    commit: Commit,
    committing: Box<Committing>,
}

impl Machine {
    /// Starts all controllers, once every feed has been listed.
    pub(super) fn start_controllers(&mut self, now: Now, out: &mut Vec<Effect>) {
        if self.controllers.started || !self.world.synced() {
            return;
        }
        self.controllers.started = true;
        for controller in Controllers::of(self.config.bootstrap).iter() {
            self.run_controller(controller, now, out);
        }
    }

    /// Asks a controller what it wants, unless its last wishes are not settled.
    pub(super) fn run_controller(&mut self, controller: Controller, now: Now, out: &mut Vec<Effect>) {
        let run = self.controllers.runs.entry(controller).or_default();
        if run.commits > 0 || !run.awaits.is_empty() {
            return;
        }
        *run = ControllerRun { rounds: run.rounds + 1, ..ControllerRun::default() };
        self.controllers.plans += 1;
        let rng = self.rng.fork(controller.name(), self.controllers.plans);
        let Wishes { commits, refused } = controllers::plan(controller, Planner::new(&self.world, now, rng));
        if let Some(why) = refused {
            out.push(Effect::Note(Note::Refused { controller, why }));
            self.controllers.runs.entry(controller).or_default().failed = true;
        } else if commits.is_empty() {
            self.content(controller, out);
            return;
        }
        for (feed, commit) in commits {
            self.commit_own(controller, feed, commit, out);
        }
        self.settle_controller(controller, now, out);
    }

    /// A controller has nothing to write.
    fn content(&mut self, controller: Controller, out: &mut Vec<Effect>) {
        self.controllers.runs.remove(&controller);
        if self.world.done.has(controller) {
            return;
        }
        let world = Arc::make_mut(&mut self.world);
        world.done = world.done.with(controller);
        if world.is_furnished() {
            out.push(Effect::Note(Note::Ready));
        }
    }

    fn commit_own(&mut self, controller: Controller, feed: Feed, commit: Commit, out: &mut Vec<Effect>) {
        let (committing, op) = Committing::begin(commit.clone(), false);
        self.await_commit(OwnCommit { controller, feed, commit, committing }, op, out);
        self.controllers.runs.entry(controller).or_default().commits += 1;
    }

    fn await_commit(&mut self, commit: OwnCommit, op: Op, out: &mut Vec<Effect>) {
        let id = self.own_id(Own::Controller);
        out.push(Effect::Store(id, commit.feed, op));
        self.controllers.commits.insert(id, commit);
    }

    pub(super) fn controller_stored(&mut self, id: JobId, stored: Stored, now: Now, out: &mut Vec<Effect>) {
        let Some(OwnCommit { controller, feed, commit, committing }) = self.controllers.commits.remove(&id)
        else {
            return;
        };
        let outcome = match committing.replied(&self.world, stored) {
            Progress::Wait(committing, op) => {
                self.await_commit(OwnCommit { controller, feed, commit, committing }, op, out);
                return;
            }
            Progress::Ended(outcome) => outcome,
        };
        let run = self.controllers.runs.entry(controller).or_default();
        run.commits = run.commits.saturating_sub(1);
        match outcome {
            CommitOutcome::Committed(revision) => run.awaits.push((feed, revision)),
            // Another server, or a client, was first with one of the objects: the others are still to be written.
            CommitOutcome::Lost(loss) => {
                run.awaits.push((feed, loss.at));
                let rest = commit.without(&loss.guard.key);
                if !rest.is_empty() {
                    self.commit_own(controller, feed, rest, out);
                }
            }
            CommitOutcome::Failed(_) | CommitOutcome::Unknown(_) => run.failed = true,
        }
        self.settle_controller(controller, now, out);
    }

    /// Goes on with controllers whose writes the cache shows now.
    pub(super) fn controllers_caught_up(&mut self, now: Now, out: &mut Vec<Effect>) {
        let waiting = |(_, run): &(&Controller, &ControllerRun)| !run.awaits.is_empty() && run.commits == 0;
        let waiting: Vec<_> = self.controllers.runs.iter().filter(waiting).map(|(held, _)| *held).collect();
        for controller in waiting {
            self.settle_controller(controller, now, out);
        }
    }

    /// Asks a controller again when all of its writes have an outcome and the cache shows them.
    fn settle_controller(&mut self, controller: Controller, now: Now, out: &mut Vec<Effect>) {
        let Some(run) = self.controllers.runs.get_mut(&controller) else { return };
        let world = &self.world;
        run.awaits.retain(|(feed, revision)| world.revision(*feed) < *revision);
        if run.commits > 0 || !run.awaits.is_empty() {
            return;
        }
        if run.failed || run.rounds >= limits::CONTROLLER_ROUNDS {
            run.rounds = 0;
            let at = now.mono.plus_millis(self.config.bounds.relist_pause_millis);
            self.timers.set(at, Timer::Controller(controller));
            return;
        }
        self.run_controller(controller, now, out);
    }
}
