//! What the server does without being asked: controllers that keep the objects which every cluster has.
//!
//! A controller is a function of what the cache holds. It says which writes would make things as they should be
//! (`Wishes`), and says nothing when they are. The machine asks it at the start, when its time has come, when something
//! that it watches has changed, and again when the cache shows what became of its writes, until it wants nothing any
//! more. Each write is guarded by the revision of what the controller saw. So servers that keep the same objects do not
//! undo each other's work: whoever comes second loses, sees what the first has done, and plans anew.

mod api_services;
mod definitions;
mod flow_control;
mod flow_schema_status;
mod identity;
mod namespaces;
mod plan;
mod priority_classes;
mod remote_api_services;
mod roles;
mod service;
mod service_range;
mod token_tracking;
mod trusted_clients;

use crate::config::Controller;

pub(crate) use plan::{Occasion, Planner, WishedCommit, Wishes};

/// Asks a controller what it would write now.
pub(crate) fn plan(controller: Controller, mut planner: Planner<'_>) -> Wishes {
    match controller {
        Controller::Namespaces => namespaces::plan(&mut planner),
        Controller::TrustedClients => trusted_clients::plan(&mut planner),
        Controller::IdentityLease => identity::plan(&mut planner),
        Controller::IdentityCollector => identity::plan_collection(&mut planner),
        Controller::TokenTracking => token_tracking::plan(&mut planner),
        Controller::Roles => roles::plan(&mut planner),
        Controller::PriorityClasses => priority_classes::plan(&mut planner),
        Controller::FlowControl => flow_control::plan(&mut planner),
        Controller::FlowSchemaStatus => flow_schema_status::plan(&mut planner),
        Controller::ServiceRange => service_range::plan(&mut planner),
        Controller::Service => service::plan(&mut planner),
        Controller::ApiServices => api_services::plan(&mut planner),
        Controller::RemoteApiServices => remote_api_services::plan(&mut planner),
        Controller::Definitions => definitions::plan(&mut planner),
    }
    planner.finish()
}
