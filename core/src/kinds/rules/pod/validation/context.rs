//! What the rules of a pod spec need to know beside it: whose spec it is, and what the old one makes them tolerate.
//! k8s: pkg/api/pod/util.go GetValidationOptionsFromPodSpecAndMeta

use super::{node_selector, paths, resources, selectors, sysctls, topology_spread};
use crate::kinds::Facts;
use crate::kinds::validation::{Errors, Located};
use crate::value::{Value, object};

/// The annotation of a pod that shows what a kubelet runs on its own.
pub(in crate::kinds::rules::pod) const MIRROR: &str = "kubernetes.io/config.mirror";

/// The annotation with the cost of deleting a pod.
pub(super) const DELETION_COST: &str = "controller.kubernetes.io/pod-deletion-cost";

/// The surroundings of a pod spec. What stands in the old object, and would not be let in today, may stay.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::kinds::rules::pod) struct PodContext<'a> {
    /// The name of the pod, which may be empty; None for a template.
    pub(super) pod: Option<&'a str>,
    pub(super) is_mirror: bool,
    pub(super) lets_deletion_cost: bool,
    pub(super) lets_indivisible_huge_pages: bool,
    pub(super) lets_label_values_in_selectors: bool,
    pub(super) lets_label_values_in_node_affinity: bool,
    pub(super) lets_spread_selectors: bool,
    pub(super) spreads_by_old_rules: bool,
    pub(super) lets_token_paths: bool,
    pub(super) lets_sysctls_of_host: bool,
    pub(in crate::kinds::rules::pod) lets_comparisons: bool,
    pub(super) lets_mount_option: bool,
    pub(super) lets_host_network_of_users: bool,
    pub(super) lets_devices_of_users: bool,
    pub(super) lets_restart_of_init_containers: bool,
    /// `--allow-privileged=false`: nobody may have privileges, not even a pod that has them already.
    pub(super) forbids_privileges: bool,
}

impl<'a> PodContext<'a> {
    /// The surroundings of a pod's own spec.
    pub(in crate::kinds::rules::pod) fn of_pod(pod: &'a Value, facts: &Facts<'_>) -> Self {
        let mut context = Self::of_template(facts.old, facts);
        context.pod = Some(object::name(pod));
        context.is_mirror = object::annotation(pod, MIRROR).is_some();
        context
    }

    /// The surroundings of a template's spec. The old template is null when there is none.
    pub(super) fn of_template(old: &Value, facts: &Facts<'_>) -> Self {
        let root = Located::root(old);
        let spec = root.member("spec");
        let forbids_privileges = !facts.config.allows_privileged;
        if !spec.is_set() {
            return Self { forbids_privileges, ..Self::default() };
        }
        let fails = |check: &dyn Fn(&mut Errors)| {
            let mut errors = Errors::new();
            check(&mut errors);
            !errors.is_empty()
        };
        let constraints = spec.member("topologySpreadConstraints");
        let (host_network, host_users) = (spec.member("hostNetwork").bool(), spec.member("hostUsers"));
        let has_own_users = host_users.bool_if_set() == Some(false);
        let tolerations = spec.member("tolerations");
        let init_containers = spec.member("initContainers");
        Self {
            pod: None,
            is_mirror: false,
            lets_deletion_cost: !has_valid_deletion_cost(old),
            lets_indivisible_huge_pages: resources::has_indivisible_huge_pages(&spec),
            lets_label_values_in_selectors: fails(&|errors| selectors::validate_all(&spec, errors)),
            lets_label_values_in_node_affinity: node_selector::has_invalid_label_values(&spec.at(&[
                "affinity",
                "nodeAffinity",
                "requiredDuringSchedulingIgnoredDuringExecution",
                "nodeSelectorTerms",
            ])),
            lets_spread_selectors: fails(&|errors| topology_spread::validate_selectors(&constraints, errors)),
            spreads_by_old_rules: fails(&|errors| topology_spread::validate_label_keys(&constraints, errors)),
            lets_token_paths: fails(&|errors| paths::validate_token_paths(&spec, errors)),
            lets_sysctls_of_host: fails(&|errors| sysctls::validate_host(&spec, errors)),
            lets_comparisons: tolerations
                .items()
                .any(|toleration| matches!(toleration.member("operator").text(), "Lt" | "Gt")),
            lets_mount_option: root.at(&["spec", "securityContext", "seLinuxChangePolicy"]).is_set(),
            lets_host_network_of_users: has_own_users && host_network,
            lets_devices_of_users: has_own_users && has_devices(&spec),
            lets_restart_of_init_containers: init_containers
                .items()
                .any(|container| !is_sidecar(&container) && restarts_for_resize(&container)),
            forbids_privileges,
        }
    }

    pub(super) fn is_pod(&self) -> bool {
        self.pod.is_some()
    }
}

/// The lists of containers of a spec, in the order in which upstream visits them.
pub(super) const CONTAINER_LISTS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

/// Visits all containers of a spec with their places.
pub(super) fn each_container(spec: &Located<'_, '_>, visit: &mut dyn FnMut(&Located<'_, '_>)) {
    for name in CONTAINER_LISTS {
        let list = spec.member(name);
        for container in list.items() {
            visit(&container);
        }
    }
}

fn has_devices(spec: &Located<'_, '_>) -> bool {
    let mut found = false;
    each_container(spec, &mut |container| found = found || !container.member("volumeDevices").is_empty());
    found
}

/// An init container that runs beside the others.
pub(super) fn is_sidecar(container: &Located<'_, '_>) -> bool {
    container.member("restartPolicy").text() == "Always"
}

fn restarts_for_resize(container: &Located<'_, '_>) -> bool {
    let policies = container.member("resizePolicy");
    policies.items().any(|policy| policy.member("restartPolicy").text() == "RestartContainer")
}

/// Whether the annotation with the cost is absent or a number of 32 bits without a plus or zeros before it.
/// k8s: pkg/apis/core/helper/helpers.go GetDeletionCostFromPodAnnotations
pub(super) fn has_valid_deletion_cost(object: &Value) -> bool {
    let Some(text) = object::annotation(object, DELETION_COST) else { return true };
    let begins_well = text == "0" || text.starts_with(|first: char| matches!(first, '-' | '1'..='9'));
    begins_well && text.parse::<i32>().is_ok()
}
