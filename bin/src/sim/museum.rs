//! `steersman sim museum`: historical bugs, put back one at a time. Only a build with the museum has them.

#[cfg(feature = "museum")]
mod halls;

#[cfg(feature = "museum")]
pub(super) use halls::main;

/// What a build without the museum says.
#[cfg(not(feature = "museum"))]
pub(super) fn main(_: &clap::ArgMatches) -> std::process::ExitCode {
    crate::serve::complain(
        "steersman sim museum: this build has no museum, as no release has one: it puts bugs into the server.\n\
         One that has it: cargo build --release -p steersman --features museum",
    );
    std::process::ExitCode::from(super::exit::USAGE)
}
