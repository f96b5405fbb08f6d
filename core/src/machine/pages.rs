//! Reading all that a prefix holds, page by page.

use super::Effect;
use crate::config::JobId;
use crate::store::key::{after, prefix_end};
use crate::store::{Feed, KeyValue, Op, Range, Ranged, Rev, Stored};
use crate::value::Text;
use alloc::vec::Vec;
use bytes::Bytes;

/// A listing of a prefix, page by page; all pages are of one revision.
#[derive(Debug)]
pub(crate) struct Pages {
    feed: Feed,
    prefix: Bytes,
    /// How many key-values one page asks for.
    page_limit: u64,
    /// 0 before the first page.
    revision: Rev,
    next: Bytes,
    found: Vec<KeyValue>,
}

/// What a page of a listing leads to.
#[derive(Debug)]
pub(crate) enum PageRead {
    More,
    /// All that the prefix holds as of one revision.
    Complete {
        revision: Rev,
        found: Vec<KeyValue>,
    },
    /// Try again after a pause.
    Failed(Text),
}

impl Pages {
    /// `prefix` ends in a slash.
    pub(crate) fn new(feed: Feed, prefix: Bytes, page_limit: u64) -> Self {
        Self { feed, next: prefix.clone(), prefix, page_limit, revision: Rev(0), found: Vec::new() }
    }

    pub(crate) fn prefix(&self) -> &Bytes {
        &self.prefix
    }

    /// Asks for the first page; `id` names all operations of the listing.
    pub(crate) fn begin(&mut self, id: JobId, out: &mut Vec<Effect>) {
        self.revision = Rev(0);
        self.next = self.prefix.clone();
        self.found = Vec::new();
        self.ask(id, out);
    }

    fn ask(&self, id: JobId, out: &mut Vec<Effect>) {
        let op = page_from(&self.prefix, &self.next, self.revision, self.page_limit);
        out.push(Effect::Store(id, self.feed, op));
    }

    /// Takes a page and asks for the next one, if there is one.
    pub(crate) fn take(&mut self, id: JobId, stored: Stored, out: &mut Vec<Effect>) -> PageRead {
        let ranged = match page_of(stored) {
            Ok(ranged) => ranged,
            Err(why) => return PageRead::Failed(why),
        };
        if self.revision == Rev(0) {
            self.revision = ranged.revision;
        }
        let page_len = ranged.kvs.len() as u64;
        if let Some(last) = ranged.kvs.last() {
            self.next = after(&last.key);
        }
        self.found.extend(ranged.kvs);
        if page_len == self.page_limit {
            self.ask(id, out);
            return PageRead::More;
        }
        PageRead::Complete { revision: self.revision, found: core::mem::take(&mut self.found) }
    }
}

/// The operation that reads a page of what lies below a prefix, from a key on; revision 0 is the newest.
pub(crate) fn page_from(prefix: &[u8], from: &Bytes, revision: Rev, limit: u64) -> Op {
    Op::Range(Range { key: from.clone(), end: prefix_end(prefix), revision, limit, ..Range::default() })
}

/// The page in the store's answer.
///
/// # Errors
/// Why it is none.
pub(crate) fn page_of(stored: Stored) -> Result<Ranged, Text> {
    match stored {
        Stored::Ranged(ranged) => Ok(ranged),
        Stored::Failed(error) => Err(Text::from(alloc::format!("{error:?}"))),
        Stored::Unknown(why) => Err(why),
        Stored::Txn(_) | Stored::Compacted | Stored::Leased { .. } | Stored::Revoked => {
            Err("the store answered a range with something else".into())
        }
    }
}
