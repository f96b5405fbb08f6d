//! Runs the server's controllers: asks them what they want, commits it, and asks again when the cache shows it.

use super::Effect;
use super::handle::{Machine, Own};
use super::timers::Timer;
use crate::config::{Controller, Controllers, JobId, Note, TrustedClients, UsedSecret};
use crate::controllers::{self, Occasion, Planner, WishedCommit, Wishes};
use crate::job::{CommitOutcome, Committing, Progress};
use crate::kinds::StorageId;
use crate::limits;
use crate::now::{Mono, Now};
use crate::store::{Commit, Feed, Op, Rev, Stored};
use crate::world::cache::{Applied, Change, Entry};
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// The controllers of a server.
#[derive(Debug, Default)]
pub(super) struct ControllerRuns {
    started: bool,
    runs: BTreeMap<Controller, ControllerRun>,
    /// The commits that are not settled yet, by the operation that each of them waits for.
    commits: BTreeMap<JobId, OwnCommit>,
    /// What is watched: the changes of a storage, and of which object of it; empty for all.
    watched: Vec<(StorageId, &'static str, Controller)>,
    /// The secrets whose use is to be noted; at most as many as one commit has writes.
    used_secrets: BTreeSet<UsedSecret>,
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
    /// Its time has come, and it was not asked yet; and whether it had come when it was last asked.
    beat: bool,
    was_beat: bool,
    /// When its time comes next.
    next_beat: Option<Mono>,
    /// How often it was asked since it was last content or paused.
    rounds: u32,
}

impl ControllerRun {
    fn is_busy(&self) -> bool {
        self.commits > 0 || !self.awaits.is_empty()
    }
}

/// A commit of objects that a controller keeps.
#[derive(Debug)]
struct OwnCommit {
    controller: Controller,
    feed: Feed,
    commit: Commit,
    /// None while the store is asked for the lease under which it writes.
    committing: Option<Box<Committing>>,
}

impl Machine {
    /// Starts all controllers, once every feed has been listed. Later listings may show that others have changed what
    /// they keep.
    pub(super) fn feeds_listed(&mut self, now: Now, out: &mut Vec<Effect>) {
        if !self.world.synced() {
            return;
        }
        let is_start = !core::mem::replace(&mut self.controllers.started, true);
        for controller in Controllers::of(self.config.bootstrap).iter() {
            if is_start {
                self.watch_for(controller);
            }
            self.run_controller(controller, is_start, now, out);
        }
        self.controllers_caught_up(now, out);
        self.look_at_apis(now, out);
    }

    fn watch_for(&mut self, controller: Controller) {
        for (group, plural, name) in controller.watches() {
            let kind = self.world.registry.find(group, "v1", plural);
            if let Some(storage) = kind.and_then(|kind| kind.storage) {
                self.controllers.watched.push((storage, *name, controller));
            }
        }
    }

    /// The controllers that look at one of the changes.
    pub(super) fn touched(&self, applied: &[Applied]) -> Controllers {
        let mut touched = Controllers::default();
        for applied in applied {
            let Applied::Changed(Change { storage, new, old, .. }) = applied else { continue };
            for (watched, name, controller) in &self.controllers.watched {
                let object = || new.as_ref().or(old.as_ref()).map_or("", |entry| Entry::name(entry));
                if watched == storage && (name.is_empty() || object() == *name) {
                    touched = touched.with(*controller);
                }
            }
            // A definition that is to go waits for its last object.
            let kind = self.world.registry.stored(*storage);
            if kind.is_some_and(|kind| kind.is_custom())
                && !self.world.indexes().unsettled_definitions().is_empty()
            {
                touched = touched.with(Controller::Definitions);
            }
        }
        touched
    }

    pub(super) fn run_touched(&mut self, touched: Controllers, now: Now, out: &mut Vec<Effect>) {
        for controller in touched.iter() {
            self.run_controller(controller, false, now, out);
        }
        self.controllers_caught_up(now, out);
        if touched.has(Controller::RemoteApiServices) {
            self.look_at_apis(now, out);
            self.services_changed(now, out);
        }
    }

    /// A controller's time has come, unless it was moved.
    pub(super) fn controller_due(&mut self, controller: Controller, now: Now, out: &mut Vec<Effect>) {
        let run = self.controllers.runs.entry(controller).or_default();
        if run.next_beat.is_some_and(|at| at <= now.mono) {
            run.next_beat = None;
            self.run_controller(controller, true, now, out);
        }
    }

    /// Tells other API servers of other clients to trust.
    pub(super) fn replace_trusted(&mut self, trusted: TrustedClients, now: Now, out: &mut Vec<Effect>) {
        Arc::make_mut(&mut self.world).trusted = Arc::new(trusted);
        let controller = Controller::TrustedClients;
        if self.controllers.started && Controllers::of(self.config.bootstrap).has(controller) {
            self.run_controller(controller, true, now, out);
        }
    }

    /// The token of a secret was used, which the secret is to tell. One too many is noted when it is used again.
    pub(super) fn token_used(&mut self, secret: UsedSecret, now: Now, out: &mut Vec<Effect>) {
        let controller = Controller::TokenTracking;
        let runs = self.controllers.started && Controllers::of(self.config.bootstrap).has(controller);
        let used = &mut self.controllers.used_secrets;
        if runs && used.len() < limits::OWN_COMMIT_WRITES && used.insert(secret) {
            self.run_controller(controller, false, now, out);
        }
    }

