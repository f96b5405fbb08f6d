//! MutatingAdmissionPolicy: a write is changed by the policies that it concerns, one after the other.
//! k8s: staging/src/k8s.io/apiserver/pkg/admission/plugin/policy/mutating/dispatcher.go

use super::dispatch::{Dispatch, Invocation, Misconfigured};
use super::mutation::{Mutating, Unmutated};
use super::progress::{PolicyProgress, is_excluded};
use crate::admission::access::{self, Deciders};
use crate::admission::chain::{Opinion, PluginMemory, Said};
use crate::admission::lookups::{Lookups, Pause};
use crate::admission::matching::WrittenObjects;
use crate::admission::reinvocation::Reinvocation;
use crate::admission::webhook::versioned;
use crate::admission::{AdmissionAttributes, AdmissionOperation};
use crate::expressions::AuthorizerVariables;
use crate::question::Reply;
use crate::status::{Cause, CauseType, Failure, Reason};
use crate::value::{Text, Value, object, quoted};
use crate::world::World;
use crate::world::indexes::{AdmissionPolicy, PolicyBinding};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

pub(super) fn admit(
    world: &World,
    attributes: &AdmissionAttributes<'_>,
    object: &mut Value,
    found: Option<Reply>,
    said: &mut Said,
) -> Result<Opinion, Failure> {
    let policies = &world.indexes().policies().mutating;
    let mut progress = match core::mem::take(&mut said.memory) {
        PluginMemory::Policies(progress) => progress,
        _ if policies.is_empty() || attributes.operation == AdmissionOperation::Delete => {
            return Ok(Opinion::Admitted);
        }
        _ if is_excluded(attributes) => return Ok(Opinion::Admitted),
        _ => Box::new(PolicyProgress::new(policies)),
    };
    progress.take(world, attributes, found);
    let before = object.clone();
    let dispatch =
        Dispatch { world, attributes, written: WrittenObjects { object: &before, old: attributes.old } };
    let mut reinvocation = said.reinvocation.clone();
    match applied(&dispatch, &mut progress, &mut reinvocation) {
        Ok(applied) => {
            said.reinvocation = reinvocation;
            let Applied { object: changed, refusals } = applied?;
            if let Some(changed) = changed {
                *object = changed;
            }
            match refusals.is_empty() {
                true => Ok(Opinion::Admitted),
                false => Err(refused(attributes, object, refusals)),
            }
        }
        // What was noted about the policies that were asked is forgotten, since they are asked again.
        Err(pause) => Ok(progress.wait(pause, said)),
    }
}

/// What comes of all policies.
struct Applied {
    /// None if the object stays as it is.
    object: Option<Value>,
    refusals: Vec<Refusal>,
}

/// Why the write is refused.
struct Refusal {
    message: String,
    /// The policy was asked, and could not change the object. If not, it could not even be asked.
    is_asked: bool,
}

impl Refusal {
    fn of(policy: &AdmissionPolicy, binding: Option<&PolicyBinding>, why: &str, is_asked: bool) -> Self {
        let name = &policy.name;
        let message = match binding {
            Some(binding) => {
                format!("policy '{name}' with binding '{}' denied request: {why}", binding.name)
            }
            None => format!("policy {} denied request: {why}", quoted(name)),
        };
        Self { message, is_asked }
    }
}

/// The reason is that of an invalid object, and the status code that of one that is forbidden.
fn refused(attributes: &AdmissionAttributes<'_>, object: &Value, refusals: Vec<Refusal>) -> Failure {
    let first = refusals.first().map(|refusal| (refusal.message.clone(), refusal.is_asked));
    let (message, is_asked) = first.unwrap_or_default();
    let mut failure = attributes.forbidden(object, "");
    for Refusal { message, .. } in refusals {
        failure = failure.with_cause(Cause { reason: CauseType::Unknown, message, field: String::new() });
    }
    let mut status = failure.to_value();
    status.set("message", message.into());
    if is_asked {
        status.set("reason", Reason::Invalid.word().into());
    }
    Failure::told(status)
}

