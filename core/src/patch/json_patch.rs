//! JSON patch, RFC 6902, with the quirks of the library that upstream uses.
//! k8s: vendor/gopkg.in/evanphx/json-patch.v4/patch.go, apiserver/pkg/endpoints/handlers/patch.go
//!
//! The quirks: what stands before a path's first slash is ignored; the whole document can be replaced and tested, but
//! nothing can be added or removed at its root; negative indexes count from the end; replacing an absent member adds
//! it; copying an absent member adds null; an absent member equals null in a test; and a path cannot lead through a
//! null.

use super::PatchError;
use crate::codec::json::{self, RawPaths};
use crate::limits;
use crate::schema::strict::StrictError;
use crate::value::{Map, Text, Type, Value};
use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// The places of values in a patch, which are kept byte for byte until an operation changes something inside them.
pub fn raw_paths() -> RawPaths {
    RawPaths::each(RawPaths::members(alloc::vec![(Text::const_new("value"), RawPaths::here())]))
}

/// The target after all operations of the patch, or the first error. `is_checked` says whether the patch's types are
/// checked, as upstream does in order to find strict errors.
pub fn apply(target: Value, patch: &Value, is_checked: bool) -> Result<Value, PatchError> {
    let operations = decode(patch, is_checked)?;
    if is_checked {
        let why = |error: json::SyntaxError| error.0.replace("Go value", "Go struct field jsonPatchOp.value");
        let checked = json::check_numbers(patch).map_err(why);
        checked.map_err(|why| PatchError::Malformed(format!("error decoding patch: {why}")))?;
    }
    if operations.len() > limits::JSON_PATCH_OPERATIONS {
        let (limit, found) = (limits::JSON_PATCH_OPERATIONS, operations.len());
        return Err(PatchError::TooLarge(format!(
            "Request entity too large: The allowed maximum operations in a JSON patch is {limit}, got {found}"
        )));
    }
    let deepest = depth(&target);
    let mut document = Document { root: target, copied_bytes: 0, deepest, walked: 0, shifted: 0 };
    for operation in &operations {
        document.perform(operation).map_err(PatchError::Inapplicable)?;
    }
    Ok(document.root)
}

/// The strict errors of a patch: duplicate members (by their paths) and members that no operation has.
pub fn strict_errors(patch: &Value, duplicates: &[String]) -> Vec<StrictError> {
    let operations = patch.as_list().unwrap_or_default();
    let members = operations.iter().enumerate().filter_map(|(at, one)| Some((at, one.as_map()?)));
    let members = members.flat_map(|(at, map)| map.iter().map(move |(name, _)| (at, name.as_str())));
    let unknown = members.filter(|(_, name)| !MEMBERS.contains(name));
    let unknown = unknown.map(|(at, name)| StrictError::Unknown(format!("[{at}].{name}")));
    let found = duplicates.iter().cloned().map(StrictError::Duplicate).chain(unknown);
    let in_patch = found.map(|error| StrictError::InJsonPatch(Box::new(error)));
    in_patch.take(limits::STRICT_ERRORS).collect()
}

const MEMBERS: [&str; 4] = ["op", "path", "from", "value"];

/// An operation as upstream decodes it: its members by name, with nulls treated as absent.
struct Operation<'a>(Option<&'a Map>);

impl<'a> Operation<'a> {
    fn member(&self, name: &str) -> Option<&'a Value> {
        self.0?.get(name).filter(|member| !member.is_null())
    }

    fn text(&self, name: &str) -> Option<&'a str> {
        self.member(name)?.as_str()
    }

    fn path(&self) -> Result<&'a str, String> {
        self.text("path").ok_or_else(|| String::from("operation missing path field: missing value"))
    }

    fn from(&self) -> Result<&'a str, String> {
        self.text("from").ok_or_else(|| String::from("operation, missing from field: missing value"))
    }

    /// The value; null when absent.
    fn value(&self) -> Value {
        self.member("value").cloned().unwrap_or_default()
    }
}

