//! Admission webhooks: other servers that may change a write or refuse it.
//! k8s: staging/src/k8s.io/apiserver/pkg/admission/plugin/webhook

mod answer;
mod call;
mod mutating;
pub(crate) mod review;
mod validating;
pub(crate) mod versioned;

use crate::museum::{Flaw, Mutant};
use crate::status::Failure;
use crate::value::quoted;
use crate::world::indexes::Webhook;
use alloc::format;
use alloc::string::String;

pub(super) use mutating::{MutatingWebhooks, PLUGIN as MUTATING};
pub(super) use validating::{PLUGIN as VALIDATING, ValidatingWebhooks};

/// Why a webhook does not let a write go on.
#[derive(Debug)]
enum HookFailure {
    /// It could not be asked, or its answer cannot be understood: its failure policy decides.
    Calling(String),
    /// It refuses, or what it wants cannot be done, whatever its policy says.
    Final(Failure),
}

impl HookFailure {
    /// What comes of it by the webhook's failure policy.
    ///
    /// # Errors
    /// The write is refused.
    fn decide(self, webhook: &Webhook, flaw: Flaw) -> Result<(), Failure> {
        let is_ignored = webhook.ignores_failures || flaw.is(Mutant::WebhookFailureAdmits);
        match self {
            Self::Calling(_) if is_ignored => Ok(()),
            Self::Calling(why) => {
                let name = quoted(&webhook.name);
                Err(Failure::internal(format!("failed calling webhook {name}: {why}")))
            }
            Self::Final(failure) => Err(failure),
        }
    }
}