/// The changed object, or what has to be asked first. Nothing is remembered of the latter.
fn applied(
    dispatch: &Dispatch<'_>,
    progress: &mut PolicyProgress,
    reinvocation: &mut Reinvocation,
) -> Result<Result<Applied, Failure>, Pause> {
    let PolicyProgress { policies, lookups: Lookups { namespace, decisions } } = progress;
    let (mut invocations, mut refusals) = (Vec::new(), Vec::new());
    for invoked in dispatch.invocations(policies, namespace)? {
        match invoked {
            Ok(invocation) => invocations.push(invocation),
            Err(Misconfigured { policy, .. }) if policy.ignores_failures => {}
            Err(Misconfigured { policy, binding, why }) => {
                refusals.push(Refusal::of(policy, binding, &why, false));
            }
        }
    }
    if invocations.iter().all(|invocation| invocation.params.is_empty()) {
        return Ok(Ok(Applied { object: None, refusals }));
    }
    let namespace = match dispatch.namespace(namespace)? {
        Ok(namespace) => namespace,
        Err(failure) => return Ok(Err(failure)),
    };
    let started = dispatch.written.object;
    if reinvocation.is_again() && reinvocation.policies.is_changed(started) {
        // Others have changed the object since the policies were asked.
        reinvocation.policies.require();
    }
    let mut round = Round {
        dispatch,
        namespace: &namespace,
        authorizer: &access::variables(dispatch.attributes),
        deciders: Deciders::new(dispatch.world, decisions),
        reinvocation,
        object: started.clone(),
        is_dirty: false,
    };
    for invocation in &invocations {
        for params in &invocation.params {
            match round.invoke(invocation, params) {
                Ok(found) => {
                    let told = found.into_iter().filter(|_| !invocation.policy.ignores_failures);
                    refusals.extend(
                        told.map(|why| Refusal::of(invocation.policy, Some(invocation.binding), &why, true)),
                    );
                }
                Err(failure) if round.deciders.wanted.is_empty() => return Ok(Err(failure)),
                // It may be otherwise when the decisions are known.
                Err(_) => {}
            }
        }
    }
    let Round { object, is_dirty, deciders, reinvocation, .. } = round;
    if !deciders.wanted.is_empty() {
        return Err(Pause::Checks(deciders.wanted));
    }
    if is_dirty {
        reinvocation.policies.require();
        reinvocation.want();
    }
    reinvocation.policies.leave(&object);
    Ok(Ok(Applied { object: is_dirty.then_some(object), refusals }))
}

/// A round of all policies.
struct Round<'a, 'd> {
    dispatch: &'a Dispatch<'d>,
    namespace: &'a Value,
    authorizer: &'a AuthorizerVariables,
    deciders: Deciders<'a>,
    reinvocation: &'a mut Reinvocation,
    /// In the version in which it is stored.
    object: Value,
    /// A mutation was made, though it may have changed nothing.
    is_dirty: bool,
}

impl Round<'_, '_> {
    /// Asks a policy with one parameter. Returns why mutations could not be made.
    ///
    /// # Errors
    /// A failure that refuses the write whatever the policy says about failures.
    fn invoke(&mut self, invocation: &Invocation<'_>, params: &Value) -> Result<Vec<String>, Failure> {
        let Dispatch { world, attributes, .. } = self.dispatch;
        let resource = &invocation.resource;
        let seen = self.dispatch.seen(resource, &self.object)?;
        let mut mutating = Mutating {
            world,
            attributes,
            resource,
            requests: &self.dispatch.requests(resource),
            namespace: self.namespace,
            authorizer: self.authorizer,
            params,
            object: seen.clone(),
            old_object: self.dispatch.seen(resource, self.dispatch.written.old)?,
        };
        let policy = invocation.policy;
        match mutating.is_met(policy.compiled(), policy.ignores_failures, &mut self.deciders) {
            Ok(true) => {}
            Ok(false) => return Ok(Vec::new()),
            Err(why) => return Ok(alloc::vec![why]),
        }
        let key = key_of(invocation, params);
        if self.reinvocation.is_again() && !self.reinvocation.policies.is_due(&key) {
            return Ok(Vec::new());
        }
        let mut problems = Vec::new();
        for mutation in &policy.compiled().mutations {
            if mutating.object.is_null() {
                break;
            }
            match mutating.mutate(policy.compiled(), mutation, &mut self.deciders) {
                Ok(()) => self.is_dirty = true,
                Err(Unmutated::Refused(failure)) => return Err(*failure),
                Err(Unmutated::Failed(why)) => problems.push(why),
            }
        }
        let changed = mutating.object;
        if changed != seen {
            versioned::adopt(world, attributes, resource, &mut self.object, (&seen, changed))?;
            self.reinvocation.policies.require();
            self.reinvocation.want();
        }
        if policy.spec.text_at(&["reinvocationPolicy"]) == "IfNeeded" {
            self.reinvocation.policies.note(&key);
        }
        Ok(problems)
    }
}

/// What tells an invocation from others: policy, binding and parameter. No name contains a slash.
fn key_of(invocation: &Invocation<'_>, params: &Value) -> Text {
    let (policy, binding) = (&invocation.policy.name, &invocation.binding.name);
    format!("{policy}/{binding}/{}/{}", object::namespace(params), object::name(params)).into()
}
