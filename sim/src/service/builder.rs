//! What a simulated cluster is made of.

use super::request::{asked, called};
use super::{Cluster, FaultClass};
use crate::choose::{Chooser, Tape};
use crate::swarm::Swarm;
use crate::testbed::{Exhibited, LocalHosts, Testbed};
use crate::trace::Trace;
use bytes::Bytes;
use std::sync::Arc;
use steersman_core::config::Bootstrap;

/// How much virtual time servers have to start, milliseconds, before the cluster is handed over as it is.
const START_MILLIS: u64 = 10_000;

/// Where the choices come from.
#[derive(Clone, Debug)]
enum Choices {
    Seed(u64),
    Tape(Tape),
}

/// A cluster to be started. What is not set is drawn from the seed.
#[derive(Clone, Debug)]
pub struct Builder {
    choices: Choices,
    servers: Option<u64>,
    members: Option<u64>,
    faults: Option<Vec<FaultClass>>,
    neighbours: bool,
    trace: bool,
    local_hosts: LocalHosts,
    exhibit: Exhibited,
}

impl Builder {
    pub(super) fn new(seed: u64) -> Self {
        let choices = Choices::Seed(seed);
        Self {
            choices,
            servers: None,
            members: None,
            faults: None,
            neighbours: false,
            trace: false,
            local_hosts: LocalHosts::default(),
            exhibit: Exhibited::default(),
        }
    }

    /// Repeats the choices of a tape instead of drawing from a seed. Everything else must be set as it was.
    #[must_use]
    pub fn tape(self, tape: &Tape) -> Self {
        Self { choices: Choices::Tape(tape.clone()), ..self }
    }

    /// So many servers, 1 to 5.
    #[must_use]
    pub fn servers(self, servers: u64) -> Self {
        Self { servers: Some(servers.clamp(1, 5)), ..self }
    }

    /// So many members of the store, 1 to 5.
    #[must_use]
    pub fn members(self, members: u64) -> Self {
        Self { members: Some(members.clamp(1, 5)), ..self }
    }

    /// These classes of faults strike and no others; none for an empty list.
    #[must_use]
    pub fn faults(self, faults: &[FaultClass]) -> Self {
        Self { faults: Some(faults.to_vec()), ..self }
    }

    /// The simulator's own clients are there too, and write into the namespaces that they find.
    #[must_use]
    pub fn neighbours(self) -> Self {
        Self { neighbours: true, ..self }
    }

    /// Answers for a host: webhooks whose address is `https://HOST/...`, or a service's `NAME.NAMESPACE.svc`, reach this
    /// function, whatever their port and certificate are. It answers at once and must not make requests of the cluster;
    /// what it hears and says is on its way for a while, and may be lost where `FaultClass::Reset` strikes.
    #[must_use]
    pub fn answer_for(
        mut self,
        host: &str,
        handler: impl Fn(http::Request<Bytes>) -> http::Response<Bytes> + Send + Sync + 'static,
    ) -> Self {
        self.local_hosts.add(host, Arc::new(move |call| called(handler(asked(call)))));
        self
    }

    /// Keeps what happens, for `Cluster::timeline`.
    #[must_use]
    pub fn trace(self) -> Self {
        Self { trace: true, ..self }
    }

    /// A historical bug is in it, to see that it is found.
    #[cfg(feature = "museum")]
    #[must_use]
    pub fn exhibit(self, exhibit: crate::museum::Exhibit) -> Self {
        Self { exhibit: exhibit.installed(), ..self }
    }

    /// Starts the servers, and lets time pass until they are ready.
    pub fn start(self) -> Cluster {
        let (mut chooser, mut line) = match &self.choices {
            Choices::Seed(seed) => (Chooser::from_seed(*seed), format!("Cluster::builder({seed})")),
            Choices::Tape(tape) => (Chooser::from_tape(tape), "Cluster::builder(0).tape(&tape)".to_owned()),
        };
        let mut swarm = Swarm::draw(&mut chooser);
        if let Some(servers) = self.servers {
            swarm.servers = servers;
            line.push_str(&format!(".servers({servers})"));
        }
        if let Some(members) = self.members {
            swarm.members = members;
            line.push_str(&format!(".members({members})"));
        }
        if let Some(faults) = &self.faults {
            swarm.keep(faults);
            line.push_str(&format!(".faults(&{faults:?})"));
        }
        if self.neighbours {
            line.push_str(".neighbours()");
        } else {
            swarm.clients.clear();
        }
        swarm.bootstrap = Bootstrap::Extensible;
        let described = swarm.to_string();
        let trace = if self.trace { Trace::kept() } else { Trace::default() };
        let mut testbed = Testbed::new(chooser, swarm, crate::run::registry(), self.exhibit, trace);
        testbed.local_hosts = self.local_hosts;
        let cluster = Cluster::of(testbed, line, described);
        cluster.start(START_MILLIS);
        cluster
    }
}
