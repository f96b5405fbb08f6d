//! Exit codes: what went wrong, for scripts.

use steersman_sim::check::{Severity, Violation};

/// Something outside the simulation: a file that cannot be read or written.
pub(super) const INFRASTRUCTURE: u8 = 1;
/// The command line; clap's own code.
pub(super) const USAGE: u8 = 2;

/// How a campaign failed, the least serious first. Of several the most serious is the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum CampaignFailure {
    /// A mark that was required was not reached.
    MarkMissed,
    /// A bug of the museum was not found within its budget.
    #[cfg_attr(not(feature = "museum"), allow(dead_code, reason = "only a museum has exhibits"))]
    ExhibitNotFound,
    Liveness,
    Safety,
    /// The same choices gave two different runs.
    Nondeterminism,
    /// A panic.
    Crash,
}

impl CampaignFailure {
    pub(super) const fn code(self) -> u8 {
        match self {
            Self::Crash => 10,
            Self::Safety => 11,
            Self::Liveness => 12,
            Self::Nondeterminism => 13,
            Self::MarkMissed => 14,
            Self::ExhibitNotFound => 15,
        }
    }

    pub(super) const fn of(violation: &Violation) -> Self {
        match violation.guarantee.severity() {
            Severity::Liveness => Self::Liveness,
            Severity::Safety => Self::Safety,
            Severity::Crash => Self::Crash,
        }
    }
}

/// What `--help` says of them.
pub(super) const HELP: &str = "\
Exit codes:
   0  every guarantee held
   1  a file cannot be read or written
   2  the command line is wrong, or this build has no museum
  10  crash: a run panicked
  11  safety: a client was told what is not so
  12  liveness: a run did not come to rest
  13  nondeterminism: the same choices gave two different runs
  14  a mark was missed
  15  a bug of the museum was not found within its budget
Of several the first of 10, 13, 11, 12, 15, 14.";

#[cfg(test)]
mod tests {
    use super::*;
    use steersman_sim::check::Guarantee;

    #[test]
    fn the_kind_of_a_failure_is_the_exit_code() {
        let code = |guarantee| CampaignFailure::of(&Violation::new(guarantee, "")).code();
        assert_eq!(code(Guarantee::NothingPanics), 10);
        assert_eq!(code(Guarantee::NoUpdateIsLost), 11);
        assert_eq!(code(Guarantee::EverybodyConverges), 12);
        let all = [10, 11, 12, 13, 14, 15];
        assert!(all.iter().all(|code| HELP.contains(&format!("\n  {code}  "))), "help tells of every code");
        let worst =
            [CampaignFailure::Safety, CampaignFailure::MarkMissed, CampaignFailure::Crash].into_iter().max();
        assert_eq!(worst.map(CampaignFailure::code), Some(10));
    }
}
