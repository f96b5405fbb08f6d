//! A value of an object that knows its field path. Walking to it allocates nothing: each step refers to the one before,
//! and the path is written out only when somebody is told of it.

use crate::value::quantity::Quantity;
use crate::value::{Map, Value};
use core::fmt;

/// A place in an object: its value, if there is one, and how it was reached. `Display` writes the path as upstream
/// writes it: `spec.containers[0].ports[1].hostPort`, `metadata.annotations[k]`. The path of the root is empty.
///
/// A place can be walked to whether or not anything is there. A null counts as absent everywhere, as it does in Go.
///
/// `'v` is the life of the object, which what is read lives as long as; `'p` is that of the steps of the path, which
/// stand on the stack of the functions that walk. A step must therefore be bound to a name before the next one is
/// bound: `let spec = object.member("spec"); let ports = spec.member("ports");`, or `object.at(&["spec", "ports"])`.
///
/// k8s: staging/src/k8s.io/apimachinery/pkg/util/validation/field/path.go
#[derive(Clone, Copy, Debug)]
pub struct Located<'v, 'p> {
    value: Option<&'v Value>,
    parent: Option<&'p Self>,
    step: Step<'p>,
}

/// How a place was reached from its parent.
#[derive(Clone, Copy, Debug)]
enum Step<'p> {
    Root,
    Member(&'static str),
    /// Several members at once.
    Members(&'static [&'static str]),
    Index(usize),
    /// An entry of a map with keys that a client chooses.
    Key(&'p str),
    /// Such an entry where upstream's path names it as a field.
    Named(&'p str),
}

impl<'v, 'p> Located<'v, 'p> {
    /// The whole object.
    pub fn root(object: &'v Value) -> Self {
        Self { value: Some(object), parent: None, step: Step::Root }
    }

    fn reached<'s>(&'s self, value: Option<&'v Value>, step: Step<'s>) -> Located<'v, 's> {
        Located { value: value.filter(|value| !value.is_null()), parent: Some(self), step }
    }

    /// A field of a struct.
    pub fn member<'s>(&'s self, name: &'static str) -> Located<'v, 's> {
        self.reached(self.value.and_then(|value| value.field(name)), Step::Member(name))
    }

    /// A field inside fields of structs.
    pub fn at<'s>(&'s self, names: &'static [&'static str]) -> Located<'v, 's> {
        self.reached(self.value.and_then(|value| value.at(names)), Step::Members(names))
    }

    /// The entry of a map with keys that a client chooses: `metadata.annotations[key]`.
    pub fn key<'s>(&'s self, key: &'s str) -> Located<'v, 's> {
        self.reached(self.value.and_then(|value| value.field(key)), Step::Key(key))
    }

    /// The entry of a map, which upstream's path names as if it were a field: `metadata.annotations.key`.
    pub fn named<'s>(&'s self, key: &'s str) -> Located<'v, 's> {
        self.reached(self.value.and_then(|value| value.field(key)), Step::Named(key))
    }

    /// An item of a list.
    pub fn index<'s>(&'s self, index: usize) -> Located<'v, 's> {
        let items = self.value.and_then(Value::as_list).unwrap_or_default();
        self.reached(items.get(index), Step::Index(index))
    }

    /// All items of a list, in order; none when this is no list.
    pub fn items<'s>(&'s self) -> impl DoubleEndedIterator<Item = Located<'v, 's>> + ExactSizeIterator {
        let items = self.value.and_then(Value::as_list).unwrap_or_default();
        items.iter().enumerate().map(move |(index, item)| self.reached(Some(item), Step::Index(index)))
    }

    /// All entries of a map with keys that a client chooses, sorted by key, as Go's messages about maps are; none when
    /// this is no map.
    pub fn entries<'s>(&'s self) -> impl Iterator<Item = (&'v str, Located<'v, 's>)> {
        let entries = self.value.and_then(Value::as_map).into_iter().flat_map(Map::iter);
        entries.map(move |(key, value)| (key.as_str(), self.reached(Some(value), Step::Key(key))))
    }

    /// Whether a map has a key that begins so.
    pub fn has_key_with(&self, prefix: &str) -> bool {
        let mut entries = self.value.and_then(Value::as_map).into_iter().flat_map(Map::iter);
        entries.any(|(key, _)| key.starts_with(prefix))
    }

    /// This value under another name in the path, where upstream's path is not the name of the field.
    pub fn shown_as(&self, name: &'static str) -> Self {
        Self { step: Step::Member(name), ..*self }
    }

    /// This value under the path of another place, where upstream's path is that of something around it.
    pub fn shown_at<'s>(&self, other: &Located<'v, 's>) -> Located<'v, 's> {
        Located { value: self.value, ..*other }
    }

    /// What is at the same place of another object.
    pub fn same_place_in<'o>(&self, object: &'o Value) -> Option<&'o Value> {
        let around = match self.parent {
            Some(parent) => parent.same_place_in(object)?,
            None => object,
        };
        match self.step {
            Step::Root => Some(around),
            Step::Member(name) => around.field(name),
            Step::Members(names) => around.at(names),
            Step::Index(index) => around.as_list()?.get(index),
            Step::Key(key) | Step::Named(key) => around.field(key),
        }
    }

    /// The value; None when it is absent or null.
    pub fn value(&self) -> Option<&'v Value> {
        self.value
    }

    /// Something is here, and not null.
    pub fn is_set(&self) -> bool {
        self.value.is_some()
    }

    /// The text; empty when there is none, as in a Go string.
    pub fn text(&self) -> &'v str {
        self.value.and_then(Value::as_str).unwrap_or("")
    }

    /// The number; 0 when there is none, as in a Go integer.
    pub fn int(&self) -> i64 {
        self.int_if_set().unwrap_or(0)
    }

    /// The number behind a Go pointer.
    pub fn int_if_set(&self) -> Option<i64> {
        self.value.and_then(Value::as_int)
    }

    /// The truth; false when there is none, as in a Go bool.
    pub fn bool(&self) -> bool {
        self.bool_if_set().unwrap_or(false)
    }

    /// The truth behind a Go pointer.
    pub fn bool_if_set(&self) -> Option<bool> {
        self.value.and_then(Value::as_bool)
    }

    /// The quantity; None when there is none, or no quantity.
    pub fn quantity(&self) -> Option<Quantity> {
        Quantity::from_value(self.value?).ok()
    }

    /// The number of items of a list, of entries of a map or of bytes of a text; 0 for everything else.
    pub fn len(&self) -> usize {
        match self.value {
            Some(Value::List(items)) => items.len(),
            Some(Value::Map(map)) => map.iter().count(),
            Some(Value::Str(text)) => text.len(),
            Some(Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Json(_)) | None => 0,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl fmt::Display for Located<'_, '_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut inside = false;
        if let Some(parent) = self.parent {
            parent.fmt(out)?;
            inside = !matches!(parent.step, Step::Root);
        }
        let mut write_member = |name: &str| {
            if inside {
                out.write_str(".")?;
            }
            inside = true;
            out.write_str(name)
        };
        match self.step {
            Step::Root => Ok(()),
            Step::Member(name) | Step::Named(name) => write_member(name),
            Step::Members(names) => names.iter().try_for_each(|name| write_member(name)),
            Step::Index(index) => write!(out, "[{index}]"),
            Step::Key(key) => write!(out, "[{key}]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json;
    use alloc::string::ToString;
    use alloc::vec::Vec;

    fn parsed(text: &str) -> Value {
        json::parse(text.as_bytes()).expect("JSON").value
    }

    #[test]
    fn paths_are_written_as_upstream_writes_them() {
        let pod = parsed(r#"{"spec":{"containers":[{"ports":[{},{"hostPort":80}]}]}}"#);
        let pod = Located::root(&pod);
        assert_eq!(pod.to_string(), "");
        let containers = pod.at(&["spec", "containers"]);
        let first = containers.index(0);
        let ports = first.member("ports");
        let port = ports.index(1);
        assert_eq!(port.member("hostPort").to_string(), "spec.containers[0].ports[1].hostPort");
        assert_eq!(port.member("hostPort").int(), 80);
        let metadata = pod.member("metadata");
        let annotations = metadata.member("annotations");
        assert_eq!(annotations.key("a.b/c").to_string(), "metadata.annotations[a.b/c]");
        assert_eq!(annotations.named("a.b/c").to_string(), "metadata.annotations.a.b/c");
        assert_eq!(containers.shown_as("Containers").to_string(), "Containers");
        let spec = pod.member("spec");
        assert_eq!(spec.member("os").shown_as("OS").to_string(), "spec.OS");
        let shown = port.member("hostPort").shown_at(&containers);
        assert_eq!((shown.int(), shown.to_string().as_str()), (80, "spec.containers"));
    }

    #[test]
    fn what_is_absent_or_null_reads_as_go_zero_values() {
        let object = parsed(r#"{"null":null,"text":"t","list":[null,2],"map":{"b":true,"a":"2Gi"}}"#);
        let root = Located::root(&object);
        for name in ["null", "absent"] {
            let held = root.member(name);
            assert!(!held.is_set() && held.is_empty());
            assert_eq!((held.text(), held.int(), held.bool(), held.len()), ("", 0, false, 0));
            assert_eq!((held.int_if_set(), held.bool_if_set()), (None, None));
            assert_eq!(held.items().len() + held.entries().count(), 0);
            assert!(held.member("x").value().is_none());
        }
        assert_eq!(root.member("text").text(), "t");
        assert_eq!(root.member("list").items().map(|item| item.int()).collect::<Vec<_>>(), [0, 2]);
        let map = root.member("map");
        assert_eq!(map.entries().map(|(key, _)| key).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(map.key("a").quantity().map(|amount| amount.canonical()).as_deref(), Some("2Gi"));
        assert_eq!((map.len(), map.key("b").bool()), (2, true));
        assert!(map.key("b").quantity().is_none());
    }

    #[test]
    fn the_same_place_of_another_object_is_found() {
        let (one, other) = (parsed(r#"{"a":{"b":[{"c":1}]}}"#), parsed(r#"{"a":{"b":[{"c":2}]}}"#));
        let one = Located::root(&one);
        let (list, empty) = (one.at(&["a", "b"]), parsed("{}"));
        let item = list.index(0);
        let place = item.member("c");
        assert_eq!(place.same_place_in(&other), Some(&Value::Int(2)));
        assert_eq!(place.same_place_in(&empty), None);
        assert_eq!(one.same_place_in(&empty), Some(&empty));
    }

    /// What is read may be kept longer than the place it was read from.
    #[test]
    fn what_is_read_lives_as_long_as_the_object() {
        let object = parsed(r#"{"list":[{"name":"a"},{"name":"b"}]}"#);
        let names: Vec<&str> = {
            let root = Located::root(&object);
            let list = root.member("list");
            list.items().map(|item| item.member("name").text()).collect()
        };
        assert_eq!(names, ["a", "b"]);
    }
}