/// Checks the patch's types, with the error texts of Go's decoder.
fn decode(patch: &Value, is_checked: bool) -> Result<Vec<Operation<'_>>, PatchError> {
    let mismatch = |found: &Value, into: &str| {
        let found = found.type_of().word();
        let before = if is_checked { "error decoding patch: " } else { "" };
        PatchError::Malformed(format!("{before}json: cannot unmarshal {found} into Go {into}"))
    };
    let (list, one) = if is_checked {
        ("[]handlers.jsonPatchOp", "handlers.jsonPatchOp")
    } else {
        ("jsonpatch.Patch", "jsonpatch.Operation")
    };
    let operations = match patch {
        Value::Null => return Ok(Vec::new()),
        Value::List(operations) => operations,
        Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Json(_) | Value::Str(_) | Value::Map(_) => {
            return Err(mismatch(patch, &format!("value of type {list}")));
        }
    };
    let decode_one = |operation| match operation {
        &Value::Null => Ok(Operation(None)),
        Value::Map(members) => {
            for name in ["op", "path", "from"].into_iter().filter(|_| is_checked) {
                if let Some(member) = members.get(name).filter(|member| !member.is_null())
                    && member.as_str().is_none()
                {
                    let into = format!("struct field jsonPatchOp.{name} of type string");
                    return Err(mismatch(member, &into));
                }
            }
            Ok(Operation(Some(members)))
        }
        other @ (Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::Json(_)
        | Value::Str(_)
        | Value::List(_)) => Err(mismatch(other, &format!("value of type {one}"))),
    };
    operations.iter().map(decode_one).collect()
}

struct Document {
    root: Value,
    copied_bytes: usize,
    /// An upper bound for the depth of the document.
    deepest: usize,
    /// How many values were walked through to learn their depth.
    walked: usize,
    /// How many items of lists were shifted.
    shifted: usize,
}

impl Document {
    fn perform(&mut self, operation: &Operation<'_>) -> Result<(), String> {
        match operation.text("op").unwrap_or("unknown") {
            "add" => {
                let path = operation.path()?;
                self.add("add", path, operation.value())
            }
            "remove" => {
                let path = operation.path()?;
                self.take("remove", path).map(drop)
            }
            "replace" => self.replace(operation.path()?, operation.member("value").cloned()),
            "move" => {
                let from = operation.from()?;
                let moved = self.take("move", from)?;
                let path = operation.path()?;
                let below = self.deepest.saturating_sub(segments(from));
                if segments(path).saturating_add(below) > limits::JSON_DEPTH {
                    self.check_depth(path, &moved)?;
                } else {
                    self.deepest = self.deepest.max(segments(path).saturating_add(below));
                }
                self.put("move", path, moved)
            }
            "copy" => self.copy(operation),
            "test" => self.test(operation.path()?, &operation.value()),
            kind => Err(format!("Unexpected kind: {kind}")),
        }
    }

    fn add(&mut self, what: &str, path: &str, value: Value) -> Result<(), String> {
        self.check_depth(path, &value)?;
        self.put(what, path, value)
    }

    /// Operations can nest values deeper and deeper, so the bound for bodies is checked here again.
    fn check_depth(&mut self, path: &str, value: &Value) -> Result<(), String> {
        let below = segments(path).saturating_add(depth(value));
        self.walked = self.walked.saturating_add(nodes(value));
        if below > limits::JSON_DEPTH || self.walked > limits::JSON_PATCH_WALKED {
            return Err("exceeded max depth".into());
        }
        self.deepest = self.deepest.max(below);
        Ok(())
    }

    fn put(&mut self, what: &str, path: &str, value: Value) -> Result<(), String> {
        let (container, key) = find(&mut self.root, path).ok_or_else(|| missing_path(what, path))?;
        match container {
            Container::Object(members) => {
                members.insert(&*key, value);
            }
            Container::Array(items) => {
                let place = if key == "-" { items.len() } else { index(&key, items.len() + 1)? };
                self.shifted = shift(self.shifted, items.len() - place)?;
                items.insert(place, value);
            }
        }
        Ok(())
    }

    fn take(&mut self, what: &str, path: &str) -> Result<Value, String> {
        let (container, key) = find(&mut self.root, path).ok_or_else(|| missing_path(what, path))?;
        match container {
            Container::Object(members) => members
                .remove(&key)
                .ok_or_else(|| format!("Unable to remove nonexistent key: {key}: missing value")),
            Container::Array(items) => {
                let place = index(&key, items.len())?;
                self.shifted = shift(self.shifted, items.len() - place)?;
                Ok(items.remove(place))
            }
        }
    }

