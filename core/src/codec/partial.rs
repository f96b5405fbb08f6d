//! Scans a stored object's JSON for what the cache needs, without building a tree.
//!
//! It only reads what this server wrote: compact JSON that begins with the object's type and metadata. Built-in kinds
//! have their members in struct order and begin with `kind`; custom ones are in key order and begin with
//! `apiVersion`.

use super::json;
use crate::limits::SCAN_PATHS;
use crate::value::{Text, Value};
use alloc::vec::Vec;

/// Where things are in an object's encoded bytes, and the few values the cache indexes.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Scan {
    /// Offset of the first member after `kind` and `apiVersion`: a list item is `{` and the bytes from here.
    pub content_at: usize,
    /// Offset right after `"metadata":{`.
    pub metadata_at: usize,
    /// Offset right after the brace that closes `metadata`.
    pub metadata_end: usize,
    /// Offset at which `"resourceVersion":"N",` may be inserted: after `uid` and before what follows it.
    pub version_at: usize,
    /// Nothing follows in `metadata`: the inserted member needs no comma after it but one before it
    /// (unless `version_at == metadata_at`).
    pub version_last: bool,
    pub name: Text,
    pub namespace: Text,
    /// Sorted by key.
    pub labels: Vec<(Text, Text)>,
    /// The scalars at the asked paths, in the order asked; None where absent.
    pub values: Vec<Option<Value>>,
}

/// Scans an object for at most `limits::SCAN_PATHS` paths; the result for further ones is None. The whole result is
/// None when the bytes do not have the expected form; they must then be parsed.
pub fn scan(bytes: &[u8], paths: &[Vec<Text>]) -> Option<Scan> {
    let mut scan = Scan { values: alloc::vec![None; paths.len()], ..Scan::default() };
    let mut reader = Reader { bytes, at: 0 };
    let wanted = (0..paths.len().min(SCAN_PATHS)).fold(0_u64, |mask, index| mask | 1 << index);
    let typed = bytes.starts_with(b"{\"kind\":");
    reader.expect(b'{')?;
    while let Some(key) = reader.member()? {
        match key {
            b"kind" | b"apiVersion" if scan.content_at == 0 => reader.skip()?,
            b"metadata" if scan.metadata_at > 0 => return None,
            b"metadata" => {
                note_content(&mut scan, &reader, key);
                let below = step(paths, wanted, 0, key);
                metadata(&mut reader, &mut scan, typed, paths, below)?;
            }
            _ => {
                note_content(&mut scan, &reader, key);
                let below = step(paths, wanted, 0, key);
                value(&mut reader, &mut scan.values, paths, below, 1)?;
            }
        }
    }
    (reader.at == bytes.len() && scan.metadata_at > 0).then_some(scan)
}

/// The names of an object's members and their values, both as they are written. The bytes may begin behind a member:
/// with the comma before the next one. None when they are not compact JSON of an object.
pub fn members(bytes: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
    let mut reader = Reader { bytes, at: 0 };
    let mut found = Vec::new();
    if !matches!(reader.peek()?, b',' | b'}') {
        reader.expect(b'{')?;
    }
    while let Some(name) = reader.member()? {
        let start = reader.at;
        reader.skip()?;
        found.push((name, bytes.get(start..reader.at)?));
    }
    (reader.at == bytes.len()).then_some(found)
}

/// The first member that is not part of the type begins the content.
fn note_content(scan: &mut Scan, reader: &Reader<'_>, key: &[u8]) {
    if scan.content_at == 0 {
        // The key, its quotes and the colon have been read.
        scan.content_at = reader.at.saturating_sub(key.len() + 3);
    }
}

/// Of the paths in `active`, those whose label at `depth` is `key`.
fn step(paths: &[Vec<Text>], active: u64, depth: usize, key: &[u8]) -> u64 {
    let mut rest = active;
    let mut found = 0;
    while rest != 0 {
        let index = rest.trailing_zeros();
        rest &= rest - 1;
        let label = paths.get(index as usize).and_then(|path| path.get(depth));
        if label.is_some_and(|label| label.as_bytes() == key) {
            found |= 1 << index;
        }
    }
    found
}

/// Reads a value that `active` paths lead to or through; `depth` of their labels are used up.
fn value(
    reader: &mut Reader<'_>,
    values: &mut [Option<Value>],
    paths: &[Vec<Text>],
    active: u64,
    depth: usize,
) -> Option<()> {
    if active == 0 {
        return reader.skip();
    }
    if reader.peek()? != b'{' {
        let start = reader.at;
        reader.skip()?;
        let text = reader.bytes.get(start..reader.at)?;
        if text.starts_with(b"[") {
            return Some(());
        }
        let scalar = json::parse(text).ok()?.value;
        for (index, path) in paths.iter().enumerate().take(SCAN_PATHS) {
            if active >> index & 1 == 1 && path.len() == depth {
                *values.get_mut(index)? = Some(scalar.clone());
            }
        }
        return Some(());
    }
    // The recursion is bounded by the length of the paths.
    reader.expect(b'{')?;
    while let Some(key) = reader.member()? {
        value(reader, values, paths, step(paths, active, depth, key), depth + 1)?;
    }
    Some(())
}

