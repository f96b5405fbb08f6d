//! What happens to servers: they crash, stand still, lose their feeds and get wrong clocks.

use super::host::Delayed;
use super::{Happening, Testbed};
use crate::check::{Guarantee, Violation};
use crate::choose::{ChoiceStream, Label};
use crate::etcd::ServerId;
use crate::marks::Mark;
use crate::trace::Lane;
use std::mem;
use steersman_core::machine::{Drain, Input};
use steersman_core::store::{Feed, Why};

/// How often it is looked whether a server that was told to end can go, and how much longer than its time all may take,
/// milliseconds.
const ENDING_POLL_MILLIS: u64 = 100;
const ENDING_SLACK_MILLIS: u64 = 5_000;

/// How long a server that was told to end may still take, milliseconds of its own time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ending {
    watches_millis: i64,
    all_millis: i64,
}

impl Testbed {
    /// The server ends at once. Its connections break, and its operations on the store continue without it.
    pub(super) fn crash(&mut self, server: usize, down_millis: u64) {
        self.fault(Lane::Server(server), || format!("crashes, for {down_millis} ms"));
        let host = &mut self.hosts[server];
        if let Some(machine) = host.machine.take() {
            machine.check();
        }
        host.life += 1;
        host.open.clear();
        self.etcd.unfollow(ServerId(server as u32), Feed(0));
        self.break_calls_of(server);
        self.outcalls.crashed(server);
        self.at(down_millis, Happening::Restart(server));
    }

    /// A server is told to end. As its shell does, it first only says that it is not ready, then takes nothing new, and
    /// is gone when everybody has an answer.
    pub(super) fn shut_down(&mut self, server: usize, stream: ChoiceStream) -> Result<(), Violation> {
        if self.hosts[server].is_ending || self.hosts[server].machine.is_none() {
            return Ok(());
        }
        let delay_millis = self.chooser.pick(stream, 2_000);
        let watch_grace_millis = self.chooser.pick(stream, 4_000);
        let sends_retry_after = self.chooser.pick(stream, 2) == 1;
        self.fault(Lane::Server(server), || {
            format!("is told to end after {delay_millis} ms, and its watches over {watch_grace_millis} ms")
        });
        self.hosts[server].is_ending = true;
        let life = self.life(server);
        self.input(server, life, Box::new(Input::ShutdownInitiated))?;
        let drain = Input::Drain(Drain { watch_grace_millis, sends_retry_after });
        self.at(delay_millis, Happening::Input(server, life, Box::new(drain)));
        let ends = Ending {
            watches_millis: (watch_grace_millis + ENDING_SLACK_MILLIS) as i64,
            all_millis: (self.swarm.request_timeout_millis + watch_grace_millis + ENDING_SLACK_MILLIS) as i64,
        };
        self.at(delay_millis + ENDING_POLL_MILLIS, Happening::Ending(server, life, ends));
        Ok(())
    }

    /// Looks whether a server that was told to end can go. Its watches and its requests have to end in their time.
    pub(super) fn ending(&mut self, server: usize, life: u32, left: Ending) -> Result<(), Violation> {
        let host = &self.hosts[server];
        let Some(machine) = host.machine.as_ref().filter(|_| host.life == life) else { return Ok(()) };
        let (open, watches) = (machine.open_requests(), machine.open_watches());
        let passed = if host.is_paused() { 0 } else { ENDING_POLL_MILLIS as i64 };
        let next =
            Ending { watches_millis: left.watches_millis - passed, all_millis: left.all_millis - passed };
        if open == 0 && !host.is_paused() {
            self.mark(Mark::OrderlyEnd);
            let stream = Label::Server.of((1 << 40 | server as u64) << 16 | u64::from(life));
            let millis = 1 + self.chooser.pick(stream, 4_000);
            self.crash(server, millis);
            return Ok(());
        }
        if next.all_millis < 0 || next.watches_millis < 0 && watches > 0 {
            let detail = format!(
                "server {server} was told to end; {open} requests are still open, {watches} of them watches"
            );
            return Err(Violation::new(Guarantee::ServersEndInOrder, detail));
        }
        self.at(ENDING_POLL_MILLIS, Happening::Ending(server, life, next));
        Ok(())
    }

    pub(super) fn pause(&mut self, server: usize, millis: u64) {
        self.fault(Lane::Server(server), || format!("stands still for {millis} ms"));
        self.hosts[server].paused = true;
        let life = self.hosts[server].life;
        self.at(millis, Happening::Resume(server, life));
    }

    /// A resumed server gets the inputs that have arrived meanwhile, in order.
    pub(super) fn resume(&mut self, server: usize, life: u32) -> Result<(), Violation> {
        let host = &mut self.hosts[server];
        if host.life != life || !host.paused {
            return Ok(());
        }
        host.paused = false;
        let inbox = mem::take(&mut host.inbox);
        self.mark(Mark::ServerResumed);
        for waiting in inbox {
            match waiting {
                Delayed::Input(input) => self.input(server, life, input)?,
                Delayed::Run(task) => self.run(server, life, task)?,
            }
        }
        Ok(())
    }

    /// A server that is starting is told that its feed was lost before it has followed the feed.
    pub(super) fn break_start(&mut self, server: usize) -> Result<(), Violation> {
        let host = &self.hosts[server];
        let starts = host.machine.as_ref().is_some_and(|machine| !machine.world().synced());
        if !starts || host.paused || self.etcd.followed(ServerId(server as u32), Feed(0)).is_some() {
            return Ok(());
        }
        self.fault(Lane::Server(server), || "its connection breaks while it starts".to_owned());
        self.give(server, Input::Lost(Feed(0), Why::Disconnected("the connection broke".into())))
    }

    /// The feed's connection breaks, and what was on its way is lost.
    pub(super) fn break_feed(&mut self, server: usize) {
        // It may be broken already, which the server will hear of.
        if self.etcd.followed(ServerId(server as u32), Feed(0)).is_none() {
            return;
        }
        self.fault(Lane::Server(server), || "its feed's connection breaks".to_owned());
        self.etcd.unfollow(ServerId(server as u32), Feed(0));
        let lost = Input::Lost(Feed(0), Why::Disconnected("the connection broke".into()));
        let host = &mut self.hosts[server];
        let life = host.life;
        let at = host.feed_at.max(self.now);
        host.feed_at = at;
        self.schedule(at, Happening::Input(server, life, Box::new(lost)));
    }

    /// The wall clock is off by so many microseconds from now on; 0 sets it right.
    pub(super) fn set_clock(&mut self, server: usize, skew: i64) {
        let host = &mut self.hosts[server];
        let back = skew < host.skew;
        host.skew = skew;
        host.frozen = None;
        if back {
            self.mark(Mark::ClockStepBack);
        }
    }

    /// The wall clock stands still.
    pub(super) fn freeze_clock(&mut self, server: usize) {
        let host = &mut self.hosts[server];
        host.frozen = Some(host.clock(self.now).wall);
    }
}