    fn replace(&mut self, path: &str, value: Option<Value>) -> Result<(), String> {
        if path.is_empty() {
            self.root = value
                .map(|value| if let Value::Json(text) = &value { json::opened(text) } else { value })
                .filter(|value| matches!(value, Value::Map(_) | Value::List(_)))
                .ok_or("replace operation value must be object or array")?;
            return Ok(());
        }
        let value = value.unwrap_or_default();
        self.check_depth(path, &value)?;
        let (container, key) = find(&mut self.root, path).ok_or_else(|| missing_path("replace", path))?;
        match container {
            Container::Object(members) => {
                members.insert(&*key, value);
            }
            Container::Array(items) => {
                let place = index(&key, items.len())?;
                items[place] = value;
            }
        }
        Ok(())
    }

    fn copy(&mut self, operation: &Operation<'_>) -> Result<(), String> {
        let from = operation.from()?;
        self.get("copy", from)?;
        // The path to the new place may lead through the copied value, which decodes it first.
        let _ = find(&mut self.root, operation.path()?);
        let value = self.get("copy", from)?;
        self.copied_bytes = self.copied_bytes.saturating_add(json::to_vec(&value).len());
        let (limit, bytes) = (limits::JSON_PATCH_COPY_BYTES, self.copied_bytes);
        if bytes > limit {
            return Err(format!(
                "Unable to complete the copy, the accumulated size increase of copy is {bytes}, \
                 exceeding the limit {limit}"
            ));
        }
        self.add("copy", operation.path()?, value)
    }

    /// A comparison decodes the value, so its members are sorted afterwards.
    fn test(&mut self, path: &str, expected: &Value) -> Result<(), String> {
        let failed = || Err(format!("testing value {path} failed: test failed"));
        if path.is_empty() {
            return if is_equal(&self.root, expected) { Ok(()) } else { failed() };
        }
        let (container, key) = find(&mut self.root, path).ok_or_else(|| missing_path("test", path))?;
        let held = match container {
            Container::Object(members) => match members.get_mut(&key) {
                Some(held) => held,
                None if expected.is_null() => return Ok(()),
                None => return failed(),
            },
            Container::Array(items) => {
                let place = index(&key, items.len())?;
                &mut items[place]
            }
        };
        if !is_equal(held, expected) {
            return failed();
        }
        if let Value::Json(text) = &*held {
            *held = json::sorted(text);
        }
        Ok(())
    }

    /// The value at a path; null if a member is absent.
    fn get(&mut self, what: &str, path: &str) -> Result<Value, String> {
        let (container, key) = find(&mut self.root, path).ok_or_else(|| missing_path(what, path))?;
        match container {
            Container::Object(members) => Ok(members.get(&key).cloned().unwrap_or_default()),
            Container::Array(items) => Ok(items[index(&key, items.len())?].clone()),
        }
    }
}

fn segments(path: &str) -> usize {
    path.bytes().filter(|byte| *byte == b'/').count()
}

/// Counts the items that are shifted within their list.
fn shift(before: usize, items: usize) -> Result<usize, String> {
    let shifted = before.saturating_add(items);
    if shifted > limits::JSON_PATCH_SHIFTED {
        return Err("too many items of lists change their places".into());
    }
    Ok(shifted)
}

fn nodes(value: &Value) -> usize {
    match value {
        Value::List(items) => items.iter().map(nodes).sum::<usize>() + 1,
        Value::Map(members) => members.iter().map(|(_, member)| nodes(member)).sum::<usize>() + 1,
        Value::Json(text) => text.len(),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Str(_) => 1,
    }
}

/// Compares objects and lists by their content, and scalars by their texts: `1` is not `1.0`.
fn is_equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Map(one), Value::Map(other)) => {
            let has = |key: &str, member: &Value| other.get(key).is_some_and(|held| is_equal(member, held));
            one.len() == other.len() && one.iter().all(|(key, member)| has(key, member))
        }
        (Value::List(one), Value::List(other)) => {
            one.len() == other.len() && one.iter().zip(other.iter()).all(|(one, other)| is_equal(one, other))
        }
        (Value::Json(text), other) | (other, Value::Json(text)) if left.type_of() == right.type_of() => {
            match opened_text(text) {
                Some(opened) => is_equal(&opened, other),
                None => left == right,
            }
        }
        (left, right) => left == right,
    }
}

/// Decodes the text of an object or a list; None for a scalar.
fn opened_text(text: &str) -> Option<Value> {
    text.starts_with(['{', '[']).then(|| json::opened(text))
}