fn metadata(
    reader: &mut Reader<'_>,
    scan: &mut Scan,
    typed: bool,
    paths: &[Vec<Text>],
    active: u64,
) -> Option<()> {
    reader.expect(b'{')?;
    scan.metadata_at = reader.at;
    while let Some(key) = reader.member()? {
        let follows = if typed { !IDENTITY.contains(&key) } else { key > b"resourceVersion".as_slice() };
        if follows && scan.version_at == 0 {
            scan.version_at = reader.at.saturating_sub(key.len() + 3);
        }
        let start = reader.at;
        match key {
            b"name" => scan.name = reader.text()?,
            b"namespace" => scan.namespace = reader.text()?,
            b"labels" => labels(reader, scan)?,
            _ => {
                value(reader, &mut scan.values, paths, step(paths, active, 1, key), 2)?;
                continue;
            }
        }
        let below = step(paths, active, 1, key);
        if below != 0 {
            let mut again = Reader { bytes: reader.bytes, at: start };
            value(&mut again, &mut scan.values, paths, below, 2)?;
        }
    }
    if scan.version_at == 0 {
        scan.version_at = reader.at.saturating_sub(1);
        scan.version_last = true;
    }
    scan.metadata_end = reader.at;
    Some(())
}

/// The members of ObjectMeta that come before `resourceVersion` in struct order.
const IDENTITY: [&[u8]; 5] = [b"name", b"generateName", b"namespace", b"selfLink", b"uid"];

fn labels(reader: &mut Reader<'_>, scan: &mut Scan) -> Option<()> {
    reader.expect(b'{')?;
    while reader.more()? {
        let key = reader.text()?;
        reader.expect(b':')?;
        scan.labels.push((key, reader.text()?));
    }
    if !scan.labels.is_sorted() {
        scan.labels.sort_unstable();
    }
    Some(())
}

