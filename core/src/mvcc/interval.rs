//! The keys that a key and a range end select, by etcd's rules.

use alloc::vec::Vec;
use bytes::Bytes;
use core::ops::Bound;

/// The same interval as the bounds that an ordered map takes.
pub(super) type KeyBounds<'a> = (Bound<&'a [u8]>, Bound<&'a [u8]>);

/// The keys that a key and an exclusive end select.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Interval<'a> {
    One(&'a [u8]),
    /// From the first key up to, not including, the second; empty when they are out of order.
    Between(&'a [u8], &'a [u8]),
    From(&'a [u8]),
}

impl<'a> Interval<'a> {
    /// An end of one zero byte means "from the key on"; an empty end means that there is none.
    /// etcd: server/etcdserver/txn/txn.go mkGteRange
    pub(super) fn new(key: &'a Bytes, end: Option<&'a Bytes>) -> Self {
        match end.map(|end| &end[..]) {
            None | Some([]) => Self::One(key),
            Some([0]) => Self::From(key),
            Some(end) => Self::Between(key, end),
        }
    }

    pub(super) fn contains(self, key: &[u8]) -> bool {
        match self {
            Self::One(one) => key == one,
            Self::Between(start, end) => start <= key && key < end,
            Self::From(start) => start <= key,
        }
    }

    /// Bounds for an ordered map, None when nothing is selected.
    pub(super) fn bounds(self) -> Option<KeyBounds<'a>> {
        match self {
            Self::One(one) => Some((Bound::Included(one), Bound::Included(one))),
            Self::Between(start, end) => {
                (start < end).then_some((Bound::Included(start), Bound::Excluded(end)))
            }
            Self::From(start) => Some((Bound::Included(start), Bound::Unbounded)),
        }
    }
}

/// The end of the range of all keys that start with `prefix`: the first key after them, or one zero
/// byte ("to the last key") when there is none.
/// etcd: client/v3/op.go GetPrefixRangeEnd
pub fn prefix_end(prefix: &[u8]) -> Bytes {
    let Some(last) = prefix.iter().rposition(|byte| *byte < 0xff) else {
        return Bytes::from_static(&[0]);
    };
    let mut end: Vec<u8> = prefix.iter().take(last + 1).copied().collect();
    if let Some(byte) = end.last_mut() {
        *byte += 1;
    }
    Bytes::from(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_end_before_the_next_key() {
        assert_eq!(prefix_end(b"/registry/"), Bytes::from_static(b"/registry0"));
        assert_eq!(prefix_end(b"a\xff"), Bytes::from_static(b"b"));
        assert_eq!(prefix_end(b"\xff"), Bytes::from_static(b"\0"));
        assert_eq!(prefix_end(b""), Bytes::from_static(b"\0"));
    }
}
