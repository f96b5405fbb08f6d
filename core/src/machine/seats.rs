//! The limits of concurrent requests, `--max-requests-inflight` and `--max-mutating-requests-inflight`.
//! k8s: staging/src/k8s.io/apiserver/pkg/server/filters/maxinflight.go

use crate::job::Seat;

#[derive(Clone, Debug)]
pub(crate) struct Seats {
    read_only: Count,
    mutating: Count,
}

#[derive(Clone, Debug)]
struct Count {
    taken: u32,
    /// The most seats that may be taken at once; 0 for no limit.
    limit: u32,
}

impl Seats {
    pub(crate) fn new(read_only: u32, mutating: u32) -> Self {
        Self {
            read_only: Count { taken: 0, limit: read_only },
            mutating: Count { taken: 0, limit: mutating },
        }
    }

    /// Takes a seat. False when all seats of the kind are taken.
    pub(crate) fn take(&mut self, seat: Seat) -> bool {
        let free = !self.is_full(seat);
        self.count(seat).taken += u32::from(free);
        free
    }

    /// Whether all seats of a kind are taken.
    pub(crate) fn is_full(&mut self, seat: Seat) -> bool {
        let count = self.count(seat);
        count.limit != 0 && count.taken >= count.limit
    }

    pub(crate) fn free(&mut self, seat: Seat) {
        let count = self.count(seat);
        assert!(count.taken > 0, "a seat is freed once");
        count.taken -= 1;
    }

    pub(crate) fn taken(&self) -> u32 {
        self.read_only.taken + self.mutating.taken
    }

    fn count(&mut self, seat: Seat) -> &mut Count {
        match seat {
            Seat::ReadOnly => &mut self.read_only,
            Seat::Mutating => &mut self.mutating,
        }
    }
}
