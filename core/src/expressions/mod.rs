//! Expressions on requests and tokens: those of admission policies, of webhooks, of authorizers and of issuers. Here is
//! what they can name and how they are compiled; what is done with their results is the business of those who ask.
//!
//! An expression is compiled once, when the object that holds it was written or is first needed, and shared.

mod access_review;
mod activation;
mod admission;
mod authentication;
mod composition;
mod device;
mod expression;
mod match_conditions;

pub use access_review::{ReviewConditions, compile_review_condition};
pub use activation::{Activation, AuthorizerVariables, Decisions, Evaluations, OutOfBudget};
pub use admission::{Declared, admission_env};
pub use authentication::{TokenSubject, selects_claim, text_of, texts_of};
pub use composition::Composition;
pub use device::compile_device_selector;
pub use expression::{Expression, declared_name};
pub use match_conditions::{ConditionsMet, MatchConditions};
