//! The last line of a complete recording: digests that a replay of it must arrive at.

use super::Digest;
use alloc::format;
use alloc::string::String;

/// The word that the line begins with.
const WORD: &str = "digest";

/// Two digests of a recording: one over its lines, one over the effects that followed from them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digests {
    /// Over all lines before the last one, exactly as they were written, with the heading and the configuration.
    pub inputs: Digest,
    /// Over every effect's line, in order.
    pub effects: Digest,
}

impl Digests {
    /// Adds a line of the recording.
    pub fn add_input(&mut self, line: &str) {
        self.inputs.add_long(line.as_bytes());
    }

    /// Adds the line of an effect.
    pub fn add_effect(&mut self, line: &str) {
        self.effects.add_long(line.as_bytes());
    }

    /// The last line of the recording, with both digests.
    pub fn line(&self) -> String {
        format!("{WORD} {:016x} {:016x}", self.inputs.0, self.effects.0)
    }

    /// Reads a last line. None for a line that is an input.
    pub fn parse(line: &str) -> Option<Self> {
        let (inputs, effects) = line.strip_prefix(WORD)?.strip_prefix(' ')?.split_once(' ')?;
        let digest = |word: &str| u64::from_str_radix(word, 16).ok().map(Digest);
        Some(Self { inputs: digest(inputs)?, effects: digest(effects)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_is_read_back_and_depends_on_the_lines() {
        let mut digests = Digests::default();
        digests.add_input("0 0 tick");
        digests.add_effect("close 7");
        assert_eq!(Digests::parse(&digests.line()), Some(digests));
        let mut other = Digests::default();
        other.add_input("0 0 tic");
        other.add_input("k");
        assert_ne!(other.inputs, digests.inputs);
        let last = digests.line();
        for line in
            ["0 0 tick", "digest", "digest 0", "digest 0 x", &last[..20], &last.replace("digest", "digit")]
        {
            assert_eq!(Digests::parse(line), None, "{line}");
        }
    }
}
