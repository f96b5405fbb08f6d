//! A persistent ordered map: clones share all nodes, and a write copies only the path to the changed leaf.
//!
//! A B+-tree over byte keys. Every branch knows how many entries lie below it, so the rank of a key (its place among
//! all keys) is found on the way down. Ranges, prefixes and the number of items after a page are differences of
//! ranks. Nodes that no other clone holds are changed in place.

use crate::store::key::prefix_end;
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;
use core::ops::Range;

/// The most entries of a leaf and children of a branch. A larger node is split; one with less than a quarter of it is
/// joined with a neighbour.
const NODE_ENTRIES: usize = 32;
const NODE_ENTRIES_MIN: usize = NODE_ENTRIES / 4;

/// An ordered map from byte keys to `V`. `clone` is O(1), everything else O(log n).
#[derive(Clone, Debug)]
pub struct Tree<V> {
    root: Arc<Node<V>>,
}

#[derive(Clone, Debug)]
enum Node<V> {
    Leaf(Vec<(Bytes, V)>),
    Branch(Branch<V>),
}

/// `bounds[i]` is at most every key below `children[i + 1]` and more than every key below `children[i]`.
#[derive(Clone, Debug)]
struct Branch<V> {
    count: usize,
    bounds: Vec<Bytes>,
    children: Vec<Arc<Node<V>>>,
}

impl<V> Default for Tree<V> {
    fn default() -> Self {
        Self { root: Arc::new(Node::Leaf(Vec::new())) }
    }
}

/// Trees are equal when their entries are, however they are divided into nodes.
impl<V: Clone + PartialEq> PartialEq for Tree<V> {
    fn eq(&self, other: &Self) -> bool {
        self.same(other) || (self.len() == other.len() && self.iter().eq(other.iter()))
    }
}

impl<V: Clone + Eq> Eq for Tree<V> {}

impl<V: Clone> Tree<V> {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn len(&self) -> usize {
        self.root.count()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn get(&self, key: &[u8]) -> Option<&V> {
        let mut node = &*self.root;
        loop {
            match node {
                Node::Leaf(entries) => return find(entries, key).ok().map(|index| &entries[index].1),
                Node::Branch(branch) => node = &branch.children[branch.child_of(key)],
            }
        }
    }

    /// The value of a key, to be changed in place. The nodes above it are copied if another clone holds them; nothing
    /// is copied when the key is absent.
    pub fn get_mut(&mut self, key: &[u8]) -> Option<&mut V> {
        self.get(key)?;
        let mut node = Arc::make_mut(&mut self.root);
        loop {
            match node {
                Node::Leaf(entries) => {
                    return find(entries, key).ok().map(|index| &mut entries[index].1);
                }
                Node::Branch(branch) => {
                    let index = branch.child_of(key);
                    node = Arc::make_mut(&mut branch.children[index]);
                }
            }
        }
    }

    pub fn contains_key(&self, key: &[u8]) -> bool {
        self.get(key).is_some()
    }

    /// The number of keys less than `key`, whether or not `key` itself is in the map.
    pub fn rank(&self, key: &[u8]) -> usize {
        let mut node = &*self.root;
        let mut before = 0;
        loop {
            match node {
                Node::Leaf(entries) => return before + find(entries, key).unwrap_or_else(|place| place),
                Node::Branch(branch) => {
                    let index = branch.child_of(key);
                    before += branch.children[..index].iter().map(|child| child.count()).sum::<usize>();
                    node = &branch.children[index];
                }
            }
        }
    }

    /// The entry at a rank; None beyond the last.
    pub fn nth(&self, rank: usize) -> Option<(&Bytes, &V)> {
        let (leaf, place) = self.leaf_at(rank)?;
        leaf.entries().get(place).map(|(key, value)| (key, value))
    }

    /// Sets the value of a key and returns the previous one.
    pub fn insert(&mut self, key: Bytes, value: V) -> Option<V> {
        let (replaced, split) = Arc::make_mut(&mut self.root).insert(key, value);
        if let Some((bound, right)) = split {
            let left = core::mem::take(self).root;
            let children = alloc::vec![left, right];
            self.root = Arc::new(Node::Branch(Branch::of(alloc::vec![bound], children)));
        }
        replaced
    }

    /// Removes a key and returns its value. Nothing is copied when the key is absent.
    pub fn remove(&mut self, key: &[u8]) -> Option<V> {
        self.get(key)?;
        let removed = Arc::make_mut(&mut self.root).remove(key);
        while let Node::Branch(branch) = &*self.root
            && let [only] = branch.children.as_slice()
        {
            self.root = Arc::clone(only);
        }
        removed
    }

