//! What a request that policies are asked about keeps while it waits.

use crate::admission::AdmissionAttributes;
use crate::admission::chain::{Opinion, PluginMemory, Said};
use crate::admission::lookups::{Lookups, Pause};
use crate::question::Reply;
use crate::world::World;
use crate::world::indexes::PolicySet;
use alloc::boxed::Box;

/// A request on its way through the policies. Whatever it has waited for, it then begins with the first policy again.
#[derive(Clone, Debug)]
pub(crate) struct PolicyProgress {
    /// The policies with which it began.
    pub(super) policies: PolicySet,
    pub(super) lookups: Lookups,
}

impl PolicyProgress {
    pub(super) fn new(policies: &PolicySet) -> Self {
        Self { policies: policies.clone(), lookups: Lookups::default() }
    }

    /// Takes what it has waited for.
    pub(super) fn take(&mut self, world: &World, attributes: &AdmissionAttributes<'_>, found: Option<Reply>) {
        if let Some(reply) = found {
            self.lookups.take(world, attributes, reply);
        }
    }

    /// Waits for what policies have to know.
    pub(super) fn wait(mut self: Box<Self>, pause: Pause, said: &mut Said) -> Opinion {
        let opinion = self.lookups.wait(pause);
        said.memory = PluginMemory::Policies(self);
        opinion
    }
}

/// The resources that no policy is asked about: policies and bindings, lest one locks everybody out, and reviews that
/// the cluster cannot do without.
/// k8s: staging/src/k8s.io/apiserver/pkg/admission/plugin/policy/generic/plugin.go admissionResources,
/// pkg/kubeapiserver/admission/exclusion/resources.go
pub(super) fn is_excluded(attributes: &AdmissionAttributes<'_>) -> bool {
    const EXCLUDED: [(&str, &[&str]); 3] = [
        (
            "admissionregistration.k8s.io",
            &[
                "validatingadmissionpolicies",
                "validatingadmissionpolicybindings",
                "mutatingadmissionpolicies",
                "mutatingadmissionpolicybindings",
            ],
        ),
        ("authentication.k8s.io", &["selfsubjectreviews", "tokenreviews"]),
        (
            "authorization.k8s.io",
            &[
                "localsubjectaccessreviews",
                "selfsubjectaccessreviews",
                "selfsubjectrulesreviews",
                "subjectaccessreviews",
            ],
        ),
    ];
    let resource = attributes.resource;
    let is_in = |(group, plurals): &(&str, &[&str])| {
        resource.group == *group && plurals.iter().any(|plural| resource.plural == *plural)
    };
    EXCLUDED.iter().any(is_in)
}
