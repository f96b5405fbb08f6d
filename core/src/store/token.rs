//! Continue tokens: the key at which the next page of a list begins, and the revision of the first page.
//! k8s: staging/src/k8s.io/apiserver/pkg/storage/continue.go

use crate::codec::json;
use crate::value::{Type, Value};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;

const API_VERSION: &str = "meta.k8s.io/v1";

/// The message for a client whose token's revision was compacted (410 Expired). The answer also holds a token with
/// which the list continues at the newest revision.
/// k8s: staging/src/k8s.io/apiserver/pkg/storage/etcd3/errors.go handleCompactedErrorForPaging
pub const EXPIRED_MESSAGE: &str = "The provided continue parameter is too old to display a consistent list \
     result. You can start a new list without the continue parameter, or use the continue token in this \
     response to retrieve the remainder of the results. Continuing with the provided token results in an \
     inconsistent list - objects that were created, modified, or deleted between the time the first chunk \
     was returned and now may show up in the list.";

/// A decoded token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContinueToken {
    /// The key to continue from, inclusive, with the prefix of the list.
    pub start: Bytes,
    /// The revision to read at; negative for the newest, which makes the pages inconsistent with each other.
    pub revision: i64,
}

/// The token for the keys from `start` on. None when `start` does not begin with `prefix`.
pub fn encode(start: &[u8], prefix: &[u8], revision: i64) -> Option<String> {
    let rest = core::str::from_utf8(start.strip_prefix(prefix)?).ok().filter(|rest| !rest.is_empty())?;
    let mut text = format!("{{\"v\":\"{API_VERSION}\",\"rv\":{revision},\"start\":").into_bytes();
    json::write_str(rest, &mut text);
    text.push(b'}');
    Some(base64_encode(&text))
}

/// Decodes a token for a list of keys with this prefix. The error text is upstream's.
pub fn decode(token: &str, prefix: &[u8]) -> Result<ContinueToken, String> {
    let invalid = |why: &str| format!("continue key is not valid: {why}");
    let text = base64_decode(token.as_bytes()).map_err(|why| invalid(&why))?;
    let parsed = json::parse(&text).map_err(|why| invalid(&why.0))?.value;
    let Fields { version, revision, start } = Fields::read(&parsed).map_err(|why| invalid(&why))?;
    if version != API_VERSION {
        let why = "continue key is not valid: server does not recognize this encoded version";
        return Err(format!("{why} {version}"));
    }
    if revision == 0 {
        return Err(invalid("incorrect encoded start resourceVersion (version meta.k8s.io/v1)"));
    }
    if start.is_empty() {
        return Err(invalid("encoded start key empty (version meta.k8s.io/v1)"));
    }
    let rest = start.strip_prefix('/').unwrap_or(start);
    if !is_clean(rest) {
        return Err(invalid(start));
    }
    let mut key = Vec::with_capacity(prefix.len() + rest.len());
    key.extend_from_slice(prefix);
    key.extend_from_slice(rest.as_bytes());
    Ok(ContinueToken { start: key.into(), revision })
}

struct Fields<'a> {
    version: &'a str,
    revision: i64,
    start: &'a str,
}

impl<'a> Fields<'a> {
    /// Reads the members as Go unmarshals a struct: absent and null members leave zero values, other types are
    /// errors.
    fn read(token: &'a Value) -> Result<Self, String> {
        const STRUCT: &str = "storage.continueToken";
        if !matches!(token, Value::Map(_) | Value::Null) {
            let found = token.type_of().word();
            return Err(format!("json: cannot unmarshal {found} into Go value of type {STRUCT}"));
        }
        let mismatch = |field: &str, found: &Value, wanted: &str| {
            let found = match found.type_of() {
                Type::Number => format!("number {}", json::to_string(found)),
                other => String::from(other.word()),
            };
            let field = format!("continueToken.{field}");
            format!("json: cannot unmarshal {found} into Go struct field {field} of type {wanted}")
        };
        let text = |field: &str| match token.field(field) {
            None | Some(Value::Null) => Ok(""),
            Some(Value::Str(text)) => Ok(text.as_str()),
            Some(Value::Int(_) | Value::Float(_) | Value::Json(_)) => {
                let field = format!("continueToken.{field}");
                Err(format!("json: cannot unmarshal number into Go struct field {field} of type string"))
            }
            Some(other) => Err(mismatch(field, other, "string")),
        };
        let version = text("v")?;
        let revision = match token.field("rv") {
            None | Some(Value::Null) => 0,
            Some(Value::Int(number)) => *number,
            Some(other) => return Err(mismatch("rv", other, "int64")),
        };
        Ok(Self { version, revision, start: text("start")? })
    }
}

