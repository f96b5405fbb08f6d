//! A pod, or the template of one, as controls look at it, and how they name what they find.

use crate::value::{Map, Value, object};
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// A pod or a template. Both have the same members.
#[derive(Clone, Copy, Debug)]
pub(super) struct PodView<'a>(pub(super) &'a Value);

impl<'a> PodView<'a> {
    pub(super) fn annotations(self) -> Option<&'a Map> {
        object::annotations(self.0)
    }

    /// What the pod says itself, if it is not null.
    pub(super) fn spec(self, path: &[&str]) -> Option<&'a Value> {
        self.0.field("spec").and_then(|spec| set(spec, path))
    }

    /// The containers of all kinds.
    /// k8s: staging/src/k8s.io/pod-security-admission/policy/visitor.go
    pub(super) fn containers(self) -> impl Iterator<Item = &'a Value> {
        let lists = ["initContainers", "containers", "ephemeralContainers"];
        lists.into_iter().flat_map(move |list| items(self.spec(&[list])))
    }

    /// The names of the containers of which something is true.
    pub(super) fn names_of(self, is: impl Fn(&Value) -> bool) -> Vec<&'a str> {
        self.containers().filter(|container| is(container)).map(name).collect()
    }

    /// Whether the pod runs on Windows, where some settings do not exist.
    pub(super) fn is_windows(self) -> bool {
        self.spec(&["os", "name"]).and_then(Value::as_str) == Some("windows")
    }

    /// Whether the users of the pod are others than those of its host, so that what they may do matters less.
    /// k8s: staging/src/k8s.io/pod-security-admission/policy/helpers.go relaxPolicyForUserNamespacePod
    pub(super) fn has_own_users(self) -> bool {
        self.spec(&["hostUsers"]).and_then(Value::as_bool) == Some(false)
    }
}

/// A member, if it is not null.
pub(super) fn set<'a>(of: &'a Value, path: &[&str]) -> Option<&'a Value> {
    of.at(path).filter(|held| !held.is_null())
}

pub(super) fn items(list: Option<&Value>) -> &[Value] {
    list.and_then(Value::as_list).unwrap_or_default()
}

pub(super) fn name(of: &Value) -> &str {
    of.text_at(&["name"])
}

/// The word for one or for several.
pub(super) fn word<'a>(one: &'a str, several: &'a str, count: usize) -> &'a str {
    if count == 1 { one } else { several }
}

/// Names in quotation marks.
pub(super) fn quoted_list<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> String {
    let quoted: Vec<String> = names.into_iter().map(|name| format!("\"{}\"", name.as_ref())).collect();
    quoted.join(", ")
}

/// `container "a"`, or `containers "a", "b"`.
pub(super) fn containers(names: &[&str]) -> String {
    format!("{} {}", word("container", "containers", names.len()), quoted_list(names))
}

/// Who set something: the pod, containers, or both; None if nobody.
pub(super) fn setters(of_pod: bool, names: &[&str]) -> Vec<String> {
    let mut setters = Vec::new();
    if of_pod {
        setters.push("pod".into());
    }
    if !names.is_empty() {
        setters.push(containers(names));
    }
    setters
}

/// A set of texts that messages name in order.
pub(super) type NamedSet<'a> = BTreeSet<&'a str>;
