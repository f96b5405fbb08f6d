//! A budget for the bytes of requests that are in the server at once: long heads, and bodies from their first byte
//! until the request is answered. Clients that are known by a certificate or token share one part and wait for room
//! in it. All others share a smaller part and are refused when it is used up, so that unknown clients cannot delay
//! known ones.

use std::sync::Arc;
use std::time::Duration;

use steersman_core::limits;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

/// The budget of the whole server.
pub(crate) struct Budget {
    known: Semaphore,
    unknown: Arc<Semaphore>,
}

/// The part of the budget that one connection may use.
pub(crate) struct Share {
    room: Semaphore,
    /// Requests that may wait at once. On an HTTP/2 connection, the begun bodies of waiting requests take up the flow
    /// control window that the other bodies need as well. If they filled it, no request would get on.
    waiting: Semaphore,
}

/// Bytes that are reserved until this is dropped.
pub(crate) struct Reserved<'a> {
    _of_server: SemaphorePermit<'a>,
    _of_connection: Option<SemaphorePermit<'a>>,
}

/// Bytes that are reserved for a head which is still arriving, so that no request exists yet.
pub(crate) struct ReservedAhead {
    _of_server: OwnedSemaphorePermit,
}

/// There was no room for a request, or none in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoRoom;

/// The budget is counted in pieces of this many bytes.
const PIECE_BYTES: usize = 1024;

fn pieces(bytes: usize) -> usize {
    bytes.div_ceil(PIECE_BYTES)
}

impl Budget {
    pub(crate) fn new() -> Self {
        Self::of(limits::BODIES_BYTES, limits::BODIES_BYTES_UNKNOWN)
    }

    fn of(known_bytes: usize, unknown_bytes: usize) -> Self {
        Self {
            known: Semaphore::new(pieces(known_bytes)),
            unknown: Arc::new(Semaphore::new(pieces(unknown_bytes))),
        }
    }

    /// Reserves room for a request of a known client, waiting for it if need be. All of it is reserved at once:
    /// requests that wait while they hold a part could wait for each other for ever.
    pub(crate) async fn reserve<'a>(
        &'a self,
        share: &'a Share,
        bytes: usize,
        within: Duration,
    ) -> Result<Reserved<'a>, NoRoom> {
        let count = count(bytes);
        if let Ok(of_connection) = share.room.try_acquire_many(count)
            && let Ok(of_server) = self.known.try_acquire_many(count)
        {
            return Ok(Reserved { _of_server: of_server, _of_connection: Some(of_connection) });
        }
        let _waits = share.waiting.try_acquire().map_err(|_| NoRoom)?;
        let both = async {
            let of_connection = share.room.acquire_many(count).await.map_err(|_| NoRoom)?;
            let of_server = self.known.acquire_many(count).await.map_err(|_| NoRoom)?;
            Ok(Reserved { _of_server: of_server, _of_connection: Some(of_connection) })
        };
        tokio::time::timeout(within, both).await.unwrap_or(Err(NoRoom))
    }

    /// Reserves room for a request of an unknown client, if there is any.
    pub(crate) fn reserve_unknown(&self, bytes: usize) -> Result<Reserved<'_>, NoRoom> {
        let of_server = self.unknown.try_acquire_many(count(bytes)).map_err(|_| NoRoom)?;
        Ok(Reserved { _of_server: of_server, _of_connection: None })
    }

    /// Reserves room for a head that is still arriving, if there is any.
    pub(crate) fn reserve_ahead(&self, bytes: usize) -> Result<ReservedAhead, NoRoom> {
        let unknown = Arc::clone(&self.unknown);
        let of_server = unknown.try_acquire_many_owned(count(bytes)).map_err(|_| NoRoom)?;
        Ok(ReservedAhead { _of_server: of_server })
    }
}

impl Share {
    /// For a connection of which so many requests may wait for room at once.
    pub(crate) fn new(waiting_max: usize) -> Self {
        Self {
            room: Semaphore::new(pieces(limits::BODIES_BYTES_OF_CONNECTION)),
            waiting: Semaphore::new(waiting_max),
        }
    }
}

fn count(bytes: usize) -> u32 {
    u32::try_from(pieces(bytes)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn known_clients_wait_for_room_and_unknown_ones_are_refused() {
        let budget = Budget::of(10_240, 4_096);
        let (one, other) = (Share::new(1), Share::new(1));
        let soon = Duration::from_secs(1);
        let first = budget.reserve(&one, 8_000, soon).await.expect("room");
        assert!(budget.reserve(&other, 8_000, soon).await.is_err(), "there is no room before the first ends");
        let waiting = budget.reserve(&other, 8_000, soon);
        let (second, ()) = tokio::join!(waiting, async {
            tokio::time::sleep(soon / 2).await;
            drop(first);
        });
        assert!(second.is_ok(), "who waits gets what is given back");
        let stranger = budget.reserve_unknown(4_000).expect("strangers have their own");
        assert!(budget.reserve_unknown(1).is_err());
        drop(stranger);
        assert!(budget.reserve_unknown(4_096).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn one_connection_cannot_use_the_whole_budget() {
        let budget = Budget::of(2 * limits::BODIES_BYTES_OF_CONNECTION, 0);
        let (greedy, modest) = (Share::new(1), Share::new(1));
        let soon = Duration::from_secs(1);
        let all = budget.reserve(&greedy, limits::BODIES_BYTES_OF_CONNECTION, soon).await.expect("its share");
        assert!(budget.reserve(&greedy, 1, soon).await.is_err());
        assert!(budget.reserve(&modest, limits::BODIES_BYTES_OF_CONNECTION, soon).await.is_ok());
        drop(all);
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_requests_of_a_connection_wait_than_may() {
        let budget = Budget::of(2 * limits::BODIES_BYTES_OF_CONNECTION, 0);
        let share = Share::new(1);
        let soon = Duration::from_secs(1);
        let all = budget.reserve(&share, limits::BODIES_BYTES_OF_CONNECTION, soon).await.expect("its share");
        let began = tokio::time::Instant::now();
        let (first, second, ()) =
            tokio::join!(budget.reserve(&share, 1, soon), budget.reserve(&share, 1, soon), async {
                tokio::time::sleep(soon / 2).await;
                drop(all);
            });
        assert_eq!((first.is_ok(), second.err()), (true, Some(NoRoom)));
        assert!(began.elapsed() < soon);
        assert!(budget.reserve(&share, 1, soon).await.is_ok(), "who does not have to wait is let in");
    }
}
