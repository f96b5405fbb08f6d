//! Documents of the server itself (discovery, OpenAPI, version): JSON text with its members in a fixed order, and the
//! entity tags by which clients cache it.

use crate::answer::{Body, Response};
use crate::codec::json;
use crate::value::Value;
use crate::wire::Request;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// A member of an object: its name and its encoded value. A member with an empty value is left out.
pub(super) type Member<'a> = (&'a str, String);

pub(super) fn object(members: &[Member<'_>]) -> String {
    let mut out = String::from("{");
    for (name, value) in members.iter().filter(|(_, value)| !value.is_empty()) {
        if out.len() > 1 {
            out.push(',');
        }
        out.push_str(&text(name));
        out.push(':');
        out.push_str(value);
    }
    out.push('}');
    out
}

pub(super) fn list(items: impl IntoIterator<Item = String>) -> String {
    let mut out = String::from("[");
    for item in items {
        if out.len() > 1 {
            out.push(',');
        }
        out.push_str(&item);
    }
    out.push(']');
    out
}

/// A list of texts; empty when there are none.
pub(super) fn texts(items: &[impl AsRef<str>]) -> String {
    if items.is_empty() { String::new() } else { list(items.iter().map(|item| text(item.as_ref()))) }
}

/// A value as it is.
pub(super) fn encoded(value: &Value) -> String {
    let mut out = Vec::new();
    json::write(value, &mut out);
    String::from_utf8(out).expect("the writer writes UTF-8")
}

pub(super) fn text(content: &str) -> String {
    let mut out = Vec::with_capacity(content.len() + 2);
    json::write_str(content, &mut out);
    String::from_utf8(out).expect("the writer writes UTF-8")
}

/// An encoded text; empty when the content is empty.
pub(super) fn optional_text(content: &str) -> String {
    if content.is_empty() { String::new() } else { text(content) }
}

/// A fingerprint of a document, 32 hexadecimal digits. It tells versions apart and is no protection against forgery.
pub(super) fn fingerprint<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    // FNV-1a over 128 bits.
    let mut state: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    for part in parts {
        for byte in part.bytes().chain([0]) {
            state = (state ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
        }
    }
    format!("{state:032X}")
}

/// Whether the client already has the version with this entity tag (with quotes).
pub(super) fn is_held(request: &Request, entity_tag: &str) -> bool {
    let listed = request.header("if-none-match").unwrap_or("");
    listed.split(',').map(str::trim).any(|held| held == "*" || held.trim_start_matches("W/") == entity_tag)
}

/// 304, with the headers that let the client keep its copy.
pub(super) fn not_modified(entity_tag: &str) -> Response {
    let response = Response { status: 304, headers: Vec::new(), body: Body::Empty };
    response.with_header("etag", entity_tag)
}
