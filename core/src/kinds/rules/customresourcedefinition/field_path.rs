//! Paths to fields that a schema knows: names after dots, or quoted between brackets.
//! k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/validation.go ValidFieldPath

use crate::kinds::validation::Located;
use crate::value::Value;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// A path that was followed.
#[derive(Debug)]
pub(super) struct FieldPath<'v> {
    /// The names on the way.
    pub(super) names: Vec<String>,
    /// The schema of the field.
    pub(super) schema: &'v Value,
}

impl<'v> FieldPath<'v> {
    /// Follows a path from a schema. `brackets` lets names stand between brackets.
    ///
    /// # Errors
    /// Why it is no path, or leads to nothing.
    pub(super) fn follow(text: &str, schema: &Located<'v, '_>, brackets: bool) -> Result<Self, String> {
        let mut path = Self { names: Vec::new(), schema: schema.value().unwrap_or(&Value::Null) };
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
                    path.enter(&inner.replace("\\'", "'").replace("\\\\", "\\"))?;
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
        let properties = self.schema.field("properties").filter(|held| !held.is_null());
        let inner = match properties {
            Some(properties) => properties.field(name),
            None => self.schema.field("additionalProperties"),
        };
        self.schema = inner.filter(|held| !held.is_null()).ok_or("does not refer to a valid field")?;
        self.names.push(name.into());
        Ok(())
    }
}

fn ended() -> String {
    "unexpected end of JSON path".into()
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
        let schema = br#"{"properties":{"a":{"properties":{"b.c":{"type":"string"}}},
            "m":{"additionalProperties":{"type":"integer"}}}}"#;
        let schema = json::parse(schema).expect("JSON").value;
        let table = [
            (".a", true, Ok("a")),
            (".a['b.c']", true, Ok("a/b.c")),
            (".m.x", false, Ok("m/x")),
            (".a['b.c']", false, Err("array notation is not allowed")),
            ("x1", true, Err("expected [ or . but got: x1")),
            (".", true, Err("unexpected end of JSON path")),
            (".x", true, Err("does not refer to a valid field")),
            (".m.x.y", true, Err("does not refer to a valid field")),
            (".a[b]", true, Err("expected single quoted string but got b")),
            (".a['b.c'x", true, Err("expected ] but got x")),
        ];
        for (path, brackets, wanted) in table {
            let found = FieldPath::follow(path, &Located::root(&schema), brackets);
            let found = found.map(|path| path.names.join("/"));
            assert_eq!(found.as_deref().map_err(String::as_str), wanted, "{path}");
        }
    }
}
