//! What a request that policies are asked about keeps while it waits.

use super::access::KnownDecisions;
use crate::admission::AdmissionAttributes;
use crate::admission::chain::{Opinion, PluginMemory, Said};
use crate::admission::matching::NamespaceLookup;
use crate::cel::AccessCheck;
use crate::question::{Question, Reply};
use crate::world::World;
use crate::world::indexes::PolicySet;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// A request on its way through the policies. Whatever it has waited for, it then begins with the first policy again.
#[derive(Clone, Debug)]
pub(crate) struct PolicyProgress {
    /// The policies with which it began.
    pub(super) policies: PolicySet,
    pub(super) namespace: NamespaceLookup,
    pub(super) decisions: KnownDecisions,
}

impl PolicyProgress {
    pub(super) fn new(policies: &PolicySet) -> Self {
        Self {
            policies: policies.clone(),
            namespace: NamespaceLookup::default(),
            decisions: KnownDecisions::default(),
        }
    }

    /// Takes what it has waited for.
    pub(super) fn take(&mut self, world: &World, attributes: &AdmissionAttributes<'_>, found: Option<Reply>) {
        match found {
            None => {}
            Some(Reply::Ruled(rulings)) => self.decisions.take(rulings),
            Some(reply) => self.namespace.answer(world, attributes.namespace_of_request(), reply),
        }
    }
}

/// What policies have to know before they can go on.
pub(super) enum Pause {
    Question(Question),
    /// The authorizers have to decide these.
    Checks(Vec<AccessCheck>),
}

impl From<Question> for Pause {
    fn from(question: Question) -> Self {
        Self::Question(question)
    }
}

impl PolicyProgress {
    /// Waits for what policies have to know.
    pub(super) fn wait(mut self: Box<Self>, pause: Pause, said: &mut Said) -> Opinion {
        let opinion = match pause {
            Pause::Question(question) => Opinion::Needs(question),
            Pause::Checks(checks) => Opinion::Asks(self.decisions.ask(checks)),
        };
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
