//! The compact JSON writer: bytes exactly as Go's encoder chooses them.

use crate::value::Value;
use crate::value::number::{write_float, write_int};
use alloc::format;
use alloc::string::String;
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
    let bytes = text.as_bytes();
    let mut copied = 0;
    for (at, byte) in bytes.iter().enumerate() {
        if !ATTENTION[usize::from(*byte)] {
            continue;
        }
        let Some(escape) = escape(bytes, at, *byte) else { continue };
        out.extend_from_slice(&bytes[copied..at]);
        out.extend_from_slice(escape.as_bytes());
        copied = at + if *byte == LINE_SEPARATOR_LEAD { 3 } else { 1 };
    }
    out.extend_from_slice(&bytes[copied..]);
    out.push(b'"');
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

fn escape(bytes: &[u8], at: usize, byte: u8) -> Option<String> {
    Some(match byte {
        b'"' => "\\\"".into(),
        b'\\' => "\\\\".into(),
        b'\n' => "\\n".into(),
        b'\r' => "\\r".into(),
        b'\t' => "\\t".into(),
        0x08 => "\\b".into(),
        0x0C => "\\f".into(),
        LINE_SEPARATOR_LEAD => match bytes.get(at + 1..at + 3) {
            Some([0x80, 0xA8]) => "\\u2028".into(),
            Some([0x80, 0xA9]) => "\\u2029".into(),
            _ => return None,
        },
        _ => format!("\\u{byte:04x}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json::to_string;
    use crate::value::Finite;

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
