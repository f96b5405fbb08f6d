//! A small memory of texts that something was found out about. It forgets: a newer text takes the place of an older
//! one, and then it is only found out again.

use super::TypeId;
use alloc::boxed::Box;
use core::sync::atomic::{AtomicU64, Ordering};

/// How many texts are known at most. Most objects of a kind are written in a few ways.
const PLACES: usize = 256;

/// The digests of texts that are known, each in its place.
#[derive(Debug)]
pub(crate) struct KnownTexts(Box<[AtomicU64]>);

impl Default for KnownTexts {
    fn default() -> Self {
        Self((0..PLACES).map(|_| AtomicU64::new(0)).collect())
    }
}

impl KnownTexts {
    /// Whether the text is known for the type. That another text has the same digest is as unlikely as a false uid.
    pub(crate) fn has(&self, of: TypeId, text: &str) -> bool {
        let digest = digest(of, text);
        self.place(digest).is_some_and(|place| place.load(Ordering::Relaxed) == digest)
    }

    pub(crate) fn note(&self, of: TypeId, text: &str) {
        let digest = digest(of, text);
        if let Some(place) = self.place(digest) {
            place.store(digest, Ordering::Relaxed);
        }
    }

    fn place(&self, digest: u64) -> Option<&AtomicU64> {
        self.0.get(digest as usize % PLACES)
    }
}

/// Never 0, which stands for no text.
fn digest(of: TypeId, text: &str) -> u64 {
    const ODD: u64 = 0x9E37_79B9_7F4A_7C15;
    let mixed = |digest: u64, word: u64| {
        let product = u128::from(digest ^ word) * u128::from(ODD ^ word.rotate_left(32));
        (product as u64 ^ (product >> 64) as u64).wrapping_add(ODD)
    };
    let (words, rest) = text.as_bytes().as_chunks::<8>();
    let begun = mixed(u64::from(of.0) << 32 | ODD, text.len() as u64);
    let digest = words.iter().fold(begun, |digest, word| mixed(digest, u64::from_le_bytes(*word)));
    let rest = rest.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
    mixed(mixed(digest, rest), ODD).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;
    use alloc::format;

    #[test]
    fn what_was_noted_is_known_until_its_place_is_taken() {
        let known = KnownTexts::default();
        assert!(!known.has(TypeId(1), "a") && !known.has(TypeId(0), ""));
        known.note(TypeId(1), "a");
        assert!(known.has(TypeId(1), "a") && !known.has(TypeId(2), "a") && !known.has(TypeId(1), "b"));
        (0..100_000).for_each(|number| known.note(TypeId(1), &format!("{number}")));
        assert!(!known.has(TypeId(1), "a") && known.has(TypeId(1), "99999"));
    }

    #[test]
    fn digests_differ() {
        let texts = (0..20_000).map(|number| format!("{{\"f:{number}\":{{}}}}"));
        let padded = (0..2_000).map(|number| "a".repeat(number));
        let digests: BTreeSet<u64> = texts.chain(padded).map(|text| digest(TypeId(3), &text)).collect();
        assert_eq!(digests.len(), 22_000);
    }
}