    /// All entries in key order.
    pub fn iter(&self) -> Iter<'_, V> {
        self.at_ranks(0..self.len())
    }

    /// Entries from a key on, that key included, in key order.
    pub fn range(&self, from: &[u8]) -> Iter<'_, V> {
        self.at_ranks(self.rank(from)..self.len())
    }

    /// Entries whose keys begin with `prefix`, in key order.
    pub fn prefix(&self, prefix: &[u8]) -> Iter<'_, V> {
        self.at_ranks(self.prefix_ranks(prefix))
    }

    /// The number of keys that begin with `prefix`.
    pub fn count_prefix(&self, prefix: &[u8]) -> usize {
        self.prefix_ranks(prefix).len()
    }

    /// The ranks of the keys that begin with `prefix`.
    pub fn prefix_ranks(&self, prefix: &[u8]) -> Range<usize> {
        let end = prefix_end(prefix).map_or(self.len(), |end| self.rank(&end));
        self.rank(prefix)..end
    }

    /// Entries at a range of ranks; ranks beyond the last are left out.
    pub fn at_ranks(&self, ranks: Range<usize>) -> Iter<'_, V> {
        Iter { tree: self, leaf: &[], ranks: self.clamp(ranks) }
    }

    /// Like `at_ranks`, but it owns a clone of the tree, for an iteration that is continued later.
    pub fn cursor(&self, ranks: Range<usize>) -> Cursor<V> {
        Cursor { tree: self.clone(), leaf: None, ranks: self.clamp(ranks) }
    }

    /// Whether both are the same tree, that is, neither was written since one was cloned from the other.
    pub fn same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.root, &other.root)
    }

    fn clamp(&self, ranks: Range<usize>) -> Range<usize> {
        let end = ranks.end.min(self.len());
        ranks.start.min(end)..end
    }

    /// The leaf that holds a rank, and the position in that leaf.
    fn leaf_at(&self, rank: usize) -> Option<(&Arc<Node<V>>, usize)> {
        let mut node = &self.root;
        let mut rank = rank;
        loop {
            match &**node {
                Node::Leaf(entries) => return (rank < entries.len()).then_some((node, rank)),
                Node::Branch(branch) => {
                    let mut children = branch.children.iter();
                    node = loop {
                        let child = children.next()?;
                        match rank.checked_sub(child.count()) {
                            Some(beyond) => rank = beyond,
                            None => break child,
                        }
                    };
                }
            }
        }
    }
}

impl<V: Clone> FromIterator<(Bytes, V)> for Tree<V> {
    fn from_iter<I: IntoIterator<Item = (Bytes, V)>>(entries: I) -> Self {
        let mut tree = Self::new();
        for (key, value) in entries {
            tree.insert(key, value);
        }
        tree
    }
}

/// Entries in key order, borrowed from a tree.
#[derive(Clone, Debug)]
pub struct Iter<'a, V> {
    tree: &'a Tree<V>,
    /// The entries of the current leaf that are still to come.
    leaf: &'a [(Bytes, V)],
    ranks: Range<usize>,
}

impl<'a, V: Clone> Iterator for Iter<'a, V> {
    type Item = (&'a Bytes, &'a V);

