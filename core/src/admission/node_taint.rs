//! TaintNodesByCondition: a new node is tainted as not ready, so that nothing is scheduled to it before it is known to
//! be ready.
//! k8s: plugin/pkg/admission/nodetaint/admission.go

use super::AdmissionAttributes;
use super::chain::{AdmissionPlugin, Opinion, Said};
use crate::question::Reply;
use crate::status::Failure;
use crate::value::{Map, Value};
use crate::world::World;

pub(super) const PLUGIN: AdmissionPlugin = AdmissionPlugin { mutate: taint, ..AdmissionPlugin::IDLE };

const NOT_READY: &str = "node.kubernetes.io/not-ready";
const EFFECT: &str = "NoSchedule";

fn taint(
    _world: &World,
    attributes: &AdmissionAttributes<'_>,
    object: &mut Value,
    _found: Option<Reply>,
    _said: &mut Said,
) -> Result<Opinion, Failure> {
    if !attributes.creates("", "nodes") {
        return Ok(Opinion::Admitted);
    }
    let held = object.at(&["spec", "taints"]).and_then(Value::as_list).unwrap_or_default();
    let is_not_ready =
        |taint: &Value| taint.text_at(&["key"]) == NOT_READY && taint.text_at(&["effect"]) == EFFECT;
    if held.iter().any(is_not_ready) {
        return Ok(Opinion::Admitted);
    }
    let mut taint = Map::new();
    taint.insert("key", NOT_READY.into());
    taint.insert("effect", EFFECT.into());
    let mut taints = held.to_vec();
    taints.push(taint.into());
    object.set_at(&["spec", "taints"], Value::list(taints));
    Ok(Opinion::Admitted)
}