/// A place in compact JSON.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    /// Moves to the next member of an object; false past its end.
    fn more(&mut self) -> Option<bool> {
        match self.peek()? {
            b'}' => {
                self.at += 1;
                Some(false)
            }
            b',' => {
                self.at += 1;
                Some(true)
            }
            _ => Some(true),
        }
    }

    /// The raw name of an object's next member, up to and with the colon; None past its end.
    fn member(&mut self) -> Option<Option<&'a [u8]>> {
        if !self.more()? {
            return Some(None);
        }
        let start = self.at + 1;
        self.skip_string()?;
        let key = self.bytes.get(start..self.at - 1)?;
        self.expect(b':')?;
        Some(Some(key))
    }

    fn text(&mut self) -> Option<Text> {
        let start = self.at;
        self.skip_string()?;
        let inside = self.bytes.get(start + 1..self.at - 1)?;
        if !inside.contains(&b'\\') {
            return str::from_utf8(inside).ok().map(Text::from);
        }
        let Value::Str(text) = json::parse(self.bytes.get(start..self.at)?).ok()?.value else { return None };
        Some(text)
    }

    fn skip_string(&mut self) -> Option<()> {
        self.expect(b'"')?;
        self.at = json::rest_of_string(self.bytes, self.at)?;
        Some(())
    }

    /// Moves over one value.
    fn skip(&mut self) -> Option<()> {
        match self.peek()? {
            b'"' => self.skip_string(),
            b'{' | b'[' => {
                self.at = json::container_end(self.bytes, self.at)?;
                Some(())
            }
            b'}' | b']' | b',' | b':' => None,
            _ => {
                self.skip_word();
                Some(())
            }
        }
    }

    /// Moves over a number, `true`, `false` or `null`.
    fn skip_word(&mut self) {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        self.at += rest.iter().position(|byte| matches!(byte, b',' | b'}' | b']')).unwrap_or(rest.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Map;
    use alloc::format;
    use alloc::string::String;
    use proptest::prelude::*;

    const POD: &str = concat!(
        r#"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a","namespace":"n","uid":"u","creationTimestamp":"t","#,
        r#""labels":{"x":"1","y/z":"q\"<"},"managedFields":[{"a":[{},1]}]},"#,
        r#""spec":{"nodeName":"node","hostNetwork":true,"containers":[{"name":"c"}]},"#,
        r#""status":{"phase":"Running","n":5}}"#,
    );

    fn paths(dotted: &[&str]) -> Vec<Vec<Text>> {
        dotted.iter().map(|path| path.split('.').map(Text::from).collect()).collect()
    }

    #[test]
    fn finds_places_and_values() {
        let paths = paths(&[
            "spec.nodeName",
            "status.phase",
            "metadata.name",
            "spec.hostNetwork",
            "spec.absent",
            "status.n",
            "metadata.labels.x",
        ]);
        let scan = scan(POD.as_bytes(), &paths).expect("own output");
        assert!(POD[scan.content_at..].starts_with(r#""metadata":{"#));
        assert!(POD[scan.metadata_at..].starts_with(r#""name":"a""#));
        assert!(POD[scan.version_at..].starts_with(r#""creationTimestamp""#) && !scan.version_last);
        assert_eq!((scan.name.as_str(), scan.namespace.as_str()), ("a", "n"));
        assert_eq!(scan.labels, [("x".into(), "1".into()), ("y/z".into(), "q\"<".into())]);
        let text = |text: &str| Some(Value::str(text));
        let want = [
            text("node"),
            text("Running"),
            text("a"),
            Some(Value::Bool(true)),
            None,
            Some(Value::Int(5)),
            text("1"),
        ];
        assert_eq!(scan.values, want);
    }

    #[test]
    fn places_the_resource_version() {
        let cases = [
            (
                r#"{"kind":"K","apiVersion":"v1","metadata":{"name":"a","uid":"u"},"x":1}"#,
                r#"},"x":1}"#,
                true,
            ),
            (r#"{"kind":"K","apiVersion":"v1","metadata":{}}"#, "}}", true),
            (
                r#"{"apiVersion":"g/v1","kind":"K","metadata":{"creationTimestamp":"t","name":"a","uid":"u"}}"#,
                r#""uid":"u"}}"#,
                false,
            ),
            (r#"{"apiVersion":"g/v1","kind":"K","metadata":{"generation":1,"name":"a"}}"#, "}}", true),
        ];
        for (text, want, last) in cases {
            let scan = scan(text.as_bytes(), &[]).expect(text);
            assert_eq!((&text[scan.version_at..], scan.version_last), (want, last));
        }
    }

    #[test]
    fn other_forms_are_left_to_the_parser() {
        for text in [
            "",
            "{}",
            "[]",
            r#"{"kind":"K"}"#,
            r#"{ "metadata":{}}"#,
            &POD[..POD.len() - 1],
            r#"{"metadata":{}}x"#,
        ] {
            assert_eq!(scan(text.as_bytes(), &paths(&["spec.nodeName"])), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_parser(
            name in ".{0,8}",
            labels in proptest::collection::btree_map(".{0,8}", ".{0,8}", 0..4),
            node in ".{0,8}",
        ) {
            let labels: Map = labels.into_iter().map(|(k, v)| (Text::from(k), Value::from(v))).collect();
            let mut object = Value::empty_map();
            object.set_at(&["metadata", "name"], Value::from(name));
            object.set_at(&["metadata", "labels"], Value::map(labels.clone()));
            object.set_at(&["spec", "deep", "node"], Value::from(node));
            let text = json::to_vec(&object);
            let found = scan(&text, &paths(&["spec.deep.node"])).expect("own output");
            prop_assert_eq!(&Value::Str(found.name), object.at(&["metadata", "name"]).expect("set"));
            prop_assert_eq!(found.values[0].as_ref(), object.at(&["spec", "deep", "node"]));
            let found: Map = found.labels.into_iter().map(|(k, v)| (k, Value::Str(v))).collect();
            prop_assert_eq!(found, labels);
        }

        #[test]
        fn members_are_those_of_the_parser(
            object in proptest::collection::btree_map("[a-z]{1,3}", "[ -~é]{0,6}", 0..5),
        ) {
            let inner: Map = object.iter().map(|(k, v)| (Text::from(k.as_str()), Value::str(v))).collect();
            let mut value = Value::map(inner.clone());
            value.set("zz", Value::list(alloc::vec![Value::map(inner), Value::Int(1), Value::Null]));
            let text = json::to_vec(&value);
            let found = members(&text).expect("own output");
            let wanted: Vec<(Vec<u8>, Vec<u8>)> = value.as_map().into_iter().flat_map(Map::iter)
                .map(|(key, member)| (key.as_bytes().to_vec(), json::to_vec(member))).collect();
            let owned = |found: Vec<(&[u8], &[u8])>| -> Vec<(Vec<u8>, Vec<u8>)> {
                found.iter().map(|(k, v)| (k.to_vec(), v.to_vec())).collect()
            };
            prop_assert_eq!(&owned(found), &wanted);
            let (key, first) = &wanted[0];
            let behind = r#"{"":"#.len() + key.len() + first.len();
            prop_assert_eq!(owned(members(&text[behind..]).expect("own output")), &wanted[1..]);
        }

        #[test]
        fn no_bytes_panic(start in 0..300_usize, end in 0..300_usize, junk in "[\\[\\]{}:,\"\\\\a]{0,9}") {
            let text: String = POD.chars().take(start).chain(junk.chars()).chain(POD.chars().skip(end)).collect();
            let _ = (scan(text.as_bytes(), &paths(&["spec.nodeName", "metadata.uid"])), members(text.as_bytes()));
            let _ = scan(format!("{{\"metadata\":{junk}").as_bytes(), &paths(&["metadata.uid"]));
        }
    }
}
