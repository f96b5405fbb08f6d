//! A string-keyed map as a sorted vector: small, ordered, cheap to walk.

use super::{Text, Value};
use alloc::vec::Vec;

/// Maps of at most so many members are walked in search of one.
const WALKED_MAX: usize = 16;

/// Entries sorted by key, keys unique.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Map {
    entries: Vec<(Text, Value)>,
}

impl Map {
    pub const fn new() -> Self {
        Self { entries: Vec::new() }
    }

    /// From entries in any order; of entries with one key the last wins, as in Go's decoder.
    pub fn from_entries(mut entries: Vec<(Text, Value)>) -> Self {
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
        Self { entries }
    }

    fn find(&self, key: &str) -> Result<usize, usize> {
        self.entries.binary_search_by(|(held, _)| held.as_str().cmp(key))
    }

    /// The place of a member. Most maps are small, and most keys differ in length already.
    fn position(&self, key: &str) -> Option<usize> {
        if self.entries.len() > WALKED_MAX {
            return self.find(key).ok();
        }
        self.entries.iter().position(|(held, _)| held.len() == key.len() && held.as_str() == key)
    }

    pub fn get(&self, key: &str) -> Option<&Value> {
        self.position(key).map(|index| &self.entries[index].1)
    }

    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        let index = self.position(key)?;
        Some(&mut self.entries[index].1)
    }

    pub fn contains_key(&self, key: &str) -> bool {
        self.position(key).is_some()
    }

    /// Sets a member and returns the one it replaced.
    pub fn insert(&mut self, key: impl Into<Text>, value: Value) -> Option<Value> {
        let key = key.into();
        match self.find(&key) {
            Ok(index) => Some(core::mem::replace(&mut self.entries[index].1, value)),
            Err(index) => {
                self.entries.insert(index, (key, value));
                None
            }
        }
    }

    /// The member for writing, `Null` first when it was absent.
    pub fn entry(&mut self, key: &str) -> &mut Value {
        let index = match self.find(key) {
            Ok(index) => index,
            Err(index) => {
                self.entries.insert(index, (Text::from(key), Value::Null));
                index
            }
        };
        &mut self.entries[index].1
    }

    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let index = self.find(key).ok()?;
        Some(self.entries.remove(index).1)
    }

    /// Keeps the members for which `keep` says true.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &mut Value) -> bool) {
        self.entries.retain_mut(|(key, value)| keep(key, value));
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Members in key order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Text, &Value)> {
        self.entries.iter().map(|(key, value)| (key, value))
    }

    /// Members in key order, values for writing.
    pub fn iter_mut(&mut self) -> impl ExactSizeIterator<Item = (&Text, &mut Value)> {
        self.entries.iter_mut().map(|(key, value)| (&*key, value))
    }

    pub fn into_entries(self) -> Vec<(Text, Value)> {
        self.entries
    }
}

impl FromIterator<(Text, Value)> for Map {
    fn from_iter<I: IntoIterator<Item = (Text, Value)>>(entries: I) -> Self {
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
}
