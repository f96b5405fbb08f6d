//! All open connections: how many there may be, and which one is closed to make room for a new one. A connection
//! whose client is known by its certificate or token is never closed for another.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use steersman_core::limits;
use tokio::sync::oneshot;
use tokio::time::Instant;

pub(crate) struct Roster {
    held: Mutex<Held>,
    connections_max: usize,
    unknown_max: usize,
}

#[derive(Default)]
struct Held {
    /// The number of connections, without those that were told to close.
    count: usize,
    /// Connections whose clients are not known, ordered by age.
    unknown: BTreeMap<u64, Unknown>,
    last: u64,
}

struct Unknown {
    address: IpAddr,
    since: Instant,
    leave: oneshot::Sender<()>,
}

/// A connection's place in the roster. Dropping it frees the place.
pub(crate) struct RosterEntry {
    roster: Arc<Roster>,
    number: u64,
    known: AtomicBool,
}

/// How a new connection is handled.
pub(crate) enum Admission {
    /// It has a place. The receiver tells when it must close for another connection.
    Admitted(Arc<RosterEntry>, oneshot::Receiver<()>),
    /// A place will be free soon.
    Wait,
    /// All places are taken by connections of known clients.
    Full,
}

impl Roster {
    /// A roster for a process that may have this many files open.
    pub(crate) fn new(files_max: usize) -> Arc<Self> {
        let connections_max = files_max.saturating_sub(limits::FILES_RESERVED).clamp(2, limits::CONNECTIONS);
        Self::of(connections_max, limits::CONNECTIONS_UNKNOWN.min(connections_max / 2))
    }

    fn of(connections_max: usize, unknown_max: usize) -> Arc<Self> {
        Arc::new(Self { held: Mutex::default(), connections_max, unknown_max })
    }

    pub(crate) fn admit(self: &Arc<Self>, address: IpAddr) -> Admission {
        let mut held = self.held();
        if held.unknown.len() >= self.unknown_max || held.count >= self.connections_max {
            if held.unknown.is_empty() {
                return Admission::Full;
            }
            let Some(number) = held.who_leaves(Instant::now()) else { return Admission::Wait };
            let leaves = held.unknown.remove(&number).expect("it was found there");
            held.count -= 1;
            // Sending fails only if the connection is being closed anyway.
            let _ = leaves.leave.send(());
        }
        let (leave, leaving) = oneshot::channel();
        held.last += 1;
        held.count += 1;
        let number = held.last;
        held.unknown.insert(number, Unknown { address, since: Instant::now(), leave });
        let place = RosterEntry { roster: Arc::clone(self), number, known: AtomicBool::new(false) };
        Admission::Admitted(Arc::new(place), leaving)
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// The connection that should close: the oldest of the address with the most connections, if it has had its
    /// minimum time.
    fn who_leaves(&self, now: Instant) -> Option<u64> {
        let mut by_address: HashMap<IpAddr, usize> = HashMap::new();
        for unknown in self.unknown.values() {
            *by_address.entry(unknown.address).or_default() += 1;
        }
        let most = by_address.values().copied().max()?;
        let (number, oldest) =
            self.unknown.iter().find(|(_, unknown)| by_address.get(&unknown.address) == Some(&most))?;
        let grace = Duration::from_millis(limits::CONNECTION_GRACE_MILLIS);
        (now.saturating_duration_since(oldest.since) >= grace).then_some(*number)
    }
}

impl RosterEntry {
    /// Marks the client as known.
    pub(crate) fn make_known(&self) {
        if self.is_known() {
            return;
        }
        if self.roster.held().unknown.remove(&self.number).is_some() {
            self.known.store(true, Ordering::Relaxed);
        }
    }

    pub(crate) fn is_known(&self) -> bool {
        self.known.load(Ordering::Relaxed)
    }
}

impl Drop for RosterEntry {
    fn drop(&mut self) {
        let known = self.is_known();
        let mut held = self.roster.held();
        if held.unknown.remove(&self.number).is_some() || known {
            held.count -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CROWD: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const OTHER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    fn admitted(roster: &Arc<Roster>, address: IpAddr) -> (Arc<RosterEntry>, oneshot::Receiver<()>) {
        match roster.admit(address) {
            Admission::Admitted(place, leaving) => (place, leaving),
            Admission::Wait => panic!("must wait"),
            Admission::Full => panic!("full"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_oldest_connection_of_the_busiest_address_is_closed_after_the_grace_time() {
        let roster = Roster::of(10, 3);
        let (_other, mut other_leaving) = admitted(&roster, OTHER);
        let (_first, mut first_leaving) = admitted(&roster, CROWD);
        let (_second, mut second_leaving) = admitted(&roster, CROWD);
        assert!(matches!(roster.admit(OTHER), Admission::Wait));
        tokio::time::advance(Duration::from_millis(limits::CONNECTION_GRACE_MILLIS)).await;
        let _third = admitted(&roster, CROWD);
        assert!(first_leaving.try_recv().is_ok() && second_leaving.try_recv().is_err());
        assert!(other_leaving.try_recv().is_err(), "who is alone stays");
    }

    #[tokio::test(start_paused = true)]
    async fn known_clients_are_never_closed_for_others() {
        let roster = Roster::of(3, 3);
        let places: Vec<_> = (0..3).map(|_| admitted(&roster, CROWD)).collect();
        places.iter().for_each(|(place, _)| place.make_known());
        assert!(matches!(roster.admit(OTHER), Admission::Full));
        let counts = || {
            let held = roster.held();
            (held.count, held.unknown.len())
        };
        drop(places);
        assert_eq!(counts(), (0, 0));
        let again = admitted(&roster, OTHER);
        assert_eq!(counts(), (1, 1));
        drop(again);
        assert_eq!(counts(), (0, 0));
    }
}
