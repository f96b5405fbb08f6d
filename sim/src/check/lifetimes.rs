//! An Event is removed when its time to live has passed since its last write, and not earlier.

use super::{Guarantee, Violation, shown};
use crate::truth::CommittedChange;
use bytes::Bytes;
use std::collections::BTreeMap;
use steersman_core::limits;
use steersman_core::now::Mono;

/// The key prefix of objects that expire.
const EXPIRING: &[u8] = b"/registry/events/";

/// Every object that must expire, and when it was last written.
#[derive(Clone, Debug)]
pub struct Lifetimes {
    ttl_seconds: i64,
    held: BTreeMap<Bytes, Life>,
    /// The time of the last election. A new leader of the store restarts the duration of all leases.
    led_since: Mono,
}

#[derive(Clone, Copy, Debug)]
struct Life {
    /// When the request for the last write was made. Its lease was valid at that time.
    asked: Mono,
    written: Mono,
    /// The object existed before that write.
    renewed: bool,
}

impl Lifetimes {
    /// Checks objects with a time to live of this many seconds.
    pub fn new(ttl_seconds: i64) -> Self {
        Self { ttl_seconds, held: BTreeMap::new(), led_since: Mono(0) }
    }

    /// The store has a new leader.
    pub fn led(&mut self, now: Mono) {
        self.led_since = now;
    }

    /// Notes a change by a request, which was made at `asked`.
    pub fn note(&mut self, change: &CommittedChange, asked: Mono, now: Mono) {
        if !change.key.starts_with(EXPIRING) {
            return;
        }
        match &change.new {
            Some(_) => {
                let life = Life { asked, written: now, renewed: change.old.is_some() };
                self.held.insert(change.key.clone(), life);
            }
            None => {
                self.held.remove(&change.key);
            }
        }
    }

    /// Notes a removal because of an expired lease. Returns whether the object had been written more than once.
    ///
    /// # Errors
    /// When it is removed too early.
    pub fn expired(&mut self, change: &CommittedChange, now: Mono) -> Result<bool, Violation> {
        let Some(life) = self.held.remove(&change.key) else { return Ok(false) };
        let lease_seconds = limits::lease_seconds(self.ttl_seconds);
        let least = millis(self.ttl_seconds).saturating_sub(limits::lease_shared_millis(lease_seconds));
        if now >= life.asked.plus_millis(least) {
            return Ok(life.renewed);
        }
        let lived = now.micros_since(life.asked) / 1000;
        let why =
            format!("it went {lived} ms after its last write was asked for, and was to live {least} ms");
        Err(broken(&change.key, &why))
    }

    /// Looks for objects that should have been removed. It is called only while the store has a leader, since only a
    /// leader revokes leases.
    ///
    /// # Errors
    /// When an object still exists after its time.
    pub fn check(&self, now: Mono) -> Result<(), Violation> {
        let most = millis(limits::lease_seconds(self.ttl_seconds));
        for (key, life) in &self.held {
            let since = life.written.max(self.led_since);
            if now > since.plus_millis(most) {
                let lived = now.micros_since(life.written) / 1000;
                return Err(broken(key, &format!("it is still there {lived} ms after its last write")));
            }
        }
        Ok(())
    }
}

fn millis(seconds: i64) -> u64 {
    u64::try_from(seconds).unwrap_or(0).saturating_mul(1000)
}

fn broken(key: &[u8], why: &str) -> Violation {
    Violation::new(Guarantee::EventsLiveTheirTime, format!("{}: {why}", shown(key)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::truth::StoredObject;
    use std::sync::Arc;
    use steersman_core::store::Rev;
    use steersman_core::value::Value;

    fn change(key: &'static str, before: bool, after: bool) -> CommittedChange {
        let key = Bytes::from_static(key.as_bytes());
        let stored = |there: bool| {
            let held =
                StoredObject { key: key.clone(), revision: Rev(1), bytes: Bytes::new(), object: Value::Null };
            there.then(|| Arc::new(held))
        };
        CommittedChange { key: key.clone(), revision: Rev(2), old: stored(before), new: stored(after) }
    }

    const EVENT: &str = "/registry/events/default/e";

    fn at(millis: u64) -> Mono {
        Mono(0).plus_millis(millis)
    }

    #[test]
    fn an_event_goes_when_its_time_is_over_and_not_before() {
        let mut lifetimes = Lifetimes::new(20);
        lifetimes.note(&change(EVENT, false, true), at(0), at(10));
        lifetimes.note(&change(EVENT, true, true), at(15_000), at(15_100));
        assert_eq!(lifetimes.check(at(36_000)), Ok(()));
        assert!(lifetimes.clone().expired(&change(EVENT, true, false), at(21_000)).is_err());
        assert_eq!(lifetimes.clone().expired(&change(EVENT, true, false), at(36_000)), Ok(true));
        assert!(lifetimes.check(at(37_000)).is_err());
        lifetimes.led(at(30_000));
        assert_eq!(lifetimes.check(at(37_000)), Ok(()), "a new leader gives leases their full time again");
        assert!(lifetimes.check(at(52_000)).is_err());
        lifetimes.note(&change(EVENT, true, false), at(36_000), at(36_000));
        assert_eq!(lifetimes.check(at(99_000)), Ok(()));
    }

    #[test]
    fn objects_that_do_not_expire_are_ignored() {
        let mut lifetimes = Lifetimes::new(20);
        lifetimes.note(&change("/registry/leases/default/l", false, true), at(0), at(0));
        assert_eq!(lifetimes.check(at(99_000)), Ok(()));
    }
}
