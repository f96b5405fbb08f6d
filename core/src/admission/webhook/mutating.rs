//! MutatingAdmissionWebhook: asks the webhooks that may change an object, one after the other.
//! k8s: staging/src/k8s.io/apiserver/pkg/admission/plugin/webhook/mutating/dispatcher.go

use super::answer::{self, AdmissionResponse, HookKind};
use super::call::{Concern, HookCall, concern};
use super::{HookFailure, versioned};
use crate::admission::AdmissionAttributes;
use crate::admission::chain::{AdmissionPlugin, Opinion, PluginMemory, Said};
use crate::admission::lookups::{Lookups, Pause};
use crate::admission::matching::{Matched, WrittenObjects, is_exempt};
use crate::patch::{PatchError, json_patch};
use crate::question::{Question, Reply};
use crate::status::Failure;
use crate::store::failure;
use crate::value::{Value, quoted};
use crate::world::World;
use crate::world::indexes::Webhook;
use alloc::boxed::Box;
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::mem;

pub(in crate::admission) const PLUGIN: AdmissionPlugin =
    AdmissionPlugin { mutate, judges_connections: true, ..AdmissionPlugin::IDLE };

/// How far the webhooks have been asked.
#[derive(Clone, Debug)]
pub(in crate::admission) struct MutatingWebhooks {
    /// All that there were at the beginning.
    webhooks: Vec<Arc<Webhook>>,
    /// The next one to be asked, or the one that is being asked.
    at: usize,
    lookups: Lookups,
    call: Option<(HookCall, Matched)>,
}

fn mutate(
    world: &World,
    attributes: &AdmissionAttributes<'_>,
    object: &mut Value,
    found: Option<Reply>,
    said: &mut Said,
) -> Result<Opinion, Failure> {
    let mut run = match mem::take(&mut said.memory) {
        PluginMemory::MutatingWebhooks(run) => *run,
        PluginMemory::Nothing | PluginMemory::ValidatingWebhooks(_) | PluginMemory::Policies(_) => {
            let webhooks = world.indexes().webhooks().mutating();
            let webhooks: Vec<_> = webhooks.cloned().collect();
            if webhooks.is_empty() || is_exempt(attributes) {
                return Ok(Opinion::Admitted);
            }
            let reinvocation = &mut said.reinvocation;
            if reinvocation.is_again() && reinvocation.webhooks.is_changed(object) {
                reinvocation.webhooks.require();
            }
            MutatingWebhooks { webhooks, at: 0, lookups: Lookups::default(), call: None }
        }
    };
    if let Some(reply) = found {
        run.hear(world, attributes, object, reply, said)?;
    }
    let progress = run.go_on(world, attributes, object, said)?;
    match progress {
        Some(pause) => {
            let opinion = run.lookups.wait(pause);
            said.memory = PluginMemory::MutatingWebhooks(Box::new(run));
            Ok(opinion)
        }
        None => {
            said.reinvocation.webhooks.leave(object);
            Ok(Opinion::Admitted)
        }
    }
}

impl MutatingWebhooks {
    /// Takes what was waited for: what is to be known of the request, or the answer of a webhook.
    fn hear(
        &mut self,
        world: &World,
        attributes: &AdmissionAttributes<'_>,
        object: &mut Value,
        reply: Reply,
        said: &mut Said,
    ) -> Result<(), Failure> {
        let Some((call, matched)) = self.call.take() else {
            self.lookups.take(world, attributes, reply);
            return Ok(());
        };
        let Reply::Called(outcomes) = reply else { return Err(failure::misfit()) };
        let outcome = outcomes.first().ok_or_else(failure::misfit)?;
        let Some(webhook) = self.webhooks.get(self.at).cloned() else { return Err(failure::misfit()) };
        self.at += 1;
        let answered = call
            .end(world, &webhook, outcome)
            .and_then(|response| changed(world, attributes, &matched, object, &webhook, response, said));
        let is_changed = match answered {
            Ok(is_changed) => is_changed,
            Err(why) => why.decide(&webhook, world.config.flaw).map(|()| false)?,
        };
        let reinvocation = &mut said.reinvocation;
        if is_changed {
            reinvocation.webhooks.require();
            reinvocation.want();
        }
        note(&webhook, said);
        Ok(())
    }

