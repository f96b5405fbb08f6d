//! Rules of schemas (`x-kubernetes-validations`): expressions that are true of values that may be.
//!
//! `values` says what expressions see of the values of a schema; `compile` makes programs of rules, and says what is
//! wrong with them and what they cost at most; `validator` applies them to an object; `ratchet` finds what of it has
//! not changed.
//! k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/{compilation,validation}.go

mod compile;
mod ratchet;
#[cfg(test)]
mod tests;
mod validator;
mod values;

pub use compile::{CompiledRule, compile};
pub use validator::{RULES_COST, RuleValidator, RuledValue};
