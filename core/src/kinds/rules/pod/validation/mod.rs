//! The rules of pods and of pod templates, a file for each subject.
//!
//! Other kinds use what is public here: workloads their templates (`validate_pod_template_spec`), and whoever has
//! tolerations, node selectors, resource requirements or volume sources the pieces for those.
//! k8s: pkg/apis/core/validation/validation.go

mod affinity;
mod container;
mod container_lists;
mod context;
mod environment;
mod ephemeral_containers;
mod handlers;
mod metadata;
mod mounts;
mod naming;
mod node_selector;
mod operating_system;
mod paths;
mod pod_resources;
mod ports;
mod profiles;
mod projected;
mod resources;
mod restart;
mod security;
mod selectors;
mod spec;
mod sysctls;
mod template;
mod tolerations;
mod topology_spread;
pub(in crate::kinds::rules) mod volume_sources;
mod volumes;
mod windows;
mod words;

pub(super) use context::PodContext;
pub(in crate::kinds::rules) use node_selector::{has_invalid_label_values, validate_node_selector};
pub(super) use pod_resources::aggregate;
pub(super) use profiles::validate_app_armor;
pub(super) use resources::is_huge_page;
pub(in crate::kinds::rules) use resources::validate_resource_requirements;
pub(super) use spec::validate_pod_create;
pub(in crate::kinds::rules) use template::validate_pod_template_spec;
pub(in crate::kinds::rules) use tolerations::validate_tolerations;
pub(in crate::kinds::rules) use words::validate_dns_subdomain;
