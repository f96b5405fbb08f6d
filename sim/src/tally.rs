//! Sums over many runs: what a campaign adds up, the seed it begins with, and the museum's table.

use crate::check::Guarantee;
use crate::marks::Marks;
use crate::run::Outcome;
use std::fmt;

/// The sum of the runs of a campaign.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    pub seeds: u64,
    /// Inputs given to servers.
    pub steps: u64,
    pub requests: u64,
    /// Virtual milliseconds.
    pub millis: u64,
    /// Runs that did not converge, which the faults left in place explain.
    pub explained: u64,
    pub failures: u64,
    pub marks: Marks,
}

impl Tally {
    /// What one run adds, as long as it is no failure.
    pub fn of(outcome: &Outcome) -> Self {
        Self {
            seeds: 1,
            steps: outcome.steps,
            requests: outcome.requests,
            millis: outcome.millis,
            explained: u64::from(outcome.explained.is_some()),
            failures: 0,
            marks: outcome.marks.clone(),
        }
    }

    pub fn add(&mut self, other: &Self) {
        self.seeds += other.seeds;
        self.steps += other.steps;
        self.requests += other.requests;
        self.millis += other.millis;
        self.explained += other.explained;
        self.failures += other.failures;
        self.marks.add(&other.marks);
    }

    /// Marks that were reached.
    pub fn reached(&self) -> usize {
        crate::marks::Mark::ALL.len() - self.marks.missed().count()
    }
}

/// Where a campaign begins: a number, or a commit (40 hexadecimal digits), so that each commit tries seeds of its
/// own. A commit's number is below 10^12, so that it can be read and counted on from.
pub fn first_seed(text: &str) -> Option<u64> {
    if text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let hash = text.to_ascii_lowercase().bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        return Some(hash % 1_000_000_000_000);
    }
    text.parse().ok()
}

/// The median, the lower one of two; None of nothing.
pub fn median(numbers: &[u64]) -> Option<u64> {
    let mut sorted = numbers.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len().saturating_sub(1) / 2).copied()
}

/// How a guarantee is called in the names of files: `NoUpdateIsLost` is `no-update-is-lost`.
pub fn kebab(guarantee: Guarantee) -> String {
    let mut out = String::new();
    for letter in format!("{guarantee:?}").chars() {
        if letter.is_ascii_uppercase() && !out.is_empty() {
            out.push('-');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}

/// A line of the museum's table: what it took to find a bug that was put back.
#[derive(Clone, Debug, Default)]
pub struct Found {
    pub name: &'static str,
    pub issue: &'static str,
    /// Seeds that each start needed.
    pub seeds: Vec<u64>,
    /// Inputs to servers that each start needed.
    pub steps: Vec<u64>,
    /// Starts that did not find it within the budget.
    pub missed: usize,
    /// The budget: seeds that a start may need.
    pub budget: u64,
    /// The guarantees that it broke, by how often.
    pub guarantees: std::collections::BTreeMap<Guarantee, u64>,
    /// The length of the shortest tape that it was shrunk to.
    pub choices: Option<usize>,
}

/// The heading of the museum's table, in Markdown.
pub const MUSEUM_HEADING: &str = "\
| mutant | issue | seeds, median | seeds, most | steps, median | guarantee | choices |
|---|---|---:|---:|---:|---|---:|";

impl fmt::Display for Found {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = |number: Option<u64>| number.map_or("–".to_owned(), |number| number.to_string());
        let seeds = match (self.missed, median(&self.seeds)) {
            (0, median) => number(median),
            (missed, _) => {
                let starts = missed + self.seeds.len();
                format!("not found by {missed} of {starts} starts in {} seeds", self.budget)
            }
        };
        let often =
            self.guarantees.iter().max_by_key(|(guarantee, count)| (**count, std::cmp::Reverse(**guarantee)));
        let guarantee = often.map_or("–".to_owned(), |(guarantee, _)| kebab(*guarantee));
        write!(
            out,
            "| {} | {} | {seeds} | {} | {} | {guarantee} | {} |",
            self.name,
            self.issue,
            number(self.seeds.iter().max().copied()),
            number(median(&self.steps)),
            number(self.choices.map(|choices| choices as u64)),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_campaign_begins_at_a_number_or_a_commit() {
        assert_eq!(first_seed("17"), Some(17));
        let commit = "7348f4f0000000000000000000000000000000aB";
        assert_eq!(first_seed(commit), first_seed(&commit.to_ascii_lowercase()));
        assert_ne!(first_seed(commit), first_seed(&commit.replace('7', "8")));
        assert!(first_seed(commit).is_some_and(|seed| seed < 1_000_000_000_000));
        assert_eq!(first_seed("7348f4f"), None);
        assert_eq!(first_seed("-1"), None);
    }

    #[test]
    fn a_line_of_the_museum_says_what_was_found() {
        let mut found = Found { name: "canary", issue: "#1", budget: 9, ..Found::default() };
        assert_eq!(found.to_string(), "| canary | #1 | – | – | – | – | – |");
        found.seeds = vec![5, 1, 2, 8];
        found.steps = vec![50, 10, 20, 80];
        found.guarantees.insert(Guarantee::NoUpdateIsLost, 3);
        found.guarantees.insert(Guarantee::OneAnswer, 1);
        found.choices = Some(4);
        assert_eq!(found.to_string(), "| canary | #1 | 2 | 8 | 20 | no-update-is-lost | 4 |");
        found.missed = 1;
        assert!(found.to_string().contains("| not found by 1 of 5 starts in 9 seeds | 8 |"));
    }
}