fn depth(value: &Value) -> usize {
    let below = match value {
        Value::List(items) => items.iter().map(depth).max(),
        Value::Map(members) => members.iter().map(|(_, member)| depth(member)).max(),
        Value::Json(_) if matches!(value.type_of(), Type::Object | Type::Array) => {
            return depth(&json::plain(value));
        }
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Json(_) | Value::Str(_) => {
            return 0;
        }
    };
    below.unwrap_or(0) + 1
}

fn missing_path(what: &str, path: &str) -> String {
    format!("{what} operation does not apply: doc is missing path: \"{path}\": missing value")
}

enum Container<'a> {
    Object(&'a mut Map),
    Array(&'a mut Vec<Value>),
}

/// The list or object that holds a path's last segment, and that segment.
fn find<'a, 'p>(root: &'a mut Value, path: &'p str) -> Option<(Container<'a>, Cow<'p, str>)> {
    let (parents, last) = path.rsplit_once('/')?;
    let mut node = root;
    for segment in parents.split('/').skip(1).map(unescape) {
        node = match container(node)? {
            Container::Object(members) => members.get_mut(&segment)?,
            Container::Array(items) => {
                let place = index(&segment, items.len()).ok()?;
                items.get_mut(place)?
            }
        };
    }
    Some((container(node)?, unescape(last)))
}

fn container(node: &mut Value) -> Option<Container<'_>> {
    if let Value::Json(text) = node
        && let Some(opened) = opened_text(text)
    {
        *node = opened;
    }
    if matches!(node, Value::List(_)) {
        node.as_list_mut().map(Container::Array)
    } else {
        node.as_map_mut().map(Container::Object)
    }
}

