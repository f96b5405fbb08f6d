//! What the server does without being asked: controllers that keep the objects which every cluster has.
//!
//! A controller is a function of what the cache holds. It says which writes would make things as they should be
//! (`Wishes`), and says nothing when they are. The machine asks it at the start, when its time has come, and again when
//! the cache shows what became of its writes, until it wants nothing any more. Each write is guarded by the revision
//! of what the controller saw. So servers that keep the same objects do not undo each other's work: whoever comes
//! second loses, sees what the first has done, and plans anew.

mod namespaces;
mod plan;
mod priority_classes;
mod roles;
mod service;

use crate::config::Controller;

pub(crate) use plan::{Planner, Wishes};

/// Asks a controller what it would write now.
pub(crate) fn plan(controller: Controller, planner: Planner<'_>) -> Wishes {
    let mut planner = planner;
    match controller {
        Controller::Namespaces => namespaces::plan(&mut planner),
        Controller::PriorityClasses => priority_classes::plan(&mut planner),
        Controller::Roles => roles::plan(&mut planner),
        Controller::Service => service::plan(&mut planner),
    }
    planner.finish()
}
