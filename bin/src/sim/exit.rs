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

    /// What it means, as the help says it too.
    pub(super) const fn sentence(self) -> &'static str {
        match self {
            Self::Crash => "crash: a run panicked",
            Self::Safety => "safety: a client was told what is not so",
            Self::Liveness => "liveness: a run did not come to rest",
            Self::Nondeterminism => "nondeterminism: the same choices gave two different runs",
            Self::MarkMissed => "a mark was missed",
            Self::ExhibitNotFound => "a bug of the museum was not found within its budget",
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

/// How a campaign can fail, by code.
const FAILURES: [CampaignFailure; 6] = [
    CampaignFailure::Crash,
    CampaignFailure::Safety,
    CampaignFailure::Liveness,
    CampaignFailure::Nondeterminism,
    CampaignFailure::MarkMissed,
    CampaignFailure::ExhibitNotFound,
];

/// What `--help` says of them.
pub(super) fn help() -> String {
    let failures = FAILURES.map(|failure| format!("  {}  {}\n", failure.code(), failure.sentence())).concat();
    format!(
        "Exit codes:\n   0  every guarantee held\n   1  a file cannot be read or written\n   \
         2  the command line is wrong, or this build has no museum\n{failures}\
         Of several the first of 10, 13, 11, 12, 15, 14."
    )
}

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
        let help = help();
        assert!(
            all.iter().all(|code| help.contains(&format!("\n  {code}  "))),
            "help tells of every code: {help}"
        );
        let worst =
            [CampaignFailure::Safety, CampaignFailure::MarkMissed, CampaignFailure::Crash].into_iter().max();
        assert_eq!(worst.map(CampaignFailure::code), Some(10));
    }
}
