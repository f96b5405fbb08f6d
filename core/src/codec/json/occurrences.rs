//! A JSON text as nodes that keep every occurrence of a repeated member, in the order of the text. Only texts with
//! repeated members are read this way.

use crate::value::Text;
use alloc::vec::Vec;

/// A value and its text.
#[derive(Debug)]
pub struct Node<'a> {
    pub text: &'a [u8],
    pub members: Members<'a>,
}

/// What a value holds.
#[derive(Debug)]
pub enum Members<'a> {
    /// A scalar holds nothing.
    None,
    Items(Vec<Node<'a>>),
    Fields(Vec<(Text, Node<'a>)>),
}

impl Node<'_> {
    pub fn is_null(&self) -> bool {
        self.text == b"null"
    }
}

/// The nodes of a text that was parsed before; of any other text whatever the walk makes of it. Recursion is as deep
/// as the text, which its parser bounds.
pub fn node(text: &[u8]) -> Node<'_> {
    Walk { text, at: 0 }.value()
}

struct Walk<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Walk<'a> {
    fn value(&mut self) -> Node<'a> {
        self.space();
        let start = self.at;
        let members = match self.text.get(start) {
            Some(b'{') => Members::Fields(self.sequence(b'}', Self::field)),
            Some(b'[') => Members::Items(self.sequence(b']', Self::value)),
            Some(b'"') => {
                self.string();
                Members::None
            }
            Some(_) | None => {
                let rest = self.text.get(start..).unwrap_or_default();
                let end = rest
                    .iter()
                    .position(|byte| matches!(byte, b',' | b'}' | b']' | b' ' | b'\n' | b'\t' | b'\r'));
                self.at += end.unwrap_or(rest.len());
                Members::None
            }
        };
        Node { text: self.text.get(start..self.at).unwrap_or_default(), members }
    }

    fn sequence<T>(&mut self, end: u8, mut one: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let mut all = Vec::new();
        loop {
            self.at += 1;
            self.space();
            if self.at >= self.text.len() || self.text.get(self.at) == Some(&end) {
                break;
            }
            all.push(one(self));
            self.space();
            if self.text.get(self.at) != Some(&b',') {
                break;
            }
        }
        self.at += 1;
        all
    }

    fn field(&mut self) -> (Text, Node<'a>) {
        let start = self.at;
        self.string();
        let key = super::parse(self.text.get(start..self.at).unwrap_or_default());
        let key = key.ok().and_then(|parsed| parsed.value.as_str().map(Text::from)).unwrap_or_default();
        self.space();
        self.at += 1;
        (key, self.value())
    }

    fn string(&mut self) {
        self.at += 1;
        while let Some(byte) = self.text.get(self.at) {
            self.at += if *byte == b'\\' { 2 } else { 1 };
            if *byte == b'"' {
                break;
            }
        }
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.text.get(self.at) {
            self.at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_occurrence_has_its_text() {
        let root = node(br#" {"a" : [1, {"b":"x\"}"} ,[] ], "a":null,"c":{}} "#);
        let Members::Fields(fields) = root.members else { panic!("an object") };
        let texts: Vec<_> = fields.iter().map(|(key, node)| (key.as_str(), node.text)).collect();
        assert_eq!(texts, [("a", &br#"[1, {"b":"x\"}"} ,[] ]"#[..]), ("a", b"null"), ("c", b"{}")]);
        let Members::Items(items) = &fields[0].1.members else { panic!("a list") };
        assert_eq!(items.len(), 3);
        assert!(fields[1].1.is_null());
        for text in [&b"{"[..], b"[1", b"{\"a", b"", b"]", b"{\"a\":", b"\"\\"] {
            let _ = node(text);
        }
    }
}
