//! Patterns for names of files: `*` stands for any characters, `?` for one, `[a-z]` for one of several, and `\\` takes
//! what follows as it is.
//! Go: path/filepath/match.go

/// A pattern for the name of a file without its folder and ending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Any,
    One,
    Exactly(char),
    /// One of these ranges, or none of them.
    Among {
        ranges: Vec<(char, char)>,
        is_negated: bool,
    },
    /// The pattern is malformed from here on: nothing matches it, as in Go.
    Never,
}

impl Pattern {
    pub(super) fn new(text: &str) -> Self {
        let (mut pieces, mut rest) = (Vec::new(), text.chars());
        while let Some(next) = rest.next() {
            pieces.push(match next {
                '*' => Piece::Any,
                '?' => Piece::One,
                '\\' => rest.next().map_or(Piece::Never, Piece::Exactly),
                '[' => among(&mut rest).unwrap_or(Piece::Never),
                other => Piece::Exactly(other),
            });
        }
        Self(pieces)
    }

    /// Whether the whole name matches. A name that does not match is known after a number of steps that is bounded by
    /// the lengths of both.
    pub(super) fn matches(&self, name: &str) -> bool {
        // The places of the pattern that can be reached with what was read of the name.
        let mut reached = vec![false; self.0.len() + 1];
        reached[0] = true;
        self.pass_stars(&mut reached);
        for character in name.chars() {
            let mut next = vec![false; reached.len()];
            for (place, piece) in self.0.iter().enumerate().filter(|(place, _)| reached[*place]) {
                match piece {
                    Piece::Any => next[place] = true,
                    piece => next[place + 1] |= piece.takes(character),
                }
            }
            self.pass_stars(&mut next);
            reached = next;
        }
        reached[self.0.len()]
    }

    fn pass_stars(&self, reached: &mut [bool]) {
        for (place, piece) in self.0.iter().enumerate() {
            if reached[place] && *piece == Piece::Any {
                reached[place + 1] = true;
            }
        }
    }
}

impl Piece {
    fn takes(&self, character: char) -> bool {
        match self {
            Self::Any | Self::One => true,
            Self::Exactly(wanted) => *wanted == character,
            Self::Among { ranges, is_negated } => {
                ranges.iter().any(|(from, to)| (*from..=*to).contains(&character)) != *is_negated
            }
            Self::Never => false,
        }
    }
}

/// What stands between brackets; None when they are malformed.
fn among(rest: &mut std::str::Chars<'_>) -> Option<Piece> {
    let is_negated = rest.as_str().starts_with('^');
    if is_negated {
        rest.next();
    }
    let mut ranges = Vec::new();
    let one = |rest: &mut std::str::Chars<'_>| match rest.next()? {
        '\\' => rest.next(),
        '-' | ']' => None,
        other => Some(other),
    };
    while ranges.is_empty() || !rest.as_str().starts_with(']') {
        let from = one(rest)?;
        let to = match rest.as_str().strip_prefix('-') {
            Some(_) => {
                rest.next();
                one(rest)?
            }
            None => from,
        };
        ranges.push((from, to));
    }
    rest.next();
    Some(Piece::Among { ranges, is_negated })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_as_in_go() {
        let cases = [
            ("httplog", "httplog", true),
            ("httplog", "httplogs", false),
            ("http*", "httplog", true),
            ("*log", "httplog", true),
            ("*t*l*", "httplog", true),
            ("h??plog", "httplog", true),
            ("?", "", false),
            ("*", "", true),
            ("[a-h]ttplog", "httplog", true),
            ("[^a-g]ttplog", "httplog", true),
            ("[^h]ttplog", "httplog", false),
            ("[h", "h", false),
            ("[]h]", "h", false),
            ("a\\*", "a*", true),
            ("a\\*", "ab", false),
            ("a\\", "a", false),
            ("*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false),
        ];
        for (pattern, name, expected) in cases {
            assert_eq!(Pattern::new(pattern).matches(name), expected, "{pattern} and {name}");
        }
    }
}
