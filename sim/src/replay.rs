//! Replays a recording: the inputs that a production server was given, to the effects that it had.

use std::collections::BTreeMap;
use std::sync::Arc;
use steersman_core::kinds::Registry;
use steersman_core::machine::text::{
    BROKEN, Digest, HEADING, Recorded, parse_config, parse_input, write_effect,
};
use steersman_core::machine::{Effect, Input, JobId, Machine, Task};

/// A replay under way.
#[derive(Debug)]
pub struct Replay {
    machine: Machine,
    /// Tasks that were handed out and have not run.
    tasks: BTreeMap<JobId, Task>,
    pub totals: Totals,
}

/// What a replay came by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub inputs: u64,
    pub steps: u64,
    pub answers: u64,
    pub effects: u64,
    /// Over every effect's line, in order: equal for equal runs.
    pub digest: Digest,
    /// The recording says itself that it lost what followed.
    pub broken: bool,
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
    /// From the first two lines of a recording.
    pub fn begin(heading: &str, config: &str) -> Result<Self, Unreplayable> {
        if heading != HEADING {
            return Err(Unreplayable { line: 1, why: format!("is not {HEADING:?}") });
        }
        let config =
            parse_config(config).map_err(|error| Unreplayable { line: 2, why: error.to_string() })?;
        Ok(Self {
            machine: Machine::new(config, Arc::new(Registry::builtin())),
            tasks: BTreeMap::new(),
            totals: Totals::default(),
        })
    }

    /// Gives the machine what a line says and hands each effect's line to `show`.
    pub fn step(&mut self, line: &str, mut show: impl FnMut(&str)) -> Result<(), Unreplayable> {
        let number = self.totals.inputs + 3;
        let failed = |why: String| Unreplayable { line: number, why };
        if line == BROKEN {
            self.totals.broken = true;
            return Ok(());
        }
        let (now, recorded) = parse_input(line).map_err(|error| failed(error.to_string()))?;
        let input = match recorded {
            Recorded::Input(input) => input,
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
        };
        self.totals.inputs += 1;
        let mut effects = Vec::new();
        self.machine.handle(now, input, &mut effects);
        self.machine.check();
        let mut text = String::new();
        for effect in effects {
            text.clear();
            write_effect(&effect, &mut text);
            self.totals.digest.add(text.as_bytes());
            self.totals.effects += 1;
            show(&text);
            match effect {
                Effect::Run(task) => {
                    self.tasks.insert(task.id, task);
                }
                Effect::Respond(..) => self.totals.answers += 1,
                Effect::Store(..)
                | Effect::Frame { .. }
                | Effect::Close(_)
                | Effect::Follow { .. }
                | Effect::RequestProgress(_)
                | Effect::Note(_) => {}
            }
        }
        Ok(())
    }
}
