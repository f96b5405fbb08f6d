//! Finds where members are in a JSON text, because a sorted tree does not keep their order.

use crate::value::Value;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// For each of the wanted paths (`spec.containers[0].name`, `metadata.finalizers[1]`), the offsets in the text at which
/// it occurs: for a member where its name begins, for an item where the bracket or comma before it stands. The text has
/// been parsed before; for other texts the result may be incomplete.
pub fn places(text: &[u8], wanted: &[&str]) -> Vec<Vec<usize>> {
    let index: BTreeMap<&str, usize> = wanted.iter().enumerate().map(|(at, path)| (*path, at)).collect();
    let mut found = alloc::vec![Vec::new(); wanted.len()];
    let mut path = String::new();
    let mut open: Vec<Open> = Vec::new();
    let mut at = 0;
    while let Some(byte) = text.get(at).copied() {
        match byte {
            b'{' => open.push(Open { path_bytes: path.len(), item: None, key_next: true }),
            b'[' => {
                open.push(Open { path_bytes: path.len(), item: Some(0), key_next: false });
                path.push_str("[0]");
                note(&index, &mut found, &path, at);
            }
            b'}' | b']' => path.truncate(open.pop().map_or(0, |frame| frame.path_bytes)),
            b',' => {
                let is_item = next_member(&mut open, &mut path);
                if is_item {
                    note(&index, &mut found, &path, at);
                }
            }
            b'"' => {
                let end = string_end(text, at);
                if let Some(frame) = open.last_mut().filter(|frame| frame.key_next) {
                    frame.key_next = false;
                    let key = super::parse(text.get(at..end).unwrap_or_default()).map(|parsed| parsed.value);
                    push_key(&mut path, key.ok().as_ref().and_then(Value::as_str).unwrap_or_default());
                    note(&index, &mut found, &path, at);
                }
                at = end;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// An object or a list that the walk is inside of.
struct Open {
    /// Length of the path that leads to it.
    path_bytes: usize,
    /// Index of a list's current item; None in an object.
    item: Option<usize>,
    /// The next string is a member's name.
    key_next: bool,
}

fn note(index: &BTreeMap<&str, usize>, found: &mut [Vec<usize>], path: &str, at: usize) {
    if let Some(places) = index.get(path).and_then(|wanted| found.get_mut(*wanted)) {
        places.push(at);
    }
}

/// Goes on to the next member or item. Of an item the path is known at once, of a member with its name.
fn next_member(open: &mut [Open], path: &mut String) -> bool {
    let Some(frame) = open.last_mut() else { return false };
    path.truncate(frame.path_bytes);
    let Some(item) = &mut frame.item else {
        frame.key_next = true;
        return false;
    };
    *item += 1;
    path.push_str(&format!("[{item}]"));
    true
}

fn push_key(path: &mut String, key: &str) {
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(key);
}

/// The offset after a string that begins at `start`.
pub fn string_end(text: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_occurrence_is_found() {
        let text = br#"{"b":{"x\"":1},"a":[{"n":1},{"n":2,"n":[3]}],"b":2}"#;
        let found = places(text, &["b", "a[1].n", "b.x\"", "a[0].n", "c"]);
        assert_eq!(found, [[1, 45].to_vec(), [29, 35].to_vec(), [6].to_vec(), [21].to_vec(), [].to_vec()]);
        let found = places(br#"{"a":[1,[2,3]],"b":[ ]}"#, &["a[0]", "a[1]", "a[1][1]", "b[0]", "a[2]"]);
        assert_eq!(found, [[5].to_vec(), [7].to_vec(), [10].to_vec(), [19].to_vec(), [].to_vec()]);
        let _ = places(b"]}{\"", &["a"]);
    }
}
