//! How many requests may run at once: `--max-requests-inflight` and its mutating twin.
//! k8s: staging/src/k8s.io/apiserver/pkg/server/filters/maxinflight.go

/// What a request counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seat {
    ReadOnly,
    Mutating,
    /// Watches and streams: not counted.
    LongRunning,
}

#[derive(Clone, Debug)]
pub(crate) struct Seats {
    read_only: Count,
    mutating: Count,
}

#[derive(Clone, Debug)]
struct Count {
    taken: u32,
    /// 0 for no limit.
    limit: u32,
}

impl Seats {
    pub(crate) fn new(read_only: u32, mutating: u32) -> Self {
        Self {
            read_only: Count { taken: 0, limit: read_only },
            mutating: Count { taken: 0, limit: mutating },
        }
    }

    /// False when all seats of the kind are taken.
    pub(crate) fn take(&mut self, seat: Seat) -> bool {
        let Some(count) = self.count(seat) else { return true };
        let free = count.limit == 0 || count.taken < count.limit;
        count.taken += u32::from(free);
        free
    }

    pub(crate) fn free(&mut self, seat: Seat) {
        if let Some(count) = self.count(seat) {
            assert!(count.taken > 0, "a seat is freed once");
            count.taken -= 1;
        }
    }

    pub(crate) fn taken(&self) -> u32 {
        self.read_only.taken + self.mutating.taken
    }

    fn count(&mut self, seat: Seat) -> Option<&mut Count> {
        match seat {
            Seat::ReadOnly => Some(&mut self.read_only),
            Seat::Mutating => Some(&mut self.mutating),
            Seat::LongRunning => None,
        }
    }
}
