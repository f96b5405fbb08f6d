//! The compact JSON writer: bytes exactly as Go's encoder chooses them.

use crate::value::Value;
use crate::value::number::{write_float, write_int};
use alloc::vec::Vec;

/// Appends compact JSON, map members in key order.
pub fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Int(number) => write_int(*number, out),
        Value::Float(number) => write_float(*number, out),
        Value::Str(text) => write_str(text, out),
        Value::Json(text) => out.extend_from_slice(text.as_bytes()),
        Value::List(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write(item, out);
            }
            out.push(b']');
        }
        Value::Map(map) => {
            out.push(b'{');
            for (index, (key, member)) in map.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_str(key, out);
                out.push(b':');
                write(member, out);
            }
            out.push(b'}');
        }
    }
}

/// Appends a JSON string, escaped as Go's encoder does (`<`, `>`, `&`, U+2028, U+2029 too).
pub fn write_str(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    write_inside_str(text, out);
    out.push(b'"');
}

/// As `write_str`, without the quotes.
pub(crate) fn write_inside_str(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    let mut copied = 0;
    let mut at = harmless_run(bytes);
    while let Some(byte) = bytes.get(at) {
        if let Some(escape) = escape(bytes, at, *byte) {
            out.extend_from_slice(&bytes[copied..at]);
            out.extend_from_slice(escape);
            copied = at + if *byte == LINE_SEPARATOR_LEAD { 3 } else { 1 };
        }
        at += 1;
        at += harmless_run(&bytes[at..]);
    }
    out.extend_from_slice(&bytes[copied..]);
}

/// How many bytes come before the first that may need an escape.
#[inline(always)]
fn harmless_run(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(word) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>)
        && !holds_attention(u64::from_le_bytes(*word))
    {
        at += 8;
    }
    // Some of the last eight bytes have been looked at, which is still quicker than to look at each of the others.
    let are_last = bytes.len() < at + 8;
    if are_last && bytes.last_chunk::<8>().is_some_and(|word| !holds_attention(u64::from_le_bytes(*word))) {
        return bytes.len();
    }
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().position(|byte| ATTENTION[usize::from(*byte)]).unwrap_or(rest.len())
}

/// Whether one of eight bytes may need an escape. Two that differ in one bit are found by one comparison: `"` and `&`,
/// `<` and `>`. A byte is below a bound when taking the bound away borrows from its highest bit.
const fn holds_attention(word: u64) -> bool {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const fn zero(word: u64) -> u64 {
        word.wrapping_sub(EACH) & !word
    }
    let quote_or_ampersand = (word & !(EACH * 0x04)) ^ (EACH * b'"' as u64);
    let angle = (word & !(EACH * 0x02)) ^ (EACH * b'<' as u64);
    let backslash = word ^ (EACH * b'\\' as u64);
    let separator = word ^ (EACH * LINE_SEPARATOR_LEAD as u64);
    let control = word.wrapping_sub(EACH * 0x20) & !word;
    let found = zero(quote_or_ampersand) | zero(angle) | zero(backslash) | zero(separator) | control;
    found & (EACH * 0x80) != 0
}

/// First byte of U+2028 and U+2029 (and of others) in UTF-8.
const LINE_SEPARATOR_LEAD: u8 = 0xE2;

/// Bytes that may need an escape.
const ATTENTION: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 0x20 {
        table[byte] = true;
        byte += 1;
    }
    table[b'"' as usize] = true;
    table[b'\\' as usize] = true;
    table[b'<' as usize] = true;
    table[b'>' as usize] = true;
    table[b'&' as usize] = true;
    table[LINE_SEPARATOR_LEAD as usize] = true;
    table
};

/// What a byte is written as that needs an escape.
fn escape(bytes: &[u8], at: usize, byte: u8) -> Option<&'static [u8]> {
    Some(match byte {
        b'"' => b"\\\"",
        b'\\' => b"\\\\",
        b'\n' => b"\\n",
        b'\r' => b"\\r",
        b'\t' => b"\\t",
        0x08 => b"\\b",
        0x0C => b"\\f",
        LINE_SEPARATOR_LEAD => match bytes.get(at + 1..at + 3) {
            Some([0x80, 0xA8]) => b"\\u2028",
            Some([0x80, 0xA9]) => b"\\u2029",
            _ => return None,
        },
        _ => &NUMBERED[usize::from(byte & 0x3F)],
    })
}

/// The escapes by number of bytes below 0x40: `\u003c`.
const NUMBERED: [[u8; 6]; 0x40] = {
    let mut table = [*b"\\u0000"; 0x40];
    let mut byte = 0;
    while byte < 0x40 {
        table[byte][4] = b"0123456789abcdef"[byte / 16];
        table[byte][5] = b"0123456789abcdef"[byte % 16];
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json::to_string;
    use crate::value::Finite;
    use alloc::format;

    #[test]
    fn escapes_as_go_does() {
        let cases = [
            ("plain é", r#""plain é""#),
            ("<a>&'", r#""\u003ca\u003e\u0026'""#),
            ("\u{8}\u{c}\n\r\t\u{1}\u{7f}", "\"\\b\\f\\n\\r\\t\\u0001\u{7f}\""),
            ("q\"b\\", r#""q\"b\\""#),
            ("\u{2028}x\u{2029}\u{2030}", "\"\\u2028x\\u2029\u{2030}\""),
        ];
        for (text, want) in cases {
            assert_eq!(to_string(&Value::str(text)), want);
        }
    }

    #[test]
    fn each_byte_is_escaped_wherever_it_stands() {
        for letter in
            (0..0x80_u8).map(char::from).chain(['\u{2027}', '\u{2028}', '\u{2029}', '\u{203a}', 'é'])
        {
            for before in 0..18 {
                let (left, right) = ("a".repeat(before), "b".repeat(17 - before));
                let alone = to_string(&Value::str(alloc::string::String::from(letter)));
                let whole = to_string(&Value::str(format!("{left}{letter}{right}")));
                assert_eq!(whole, format!("\"{left}{}{right}\"", &alone[1..alone.len() - 1]));
            }
        }
    }

    #[test]
    fn floats_as_go_writes_them() {
        let cases = [
            (1.0, "1"),
            (0.1, "0.1"),
            (-0.0, "-0"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1.5e300, "1.5e+300"),
            (1e-6, "0.000001"),
            (1e-7, "1e-7"),
            (12345678901234567890.0, "12345678901234567000"),
        ];
        for (number, want) in cases {
            let value = Value::Float(Finite::new(number).expect("finite"));
            assert_eq!(to_string(&value), want);
        }
    }

    #[test]
    fn integers_to_the_edges() {
        for number in [0, -1, i64::MAX, i64::MIN] {
            assert_eq!(to_string(&Value::Int(number)), format!("{number}"));
        }
    }
}
