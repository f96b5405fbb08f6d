//! How the cluster's time advances: by waiting futures, by a call, or by another clock.

use super::{Cluster, Shared, State};
use crate::service::gateway::{Came, Gateway};
use core::time::Duration;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};
use steersman_core::now::Mono;

/// Things that happen in one poll at most.
const HAPPENINGS_A_POLL: usize = 64;

/// What a future waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Awaited {
    /// An answer, which comes: time moves until it is there.
    Answer,
    /// Events, if any come: time moves as long as something is on its way.
    Events,
}

impl Cluster {
    /// Lets virtual time pass. Others that run beside this future are woken by what happens meanwhile, and take
    /// part before more does.
    pub fn pass(&self, time: Duration) -> impl Future<Output = ()> + Send + use<> {
        let cluster = self.clone();
        let mut until = None;
        poll_fn(move |context| {
            let mut state = cluster.shared.state();
            let until = *until.get_or_insert(plus(state.testbed.now, time));
            match state.go(until, &cluster.shared.gateway, |_| true) {
                Went::Far => Poll::Ready(()),
                Went::Some => {
                    context.waker().wake_by_ref();
                    Poll::Pending
                }
            }
        })
    }

    /// Lets happen at once everything that is due by a time since the start; a time that has passed changes nothing.
    /// This is what other clocks are built on.
    pub fn advance_to(&self, elapsed: Duration) {
        let mut state = self.shared.state();
        let until = plus(state.began, elapsed);
        while state.go(until, &self.shared.gateway, |_| true) == Went::Some {}
    }

    /// Ties the cluster's time to another clock, until the cluster's last handle is gone or a guarantee does not hold.
    /// `elapsed` tells the clock's time since now; `sleep_until` makes a future that is ready at such a time. From now
    /// on nothing happens in the cluster unless this future is polled: spawn it. When it is dropped, the cluster's time
    /// moves by itself again.
    pub fn keep_pace<S, E, U>(&self, elapsed: E, sleep_until: U) -> impl Future<Output = ()> + use<S, E, U>
    where
        S: Future<Output = ()>,
        E: Fn() -> Duration,
        U: Fn(Duration) -> S,
    {
        let begun = self.elapsed();
        self.shared.state().is_paced = true;
        let pace = Pace { shared: Arc::downgrade(&self.shared) };
        let mut sleep: Option<(Duration, Pin<Box<S>>)> = None;
        poll_fn(move |context| {
            loop {
                let next = match advance(&pace.shared, begun + elapsed(), context.waker()) {
                    Advanced::Ended => return Poll::Ready(()),
                    // Those who heard of something react before more happens.
                    Advanced::Some => {
                        context.waker().wake_by_ref();
                        return Poll::Pending;
                    }
                    Advanced::Until(next) => next.saturating_sub(begun),
                };
                let (_, asleep) = match &mut sleep {
                    Some(held) if held.0 == next => held,
                    other => other.insert((next, Box::pin(sleep_until(next)))),
                };
                if asleep.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
                sleep = None;
            }
        })
    }
}

/// The cluster follows another clock as long as this lives.
struct Pace {
    shared: Weak<Shared>,
}

impl Drop for Pace {
    fn drop(&mut self) {
        let Some(shared) = self.shared.upgrade() else { return };
        let mut state = shared.state();
        state.is_paced = false;
        state.pacer = None;
        drop(state);
        shared.gateway.wake_all();
    }
}

/// How far the other clock's time has come in the cluster.
enum Advanced {
    Ended,
    /// More is due.
    Some,
    /// The next thing happens then, since the start.
    Until(Duration),
}

fn advance(shared: &Weak<Shared>, elapsed: Duration, waker: &Waker) -> Advanced {
    let Some(shared) = shared.upgrade() else { return Advanced::Ended };
    let mut state = shared.state();
    let until = plus(state.began, elapsed);
    let went = state.go(until, &shared.gateway, |_| true);
    if state.violation.is_some() {
        return Advanced::Ended;
    }
    if went == Went::Some {
        return Advanced::Some;
    }
    state.pacer = Some(waker.clone());
    let next = state.testbed.next_at().unwrap_or(until.plus_millis(1000));
    Advanced::Until(Duration::from_micros(next.micros_since(state.began)))
}

/// How far time has moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Went {
    /// Something happened, and more may before the time is over.
    Some,
    /// The time is over, or nothing more may happen.
    Far,
}

impl State {
    /// Lets a bounded number of things happen that are due by a time, until something comes for an outside client.
    fn go(&mut self, until: Mono, gateway: &Gateway, may_go_on: impl Fn(&Self) -> bool) -> Went {
        let arrivals = gateway.arrivals();
        for _ in 0..HAPPENINGS_A_POLL {
            if !may_go_on(self) {
                return Went::Far;
            }
            if !self.step(until) {
                if self.violation.is_some() {
                    gateway.wake_all();
                } else if until < Mono(u64::MAX) {
                    self.testbed.now = self.testbed.now.max(until);
                }
                return Went::Far;
            }
            if gateway.arrivals() != arrivals {
                break;
            }
        }
        Went::Some
    }
}

impl Shared {
    /// What came for an outside client; while nothing did, a little happens. None when nothing happens any more.
    pub(super) fn poll_seat(
        &self,
        client: usize,
        waiting: Awaited,
        context: &Context<'_>,
    ) -> Poll<Option<Came>> {
        if let Some(came) = self.gateway.next(client, context.waker()) {
            return Poll::Ready(Some(came));
        }
        let mut state = self.state();
        if state.violation.is_some() {
            return Poll::Ready(None);
        }
        if state.is_paced {
            return Poll::Pending;
        }
        let may_go_on = |state: &State| match waiting {
            Awaited::Answer => true,
            Awaited::Events => state.testbed.is_moving(),
        };
        let went = state.go(Mono(u64::MAX), &self.gateway, may_go_on);
        let is_over = state.violation.is_some();
        drop(state);
        match self.gateway.next(client, context.waker()) {
            Some(came) => Poll::Ready(Some(came)),
            None if is_over => Poll::Ready(None),
            None => {
                if went == Went::Some {
                    context.waker().wake_by_ref();
                }
                Poll::Pending
            }
        }
    }
}

fn plus(from: Mono, time: Duration) -> Mono {
    Mono(from.0.saturating_add(u64::try_from(time.as_micros()).unwrap_or(u64::MAX)))
}
