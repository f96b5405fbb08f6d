//! Whether the API services that name a service are available: whether the service has endpoints, and what was heard of
//! the server behind it.
//! k8s: staging/src/k8s.io/kube-aggregator/pkg/controllers/status/remote/remote_available_controller.go

use super::api_services::set_condition;
use super::plan::Planner;
use crate::job::{OwnChange, OwnWriter};
use crate::world::indexes::RemoteApi;
use alloc::string::String;

pub(super) fn plan(planner: &mut Planner<'_>) {
    let apis = planner.world.indexes().remote_apis();
    if apis.is_empty() {
        return;
    }
    let Some(kind) = planner.kind("apiregistration.k8s.io", "v1", "apiservices") else { return };
    for api in apis.iter() {
        let Some(entry) = planner.held(kind, ("", &api.name)) else { continue };
        let Some((status, reason, message)) = wanted(planner, api) else { continue };
        let mut service = entry.to_value();
        if set_condition(planner, &mut service, [status, reason, &message]) {
            planner.change(kind, entry, OwnWriter::STATUS, OwnChange::Replace(service));
        }
    }
}

/// What the condition should say; None while nothing was heard.
fn wanted(planner: &Planner<'_>, api: &RemoteApi) -> Option<(&'static str, &'static str, String)> {
    if let Some(hindrance) = api.hindrance(planner.world) {
        return Some(hindrance);
    }
    match planner.world.heard_apis.get(&api.name)?.answers.as_ref()? {
        Ok(()) => Some(("True", "Passed", "all checks passed".into())),
        Err(why) => Some(("False", "FailedDiscoveryCheck", why.as_str().into())),
    }
}
