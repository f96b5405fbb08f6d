//! DER: the elements that certificates and requests for them are made of.
//! k8s: Go's encoding/asn1

use alloc::format;
use alloc::string::String;

pub const INTEGER: u8 = 2;
pub const BIT_STRING: u8 = 3;
pub const OBJECT_IDENTIFIER: u8 = 6;
pub const SEQUENCE: u8 = 16;
pub const SET: u8 = 17;

/// One element: its class and tag, whether it is made of others, and its contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element<'a> {
    pub class: u8,
    pub tag: u8,
    pub is_compound: bool,
    pub contents: &'a [u8],
}

/// The head of an element: class, tag, whether it is made of others, and the length that it says it has.
struct Head {
    class: u8,
    tag: u8,
    is_compound: bool,
    length: usize,
}

/// Reads the next universal element of this tag, and what follows it. `name` is what Go calls the type that it reads
/// into.
///
/// # Errors
/// What Go says of other bytes.
pub fn expect<'a>(bytes: &'a [u8], tag: u8, name: &str) -> Result<(Element<'a>, &'a [u8]), String> {
    if bytes.is_empty() {
        return Err("asn1: syntax error: sequence truncated".into());
    }
    let (head, rest) = read_head(bytes)?;
    let compound = matches!(tag, SEQUENCE | SET);
    if (head.class, head.tag, head.is_compound) != (0, tag, compound) {
        return Err(mismatch(tag, &head, name, bytes.len().saturating_sub(rest.len())));
    }
    let Some((contents, after)) = rest.split_at_checked(head.length) else {
        return Err("asn1: syntax error: data truncated".into());
    };
    let element = Element { class: head.class, tag: head.tag, is_compound: head.is_compound, contents };
    Ok((element, after))
}

/// Reads the next element, whatever it is, and what follows it.
pub fn any(bytes: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let (head, rest) = read_head(bytes).ok()?;
    let (contents, after) = rest.split_at_checked(head.length)?;
    Some((Element { class: head.class, tag: head.tag, is_compound: head.is_compound, contents }, after))
}

fn mismatch(tag: u8, head: &Head, name: &str, offset: usize) -> String {
    let Head { class, tag: found, is_compound, length } = head;
    format!(
        "asn1: structure error: tags don't match ({tag} vs {{class:{class} tag:{found} length:{length} \
         isCompound:{is_compound}}}) {{optional:false explicit:false application:false private:false \
         defaultValue:<nil> tag:<nil> stringType:0 timeType:0 set:false omitEmpty:false}} {name} @{offset}"
    )
}

fn read_head(bytes: &[u8]) -> Result<(Head, &[u8]), String> {
    const TRUNCATED: &str = "asn1: syntax error: truncated tag or length";
    let [first, second, rest @ ..] = bytes else { return Err(TRUNCATED.into()) };
    let (class, tag, is_compound) = (first >> 6, first & 0x1f, first & 0x20 != 0);
    if tag == 0x1f {
        // Nothing in a certificate has a tag that needs more than a byte.
        return Err("asn1: structure error: base 128 integer too large".into());
    }
    let count = usize::from(second & 0x7f);
    if second & 0x80 == 0 {
        return Ok((Head { class, tag, is_compound, length: count }, rest));
    }
    if count == 0 {
        return Err("asn1: syntax error: indefinite length found (not DER)".into());
    }
    let (mut length, mut left) = (0_usize, rest);
    for _ in 0..count {
        let [byte, after @ ..] = left else { return Err(TRUNCATED.into()) };
        if length >= 1 << 23 {
            return Err("asn1: structure error: length too large".into());
        }
        length = (length << 8) | usize::from(*byte);
        left = after;
        if length == 0 {
            return Err("asn1: structure error: superfluous leading zeros in length".into());
        }
    }
    if length < 0x80 {
        return Err("asn1: structure error: non-minimal length".into());
    }
    Ok((Head { class, tag, is_compound, length }, left))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_read() {
        let (element, rest) = expect(&[0x30, 3, 2, 1, 5, 9], SEQUENCE, "t").expect("a sequence");
        assert_eq!((element.contents, rest), (&[2, 1, 5][..], &[9][..]));
        let (inner, rest) = expect(element.contents, INTEGER, "int").expect("a number");
        assert_eq!((inner.contents, rest.len()), (&[5][..], 0));
        let long: alloc::vec::Vec<u8> = [0x30, 0x81, 0x80].into_iter().chain([0; 128]).collect();
        assert_eq!(expect(&long, SEQUENCE, "t").expect("a sequence").0.contents.len(), 128);
        assert!(any(&[0xa0, 0]).is_some_and(|(element, _)| element.class == 2 && element.is_compound));
    }

    #[test]
    fn other_bytes_get_gos_sentences() {
        let table: [(&[u8], &str); 8] = [
            (&[], "asn1: syntax error: sequence truncated"),
            (&[0x30], "asn1: syntax error: truncated tag or length"),
            (&[0x30, 1], "asn1: syntax error: data truncated"),
            (&[0x30, 0x80], "asn1: syntax error: indefinite length found (not DER)"),
            (&[0x30, 0x81, 1, 0], "asn1: structure error: non-minimal length"),
            (&[0x30, 0x81, 0, 0], "asn1: structure error: superfluous leading zeros in length"),
            (&[0x30, 0x84, 0x80, 0, 0, 0], "asn1: structure error: length too large"),
            (
                b"hi",
                "asn1: structure error: tags don't match (16 vs {class:1 tag:8 length:105 isCompound:true}) \
                 {optional:false explicit:false application:false private:false defaultValue:<nil> tag:<nil> \
                 stringType:0 timeType:0 set:false omitEmpty:false} certificateRequest @2",
            ),
        ];
        for (bytes, wanted) in table {
            assert_eq!(expect(bytes, SEQUENCE, "certificateRequest").err().as_deref(), Some(wanted));
        }
    }
}
