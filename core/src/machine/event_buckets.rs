//! The buckets of tokens that writes of events take from (`admission/event_rate_limit.rs`).
//! k8s: plugin/pkg/admission/eventratelimit/{limitenforcer,cache}.go, vendor/golang.org/x/time/rate/rate.go

use super::{Effect, Machine};
use crate::config::{EventLimit, JobId};
use crate::job::{Answer, Job};
use crate::now::{Mono, Now};
use crate::value::Text;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// Millionths of a token.
const TOKEN: i64 = 1_000_000;

/// The buckets of each limit, in the order of the configuration.
#[derive(Debug, Default)]
pub(super) struct EventBuckets(Vec<Buckets>);

/// The buckets of one limit, as many as it allows: the one that was not used for longest makes room for another.
#[derive(Debug, Default)]
struct Buckets {
    by_key: BTreeMap<Text, Bucket>,
    by_use: BTreeMap<u64, Text>,
    uses: u64,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// Millionths of tokens at the time.
    tokens: i64,
    at: Mono,
    used: u64,
}

impl EventBuckets {
    /// Takes a token for each limit from the bucket with the key for it. Whether there was one.
    fn take(&mut self, limits: &[EventLimit], keys: Vec<Text>, now: Mono) -> Vec<bool> {
        self.0.resize_with(limits.len(), Buckets::default);
        let taken =
            |((limit, key), buckets): ((&EventLimit, Text), &mut Buckets)| buckets.take(limit, key, now);
        limits.iter().zip(keys).zip(&mut self.0).map(taken).collect()
    }
}

impl Buckets {
    fn take(&mut self, limit: &EventLimit, key: Text, now: Mono) -> bool {
        let burst = i64::from(limit.burst).saturating_mul(TOKEN);
        self.uses += 1;
        let held = self.by_key.get(&key).copied();
        if let Some(held) = held {
            self.by_use.remove(&held.used);
        }
        let held = held.unwrap_or(Bucket { tokens: burst, at: now, used: self.uses });
        let passed = i64::try_from(now.micros_since(held.at)).unwrap_or(i64::MAX);
        let tokens = held.tokens.saturating_add(passed.saturating_mul(i64::from(limit.qps))).min(burst);
        let takes = tokens >= TOKEN;
        let tokens = if takes { tokens - TOKEN } else { tokens };
        self.by_key.insert(key.clone(), Bucket { tokens, at: now, used: self.uses });
        self.by_use.insert(self.uses, key);
        if self.by_key.len() > limit.buckets()
            && let Some((_, oldest)) = self.by_use.pop_first()
        {
            self.by_key.remove(&oldest);
        }
        takes
    }
}

impl Machine {
    /// Resumes a job with the tokens that it could take.
    pub(super) fn ask_tokens(
        &mut self,
        id: JobId,
        job: Job,
        keys: Vec<Text>,
        now: Now,
        out: &mut Vec<Effect>,
    ) {
        let config = self.config.clone();
        let taken = self.event_buckets.take(&config.admission.plugins.event_limits, keys, now.mono);
        self.run(id, job, Answer::Taken(taken), now, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::EventLimitType;
    use alloc::vec;

    #[test]
    fn tokens_come_back_with_time_and_old_buckets_make_room() {
        let limit = EventLimit { kind: EventLimitType::Namespace, qps: 2, burst: 3, cache_size: 2 };
        let mut buckets = EventBuckets::default();
        let mut take = |key: &str, millis: u64| {
            let keys = vec![Text::from(key)];
            buckets.take(core::slice::from_ref(&limit), keys, Mono(millis * 1000)) == [true]
        };
        assert!(take("a", 0) && take("a", 0) && take("a", 0));
        assert!(!take("a", 0) && !take("a", 400), "three at once, and two a second");
        assert!(take("a", 500) && !take("a", 500));
        assert!(take("b", 500), "another bucket is full");
        assert!(take("c", 500), "the bucket that was not used for longest goes");
        assert!(take("a", 500), "and is full when it comes again");
        assert!(take("a", 60_000) && take("a", 60_000) && take("a", 60_000) && !take("a", 60_000));
    }
}
