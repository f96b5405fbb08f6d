//! A string-keyed map as a sorted vector: small, ordered, cheap to walk. A large one that is changed is kept in
//! pieces, so that many changes of a large map take no more than their number.

use super::{Text, Value};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// Maps of at most so many members are walked in search of one.
const WALKED_MAX: usize = 16;

/// Members that one piece has at most. A larger map comes into pieces when a member is added or removed.
const PIECE_MAX: usize = 256;

type Entry = (Text, Value);

/// Entries sorted by key, keys unique.
#[derive(Clone, Debug, Default)]
pub struct Map {
    content: Content,
}

#[derive(Clone, Debug)]
enum Content {
    Whole(Vec<Entry>),
    Pieces(Box<Pieces>),
}

/// No piece is empty.
#[derive(Clone, Debug)]
struct Pieces {
    pieces: Vec<Vec<Entry>>,
    len: usize,
}

impl Default for Content {
    fn default() -> Self {
        Self::Whole(Vec::new())
    }
}

impl PartialEq for Map {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl Eq for Map {}

impl Pieces {
    fn of(entries: Vec<Entry>) -> Self {
        let len = entries.len();
        let mut entries = entries.into_iter();
        let mut pieces = Vec::with_capacity(len / (PIECE_MAX / 2) + 1);
        while entries.len() > 0 {
            let mut piece = Vec::with_capacity(PIECE_MAX);
            piece.extend(entries.by_ref().take(PIECE_MAX / 2));
            pieces.push(piece);
        }
        Self { pieces, len }
    }

    /// The piece that a key belongs into, and the key's place there.
    fn find(&self, key: &str) -> (usize, Result<usize, usize>) {
        let after =
            self.pieces.partition_point(|piece| piece.first().is_some_and(|(held, _)| held.as_str() <= key));
        let piece = after.saturating_sub(1);
        let found = self.pieces.get(piece).map_or(Err(0), |piece| search(piece, key));
        (piece, found)
    }

    fn add(&mut self, piece: usize, place: usize, entry: Entry) {
        if self.pieces.is_empty() {
            self.pieces.push(Vec::new());
        }
        self.len += 1;
        let entries = &mut self.pieces[piece];
        entries.insert(place, entry);
        if entries.len() > PIECE_MAX {
            let second = entries.split_off(PIECE_MAX / 2);
            self.pieces.insert(piece + 1, second);
        }
    }

    fn remove(&mut self, piece: usize, place: usize) -> Value {
        self.len -= 1;
        let (_, value) = self.pieces[piece].remove(place);
        if self.pieces[piece].is_empty() {
            self.pieces.remove(piece);
        }
        value
    }
}

fn search(entries: &[Entry], key: &str) -> Result<usize, usize> {
    entries.binary_search_by(|(held, _)| held.as_str().cmp(key))
}

impl Map {
    pub const fn new() -> Self {
        Self { content: Content::Whole(Vec::new()) }
    }

    /// From entries in any order; of entries with one key the last wins, as in Go's decoder.
    pub fn from_entries(mut entries: Vec<Entry>) -> Self {
        if !entries.is_sorted_by(|a, b| a.0 < b.0) {
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            entries.dedup_by(|later, kept| {
                let same = later.0 == kept.0;
                if same {
                    core::mem::swap(later, kept);
                }
                same
            });
        }
        Self { content: Content::Whole(entries) }
    }

    /// Brings a large map into pieces before a member comes or goes.
    fn loosen(&mut self) {
        if let Content::Whole(entries) = &mut self.content
            && entries.len() > PIECE_MAX
        {
            self.content = Content::Pieces(Box::new(Pieces::of(core::mem::take(entries))));
        }
    }

    /// Most maps are small, and most keys differ in length already.
    pub fn get(&self, key: &str) -> Option<&Value> {
        match &self.content {
            Content::Whole(entries) => position(entries, key).map(|index| &entries[index].1),
            Content::Pieces(held) => {
                let (piece, place) = held.find(key);
                place.ok().map(|place| &held.pieces[piece][place].1)
            }
        }
    }

    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        match &mut self.content {
            Content::Whole(entries) => position(entries, key).map(|index| &mut entries[index].1),
            Content::Pieces(held) => {
                let (piece, place) = held.find(key);
                place.ok().map(|place| &mut held.pieces[piece][place].1)
            }
        }
    }

    pub fn contains_key(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// Sets a member and returns the one it replaced.
    pub fn insert(&mut self, key: impl Into<Text>, value: Value) -> Option<Value> {
        let key = key.into();
        if let Some(held) = self.get_mut(&key) {
            return Some(core::mem::replace(held, value));
        }
        self.add(key, value);
        None
    }

    /// The member for writing, `Null` first when it was absent.
    pub fn entry(&mut self, key: &str) -> &mut Value {
        if !self.contains_key(key) {
            self.add(Text::from(key), Value::Null);
        }
        self.get_mut(key).expect("added where it was absent")
    }

    /// Adds a member that is not there.
    fn add(&mut self, key: Text, value: Value) {
        self.loosen();
        match &mut self.content {
            Content::Whole(entries) => {
                let place = search(entries, &key).unwrap_or_else(|place| place);
                entries.insert(place, (key, value));
            }
            Content::Pieces(held) => {
                let (piece, place) = held.find(&key);
                held.add(piece, place.unwrap_or_else(|place| place), (key, value));
            }
        }
    }

    pub fn remove(&mut self, key: &str) -> Option<Value> {
        self.get(key)?;
        self.loosen();
        match &mut self.content {
            Content::Whole(entries) => {
                let index = search(entries, key).ok()?;
                Some(entries.remove(index).1)
            }
            Content::Pieces(held) => {
                let (piece, place) = held.find(key);
                Some(held.remove(piece, place.ok()?))
            }
        }
    }

    /// Keeps the members for which `keep` says true.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &mut Value) -> bool) {
        match &mut self.content {
            Content::Whole(entries) => entries.retain_mut(|(key, value)| keep(key, value)),
            Content::Pieces(held) => {
                held.pieces.iter_mut().for_each(|piece| piece.retain_mut(|(key, value)| keep(key, value)));
                held.pieces.retain(|piece| !piece.is_empty());
                held.len = held.pieces.iter().map(Vec::len).sum();
            }
        }
    }

