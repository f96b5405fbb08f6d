//! Authorization: what a caller asks for (`attributes`), whether they may have it (`decide`), the proof that they may
//! (`permit`), and what a verb works on, which only such a proof gives out (`target`).
//! k8s: staging/src/k8s.io/apiserver/pkg/authorization/authorizer/interfaces.go

mod attributes;
mod decide;
mod permit;
mod target;
#[cfg(test)]
mod tests;

pub(crate) use attributes::Attributes;
pub(crate) use decide::{Decision, Undecided, decide, decide_again};
pub(crate) use permit::Permit;
pub(crate) use target::Target;
