//! Paths to fields that a schema knows: names after dots, or quoted between brackets.
//! k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/validation.go ValidFieldPath

use super::{Additional, Structural};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// A path that was followed.
#[derive(Debug)]
pub struct FieldPath<'s> {
    /// The names on the way.
    pub names: Vec<String>,
    /// The path as errors write it.
    pub text: String,
    /// The schema of the field.
    pub schema: &'s Structural,
}

impl<'s> FieldPath<'s> {
    /// Follows a path from a schema. `brackets` lets names stand between brackets.
    ///
    /// # Errors
    /// Why it is no path, or leads to nothing.
    pub fn follow(text: &str, schema: &'s Structural, brackets: bool) -> Result<Self, String> {
        let mut path = Self { names: Vec::new(), text: String::new(), schema };
        let mut rest = text;
        while let Some(token) = next_token(&mut rest) {
            match token {
                "[" if !brackets => return Err("array notation is not allowed".into()),
                "[" => {
                    let name = next_token(&mut rest).ok_or_else(ended)?;
                    let inner = name.strip_prefix('\'').and_then(|name| name.strip_suffix('\''));
                    let inner = inner
                        .filter(|_| name.len() > 1)
                        .ok_or_else(|| format!("expected single quoted string but got {name}"))?;
                    path.enter(&unescaped(inner)?)?;
                    match next_token(&mut rest).ok_or_else(ended)? {
                        "]" => {}
                        other => return Err(format!("expected ] but got {other}")),
                    }
                }
                "." => {
                    let name = next_token(&mut rest).ok_or_else(ended)?;
                    path.enter(name)?;
                }
                other => return Err(format!("expected [ or . but got: {other}")),
            }
        }
        Ok(path)
    }

    fn enter(&mut self, name: &str) -> Result<(), String> {
        const NOTHING: &str = "does not refer to a valid field";
        self.schema = match &self.schema.additional {
            _ if !self.schema.properties.is_empty() => {
                let dot = if self.text.is_empty() { "" } else { "." };
                self.text = format!("{}{dot}{name}", self.text);
                self.schema.properties.get(name).ok_or(NOTHING)?
            }
            Additional::Schema(inner) => {
                self.text = format!("{}[{name}]", self.text);
                inner
            }
            Additional::Absent | Additional::Denied | Additional::Any => return Err(NOTHING.into()),
        };
        self.names.push(name.into());
        Ok(())
    }
}

fn ended() -> String {
    "unexpected end of JSON path".into()
}

/// A quoted name without its escapes.
fn unescaped(text: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            out.push(letter);
            continue;
        }
        match letters.next() {
            Some('a') => out.push('\u{7}'),
            Some('b') => out.push('\u{8}'),
            Some('f') => out.push('\u{c}'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some('v') => out.push('\u{b}'),
            Some(same @ ('\'' | '\\')) => out.push(same),
            Some(other) => return Err(format!("invalid string literal: invalid escape char \\{other}")),
            None => out.push('\\'),
        }
    }
    Ok(out)
}

/// Takes the next delimiter, quoted text or text between delimiters.
fn next_token<'t>(rest: &mut &'t str) -> Option<&'t str> {
    let text = *rest;
    let end = match text.bytes().next()? {
        b'.' | b'[' | b']' => 1,
        b'\'' => {
            let bytes = text.as_bytes();
            let closes = |at: &usize| bytes.get(*at) == Some(&b'\'') && bytes.get(at - 1) != Some(&b'\\');
            (1..bytes.len()).find(closes).map_or(bytes.len(), |at| at + 1)
        }
        _ => text.find(['.', '[', ']']).unwrap_or(text.len()),
    };
    let (token, after) = text.split_at_checked(end)?;
    *rest = after;
    Some(token)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json;

    #[test]
    fn paths_are_followed() {
        let schema = br#"{"properties":{"a":{"properties":{"b.c":{"type":"string"},"d'e":{"type":"string"}}},
            "m":{"additionalProperties":{"type":"integer"}}}}"#;
        let schema = Structural::read(&json::parse(schema).expect("JSON").value);
        let table = [
            (".a", true, Ok(("a", "a"))),
            (".a['b.c']", true, Ok(("a/b.c", "a.b.c"))),
            (".a['d\\'e']", true, Ok(("a/d'e", "a.d'e"))),
            (".a['\\q']", true, Err("invalid string literal: invalid escape char \\q")),
            (".m.x", false, Ok(("m/x", "m[x]"))),
            (".a['b.c']", false, Err("array notation is not allowed")),
            ("x1", true, Err("expected [ or . but got: x1")),
            (".", true, Err("unexpected end of JSON path")),
            (".x", true, Err("does not refer to a valid field")),
            (".m.x.y", true, Err("does not refer to a valid field")),
            (".a[b]", true, Err("expected single quoted string but got b")),
            (".a['b.c'x", true, Err("expected ] but got x")),
        ];
        for (path, brackets, wanted) in table {
            let found = FieldPath::follow(path, &schema, brackets);
            let found = found.map(|path| (path.names.join("/"), path.text));
            let found = found.as_ref().map(|(names, text)| (names.as_str(), text.as_str()));
            assert_eq!(found.map_err(String::as_str), wanted, "{path}");
        }
    }
}
