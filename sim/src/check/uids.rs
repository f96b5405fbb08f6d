//! No two objects ever have the same uid.

use super::{Guarantee, Violation, shown};
use crate::truth::CommittedChange;
use bytes::Bytes;
use std::collections::BTreeMap;
use steersman_core::store::Rev;
use steersman_core::value::{Text, object};

/// Every uid that was ever stored, with the key and revision of its first use.
#[derive(Clone, Debug, Default)]
pub struct Uids {
    seen: BTreeMap<Text, (Bytes, Rev)>,
}

impl Uids {
    /// Notes a change of the store.
    ///
    /// # Errors
    /// When a new object has a uid that was used before, or an object's uid changes.
    pub fn note(&mut self, change: &CommittedChange) -> Result<(), Violation> {
        let Some(new) = change.new.as_ref().filter(|new| new.is_readable()) else { return Ok(()) };
        let uid = object::uid(&new.object);
        let broken = |why: String| {
            let detail = format!("{} at {}: {why}", shown(&change.key), change.revision.0);
            Err(Violation::new(Guarantee::UidsAreUnique, detail))
        };
        if let Some(old) = &change.old {
            let held = object::uid(&old.object);
            return if held == uid { Ok(()) } else { broken(format!("{held} became {uid}")) };
        }
        // What upstream stores of the allocated ports is no object that a client made, and has no uid.
        if change.key.starts_with(b"/registry/ranges/") {
            return Ok(());
        }
        if uid.is_empty() {
            return broken("it has no uid".to_owned());
        }
        match self.seen.insert(uid.into(), (change.key.clone(), change.revision)) {
            None => Ok(()),
            Some((key, since)) => broken(format!("{uid} was {} at {} already", shown(&key), since.0)),
        }
    }
}
