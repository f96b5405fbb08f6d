//! Assembles the messages of a watch into batches of whole revisions, with each event once.

use super::answer;
use bytes::Bytes;
use etcd_client::proto::{PbEvent, PbWatchResponse};
use steersman_core::limits;
use steersman_core::store::{Event, Rev};
use steersman_core::value::Text;

/// What a watch has delivered so far, over all of its connections.
#[derive(Debug)]
pub(super) struct Assembler {
    /// Every change up to this revision came over the watch, which resumes after it.
    proven: Rev,
    /// The sink was told that nothing is missing up to this revision. It exceeds `proven` only by
    /// [`Assembler::claim`].
    told: Rev,
    /// The events of a response whose last fragment has not come.
    fragments: Vec<Event>,
}

/// What a message means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Assembled {
    /// There is nothing to deliver, or not yet.
    Nothing,
    Created,
    /// To be delivered: the events, if any, and the revision up to which nothing is missing.
    Changed {
        events: Vec<Event>,
        revision: Rev,
    },
    /// The watch missed changes: the feed must be listed again.
    Compacted {
        compact_revision: Rev,
    },
    /// The watch ended and can be resumed.
    Broken(Text),
}

impl Assembler {
    pub(super) fn new(after: Rev) -> Self {
        Self { proven: after, told: after, fragments: Vec::new() }
    }

    /// A new connection begins. Fragments of an incomplete response are dropped, since they come again.
    pub(super) fn restart(&mut self) -> Rev {
        self.fragments = Vec::new();
        Rev(self.proven.0.saturating_add(1))
    }

    pub(super) fn proven(&self) -> Rev {
        self.proven
    }

    pub(super) fn told(&self) -> Rev {
        self.told
    }

    /// Notes that, according to a source other than the watch, there are no changes up to the revision. If the watch
    /// brings one after all, the feed is listed again.
    pub(super) fn claim(&mut self, revision: Rev) -> bool {
        let newer = self.fragments.is_empty() && revision > self.told;
        if newer {
            self.told = revision;
        }
        newer
    }

    pub(super) fn take(&mut self, response: PbWatchResponse) -> Assembled {
        if response.canceled {
            return match response.compact_revision {
                0 => Assembled::Broken(Text::from(response.cancel_reason)),
                revision => Assembled::Compacted { compact_revision: Rev(answer::unsigned(revision)) },
            };
        }
        if response.created {
            return Assembled::Created;
        }
        if response.events.is_empty() && !response.fragment && self.fragments.is_empty() {
            return self.progress(answer::revision(response.header.as_ref()));
        }
        self.events(response.events, response.fragment)
    }

    /// Notes that every later event of this watch has a higher revision.
    fn progress(&mut self, revision: Rev) -> Assembled {
        self.proven = self.proven.max(revision);
        if revision <= self.told {
            return Assembled::Nothing;
        }
        self.told = revision;
        Assembled::Changed { events: Vec::new(), revision }
    }

    /// Adds the events of a response. With all its fragments, a response holds whole revisions. The revision in its
    /// header is the store's, so while a watch catches up more events may follow below it.
    /// etcd: server/storage/mvcc/watcher_group.go
    fn events(&mut self, events: Vec<PbEvent>, incomplete: bool) -> Assembled {
        for event in events {
            let Some(event) = answer::event(event) else {
                return Assembled::Broken("an event that is not understood".into());
            };
            // Some releases repeat old events on a watch that starts at a revision which its member has not reached.
            if event.kv.mod_revision > self.proven {
                self.fragments.push(event);
            }
        }
        if self.fragments.len() > limits::ETCD_REVISION_EVENTS {
            return Assembled::Compacted { compact_revision: self.proven };
        }
        if incomplete {
            return Assembled::Nothing;
        }
        let events = std::mem::take(&mut self.fragments);
        let (Some(first), Some(last)) = (events.first(), events.last()) else { return Assembled::Nothing };
        if first.kv.mod_revision <= self.told {
            return Assembled::Compacted { compact_revision: self.told };
        }
        let revision = last.kv.mod_revision;
        self.proven = revision;
        self.told = revision;
        Assembled::Changed { events, revision }
    }
}