    fn next(&mut self) -> Option<Self::Item> {
        let rank = self.ranks.next()?;
        if self.leaf.is_empty() {
            let (leaf, place) = self.tree.leaf_at(rank)?;
            self.leaf = leaf.entries().get(place..)?;
        }
        let ((key, value), rest) = self.leaf.split_first()?;
        self.leaf = rest;
        Some((key, value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.ranks.size_hint()
    }
}

impl<V: Clone> ExactSizeIterator for Iter<'_, V> {}

/// Entries in key order. It owns a clone of the tree, so later writes do not change what it yields.
#[derive(Clone, Debug)]
pub struct Cursor<V> {
    tree: Tree<V>,
    leaf: Option<(Arc<Node<V>>, usize)>,
    ranks: Range<usize>,
}

impl<V: Clone> Cursor<V> {
    /// The tree that is iterated over.
    pub fn tree(&self) -> &Tree<V> {
        &self.tree
    }

    /// The ranks that are still to come.
    pub fn ranks(&self) -> Range<usize> {
        self.ranks.clone()
    }
}

impl<V: Clone> Iterator for Cursor<V> {
    type Item = (Bytes, V);

    fn next(&mut self) -> Option<Self::Item> {
        let rank = self.ranks.next()?;
        let at_end = self.leaf.as_ref().is_none_or(|(leaf, place)| *place >= leaf.entries().len());
        if at_end {
            let (leaf, place) = self.tree.leaf_at(rank)?;
            self.leaf = Some((Arc::clone(leaf), place));
        }
        let (leaf, place) = self.leaf.as_mut()?;
        let entry = leaf.entries().get(*place)?.clone();
        *place += 1;
        Some(entry)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.ranks.size_hint()
    }
}

impl<V: Clone> ExactSizeIterator for Cursor<V> {}

fn find<V>(entries: &[(Bytes, V)], key: &[u8]) -> Result<usize, usize> {
    entries.binary_search_by(|(held, _)| (**held).cmp(key))
}

/// The upper half of a node that grew too large, and the key bound between the halves.
type Split<V> = Option<(Bytes, Arc<Node<V>>)>;

impl<V> Node<V> {
    /// How many entries are in this leaf or below this branch.
    fn count(&self) -> usize {
        match self {
            Self::Leaf(entries) => entries.len(),
            Self::Branch(branch) => branch.count,
        }
    }

    /// The entries of this node itself; a branch has none.
    fn entries(&self) -> &[(Bytes, V)] {
        match self {
            Self::Leaf(entries) => entries,
            Self::Branch(_) => &[],
        }
    }

    fn width(&self) -> usize {
        match self {
            Self::Leaf(entries) => entries.len(),
            Self::Branch(branch) => branch.children.len(),
        }
    }
}

impl<V: Clone> Node<V> {
    fn insert(&mut self, key: Bytes, value: V) -> (Option<V>, Split<V>) {
        match self {
            Self::Leaf(entries) => match find(entries, &key) {
                Ok(index) => (Some(core::mem::replace(&mut entries[index].1, value)), None),
                Err(index) => {
                    entries.insert(index, (key, value));
                    (None, self.split())
                }
            },
            Self::Branch(branch) => {
                let index = branch.child_of(&key);
                let (replaced, split) = Arc::make_mut(&mut branch.children[index]).insert(key, value);
                branch.count += usize::from(replaced.is_none());
                if let Some((bound, right)) = split {
                    branch.bounds.insert(index, bound);
                    branch.children.insert(index + 1, right);
                }
                (replaced, self.split())
            }
        }
    }

    /// Splits off the upper half when there are too many entries.
    fn split(&mut self) -> Split<V> {
        if self.width() <= NODE_ENTRIES {
            return None;
        }
        match self {
            Self::Leaf(entries) => {
                let upper = entries.split_off(entries.len() / 2);
                Some((upper[0].0.clone(), Arc::new(Self::Leaf(upper))))
            }
            Self::Branch(branch) => {
                let middle = branch.children.len() / 2;
                let children = branch.children.split_off(middle);
                let bounds = branch.bounds.split_off(middle);
                let bound = branch.bounds.pop().expect("a branch has a bound between any two children");
                let upper = Branch::of(bounds, children);
                branch.count -= upper.count;
                Some((bound, Arc::new(Self::Branch(upper))))
            }
        }
    }

    fn remove(&mut self, key: &[u8]) -> Option<V> {
        match self {
            Self::Leaf(entries) => find(entries, key).ok().map(|index| entries.remove(index).1),
            Self::Branch(branch) => {
                let index = branch.child_of(key);
                let removed = Arc::make_mut(&mut branch.children[index]).remove(key)?;
                branch.count -= 1;
                if branch.children[index].width() < NODE_ENTRIES_MIN {
                    branch.join(index);
                }
                Some(removed)
            }
        }
    }

    /// Appends the right neighbour's content; `bound` is the key bound between the two.
    fn absorb(&mut self, bound: Bytes, right: Self) {
        match (self, right) {
            (Self::Leaf(entries), Self::Leaf(more)) => entries.extend(more),
            (Self::Branch(branch), Self::Branch(more)) => {
                branch.count += more.count;
                branch.bounds.push(bound);
                branch.bounds.extend(more.bounds);
                branch.children.extend(more.children);
            }
            (Self::Leaf(_), Self::Branch(_)) | (Self::Branch(_), Self::Leaf(_)) => {
                unreachable!("all leaves lie at one depth")
            }
        }
    }
}

impl<V> Branch<V> {
    fn of(bounds: Vec<Bytes>, children: Vec<Arc<Node<V>>>) -> Self {
        Self { count: children.iter().map(|child| child.count()).sum(), bounds, children }
    }

    /// The index of the only child that may hold a key.
    fn child_of(&self, key: &[u8]) -> usize {
        self.bounds.partition_point(|bound| **bound <= *key)
    }
}

impl<V: Clone> Branch<V> {
    /// Joins the child at `index` with a neighbour, and splits them evenly when together they are too many for one
    /// node.
    fn join(&mut self, index: usize) {
        let left = if index + 1 < self.children.len() { index } else { index.saturating_sub(1) };
        if left + 1 >= self.children.len() {
            return;
        }
        let right = self.children.remove(left + 1);
        let bound = self.bounds.remove(left);
        let joined = Arc::make_mut(&mut self.children[left]);
        joined.absorb(bound, Arc::unwrap_or_clone(right));
        if let Some((bound, right)) = joined.split() {
            self.bounds.insert(left, bound);
            self.children.insert(left + 1, right);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;
    use proptest::prelude::*;

    #[derive(Clone, Debug)]
    enum Write {
        Insert(u16, u32),
        Remove(u16),
        /// Keeps a clone, which must be unchanged at the end.
        Keep,
    }

    fn key(number: u16) -> Bytes {
        Bytes::copy_from_slice(&number.to_be_bytes())
    }

    fn write() -> impl Strategy<Value = Write> {
        prop_oneof![
            6 => (0..2000_u16, any::<u32>()).prop_map(|(number, value)| Write::Insert(number, value)),
            5 => (0..2000_u16).prop_map(Write::Remove),
            1 => Just(Write::Keep),
        ]
    }

    fn agree(tree: &Tree<u32>, model: &BTreeMap<Bytes, u32>) {
        check_shape(&tree.root, true);
        assert_eq!(tree.len(), model.len());
        assert!(tree.iter().eq(model.iter()));
        assert!(tree.cursor(0..usize::MAX).eq(model.iter().map(|(key, value)| (key.clone(), *value))));
        for probe in (0..2000).step_by(97).map(key) {
            assert_eq!(tree.get(&probe), model.get(&probe));
            assert_eq!(tree.rank(&probe), model.range(..probe.clone()).count());
            assert!(tree.range(&probe).eq(model.range(probe.clone()..)));
            let prefix = &probe[..1];
            let expected = model.iter().filter(|(key, _)| key.starts_with(prefix));
            assert!(tree.prefix(prefix).eq(expected));
            assert_eq!(tree.prefix(prefix).len(), tree.count_prefix(prefix));
        }
        assert_eq!(tree.nth(tree.len()), None);
        assert_eq!(tree.nth(0), model.iter().next());
    }

    /// Checks widths, counts and equal depth; returns the depth.
    fn check_shape(node: &Node<u32>, root: bool) -> usize {
        assert!(node.width() <= NODE_ENTRIES);
        assert!(root || node.width() >= NODE_ENTRIES_MIN);
        match node {
            Node::Leaf(_) => 0,
            Node::Branch(branch) => {
                assert_eq!(branch.bounds.len() + 1, branch.children.len());
                assert_eq!(branch.count, branch.children.iter().map(|child| child.count()).sum::<usize>());
                let depths: Vec<usize> =
                    branch.children.iter().map(|child| check_shape(child, false)).collect();
                assert!(depths.windows(2).all(|pair| pair[0] == pair[1]));
                depths[0] + 1
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn behaves_as_a_map_and_old_clones_do_not_change(writes in prop::collection::vec(write(), 0..3000)) {
            let mut tree = Tree::new();
            let mut model = BTreeMap::new();
            let mut kept = Vec::new();
            for write in writes {
                match write {
                    Write::Insert(number, value) => {
                        assert_eq!(tree.insert(key(number), value), model.insert(key(number), value));
                    }
                    Write::Remove(number) => assert_eq!(tree.remove(&key(number)), model.remove(&key(number))),
                    Write::Keep if kept.len() < 5 => kept.push((tree.clone(), model.clone())),
                    Write::Keep => {}
                }
            }
            kept.push((tree, model));
            for (tree, model) in &kept {
                agree(tree, model);
            }
        }
    }

    #[test]
    fn grows_and_empties_in_order() {
        let numbers = 0..20_000_u16;
        let mut tree: Tree<u32> = numbers.clone().map(|number| (key(number), u32::from(number))).collect();
        check_shape(&tree.root, true);
        assert_eq!(tree.rank(&key(12_345)), 12_345);
        for number in numbers {
            assert_eq!(tree.remove(&key(number)), Some(u32::from(number)));
        }
        check_shape(&tree.root, true);
        assert!(tree.is_empty());
    }
}
