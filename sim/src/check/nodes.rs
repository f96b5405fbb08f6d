//! A node reads a secret only if a pod refers to it that is bound to this node.

use super::{CheckedAnswer, Guarantee, Violation};
use crate::client::kubelet::NAMES;
use crate::client_request::{Action, Identity};
use crate::directory::Place;
use crate::users;
use steersman_core::value::Value;

/// Statuses of who was allowed to ask: what is there, and that it is not there.
const ALLOWED: [u16; 2] = [200, 404];

pub(super) fn check(answer: &CheckedAnswer<'_>) -> Result<(), Violation> {
    let (Identity::Node(number), Some(place)) = (answer.ask.identity, &answer.ask.place) else {
        return Ok(());
    };
    let secret = match (&answer.ask.action, &answer.ask.options.field) {
        (Action::Get, _) => place.name.as_str(),
        (Action::List, Some((_, name))) => name,
        _ => return Ok(()),
    };
    if !ALLOWED.contains(&answer.reply.status) {
        return Ok(());
    }
    let node = users::node(number);
    let client = secret.split('-').next().unwrap_or_default();
    let pods = Place::collection(answer.directory.find("", "v1", "pods"), &place.namespace);
    let (first, last) = answer.steps_saw;
    let needed = (0..NAMES).any(|pod| {
        let key = answer.directory.key(&pods.named(&format!("{client}-{pod}")));
        let mut states = key.iter().flat_map(|key| answer.truth.states(key, first, last));
        states.any(|held| held.is_some_and(|held| needs(&held.object, &node, secret)))
    });
    if needed {
        return Ok(());
    }
    let why = format!(
        "no pod on {node} referred to the secret {secret} between the revisions {} and {}, which its steps saw",
        first.0, last.0
    );
    Err(answer.broken(Guarantee::NodesReadWhatTheirPodsNeed, why))
}

/// Whether a pod is bound to the node and refers to the secret, in one of the ways that clients use.
fn needs(pod: &Value, node: &str, secret: &str) -> bool {
    let items = |value: &Value, path: &[&str]| -> Vec<Value> {
        value.at(path).and_then(Value::as_list).map(<[Value]>::to_vec).unwrap_or_default()
    };
    let volumes = items(pod, &["spec", "volumes"]);
    let pulls = items(pod, &["spec", "imagePullSecrets"]);
    let containers = items(pod, &["spec", "containers"]);
    let environments: Vec<Value> =
        containers.iter().flat_map(|container| items(container, &["envFrom"])).collect();
    pod.text_at(&["spec", "nodeName"]) == node
        && (volumes.iter().any(|volume| volume.text_at(&["secret", "secretName"]) == secret)
            || pulls.iter().any(|pull| pull.text_at(&["name"]) == secret)
            || environments.iter().any(|from| from.text_at(&["secretRef", "name"]) == secret))
}
