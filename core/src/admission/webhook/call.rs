//! A call of a webhook about a write, and what came of it.

use super::answer::{self, AdmissionResponse, HookKind};
use super::{HookFailure, review, versioned};
use crate::admission::AdmissionAttributes;
use crate::admission::matching::{Matched, Matching, NamespaceLookup, WrittenObjects, matches};
use crate::config::{ReviewVersion, WebhookServer};
use crate::question::Question;
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
    /// What has to be asked first.
    Needs(Question),
}

/// Whether a webhook is to be called about a write.
/// k8s: staging/src/k8s.io/apiserver/pkg/admission/plugin/webhook/generic/webhook.go ShouldCallHook
pub(super) fn concern(
    world: &World,
    attributes: &AdmissionAttributes<'_>,
    written: WrittenObjects<'_>,
    webhook: &Webhook,
    namespace: &mut NamespaceLookup,
) -> Result<Concern, Failure> {
    Ok(match matches(world, attributes, written, &webhook.criteria, namespace)? {
        Matching::No => Concern::No,
        Matching::Needs(question) => Concern::Needs(question),
        Matching::Yes(matched) => Concern::Yes(matched),
    })
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
        if webhook.has_conditions {
            return Err(HookFailure::Calling("match conditions are not evaluated by this server yet".into()));
        }
        let resource = &matched.resource;
        if resource.id != attributes.resource.id && resource.converter.is_some() {
            let why = "objects that a webhook converts are not shown in another version by this server yet";
            return Err(HookFailure::Calling(why.into()));
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
