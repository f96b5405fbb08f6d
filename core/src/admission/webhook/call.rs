//! A call of a webhook about a write, and what came of it.

use super::answer::{self, AdmissionResponse, HookKind};
use super::{HookFailure, review, versioned};
use crate::admission::AdmissionAttributes;
use crate::admission::access::{self, Deciders};
use crate::admission::lookups::{Lookups, Pause};
use crate::admission::matching::{Matched, Matching, WrittenObjects, matches};
use crate::config::{ReviewVersion, WebhookServer};
use crate::expressions::{Activation, ConditionsMet};
use crate::museum::Mutant;
use crate::review as reviews;
use crate::status::Failure;
use crate::value::{Text, Value, object, quoted};
use crate::wire::{CallOutcome, Outcall};
use crate::world::World;
use crate::world::indexes::Webhook;
use crate::world::webhook_client::Unreachable;
use alloc::format;
use alloc::string::String;

/// A call that is being made.
#[derive(Clone, Debug)]
pub(super) struct HookCall {
    uid: Text,
    version: ReviewVersion,
    server: WebhookServer,
    timeout_millis: u64,
    kind: HookKind,
}

/// Whether a webhook is to be called.
pub(super) enum Concern {
    No,
    Yes(Matched),
    /// What has to be known first.
    Needs(Pause),
}

/// Whether a webhook is to be called about a write.
/// k8s: staging/src/k8s.io/apiserver/pkg/admission/plugin/webhook/generic/webhook.go ShouldCallHook
pub(super) fn concern(
    world: &World,
    attributes: &AdmissionAttributes<'_>,
    written: WrittenObjects<'_>,
    webhook: &Webhook,
    lookups: &mut Lookups,
) -> Result<Concern, Failure> {
    let matched = match matches(world, attributes, written, &webhook.criteria, &mut lookups.namespace)? {
        Matching::No => return Ok(Concern::No),
        Matching::Needs(question) => return Ok(Concern::Needs(question.into())),
        Matching::Yes(matched) => matched,
    };
    let conditions = webhook.conditions.compiled();
    if conditions.is_empty() {
        return Ok(Concern::Yes(matched));
    }
    let seen = |value| versioned::seen(world, attributes, &matched.resource, value);
    let request = review::request("", attributes, &matched.resource, written.object, None);
    let activation = Activation {
        object: &seen(written.object)?,
        old_object: &seen(written.old)?,
        request: &review::request_of_conditions(request),
        namespace: &Value::Null,
        params: &Value::Null,
        authorizer: Some(&access::variables(attributes)),
    };
    let mut deciders = Deciders::new(world, &lookups.decisions);
    let met = conditions.met(activation, None, &mut deciders, webhook.ignores_failures);
    if !deciders.wanted.is_empty() {
        return Ok(Concern::Needs(Pause::Checks(deciders.wanted)));
    }
    match met {
        ConditionsMet::Yes => Ok(Concern::Yes(matched)),
        ConditionsMet::No => Ok(Concern::No),
        ConditionsMet::Failed(_) if world.config.flaw.is(Mutant::ConditionFailureSkips) => Ok(Concern::No),
        ConditionsMet::Failed(why) => {
            let name = review::name_of(attributes, written.object);
            Err(Failure::forbidden(attributes.qualified(), name, &why))
        }
    }
}

impl HookCall {
    /// Begins a call about a write whose objects are seen as these. `round` makes its uid another one than that of the
    /// same webhook's other calls.
    pub(super) fn begin(
        world: &World,
        attributes: &AdmissionAttributes<'_>,
        webhook: &Webhook,
        matched: &Matched,
        [object, old]: [&Value; 2],
        (kind, round): (HookKind, u64),
    ) -> Result<(Self, Outcall), HookFailure> {
        if attributes.dry_run && !webhook.takes_dry_runs {
            let name = quoted(&webhook.name);
            let why = format!("admission webhook {name} does not support dry run");
            return Err(HookFailure::Final(Failure::bad_request(why)));
        }
        let version = webhook.review_version.ok_or_else(|| {
            let why = "could not create admission objects: webhook does not accept known AdmissionReview versions \
                       (v1, v1beta1)";
            HookFailure::Calling(why.into())
        })?;
        let plugins = &world.config.admission.plugins;
        let users = match kind {
            HookKind::Mutating => &plugins.mutating_users,
            HookKind::Validating => &plugins.validating_users,
        };
        let timeout_millis = webhook.timeout_millis;
        let server = webhook.client.server(world, users).map_err(|unreachable| match unreachable {
            Unreachable::Unusable(why) => {
                let name = quoted(&webhook.name);
                let why = format!("failed calling webhook {name}: {why}");
                HookFailure::Calling(format!("could not get REST client: {why}"))
            }
            Unreachable::Unresolved(why, server) => {
                let why = server.no_answer(timeout_millis, &why);
                HookFailure::Calling(format!("failed to call webhook: {why}"))
            }
        })?;
        let uid = uid(attributes, webhook, object, round);
        let texts = [object, old].map(|seen| versioned::text(world, attributes, &matched.resource, seen));
        let body = review::body(version, &uid, attributes, &matched.resource, texts);
        let call = server.call_once(body, timeout_millis);
        Ok((Self { uid, version, server, timeout_millis, kind }, call))
    }

    /// What came of it.
    pub(super) fn end(
        &self,
        world: &World,
        webhook: &Webhook,
        outcome: &CallOutcome,
    ) -> Result<AdmissionResponse, HookFailure> {
        let called = outcome.as_ref().map_err(|error| {
            let why = reviews::no_answer(&self.server, self.timeout_millis, error);
            HookFailure::Calling(format!("failed to call webhook: {why}"))
        })?;
        let catalogue = &world.registry.catalogue;
        answer::read(catalogue, &webhook.name, (self.version, &self.uid), called, self.kind)
    }
}

/// The uid of a review, another one for every call: an attempt of the same request that begins with another object has
/// another one too.
fn uid(attributes: &AdmissionAttributes<'_>, webhook: &Webhook, object: &Value, round: u64) -> Text {
    let purpose: String = format!(
        "review {} {} {}",
        webhook.key,
        object::name(object),
        object::resource_version(attributes.old)
    );
    attributes.rng.fork(&purpose, round).uuid()
}
