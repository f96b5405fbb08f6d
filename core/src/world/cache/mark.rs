//! A mark of a set of labels: 64 bits that tell most sets of labels apart without reading them (a Bloom filter).

/// Each label sets two bits. A set holds a label only if its mark has both bits of the label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LabelMark(u64);

impl LabelMark {
    /// The mark of no labels.
    pub const NONE: Self = Self(0);

    pub fn of(key: &str, value: &str) -> Self {
        // FNV-1a over key and value with a zero byte between them, since a key cannot hold one.
        let bytes = key.bytes().chain(core::iter::once(0)).chain(value.bytes());
        let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        // FNV-1a spreads the last bytes to the low bits only, so the high bits are mixed here.
        let mixed = (hash ^ hash >> 32).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Self(1 << (mixed >> 58) | 1 << (mixed >> 52 & 63))
    }

    /// The mark of the union of both sets.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// False only when a set with this mark cannot hold all labels of the other mark's set.
    pub fn may_hold(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn a_mark_matches_its_labels_and_few_others() {
        let values = (0..64).map(|number| format!("app-{number}"));
        let marks: alloc::vec::Vec<LabelMark> = values.map(|value| LabelMark::of("app", &value)).collect();
        let set = marks[0].with(LabelMark::of("tier", "backend")).with(LabelMark::of("app", ""));
        assert!(set.may_hold(marks[0]) && set.may_hold(LabelMark::NONE));
        assert!(!LabelMark::NONE.may_hold(marks[0]));
        let taken = marks.iter().filter(|mark| set.may_hold(**mark)).count();
        assert!(taken < marks.len() / 8, "{taken}");
    }
}
