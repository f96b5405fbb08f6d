//! Admission policies: expressions of administrators that refuse writes or change them.
//! k8s: staging/src/k8s.io/apiserver/pkg/admission/plugin/policy
//!
//! A request keeps the policies and bindings with which it began, so that it sees each of them whole, either before a
//! change or after it.

mod dispatch;
mod mutating;
mod mutation;
mod params;
mod progress;
mod validating;
mod validation;

use super::chain::AdmissionPlugin;

pub(crate) use params::converts_params;
pub(crate) use progress::PolicyProgress;

pub(super) const MUTATING: AdmissionPlugin =
    AdmissionPlugin { mutate: mutating::admit, judges_connections: true, ..AdmissionPlugin::IDLE };

pub(super) const VALIDATING: AdmissionPlugin =
    AdmissionPlugin { validate: validating::validate, judges_connections: true, ..AdmissionPlugin::IDLE };
