//! Percent-decoding of paths and queries.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

/// The decoded text, in a query with `+` as a space. None when a `%` is not followed by two hexadecimal digits. Bytes
/// that are not UTF-8 become U+FFFD.
pub(crate) fn decode(text: &str, query: bool) -> Option<Cow<'_, str>> {
    if !text.bytes().any(|byte| byte == b'%' || query && byte == b'+') {
        return Some(Cow::Borrowed(text));
    }
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => hex_digit(bytes.next()?)? << 4 | hex_digit(bytes.next()?)?,
            b'+' if query => b' ',
            other => other,
        });
    }
    let text =
        String::from_utf8(out).unwrap_or_else(|bad| String::from_utf8_lossy(bad.as_bytes()).into_owned());
    Some(Cow::Owned(text))
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}