/// Whether a changed key, or range of keys, overlaps a prefix.
pub(super) fn concerns(prefix: &Bytes, key: &Bytes, end: Option<&Bytes>) -> bool {
    match end {
        None => key.starts_with(prefix),
        // A range that overlaps partly counts as overlapping.
        Some(end) => key.starts_with(prefix) || (key < prefix && (end > prefix || end.as_ref() == [0])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use etcd_client::proto::{PbKeyValue, PbResponseHeader};

    fn put(revision: i64) -> PbEvent {
        let kv = PbKeyValue {
            key: b"k".to_vec(),
            create_revision: revision,
            mod_revision: revision,
            version: 1,
            value: Vec::new(),
            lease: 0,
        };
        PbEvent { r#type: 0, kv: Some(kv), prev_kv: None }
    }

    fn response(header: i64, revisions: &[i64], fragment: bool) -> PbWatchResponse {
        PbWatchResponse {
            header: Some(PbResponseHeader { revision: header, ..PbResponseHeader::default() }),
            events: revisions.iter().map(|revision| put(*revision)).collect(),
            fragment,
            ..PbWatchResponse::default()
        }
    }

    /// The revisions of a batch's events, and the batch's own revision.
    fn batch(assembled: Assembled) -> (Vec<u64>, u64) {
        match assembled {
            Assembled::Changed { events, revision } => {
                (events.iter().map(|event| event.kv.mod_revision.0).collect(), revision.0)
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn fragments_are_put_together() {
        let mut assembler = Assembler::new(Rev(4));
        assert_eq!(assembler.restart(), Rev(5));
        assert_eq!(assembler.take(response(9, &[5, 6], true)), Assembled::Nothing);
        assert_eq!(assembler.take(response(9, &[6], true)), Assembled::Nothing);
        assert_eq!(batch(assembler.take(response(9, &[6], false))), (vec![5, 6, 6, 6], 6));
        assert_eq!(assembler.take(response(9, &[7], true)), Assembled::Nothing);
        assert_eq!(assembler.restart(), Rev(7));
        assert_eq!(batch(assembler.take(response(9, &[7, 7], false))), (vec![7, 7], 7));
    }

    #[test]
    fn nothing_is_delivered_twice() {
        let mut assembler = Assembler::new(Rev(4));
        assert_eq!(batch(assembler.take(response(9, &[4, 5], false))), (vec![5], 5));
        assert_eq!(assembler.take(response(9, &[5], false)), Assembled::Nothing);
        assert_eq!(batch(assembler.take(response(8, &[], false))), (vec![], 8));
        assert_eq!(assembler.take(response(7, &[], false)), Assembled::Nothing);
        assert_eq!(assembler.restart(), Rev(9));
    }

    #[test]
    fn a_wrong_claim_is_detected() {
        let mut assembler = Assembler::new(Rev(4));
        assert!(assembler.claim(Rev(8)) && !assembler.claim(Rev(8)));
        assert_eq!(assembler.restart(), Rev(5), "the watch goes on from what it has delivered itself");
        assert_eq!(
            assembler.take(response(9, &[7], false)),
            Assembled::Compacted { compact_revision: Rev(8) }
        );
        let mut assembler = Assembler::new(Rev(4));
        assert!(assembler.claim(Rev(8)));
        assert_eq!(batch(assembler.take(response(9, &[9], false))), (vec![9], 9));
    }

    #[test]
    fn watches_end_for_a_reason() {
        let mut assembler = Assembler::new(Rev(4));
        let compacted = PbWatchResponse { canceled: true, compact_revision: 7, ..PbWatchResponse::default() };
        assert_eq!(assembler.take(compacted), Assembled::Compacted { compact_revision: Rev(7) });
        let cancel_reason = "etcdserver: permission denied".to_owned();
        let broken = PbWatchResponse { canceled: true, cancel_reason, ..PbWatchResponse::default() };
        assert_eq!(assembler.take(broken), Assembled::Broken("etcdserver: permission denied".into()));
    }
}
