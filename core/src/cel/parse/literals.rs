//! The values of string and bytes literals.
//! cel-go: parser/unescape.go

use alloc::borrow::Cow;
use alloc::vec::Vec;

const UNABLE: &str = "unable to unescape string";

/// The bytes of a literal with its quotation marks, and with an `r` before them if it is a raw one.
///
/// # Errors
/// Upstream's sentence about a sequence that stands for nothing.
pub(super) fn unquote(literal: &str, is_bytes: bool) -> Result<Vec<u8>, &'static str> {
    let literal: Cow<'_, str> = match literal.contains('\r') {
        true => literal.replace("\r\n", "\n").replace('\r', "\n").into(),
        false => literal.into(),
    };
    let raw = literal.strip_prefix(['r', 'R']);
    let quoted = raw.unwrap_or(&literal);
    let marks = ["'''", "\"\"\"", "'", "\""].into_iter().find(|marks| quoted.starts_with(marks));
    let inner = marks.and_then(|marks| quoted.strip_prefix(marks)?.strip_suffix(marks)).ok_or(UNABLE)?;
    if raw.is_some() || !inner.contains('\\') {
        return Ok(inner.as_bytes().to_vec());
    }
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner.chars();
    while let Some(character) = rest.next() {
        if character == '\\' {
            rest = escape(rest.as_str(), is_bytes, &mut bytes)?.chars();
        } else {
            push(&mut bytes, character);
        }
    }
    Ok(bytes)
}

fn push(bytes: &mut Vec<u8>, character: char) {
    bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
}

/// Reads what follows a backslash, and returns the rest.
fn escape<'a>(text: &'a str, is_bytes: bool, bytes: &mut Vec<u8>) -> Result<&'a str, &'static str> {
    let kind = text.chars().next().ok_or("unable to unescape string, found '\\' as last character")?;
    let rest = text.get(kind.len_utf8()..).unwrap_or_default();
    let plain = match kind {
        'a' => 0x07,
        'b' => 0x08,
        'f' => 0x0c,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 0x0b,
        '\\' | '\'' | '"' | '`' | '?' => kind as u8,
        'x' | 'X' => return code(rest, 2, 16, is_bytes, bytes, UNABLE),
        'u' | 'U' if is_bytes => return Err(UNABLE),
        'u' => return code(rest, 4, 16, false, bytes, UNABLE),
        'U' => return code(rest, 8, 16, false, bytes, UNABLE),
        '0'..='3' => {
            return code(text, 3, 8, is_bytes, bytes, "unable to unescape octal sequence in string");
        }
        _ => return Err(UNABLE),
    };
    bytes.push(plain);
    Ok(rest)
}

fn code<'a>(
    text: &'a str,
    digits: usize,
    base: u32,
    is_byte: bool,
    bytes: &mut Vec<u8>,
    why: &'static str,
) -> Result<&'a str, &'static str> {
    let (code, rest) = text.split_at_checked(digits).ok_or(why)?;
    if !code.chars().all(|digit| digit.is_digit(base)) {
        return Err(why);
    }
    let number = u32::from_str_radix(code, base).map_err(|_| why)?;
    if is_byte {
        bytes.push(u8::try_from(number).map_err(|_| why)?);
    } else {
        push(bytes, char::from_u32(number).ok_or("invalid unicode code point")?);
    }
    Ok(rest)
}
