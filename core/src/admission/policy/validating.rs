//! ValidatingAdmissionPolicy: a write that a policy denies is refused, or warned of.
//! k8s: staging/src/k8s.io/apiserver/pkg/admission/plugin/policy/validating/dispatcher.go

use super::dispatch::{Dispatch, Invocation, Misconfigured};
use super::progress::{PolicyProgress, is_excluded};
use super::validation::{PolicyDenial, denials};
use crate::admission::AdmissionAttributes;
use crate::admission::access::{self, Deciders};
use crate::admission::chain::{Opinion, PluginMemory, Said};
use crate::admission::lookups::{Lookups, Pause};
use crate::admission::matching::WrittenObjects;
use crate::expressions::{Activation, AuthorizerVariables};
use crate::question::Reply;
use crate::status::{Cause, CauseType, Failure, Reason};
use crate::value::Value;
use crate::world::World;
use crate::world::indexes::{AdmissionPolicy, PolicyBinding, ValidationAction};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

pub(super) fn validate(
    world: &World,
    attributes: &AdmissionAttributes<'_>,
    object: &Value,
    found: Option<Reply>,
    said: &mut Said,
) -> Result<Opinion, Failure> {
    let policies = &world.indexes().policies().validating;
    let mut progress = match core::mem::take(&mut said.memory) {
        PluginMemory::Policies(progress) => progress,
        _ if policies.is_empty() || is_excluded(attributes) => return Ok(Opinion::Admitted),
        _ => Box::new(PolicyProgress::new(policies)),
    };
    progress.take(world, attributes, found);
    let written = WrittenObjects { object, old: attributes.old };
    let dispatch = Dispatch { world, attributes, written };
    match judged(&dispatch, &mut progress) {
        Ok(verdict) => {
            let verdict = verdict?;
            said.warnings.extend(verdict.warnings);
            match verdict.refusal {
                None => Ok(Opinion::Admitted),
                Some(refusal) => Err(refusal.failure(attributes, object)),
            }
        }
        Err(pause) => Ok(progress.wait(pause, said)),
    }
}

/// What comes of all policies.
#[derive(Default)]
struct Verdict {
    warnings: Vec<String>,
    /// The first reason to refuse the write.
    refusal: Option<Refusal>,
}

struct Refusal {
    message: String,
    reason: Reason,
}

impl Refusal {
    fn of(policy: &AdmissionPolicy, binding: Option<&PolicyBinding>, why: &str, reason: Reason) -> Self {
        let name = &policy.name;
        let bound = binding.map(|binding| format!(" with binding '{}'", binding.name)).unwrap_or_default();
        let message = format!("ValidatingAdmissionPolicy '{name}'{bound} denied request: {why}");
        Self { message, reason }
    }

    fn failure(self, attributes: &AdmissionAttributes<'_>, object: &Value) -> Failure {
        let cause = Cause { reason: CauseType::Unknown, message: self.message.clone(), field: String::new() };
        attributes.forbidden(object, &self.message).with_reason(self.reason).with_cause(cause)
    }
}

/// The verdict, or what has to be asked first.
fn judged(dispatch: &Dispatch<'_>, progress: &mut PolicyProgress) -> Result<Result<Verdict, Failure>, Pause> {
    let PolicyProgress { policies, lookups: Lookups { namespace, decisions } } = progress;
    let mut deciders = Deciders::new(dispatch.world, decisions);
    let authorizer = access::variables(dispatch.attributes);
    let invocations = dispatch.invocations(policies, namespace)?;
    let mut verdict = Verdict::default();
    for invoked in invocations {
        let invocation = match invoked {
            Ok(invocation) => invocation,
            Err(Misconfigured { policy, .. }) if policy.ignores_failures => continue,
            Err(Misconfigured { policy, binding, why }) => {
                verdict.refuse(Refusal::of(policy, binding, &why, Reason::Invalid));
                continue;
            }
        };
        let namespace = match dispatch.namespace(namespace)? {
            Ok(namespace) => namespace,
            Err(failure) => return Ok(Err(failure)),
        };
        match asked(dispatch, &invocation, &namespace, (&authorizer, &mut deciders)) {
            Ok(denials) => denials.iter().for_each(|denial| verdict.take(&invocation, denial)),
            Err(_) if invocation.policy.ignores_failures => {}
            Err(why) => {
                let why = format!("failed to configure binding: {why}");
                let binding = Some(invocation.binding);
                verdict.refuse(Refusal::of(invocation.policy, binding, &why, Reason::Invalid));
            }
        }
    }
    match deciders.wanted.is_empty() {
        true => Ok(Ok(verdict)),
        false => Err(Pause::Checks(deciders.wanted)),
    }
}

/// What a policy denies, with each of its parameters.
fn asked(
    dispatch: &Dispatch<'_>,
    invocation: &Invocation<'_>,
    namespace: &Value,
    (authorizer, deciders): (&AuthorizerVariables, &mut Deciders<'_>),
) -> Result<Vec<PolicyDenial>, String> {
    if invocation.params.is_empty() {
        return Ok(Vec::new());
    }
    let (resource, written) = (&invocation.resource, &dispatch.written);
    let unconverted = |failure: Failure| format!("failed to convert object version: {}", failure.message());
    let object = dispatch.seen(resource, written.object).map_err(unconverted)?;
    let old_object = dispatch.seen(resource, written.old).map_err(unconverted)?;
    let [request, of_conditions] = dispatch.requests(resource);
    let policy = invocation.policy;
    let mut denied = |params: &Value| {
        let activation = Activation {
            object: &object,
            old_object: &old_object,
            request: &request,
            namespace,
            params,
            authorizer: Some(authorizer),
        };
        let conditions = Activation { request: &of_conditions, namespace: &Value::Null, ..activation };
        denials(policy.compiled(), policy.ignores_failures, activation, conditions, deciders)
    };
    Ok(invocation.params.iter().flat_map(&mut denied).collect())
}

impl Verdict {
    fn refuse(&mut self, refusal: Refusal) {
        self.refusal.get_or_insert(refusal);
    }

    fn take(&mut self, invocation: &Invocation<'_>, denial: &PolicyDenial) {
        let (policy, binding) = (invocation.policy, invocation.binding);
        let refusal = || Refusal::of(policy, Some(binding), &denial.message, denial.reason);
        if denial.is_of_annotation {
            self.refuse(refusal());
            return;
        }
        for action in &binding.actions {
            match action {
                ValidationAction::Deny => self.refuse(refusal()),
                ValidationAction::Warn => self.warnings.push(format!(
                    "Validation failed for ValidatingAdmissionPolicy '{}' with binding '{}': {}",
                    policy.name, binding.name, denial.message
                )),
                // It would be recorded in the audit log, which there is not yet.
                ValidationAction::Audit => {}
            }
        }
    }
}
