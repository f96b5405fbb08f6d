//! Admission: what may change a write or refuse it, beside authorization and the rules of its kind.
//!
//! Plugins are asked in a fixed order: first those that may change the object, before it is prepared, and after its
//! validation those that may not. A plugin may wait for the store.

mod attributes;
mod chain;
mod claim_resize;
mod default_class;
mod default_toleration_seconds;
mod lifecycle;
mod limit_ranger;
mod node_taint;
mod pod_security;
mod priority;
pub mod quota;
mod runtime_class;
mod service_account;
mod service_account_secrets;
mod storage_protection;

pub(crate) use attributes::{AdmissionAttributes, AdmissionOperation};
pub(crate) use chain::{AdmissionProgress, Admitting, Said};
pub use chain::{plugin_names, served_plugins};
