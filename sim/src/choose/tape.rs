//! A tape: a run as the list of its choices that were not 0.

use super::{ChoiceSource, ChoiceStream, Label, Point, Ratio};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

/// The first line of a tape.
const HEADING: &str = "steersman tape 1";

/// The choices of a run; absent ones are 0. The text form has one choice in a line, `label key number picked`, and
/// comments after `#`.
///
/// A campaign makes a tape in every run and reads few of them, so choices are sorted only when the tape is read.
#[derive(Clone, Debug, Default)]
pub struct Tape {
    made: Vec<(Point, u64)>,
    ordered: OnceLock<BTreeMap<Point, u64>>,
}

impl PartialEq for Tape {
    fn eq(&self, other: &Self) -> bool {
        self.choices() == other.choices()
    }
}

impl Eq for Tape {}

/// Why a text is not a tape, and in which line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TapeError {
    pub line: usize,
    pub why: &'static str,
}

impl Tape {
    pub fn new(choices: impl IntoIterator<Item = (Point, u64)>) -> Self {
        let made = choices.into_iter().filter(|(_, picked)| *picked != 0).collect();
        Self { made, ordered: OnceLock::new() }
    }

    fn of(choices: BTreeMap<Point, u64>) -> Self {
        Self { made: Vec::new(), ordered: choices.into() }
    }

    fn choices(&self) -> &BTreeMap<Point, u64> {
        self.ordered.get_or_init(|| self.made.iter().copied().collect())
    }

    pub fn len(&self) -> usize {
        self.choices().len()
    }

    pub fn is_empty(&self) -> bool {
        self.choices().is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = (Point, u64)> {
        self.choices().iter().map(|(point, picked)| (*point, *picked))
    }

    /// The choice at a point.
    pub fn at(&self, point: Point) -> u64 {
        self.choices().get(&point).copied().unwrap_or(0)
    }

    /// The same tape with one choice changed.
    #[must_use]
    pub fn with(&self, point: Point, picked: u64) -> Self {
        let mut choices = self.choices().clone();
        if picked == 0 {
            choices.remove(&point);
        } else {
            choices.insert(point, picked);
        }
        Self::of(choices)
    }
}

impl fmt::Display for Tape {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{HEADING}")?;
        for (point, picked) in self.choices() {
            writeln!(out, "{} {} {picked}", point.stream, point.number)?;
        }
        Ok(())
    }
}

impl fmt::Display for TapeError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "line {}: {}", self.line, self.why)
    }
}

impl FromStr for Tape {
    type Err = TapeError;

    fn from_str(text: &str) -> Result<Self, TapeError> {
        let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
        let mut lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let heading = lines.next();
        if heading.is_none_or(|(_, line)| line != HEADING) {
            let line = heading.map_or(1, |(line, _)| line);
            return Err(TapeError { line, why: "is not the heading of a tape" });
        }
        let mut choices = BTreeMap::new();
        for (line, text) in lines {
            let (point, picked) = choice(text).map_err(|why| TapeError { line, why })?;
            if choices.insert(point, picked).is_some() {
                return Err(TapeError { line, why: "is a choice for the second time" });
            }
        }
        Ok(Self::of(choices))
    }
}

fn choice(line: &str) -> Result<(Point, u64), &'static str> {
    let mut words = line.split_ascii_whitespace();
    let label: Label =
        words.next().unwrap_or_default().parse().map_err(|()| "has a label that nothing is chosen by")?;
    let mut number = || words.next().and_then(|word| word.parse::<u64>().ok()).ok_or("has not three numbers");
    let (key, index, picked) = (number()?, number()?, number()?);
    let number = u32::try_from(index).map_err(|_| "has a number out of range")?;
    match words.next() {
        Some(_) => Err("has more than three numbers"),
        None if picked == 0 => Err("is a plain choice"),
        None => Ok((Point { stream: ChoiceStream { label, key }, number }, picked)),
    }
}

/// Makes the choices of a tape, and 0 where it has none.
#[derive(Clone, Debug)]
pub struct TapeSource {
    choices: BTreeMap<Point, u64>,
}

impl TapeSource {
    pub fn new(tape: &Tape) -> Self {
        Self { choices: tape.choices().clone() }
    }

    fn at(&self, point: Point) -> u64 {
        self.choices.get(&point).copied().unwrap_or(0)
    }
}

impl ChoiceSource for TapeSource {
    fn pick(&mut self, point: Point, bound: u64) -> u64 {
        self.at(point) % bound
    }

    fn flip(&mut self, point: Point, _: Ratio) -> bool {
        self.at(point) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_in_a_tape_name_the_line() {
        let read = |text: &str| text.parse::<Tape>().map_err(|error| (error.line, error.why));
        assert_eq!(read(""), Err((1, "is not the heading of a tape")));
        let heading = "# found by hand\nsteersman tape 1\n";
        assert_eq!(read(&format!("{heading}link 1 2 x")), Err((3, "has not three numbers")));
        assert_eq!(read(&format!("{heading}lynx 1 2 3")), Err((3, "has a label that nothing is chosen by")));
        assert_eq!(read(&format!("{heading}link 1 2 3 4")), Err((3, "has more than three numbers")));
        assert_eq!(read(&format!("{heading}link 1 2 0")), Err((3, "is a plain choice")));
        let twice = format!("{heading}link 1 2 3\n# again\nlink 1 2 4");
        assert_eq!(read(&twice), Err((5, "is a choice for the second time")));
        assert_eq!(read(&format!("{heading}link 1 2 3")).map(|tape| tape.len()), Ok(1));
    }
}
