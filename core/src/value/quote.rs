//! Quoted text, as Go's `%q` writes it.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

/// Texts as Go shows a list of them with `%q`.
pub fn go_list<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> String {
    let texts: Vec<String> = texts.into_iter().map(|text| quoted(text.as_ref())).collect();
    format!("[{}]", texts.join(" "))
}

/// Text in Go's `%q` form.
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\u{b}' => out.push_str("\\v"),
            control if (control as u32) < 0x20 || control as u32 == 0x7f => {
                write!(out, "\\x{:02x}", control as u32).expect("writing to a string");
            }
            // Of what Go does not print: white space but the plain one, and the other controls.
            hidden if hidden != ' ' && (hidden.is_whitespace() || hidden.is_control()) => {
                write!(out, "\\u{:04x}", hidden as u32).expect("writing to a string");
            }
            other => out.push(other),
        }
    }
    out.push('"');
    out
}
