//! What happens to servers: they crash, stand still, lose their feeds and get wrong clocks.

use super::host::Delayed;
use super::{Happening, Testbed};
use crate::check::Violation;
use crate::etcd::ServerId;
use crate::marks::Mark;
use crate::trace::Lane;
use std::mem;
use steersman_core::machine::Input;
use steersman_core::store::{Feed, Why};

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
