//! One change of the allocated node ports: ports are taken at once, and given back at the end. All allocations are
//! bits of one stored number, as upstream stores them.
//! k8s: pkg/registry/core/service/portallocator/{allocator,operation}.go, pkg/registry/core/service/allocator/bitmap.go

use crate::codec::base64;
use crate::kinds::{ClaimChange, ClaimPlace, Claims, Facts};
use crate::museum::Mutant;
use crate::rng::Rng;
use crate::status::Failure;
use crate::value::port_range::PortRange;
use crate::value::{Value, object};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

const ALLOCATIONS: &str = "servicenodeportallocations";
const NAME: &str = "servicenodeports";

const FULL: &str = "range is full";
const ALLOCATED: &str = "provided port is already allocated";

/// The first port that a dry run shows is the one after this.
const EXAMPLE: i64 = 32_768;

/// What is allocated, and what an operation changes of it.
pub(in super::super) struct PortOperation {
    range: PortRange,
    /// The stored object; None when there is none.
    seen: Option<Value>,
    taken: Bits,
    allocated: Vec<i64>,
    released: Vec<i64>,
    dry_run: bool,
    rng: Rng,
}

impl PortOperation {
    /// Begins with what is stored.
    ///
    /// # Errors
    /// 500 when it cannot be understood.
    pub(in super::super) fn start(facts: &Facts<'_>, rng: &Rng) -> Result<Self, Failure> {
        let range = facts.config.node_ports;
        let seen = facts.objects.get("", ALLOCATIONS, "", NAME);
        let taken = match &seen {
            Some(seen) => Bits::stored(seen, range)
                .ok_or_else(|| Failure::internal("the provided range does not match the current range"))?,
            None => Bits::default(),
        };
        let rng = rng.fork("node-ports", 0);
        let (allocated, released) = (Vec::new(), Vec::new());
        Ok(Self { range, seen, taken, allocated, released, dry_run: facts.dry_run, rng })
    }

    /// Takes a port.
    ///
    /// # Errors
    /// Upstream's sentence when it cannot be had.
    pub(in super::super) fn allocate(&mut self, port: i64) -> Result<(), String> {
        let index = match self.range.index_of(port) {
            Some(index) => index,
            None if self.dry_run && !self.allocated.contains(&port) => {
                self.allocated.push(port);
                return Ok(());
            }
            None if self.dry_run => return Err(ALLOCATED.into()),
            None => {
                let range = self.range;
                return Err(format!(
                    "provided port is not in the valid range. The range of valid ports is {range}"
                ));
            }
        };
        if self.taken.has(index) {
            return Err(ALLOCATED.into());
        }
        self.taken.set(index, true);
        self.allocated.push(port);
        Ok(())
    }

    /// Takes any port; a dry run shows one that may be taken.
    ///
    /// # Errors
    /// Upstream's sentence when none is left.
    pub(in super::super) fn allocate_next(&mut self) -> Result<i64, String> {
        if self.dry_run {
            let last = self.allocated.iter().copied().max().unwrap_or(EXAMPLE);
            self.allocated.push(last.saturating_add(1));
            return Ok(last.saturating_add(1));
        }
        let index = self.free().ok_or(FULL)?;
        self.taken.set(index, true);
        let port = self.range.port_at(index);
        self.allocated.push(port);
        Ok(port)
    }

    /// A free port from the upper part of the range, or from the lower part, which is left for ports that clients
    /// name, when the upper one is full.
    fn free(&mut self) -> Option<u32> {
        let (size, lower) = (self.range.size(), band(self.range.size()));
        self.free_in(lower, size).or_else(|| self.free_in(0, lower))
    }

    fn free_in(&mut self, from: u32, to: u32) -> Option<u32> {
        if from >= to {
            return None;
        }
        let start = from + u32::try_from(self.rng.below(u64::from(to - from))).unwrap_or(0);
        let mut candidates = (start..to).chain(from..start);
        candidates.find(|index| !self.taken.has(*index))
    }

    /// Gives back a port when the operation ends.
    pub(in super::super) fn release_deferred(&mut self, port: i64) {
        self.released.push(port);
    }

    /// Ends the operation: adds what it changes of the stored object.
    pub(in super::super) fn finish(mut self, facts: &Facts<'_>, claims: &mut Claims) {
        let gives_back = !self.released.is_empty();
        for port in core::mem::take(&mut self.released) {
            if let Some(index) = self.range.index_of(port) {
                self.taken.set(index, false);
            }
        }
        let data = base64::encode(&self.taken.to_bytes());
        let range = self.range.to_string();
        let place = ClaimPlace::of_cluster("", ALLOCATIONS, NAME);
        let mut allocations = self.seen.clone().unwrap_or_else(allocations);
        if allocations.text_at(&["data"]) == data && allocations.text_at(&["range"]) == range {
            // A port that is given back and not taken is one that was taken after this was read.
            if gives_back {
                claims.add(place, self.seen.as_ref(), ClaimChange::Keep);
            }
            return;
        }
        allocations.set("range", range.into());
        allocations.set("data", data.into());
        if !facts.config.flaw.is(Mutant::NodePortsUnclaimed) {
            claims.add(place, self.seen.as_ref(), ClaimChange::Put(allocations));
        }
    }
}

