//! A pod spec as a whole, in upstream's order, and pods around it.

use super::container::{Surroundings, validate_containers_of_pods_only};
use super::container_lists::{validate_containers, validate_init_containers};
use super::context::PodContext;
use super::words::{
    validate_choice, validate_dns_label, validate_dns_subdomain, validate_optional_subdomain, validate_range,
};
use super::{
    affinity, environment, ephemeral_containers, metadata, naming, operating_system, pod_resources, ports,
    resources, restart, security, tolerations, topology_spread, volumes, windows,
};
use crate::kinds::metadata::validate_labels;
use crate::kinds::validation::{Errors, Located};

const DNS_POLICIES: &[&str] = &["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
const PREEMPTION_POLICIES: &[&str] = &["PreemptLowerPriority", "Never"];

/// A new pod, after the generic rules of its metadata.
pub(in crate::kinds::rules::pod) fn validate_pod_create(
    pod: &Located<'_, '_>,
    context: PodContext<'_>,
    errors: &mut Errors,
) {
    validate_metadata_and_spec(pod, context, errors);
    let spec = pod.member("spec");
    let added = spec.member("ephemeralContainers");
    if !added.is_empty() {
        errors.forbidden(&added, "cannot be set on create");
    }
    let node = spec.member("nodeName");
    if !node.is_empty() && !spec.member("schedulingGates").is_empty() {
        errors.forbidden(&node, "cannot be set until all schedulingGates have been cleared");
    }
    metadata::validate_profiles_match(pod, &pod.at(&["metadata", "annotations"]), errors);
}

/// What new and changed pods must keep.
pub(in crate::kinds::rules::pod) fn validate_metadata_and_spec(
    pod: &Located<'_, '_>,
    context: PodContext<'_>,
    errors: &mut Errors,
) {
    metadata::validate_annotations(pod, &pod.at(&["metadata", "annotations"]), &context, errors);
    let spec = pod.member("spec");
    validate_spec(&spec, context, errors);
    if spec.member("serviceAccountName").is_empty() {
        validate_no_tokens(&spec, errors);
    }
    validate_containers_of_pods_only(&spec.member("containers"), errors);
    validate_containers_of_pods_only(&spec.member("initContainers"), errors);
}

/// Tokens are a service account's.
fn validate_no_tokens(spec: &Located<'_, '_>, errors: &mut Errors) {
    let volumes = spec.member("volumes");
    for volume in volumes.items() {
        let sources = volume.at(&["projected", "sources"]);
        for source in sources.items() {
            let token = source.member("serviceAccountToken");
            if token.is_set() {
                errors.forbidden(&token, "must not be specified when serviceAccountName is not set");
            }
        }
    }
}

pub(super) fn validate_spec(spec: &Located<'_, '_>, context: PodContext<'_>, errors: &mut Errors) {
    let grace = spec.member("terminationGracePeriodSeconds");
    if !grace.is_set() {
        errors.required(&grace, "");
    }
    let (list, claims) = (spec.member("volumes"), spec.member("resourceClaims"));
    let volumes = volumes::validate_volumes(&list, &context, errors);
    let names = claims.items().map(|claim| claim.member("name").text()).filter(|name| !name.is_empty());
    let around = Surroundings { spec, volumes, claims: names.collect(), context };
    naming::validate_resource_claims(&claims, &context, errors);
    validate_containers(&around, errors);
    validate_init_containers(&around, errors);
    ephemeral_containers::validate_ephemeral_containers(&around, errors);
    pod_resources::validate_pod_resources(&around, errors);
    ports::validate_host_network(spec, context.is_pod(), errors);
    restart::validate_pod_policy(&spec.member("restartPolicy"), errors);
    validate_choice(&spec.member("dnsPolicy"), DNS_POLICIES, errors);
    validate_labels(&spec.member("nodeSelector"), errors);
    security::validate_pod(spec, &context, errors);
    affinity::validate_affinity(&spec.member("affinity"), &context, errors);
    naming::validate_dns_config(spec, errors);
    naming::validate_readiness_gates(&spec.member("readinessGates"), errors);
    naming::validate_scheduling_gates(&spec.member("schedulingGates"), errors);
    let constraints = spec.member("topologySpreadConstraints");
    topology_spread::validate_constraints(&constraints, &context, errors);
    windows::validate_host_process(spec, &context, errors);
    security::validate_host_users(spec, &context, errors);
    naming::validate_host_name(spec, errors);
    validate_simple_fields(spec, &context, errors);
    operating_system::validate_system(spec, errors);
    environment::validate_files(spec, errors);
}

/// The fields that stand for themselves.
fn validate_simple_fields(spec: &Located<'_, '_>, context: &PodContext<'_>, errors: &mut Errors) {
    validate_optional_subdomain(&spec.member("serviceAccountName"), errors);
    validate_optional_subdomain(&spec.member("nodeName"), errors);
    validate_range(&spec.member("activeDeadlineSeconds"), 1, i64::from(i32::MAX), errors);
    for name in ["hostname", "subdomain"] {
        let name = spec.member(name);
        if !name.is_empty() {
            validate_dns_label(&name, errors);
        }
    }
    tolerations::validate_tolerations(&spec.member("tolerations"), context.lets_comparisons, errors);
    naming::validate_host_aliases(&spec.member("hostAliases"), errors);
    validate_optional_subdomain(&spec.member("priorityClassName"), errors);
    let class = spec.member("runtimeClassName");
    if class.is_set() {
        validate_dns_subdomain(&class, errors);
    }
    let preemption = spec.member("preemptionPolicy");
    if preemption.is_set() {
        validate_choice(&preemption, PREEMPTION_POLICIES, errors);
    }
    let overhead = spec.member("overhead");
    if overhead.is_set() {
        resources::validate_overhead(&overhead, context.lets_indivisible_huge_pages, errors);
    }
}
