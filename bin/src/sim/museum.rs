//! `steersman sim museum`: historical bugs, put back one at a time. Only a build with the museum has them.

#[cfg(feature = "museum")]
mod halls;

#[cfg(feature = "museum")]
pub(super) use halls::main;

/// What a build without the museum says.
#[cfg(not(feature = "museum"))]
pub(super) fn main(_: &clap::ArgMatches) -> std::process::ExitCode {
    closed("museum")
}

/// Says that this build cannot do what was asked for.
#[cfg(not(feature = "museum"))]
pub(super) fn closed(asked: &str) -> std::process::ExitCode {
    crate::serve::complain(&format!(
        "steersman sim {asked}: this build has no museum, as no release has one: it puts bugs into the server.\n\
         One that has it: cargo build --release -p steersman --features museum"
    ));
    std::process::ExitCode::from(super::exit::USAGE)
}
