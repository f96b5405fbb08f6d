//! What expressions of policies and webhooks ask the authorizers.
//! k8s: staging/src/k8s.io/apiserver/pkg/cel/library/authz.go,
//! staging/src/k8s.io/apiserver/pkg/admission/plugin/authorizer

use crate::admission::AdmissionAttributes;
use crate::authorization::{AttributesRecord, Decided, Deciding};
use crate::caller::Caller;
use crate::cel::{self, AccessCheck, AccessRuling, AccessTarget, AccessUser};
use crate::expressions::{AuthorizerVariables, Decisions};
use crate::question::Ruling;
use crate::value::{Text, Value};
use crate::world::World;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// The variables of a request.
pub(in crate::admission) fn variables(attributes: &AdmissionAttributes<'_>) -> AuthorizerVariables {
    let Caller { name, uid, groups, extra } = attributes.caller.clone();
    let user = Arc::new(AccessUser { name, uid, groups, extra });
    let (group, resource) = (&attributes.resource.group, &attributes.resource.plural);
    let (sub, namespace) = (attributes.subresource, attributes.namespace_of_request());
    AuthorizerVariables {
        authorizer: cel::authorizer(&user),
        request_resource: cel::request_resource(&user, group, resource, sub, namespace, attributes.name),
    }
}

/// What the authorizers have said to a request so far.
#[derive(Clone, Debug, Default)]
pub(in crate::admission) struct KnownDecisions {
    known: BTreeMap<AccessCheck, AccessRuling>,
    /// What they are being asked.
    asked: Vec<AccessCheck>,
}

impl KnownDecisions {
    /// Takes the answers to what was asked, in the order in which it was.
    pub(in crate::admission) fn take(&mut self, rulings: Vec<Ruling>) {
        for (check, ruling) in core::mem::take(&mut self.asked).into_iter().zip(rulings) {
            self.known.insert(check, told(ruling));
        }
    }

    /// Notes what is asked, and returns it.
    pub(in crate::admission) fn ask(&mut self, wanted: Vec<AccessCheck>) -> Vec<AttributesRecord> {
        let questions = wanted.iter().map(record).collect();
        self.asked = wanted;
        questions
    }
}

/// Decides what expressions ask, as far as it can be decided at once.
pub(in crate::admission) struct Deciders<'a> {
    pub(in crate::admission) world: &'a World,
    pub(in crate::admission) known: &'a KnownDecisions,
    /// What has to be asked. While there is any, no result counts.
    pub(in crate::admission) wanted: Vec<AccessCheck>,
}

impl<'a> Deciders<'a> {
    pub(in crate::admission) fn new(world: &'a World, known: &'a KnownDecisions) -> Self {
        Self { world, known, wanted: Vec::new() }
    }
}

impl Decisions for Deciders<'_> {
    fn decide(&mut self, check: &AccessCheck) -> Option<AccessRuling> {
        if let Some(known) = self.known.known.get(check) {
            return Some(known.clone());
        }
        match Deciding::new(alloc::vec![record(check)]).go_on(self.world, None) {
            Decided::All(rulings) => rulings.into_iter().next().map(told),
            Decided::Wait(..) => {
                if !self.wanted.contains(check) {
                    self.wanted.push(check.clone());
                }
                None
            }
        }
    }
}

fn told(ruling: Ruling) -> AccessRuling {
    let Ruling { is_allowed, reason, error, .. } = ruling;
    AccessRuling { is_allowed, reason: reason.into(), error: error.into() }
}

fn record(check: &AccessCheck) -> AttributesRecord {
    let AccessUser { name, uid, groups, extra } = (*check.user).clone();
    let user = Caller { name, uid, groups, extra };
    match &check.target {
        AccessTarget::Path(path) => AttributesRecord::of_path(user, &check.verb, path),
        AccessTarget::Resource {
            group,
            resource,
            subresource,
            namespace,
            name,
            field_selector,
            label_selector,
        } => AttributesRecord {
            subresource: subresource.clone(),
            namespace: namespace.clone(),
            name: name.clone(),
            field_selector: selector(field_selector),
            label_selector: selector(label_selector),
            ..AttributesRecord::of_resource(&user, &check.verb, group, resource)
        },
    }
}

/// A selector as access reviews have it; Null for none.
fn selector(text: &Text) -> Value {
    if text.is_empty() {
        return Value::Null;
    }
    let mut selector = Value::empty_map();
    selector.set("rawSelector", Value::Str(text.clone()));
    selector
}
