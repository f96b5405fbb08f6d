//! The museum: historical bugs of kube-apiserver, etcd and this server, put back one at a time. A campaign must find
//! each of them without help.

use crate::etcd::{EtcdFlaw, Flawed};
use crate::testbed::Exhibited;
use std::fmt;
use steersman_core::museum::{Flaw, Mutant};

/// Seeds within which a campaign must find an exhibit.
const BUDGET: u64 = 2_000;
/// The number of seeds for bugs that only a rare request shows.
const RARE_BUDGET: u64 = 10_000;
/// The number of seeds for the canary, a bug so obvious that failing to find it means that nothing can be found.
const CANARY_BUDGET: u64 = 20;

/// One bug: of the server, or of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exhibit {
    Server(Mutant),
    Store(EtcdFlaw),
}

impl Exhibit {
    pub fn all() -> Vec<Self> {
        let servers = Mutant::ALL.iter().map(|mutant| Self::Server(*mutant));
        servers.chain(EtcdFlaw::ALL.iter().map(|flaw| Self::Store(*flaw))).collect()
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().into_iter().find(|exhibit| exhibit.name() == name)
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Server(mutant) => mutant.name(),
            Self::Store(flaw) => flaw.name(),
        }
    }

    /// Where it was reported.
    pub const fn issue(self) -> &'static str {
        match self {
            Self::Server(mutant) => mutant.issue(),
            Self::Store(flaw) => flaw.issue(),
        }
    }

    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Server(mutant) => mutant.sentence(),
            Self::Store(flaw) => flaw.sentence(),
        }
    }

    /// So many seeds may be needed that it is searched for only by name.
    pub const fn is_rare(self) -> bool {
        self.budget() > BUDGET
    }

    /// Seeds within which it must be found.
    pub const fn budget(self) -> u64 {
        match self {
            Self::Server(Mutant::Canary) => CANARY_BUDGET,
            // A token lives for ten minutes at least, and a run takes less: a test of the museum shows it.
            Self::Server(Mutant::KindPatchedAway | Mutant::ExpiryIgnored) => RARE_BUDGET,
            // What is applied again is soon followed by what is newer: only who looks in between can tell.
            Self::Server(Mutant::OldEventsApplied) => RARE_BUDGET,
            Self::Server(_) | Self::Store(_) => BUDGET,
        }
    }

    pub(crate) fn installed(self) -> Exhibited {
        match self {
            Self::Server(mutant) => Exhibited { server: Flaw::of(mutant), store: Flawed::NEVER },
            Self::Store(flaw) => Exhibited { server: Flaw::default(), store: Flawed::with(flaw) },
        }
    }
}

impl fmt::Display for Exhibit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} ({}): {}", self.name(), self.issue(), self.sentence())
    }
}