/// `~1` for a slash, `~0` for a tilde.
fn unescape(segment: &str) -> Cow<'_, str> {
    if !segment.contains('~') {
        return Cow::Borrowed(segment);
    }
    let mut out = String::with_capacity(segment.len());
    let mut rest = segment;
    while let Some((before, after)) = rest.split_once('~') {
        out.push_str(before);
        rest = match after.strip_prefix(['0', '1']) {
            Some(left) => {
                out.push(if after.starts_with('1') { '/' } else { '~' });
                left
            }
            None => {
                out.push('~');
                after
            }
        };
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The position that an index means in a list of this length; negative ones count from the end.
fn index(text: &str, places: usize) -> Result<usize, String> {
    let number: i64 = text.parse().map_err(|_| format!("value was not a proper array index: '{text}'"))?;
    let size = places as i64;
    let place = if number < 0 { number.saturating_add(size) } else { number };
    if (0..size).contains(&place) {
        Ok(place as usize)
    } else {
        Err(format!("Unable to access invalid index: {number}: invalid index referenced"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::patch::tests::{arbitrary, json};
    use proptest::prelude::*;

    fn exact(patch: &str) -> Value {
        json::parse_exact(patch.as_bytes(), &raw_paths()).unwrap().value
    }

    fn patched(target: &str, patch: &str) -> Result<Value, PatchError> {
        apply(json(target), &exact(patch), true)
    }

    #[test]
    fn operations_and_their_quirks() {
        let table = [
            (r#"{"a":1}"#, r#"[{"op":"add","path":"/b","value":[1]}]"#, Some(r#"{"a":1,"b":[1]}"#)),
            (r#"{"a":[1,3]}"#, r#"[{"op":"add","path":"/a/1","value":2}]"#, Some(r#"{"a":[1,2,3]}"#)),
            (r#"{"a":[1]}"#, r#"[{"op":"add","path":"/a/-","value":2}]"#, Some(r#"{"a":[1,2]}"#)),
            (r#"{"a":[1]}"#, r#"[{"op":"add","path":"/a/-1","value":2}]"#, Some(r#"{"a":[1,2]}"#)),
            (r#"{"a":[1]}"#, r#"[{"op":"add","path":"/a/2","value":2}]"#, None),
            (r#"{"a":[1]}"#, r#"[{"op":"add","path":"/a/b","value":2}]"#, None),
            (r#"{"a":[1,2]}"#, r#"[{"op":"remove","path":"/a/-2"}]"#, Some(r#"{"a":[2]}"#)),
            (r#"{"a":[1,2]}"#, r#"[{"op":"remove","path":"/a/-3"}]"#, None),
            (r#"{"a":1}"#, r#"[{"op":"remove","path":"/b"}]"#, None),
            (r#"{"a":1}"#, r#"[{"op":"replace","path":"/b","value":2}]"#, Some(r#"{"a":1,"b":2}"#)),
            (r#"{"a":1}"#, r#"[{"op":"replace","path":"/b/c","value":2}]"#, None),
            (r#"{"a":1}"#, r#"[{"op":"replace","path":"","value":{"c":2}}]"#, Some(r#"{"c":2}"#)),
            (r#"{"a":1}"#, r#"[{"op":"add","path":"","value":{"c":2}}]"#, None),
            (r#"{"a":1}"#, r#"[{"op":"add","path":"x/b"}]"#, Some(r#"{"a":1,"b":null}"#)),
            (r#"{"a":1}"#, r#"[{"op":"move","from":"/a","path":"/b"}]"#, Some(r#"{"b":1}"#)),
            (r#"{"a":{"b":1}}"#, r#"[{"op":"move","from":"/a","path":"/a/c"}]"#, None),
            (r#"{"a":1}"#, r#"[{"op":"copy","from":"/a","path":"/b"}]"#, Some(r#"{"a":1,"b":1}"#)),
            (r#"{"a":1}"#, r#"[{"op":"copy","from":"/x","path":"/b"}]"#, Some(r#"{"a":1,"b":null}"#)),
            (r#"{"a~/":{"":1}}"#, r#"[{"op":"test","path":"/a~0~1/","value":1}]"#, Some(r#"{"a~/":{"":1}}"#)),
            (r#"{"~1":1}"#, r#"[{"op":"remove","path":"/~01"}]"#, Some("{}")),
            (r#"{"a":1}"#, r#"[{"op":"test","path":"/b","value":null}]"#, Some(r#"{"a":1}"#)),
            (r#"{"a":1}"#, r#"[{"op":"test","path":"/a","value":1.0}]"#, None),
            (r#"{"a":1}"#, r#"[{"op":"test","path":"","value":{"a":1}}]"#, Some(r#"{"a":1}"#)),
            (r#"{"a":null}"#, r#"[{"op":"add","path":"/a/b","value":1}]"#, None),
            (r#"{"a":1}"#, r#"[{"op":"bogus","path":"/a"}]"#, None),
            (r#"{"a":1}"#, "[null]", None),
            (r#"{"a":1}"#, "null", Some(r#"{"a":1}"#)),
        ];
        for (target, patch, expected) in table {
            match (patched(target, patch), expected) {
                (Ok(found), Some(expected)) => assert_eq!(found, json(expected), "{target} {patch}"),
                (Err(PatchError::Inapplicable(_)), None) => {}
                (found, expected) => panic!("{target} {patch}: {found:?}, not {expected:?}"),
            }
        }
    }

    #[test]
    fn values_keep_their_bytes() {
        let table = [
            (r#"[{"op":"add","path":"/b","value":{"d":1.0,"c":2}}]"#, Some(r#"{"a":1,"b":{"d":1.0,"c":2}}"#)),
            // A value that an operation changes has sorted members afterwards; values nested in it do not.
            (
                r#"[{"op":"add","path":"/b","value":{"d":{"f":1,"e":2},"c":2}},{"op":"remove","path":"/b/c"}]"#,
                Some(r#"{"a":1,"b":{"d":{"f":1,"e":2}}}"#),
            ),
            (
                r#"[{"op":"add","path":"/b","value":{"d":1.0,"c":2}},{"op":"test","path":"/b","value":{"c":2,"d":1.0}}]"#,
                Some(r#"{"a":1,"b":{"c":2,"d":1.0}}"#),
            ),
            (
                r#"[{"op":"add","path":"/b","value":{"d":1.0,"c":2}},{"op":"test","path":"/b/d","value":1.0}]"#,
                Some(r#"{"a":1,"b":{"c":2,"d":1.0}}"#),
            ),
            (r#"[{"op":"add","path":"/b","value":1e1},{"op":"test","path":"/b","value":10}]"#, None),
            (r#"[{"op":"replace","path":"","value":{"b":1.0,"a":2}}]"#, Some(r#"{"a":2,"b":1.0}"#)),
        ];
        for (patch, expected) in table {
            let found = patched(r#"{"a":1}"#, patch).ok().map(|value| json::to_string(&value));
            assert_eq!(found.as_deref(), expected, "{patch}");
        }
    }

    #[test]
    fn malformed_and_oversized_patches_are_refused() {
        let table = [
            (r#"{"a":1}"#, "object into Go value of type []handlers.jsonPatchOp"),
            ("[1]", "number into Go value of type handlers.jsonPatchOp"),
            (r#"[{"op":1}]"#, "number into Go struct field jsonPatchOp.op of type string"),
            (r#"[{"value":[1e400]}]"#, "number 1e400 into Go struct field jsonPatchOp.value of type float64"),
        ];
        for (patch, expected) in table {
            let expected = format!("error decoding patch: json: cannot unmarshal {expected}");
            assert_eq!(patched("{}", patch), Err(PatchError::Malformed(expected)), "{patch}");
        }
        // Types are checked only when strict errors are wanted.
        let unchecked = [
            (
                r#"{"a":1}"#,
                PatchError::Malformed(
                    "json: cannot unmarshal object into Go value of type jsonpatch.Patch".into(),
                ),
            ),
            (
                "[1]",
                PatchError::Malformed(
                    "json: cannot unmarshal number into Go value of type jsonpatch.Operation".into(),
                ),
            ),
            (r#"[{"op":1}]"#, PatchError::Inapplicable("Unexpected kind: unknown".into())),
        ];
        for (patch, expected) in unchecked {
            assert_eq!(apply(json("{}"), &exact(patch), false), Err(expected), "{patch}");
        }
        let add = json(r#"{"op":"add","path":"/a","value":1}"#);
        let many = Value::list(alloc::vec![add; limits::JSON_PATCH_OPERATIONS + 1]);
        let Err(PatchError::TooLarge(why)) = apply(json("{}"), &many, true) else { panic!("applied") };
        assert!(why.ends_with("operations in a JSON patch is 10000, got 10001"), "{why}");

        let copy = json(r#"{"op":"copy","from":"/a","path":"/b"}"#);
        let long = "x".repeat(limits::JSON_PATCH_COPY_BYTES / 2);
        let target = Value::map([("a".into(), Value::from(long))].into_iter().collect());
        assert!(apply(target.clone(), &Value::list(alloc::vec![copy.clone()]), true).is_ok());
        assert!(apply(target, &Value::list(alloc::vec![copy; 2]), true).is_err());

        let nest = alloc::vec![json(r#"{"op":"copy","from":"/a","path":"/a/a"}"#); 600];
        let deeper = apply(json(r#"{"a":{"a":{"a":{}}}}"#), &Value::list(nest), true);
        assert_eq!(deeper, Err(PatchError::Inapplicable("exceeded max depth".into())));
    }

    #[test]
    fn strict_decoding_names_duplicate_and_unknown_members() {
        let patch = json(r#"[{"op":"add","path":"/a","valeu":1},1,{"from":"/a"}]"#);
        let expected = [r#"json patch duplicate field "[0].op""#, r#"json patch unknown field "[0].valeu""#];
        let errors = strict_errors(&patch, &["[0].op".into()]);
        assert_eq!(errors.iter().map(alloc::string::ToString::to_string).collect::<Vec<_>>(), expected);
    }

    fn to_oracle(value: &Value) -> serde_json::Value {
        serde_json::from_slice(&json::to_vec(value)).unwrap()
    }

    fn operation() -> impl Strategy<Value = Value> {
        let path = "(/[a-c0-2-]?|/~0|/~1){1,3}";
        let kind = prop::sample::select(alloc::vec!["add", "remove", "replace", "move", "copy", "test"]);
        (kind, path, path, arbitrary()).prop_map(|(kind, path, from, value)| {
            let members = [
                ("op".into(), kind.into()),
                ("path".into(), path.into()),
                ("from".into(), from.into()),
                ("value".into(), value),
            ];
            Value::map(members.into_iter().collect())
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2048))]
        #[test]
        fn what_the_rfc_allows_is_done_as_it_says(
            target in arbitrary(),
            operations in prop::collection::vec(operation(), 1..4),
        ) {
            let patch = Value::list(operations);
            let ours = apply(target.clone(), &patch, true);
            let mut theirs = to_oracle(&target);
            let operations: json_patch::Patch = serde_json::from_value(to_oracle(&patch)).unwrap();
            if json_patch::patch_unsafe(&mut theirs, &operations).is_ok() {
                prop_assert_eq!(ours.map(|ours| to_oracle(&ours)), Ok(theirs));
            }
        }
    }
}
