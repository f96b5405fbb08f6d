//! Base64 as Go's standard encoding reads and writes it.

use alloc::string::String;
use alloc::vec::Vec;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Padded base64.
pub fn encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            if place <= chunk.len() {
                let index = (bits >> (18 - 6 * place)) & 63;
                out.push(char::from(ALPHABET[index as usize]));
            } else {
                out.push('=');
            }
        }
    }
    out
}

/// Base64 for URLs (RFC 4648, section 5), without padding.
pub fn encode_url(bytes: &[u8]) -> String {
    encode(bytes)
        .trim_end_matches('=')
        .chars()
        .map(|letter| match letter {
            '+' => '-',
            '/' => '_',
            other => other,
        })
        .collect()
}

/// Decodes padded base64; line breaks are passed over. The error is the offset that Go names in
/// `illegal base64 data at input byte N`.
pub fn decode(text: &str) -> Result<Vec<u8>, usize> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len() / 4 * 3);
    let mut at = 0;
    while let Some((count, bits)) = quantum(bytes, &mut at)? {
        let whole = bits << (6 * (4 - count));
        for byte in 0..count.saturating_sub(1) {
            out.push((whole >> (16 - 8 * byte)) as u8);
        }
        if count < 4 {
            padding(bytes, at, count)?;
            break;
        }
    }
    Ok(out)
}

/// Decodes base64 with the letters of URLs and without padding; None for what is not that.
pub fn decode_url(text: &str) -> Option<Vec<u8>> {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if !text.bytes().all(is_letter) {
        return None;
    }
    let mut padded = text.replace('-', "+").replace('_', "/");
    padded.push_str(["", "", "==", "="][padded.len() % 4]);
    decode(&padded).ok()
}

fn is_break(byte: u8) -> bool {
    byte == b'\n' || byte == b'\r'
}

/// Up to four letters: how many there were before padding, and their bits.
fn quantum(bytes: &[u8], at: &mut usize) -> Result<Option<(u32, u32)>, usize> {
    let (mut count, mut bits) = (0, 0);
    while count < 4 {
        let Some(byte) = bytes.get(*at).copied() else {
            // Go names the first letter of a group that is cut off.
            return if count == 0 { Ok(None) } else { Err(*at - count as usize) };
        };
        if is_break(byte) {
            *at += 1;
            continue;
        }
        let Some(digit) = digit(byte) else {
            return if byte == b'=' && count >= 2 { Ok(Some((count, bits))) } else { Err(*at) };
        };
        *at += 1;
        count += 1;
        bits = bits << 6 | digit;
    }
    Ok(Some((count, bits)))
}

/// The padding after two or three letters, and nothing after it.
fn padding(bytes: &[u8], at: usize, count: u32) -> Result<(), usize> {
    let mut missing = 4 - count;
    for (at, byte) in bytes.iter().copied().enumerate().skip(at) {
        if byte == b'=' && missing > 0 {
            missing -= 1;
        } else if !is_break(byte) {
            // Go names the byte before one that stands where padding has to go on.
            return Err(if missing > 0 { at - 1 } else { at });
        }
    }
    if missing > 0 { Err(bytes.len()) } else { Ok(()) }
}

fn digit(byte: u8) -> Option<u32> {
    Some(u32::from(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn errors_name_gos_offset() {
        let cases =
            [("***", 0), ("not base64", 3), ("AAA", 0), ("AA=", 3), ("AA==A", 4), ("A===", 1), ("AA=A", 2)];
        for (text, offset) in cases {
            assert_eq!(decode(text), Err(offset), "{text}");
        }
        assert_eq!(decode("aG\nk=\n"), Ok(b"hi".to_vec()));
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            prop_assert_eq!(decode(&encode(&bytes)), Ok(bytes));
        }
    }
}