/// Whether Go's `path.Clean` would leave `/` and the path unchanged, so that the key cannot leave the prefix.
fn is_clean(path: &str) -> bool {
    !path.split('/').any(|segment| matches!(segment, "" | "." | ".."))
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Base64 for URLs, without padding.
fn base64_encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let group = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..=chunk.len() {
            let index = (group >> (18 - 6 * digit)) & 0x3f;
            out.push(char::from(ALPHABET[index as usize]));
        }
    }
    out
}

/// Line breaks are skipped and loose bits at the end are ignored, as Go's decoder does.
fn base64_decode(text: &[u8]) -> Result<Vec<u8>, String> {
    let corrupt = |at: usize| format!("illegal base64 data at input byte {at}");
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 2);
    let (mut group, mut digits) = (0_u32, 0);
    for (at, byte) in text.iter().enumerate() {
        if matches!(byte, b'\r' | b'\n') {
            continue;
        }
        let digit = ALPHABET.iter().position(|known| known == byte).ok_or_else(|| corrupt(at))?;
        group = group << 6 | digit as u32;
        digits += 1;
        if digits == 4 {
            out.extend_from_slice(&group.to_be_bytes()[1..]);
            (group, digits) = (0, 0);
        }
    }
    match digits {
        0 => {}
        1 => return Err(corrupt(text.len() - 1)),
        _ => {
            let left = (group << (6 * (4 - digits))).to_be_bytes();
            out.extend_from_slice(&left[1..digits]);
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PREFIX: &[u8] = b"/registry/pods/default/";

    #[test]
    fn tokens_are_upstreams() {
        let token = encode(b"/registry/pods/default/web-0\0", PREFIX, 42).unwrap();
        // {"v":"meta.k8s.io/v1","rv":42,"start":"web-0\u0000"}
        assert_eq!(token, "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6NDIsInN0YXJ0Ijoid2ViLTBcdTAwMDAifQ");
        let expected =
            ContinueToken { start: Bytes::from_static(b"/registry/pods/default/web-0\0"), revision: 42 };
        assert_eq!(decode(&token, PREFIX), Ok(expected));
        assert_eq!(encode(b"/registry/nodes/a", PREFIX, 42), None);
    }

    #[test]
    fn errors_are_upstreams() {
        let table = [
            (
                "garbage",
                "continue key is not valid: invalid character '\\u0081' looking for beginning of value",
            ),
            ("a", "continue key is not valid: illegal base64 data at input byte 0"),
            ("ab=c", "continue key is not valid: illegal base64 data at input byte 2"),
        ];
        for (token, expected) in table {
            assert_eq!(decode(token, PREFIX).unwrap_err(), expected, "{token}");
        }
        let table = [
            (r#"{}"#, "server does not recognize this encoded version "),
            (r#"{"v":"x"}"#, "server does not recognize this encoded version x"),
            (r#"{"v":"meta.k8s.io/v1"}"#, "incorrect encoded start resourceVersion (version meta.k8s.io/v1)"),
            (r#"{"v":"meta.k8s.io/v1","rv":1}"#, "encoded start key empty (version meta.k8s.io/v1)"),
            (r#"{"v":"meta.k8s.io/v1","rv":1,"start":"../secrets/a"}"#, "../secrets/a"),
            (
                r#"{"v":1}"#,
                "json: cannot unmarshal number into Go struct field continueToken.v of type string",
            ),
        ];
        for (text, expected) in table {
            let failed = decode(&base64_encode(text.as_bytes()), PREFIX).unwrap_err();
            assert_eq!(failed, format!("continue key is not valid: {expected}"), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(rest in "[a-z0-9/.\u{0}\u{e9}-]{1,20}", revision in 1_i64..) {
            let key = [PREFIX, rest.as_bytes()].concat();
            let token = encode(&key, PREFIX, revision).unwrap();
            if is_clean(&rest) {
                prop_assert_eq!(decode(&token, PREFIX), Ok(ContinueToken { start: key.into(), revision }));
            } else {
                prop_assert!(decode(&token, PREFIX).is_err() || rest.starts_with('/'));
            }
        }

        #[test]
        fn any_token_is_answered(token in ".{0,40}") {
            let _ = decode(&token, PREFIX);
        }

        #[test]
        fn base64_is_reversible(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            prop_assert_eq!(base64_decode(base64_encode(&bytes).as_bytes()), Ok(bytes));
        }
    }
}
