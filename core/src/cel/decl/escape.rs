//! Names of members as identifiers of expressions.
//! k8s: staging/src/k8s.io/apiserver/pkg/cel/escaping.go

use crate::cel::parse::RESERVED;
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;

/// Whether a word is one that identifiers cannot be.
pub(crate) fn is_reserved(word: &str) -> bool {
    matches!(word, "true" | "false" | "null" | "in") || RESERVED.contains(&word)
}

/// The identifier for a name: `a-b` is `a__dash__b`. None for a name that has none.
pub fn escape(name: &str) -> Option<Cow<'_, str>> {
    if name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    if is_reserved(name) {
        return Some(Cow::Owned(format!("__{name}__")));
    }
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-./".contains(&byte)) {
        return None;
    }
    if !name.contains(['-', '.', '/']) && !name.contains("__") {
        return Some(Cow::Borrowed(name));
    }
    let mut escaped = String::with_capacity(name.len() + 16);
    let mut rest = name;
    while let Some(first) = rest.chars().next() {
        let (word, length) = match first {
            '-' => ("__dash__", 1),
            '.' => ("__dot__", 1),
            '/' => ("__slash__", 1),
            '_' if rest.starts_with("__") => ("__underscores__", 2),
            other => {
                escaped.push(other);
                ("", other.len_utf8())
            }
        };
        escaped.push_str(word);
        rest = rest.get(length..).unwrap_or_default();
    }
    Some(Cow::Owned(escaped))
}

/// The name that an identifier stands for; None if it has an escape that there is not.
pub fn unescape(identifier: &str) -> Option<Cow<'_, str>> {
    if !identifier.contains("__") {
        return Some(Cow::Borrowed(identifier));
    }
    let mut name = String::with_capacity(identifier.len());
    let mut rest = identifier;
    while let Some((start, content, end)) = next_escape(rest) {
        name.push_str(rest.get(..start)?);
        match content {
            "underscores" => name.push_str("__"),
            "dot" => name.push('.'),
            "dash" => name.push('-'),
            "slash" => name.push('/'),
            // A reserved word is escaped as a whole name only.
            word if is_reserved(word) && content.len() + 4 == identifier.len() => name.push_str(word),
            _ => return None,
        }
        rest = rest.get(end..)?;
    }
    name.push_str(rest);
    Some(Cow::Owned(name))
}

/// The first two underscores that are followed by other letters and two underscores: where they begin, what is between
/// them and where they end.
fn next_escape(text: &str) -> Option<(usize, &str, usize)> {
    let mut from = 0;
    while let Some(found) = text.get(from..)?.find("__") {
        let start = from + found;
        let content_start = start + 2;
        let content = text.get(content_start..)?;
        let length = content.find('_').unwrap_or(content.len());
        let after = content.get(length..)?;
        if length > 0 && after.starts_with("__") {
            return Some((start, content.get(..length)?, content_start + length + 2));
        }
        from = start + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_identifiers() {
        let cases = [
            ("", None),
            ("a", Some("a")),
            ("a_b", Some("a_b")),
            ("_", Some("_")),
            ("a__b", Some("a__underscores__b")),
            ("a-b", Some("a__dash__b")),
            ("a.b/c", Some("a__dot__b__slash__c")),
            ("namespace", Some("__namespace__")),
            ("namespaces", Some("namespaces")),
            ("1a", None),
            ("a$b", None),
            ("ä", None),
            ("-", Some("__dash__")),
            ("___", Some("__underscores___")),
        ];
        for (name, identifier) in cases {
            assert_eq!(escape(name).as_deref(), identifier, "{name}");
            if let Some(identifier) = identifier {
                assert_eq!(unescape(identifier).as_deref(), Some(name), "{identifier}");
            }
        }
    }

    #[test]
    fn what_is_no_escape_has_no_name() {
        let cases = [
            ("a__x__", None),
            ("a__b", Some("a__b")),
            ("____", Some("____")),
            ("x__in__", None),
            ("__in__", Some("in")),
            ("_a__dot__", Some("_a.")),
        ];
        for (identifier, name) in cases {
            assert_eq!(unescape(identifier).as_deref(), name, "{identifier}");
        }
    }
}
