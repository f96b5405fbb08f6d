//! Authorization: what a caller asks for (`attributes`), whether they may have it (`decide`, which asks the authorizers
//! one after the other; those that need more than a line have files of their own), the proof that they may
//! (`permit`), and what a verb works on, which only such a proof gives out (`target`).
//! k8s: staging/src/k8s.io/apiserver/pkg/authorization/authorizer/interfaces.go

mod abac;
mod attributes;
mod covers;
mod decide;
mod deciding;
mod escalation;
mod impersonation;
mod node;
mod opinion;
mod permit;
#[cfg(test)]
mod properties;
mod rbac;
mod rules;
mod selecting;
mod target;
#[cfg(test)]
mod tests;
mod webhook;

pub(crate) use attributes::Attributes;
pub(crate) use covers::uncovered;
pub(crate) use decide::{Decision, Undecided, decide, decide_again};
pub(crate) use deciding::{AttributesRecord, Decided, Deciding};
pub(crate) use escalation::{confirm_covered, full_authority};
pub(crate) use impersonation::{Impersonating, ImpersonationProgress};
pub(crate) use opinion::{Objection, aggregate};
pub(crate) use permit::Permit;
pub(crate) use rbac::rules_of_role;
pub(crate) use rules::list_rules;
pub(crate) use selecting::Selecting;
pub(crate) use target::Target;
