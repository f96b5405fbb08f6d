//! Effects as lines of text. A replay shows them, and two runs are compared by them.

use alloc::string::String;

use super::write::Line;
use crate::answer::{Body, Dial, DialGoal, MetricsPage, Response};
use crate::machine::Effect;
use crate::store::{Compare, Condition, Op, Put, Range, Txn, TxnOp};

/// Appends the effect's line, without the line end. A body that is rendered while it is sent is written as its length
/// and digest.
pub fn write_effect(effect: &Effect, out: &mut String) {
    let mut line = Line { out };
    match effect {
        Effect::Run(task) => line.word("run").number(task.id.0).number(task.sees().0),
        Effect::Store(id, feed, op) => line.word("store").number(id.0).number(feed.0).op(op),
        Effect::Sign(id, text) => line.word("sign").number(id.0).bytes(text),
        Effect::Verify(id, token) => {
            line.word("verify").number(id.0).word(token.algorithm.name()).number(token.keys.len());
            line.text(&token.token)
        }
        Effect::Call(id, index, call) => line.word("call").number(id.0).number(index).outcall(call),
        Effect::Dial(id, dial) => line.word("dial").number(id.0).dial(dial),
        Effect::CancelCalls(id) => line.word("cancel").number(id.0),
        Effect::Body(id) => line.word("body").number(id.0),
        Effect::Respond(id, response) => line.word("respond").number(id.0).response(response),
        Effect::Frame { to, frame } => {
            line.word("frame").number(to.len());
            for id in to {
                line.number(id.0);
            }
            line.bytes(&frame.render())
        }
        Effect::Decode(page) => line.word("decode").number(page.id.0).number(page.kvs.len()),
        Effect::Discard(discarded) => line.word("discard").number(discarded.count()),
        Effect::Close(id) => line.word("close").number(id.0),
        Effect::Follow { feed, prefix, after } => {
            line.word("follow").number(feed.0).bytes(prefix).number(after.0)
        }
        Effect::RequestProgress(feed) => line.word("progress").number(feed.0),
        Effect::Note(note) => line.word("note").text(&alloc::format!("{note:?}")),
    };
}

/// A digest of 64 bits (FNV-1a where it is made byte by byte). It tells runs apart and is no protection against
/// forgery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest(pub u64);

impl Default for Digest {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Digest {
    pub fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    /// Adds a number in one step.
    pub fn add_number(&mut self, number: u64) {
        // The rotation moves the product's high bits, which are the well mixed ones, to where the next number is
        // combined with them.
        self.0 = (self.0.rotate_left(29) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    /// Adds bytes eight at a time, and their length. This is several times as fast as `add` and gives another digest.
    pub fn add_long(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.add_number(u64::from_le_bytes(*word));
        }
        let last = rest.iter().rev().fold(0, |last, byte| last << 8 | u64::from(*byte));
        self.add_number(last);
        self.add_number(bytes.len() as u64);
    }
}

fn page_word(page: MetricsPage) -> &'static str {
    match page {
        MetricsPage::General => "general",
        MetricsPage::HealthChecks => "health-checks",
    }
}

impl Line<'_> {
    fn response(&mut self, response: &Response) -> &mut Self {
        self.number(response.status).number(response.headers.len());
        for (name, value) in &response.headers {
            self.text(name).text(value);
        }
        match &response.body {
            Body::Empty => self.word("empty"),
            Body::Full(bytes) => self.word("full").bytes(bytes),
            Body::Health(bytes, results) => {
                self.word("health").bytes(bytes).text(results.probe);
                self.number(results.passed.len()).number(results.failed.len())
            }
            Body::Metrics(page) => self.word("metrics").word(page_word(*page)),
            Body::MetricsReset(page) => self.word("metrics-reset").word(page_word(*page)),
            Body::List(list) => {
                let mut list = list.clone();
                self.word("list").rendered(core::iter::from_fn(|| list.next_chunk()))
            }
            Body::Stream(events) => {
                let mut events = events.clone();
                self.word("stream").rendered(core::iter::from_fn(|| events.next_chunk()))
            }
            Body::Tunnel(_) => self.word("tunnel"),
            Body::Relay(_) => self.word("relay"),
        }
    }

    fn dial(&mut self, dial: &Dial) -> &mut Self {
        self.word(match dial.goal() {
            DialGoal::Tunnel => "tunnel",
            DialGoal::Relay => "relay",
            DialGoal::Download => "download",
        });
        self.word(if dial.is_plain() { "plain" } else { "tls" });
        self.word(if dial.is_global() { "global" } else { "anywhere" }).outcall(dial.call())
    }

    fn rendered(&mut self, chunks: impl Iterator<Item = bytes::Bytes>) -> &mut Self {
        let mut digest = Digest::default();
        let mut len = 0;
        for chunk in chunks {
            digest.add(&chunk);
            len += chunk.len();
        }
        self.number(len).number(digest.0)
    }

    fn op(&mut self, op: &Op) -> &mut Self {
        match op {
            Op::Range(range) => self.word("range").range(range),
            Op::Txn(txn) => self.word("txn").txn(txn),
            Op::Compact(revision) => self.word("compact").number(revision.0),
            Op::LeaseGrant { ttl_seconds } => self.word("grant").number(*ttl_seconds),
            Op::LeaseRevoke(id) => self.word("revoke").number(id.0),
        }
    }

    fn range(&mut self, range: &Range) -> &mut Self {
        self.bytes(&range.key).end(range.end.as_deref()).number(range.revision.0).number(range.limit);
        self.number(u8::from(range.keys_only)).number(u8::from(range.count_only))
    }

    fn end(&mut self, end: Option<&[u8]>) -> &mut Self {
        match end {
            None => self.word("one"),
            Some(end) => self.word("to").bytes(end),
        }
    }

    fn txn(&mut self, txn: &Txn) -> &mut Self {
        self.number(txn.compare.len());
        for compare in &txn.compare {
            self.compare(compare);
        }
        self.branch(&txn.then).branch(&txn.otherwise)
    }

    fn compare(&mut self, compare: &Compare) -> &mut Self {
        self.bytes(&compare.key);
        match &compare.condition {
            Condition::ModRevisionEquals(revision) => self.word("mod=").number(revision.0),
            Condition::ModRevisionGreater(revision) => self.word("mod>").number(revision.0),
            Condition::ModRevisionLess(revision) => self.word("mod<").number(revision.0),
            Condition::CreateRevisionEquals(revision) => self.word("create=").number(revision.0),
            Condition::VersionEquals(version) => self.word("version=").number(*version),
            Condition::VersionGreater(version) => self.word("version>").number(*version),
            Condition::VersionLess(version) => self.word("version<").number(*version),
            Condition::ValueEquals(value) => self.word("value=").bytes(value),
        }
    }

    fn branch(&mut self, ops: &[TxnOp]) -> &mut Self {
        self.number(ops.len());
        for op in ops {
            match op {
                TxnOp::Range(range) => self.word("range").range(range),
                TxnOp::Put(Put { key, value, lease }) => {
                    self.word("put").bytes(key).bytes(value).number(lease.0)
                }
                TxnOp::Delete { key, end } => self.word("delete").bytes(key).end(end.as_deref()),
            };
        }
        self
    }
}
