//! Keys in the store: `/registry/<prefix>/<namespace>/<name>`, and ranges of keys.
//! k8s: staging/src/k8s.io/apiserver/pkg/registry/generic/registry/store.go NamespaceKeyFunc

use crate::value::Text;
use alloc::vec::Vec;
use bytes::Bytes;

/// The keys of one stored collection. Keys are `<root>/<prefix>/[<namespace>/]<name>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySpace {
    /// The prefix with a slash at the end: `/registry/pods/`.
    prefix: Bytes,
    namespaced: bool,
}

impl KeySpace {
    /// `root` is `--etcd-prefix` (`/registry`), `prefix` the collection's (`services/specs`).
    pub fn new(root: &str, prefix: &str, namespaced: bool) -> Self {
        let mut bytes = Vec::with_capacity(root.len() + prefix.len() + 3);
        for part in [root, prefix] {
            let part = part.trim_matches('/');
            if !part.is_empty() {
                bytes.push(b'/');
                bytes.extend_from_slice(part.as_bytes());
            }
        }
        bytes.push(b'/');
        Self { prefix: bytes.into(), namespaced }
    }

    /// What every key of the collection begins with.
    pub fn prefix(&self) -> &Bytes {
        &self.prefix
    }

    pub fn is_namespaced(&self) -> bool {
        self.namespaced
    }

    /// The key of one object. `namespace` is ignored when the collection has none.
    pub fn key(&self, namespace: &str, name: &str) -> Bytes {
        let mut bytes = Vec::with_capacity(self.prefix.len() + namespace.len() + name.len() + 1);
        bytes.extend_from_slice(&self.prefix);
        if self.namespaced {
            bytes.extend_from_slice(namespace.as_bytes());
            bytes.push(b'/');
        }
        bytes.extend_from_slice(name.as_bytes());
        bytes.into()
    }

    /// The prefix of the keys of one namespace. With an empty `namespace`, or for a collection without namespaces, it
    /// is the prefix of all keys.
    pub fn namespace_prefix(&self, namespace: &str) -> Bytes {
        if self.namespaced && !namespace.is_empty() { self.key(namespace, "") } else { self.prefix.clone() }
    }

    /// The namespace (empty when the collection has none) and the name in a key of the collection. None for keys of
    /// other collections.
    pub fn parse<'a>(&self, key: &'a [u8]) -> Option<(&'a str, &'a str)> {
        let rest = core::str::from_utf8(key.strip_prefix(&*self.prefix)?).ok()?;
        let (namespace, name) = if self.namespaced { rest.split_once('/')? } else { ("", rest) };
        (!name.is_empty() && !name.contains('/')).then_some((namespace, name))
    }

    /// Like `parse`, but it returns owned texts.
    pub fn parse_owned(&self, key: &[u8]) -> Option<(Text, Text)> {
        self.parse(key).map(|(namespace, name)| (namespace.into(), name.into()))
    }
}

/// The smallest key above all keys with this prefix. None when there is none (the prefix is empty or all 0xff bytes),
/// so that the range has no end.
/// etcd: client/v3/op.go GetPrefixRangeEnd
pub fn prefix_end(prefix: &[u8]) -> Option<Bytes> {
    let last = prefix.iter().rposition(|byte| *byte != 0xff)?;
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    Some(end.into())
}

/// The smallest key above `key`.
pub fn after(key: &[u8]) -> Bytes {
    let mut next = Vec::with_capacity(key.len() + 1);
    next.extend_from_slice(key);
    next.push(0);
    next.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_made_and_parsed_back() {
        let pods = KeySpace::new("/registry", "pods", true);
        let key = pods.key("default", "web-0");
        assert_eq!(key, "/registry/pods/default/web-0");
        assert_eq!(pods.parse(&key), Some(("default", "web-0")));
        assert_eq!(pods.namespace_prefix("default"), "/registry/pods/default/");
        assert_eq!(pods.namespace_prefix(""), "/registry/pods/");
        assert_eq!(pods.parse(b"/registry/podtemplates/a/b"), None);
        assert_eq!(pods.parse(b"/registry/pods/default/"), None);

        let services = KeySpace::new("registry/", "services/specs", true);
        assert_eq!(services.key("a", "b"), "/registry/services/specs/a/b");
        let nodes = KeySpace::new("/registry", "minions", false);
        assert_eq!(nodes.key("", "n1"), "/registry/minions/n1");
        assert_eq!(nodes.parse(b"/registry/minions/n1"), Some(("", "n1")));
        assert_eq!(KeySpace::new("/", "pods", true).prefix(), "/pods/");
    }

    #[test]
    fn prefixes_end_where_the_next_begins() {
        assert_eq!(prefix_end(b"/a/").as_deref(), Some(&b"/a0"[..]));
        assert_eq!(prefix_end(b"a\xff").as_deref(), Some(&b"b"[..]));
        assert_eq!(prefix_end(b"\xff"), None);
        assert_eq!(prefix_end(b""), None);
        assert_eq!(after(b"a"), &b"a\0"[..]);
    }
}
