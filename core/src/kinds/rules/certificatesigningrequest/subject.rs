//! For whom a certificate is requested.
//! k8s: pkg/apis/certificates/helpers.go ParseCSR, Go's crypto/x509/pkix FillFromRDNSequence

use super::validation::{parse_request, request};
use crate::codec::der;
use alloc::string::String;
use alloc::vec::Vec;

/// What a request says of its subject.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RequestedSubject {
    /// The last common name.
    pub(crate) common_name: String,
    pub(crate) organizations: Vec<String>,
}

const COMMON_NAME: &[u8] = &[0x55, 4, 3];
const ORGANIZATION: &[u8] = &[0x55, 4, 10];

/// The kinds of text that a name may be written in.
const UTF8: u8 = 12;
const NUMERIC: u8 = 18;
const PRINTABLE: u8 = 19;
const T61: u8 = 20;
const IA5: u8 = 22;
const BMP: u8 = 30;

impl RequestedSubject {
    /// Reads the PEM in base64 of a request.
    ///
    /// # Errors
    /// What upstream says of something else.
    pub(crate) fn of_request(text: &str) -> Result<Self, String> {
        let bytes = request(text)?;
        let mut rest = parse_request(&bytes)?;
        let mut subject = Self::default();
        while !rest.is_empty() {
            let (set, after) = der::expect(rest, der::SET, "RelativeDistinguishedNameSET")?;
            rest = after;
            let mut names = set.contents;
            while !names.is_empty() {
                let (name, after) = der::expect(names, der::SEQUENCE, "AttributeTypeAndValue")?;
                names = after;
                subject.take(name.contents)?;
            }
        }
        Ok(subject)
    }

    fn take(&mut self, name: &[u8]) -> Result<(), String> {
        let (kind, rest) = der::expect(name, der::OBJECT_IDENTIFIER, "ObjectIdentifier")?;
        let Some((value, _)) = der::any(rest) else {
            return Err("asn1: syntax error: data truncated".into());
        };
        let Some(text) = text(&value) else { return Ok(()) };
        if kind.contents == COMMON_NAME {
            self.common_name = text;
        } else if kind.contents == ORGANIZATION {
            self.organizations.push(text);
        }
        Ok(())
    }
}

/// The text of a name; None if it is no text.
fn text(value: &der::Element<'_>) -> Option<String> {
    match value.tag {
        _ if value.class != 0 => None,
        UTF8 | NUMERIC | PRINTABLE | T61 | IA5 => Some(String::from_utf8_lossy(value.contents).into_owned()),
        BMP => {
            let units = value.contents.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
            Some(char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::base64;
    use alloc::format;

    fn element(tag: u8, contents: &[u8]) -> Vec<u8> {
        let length = u8::try_from(contents.len()).expect("a short element");
        let long = if length < 128 { Vec::new() } else { alloc::vec![0x81] };
        [&[tag][..], &long, &[length], contents].concat()
    }

    fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
        element(0x30, &parts.concat())
    }

    fn name(kind: &[u8], tag: u8, value: &[u8]) -> Vec<u8> {
        element(0x31, &sequence(&[element(6, kind), element(tag, value)]))
    }

    /// A request whose subject has these names.
    fn pem(names: &[Vec<u8>]) -> String {
        let algorithm = sequence(&[element(6, &[42, 3])]);
        let signed = sequence(&[element(2, &[0]), sequence(names), sequence(&[])]);
        let bytes = sequence(&[signed, algorithm, element(3, &[0])]);
        let body = base64::encode(&bytes);
        let text =
            format!("-----BEGIN CERTIFICATE REQUEST-----\n{body}\n-----END CERTIFICATE REQUEST-----\n");
        base64::encode(text.as_bytes())
    }

    #[test]
    fn the_last_common_name_and_all_organizations_count() {
        let wide: Vec<u8> = "system:masters".encode_utf16().flat_map(u16::to_be_bytes).collect();
        let text = pem(&[
            name(COMMON_NAME, PRINTABLE, b"first"),
            name(ORGANIZATION, UTF8, b"one"),
            name(ORGANIZATION, BMP, &wide),
            name(&[0x55, 4, 6], PRINTABLE, b"DE"),
            name(ORGANIZATION, 2, &[1]),
            name(COMMON_NAME, UTF8, b"last"),
        ]);
        let subject = RequestedSubject::of_request(&text).expect("a subject");
        assert_eq!(subject.common_name, "last");
        assert_eq!(subject.organizations, ["one", "system:masters"]);
        let wrong = RequestedSubject::of_request(&base64::encode(b"text")).expect_err("no request");
        assert_eq!(wrong, "PEM block type must be CERTIFICATE REQUEST");
        assert!(RequestedSubject::of_request(&pem(&[element(2, &[1])])).is_err());
    }
}
