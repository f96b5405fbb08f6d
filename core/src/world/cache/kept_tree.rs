//! The tree of a small object that answers to other requests depend on: a class, an account, a namespace. It is made
//! when it is first asked for, shared by all who ask for it, and leaves with its entry.

use super::forms::FormRoom;
use crate::value::Value;
use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;
use once_cell::race::OnceBox;

/// Bytes of a stored object of which the tree is kept at most.
const OBJECT_BYTES: usize = 2048;

/// Roughly how many times as large as the text a tree is.
const TREE_BYTES_OF_BYTE: usize = 8;

/// A clone of an entry begins without its tree.
#[derive(Default)]
pub(super) struct KeptTree(OnceBox<RoomedTree>);

struct RoomedTree {
    value: Value,
    bytes: usize,
    room: Arc<FormRoom>,
}

impl Drop for RoomedTree {
    fn drop(&mut self) {
        self.room.give_back(self.bytes);
    }
}

impl Clone for KeptTree {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl fmt::Debug for KeptTree {
    /// With and without its tree an entry is shown in the same way.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("KeptTree")
    }
}

impl KeptTree {
    /// The tree of an object of so many bytes. `make` makes it unless it is kept; it is kept then if it is small and
    /// there is room.
    pub(super) fn get(&self, text_bytes: usize, room: &Arc<FormRoom>, make: impl FnOnce() -> Value) -> Value {
        if let Some(tree) = self.0.get() {
            return tree.value.clone();
        }
        let value = make();
        let bytes = text_bytes * TREE_BYTES_OF_BYTE;
        if text_bytes <= OBJECT_BYTES && room.take(bytes) {
            // Another thread may have been faster; its tree is the same.
            let tree = RoomedTree { value: value.clone(), bytes, room: Arc::clone(room) };
            drop(self.0.set(Box::new(tree)));
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_tree_is_made_once_where_there_is_room() {
        let room = Arc::new(FormRoom::new(10_000));
        let asked = |kept: &KeptTree, bytes: usize| {
            let mut made = false;
            let value = kept.get(bytes, &room, || {
                made = true;
                Value::Int(7)
            });
            assert_eq!(value, Value::Int(7));
            made
        };
        let (small, other, large) = (KeptTree::default(), KeptTree::default(), KeptTree::default());
        assert!(asked(&small, 1_000) && !asked(&small, 1_000) && !asked(&small, 1_000));
        assert!(asked(&other, 1_000) && asked(&other, 1_000), "the room is full");
        assert!(asked(&large, OBJECT_BYTES + 1) && asked(&large, OBJECT_BYTES + 1));
        assert!(asked(&small.clone(), 2_000));
        assert_eq!(room.used(), 8_000);
        drop(small);
        assert_eq!(room.used(), 0);
    }
}
