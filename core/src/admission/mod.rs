//! Admission: what may change a write or refuse it, beside authorization and the rules of its kind.
//!
//! Plugins are asked in a fixed order: first those that may change the object, before it is prepared, and after its
//! validation those that may not. A plugin may wait for the store.

mod access;
mod always;
mod always_pull_images;
mod anti_affinity;
mod attributes;
mod certificate_signer;
mod certificate_subject;
mod chain;
mod claim_resize;
mod configuration;
mod configured_servers;
mod default_class;
mod default_toleration_seconds;
mod event_rate_limit;
mod extended_resource_toleration;
mod external_ips;
mod image_policy;
mod lifecycle;
mod limit_ranger;
mod lookups;
pub(crate) mod matching;
mod namespace_exists;
mod namespace_of;
mod namespace_provision;
mod node_features;
mod node_restriction;
mod node_taint;
mod owner_permission;
mod pod_node_selector;
mod pod_resize;
mod pod_security;
mod pod_toleration_restriction;
mod pod_topology_labels;
mod policy;
mod priority;
pub mod quota;
mod reinvocation;
mod runtime_class;
mod service_account;
mod service_account_secrets;
mod storage_protection;
pub(crate) mod webhook;

pub(crate) use attributes::{AdmissionAttributes, AdmissionOperation, OperationOptions};
pub(crate) use chain::{AdmissionProgress, Admitting, Said};
pub use chain::{asked_plugins, plugin_names};
pub use configuration::{PluginSource, configure, sources};
pub use configured_servers::{KUBECONFIG, server_value};
pub(crate) use node_restriction::sees_all;
pub(crate) use policy::converts_params;
