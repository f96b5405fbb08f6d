//! A run as people see it: a text for a terminal and a page for a browser.

mod html;
mod text;

pub use html::{PAGE_MOMENTS_MAX, page};
pub use text::{TEXT_LINES_MAX, short, whole};

use crate::check::Violation;
use crate::choose::Tape;
use crate::run::Outcome;
use crate::trace::{Lane, Moment, What};
use std::collections::BTreeSet;
use steersman_core::now::Mono;

/// What is shown of a run.
#[derive(Clone, Debug)]
pub struct Account<'a> {
    /// The command that repeats it.
    pub reproduce: &'a str,
    pub swarm: &'a str,
    /// What is told of a run in numbers: a word, and its value.
    pub facts: &'a [(&'a str, String)],
    /// What the clients are, by lane.
    pub names: &'a [(Lane, String)],
    /// Virtual milliseconds, and what did not hold then.
    pub violation: Option<&'a (u64, Violation)>,
    pub explained: Option<&'a str>,
    pub tape: &'a Tape,
    /// By time; see `in_order`.
    pub moments: Vec<&'a Moment>,
}

impl<'a> Account<'a> {
    pub fn of(outcome: &'a Outcome, reproduce: &'a str, facts: &'a [(&'a str, String)]) -> Self {
        Self {
            reproduce,
            swarm: &outcome.swarm,
            facts,
            names: &outcome.names,
            violation: outcome.violation.as_ref(),
            explained: outcome.explained.as_deref(),
            tape: &outcome.tape,
            moments: in_order(outcome.trace.moments()),
        }
    }

    /// Whom the violation concerns: the lanes of the moments that tell of it and those that its detail names;
    /// where there are none, those of what happened last before it.
    fn concerned(&self) -> BTreeSet<Lane> {
        let Some((_, violation)) = self.violation else { return BTreeSet::new() };
        let is_told = |moment: &&Moment| moment.what == What::Violation;
        let told = self.moments.iter().copied().filter(is_told).flat_map(lanes);
        let named = self.names.iter().map(|(lane, _)| *lane);
        let named = self.moments.iter().copied().flat_map(lanes).chain(named).collect::<BTreeSet<Lane>>();
        let named = named.into_iter().filter(|lane| {
            says(&violation.detail, &lane.to_string())
                || name(self.names, *lane).is_some_and(|name| says(&violation.detail, name))
        });
        let found: BTreeSet<Lane> = told.chain(named).filter(|lane| *lane != Lane::Run).collect();
        if !found.is_empty() {
            return found;
        }
        let last = self.moments.iter().copied().rev().find(|moment| moment.what == What::Step);
        let last: BTreeSet<Lane> = last.into_iter().flat_map(lanes).collect();
        let clients: BTreeSet<Lane> =
            last.iter().copied().filter(|lane| matches!(lane, Lane::Client(_))).collect();
        if clients.is_empty() { last } else { clients }
    }

    /// Whether a moment belongs to the story of a violation: it is a fault or a phase, or happens to one that
    /// the violation concerns.
    fn tells(moment: &Moment, concerned: &BTreeSet<Lane>) -> bool {
        let touches = |lane: &Lane| concerned.contains(lane);
        match moment.what {
            What::Fault | What::Phase | What::Violation => true,
            What::Step => touches(&moment.lane) || moment.from.is_some_and(|(lane, _)| touches(&lane)),
        }
    }
}

/// Moments by time. A run notes some of them when they are sent off, with the time at which they arrive. Of one time
/// they stay as they were noted, a violation last.
pub fn in_order(moments: &[Moment]) -> Vec<&Moment> {
    let mut sorted: Vec<&Moment> = moments.iter().collect();
    sorted.sort_by_key(|moment| (moment.at, moment.what == What::Violation));
    sorted
}

/// The numbers of a run that a page and a summary show.
pub fn facts(outcome: &Outcome) -> Vec<(&'static str, String)> {
    vec![
        ("steps", outcome.steps.to_string()),
        ("requests", outcome.requests.to_string()),
        ("virtual time", format!("{} ms", outcome.millis)),
        ("choices", outcome.tape.len().to_string()),
        ("digest", format!("{:016x}", outcome.digest.0)),
    ]
}

/// Where a moment is, and where it came from.
fn lanes(moment: &Moment) -> impl Iterator<Item = Lane> + use<> {
    moment.from.map(|(lane, _)| lane).into_iter().chain([moment.lane])
}

/// Whether a text holds a word that does not go on: `client 1` is not in `client 12`.
fn says(text: &str, word: &str) -> bool {
    let goes_on = |rest: &str| rest.starts_with(|letter: char| letter.is_ascii_alphanumeric());
    !word.is_empty() && text.match_indices(word).any(|(at, _)| !goes_on(&text[at + word.len()..]))
}

/// Milliseconds with three places: `12.500`.
fn millis(at: Mono) -> String {
    format!("{}.{:03}", at.0 / 1000, at.0 % 1000)
}

/// The name of a lane that tells more than its number.
fn name(names: &[(Lane, String)], lane: Lane) -> Option<&str> {
    names.iter().find(|(named, _)| *named == lane).map(|(_, name)| name.as_str())
}

#[cfg(test)]
mod tests;
