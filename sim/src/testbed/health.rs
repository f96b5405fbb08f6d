//! Whether the store answers, how servers' shells learn of it, and whether servers' health checks show it.

use super::{Happening, Testbed};
use crate::check::{Guarantee, Violation};
use crate::marks::Mark;
use steersman_core::machine::Input;
use steersman_core::now::Mono;
use steersman_core::store::Feed;

/// How long a server's health may be out of date, milliseconds: the shell asks every second, and waits for up to two.
const BELIEF_MILLIS: u64 = 5_000;

/// Whether the store answers.
#[derive(Debug)]
pub(super) struct Answers {
    yes: bool,
    since: Mono,
}

impl Default for Answers {
    fn default() -> Self {
        Self { yes: true, since: Mono(0) }
    }
}

impl Testbed {
    /// Lets every server's shell ask the store, and tells the server if something has changed.
    pub(super) fn probe_store(&mut self) -> Result<(), Violation> {
        let runs = self.etcd.members().any(|member| self.etcd.is_running(member));
        let yes = runs && self.etcd.has_leader();
        if yes != self.answers.yes {
            self.answers = Answers { yes, since: self.now };
        }
        for server in 0..self.hosts.len() {
            let host = &self.hosts[server];
            let Some(machine) = host.machine.as_ref().filter(|_| !host.is_paused()) else { continue };
            let says_yes = machine.world().illness().is_none();
            let known_for = self.now.micros_since(self.answers.since) / 1000;
            if says_yes == yes {
                continue;
            }
            if known_for > BELIEF_MILLIS && host.told == Some(yes) {
                let detail =
                    format!("server {server} says {says_yes}, and it has been {yes} for {known_for} ms");
                return Err(Violation::new(Guarantee::HealthTellsTheTruth, detail));
            }
            if host.told == Some(yes) {
                continue;
            }
            let health = if yes { Ok(()) } else { Err("context deadline exceeded".into()) };
            if !yes {
                self.mark(Mark::StoreSilent);
            }
            let life = self.life(server);
            self.hosts[server].told = Some(yes);
            let input = Box::new(Input::Health(Feed(0), health));
            self.schedule(self.now, Happening::Input(server, life, input));
        }
        Ok(())
    }
}
