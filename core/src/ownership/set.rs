//! Sets of fields as sorted trees.
//! k8s: sigs.k8s.io/structured-merge-diff fieldpath/set.go

use super::element::PathElement;
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::fmt::Write;

/// A set of fields. That a field is in it says nothing of the fields inside it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldSet {
    /// Sorted by their elements, of which none occurs twice. Each is a member or has members inside.
    nodes: Vec<FieldNode>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FieldNode {
    pub(super) element: PathElement,
    /// Whether the field itself is in the set.
    pub(super) is_member: bool,
    pub(super) inner: FieldSet,
}

impl FieldSet {
    pub const EMPTY: Self = Self { nodes: Vec::new() };

    /// An empty set with room for so many fields.
    pub(super) fn with_room(fields: usize) -> Self {
        Self { nodes: Vec::with_capacity(fields) }
    }

    /// A set of one field, none for the path of no elements.
    pub(super) fn of_path(path: &[PathElement]) -> Self {
        match path {
            [] => Self::EMPTY,
            [element, rest @ ..] => {
                let (is_member, inner) = (rest.is_empty(), Self::of_path(rest));
                Self { nodes: alloc::vec![FieldNode { element: element.clone(), is_member, inner }] }
            }
        }
    }

    /// The fields at paths of names.
    pub(super) fn of_names(paths: &[&[&str]]) -> Self {
        paths.iter().fold(Self::EMPTY, |set, path| {
            let path: Vec<PathElement> = path.iter().map(|name| PathElement::Field((*name).into())).collect();
            set.union(Self::of_path(&path))
        })
    }

    /// From nodes in any order, of which several may have the same element.
    pub(super) fn of_nodes(mut nodes: Vec<FieldNode>) -> Self {
        if nodes.is_sorted_by(|one, other| one.element < other.element) {
            return Self { nodes };
        }
        nodes.sort_by(|one, other| one.element.cmp(&other.element));
        let mut set = Self { nodes: Vec::with_capacity(nodes.len()) };
        for node in nodes {
            match set.nodes.last_mut() {
                Some(last) if last.element == node.element => {
                    last.is_member |= node.is_member;
                    last.inner = core::mem::take(&mut last.inner).union(node.inner);
                }
                Some(_) | None => set.nodes.push(node),
            }
        }
        set
    }

    /// Adds a field that comes after all that the set has; nothing if it is no member and has none inside.
    pub(super) fn push(&mut self, element: PathElement, is_member: bool, inner: Self) {
        if is_member || !inner.is_empty() {
            self.nodes.push(FieldNode { element, is_member, inner });
        }
    }

    pub(super) fn nodes(&self) -> &[FieldNode] {
        &self.nodes
    }

    pub(super) fn into_nodes(self) -> Vec<FieldNode> {
        self.nodes
    }

    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    pub(super) fn node(&self, element: &PathElement) -> Option<&FieldNode> {
        let at = self.nodes.binary_search_by(|node| node.element.cmp(element)).ok()?;
        self.nodes.get(at)
    }

    /// Whether a field is in the set.
    pub(super) fn has(&self, path: &[PathElement]) -> bool {
        match path {
            [] => false,
            [element] => self.node(element).is_some_and(|node| node.is_member),
            [element, rest @ ..] => self.node(element).is_some_and(|node| node.inner.has(rest)),
        }
    }

    /// What is in either set.
    pub fn union(self, other: Self) -> Self {
        if self.is_empty() {
            return other;
        }
        if other.is_empty() {
            return self;
        }
        let mut nodes = Vec::with_capacity(self.nodes.len().max(other.nodes.len()));
        let (mut ones, mut others) = (self.nodes.into_iter(), other.nodes.into_iter());
        let (mut one, mut other) = (ones.next(), others.next());
        loop {
            match (one.take(), other.take()) {
                (None, None) => return Self { nodes },
                (Some(node), None) | (None, Some(node)) => nodes.push(node),
                (Some(mut left), Some(right)) => match left.element.cmp(&right.element) {
                    Ordering::Less => {
                        nodes.push(left);
                        other = Some(right);
                    }
                    Ordering::Greater => {
                        nodes.push(right);
                        one = Some(left);
                    }
                    Ordering::Equal => {
                        left.is_member |= right.is_member;
                        left.inner = left.inner.union(right.inner);
                        nodes.push(left);
                    }
                },
            }
            one = one.or_else(|| ones.next());
            other = other.or_else(|| others.next());
        }
    }

