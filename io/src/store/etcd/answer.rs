//! Converts etcd's answers to the core's types.

use bytes::Bytes;
use etcd_client::proto::{PbEvent, PbKeyValue, PbRangeResponse, PbResponseHeader, PbTxnOpResponse};
use etcd_client::{GetResponse, LeaseGrantResponse, TxnResponse};
use steersman_core::store::{Event, EventType, KeyValue, LeaseId, Ranged, Rev, Stored, TxnReply, TxnReplyOp};

pub(super) fn ranged(response: GetResponse) -> Ranged {
    of_range(response.0)
}

/// Converts a transaction's reply. If the reply of an operation is missing, the whole result is unknown: the
/// transaction happened, but what it read is lost.
pub(super) fn txn(response: TxnResponse) -> Stored {
    let response = response.0;
    let reply = |op: etcd_client::proto::PbResponseOp| match op.response? {
        PbTxnOpResponse::ResponseRange(range) => Some(TxnReplyOp::Range(of_range(range))),
        PbTxnOpResponse::ResponsePut(_) => Some(TxnReplyOp::Put),
        PbTxnOpResponse::ResponseDeleteRange(delete) => {
            Some(TxnReplyOp::Delete { deleted: unsigned(delete.deleted) })
        }
        PbTxnOpResponse::ResponseTxn(_) => None,
    };
    let revision = revision(response.header.as_ref());
    let replies: Option<Vec<TxnReplyOp>> = response.responses.into_iter().map(reply).collect();
    match replies {
        Some(replies) => Stored::Txn(TxnReply { succeeded: response.succeeded, revision, replies }),
        None => Stored::Unknown("etcd's reply to a transaction is not understood".into()),
    }
}

pub(super) fn leased(response: &LeaseGrantResponse) -> Stored {
    Stored::Leased { id: LeaseId(response.id()), ttl_seconds: response.ttl() }
}

/// None for an event of an unknown type or without a key-value, which no etcd sends.
pub(super) fn event(event: PbEvent) -> Option<Event> {
    let kind = match event.r#type {
        0 => EventType::Put,
        1 => EventType::Delete,
        _ => return None,
    };
    Some(Event { kind, kv: key_value(event.kv?), previous: event.prev_kv.map(key_value) })
}

pub(super) fn revision(header: Option<&PbResponseHeader>) -> Rev {
    Rev(header.map_or(0, |header| unsigned(header.revision)))
}

pub(super) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

fn of_range(response: PbRangeResponse) -> Ranged {
    let revision = revision(response.header.as_ref());
    let kvs = response.kvs.into_iter().map(key_value).collect();
    Ranged { kvs, count: unsigned(response.count), revision }
}

fn key_value(kv: PbKeyValue) -> KeyValue {
    KeyValue {
        key: Bytes::from(kv.key),
        value: Bytes::from(kv.value),
        create_revision: Rev(unsigned(kv.create_revision)),
        mod_revision: Rev(unsigned(kv.mod_revision)),
        version: unsigned(kv.version),
        lease: LeaseId(kv.lease),
    }
}
