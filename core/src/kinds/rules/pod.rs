//! Pods.
//! k8s: pkg/registry/core/pod/strategy.go

use super::{pod_spec, status};
use crate::kinds::{Generation, Rules};
use crate::value::{Map, Value};

pub static RULES: Rules = Rules {
    default: pod_spec::default_pod,
    prepare_create,
    generation: Generation::Spec,
    grace_seconds,
    returns_deleted: true,
    ..status::SPLIT
};

/// The grace period of a pod that names none, seconds.
const GRACE_SECONDS: i64 = 30;

fn prepare_create(object: &mut Value) {
    super::fill::each(object, &["spec"], &mut pod_spec::mirror_service_account);
    let quality = object.field("spec").map_or("BestEffort", pod_spec::quality_of_service);
    let mut status = Map::new();
    status.insert("phase", "Pending".into());
    status.insert("qosClass", quality.into());
    object.set("status", status.into());
}

/// A pod that no node runs, or that has ended, goes at once, whatever a client asks.
fn grace_seconds(object: &Value, asked: Option<i64>) -> Option<i64> {
    let phase = object.text_at(&["status", "phase"]);
    if object.text_at(&["spec", "nodeName"]).is_empty() || matches!(phase, "Succeeded" | "Failed") {
        return Some(0);
    }
    let own = object.at(&["spec", "terminationGracePeriodSeconds"]).and_then(Value::as_int);
    let seconds = asked.or(own).unwrap_or(GRACE_SECONDS);
    Some(if seconds < 0 { 1 } else { seconds })
}
