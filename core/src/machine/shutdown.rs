//! Shutdown in two phases. The server first reports that it is not ready, and serves as before, so that load
//! balancers can move clients away. Then it refuses new requests and ends its watches some at a time, so that their
//! clients do not all reconnect to another server at once.
//! k8s: staging/src/k8s.io/apiserver/pkg/server/genericapiserver.go RunWithContext, server/filters/waitgroup.go

use super::timers::Timer;
use super::{Effect, Machine};
use crate::answer::Response;
use crate::config::JobId;
use crate::job::Call;
use crate::limits;
use crate::museum::Mutant;
use crate::now::Now;
use crate::status::Failure;
use crate::wire::Request;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// How the server drains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Drain {
    /// `--shutdown-watch-termination-grace-period`: the time over which the ends of watches are spread. 0 ends them
    /// as fast as the bounds allow.
    pub watch_grace_millis: u64,
    /// `--shutdown-send-retry-after`: refused requests are told to retry, with a `Retry-After` header.
    pub sends_retry_after: bool,
}

/// The state of a drain that is under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draining {
    sends_retry_after: bool,
    /// How many watches are ended at each tick.
    batch: usize,
}

/// Paths that are served until the process ends: probes and metrics must still see the server while it drains.
/// k8s: staging/src/k8s.io/apiserver/pkg/server/filters/with_retry_after.go pathPrefixesExemptFromRetryAfter
const SERVED_TO_THE_END: [&str; 4] = ["/readyz", "/livez", "/healthz", "/metrics"];

impl Machine {
    /// The first phase begins: `/readyz` fails from here on, and everything else is served as before.
    pub(super) fn shutdown_initiated(&mut self, now: Now, out: &mut Vec<Effect>) {
        if !self.world.draining {
            Arc::make_mut(&mut self.world).draining = true;
            self.leave(now, out);
        }
    }

    /// How many watches are open.
    pub fn open_watches(&self) -> usize {
        self.hub.len()
    }

    pub(super) fn drain(&mut self, drain: Drain, now: Now, out: &mut Vec<Effect>) {
        self.shutdown_initiated(now, out);
        let batch = batch(self.hub.len(), drain.watch_grace_millis);
        self.draining = Some(Draining { sends_retry_after: drain.sends_retry_after, batch });
        self.drain_some(now, out);
    }

    /// Ends the next batch of watches and as many tunnels, and sets a timer while more are open.
    pub(super) fn drain_some(&mut self, now: Now, out: &mut Vec<Effect>) {
        let Some(draining) = self.draining else { return };
        let batch = if self.config.flaw.is(Mutant::DrainLeavesWatches) { 0 } else { draining.batch };
        let next: Vec<JobId> = self.hub.ids().take(batch).collect();
        for id in next {
            self.end_watch(id, "the server is shutting down", now, out);
        }
        let tunnels_left = self.close_tunnels(draining.batch, now, out);
        if self.hub.len() + tunnels_left > 0 {
            let at = now.mono.plus_millis(limits::DRAIN_TICK_MILLIS);
            self.timers.set(at, Timer::Drain);
        }
    }

    /// The response to a request that arrives while the server drains; None when the request is served.
    pub(super) fn turned_away(&self, call: &Call, request: &Request) -> Option<Response> {
        let draining = self.draining?;
        if SERVED_TO_THE_END.iter().any(|prefix| request.path.starts_with(prefix)) {
            return None;
        }
        let response = if draining.sends_retry_after {
            let text = "The apiserver is shutting down, please try again later.\n";
            Response::text(429, text).with_header("retry-after", "5").with_header("connection", "close")
        } else {
            let failure = Failure::service_unavailable("apiserver is shutting down");
            call.failure(&self.world, &failure).with_header("retry-after", "1")
        };
        Some(response.with_header("x-content-type-options", "nosniff"))
    }
}

/// How many watches to end at each tick, so that all have ended when the grace period is over, but never fewer than
/// the lowest rate allows.
fn batch(watches: usize, grace_millis: u64) -> usize {
    let watches = u64::try_from(watches).unwrap_or(u64::MAX);
    let wanted = watches.saturating_mul(1000).checked_div(grace_millis).unwrap_or(0);
    let per_second = wanted.max(limits::DRAINED_WATCHES_PER_SECOND_MIN);
    let batch = per_second.saturating_mul(limits::DRAIN_TICK_MILLIS).div_ceil(1000);
    usize::try_from(batch).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::batch;

    #[test]
    fn watches_end_within_the_grace_period_and_at_the_lowest_rate_or_faster() {
        let cases = [(10, 60_000, 10), (10, 0, 10), (60_000, 60_000, 50), (60_000, 1_000, 3_000), (1, 1, 50)];
        for (watches, grace_millis, expected) in cases {
            assert_eq!(batch(watches, grace_millis), expected, "{watches} watches in {grace_millis} ms");
        }
    }
}
