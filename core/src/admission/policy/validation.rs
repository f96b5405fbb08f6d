//! What a validating policy makes of a request.
//! k8s: staging/src/k8s.io/apiserver/pkg/admission/plugin/policy/validating/validator.go

use crate::cel::CelValue;
use crate::expressions::{Activation, ConditionsMet, Decisions, Evaluations, OutOfBudget};
use crate::limits;
use crate::status::Reason;
use crate::world::indexes::{CompiledPolicy, Validation};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Why a policy denies a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PolicyDenial {
    pub(super) message: String,
    pub(super) reason: Reason,
    /// Audit annotations that could not be made deny whatever the binding says.
    pub(super) is_of_annotation: bool,
}

impl PolicyDenial {
    fn failed(message: impl Into<String>) -> Self {
        Self { message: message.into(), reason: Reason::Invalid, is_of_annotation: false }
    }
}

/// What is denied, and why. `conditions` is what the match conditions see.
pub(super) fn denials(
    policy: &CompiledPolicy,
    ignores_failures: bool,
    activation: Activation<'_>,
    conditions: Activation<'_>,
    decisions: &mut dyn Decisions,
) -> Vec<PolicyDenial> {
    let failed =
        |why: &str| if ignores_failures { Vec::new() } else { alloc::vec![PolicyDenial::failed(why)] };
    let composition = Some(&policy.composition);
    match policy.conditions.met(conditions, composition, decisions, ignores_failures) {
        ConditionsMet::Yes => {}
        ConditionsMet::No => return Vec::new(),
        ConditionsMet::Failed(why) => return failed(&why),
    }
    let mut evaluations = Evaluations::new(activation, composition, decisions, limits::CEL_POLICY_COST);
    let mut results = Vec::with_capacity(policy.validations.len());
    for validation in &policy.validations {
        match evaluations.eval(&validation.expression) {
            Ok(result) => results.push(result),
            Err(OutOfBudget) => return failed(OutOfBudget::MESSAGE),
        }
    }
    let left = evaluations.left();
    // Messages and annotations cannot ask the authorizers.
    let activation = Activation { authorizer: None, ..activation };
    let messages = messages(policy, activation, decisions, left);
    let mut denials = Vec::new();
    for (at, (validation, result)) in policy.validations.iter().zip(results).enumerate() {
        match (result, &messages) {
            (Err(why), _) => denials.extend(failed(&why)),
            (Ok(_), Err(OutOfBudget)) => {
                denials.extend(failed(&format!("failed messageExpression: {}", OutOfBudget::MESSAGE)));
            }
            (Ok(CelValue::Bool(true)), Ok(_)) => {}
            (Ok(_), Ok(messages)) => {
                let message = messages.get(at).cloned().flatten();
                denials.push(PolicyDenial { message: message_of(validation, message), ..reason(validation) });
            }
        }
    }
    match annotation_denials(policy, activation, decisions) {
        Ok(found) if ignores_failures => drop(found),
        Ok(found) => denials.extend(found),
        Err(OutOfBudget) => return failed(OutOfBudget::MESSAGE),
    }
    denials
}

fn reason(validation: &Validation) -> PolicyDenial {
    let reason = match validation.reason.as_str() {
        "Unauthorized" => Reason::Unauthorized,
        "Forbidden" => Reason::Forbidden,
        "RequestEntityTooLarge" => Reason::RequestEntityTooLarge,
        _ => Reason::Invalid,
    };
    PolicyDenial { reason, ..PolicyDenial::failed(String::new()) }
}

/// The results of the expressions for messages, as far as they are usable.
fn messages(
    policy: &CompiledPolicy,
    activation: Activation<'_>,
    decisions: &mut dyn Decisions,
    budget: u64,
) -> Result<Vec<Option<String>>, OutOfBudget> {
    let mut evaluations = Evaluations::new(activation, Some(&policy.composition), decisions, budget);
    let mut messages = Vec::with_capacity(policy.validations.len());
    for validation in &policy.validations {
        messages.push(match &validation.message_expression {
            None => None,
            Some(expression) => match evaluations.eval(expression)? {
                Ok(CelValue::Str(text)) => usable(&text),
                Ok(_) | Err(_) => None,
            },
        });
    }
    Ok(messages)
}

fn usable(text: &str) -> Option<String> {
    let text = text.trim();
    let fits = text.len() <= limits::POLICY_MESSAGE_BYTES && !text.contains('\n');
    (fits && !text.is_empty()).then(|| text.to_string())
}

fn message_of(validation: &Validation, message: Option<String>) -> String {
    let fixed = || validation.message.trim().to_string();
    let message = message.unwrap_or_else(fixed);
    match message.is_empty() {
        true => format!("failed expression: {}", validation.expression.text().trim()),
        false => message,
    }
}

/// The audit annotations that cannot be made. The others are made for an audit log, which there is not yet.
fn annotation_denials(
    policy: &CompiledPolicy,
    activation: Activation<'_>,
    decisions: &mut dyn Decisions,
) -> Result<Vec<PolicyDenial>, OutOfBudget> {
    let mut evaluations =
        Evaluations::new(activation, Some(&policy.composition), decisions, limits::CEL_POLICY_COST);
    let mut denials = Vec::new();
    for expression in &policy.audit_annotations {
        if let Err(why) = evaluations.eval(expression)? {
            denials.push(PolicyDenial { is_of_annotation: true, ..PolicyDenial::failed(why) });
        }
    }
    Ok(denials)
}
