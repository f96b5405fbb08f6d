//! How many choices each stream had: a hash table with open addressing, because every choice looks it up.

use super::{ChoiceStream, Label};

/// The size of an empty table. All sizes are powers of two.
const PLACES_MIN: usize = 1024;

/// A stream and its count. A count of 0 marks a free place.
#[derive(Clone, Copy, Debug)]
struct Place {
    key: u64,
    label: Label,
    count: u32,
}

const FREE: Place = Place { key: 0, label: Label::Class, count: 0 };

/// Counts by stream. The table is never iterated over, so the order of its places cannot influence a run.
#[derive(Debug, Default)]
pub(super) struct Counts {
    places: Vec<Place>,
    taken: usize,
}

impl Counts {
    /// The number of a stream's next choice: 0 for the first.
    pub(super) fn next(&mut self, stream: ChoiceStream) -> u32 {
        // At most three of four places are taken, so that searches stay short.
        if self.taken * 4 >= self.places.len() * 3 {
            self.grow();
        }
        let place = find(&mut self.places, stream);
        if place.count == 0 {
            *place = Place { key: stream.key, label: stream.label, count: 0 };
            self.taken += 1;
        }
        let number = place.count;
        place.count += 1;
        number
    }

    fn grow(&mut self) {
        let size = (self.places.len() * 2).max(PLACES_MIN);
        let old = std::mem::replace(&mut self.places, vec![FREE; size]);
        for taken in old.into_iter().filter(|place| place.count > 0) {
            *find(&mut self.places, taken.label.of(taken.key)) = taken;
        }
    }
}

/// The place of a stream, or the free place where it belongs. There is always a free one.
fn find(places: &mut [Place], stream: ChoiceStream) -> &mut Place {
    let mask = places.len() - 1;
    let mut at = home(mask, stream);
    loop {
        let place = &places[at];
        if place.count == 0 || (place.key == stream.key && place.label == stream.label) {
            return &mut places[at];
        }
        at = (at + 1) & mask;
    }
}

/// Where the search for a stream begins.
const fn home(mask: usize, stream: ChoiceStream) -> usize {
    // Labels and servers are in the high bits of a key, and only the highest bits of a product depend on all bits of
    // the key.
    let key = stream.key ^ (stream.label as u64) << 58;
    let mixed = (key ^ key >> 32).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> mask.leading_zeros()) as usize & mask
}

#[cfg(test)]
mod tests {
    use super::{Counts, home};
    use crate::choose::Label;
    use std::collections::BTreeMap;

    #[test]
    fn counts_as_a_map_would() {
        let mut counts = Counts::default();
        let mut map = BTreeMap::new();
        for step in 0..40_000_u64 {
            let label = Label::ALL[(step % 5) as usize];
            let stream = label.of((step * step % 3001) << (step % 3 * 16));
            let count = map.entry(stream).or_insert(0);
            assert_eq!(counts.next(stream), *count, "{stream}");
            *count += 1;
        }
    }

    #[test]
    fn no_shape_of_keys_crowds_the_table() {
        let shapes: [fn(u64) -> u64; 4] = [
            |step| step,
            |step| (step % 7) << 40 | (step / 7) << 16,
            |step| (step % 5) << 48 | (step / 5),
            |step| 1 << 63 | (step % 3) << 48 | (step / 3 % 4) << 32 | (step / 12),
        ];
        let mut counts = Counts::default();
        for step in 0..8000 {
            for (label, shape) in shapes.iter().enumerate() {
                counts.next(Label::ALL[label].of(shape(step)));
            }
        }
        let mask = counts.places.len() - 1;
        let taken = counts.places.iter().enumerate().filter(|(_, place)| place.count > 0);
        let far = taken.map(|(at, place)| at.wrapping_sub(home(mask, place.label.of(place.key))) & mask);
        let steps: usize = far.sum();
        assert!(steps < 3 * counts.taken, "{steps} steps to {} streams", counts.taken);
    }
}
