//! Percent-encoding of paths and queries, as Go's net/url has it.

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

/// A path as a URL writes it.
/// go: net/url URL.EscapedPath
pub(crate) fn encode_path(path: &str) -> String {
    const PLAIN: &[u8] = b"-_.~$&+,/:;=@";
    encode(path, |byte| byte.is_ascii_alphanumeric() || PLAIN.contains(&byte))
}

/// A query of these names and values, which must be sorted by name, as Go's `url.Values` are when they are encoded.
/// go: net/url Values.Encode
pub(crate) fn encode_query<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let escaped = |text: &str| {
        encode(text, |byte| byte.is_ascii_alphanumeric() || b"-_.~ ".contains(&byte)).replace(' ', "+")
    };
    let mut out = String::new();
    for (name, value) in pairs {
        if !out.is_empty() {
            out.push('&');
        }
        out.push_str(&escaped(name));
        out.push('=');
        out.push_str(&escaped(value));
    }
    out
}

fn encode(text: &str, is_plain: impl Fn(u8) -> bool) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if is_plain(byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            let digits = [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]];
            out.extend(digits.map(char::from));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_encoded_as_go_does() {
        assert_eq!(
            encode_path("/a b/ü!*'(c)?#%[x]/$&+,:;=@"),
            "/a%20b/%C3%BC%21%2A%27%28c%29%3F%23%25%5Bx%5D/$&+,:;=@"
        );
        let query = [("command", "ls -l"), ("command", "a+b&c=/ü~"), ("x", "")];
        assert_eq!(encode_query(query), "command=ls+-l&command=a%2Bb%26c%3D%2F%C3%BC~&x=");
        assert_eq!(encode_query([]), "");
    }
}
