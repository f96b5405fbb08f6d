//! Runs of bytes that stand for themselves in a JSON string, found eight bytes at a time.

/// How many bytes come before the first quote, backslash or control character; all, if there is none.
#[inline(always)]
pub(crate) fn plain_run(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(word) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let special = special_bytes(u64::from_le_bytes(*word));
        if special != 0 {
            return at + special.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let rest = bytes.get(at..).unwrap_or_default();
    let special = |byte: &u8| *byte == b'"' || *byte == b'\\' || *byte < 0x20;
    at + rest.iter().position(special).unwrap_or(rest.len())
}

/// Of eight bytes those that end a run of plain ones, by their highest bits; the lowest that is set is right,
/// those above it may be wrong. A byte is below a bound when taking the bound away borrows from its highest bit.
const fn special_bytes(word: u64) -> u64 {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let quote = word ^ (EACH * b'"' as u64);
    let backslash = word ^ (EACH * b'\\' as u64);
    ((word.wrapping_sub(EACH * 0x20) & !word)
        | (quote.wrapping_sub(EACH) & !quote)
        | (backslash.wrapping_sub(EACH) & !backslash))
        & (EACH * 0x80)
}

/// The offset after a string, of which the opening quote stands before `at`.
#[inline(always)]
pub(crate) fn rest_of_string(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += plain_run(bytes.get(at..)?);
        let byte = *bytes.get(at)?;
        at += 1 + usize::from(byte == b'\\');
        if byte == b'"' {
            return Some(at);
        }
    }
}

/// The offset after an object or a list that begins at `at`. Only its brackets are looked at; those in strings do not
/// count.
pub(crate) fn container_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0_usize;
    loop {
        let byte = *bytes.get(at)?;
        at += 1;
        match byte {
            b'"' => at = rest_of_string(bytes, at)?,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_run_ends_where_each_byte_says(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let ends = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
            prop_assert_eq!(plain_run(&bytes), bytes.iter().position(ends).unwrap_or(bytes.len()));
        }
    }
}
