//! Runs of bytes that stand for themselves in a JSON string, found eight bytes at a time.

/// How many bytes come before the first quote, backslash or control character; all, if there is none.
pub(crate) fn plain_run(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks::<8>();
    for (at, word) in words.iter().enumerate() {
        let special = special_bytes(u64::from_le_bytes(*word));
        if special != 0 {
            return at * 8 + special.trailing_zeros() as usize / 8;
        }
    }
    let special = |byte: &u8| *byte == b'"' || *byte == b'\\' || *byte < 0x20;
    words.len() * 8 + rest.iter().position(special).unwrap_or(rest.len())
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
