//! A client that publishes services: it makes, changes and removes them, with addresses and ports of nodes from ranges
//! that are soon used up. Several of these use the same names.

use super::{Client, ClientContext, IDLE_MILLIS, Next};
use crate::client_request::ClientRequest;
use crate::driver::Reply;
use crate::generate::raw;
use crate::marks::Mark;

const SERVICES: &str = "/api/v1/namespaces/default/services";
const MERGE: &str = "application/merge-patch+json";
/// Services have one of so many names, more than there are addresses.
const NAMES: u64 = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Make,
    Change,
    Remove,
}

const OPERATIONS: &[Operation] =
    &[Operation::Make, Operation::Make, Operation::Make, Operation::Change, Operation::Remove];

/// What a service asks for: anything, or something in particular that another may have.
const SPECS: &[&str] = &[
    r#""type":"ClusterIP""#,
    r#""type":"NodePort""#,
    r#""type":"ClusterIP","clusterIP":"10.0.0.3""#,
    r#""type":"LoadBalancer","externalTrafficPolicy":"Local""#,
    r#""type":"NodePort","ports":[{"port":80,"nodePort":30001}]"#,
    r#""type":"NodePort","ports":[{"name":"a","port":53,"protocol":"UDP"},{"name":"b","port":53,"protocol":"TCP"}]"#,
    r#""type":"LoadBalancer","allocateLoadBalancerNodePorts":false"#,
    r#""type":"ClusterIP","clusterIP":"None""#,
];

/// What a service becomes.
const CHANGES: &[&str] = &[
    r#""type":"NodePort""#,
    r#""type":"ClusterIP""#,
    r#""type":"LoadBalancer","externalTrafficPolicy":"Local""#,
    r#""type":"ExternalName","externalName":"a.example.com""#,
    r#""ports":[{"port":80,"nodePort":30002}]"#,
];

/// A client of a few services.
#[derive(Clone, Debug, Default)]
pub(super) struct Publisher {
    asked: Option<Operation>,
}

impl Publisher {
    pub(super) fn new() -> Self {
        Self::default()
    }

    fn ask(operation: Operation, name: &str, context: &mut ClientContext<'_>) -> ClientRequest {
        let place = format!("{SERVICES}/{name}");
        let (request, body) = match operation {
            Operation::Make => {
                let spec = context.one_of(SPECS);
                let ports = if spec.contains("ports\"") { "" } else { r#","ports":[{"port":80}]"# };
                (
                    raw("POST", SERVICES),
                    format!(r#"{{"metadata":{{"name":"{name}"}},"spec":{{{spec}{ports}}}}}"#),
                )
            }
            Operation::Change => {
                let change = context.one_of(CHANGES);
                (ClientRequest { media: MERGE, ..raw("PATCH", place) }, format!(r#"{{"spec":{{{change}}}}}"#))
            }
            Operation::Remove => (raw("DELETE", place), String::new()),
        };
        ClientRequest { body: body.into(), ..request }
    }
}

impl Client for Publisher {
    fn kind(&self) -> &'static str {
        "publisher"
    }

    fn wake(&mut self, context: &mut ClientContext<'_>) -> Next {
        self.asked = None;
        if context.calm {
            return Next::Listen;
        }
        match context.pick(NAMES * OPERATIONS.len() as u64 + 1).checked_sub(1) {
            None => Next::Sleep(IDLE_MILLIS),
            Some(drawn) => {
                let name = format!("published-{}", drawn % NAMES);
                let operation = OPERATIONS[(drawn / NAMES) as usize];
                self.asked = Some(operation);
                Self::ask(operation, &name, context).into()
            }
        }
    }

    fn answered(&mut self, reply: &Reply, context: &mut ClientContext<'_>) -> Next {
        let says = |text: &str| reply.text().contains(text);
        match reply.status {
            500 if says("failed to allocate a serviceIP") => context.mark(Mark::AddressesExhausted),
            500 if says("failed to allocate a nodePort: range is full") => {
                context.mark(Mark::NodePortsExhausted);
            }
            422 if says("is already allocated") => context.mark(Mark::AllocationRefused),
            _ => {}
        }
        context.pause()
    }

    fn broken(&mut self, context: &mut ClientContext<'_>) -> Next {
        context.pause()
    }
}