    pub fn len(&self) -> usize {
        match &self.content {
            Content::Whole(entries) => entries.len(),
            Content::Pieces(held) => held.len,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Members in key order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Text, &Value)> {
        let (first, rest): (&[Entry], &[Vec<Entry>]) = match &self.content {
            Content::Whole(entries) => (entries, &[]),
            Content::Pieces(held) => (&[], &held.pieces),
        };
        Counted { inner: first.iter().chain(rest.iter().flatten()), left: self.len() }
            .map(|(key, value)| (key, value))
    }

    /// Members in key order, values for writing.
    pub fn iter_mut(&mut self) -> impl ExactSizeIterator<Item = (&Text, &mut Value)> {
        let left = self.len();
        let (first, rest): (&mut [Entry], &mut [Vec<Entry>]) = match &mut self.content {
            Content::Whole(entries) => (entries, &mut []),
            Content::Pieces(held) => (&mut [], &mut held.pieces),
        };
        Counted { inner: first.iter_mut().chain(rest.iter_mut().flatten()), left }
            .map(|(key, value)| (&*key, value))
    }

    pub fn into_entries(self) -> Vec<Entry> {
        match self.content {
            Content::Whole(entries) => entries,
            Content::Pieces(held) => held.pieces.into_iter().flatten().collect(),
        }
    }
}

/// The place of a member.
fn position(entries: &[Entry], key: &str) -> Option<usize> {
    if entries.len() > WALKED_MAX {
        return search(entries, key).ok();
    }
    let wanted = key.as_bytes();
    entries.iter().position(|(held, _)| held.len() == wanted.len() && is_same(held.as_bytes(), wanted))
}

/// Whether two names of one length are the same. Most that are not differ in their first or last bytes.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    let ends = |text: &[u8]| Some((*text.first_chunk::<8>()?, *text.last_chunk::<8>()?));
    match (ends(one), ends(other)) {
        (Some(one_ends), Some(other_ends)) => one_ends == other_ends && (one.len() <= 16 || one == other),
        _ => one == other,
    }
}

/// An iterator that knows how much is left.
struct Counted<I> {
    inner: I,
    left: usize,
}

impl<I: Iterator> Iterator for Counted<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        self.left = self.left.saturating_sub(1);
        self.inner.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<I: Iterator> ExactSizeIterator for Counted<I> {}

impl FromIterator<Entry> for Map {
    fn from_iter<I: IntoIterator<Item = Entry>>(entries: I) -> Self {
        Self::from_entries(entries.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_equal_keys_the_last_wins() {
        let entry = |key: &str, number: i64| (Text::from(key), Value::Int(number));
        let map = Map::from_entries(alloc::vec![entry("b", 1), entry("a", 2), entry("b", 3)]);
        assert_eq!(map.len(), 2);
        assert_eq!(map.get("b"), Some(&Value::Int(3)));
    }

    /// Large maps come into pieces; nothing else of them may show it.
    #[test]
    fn a_large_map_behaves_as_a_small_one() {
        let mut rng = crate::rng::Rng::new(1);
        let mut map: Map =
            (0..600).map(|number| (Text::from(alloc::format!("k{number}")), Value::Null)).collect();
        let mut model: alloc::collections::BTreeMap<Text, Value> =
            map.clone().into_entries().into_iter().collect();
        for step in 0..20_000_i64 {
            let key = alloc::format!("k{}", rng.below(3_000));
            match rng.below(5) {
                0 | 1 => {
                    let held = map.insert(key.as_str(), Value::Int(step));
                    assert_eq!(held, model.insert(key.into(), Value::Int(step)));
                }
                2 | 3 => assert_eq!(map.remove(&key), model.remove(key.as_str())),
                _ => {
                    *map.entry(&key) = Value::Int(-step);
                    model.insert(key.into(), Value::Int(-step));
                }
            }
        }
        let pairs = |entries: Vec<Entry>| entries;
        assert_eq!(map.len(), model.len());
        assert!(map.iter().eq(model.iter()));
        assert_eq!(map, Map::from_entries(pairs(model.clone().into_iter().collect())));
        map.retain(|key, _| key.ends_with('7'));
        model.retain(|key, _| key.ends_with('7'));
        assert_eq!(map.iter().len(), model.len());
        for key in model.keys() {
            assert_eq!(map.get(key), model.get(key));
        }
        for key in model.keys() {
            assert!(map.remove(key).is_some());
        }
        assert!(map.is_empty() && map.remove("k7").is_none());
        map.insert("a", Value::Null);
        assert_eq!(map.into_entries().len(), 1);
    }
}
