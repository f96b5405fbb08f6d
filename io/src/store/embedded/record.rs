//! Log records: they describe resulting changes, encoded as bytes.
//!
//! A record is a tag followed by numbers (little-endian base-128) and byte strings (with their length first). A
//! record describes the result (keys with values and revisions) and not the operation, so that a replay decides
//! nothing.

use bytes::Bytes;
use steersman_core::store::{Event, EventType, KeyValue, LeaseId, Rev};

/// One durable change of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Record {
    /// All changes of one revision, without the previous key-values.
    Changes {
        revision: Rev,
        events: Vec<Event>,
    },
    Compact(Rev),
    LeaseGrant {
        id: LeaseId,
        ttl_seconds: i64,
    },
    /// A lease ended. Its keys were deleted by a `Changes` in the same batch.
    LeaseRevoke(LeaseId),
    /// The first record of a snapshot, with its revision.
    Snapshot(Rev),
    /// A key-value of a snapshot.
    Live(KeyValue),
    /// The last record of a snapshot, with the number of records before it.
    SnapshotEnd {
        records: u64,
    },
    /// The last record of a finished log file, with the batch that the next file begins with.
    Sealed {
        next_sequence: u64,
    },
}

const CHANGES: u8 = 1;
const COMPACT: u8 = 2;
const LEASE_GRANT: u8 = 3;
const LEASE_REVOKE: u8 = 4;
const SNAPSHOT: u8 = 5;
const LIVE: u8 = 6;
const SNAPSHOT_END: u8 = 7;
const SEALED: u8 = 8;

const PUT: u8 = 1;
const DELETE: u8 = 2;

impl Record {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Changes { revision, events } => encode_changes(out, *revision, events),
            Self::Compact(revision) => {
                out.push(COMPACT);
                put_number(out, revision.0);
            }
            Self::LeaseGrant { id, ttl_seconds } => {
                out.push(LEASE_GRANT);
                put_number(out, id.0.cast_unsigned());
                put_number(out, ttl_seconds.cast_unsigned());
            }
            Self::LeaseRevoke(id) => {
                out.push(LEASE_REVOKE);
                put_number(out, id.0.cast_unsigned());
            }
            Self::Snapshot(revision) => {
                out.push(SNAPSHOT);
                put_number(out, revision.0);
            }
            Self::Live(kv) => {
                out.push(LIVE);
                put_number(out, kv.mod_revision.0);
                put_key_value(out, kv);
            }
            Self::SnapshotEnd { records } => {
                out.push(SNAPSHOT_END);
                put_number(out, *records);
            }
            Self::Sealed { next_sequence } => {
                out.push(SEALED);
                put_number(out, *next_sequence);
            }
        }
    }
}

/// Encodes a `Record::Changes` from borrowed events.
pub(super) fn encode_changes(out: &mut Vec<u8>, revision: Rev, events: &[Event]) {
    out.push(CHANGES);
    put_number(out, revision.0);
    put_number(out, events.len() as u64);
    for event in events {
        match event.kind {
            EventType::Put => {
                out.push(PUT);
                put_key_value(out, &event.kv);
            }
            EventType::Delete => {
                out.push(DELETE);
                put_bytes(out, &event.kv.key);
            }
        }
    }
}

/// Takes the next record from the front of a payload; None at its end. Keys and values are copied, so that they do
/// not keep the payload in memory.
pub(super) fn decode(payload: &mut &[u8]) -> Result<Option<Record>, &'static str> {
    let Some((tag, rest)) = payload.split_first() else { return Ok(None) };
    *payload = rest;
    let record = match *tag {
        CHANGES => {
            let revision = Rev(number(payload)?);
            let count = number(payload)?;
            let mut events = Vec::new();
            for _ in 0..count {
                events.push(event(payload, revision)?);
            }
            Record::Changes { revision, events }
        }
        COMPACT => Record::Compact(Rev(number(payload)?)),
        LEASE_GRANT => {
            Record::LeaseGrant { id: lease(payload)?, ttl_seconds: number(payload)?.cast_signed() }
        }
        LEASE_REVOKE => Record::LeaseRevoke(lease(payload)?),
        SNAPSHOT => Record::Snapshot(Rev(number(payload)?)),
        LIVE => {
            let modified = Rev(number(payload)?);
            Record::Live(key_value(payload, modified)?)
        }
        SNAPSHOT_END => Record::SnapshotEnd { records: number(payload)? },
        SEALED => Record::Sealed { next_sequence: number(payload)? },
        _ => return Err("a record of an unknown type"),
    };
    Ok(Some(record))
}