    /// What is in both sets.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let mut set = Self::EMPTY;
        let (small, large) = if self.nodes.len() < other.nodes.len() { (self, other) } else { (other, self) };
        for node in &small.nodes {
            if let Some(held) = large.node(&node.element) {
                let inner = node.inner.intersection(&held.inner);
                set.push(node.element.clone(), node.is_member && held.is_member, inner);
            }
        }
        set
    }

    /// Whether some field is in both sets.
    pub(super) fn meets(&self, other: &Self) -> bool {
        let (small, large) = if self.nodes.len() < other.nodes.len() { (self, other) } else { (other, self) };
        small.nodes.iter().any(|node| {
            large
                .node(&node.element)
                .is_some_and(|held| (node.is_member && held.is_member) || node.inner.meets(&held.inner))
        })
    }

    /// What is in this set and not in the other.
    #[must_use]
    pub fn difference(mut self, other: &Self) -> Self {
        for node in &mut self.nodes {
            if let Some(gone) = other.node(&node.element) {
                node.is_member &= !gone.is_member;
                node.inner = core::mem::take(&mut node.inner).difference(&gone.inner);
            }
        }
        self.nodes.retain(|node| node.is_member || !node.inner.is_empty());
        self
    }

    /// What is in this set without the fields at paths of names.
    #[must_use]
    pub(super) fn without_names(mut self, paths: &[&[&str]]) -> Self {
        paths.iter().for_each(|path| self.remove_name(path));
        self
    }

    fn remove_name(&mut self, path: &[&str]) {
        let [name, rest @ ..] = path else { return };
        let is_named = |node: &FieldNode| matches!(&node.element, PathElement::Field(held) if held == name);
        let Some(at) = self.nodes.iter().position(is_named) else { return };
        let Some(node) = self.nodes.get_mut(at) else { return };
        match rest {
            [] => node.is_member = false,
            [_, ..] => node.inner.remove_name(rest),
        }
        if !node.is_member && node.inner.is_empty() {
            self.nodes.remove(at);
        }
    }

    /// What is in this set, without the fields of the other and all that is inside those.
    #[must_use]
    pub fn recursive_difference(mut self, other: &Self) -> Self {
        self.nodes.retain_mut(|node| {
            let Some(gone) = other.node(&node.element) else { return true };
            node.inner = core::mem::take(&mut node.inner).recursive_difference(&gone.inner);
            !gone.is_member && (node.is_member || !node.inner.is_empty())
        });
        self
    }

    /// Calls a function with the path of each field: those of one depth first, then what is inside them.
    pub(super) fn each<'a>(
        &'a self,
        path: &mut Vec<&'a PathElement>,
        call: &mut impl FnMut(&[&PathElement]),
    ) {
        for node in self.nodes.iter().filter(|node| node.is_member) {
            path.push(&node.element);
            call(path);
            path.pop();
        }
        for node in &self.nodes {
            path.push(&node.element);
            node.inner.each(path, call);
            path.pop();
        }
    }

    /// The paths of the fields as texts, at most so many.
    pub(super) fn paths(&self, count_max: usize) -> Vec<String> {
        let mut paths = Vec::new();
        self.each(&mut Vec::new(), &mut |path| {
            if paths.len() < count_max {
                paths.push(path.iter().fold(String::new(), |mut text, element| {
                    write!(text, "{element}").expect("writing to a string");
                    text
                }));
            }
        });
        paths
    }

    /// How many fields are in the set.
    pub fn len(&self) -> usize {
        self.nodes.iter().map(|node| usize::from(node.is_member) + node.inner.len()).sum()
    }
}
