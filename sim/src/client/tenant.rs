//! A client whose namespace has a quota that is soon used up: it makes ConfigMaps, Pods and Services there, changes
//! them and removes them. Several of these use the same names.

use super::{Client, ClientContext, IDLE_MILLIS, Next};
use crate::client_request::ClientRequest;
use crate::driver::Reply;
use crate::generate::raw;
use crate::marks::Mark;

/// The namespace with the quota. Nobody else writes there.
pub(super) const NAMESPACE: &str = "/api/v1/namespaces/kube-public";
/// The quota that is there before the first server starts.
pub(crate) const QUOTA_KEY: &str = "/registry/resourcequotas/kube-public/metered";
/// Its content, without a status that differs from what the namespace holds at the start.
pub(crate) const QUOTA: &str = concat!(
    r#"{"kind":"ResourceQuota","apiVersion":"v1","metadata":{"name":"metered","namespace":"kube-public","#,
    r#""uid":"00000000-0000-4000-8000-000000000001","creationTimestamp":"2026-01-01T00:00:00Z"},"#,
    r#""spec":{"hard":{"configmaps":"4","count/pods":"4","requests.cpu":"1","services":"3","#,
    r#""services.nodeports":"2"}},"status":{"hard":{"configmaps":"4","count/pods":"4","requests.cpu":"1","#,
    r#""services":"3","services.nodeports":"2"},"used":{"configmaps":"0","count/pods":"0","#,
    r#""requests.cpu":"0","services":"0","services.nodeports":"0"}}}"#
);

/// Objects have one of so many names, more than the quota allows of each.
const NAMES: u64 = 8;
const MERGE: &str = "application/merge-patch+json";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Make,
    Change,
    Remove,
}

const OPERATIONS: &[Operation] =
    &[Operation::Make, Operation::Make, Operation::Make, Operation::Change, Operation::Remove];

/// The resources, and what an object of each is made of and changed to.
const SUBJECTS: &[(&str, &[&str], &str)] = &[
    ("configmaps", &[r#""data":{"k":"v"}"#], r#"{"data":{"k":"w"}}"#),
    (
        "pods",
        &[
            r#""spec":{"containers":[{"name":"c","image":"i","resources":{"requests":{"cpu":"300m"}}}]}"#,
            r#""spec":{"containers":[{"name":"c","image":"i","resources":{"requests":{"cpu":"700m"}}}]}"#,
            r#""spec":{"containers":[{"name":"c","image":"i"}]}"#,
        ],
        r#"{"metadata":{"labels":{"a":"b"}}}"#,
    ),
    (
        "services",
        &[r#""spec":{"clusterIP":"None"}"#, r#""spec":{"type":"NodePort","ports":[{"port":80}]}"#],
        r#"{"spec":{"type":"NodePort","clusterIP":null,"ports":[{"name":"a","port":80},{"name":"b","port":81}]}}"#,
    ),
];

/// A client of a namespace with a quota.
#[derive(Clone, Debug, Default)]
pub(super) struct Tenant;

impl Tenant {
    fn ask(subject: u64, operation: Operation, name: &str, context: &mut ClientContext<'_>) -> ClientRequest {
        let (plural, forms, change) = SUBJECTS[subject as usize % SUBJECTS.len()];
        let collection = format!("{NAMESPACE}/{plural}");
        let place = format!("{collection}/{name}");
        let (request, body) = match operation {
            Operation::Make => {
                let form = context.one_of(forms);
                (raw("POST", collection), format!(r#"{{"metadata":{{"name":"{name}"}},{form}}}"#))
            }
            Operation::Change => (ClientRequest { media: MERGE, ..raw("PATCH", place) }, change.to_owned()),
            Operation::Remove => (raw("DELETE", format!("{place}?gracePeriodSeconds=0")), String::new()),
        };
        ClientRequest { body: body.into(), ..request }
    }
}

impl Client for Tenant {
    fn kind(&self) -> &'static str {
        "tenant"
    }

    fn wake(&mut self, context: &mut ClientContext<'_>) -> Next {
        if context.calm {
            return Next::Listen;
        }
        let operations = OPERATIONS.len() as u64;
        match context.pick(NAMES * operations * SUBJECTS.len() as u64 + 1).checked_sub(1) {
            None => Next::Sleep(IDLE_MILLIS),
            Some(drawn) => {
                let name = format!("metered-{}", drawn % NAMES);
                let operation = OPERATIONS[(drawn / NAMES % operations) as usize];
                Self::ask(drawn / NAMES / operations, operation, &name, context).into()
            }
        }
    }

    fn answered(&mut self, reply: &Reply, context: &mut ClientContext<'_>) -> Next {
        if reply.status == 403 && reply.text().contains("exceeded quota") {
            context.mark(Mark::QuotaExceeded);
        }
        context.pause()
    }

    fn broken(&mut self, context: &mut ClientContext<'_>) -> Next {
        context.pause()
    }
}