/// The stored object of a server where no port is allocated.
fn allocations() -> Value {
    let mut object = Value::empty_map();
    object::set_api_version_and_kind(&mut object, "v1", "RangeAllocation");
    object.set("metadata", Value::empty_map());
    object.set("range", "".into());
    object.set("data", "".into());
    object
}

/// How many ports are in the lower part: a thirty-second, between 16 and 128, and none of a range of at most 16.
fn band(size: u32) -> u32 {
    if size <= 16 { 0 } else { (size / 32).clamp(16, 128) }
}

/// A number of any length by its bits, the lowest first.
#[derive(Default)]
struct Bits(Vec<u8>);

impl Bits {
    /// The bits of a stored object, for another range if the configuration has changed. None if it makes no sense.
    fn stored(allocations: &Value, range: PortRange) -> Option<Self> {
        let mut bytes = base64::decode(allocations.text_at(&["data"])).ok()?;
        bytes.reverse();
        let held = Self(bytes);
        let stored = allocations.text_at(&["range"]);
        if stored.is_empty() || range.to_string() == stored {
            return Some(held);
        }
        let stored = PortRange::parse(stored)?;
        let mut moved = Self::default();
        for index in (0..stored.size()).filter(|index| held.has(*index)) {
            if let Some(index) = range.index_of(stored.port_at(index)) {
                moved.set(index, true);
            }
        }
        Some(moved)
    }

    fn has(&self, index: u32) -> bool {
        let byte = self.0.get(index as usize / 8).copied().unwrap_or(0);
        byte >> (index % 8) & 1 == 1
    }

    fn set(&mut self, index: u32, value: bool) {
        let place = index as usize / 8;
        if place >= self.0.len() {
            self.0.resize(place + 1, 0);
        }
        if let Some(byte) = self.0.get_mut(place) {
            let bit = 1_u8 << (index % 8);
            *byte = if value { *byte | bit } else { *byte & !bit };
        }
    }

    /// The number as its bytes, the highest first and none of them in vain.
    fn to_bytes(&self) -> Vec<u8> {
        let used = self.0.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        self.0.iter().take(used).rev().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::facts::given::{InMemory, with_facts};

    /// The stored object after an operation on it.
    fn after(stored: Option<&Value>, change: impl FnOnce(&mut PortOperation)) -> Option<Value> {
        let mut objects = InMemory::default();
        if let Some(stored) = stored {
            let key = ["".into(), ALLOCATIONS.into(), "".into(), NAME.into()];
            objects.0.insert(key, stored.clone());
        }
        with_facts(&objects, |facts| {
            let mut claims = Claims::default();
            let mut operation = PortOperation::start(facts, &Rng::new(1)).expect("allocations");
            change(&mut operation);
            operation.finish(facts, &mut claims);
            let mut changed = claims.iter().map(|claim| match &claim.change {
                ClaimChange::Put(value) | ClaimChange::PutStatus(value) => value.clone(),
                ClaimChange::Delete | ClaimChange::Keep => Value::Null,
            });
            changed.next()
        })
    }

    #[test]
    fn allocations_are_stored_as_upstream_stores_them() {
        let one = after(None, |ports| ports.allocate(30_000).expect("free")).expect("a change");
        assert_eq!((one.text_at(&["range"]), one.text_at(&["data"])), ("30000-32767", "AQ=="));
        // Bit 9 is in the second byte, which is written first.
        let two = after(Some(&one), |ports| ports.allocate(30_009).expect("free")).expect("a change");
        assert_eq!(two.text_at(&["data"]), "AgE=");
        let back = after(Some(&two), |ports| ports.release_deferred(30_009)).expect("a change");
        assert_eq!(back.text_at(&["data"]), "AQ==");
        // Nothing changes, if this is what is stored.
        assert_eq!(after(Some(&back), |ports| ports.release_deferred(30_009)), Some(Value::Null));
        assert_eq!(after(Some(&back), |_| {}), None);
    }

    #[test]
    fn allocations_of_another_range_are_taken_over() {
        let mut stored = allocations();
        stored.set("range", "29999-30001".into());
        // The ports 29999 and 30001.
        stored.set("data", base64::encode(&[0b101]).into());
        let moved = after(Some(&stored), |ports| {
            assert_eq!(ports.allocate(30_001), Err(ALLOCATED.into()));
        });
        let moved = moved.expect("a change");
        assert_eq!((moved.text_at(&["range"]), moved.text_at(&["data"])), ("30000-32767", "Ag=="));
    }

    #[test]
    fn every_port_can_be_had_once() {
        after(None, |ports| {
            let size = PortRange::NODE_PORTS.size();
            let lower = band(size);
            let mut found: Vec<i64> = (0..size).map(|_| ports.allocate_next().expect("a port")).collect();
            let upper = found.iter().take((size - lower) as usize);
            assert!(upper.min().is_some_and(|first| *first == 30_000 + i64::from(lower)));
            found.sort_unstable();
            found.dedup();
            assert_eq!(found.len(), size as usize);
            assert_eq!(ports.allocate_next(), Err(FULL.into()));
            assert_eq!(ports.allocate(30_000), Err(ALLOCATED.into()));
            let outside = "provided port is not in the valid range. The range of valid ports is 30000-32767";
            assert_eq!(ports.allocate(32_768), Err(outside.into()));
        });
        assert_eq!([16, 17, 544, 2768, 65_536].map(band), [0, 16, 17, 86, 128]);
    }
}