    /// The server leaves, and what tells others that it lives has to go.
    pub(super) fn leave(&mut self, now: Now, out: &mut Vec<Effect>) {
        for controller in [Controller::Service, Controller::IdentityLease] {
            if self.controllers.started && Controllers::of(self.config.bootstrap).has(controller) {
                self.run_controller(controller, true, now, out);
            }
        }
    }

    /// Whether controllers have writes under way. A server that leaves should end only after them.
    pub fn is_writing(&self) -> bool {
        self.controllers.runs.values().any(ControllerRun::is_busy)
    }

    /// Something was heard of the server of an aggregated API.
    pub(super) fn run_remote_api_services(&mut self, now: Now, out: &mut Vec<Effect>) {
        self.run_controller(Controller::RemoteApiServices, false, now, out);
    }

    /// Asks a controller what it wants. One whose last wishes are not settled is asked after that.
    fn run_controller(&mut self, controller: Controller, is_beat: bool, now: Now, out: &mut Vec<Effect>) {
        let run = self.controllers.runs.entry(controller).or_default();
        run.beat |= is_beat;
        if run.is_busy() {
            return;
        }
        run.failed = false;
        run.rounds += 1;
        run.was_beat = core::mem::take(&mut run.beat);
        let occasion = Occasion { is_first: !self.world.done.has(controller), is_beat: run.was_beat };
        self.controllers.plans += 1;
        let rng = self.rng.fork(controller.name(), self.controllers.plans);
        let planner = Planner::new(&self.world, now, occasion, rng).with_used(&self.controllers.used_secrets);
        let Wishes { commits, refused } = controllers::plan(controller, planner);
        if let Some(why) = refused {
            out.push(Effect::Note(Note::Refused { controller, why }));
            self.controllers.runs.entry(controller).or_default().failed = true;
        } else if commits.is_empty() {
            self.content(controller, now, out);
            return;
        }
        for WishedCommit { feed, commit, ttl_seconds } in commits {
            self.controllers.runs.entry(controller).or_default().commits += 1;
            if ttl_seconds > 0 {
                let own = OwnCommit { controller, feed, commit, committing: None };
                self.await_commit(own, Op::LeaseGrant { ttl_seconds }, out);
            } else {
                self.commit_own(controller, feed, commit, out);
            }
        }
        self.settle_controller(controller, now, out);
    }

    /// A controller has nothing to write.
    fn content(&mut self, controller: Controller, now: Now, out: &mut Vec<Effect>) {
        if controller == Controller::TokenTracking {
            self.controllers.used_secrets.clear();
        }
        let run = self.controllers.runs.entry(controller).or_default();
        run.rounds = 0;
        if let Some(interval) = controller.interval_millis().filter(|_| run.next_beat.is_none()) {
            let at = now.mono.plus_millis(interval);
            run.next_beat = Some(at);
            self.timers.set(at, Timer::Controller(controller));
        }
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
        self.await_commit(OwnCommit { controller, feed, commit, committing: Some(committing) }, op, out);
    }

    fn await_commit(&mut self, commit: OwnCommit, op: Op, out: &mut Vec<Effect>) {
        let id = self.own_id(Own::Controller);
        out.push(Effect::Store(id, commit.feed, op));
        self.controllers.commits.insert(id, commit);
    }

    pub(super) fn controller_stored(&mut self, id: JobId, stored: Stored, now: Now, out: &mut Vec<Effect>) {
        let Some(own) = self.controllers.commits.remove(&id) else { return };
        let OwnCommit { controller, feed, commit, committing } = own;
        let progress = match (committing, stored) {
            (None, Stored::Leased { id, .. }) => {
                self.commit_own(controller, feed, commit.leased(id), out);
                return;
            }
            (None, _) => None,
            (Some(committing), stored) => Some(committing.replied(&self.world, stored)),
        };
        let run = self.controllers.runs.entry(controller).or_default();
        match progress {
            Some(Progress::Wait(committing, op)) => {
                let committing = Some(committing);
                self.await_commit(OwnCommit { controller, feed, commit, committing }, op, out);
                return;
            }
            Some(Progress::Ended(CommitOutcome::Committed(revision))) => run.awaits.push((feed, revision)),
            // Another server, or a client, was first with one of the objects: the others are still to be written, if
            // they do not need each other.
            Some(Progress::Ended(CommitOutcome::Lost(loss))) => {
                run.awaits.push((feed, loss.at));
                run.beat |= run.was_beat;
                let rest = commit.without(&loss.guard.key);
                if !rest.is_empty() && controller.writes_apart() {
                    self.commit_own(controller, feed, rest, out);
                    return;
                }
            }
            Some(Progress::Ended(CommitOutcome::Failed(_) | CommitOutcome::Unknown(_))) | None => {
                run.failed = true;
            }
        }
        run.commits = run.commits.saturating_sub(1);
        self.settle_controller(controller, now, out);
    }

    /// Goes on with controllers whose writes the cache shows now.
    fn controllers_caught_up(&mut self, now: Now, out: &mut Vec<Effect>) {
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
        if run.is_busy() {
            return;
        }
        if run.failed || run.rounds >= limits::CONTROLLER_ROUNDS {
            // The next use of each is noted again.
            if controller == Controller::TokenTracking {
                self.controllers.used_secrets.clear();
            }
            run.rounds = 0;
            let at = now.mono.plus_millis(self.config.bounds.relist_pause_millis);
            if run.next_beat.is_none_or(|held| held > at) {
                run.next_beat = Some(at);
                self.timers.set(at, Timer::Controller(controller));
            }
            return;
        }
        self.run_controller(controller, false, now, out);
    }
}
