//! What a request has to find out before it is known which webhooks and policies it concerns, and what of it is known.

use super::AdmissionAttributes;
use super::access::KnownDecisions;
use super::chain::Opinion;
use super::matching::NamespaceLookup;
use crate::cel::AccessCheck;
use crate::question::{Question, Reply};
use crate::world::World;
use alloc::vec::Vec;

/// What a request has found out.
#[derive(Clone, Debug, Default)]
pub(super) struct Lookups {
    pub(super) namespace: NamespaceLookup,
    pub(super) decisions: KnownDecisions,
}

/// What has to be known before it can go on.
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

impl Lookups {
    /// Takes what was waited for.
    pub(super) fn take(&mut self, world: &World, attributes: &AdmissionAttributes<'_>, found: Reply) {
        match found {
            Reply::Ruled(rulings) => self.decisions.take(rulings),
            reply => self.namespace.answer(world, attributes.namespace_of_request(), reply),
        }
    }

    /// What the plugin says that waits for this.
    pub(super) fn wait(&mut self, pause: Pause) -> Opinion {
        match pause {
            Pause::Question(question) => Opinion::Needs(question),
            Pause::Checks(checks) => Opinion::Asks(self.decisions.ask(checks)),
        }
    }
}
