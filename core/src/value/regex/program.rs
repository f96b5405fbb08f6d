//! How a text is searched: all ways in which an expression could match are followed at once, character by character.
//! Go: src/regexp/syntax/compile.go, src/regexp/exec.go

use super::parse::{Assertion, CharacterSet, Pattern};
use alloc::vec::Vec;
use core::ops::Range;

/// The most steps that a compiled expression has.
const STEPS_MAX: usize = 20_000;

#[derive(Clone, Debug)]
enum Step {
    Match,
    /// One character, then the next step.
    CharacterSet(CharacterSet),
    Assert(Assertion),
    /// Two ways, the first one preferred.
    Split(usize, usize),
    Jump(usize),
}

#[derive(Clone, Debug)]
pub(super) struct Matcher {
    steps: Vec<Step>,
    /// How many nodes were compiled: repetitions of what is empty make no steps.
    nodes: usize,
}

/// The ways that are followed, by preference, each with where it began.
struct Ways {
    list: Vec<(usize, usize)>,
    /// For each step, the generation in which it was added.
    seen: Vec<usize>,
    generation: usize,
}

impl Ways {
    fn new(steps: usize) -> Self {
        Self { list: Vec::new(), seen: alloc::vec![0; steps], generation: 0 }
    }

    fn clear(&mut self) {
        self.list.clear();
        self.generation += 1;
    }
}

impl Matcher {
    /// None if it would be too large.
    pub(super) fn compile(node: &Pattern) -> Option<Self> {
        let mut program = Self { steps: Vec::new(), nodes: 0 };
        program.emit(node)?;
        program.push(Step::Match)?;
        Some(program)
    }

    fn push(&mut self, step: Step) -> Option<usize> {
        let at = self.steps.len();
        self.steps.push(step);
        (at < STEPS_MAX).then_some(at)
    }

    fn set(&mut self, at: usize, step: Step) {
        if let Some(held) = self.steps.get_mut(at) {
            *held = step;
        }
    }

    fn emit(&mut self, node: &Pattern) -> Option<()> {
        self.nodes += 1;
        if self.nodes > 2 * STEPS_MAX {
            return None;
        }
        match node {
            Pattern::Empty => {}
            Pattern::CharacterSet(set) => {
                self.push(Step::CharacterSet(set.clone()))?;
            }
            Pattern::Assert(assertion) => {
                self.push(Step::Assert(*assertion))?;
            }
            Pattern::Concat(parts) => parts.iter().try_for_each(|part| self.emit(part))?,
            Pattern::Alternate(parts) => {
                let mut jumps = Vec::new();
                for (index, part) in parts.iter().enumerate() {
                    if index + 1 == parts.len() {
                        self.emit(part)?;
                        break;
                    }
                    let split = self.push(Step::Jump(0))?;
                    self.emit(part)?;
                    jumps.push(self.push(Step::Jump(0))?);
                    self.set(split, Step::Split(split + 1, self.steps.len()));
                }
                let end = self.steps.len();
                jumps.into_iter().for_each(|jump| self.set(jump, Step::Jump(end)));
            }
            Pattern::Repeat { of, least, most, greedy } => {
                (0..*least).try_for_each(|_| self.emit(of))?;
                match most {
                    None => self.emit_loop(of, *greedy)?,
                    Some(most) => {
                        let mut splits = Vec::new();
                        for _ in *least..*most {
                            splits.push(self.push(Step::Jump(0))?);
                            self.emit(of)?;
                        }
                        let end = self.steps.len();
                        splits.into_iter().for_each(|split| self.set(split, fork(split + 1, end, *greedy)));
                    }
                }
            }
        }
        Some(())
    }

    fn emit_loop(&mut self, of: &Pattern, greedy: bool) -> Option<()> {
        let split = self.push(Step::Jump(0))?;
        self.emit(of)?;
        self.push(Step::Jump(split))?;
        let end = self.steps.len();
        self.set(split, fork(split + 1, end, greedy));
        Some(())
    }

    /// The first match at or behind a place in a text, or with `any` whichever is found first.
    pub(super) fn find(&self, text: &str, from: usize, any: bool) -> Option<Range<usize>> {
        let (mut now, mut next) = (Ways::new(self.steps.len()), Ways::new(self.steps.len()));
        let mut found: Option<Range<usize>> = None;
        let mut stack = Vec::new();
        now.clear();
        let mut characters = text.get(from..)?.char_indices().map(|(at, held)| (from + at, Some(held)));
        let end = (text.len(), None);
        loop {
            let (at, character) = characters.next().unwrap_or(end);
            if found.is_none() {
                self.follow(&mut now, (0, at), (text, at), &mut stack);
            }
            if now.list.is_empty() && found.is_some() {
                return found;
            }
            next.clear();
            let after = at + character.map_or(0, char::len_utf8);
            let ways = core::mem::take(&mut now.list);
            for (step, start) in &ways {
                match self.steps.get(*step) {
                    Some(Step::Match) => {
                        found = Some(*start..at);
                        if any {
                            return found;
                        }
                        // Ways that are less preferred are not followed any more.
                        break;
                    }
                    Some(Step::CharacterSet(set))
                        if character.is_some_and(|character| set.has(character)) =>
                    {
                        self.follow(&mut next, (step + 1, *start), (text, after), &mut stack);
                    }
                    _ => {}
                }
            }
            now.list = ways;
            core::mem::swap(&mut now, &mut next);
            if character.is_none() || (now.list.is_empty() && found.is_some()) {
                return found;
            }
        }
    }

    /// Adds a way, up to the steps that need a character.
    fn follow(
        &self,
        ways: &mut Ways,
        (step, start): (usize, usize),
        (text, at): (&str, usize),
        stack: &mut Vec<usize>,
    ) {
        stack.push(step);
        while let Some(step) = stack.pop() {
            let Some(seen) = ways.seen.get_mut(step).filter(|seen| **seen != ways.generation) else {
                continue;
            };
            *seen = ways.generation;
            match self.steps.get(step) {
                Some(Step::Jump(to)) => stack.push(*to),
                Some(Step::Split(first, second)) => stack.extend([*second, *first]),
                Some(Step::Assert(assertion)) if assertion.holds(text, at) => stack.push(step + 1),
                Some(Step::Match | Step::CharacterSet(_)) => ways.list.push((step, start)),
                Some(Step::Assert(_)) | None => {}
            }
        }
    }
}

fn fork(first: usize, second: usize, greedy: bool) -> Step {
    if greedy { Step::Split(first, second) } else { Step::Split(second, first) }
}

impl Assertion {
    fn holds(self, text: &str, at: usize) -> bool {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let after = text.get(at..).and_then(|after| after.chars().next());
        let is_word =
            |held: Option<char>| held.is_some_and(|held| held.is_ascii_alphanumeric() || held == '_');
        match self {
            Self::TextStart => before.is_none(),
            Self::TextEnd => after.is_none(),
            Self::LineStart => before.is_none_or(|before| before == '\n'),
            Self::LineEnd => after.is_none_or(|after| after == '\n'),
            Self::WordBoundary => is_word(before) != is_word(after),
            Self::NoWordBoundary => is_word(before) == is_word(after),
        }
    }
}