/// Whether a payload is only the seal of a finished file.
pub(super) fn is_seal(payload: &[u8]) -> bool {
    payload.first() == Some(&SEALED)
}

fn event(payload: &mut &[u8], revision: Rev) -> Result<Event, &'static str> {
    let (tag, rest) = payload.split_first().ok_or("a record that breaks off")?;
    *payload = rest;
    let (kind, kv) = match *tag {
        PUT => (EventType::Put, key_value(payload, revision)?),
        DELETE => {
            let key = Bytes::copy_from_slice(bytes(payload)?);
            (EventType::Delete, KeyValue { key, mod_revision: revision, ..KeyValue::default() })
        }
        _ => return Err("a change of an unknown type"),
    };
    Ok(Event { kind, kv, previous: None })
}

fn key_value(payload: &mut &[u8], mod_revision: Rev) -> Result<KeyValue, &'static str> {
    let key = Bytes::copy_from_slice(bytes(payload)?);
    let create_revision = Rev(number(payload)?);
    let version = number(payload)?;
    let lease = lease(payload)?;
    let value = Bytes::copy_from_slice(bytes(payload)?);
    Ok(KeyValue { key, value, create_revision, mod_revision, version, lease })
}

fn lease(payload: &mut &[u8]) -> Result<LeaseId, &'static str> {
    Ok(LeaseId(number(payload)?.cast_signed()))
}

/// Encodes a key-value without the revision of its change, which the record holds once.
fn put_key_value(out: &mut Vec<u8>, kv: &KeyValue) {
    put_bytes(out, &kv.key);
    put_number(out, kv.create_revision.0);
    put_number(out, kv.version);
    put_number(out, kv.lease.0.cast_unsigned());
    put_bytes(out, &kv.value);
}

fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_number(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn number(payload: &mut &[u8]) -> Result<u64, &'static str> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = payload.split_first().ok_or("a number that breaks off")?;
        *payload = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err("a number that is too long")
}

fn bytes<'a>(payload: &mut &'a [u8]) -> Result<&'a [u8], &'static str> {
    let length = usize::try_from(number(payload)?).map_err(|_| "a length that is too large")?;
    let (bytes, rest) = payload.split_at_checked(length).ok_or("a byte string that breaks off")?;
    *payload = rest;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_event() -> impl Strategy<Value = Event> {
        let bytes = || prop::collection::vec(any::<u8>(), 0..40).prop_map(Bytes::from);
        (any::<bool>(), bytes(), bytes(), any::<u64>(), any::<u64>(), any::<i64>()).prop_map(
            |(put, key, value, create, version, lease)| {
                let mod_revision = Rev(9);
                let kv = KeyValue { key, mod_revision, ..KeyValue::default() };
                if !put {
                    return Event { kind: EventType::Delete, kv, previous: None };
                }
                let kv =
                    KeyValue { value, create_revision: Rev(create), version, lease: LeaseId(lease), ..kv };
                Event { kind: EventType::Put, kv, previous: None }
            },
        )
    }

    fn any_record() -> impl Strategy<Value = Record> {
        prop_oneof![
            prop::collection::vec(any_event(), 0..5)
                .prop_map(|events| Record::Changes { revision: Rev(9), events }),
            any::<u64>().prop_map(|revision| Record::Compact(Rev(revision))),
            (any::<i64>(), any::<i64>())
                .prop_map(|(id, ttl_seconds)| Record::LeaseGrant { id: LeaseId(id), ttl_seconds }),
            any::<i64>().prop_map(|id| Record::LeaseRevoke(LeaseId(id))),
            any::<u64>().prop_map(|revision| Record::Snapshot(Rev(revision))),
            any_event().prop_map(|event| Record::Live(event.kv)),
            any::<u64>().prop_map(|records| Record::SnapshotEnd { records }),
            any::<u64>().prop_map(|next_sequence| Record::Sealed { next_sequence }),
        ]
    }

    proptest! {
        #[test]
        fn records_read_back(records in prop::collection::vec(any_record(), 0..6)) {
            let mut payload = Vec::new();
            records.iter().for_each(|record| record.encode(&mut payload));
            let mut rest = payload.as_slice();
            let decoded: Vec<Record> = std::iter::from_fn(|| decode(&mut rest).expect("whole")).collect();
            prop_assert_eq!(decoded, records);
        }

        #[test]
        fn any_bytes_are_records_or_an_error(payload in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut rest = payload.as_slice();
            while let Ok(Some(_)) = decode(&mut rest) {}
        }
    }
}
