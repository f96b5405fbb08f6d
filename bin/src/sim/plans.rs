//! Whether a run plays the server as it is, or one with a historical bug.

use clap::ArgMatches;
use steersman_sim::run::Plan;

/// Makes the plans of an invocation.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Plans {
    #[cfg(feature = "museum")]
    pub exhibit: Option<steersman_sim::museum::Exhibit>,
}

impl Plans {
    /// What `--exhibit` says, in a build that has it.
    #[cfg(feature = "museum")]
    pub(super) fn of(matches: &ArgMatches) -> Self {
        let name = matches.get_one::<String>("exhibit");
        let exhibit = name.and_then(|name| {
            steersman_sim::museum::Exhibit::all().into_iter().find(|exhibit| exhibit.name() == name)
        });
        Self { exhibit }
    }

    #[cfg(not(feature = "museum"))]
    pub(super) fn of(_: &ArgMatches) -> Self {
        Self::default()
    }

    pub(super) fn plan(self, trace: bool) -> Plan {
        Plan {
            trace,
            #[cfg(feature = "museum")]
            exhibit: self.exhibit,
        }
    }

    /// What stands in a command line after a seed or a tape.
    pub(super) fn arguments(self, start: &str) -> String {
        #[cfg(feature = "museum")]
        if let Some(exhibit) = self.exhibit {
            return format!("{start} --exhibit {}", exhibit.name());
        }
        start.to_owned()
    }
}
