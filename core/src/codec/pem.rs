//! PEM: binary data as lines of base64 between a first and a last line that name its type.
//! k8s: Go's encoding/pem Decode

use super::base64;
use alloc::string::String;
use alloc::vec::Vec;

/// One block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// `CERTIFICATE`.
    pub label: String,
    pub has_headers: bool,
    pub bytes: Vec<u8>,
}

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// The next block, and what follows it. What is no block is passed over; None when there is none.
pub fn next_block(text: &str) -> Option<(Block, &str)> {
    let mut rest = text;
    loop {
        rest = after_begin(rest)?;
        let (line, after) = split_line(rest);
        rest = after;
        let Some(label) = line.strip_suffix(DASHES) else { continue };
        let (has_headers, body) = without_headers(after);
        let Some((data, end)) = split_at_end(body) else { continue };
        // The last line must name the type that the first one names.
        let Some(tail) = end.strip_prefix(label).and_then(|end| end.strip_prefix(DASHES)) else { continue };
        let (line_end, after) = split_line(tail);
        if !line_end.is_empty() {
            continue;
        }
        let data: String =
            data.chars().filter(|letter| !matches!(letter, '\n' | '\r' | ' ' | '\t')).collect();
        let Ok(bytes) = base64::decode(&data) else { continue };
        return Some((Block { label: label.into(), has_headers, bytes }, after));
    }
}

/// What follows the next first line's opening words, which must begin a line.
fn after_begin(text: &str) -> Option<&str> {
    if let Some(rest) = text.strip_prefix(BEGIN) {
        return Some(rest);
    }
    let mut lines = text;
    while let Some((_, after)) = lines.split_once('\n') {
        if let Some(rest) = after.strip_prefix(BEGIN) {
            return Some(rest);
        }
        lines = after;
    }
    None
}

/// A line without the white space at its end, and what follows it.
fn split_line(text: &str) -> (&str, &str) {
    let (line, after) = text.split_once('\n').unwrap_or((text, ""));
    (line.trim_end_matches(['\r', ' ', '\t']), after)
}

/// Whether lines with a colon stand before the data, and what follows them.
fn without_headers(text: &str) -> (bool, &str) {
    let (mut rest, mut any) = (text, false);
    while !rest.is_empty() {
        let (line, after) = split_line(rest);
        if !line.contains(':') {
            break;
        }
        any = true;
        rest = after;
    }
    (any, rest)
}

/// The data before the last line, and what follows that line's opening words.
fn split_at_end(text: &str) -> Option<(&str, &str)> {
    if let Some(end) = text.strip_prefix(END) {
        return Some(("", end));
    }
    let mut searched = 0;
    while let Some(found) = text.get(searched..)?.find('\n') {
        let line = searched + found + 1;
        if let Some(end) = text.get(line..)?.strip_prefix(END) {
            return Some((text.get(..line)?, end));
        }
        searched = line;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found() {
        let text = "words\n-----BEGIN A B-----\naG\nk=\n-----END A B-----\n-----BEGIN C-----\nx: y\n\naGk=\n\
                    -----END C-----\nrest";
        let (block, rest) = next_block(text).expect("a block");
        assert_eq!(
            (block.label.as_str(), block.has_headers, block.bytes.as_slice()),
            ("A B", false, &b"hi"[..])
        );
        let (block, rest) = next_block(rest).expect("another");
        assert_eq!((block.label.as_str(), block.has_headers, rest), ("C", true, "rest"));
        assert_eq!(next_block(rest), None);
    }

    #[test]
    fn what_is_no_block_is_passed_over() {
        for text in [
            "",
            "hi",
            "-----BEGIN A-----",
            "-----BEGIN A-----\naGk=\n-----END B-----\n",
            "-----BEGIN A-----\n!!\n-----END A-----\n",
            "x -----BEGIN A-----\naGk=\n-----END A-----\n",
            "-----BEGIN A\naGk=\n-----END A-----\n",
        ] {
            assert_eq!(next_block(text), None, "{text}");
        }
    }
}
