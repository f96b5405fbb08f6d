//! Replays a recording: it gives the recorded inputs of a production server to the core, and compares the effects.

use std::collections::BTreeMap;
use std::sync::Arc;
use steersman_core::config::JobId;
use steersman_core::kinds::Registry;
use steersman_core::machine::text::{
    BROKEN, Digest, Digests, HEADING, Recorded, parse_config, parse_input, write_effect,
};
use steersman_core::machine::{Effect, Input, Machine, Page, Task};

/// A replay under way.
#[derive(Debug)]
pub struct Replay {
    machine: Machine,
    /// Tasks that were handed out and have not run.
    tasks: BTreeMap<JobId, Task>,
    /// Pages of listings that were handed out and have not been decoded.
    pages: BTreeMap<JobId, Page>,
    /// Over what was read, and what followed from it.
    digests: Digests,
    /// Lines that were read.
    lines: u64,
    pub totals: Totals,
}

/// The result of a replay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub inputs: u64,
    pub steps: u64,
    pub answers: u64,
    pub effects: u64,
    /// Over every effect's line, in order: equal for equal runs.
    pub digest: Digest,
    /// The recording says that it lost the inputs that followed.
    pub broken: bool,
    /// The recording is complete, and its digests equal those of this replay.
    pub same: bool,
}

/// A recording that cannot be replayed, and at which line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreplayable {
    pub line: u64,
    pub why: String,
}

impl core::fmt::Display for Unreplayable {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(out, "line {}: {}", self.line, self.why)
    }
}

impl Replay {
    /// From the first two lines of a recording, with the kinds that the recorded server had at its start.
    pub fn begin(heading: &str, configuration: &str, registry: Arc<Registry>) -> Result<Self, Unreplayable> {
        if heading != HEADING {
            return Err(Unreplayable { line: 1, why: format!("is not {HEADING:?}") });
        }
        let config =
            parse_config(configuration).map_err(|error| Unreplayable { line: 2, why: error.to_string() })?;
        let mut digests = Digests::default();
        digests.add_input(heading);
        digests.add_input(configuration);
        Ok(Self {
            machine: Machine::new(config, registry),
            tasks: BTreeMap::new(),
            pages: BTreeMap::new(),
            digests,
            lines: 2,
            totals: Totals::default(),
        })
    }

    /// Gives the machine what a line says and hands each effect's line to `show`. The last line of a whole
    /// recording is held against what was read and what followed from it.
    pub fn step(&mut self, line: &str, mut show: impl FnMut(&str)) -> Result<(), Unreplayable> {
        self.lines += 1;
        let number = self.lines;
        let failed = |why: String| Unreplayable { line: number, why };
        if self.totals.broken || self.totals.same {
            return Err(failed("follows the end of the recording".to_owned()));
        }
        if line == BROKEN {
            self.totals.broken = true;
            return Ok(());
        }
        if let Some(recorded) = Digests::parse(line) {
            self.compare(&recorded).map_err(failed)?;
            self.totals.same = true;
            return Ok(());
        }
        self.digests.add_input(line);
        let (now, recorded) = parse_input(line).map_err(|error| failed(error.to_string()))?;
        let input = match recorded {
            Recorded::Input(input) => *input,
            Recorded::Ran { id, seen } => {
                let task = self.tasks.remove(&id);
                let task =
                    task.ok_or_else(|| failed(format!("no step of request {} was handed out", id.0)))?;
                if task.sees() != seen {
                    let why = format!("the step saw revision {} and would see {}", seen.0, task.sees().0);
                    return Err(failed(why));
                }
                self.totals.steps += 1;
                Input::Ran(task.run())
            }
            Recorded::Decoded { id } => {
                let page = self.pages.remove(&id);
                let page = page.ok_or_else(|| failed(format!("no page was handed out as {}", id.0)))?;
                Input::Decoded(page.run())
            }
        };
        self.totals.inputs += 1;
        let mut effects = Vec::new();
        self.machine.handle(now, input, &mut effects);
        self.machine.check();
        let mut text = String::new();
        for effect in effects {
            text.clear();
            write_effect(&effect, &mut text);
            self.digests.add_effect(&text);
            self.totals.effects += 1;
            show(&text);
            match effect {
                Effect::Run(task) => {
                    self.tasks.insert(task.id, task);
                }
                Effect::Decode(page) => {
                    self.pages.insert(page.id, page);
                }
                Effect::Respond(..) => self.totals.answers += 1,
                Effect::Store(..)
                | Effect::Body(_)
                | Effect::Call(..)
                | Effect::Sign(..)
                | Effect::Verify(..)
                | Effect::Dial(..)
                | Effect::CancelCalls(_)
                | Effect::Frame { .. }
                | Effect::Close(_)
                | Effect::Discard(_)
                | Effect::Follow { .. }
                | Effect::RequestProgress(_)
                | Effect::Note(_) => {}
            }
        }
        self.totals.digest = self.digests.effects;
        Ok(())
    }

    fn compare(&self, recorded: &Digests) -> Result<(), String> {
        if recorded.inputs != self.digests.inputs {
            return Err("the recording is not as it was written".to_owned());
        }
        if recorded.effects != self.digests.effects {
            let (recorded, replayed) = (recorded.effects.0, self.digests.effects.0);
            return Err(format!(
                "the effects had digest {recorded:016x}, replayed they have {replayed:016x}"
            ));
        }
        Ok(())
    }
}
