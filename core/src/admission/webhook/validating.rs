//! ValidatingAdmissionWebhook: asks all webhooks that may refuse a write at once.
//! k8s: staging/src/k8s.io/apiserver/pkg/admission/plugin/webhook/validating/dispatcher.go

use super::answer::HookKind;
use super::call::{Concern, HookCall, concern};
use super::{HookFailure, versioned};
use crate::admission::AdmissionAttributes;
use crate::admission::chain::{AdmissionPlugin, Opinion, PluginMemory, Said};
use crate::admission::lookups::{Lookups, Pause};
use crate::admission::matching::{Matched, WrittenObjects, is_exempt};
use crate::limits;
use crate::museum::{Flaw, Mutant};
use crate::question::{Question, Reply};
use crate::status::Failure;
use crate::store::failure;
use crate::value::Value;
use crate::world::World;
use crate::world::indexes::Webhook;
use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::mem;

pub(in crate::admission) const PLUGIN: AdmissionPlugin =
    AdmissionPlugin { validate, judges_connections: true, ..AdmissionPlugin::IDLE };

/// How far the webhooks have been asked.
#[derive(Clone, Debug)]
pub(in crate::admission) struct ValidatingWebhooks {
    /// Those of which it is not known whether the write concerns them.
    open: VecDeque<Arc<Webhook>>,
    lookups: Lookups,
    /// Those that are to be called.
    due: VecDeque<(Arc<Webhook>, Matched)>,
    /// Those that are being called.
    calls: Vec<(Arc<Webhook>, HookCall)>,
    /// The first refusal. The others are asked nevertheless.
    refusal: Option<Failure>,
}

fn validate(
    world: &World,
    attributes: &AdmissionAttributes<'_>,
    object: &Value,
    found: Option<Reply>,
    said: &mut Said,
) -> Result<Opinion, Failure> {
    let mut run = match mem::take(&mut said.memory) {
        PluginMemory::ValidatingWebhooks(run) => *run,
        PluginMemory::Nothing | PluginMemory::MutatingWebhooks(_) | PluginMemory::Policies(_) => {
            let open: VecDeque<_> = world.indexes().webhooks().validating().cloned().collect();
            if open.is_empty() || is_exempt(attributes) {
                return Ok(Opinion::Admitted);
            }
            ValidatingWebhooks {
                open,
                lookups: Lookups::default(),
                due: VecDeque::new(),
                calls: Vec::new(),
                refusal: None,
            }
        }
    };
    match found {
        Some(reply) if run.calls.is_empty() => run.lookups.take(world, attributes, reply),
        Some(reply) => run.hear(world, reply, said)?,
        None => {}
    }
    match run.go_on(world, attributes, object)? {
        Some(pause) => {
            let opinion = run.lookups.wait(pause);
            said.memory = PluginMemory::ValidatingWebhooks(Box::new(run));
            Ok(opinion)
        }
        None => run.refusal.map_or(Ok(Opinion::Admitted), Err),
    }
}

impl ValidatingWebhooks {
    /// Takes the answers of the webhooks that were called.
    fn hear(&mut self, world: &World, reply: Reply, said: &mut Said) -> Result<(), Failure> {
        let Reply::Called(outcomes) = reply else { return Err(failure::misfit()) };
        let calls = mem::take(&mut self.calls);
        if calls.len() != outcomes.len() {
            return Err(failure::misfit());
        }
        for ((webhook, call), outcome) in calls.into_iter().zip(&outcomes) {
            let answered = call.end(world, &webhook, outcome).and_then(|response| {
                said.warnings.extend(response.warnings);
                response.verdict.map_err(HookFailure::Final)
            });
            self.judge(&webhook, world.config.flaw, answered);
        }
        Ok(())
    }

    fn judge(&mut self, webhook: &Webhook, flaw: Flaw, answered: Result<(), HookFailure>) {
        if let Err(failure) = answered.or_else(|why| why.decide(webhook, flaw)) {
            self.refusal.get_or_insert(failure);
        }
    }

    /// Finds out which webhooks the write concerns, then calls them. None when all have been called.
    fn go_on(
        &mut self,
        world: &World,
        attributes: &AdmissionAttributes<'_>,
        object: &Value,
    ) -> Result<Option<Pause>, Failure> {
        let mut object = Cow::Borrowed(object);
        if world.config.flaw.is(Mutant::ApprovedUnprepared) {
            object.to_mut().remove_at(&["metadata", "uid"]);
        }
        let object = &*object;
        let written = WrittenObjects { object, old: attributes.old };
        while let Some(webhook) = self.open.front() {
            match concern(world, attributes, written, webhook, &mut self.lookups)? {
                Concern::Needs(pause) => return Ok(Some(pause)),
                Concern::No => drop(self.open.pop_front()),
                Concern::Yes(matched) => {
                    let webhook = self.open.pop_front();
                    self.due.extend(webhook.map(|webhook| (webhook, matched)));
                }
            }
        }
        let mut outcalls = Vec::new();
        while outcalls.len() < limits::CALLS_OF_JOB
            && let Some((webhook, matched)) = self.due.pop_front()
        {
            let seen = |value| versioned::seen(world, attributes, &matched.resource, value);
            let (object, old) = (seen(object)?, seen(attributes.old)?);
            let kind = (HookKind::Validating, 2);
            match HookCall::begin(world, attributes, &webhook, &matched, [&object, &old], kind) {
                Ok((call, outcall)) => {
                    outcalls.push(outcall);
                    self.calls.push((webhook, call));
                }
                Err(why) => self.judge(&webhook, world.config.flaw, Err(why)),
            }
        }
        Ok((!outcalls.is_empty()).then_some(Question::Calls(outcalls).into()))
    }
}
