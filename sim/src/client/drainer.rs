//! A client that does what a scheduler, a kubelet and `kubectl drain` do with a few pods: it makes them, binds them to
//! nodes, says that they run, and evicts them against a disruption budget. Several of these use the same pods.

use super::{Client, ClientContext, IDLE_MILLIS, Next};
use crate::client_request::ClientRequest;
use crate::driver::Reply;
use crate::generate::raw;
use crate::marks::Mark;

const PODS: &str = "/api/v1/namespaces/default/pods";
const BUDGETS: &str = "/apis/policy/v1/namespaces/default/poddisruptionbudgets";
/// The budget that guards all of the pods.
const BUDGET: &str = "drained";
/// Pods have one of so many names.
const NAMES: u64 = 3;
const MERGE: &str = "application/merge-patch+json";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    MakePod,
    MakeBudget,
    Bind,
    /// Says that a pod runs and is ready.
    Run,
    /// Says how many disruptions the budget allows, as its controller does.
    Allow,
    Evict,
    /// Removes a pod, as the kubelet does when it has ended.
    Remove,
}

const OPERATIONS: &[Operation] = &[
    Operation::MakePod,
    Operation::MakePod,
    Operation::MakeBudget,
    Operation::Bind,
    Operation::Bind,
    Operation::Bind,
    Operation::Run,
    Operation::Run,
    Operation::Allow,
    Operation::Evict,
    Operation::Evict,
    Operation::Evict,
    Operation::Remove,
];

/// A client of pods and of the budget that guards them.
#[derive(Clone, Debug)]
pub(super) struct Drainer {
    number: u64,
    asked: Option<Operation>,
}

impl Drainer {
    pub(super) fn new(number: u64) -> Self {
        Self { number, asked: None }
    }

    fn ask(&self, operation: Operation, name: &str, context: &mut ClientContext<'_>) -> ClientRequest {
        let pod = format!("{PODS}/{name}");
        let (request, body) = match operation {
            Operation::MakePod => {
                let body = format!(
                    r#"{{"metadata":{{"name":"{name}","labels":{{"app":"{BUDGET}"}}}},
                        "spec":{{"containers":[{{"name":"c","image":"i",
                        "envFrom":[{{"secretRef":{{"name":"{name}","optional":true}}}}]}}]}}}}"#
                );
                (raw("POST", PODS), body)
            }
            Operation::MakeBudget => {
                let body = format!(
                    r#"{{"metadata":{{"name":"{BUDGET}"}},
                        "spec":{{"minAvailable":1,"selector":{{"matchLabels":{{"app":"{BUDGET}"}}}}}}}}"#
                );
                (raw("POST", BUDGETS), body)
            }
            Operation::Bind => {
                let node = format!("node-{}", self.number);
                let body = format!(
                    r#"{{"metadata":{{"name":"{name}"}},"target":{{"kind":"Node","name":"{node}"}}}}"#
                );
                let place = format!("{pod}/binding");
                let old = "/api/v1/namespaces/default/bindings";
                (raw("POST", context.one_of(&[place.as_str(), place.as_str(), old])), body)
            }
            Operation::Run => {
                let body =
                    r#"{"status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}}"#;
                (ClientRequest { media: MERGE, ..raw("PATCH", format!("{pod}/status")) }, body.to_owned())
            }
            Operation::Allow => {
                let allowed = context.pick(3);
                let body = format!(
                    r#"{{"status":{{"observedGeneration":1,"disruptionsAllowed":{allowed},
                        "currentHealthy":3,"desiredHealthy":1,"expectedPods":3,"disruptedPods":null}}}}"#
                );
                (ClientRequest { media: MERGE, ..raw("PATCH", format!("{BUDGETS}/{BUDGET}/status")) }, body)
            }
            Operation::Evict => {
                let body = format!(
                    r#"{{"apiVersion":"policy/v1","kind":"Eviction","metadata":{{"name":"{name}"}}}}"#
                );
                (raw("POST", format!("{pod}/eviction")), body)
            }
            Operation::Remove => (raw("DELETE", format!("{pod}?gracePeriodSeconds=0")), String::new()),
        };
        ClientRequest { body: body.into(), ..request }
    }
}

impl Client for Drainer {
    fn kind(&self) -> &'static str {
        "drainer"
    }

    fn wake(&mut self, context: &mut ClientContext<'_>) -> Next {
        self.asked = None;
        if context.calm {
            return Next::Listen;
        }
        match context.pick(NAMES * OPERATIONS.len() as u64 + 1).checked_sub(1) {
            None => Next::Sleep(IDLE_MILLIS),
            Some(drawn) => {
                let name = format!("drained-{}", drawn % NAMES);
                let operation = OPERATIONS[(drawn / NAMES) as usize];
                self.asked = Some(operation);
                self.ask(operation, &name, context).into()
            }
        }
    }

    fn answered(&mut self, reply: &Reply, context: &mut ClientContext<'_>) -> Next {
        match (self.asked, reply.status) {
            (Some(Operation::Bind), 201) => context.mark(Mark::PodBound),
            (Some(Operation::Bind), 409) => context.mark(Mark::BindingRefused),
            (Some(Operation::Evict), 201) => context.mark(Mark::PodEvicted),
            (Some(Operation::Evict), 429) if reply.text().contains("disruption budget") => {
                context.mark(Mark::EvictionRefused);
            }
            (Some(_) | None, _) => {}
        }
        context.pause()
    }

    fn broken(&mut self, context: &mut ClientContext<'_>) -> Next {
        context.pause()
    }
}
