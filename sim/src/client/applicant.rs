//! A client whose ConfigMaps webhooks are asked about: it makes them, changes them and removes them. Several of these
//! use the same names.

use super::{Client, ClientContext, IDLE_MILLIS, Next};
use crate::client_request::ClientRequest;
use crate::driver::Reply;
use crate::generate::raw;
use crate::marks::Mark;
use steersman_core::value::Value;

/// The ConfigMaps that webhooks are asked about. Nobody else writes there.
const CONFIG_MAPS: &str = "/api/v1/namespaces/kube-node-lease/configmaps";
/// Where they are stored.
pub(crate) const REVIEWED: &str = "/registry/configmaps/kube-node-lease/";
/// The paths of the webhooks, the first of which may change objects.
pub(crate) const MUTATING_PATH: &str = "/review-mutating";
pub(crate) const VALIDATING_PATH: &str = "/review-validating";

macro_rules! configuration {
    ($kind:literal, $uid:literal, $path:literal, $more:literal) => {
        concat!(
            r#"{"kind":""#,
            $kind,
            r#"","apiVersion":"admissionregistration.k8s.io/v1","metadata":{"name":"sim","uid":""#,
            $uid,
            r#"","creationTimestamp":"2026-01-01T00:00:00Z"},"#,
            r#""webhooks":[{"name":"sim.hook.test","clientConfig":{"url":"https://hook.test"#,
            $path,
            r#"","caBundle":"eA=="},"rules":[{"operations":["CREATE","UPDATE"],"apiGroups":[""],"#,
            r#""apiVersions":["v1"],"resources":["configmaps"],"scope":"*"}],"failurePolicy":"Fail","#,
            r#""matchPolicy":"Equivalent","namespaceSelector":{"matchLabels":{"kubernetes.io/metadata.name":"#,
            r#""kube-node-lease"}},"objectSelector":{},"sideEffects":"None","#,
            r#""timeoutSeconds":1,"admissionReviewVersions":["v1"],"#,
            r#""matchConditions":[{"name":"turn","expression":"int(object.data.turn) % 4 != 0"}]"#,
            $more,
            "}]}"
        )
    };
}

/// The configurations that are there before the first server starts, by their keys. They concern this client's objects
/// alone.
pub(crate) const CONFIGURATIONS: [(&str, &str); 2] = [
    (
        "/registry/mutatingwebhookconfigurations/sim",
        configuration!(
            "MutatingWebhookConfiguration",
            "00000000-0000-4000-8000-000000000002",
            "/review-mutating",
            r#","reinvocationPolicy":"IfNeeded""#
        ),
    ),
    (
        "/registry/validatingwebhookconfigurations/sim",
        configuration!(
            "ValidatingWebhookConfiguration",
            "00000000-0000-4000-8000-000000000003",
            "/review-validating",
            ""
        ),
    ),
];

/// Whether webhooks are to be asked about an object, as the conditions of the configurations have it; None if they
/// have no result, so that the object must not be stored.
pub(crate) fn is_reviewed(object: &Value) -> Option<bool> {
    let turn: u64 = object.text_at(&["data", "turn"]).parse().ok()?;
    Some(!turn.is_multiple_of(4))
}

/// Objects have one of so many names.
const NAMES: u64 = 3;
const MERGE: &str = "application/merge-patch+json";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Make,
    Change,
    Remove,
}

const OPERATIONS: &[Operation] = &[Operation::Make, Operation::Make, Operation::Change, Operation::Remove];

/// A client of webhooks.
#[derive(Clone, Debug, Default)]
pub(super) struct Applicant;

impl Applicant {
    fn ask(operation: Operation, name: &str, turn: u64) -> ClientRequest {
        let place = format!("{CONFIG_MAPS}/{name}");
        let told = if turn % 8 == 7 { "none".to_owned() } else { turn.to_string() };
        let data = format!(r#""data":{{"turn":"{told}"}}"#);
        let (request, body) = match operation {
            Operation::Make => {
                (raw("POST", CONFIG_MAPS.to_owned()), format!(r#"{{"metadata":{{"name":"{name}"}},{data}}}"#))
            }
            Operation::Change => {
                (ClientRequest { media: MERGE, ..raw("PATCH", place) }, format!("{{{data}}}"))
            }
            Operation::Remove => (raw("DELETE", place), String::new()),
        };
        ClientRequest { body: body.into(), ..request }
    }
}

impl Client for Applicant {
    fn kind(&self) -> &'static str {
        "applicant"
    }

    fn wake(&mut self, context: &mut ClientContext<'_>) -> Next {
        if context.calm {
            return Next::Listen;
        }
        let operations = OPERATIONS.len() as u64;
        match context.pick(NAMES * operations + 1).checked_sub(1) {
            None => Next::Sleep(IDLE_MILLIS),
            Some(drawn) => {
                let name = format!("reviewed-{}", drawn % NAMES);
                Self::ask(OPERATIONS[(drawn / NAMES % operations) as usize], &name, context.turn).into()
            }
        }
    }

    fn answered(&mut self, reply: &Reply, context: &mut ClientContext<'_>) -> Next {
        let text = reply.text();
        if reply.status == 400 && text.contains("denied the request") {
            context.mark(Mark::WebhookRefuses);
        }
        if reply.status == 403 && text.contains("resulted in error") {
            context.mark(Mark::ConditionFails);
        }
        if reply.status == 500 && text.contains("failed calling webhook") {
            context.mark(Mark::WebhookFails);
        }
        context.pause()
    }

    fn broken(&mut self, context: &mut ClientContext<'_>) -> Next {
        context.pause()
    }
}
