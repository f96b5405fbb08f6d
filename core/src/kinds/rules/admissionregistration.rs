//! Webhook configurations and admission policies with their bindings.
//! k8s: pkg/registry/admissionregistration

use super::status;
use crate::kinds::{Generation, Rules};

/// Admission objects are written with the revision that was read, and never made by an update.
const GUARDED: Rules = Rules { generation: Generation::Spec, unconditional_update: false, ..Rules::PLAIN };

pub static MUTATING_POLICY: Rules = GUARDED;
pub static VALIDATING_POLICY: Rules =
    Rules { generation: GUARDED.generation, unconditional_update: false, ..status::SPLIT };
pub static POLICY_BINDING: Rules = GUARDED;
pub static MUTATING_WEBHOOKS: Rules = GUARDED;
pub static VALIDATING_WEBHOOKS: Rules = GUARDED;
