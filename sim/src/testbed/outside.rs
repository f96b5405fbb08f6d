//! The interface for clients from outside of the simulator: they join while the testbed runs, and let its time pass.

use super::{Happening, Testbed};
use crate::client::Client;
use crate::testbed::wire::ClientState;
use steersman_core::machine::Input;
use steersman_core::now::Mono;

impl Testbed {
    /// Adds a client, and returns its number.
    pub(crate) fn admit(&mut self, client: Box<dyn Client>) -> usize {
        self.clients.push(client);
        self.client_states.push(ClientState::default());
        self.clients.len() - 1
    }

    /// Wakes a client, which then makes the request that it was given.
    pub(crate) fn rouse(&mut self, client: usize) {
        let sleep = self.client_states[client].sleep;
        self.at(0, Happening::Wake(client, sleep));
    }

    /// A client drops its request.
    pub(crate) fn dismiss(&mut self, client: usize) {
        self.let_go(client);
    }

    /// When the next thing happens.
    pub(crate) fn next_at(&self) -> Option<Mono> {
        self.heap.peek().map(|scheduled| scheduled.at)
    }

    /// Whether something is on its way: a request, a step, an operation, a change, an answer. Timers, sleeps and
    /// repairs, which only wait for their time, do not count.
    pub(crate) fn is_moving(&self) -> bool {
        self.heap.iter().any(|scheduled| match &scheduled.happening {
            Happening::Input(server, life, input) => {
                !matches!(**input, Input::Tick) && self.life(*server) == *life
            }
            Happening::Run(server, life, _) | Happening::Decode(server, life, _) => {
                self.life(*server) == *life
            }
            Happening::Store(_) | Happening::Reply(..) | Happening::Frame(..) | Happening::Called(..) => true,
            Happening::Broken(client, id) => {
                self.current(*client, *id).is_some_and(|record| record.ask.is_watch())
            }
            Happening::Wake(..)
            | Happening::Restart(_)
            | Happening::Resume(..)
            | Happening::Ending(..)
            | Happening::SetClock(_)
            | Happening::Release(_)
            | Happening::CatchUp(_)
            | Happening::MemberResume(_)
            | Happening::MemberStart(_)
            | Happening::Elected(_)
            | Happening::Accept
            | Happening::Mend(_)
            | Happening::Mischief => false,
        })
    }

    /// Every server has listed the store.
    pub(crate) fn is_ready(&self) -> bool {
        self.hosts
            .iter()
            .all(|host| host.machine.as_ref().is_some_and(|machine| machine.world().is_furnished()))
    }
}
