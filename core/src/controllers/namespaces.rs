//! The namespaces that every cluster has.
//! k8s: pkg/controlplane/controller/systemnamespaces/system_namespaces_controller.go

use super::plan::Planner;
use crate::value::Value;

const NAMESPACES: [&str; 4] = ["kube-system", "kube-public", "kube-node-lease", "default"];

pub(super) fn plan(planner: &mut Planner<'_>) {
    let Some(kind) = planner.kind("", "v1", "namespaces") else { return };
    for name in NAMESPACES {
        planner.create_missing(kind, ("", name), Value::empty_map());
    }
}
