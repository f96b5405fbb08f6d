//! Anchors, and a limit to what aliases may expand to: a short text must not become a large value.
//! Go: go.yaml.in/yaml/v2 decode.go allowedAliasRatio

use super::YamlError;
use super::scalar::KeyKind;
use crate::limits;
use crate::value::{Text, Value};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// A member of a map, as it was set.
#[derive(Clone, Debug)]
pub(super) struct Set {
    pub(super) text: Text,
    pub(super) kind: KeyKind,
    pub(super) value: Value,
    pub(super) line: u32,
    pub(super) number: u32,
}

/// A finished node with a name.
#[derive(Clone, Debug)]
pub(super) struct Anchored {
    pub(super) value: Value,
    /// Of a map: its members, to be merged.
    pub(super) members: Option<Arc<Vec<Set>>>,
    size: Subtree,
}

/// Nodes and bytes that were counted before a node, or in it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Subtree {
    nodes: usize,
    bytes: usize,
}

#[derive(Default)]
pub(super) struct Anchors {
    /// None while the node is not at its end, or is not built.
    named: BTreeMap<Text, Option<Anchored>>,
    total: Subtree,
    expanded: Subtree,
}

impl Anchors {
    pub(super) fn is_known(&self, name: &Text) -> bool {
        self.named.contains_key(name)
    }

    /// A node begins that has a name.
    pub(super) fn name(&mut self, name: Text) {
        self.named.insert(name, None);
    }

    /// Counts a node with so many bytes of text; returns what was there before it.
    pub(super) fn count(&mut self, text_bytes: usize) -> Subtree {
        let before = self.total;
        self.total.nodes += 1;
        self.total.bytes += text_bytes + limits::YAML_NODE_BYTES;
        before
    }

    pub(super) fn finish(
        &mut self,
        name: Text,
        start: &Subtree,
        value: Value,
        members: Option<Arc<Vec<Set>>>,
    ) {
        let nodes = self.total.nodes.saturating_sub(start.nodes);
        let bytes = self.total.bytes.saturating_sub(start.bytes);
        self.named.insert(name, Some(Anchored { value, members, size: Subtree { nodes, bytes } }));
    }

    /// The node that a known name means, once more.
    pub(super) fn expand(&mut self, name: &Text) -> Result<&Anchored, YamlError> {
        let Some(anchored) = self.named.get(name).and_then(Option::as_ref) else {
            return Err(YamlError(format!("yaml: anchor '{name}' value contains itself")));
        };
        let Subtree { nodes, bytes } = anchored.size;
        let add = |count: &mut usize, more: usize| *count = count.saturating_add(more);
        add(&mut self.total.nodes, nodes + 1);
        add(&mut self.total.bytes, bytes);
        add(&mut self.expanded.nodes, nodes);
        add(&mut self.expanded.bytes, bytes);
        let many = self.expanded.nodes > 100 && self.total.nodes > 1000;
        let part = self.expanded.nodes as f64 / self.total.nodes as f64;
        if many && part > allowed_part(self.total.nodes) || self.expanded.bytes > limits::YAML_EXPANDED_BYTES
        {
            return Err(YamlError("yaml: document contains excessive aliasing".into()));
        }
        Ok(anchored)
    }
}

/// The fraction of this many nodes that may come from aliases: most of a few nodes, little of very many.
fn allowed_part(nodes: usize) -> f64 {
    const FEW: f64 = 400_000.0;
    const MANY: f64 = 4_000_000.0;
    0.99 - 0.89 * ((nodes as f64 - FEW) / (MANY - FEW)).clamp(0.0, 1.0)
}
