//! Seeded randomness. Streams are forked by purpose, so that an additional draw in one place changes no draw in
//! another.

use crate::value::Text;
use alloc::string::String;
use core::fmt::Write;

/// A SplitMix64 stream. It must not be used for secrets, which the shell makes.
#[derive(Clone, Debug)]
pub struct Rng {
    state: u64,
}

impl Rng {
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// A separate stream for one purpose and number. This stream does not advance.
    pub fn fork(&self, purpose: &str, number: u64) -> Self {
        let hash = purpose.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        let mut forked = Self::new(self.state ^ hash ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        forked.next_u64();
        forked
    }

    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which must not be 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        assert!(bound > 0, "a range must not be empty");
        self.next_u64() % bound
    }

    /// A version 4 UUID.
    pub fn uuid(&mut self) -> Text {
        let high = (self.next_u64() & 0xffff_ffff_ffff_0fff) | 0x4000;
        let low = (self.next_u64() & 0x3fff_ffff_ffff_ffff) | 0x8000_0000_0000_0000;
        let mut out = String::with_capacity(36);
        write!(
            out,
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xffff,
            low >> 48,
            low & 0xffff_ffff_ffff
        )
        .expect("writing to a string");
        Text::from(out)
    }

    /// The suffix that a generated name gets: `len` letters and digits without vowels and look-alikes.
    /// k8s: staging/src/k8s.io/apimachinery/pkg/util/rand/rand.go
    pub fn name_suffix(&mut self, len: usize) -> Text {
        const LETTERS: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";
        (0..len).map(|_| char::from(LETTERS[self.below(27) as usize])).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_is_pinned() {
        let mut rng = Rng::new(1);
        assert_eq!(rng.next_u64(), 0x910a_2dec_8902_5cc1);
        assert_eq!(Rng::new(1).fork("uid", 7).uuid(), Rng::new(1).fork("uid", 7).uuid());
        let uuid = Rng::new(3).uuid();
        assert_eq!((uuid.len(), &uuid[14..15]), (36, "4"));
    }
}