    /// Asks the next webhook that the write concerns. None when there is none left.
    fn go_on(
        &mut self,
        world: &World,
        attributes: &AdmissionAttributes<'_>,
        object: &Value,
        said: &mut Said,
    ) -> Result<Option<Pause>, Failure> {
        while let Some(webhook) = self.webhooks.get(self.at).cloned() {
            let written = WrittenObjects { object, old: attributes.old };
            let matched = match concern(world, attributes, written, &webhook, &mut self.lookups)? {
                Concern::No => None,
                Concern::Needs(pause) => return Ok(Some(pause)),
                Concern::Yes(matched) => Some(matched),
            };
            // A webhook that was not asked at first is not asked when others are asked again.
            let is_again = said.reinvocation.is_again();
            let is_due = !is_again || said.reinvocation.webhooks.is_due(&webhook.key);
            let Some(matched) = matched.filter(|_| is_due) else {
                self.at += 1;
                continue;
            };
            // Upstream wraps this failure twice.
            let seen = |value| {
                let seen = versioned::seen(world, attributes, &matched.resource, value);
                seen.map_err(|failure| Failure::internal(failure.message()))
            };
            let (object, old) = (seen(object)?, seen(attributes.old)?);
            let kind = (HookKind::Mutating, u64::from(is_again));
            match HookCall::begin(world, attributes, &webhook, &matched, [&object, &old], kind) {
                Ok((call, outcall)) => {
                    self.call = Some((call, matched));
                    return Ok(Some(Question::Calls(alloc::vec![outcall]).into()));
                }
                Err(why) => {
                    why.decide(&webhook, world.config.flaw)?;
                    note(&webhook, said);
                    self.at += 1;
                }
            }
        }
        Ok(None)
    }
}

/// A webhook was asked that may be asked again.
fn note(webhook: &Webhook, said: &mut Said) {
    if webhook.is_reinvocable {
        said.reinvocation.webhooks.note(&webhook.key);
    }
}

/// Does to the object what a webhook wants. Returns whether that changes it.
fn changed(
    world: &World,
    attributes: &AdmissionAttributes<'_>,
    matched: &Matched,
    object: &mut Value,
    webhook: &Webhook,
    response: AdmissionResponse,
    said: &mut Said,
) -> Result<bool, HookFailure> {
    said.warnings.extend(response.warnings);
    response.verdict.map_err(HookFailure::Final)?;
    let Some((patch, of_type)) = response.patch else { return Ok(false) };
    let undecodable =
        |why| HookFailure::Calling(format!("received undecodable patch in webhook response: {why}"));
    let operations = answer::operations(&patch).map_err(undecodable)?;
    if operations.is_null() || operations.as_list().is_some_and(<[Value]>::is_empty) {
        return Ok(false);
    }
    // The operations are read before it matters what they are for.
    if let Err(PatchError::Malformed(why)) = json_patch::apply(Value::Null, &operations, false) {
        return Err(undecodable(why));
    }
    if object.is_null() {
        let name = quoted(&webhook.name);
        return Err(HookFailure::Final(Failure::internal(format!(
            "admission webhook {name} attempted to modify the object, which is not supported for this operation"
        ))));
    }
    if of_type != "JSONPatch" {
        return Err(HookFailure::Calling(format!("unsupported patch type {}", quoted(&of_type))));
    }
    let resource = &matched.resource;
    let seen = versioned::seen(world, attributes, resource, object).map_err(HookFailure::Final)?;
    let patched = json_patch::apply(seen.clone(), &operations, false).map_err(|error| match error {
        PatchError::Malformed(why) => undecodable(why),
        PatchError::Inapplicable(why) | PatchError::TooLarge(why) | PatchError::Other(why) => {
            HookFailure::Final(Failure::internal(why))
        }
    })?;
    versioned::adopt(world, attributes, resource, object, (&seen, patched)).map_err(HookFailure::Final)
}
